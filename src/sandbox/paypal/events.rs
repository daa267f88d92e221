//! Webhooks v1: events and their signed transmissions.
//!
//! A transmission signs `transmission_id|time|webhook_id|crc32(body)` with RSA-SHA256 under the sandbox's certificate;
//! its id, time and signature are made at the first try and stay the same for the rest. A forged one is signed over
//! another webhook's id: right key, wrong receiver.

mod transmission;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::{Record, Session};
use super::super::courier::{self, Notice, Sender};
use super::super::scenario::Faults;
use super::super::{Sandbox, SandboxError, serial};
use super::envelope::{Answer, Refusal};
use super::order::Order;
use super::webhooks::Webhook;
use super::{Call, amount, orders, stamp};

pub(super) use transmission::{certificate, verify};
pub(in super::super) use transmission::{notice_headers, transmit};

/// PayPal tries 25 times in three days.
const TRIES: u32 = 25;

/// An event, byte for byte as it is sent.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    id: String,
    client_id: String,
    order_id: String,
    name: String,
    created: DateTime<Utc>,
    body: String,
}

impl Record for Event {
    const KIND: &'static str = "paypal.event";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.client_id)
    }
}

/// What an event is about: an order, or a batch of payouts.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub client_id: &'a str,
    /// The far side's id of it; notices of one subject keep their order.
    pub id: &'a str,
    pub faults: &'a Faults,
}

impl Order {
    fn subject(&self) -> Subject<'_> {
        Subject { client_id: &self.client_id, id: &self.id, faults: &self.faults }
    }
}

/// Writes an event about an order down and a notice for every webhook that wants it.
pub(super) async fn announce(
    sandbox: &Sandbox,
    session: &mut Session,
    order: &Order,
    name: &str,
    resource_type: &str,
    resource: Value,
) -> Result<(), SandboxError> {
    tell(sandbox, session, order.subject(), name, resource_type, resource).await
}

/// The same for any subject.
pub(super) async fn tell(
    sandbox: &Sandbox,
    session: &mut Session,
    subject: Subject<'_>,
    name: &str,
    resource_type: &str,
    resource: Value,
) -> Result<(), SandboxError> {
    let event = make(sandbox, subject, name, resource_type, resource);
    session.put(&event).await?;
    for webhook in session.under::<Webhook>(subject.client_id).await? {
        if webhook.wants(name) {
            let notice = notice(&event, &webhook);
            courier::enqueue(sandbox, session, subject.faults, notice).await?;
        }
    }
    Ok(())
}

/// A notice that claims the order is captured, signed for somebody else.
pub(super) async fn forge(
    sandbox: &Sandbox,
    session: &mut Session,
    order: &Order,
) -> Result<(), SandboxError> {
    let Some(unit) = order.units.first() else { return Ok(()) };
    let claimed = json!({
        "id": serial::capitals(&sandbox.ids, 17),
        "status": "COMPLETED",
        "amount": amount::write(unit.amount),
        "final_capture": true,
        "custom_id": unit.custom_id,
        "invoice_id": unit.invoice_id,
        "supplementary_data": {"related_ids": {"order_id": order.id}},
        "create_time": stamp(sandbox.clock.now()),
    });
    lie(sandbox, session, order.subject(), "PAYMENT.CAPTURE.COMPLETED", "capture", claimed).await
}

/// An event that did not happen, signed for somebody else.
pub(super) async fn lie(
    sandbox: &Sandbox,
    session: &mut Session,
    subject: Subject<'_>,
    name: &str,
    resource_type: &str,
    claimed: Value,
) -> Result<(), SandboxError> {
    let event = make(sandbox, subject, name, resource_type, claimed);
    for webhook in session.under::<Webhook>(subject.client_id).await? {
        courier::enqueue_forged(sandbox, session, notice(&event, &webhook)).await?;
    }
    Ok(())
}

fn make(sandbox: &Sandbox, subject: Subject<'_>, name: &str, resource_type: &str, resource: Value) -> Event {
    let id = format!("WH-{}-{}", serial::capitals(&sandbox.ids, 17), serial::capitals(&sandbox.ids, 17));
    let created = sandbox.clock.now();
    let href = format!("{}/v1/notifications/webhooks-events/{id}", sandbox.paypal_url());
    let body = json!({
        "id": id,
        "event_version": "1.0",
        "create_time": stamp(created),
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": name,
        "summary": summary(name),
        "resource": resource,
        "links": [{"href": href, "rel": "self", "method": "GET"},
                  {"href": format!("{href}/resend"), "rel": "resend", "method": "POST"}],
    });
    Event {
        client_id: subject.client_id.to_owned(),
        order_id: subject.id.to_owned(),
        name: name.to_owned(),
        created,
        body: body.to_string(),
        id,
    }
}

