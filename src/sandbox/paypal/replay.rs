//! `PayPal-Request-Id`: the same id with the same body gets the first answer again; nothing happens twice.
//!
//! Orders are remembered for six hours, payouts for 30 days, payments for 45. Only answers that stand are remembered: after a refusal
//! the same id may be used again. The same id with another body is refused (PayPal's own word for it is not in its
//! published lists; `DUPLICATE_REQUEST_ID` is ours).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::book::Record;
use super::super::serial;
use super::Call;
use super::envelope::{Answer, Refusal};

#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    body: String,
    answer: Option<Value>,
    status: u16,
    until: DateTime<Utc>,
}

impl Record for Kept {
    const KIND: &'static str = "paypal.replay";
    fn id(&self) -> &str {
        &self.id
    }
}

/// The answer that was given to this request before.
pub(super) async fn find(call: &mut Call<'_>) -> Result<Option<Answer>, Refusal> {
    let Some(id) = scope(call)? else { return Ok(None) };
    let kept: Option<Kept> = call.session.find(&id).await?;
    let Some(kept) = kept.filter(|kept| kept.until > call.now) else { return Ok(None) };
    if kept.body != digest(call) {
        return Err(Refusal::unprocessable("DUPLICATE_REQUEST_ID"));
    }
    let status = if kept.status == 201 { 200 } else { kept.status };
    Ok(Some(Answer { status, body: kept.answer, broken: false }))
}

/// Remembers an answer that stands.
pub(super) async fn keep(call: &mut Call<'_>, answer: &Answer) -> Result<(), Refusal> {
    let Some(id) = scope(call)? else { return Ok(()) };
    if answer.status >= 300 {
        return Ok(());
    }
    let path = call.request.path();
    let life = match path {
        _ if path.contains("/v2/checkout/") => TimeDelta::hours(6),
        _ if path.contains("/v1/payments/payouts") => TimeDelta::days(30),
        _ => TimeDelta::days(45),
    };
    let kept = Kept {
        id,
        body: digest(call),
        answer: answer.body.clone(),
        status: answer.status,
        until: call.now + life,
    };
    Ok(call.session.put(&kept).await?)
}

fn scope(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let Some(id) = call.header("paypal-request-id").filter(|_| call.request.method() == "POST") else {
        return Ok(None);
    };
    if id.is_empty() || id.len() > 108 {
        return Err(Refusal::invalid_at("PayPal-Request-Id", "INVALID_STRING_LENGTH"));
    }
    Ok(Some(format!("{} {} {id}", call.app.client_id, call.request.path())))
}

fn digest(call: &Call<'_>) -> String {
    serial::fingerprint(&String::from_utf8_lossy(call.body))
}
