//! Xendit's webhooks: the account's token in a header, no signature.

use chrono::TimeDelta;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::book::Session;
use super::super::courier::{self, Delivery, Notice, Sender};
use super::super::{Sandbox, SandboxError, serial};
use super::{Business, Payout, State, calls, stamp};

/// About a day, doubled from a minute on.
const TRIES: u32 = 11;

/// Writes down what happened to a payout.
pub(super) async fn tell(
    sandbox: &Sandbox,
    session: &mut Session,
    payout: &Payout,
    event: &str,
) -> Result<(), SandboxError> {
    let Some((url, body)) = written(sandbox, session, payout, event).await? else { return Ok(()) };
    let sender = Sender::Xendit { business_id: payout.business_id.clone() };
    let notice = Notice { payment: &payout.id, url: &url, sender, body: &body };
    courier::enqueue(sandbox, session, &payout.faults, notice).await
}

/// A notice that claims that the payee has the money, with a token nobody gave out.
pub(super) async fn forge(
    sandbox: &Sandbox,
    session: &mut Session,
    payout: &Payout,
) -> Result<(), SandboxError> {
    let claimed = Payout { state: State::Succeeded, ..payout.clone() };
    let event = "payout.succeeded";
    let Some((url, body)) = written(sandbox, session, &claimed, event).await? else { return Ok(()) };
    let sender = Sender::Xendit { business_id: payout.business_id.clone() };
    courier::enqueue_forged(sandbox, session, Notice { payment: &payout.id, url: &url, sender, body: &body })
        .await
}

async fn written(
    sandbox: &Sandbox,
    session: &mut Session,
    payout: &Payout,
    event: &str,
) -> Result<Option<(super::Address, String)>, SandboxError> {
    let business: Option<Business> = session.find(&payout.business_id).await?;
    let Some(url) = business.and_then(|business| business.webhook_url) else { return Ok(None) };
    let body = format!(
        "{{\"event\":\"{event}\",\"business_id\":\"{}\",\"created\":\"{}\",\"data\":{}}}",
        payout.business_id,
        stamp(sandbox.clock.now()),
        calls::shown(payout)
    );
    Ok(Some((url, body)))
}

/// A minute, doubled after each try; `None` after the last.
pub(in super::super) fn patience(tries: u32) -> Option<TimeDelta> {
    (tries < TRIES).then(|| TimeDelta::minutes(1_i64 << tries.saturating_sub(1)))
}

/// What goes with a try.
pub(in super::super) async fn notice_headers(
    sandbox: &Sandbox,
    session: &mut Session,
    business_id: &str,
    delivery: &Delivery,
) -> Result<HeaderMap, SandboxError> {
    let business: Option<Business> = session.find(business_id).await?;
    let gone = || SandboxError::Setting(format!("business `{business_id}` is gone"));
    let business = business.ok_or_else(gone)?;
    let token = if delivery.forged { serial::secret(&sandbox.ids) } else { business.callback_token };
    let pairs = [
        ("content-type", "application/json".to_owned()),
        ("x-callback-token", token),
        ("webhook-id", delivery.id.clone()),
    ];
    let header = |(name, value): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    };
    Ok(pairs.into_iter().filter_map(header).collect())
}