fn summary(name: &str) -> &'static str {
    match name {
        "CHECKOUT.ORDER.APPROVED" => "An order has been approved by buyer",
        "PAYMENT.CAPTURE.COMPLETED" => "Payment completed",
        "PAYMENT.CAPTURE.PENDING" => "Payment pending",
        "PAYMENT.CAPTURE.DENIED" => "Payment denied",
        "PAYMENT.CAPTURE.REFUNDED" => "Payment refunded",
        "PAYMENT.REFUND.PENDING" => "Refund pending",
        "PAYMENT.REFUND.FAILED" => "Refund failed",
        "CUSTOMER.DISPUTE.CREATED" => "A new dispute opened with Case # PP-D",
        "CUSTOMER.DISPUTE.UPDATED" => "A dispute was updated",
        "CUSTOMER.DISPUTE.RESOLVED" => "A dispute was resolved",
        "PAYMENT.PAYOUTSBATCH.PROCESSING" => "Payouts batch is processing.",
        "PAYMENT.PAYOUTSBATCH.SUCCESS" => "Payouts batch completed successfully.",
        "PAYMENT.PAYOUTSBATCH.DENIED" => "Payouts batch got denied.",
        _ if name.starts_with("PAYMENT.PAYOUTS-ITEM.") => "The state of a payout item has changed.",
        "PAYMENT.AUTHORIZATION.CREATED" => "Authorization created",
        "PAYMENT.AUTHORIZATION.VOIDED" => "Authorization voided",
        _ => "",
    }
}

fn notice<'a>(event: &'a Event, webhook: &'a Webhook) -> Notice<'a> {
    let sender = Sender::PayPal { webhook_id: webhook.id.clone(), event_id: event.id.clone() };
    Notice { payment: &event.order_id, url: &webhook.url, sender, body: &event.body }
}

/// How long PayPal waits after a try; `None` after the last.
pub(in super::super) fn patience(tries: u32) -> Option<TimeDelta> {
    (tries < TRIES).then(|| TimeDelta::seconds((30_i64 << tries.saturating_sub(1).min(12)).min(4 * 3_600)))
}

/// `GET /v1/notifications/webhooks-events`: newest first.
pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let name = call.query("event_type");
    let transaction = call.query("transaction_id");
    let limit = call.query("page_size").and_then(|size| size.parse().ok()).unwrap_or(10_usize);
    let events: Vec<Event> = call.session.under(&call.app.client_id).await?;
    let shown: Vec<Value> = events
        .iter()
        .rev()
        .filter(|event| name.as_deref().is_none_or(|name| event.name == name))
        .filter_map(|event| serde_json::from_str::<Value>(&event.body).ok())
        .filter(|event| transaction.as_deref().is_none_or(|id| event["resource"]["id"] == id))
        .take(limit)
        .collect();
    Ok(Answer::ok(json!({"events": shown, "count": shown.len(), "links": []})))
}

/// `GET /v1/notifications/webhooks-events/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let event = own_event(call, id).await?;
    Ok(Answer::ok(serde_json::from_str(&event.body).map_err(SandboxError::from)?))
}

/// `POST /v1/notifications/webhooks-events/{id}/resend`: again to every webhook that wants it, whatever was armed.
pub(super) async fn resend(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let event = own_event(call, id).await?;
    for webhook in call.session.under::<Webhook>(&call.app.client_id).await? {
        if webhook.wants(&event.name) {
            let notice = notice(&event, &webhook);
            courier::enqueue(call.sandbox, &mut call.session, &Default::default(), notice).await?;
        }
    }
    Ok(Answer { status: 202, body: serde_json::from_str(&event.body).ok(), broken: false })
}

async fn own_event(call: &mut Call<'_>, id: &str) -> Result<Event, Refusal> {
    let found: Option<Event> = call.session.find(id).await?;
    found.filter(|event| event.client_id == call.app.client_id).ok_or_else(Refusal::not_found)
}

/// Announces that the shopper approved.
pub(super) async fn announce_approval(
    sandbox: &Sandbox,
    session: &mut Session,
    order: &Order,
) -> Result<(), SandboxError> {
    let app = orders::app_of(session, order).await?;
    let units: Vec<Value> = order
        .units
        .iter()
        .map(|unit| {
            let mut shown = Value::Object(unit.sent.clone());
            shown["reference_id"] = json!(unit.reference_id);
            shown["payee"] = json!({"merchant_id": app.merchant_id});
            shown
        })
        .collect();
    let resource = json!({
        "id": order.id,
        "status": order.status,
        "intent": order.intent,
        "purchase_units": units,
        "payer": {"payer_id": super::order::PAYER, "email_address": "shopper@example.com"},
        "create_time": stamp(order.created),
        "update_time": stamp(order.updated),
        "links": [{"href": format!("{}/v2/checkout/orders/{}", sandbox.paypal_url(), order.id),
                   "rel": "self", "method": "GET"}],
    });
    announce(sandbox, session, order, "CHECKOUT.ORDER.APPROVED", "checkout-order", resource).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paypal_tries_for_just_under_three_days() {
        let waits: Vec<TimeDelta> = (1..=30).map_while(patience).collect();
        assert_eq!(waits.len(), 24);
        let total = waits.iter().fold(TimeDelta::zero(), |sum, wait| sum + *wait);
        assert!(total > TimeDelta::days(2) && total < TimeDelta::days(3), "{total}");
    }
}
