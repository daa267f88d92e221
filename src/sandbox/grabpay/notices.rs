//! Grab's webhooks: `Init`, `Auth`, `Capture`, `Refund`, signed with the partner's secret over the receiver's own
//! path, dated at each try.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::book::Session;
use super::super::courier::{self, Delivery, Notice, Sender};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::charge::{Charge, Refund, Standing};
use super::{Partner, sign};
use crate::money::Money;

/// As production sends it; part of what is signed.
const CONTENT_TYPE: &str = "application/json; charset=utf-8";
/// Grab gives up after this many tries (its number is not published).
const TRIES: u32 = 12;

/// Writes down what happened to a charge.
pub(super) async fn announce_charge(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    charge: &Charge,
    tx_type: &str,
) -> Result<(), SandboxError> {
    let body = charge_body(charge, tx_type, &charge.standing(sandbox.clock.now()), sandbox.clock.now());
    enqueue(sandbox, session, partner, charge, &body).await
}

/// Writes down what was refunded.
pub(super) async fn announce_refund(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    charge: &Charge,
    refund: &Refund,
) -> Result<(), SandboxError> {
    let body = json!({
        "txType": "Refund",
        "txStatus": "success",
        "status": "success",
        "partnerID": refund.partner_id,
        "partnerTxID": refund.partner_tx_id,
        "txID": refund.tx_id,
        "origTxID": refund.origin_tx_id,
        "amount": refund.amount.minor(),
        "currency": refund.amount.currency(),
        "createdAt": refund.at.timestamp(),
        "completedAt": refund.at.timestamp(),
        "payload": {"partnerGroupTxID": refund.partner_group_tx_id, "newStatus": "success", "reason": "",
                    "paymentMethod": "GPWALLET"},
    });
    enqueue(sandbox, session, partner, charge, &body).await
}

/// A notice that claims the charge is captured, signed with a secret nobody has.
pub(super) async fn forge(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    charge: &Charge,
) -> Result<(), SandboxError> {
    let Some(url) = &partner.webhook_url else { return Ok(()) };
    let claimed = Standing { tx_status: "success", reason: String::new() };
    let body = charge_body(charge, "Capture", &claimed, sandbox.clock.now()).to_string();
    let sender = Sender::GrabPay { partner_id: partner.partner_id.clone() };
    let notice = Notice { payment: &charge.tx_id, url, sender, body: &body };
    courier::enqueue_forged(sandbox, session, notice).await
}

fn charge_body(charge: &Charge, tx_type: &str, standing: &Standing, now: DateTime<Utc>) -> Value {
    let wrong = charge.faults.has(Scenario::WrongAmount);
    let stated = if wrong { tenth(charge.amount) } else { charge.amount };
    let outcome = if tx_type == "Init" { "success" } else { standing.tx_status };
    json!({
        "txType": tx_type,
        "txStatus": standing.tx_status,
        "status": outcome,
        "partnerID": charge.partner_id,
        "partnerTxID": charge.partner_tx_id,
        "txID": charge.tx_id,
        "amount": stated.minor(),
        "currency": stated.currency(),
        "createdAt": charge.created.timestamp(),
        "completedAt": now.timestamp(),
        "payload": {"partnerGroupTxID": charge.partner_group_tx_id, "newStatus": standing.tx_status,
                    "reason": standing.reason, "paymentMethod": "GPWALLET"},
    })
}

fn tenth(money: Money) -> Money {
    Money::from_minor((money.minor() / 10).max(1), money.currency())
}

async fn enqueue(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    charge: &Charge,
    body: &Value,
) -> Result<(), SandboxError> {
    let Some(url) = &partner.webhook_url else { return Ok(()) };
    let sender = Sender::GrabPay { partner_id: partner.partner_id.clone() };
    let notice = Notice { payment: &charge.tx_id, url, sender, body: &body.to_string() };
    courier::enqueue(sandbox, session, &charge.faults, notice).await
}

/// 15 s, doubled after each try; `None` after the last.
pub(in super::super) fn patience(tries: u32) -> Option<TimeDelta> {
    (tries < TRIES).then(|| TimeDelta::seconds(15_i64 << tries.saturating_sub(1)))
}

/// Signs for this try.
pub(in super::super) async fn notice_headers(
    sandbox: &Sandbox,
    session: &mut Session,
    partner_id: &str,
    delivery: &Delivery,
) -> Result<HeaderMap, SandboxError> {
    let partner: Option<Partner> = session.find(partner_id).await?;
    let partner = partner.ok_or_else(|| SandboxError::Setting(format!("partner `{partner_id}` is gone")))?;
    let secret = if delivery.forged { serial::secret(&sandbox.ids) } else { partner.partner_secret };
    let date = sandbox.clock.wall().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let url = &delivery.url;
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let signature = sign::request(&secret, "POST", CONTENT_TYPE, &date, &path, delivery.body.as_bytes());
    let pairs = [
        ("content-type", CONTENT_TYPE.to_owned()),
        ("date", date),
        ("authorization", format!("{partner_id}:{signature}")),
    ];
    Ok(pairs
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
        })
        .collect())
}
