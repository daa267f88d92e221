//! Payments v2: authorizations of orders with `intent=AUTHORIZE`. Valid for 29 days, captured in parts up to their
//! amount, voided while nothing is captured.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::Record;
use super::super::scenario::Scenario;
use super::super::serial;
use super::captures::{self, Taking};
use super::envelope::{Answer, Refusal};
use super::order::{Order, Unit, refuse_amount};
use super::{Call, amount, events, stamp};
use crate::money::Money;

const VALIDITY: TimeDelta = TimeDelta::days(29);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Authorization {
    id: String,
    client_id: String,
    order_id: String,
    pub reference_id: String,
    amount: Money,
    captured: Money,
    closed: Option<Closed>,
    created: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Closed {
    Voided,
    FinalCapture,
}

impl Record for Authorization {
    const KIND: &'static str = "paypal.authorization";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.order_id)
    }
}

impl Authorization {
    fn status(&self) -> &'static str {
        match self.closed {
            Some(Closed::Voided) => "VOIDED",
            Some(Closed::FinalCapture) => "CAPTURED",
            None if self.captured == self.amount => "CAPTURED",
            None if self.captured.is_positive() => "PARTIALLY_CAPTURED",
            None => "CREATED",
        }
    }

    pub(super) fn represent(&self, call: &Call<'_>) -> Value {
        let path = format!("/v2/payments/authorizations/{}", self.id);
        json!({
            "id": self.id,
            "status": self.status(),
            "amount": amount::write(self.amount),
            "payee": {"merchant_id": call.app.merchant_id},
            "supplementary_data": {"related_ids": {"order_id": self.order_id}},
            "expiration_time": stamp(self.created + VALIDITY),
            "create_time": stamp(self.created),
            "update_time": stamp(self.created),
            "links": [call.link("self", "GET", &path), call.link("capture", "POST", &format!("{path}/capture")),
                      call.link("void", "POST", &format!("{path}/void")),
                      call.link("up", "GET", &format!("/v2/checkout/orders/{}", self.order_id))],
        })
    }
}

/// Authorises a unit of an approved order.
pub(super) async fn create(call: &mut Call<'_>, order: &Order, unit: &Unit) -> Result<(), Refusal> {
    let authorization = Authorization {
        id: serial::capitals(&call.sandbox.ids, 17),
        client_id: call.app.client_id.clone(),
        order_id: order.id.clone(),
        reference_id: unit.reference_id.clone(),
        amount: unit.amount,
        captured: Money::zero(unit.amount.currency()),
        closed: None,
        created: call.now,
    };
    call.session.put(&authorization).await?;
    let resource = authorization.represent(call);
    let name = "PAYMENT.AUTHORIZATION.CREATED";
    Ok(events::announce(call.sandbox, &mut call.session, order, name, "authorization", resource).await?)
}

/// The authorizations of an order.
pub(super) async fn of_order(call: &mut Call<'_>, order_id: &str) -> Result<Vec<Authorization>, Refusal> {
    Ok(call.session.under(order_id).await?)
}

/// `GET /v2/payments/authorizations/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let authorization = own(call, id).await?;
    Ok(Answer::ok(authorization.represent(call)))
}

/// `POST /v2/payments/authorizations/{id}/capture`.
pub(super) async fn capture(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let body = call.object(false)?;
    let mut authorization = own(call, id).await?;
    match authorization.closed {
        Some(Closed::Voided) => {
            return Err(Refusal::unprocessable("AUTHORIZATION_VOIDED"));
        }
        Some(Closed::FinalCapture) => {
            return Err(Refusal::unprocessable("AUTHORIZATION_ALREADY_CAPTURED"));
        }
        None => {}
    }
    if call.now >= authorization.created + VALIDITY {
        return Err(Refusal::unprocessable("AUTHORIZATION_EXPIRED"));
    }
    let left = authorization.amount.minor() - authorization.captured.minor();
    let left = Money::from_minor(left, authorization.amount.currency());
    let asked = match body.get("amount") {
        Some(sent) => amount::read(Some(sent), "/amount", false).map_err(refuse_amount)?,
        None => left,
    };
    if asked.currency() != left.currency() {
        return Err(Refusal::unprocessable("AUTH_CURRENCY_MISMATCH"));
    }
    if asked.minor() > left.minor() || asked.is_zero() {
        return Err(Refusal::unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED"));
    }
    let mut order: Order = call.session.find(&authorization.order_id).await?.ok_or_else(Refusal::internal)?;
    let unit = order.units.iter().find(|unit| unit.reference_id == authorization.reference_id).cloned();
    let unit = unit.ok_or_else(Refusal::internal)?;
    let named = body.get("invoice_id").and_then(Value::as_str).map(str::to_owned);
    let first = authorization.captured.is_zero();
    let invoice_id = named.or_else(|| unit.invoice_id.clone().filter(|_| first));
    let is_final = body.get("final_capture").and_then(Value::as_bool).unwrap_or(false) || asked == left;
    let capture =
        captures::take(call, Taking { order: &order, unit: &unit, asked, invoice_id, is_final }).await?;
    let captured = authorization.captured.minor() + asked.minor();
    authorization.captured = Money::from_minor(captured, asked.currency());
    authorization.closed = is_final.then_some(Closed::FinalCapture);
    call.session.put(&authorization).await?;
    let broken = order.faults.strikes(Scenario::TimeoutAfterSuccess, "capture");
    call.session.put(&order).await?;
    Ok(Answer::created(capture.represent(call)).broken_if(broken))
}

/// `POST /v2/payments/authorizations/{id}/void`.
pub(super) async fn void(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let mut authorization = own(call, id).await?;
    if authorization.closed == Some(Closed::Voided) {
        return Err(Refusal::unprocessable("PREVIOUSLY_VOIDED"));
    }
    if authorization.captured.is_positive() {
        return Err(Refusal::unprocessable("PREVIOUSLY_CAPTURED"));
    }
    authorization.closed = Some(Closed::Voided);
    call.session.put(&authorization).await?;
    let order: Order = call.session.find(&authorization.order_id).await?.ok_or_else(Refusal::internal)?;
    let resource = authorization.represent(call);
    let name = "PAYMENT.AUTHORIZATION.VOIDED";
    events::announce(call.sandbox, &mut call.session, &order, name, "authorization", resource.clone())
        .await?;
    Ok(if call.wants_representation() { Answer::ok(resource) } else { Answer::empty(204) })
}

async fn own(call: &mut Call<'_>, id: &str) -> Result<Authorization, Refusal> {
    let found: Authorization = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    if found.client_id == call.app.client_id { Ok(found) } else { Err(Refusal::forbidden()) }
}
