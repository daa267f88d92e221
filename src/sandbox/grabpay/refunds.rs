//! Refunds: partial and repeated, never two of one charge at the same time, paid from the merchant's wallet.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::scenario::Scenario;
use super::super::{Sandbox, serial};
use super::charge::{Charge, ChargeState, Refund};
use super::charges::{amount, reference};
use super::{Answer, Call, Refusal, notices, token, wallet};
use crate::money::Money;

/// A charge's refund in progress; ends when dropped.
pub(super) struct InProgress {
    origin: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.origin);
    }
}

/// Marks the charge of a refund request as being refunded; refuses a second one meanwhile.
pub(super) fn begin(
    sandbox: &Sandbox,
    segments: &[&str],
    body: &[u8],
) -> Result<Option<InProgress>, Refusal> {
    if segments.last() != Some(&"refund") {
        return Ok(None);
    }
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let origin = body.as_ref().and_then(|body| body.get("originTxID")?.as_str()).map(str::to_owned);
    let Some(origin) = origin else { return Ok(None) };
    let all = sandbox.refunding.clone();
    let first = all.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.clone());
    if !first {
        let why = "another refund of this charge is in progress";
        return Err(Refusal::new(409, "concurrent_refunds_not_supported", why));
    }
    Ok(Some(InProgress { origin, all }))
}

/// `POST /grabpay/partner/v2/refund`.
pub(super) async fn refund(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (partner, token) = token::bearer(call).await?;
    let body = call.object()?;
    let partner_tx_id = reference(&body, "partnerTxID")?;
    let partner_group_tx_id = reference(&body, "partnerGroupTxID")?;
    let amount = amount(&body, &partner)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let charge: Option<Charge> = call.session.find(text("originTxID")).await?;
    let mut charge = charge
        .filter(|charge| charge.partner_id == partner.partner_id && charge.tx_id == token.tx_id)
        .ok_or_else(|| Refusal::new(409, "payment_not_found", "originTxID is no charge of this token"))?;
    let known: Vec<Refund> = call.session.under(&partner_tx_id).await?;
    if known.iter().any(|refund| refund.partner_id == partner.partner_id) {
        return Err(Refusal::new(409, "transaction_already_exists", "ask for its status"));
    }
    let ChargeState::Captured { at } = charge.state else {
        return Err(Refusal::new(409, "payment_not_found", "the charge was not captured"));
    };
    if amount.currency() != charge.amount.currency() {
        return Err(Refusal::new(409, "currency_mismatch", "the charge is in another currency"));
    }
    if amount.minor() > charge.amount.minor() - charge.refunded.minor() {
        return Err(Refusal::new(409, "client_error", "more than is left of the charge"));
    }
    if call.now > at + window(&partner.country) {
        return Err(Refusal::new(409, "client_error", "the refund window is over"));
    }
    let refused = "the merchant's wallet holds less than this refund";
    if charge.faults.strikes(Scenario::InsufficientBalance, "funds") {
        call.session.put(&charge).await?;
        return Ok(Refusal::new(409, "merchant_insufficient_balance", refused).answer());
    }
    if charge.faults.strikes(Scenario::RefundRefused, "refund") {
        call.session.put(&charge).await?;
        return Ok(Refusal::new(409, "client_error", "this charge cannot be refunded").answer());
    }
    if !wallet::pay_back(call.sandbox, &mut call.session, &partner, amount, call.now).await? {
        return Err(Refusal::new(409, "merchant_insufficient_balance", refused));
    }
    charge.refunded = Money::from_minor(charge.refunded.minor() + amount.minor(), amount.currency());
    let broken = charge.faults.strikes(Scenario::TimeoutAfterSuccess, "refund");
    call.session.put(&charge).await?;
    let refund = Refund {
        tx_id: serial::hex(&call.sandbox.ids),
        partner_id: partner.partner_id.clone(),
        partner_tx_id,
        partner_group_tx_id,
        origin_tx_id: charge.tx_id.clone(),
        amount,
        description: text("description").to_owned(),
        at: call.now,
    };
    call.session.put(&refund).await?;
    notices::announce_refund(call.sandbox, &mut call.session, &partner, &charge, &refund).await?;
    Ok(Answer { broken, ..Answer::ok(shown(&refund)) })
}

/// `GET /grabpay/partner/v2/refund/{partnerTxID}/status?currency=`.
pub(super) async fn status(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let (partner, _) = token::bearer(call).await?;
    let refunds: Vec<Refund> = call.session.under(id).await?;
    let refund = refunds.into_iter().find(|refund| refund.partner_id == partner.partner_id);
    let refund =
        refund.ok_or_else(|| Refusal::new(404, "no_record_found", "no refund of this partnerTxID"))?;
    if call.query("currency").as_deref() != Some(refund.amount.currency().code()) {
        return Err(Refusal::new(409, "currency_mismatch", "the refund is in another currency"));
    }
    Ok(Answer::ok(shown(&refund)))
}

fn shown(refund: &Refund) -> Value {
    json!({
        "txID": refund.tx_id,
        "partnerTxID": refund.partner_tx_id,
        "originTxID": refund.origin_tx_id,
        "status": "success",
        "txStatus": "success",
        "reason": "",
        "amount": refund.amount.minor(),
        "currency": refund.amount.currency(),
        "description": refund.description,
    })
}

/// 180 days in Thailand, 365 elsewhere.
fn window(country: &str) -> TimeDelta {
    TimeDelta::days(if country == "TH" { 180 } else { 365 })
}
