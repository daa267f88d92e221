//! Charges: init, complete, and the two ways to ask.

use serde_json::{Value, json};

use super::super::book::Session;
use super::super::scenario::{Scenario, faults_for};
use super::super::{Sandbox, SandboxError, serial};
use super::charge::{Charge, ChargeState};
use super::{Answer, Call, Partner, Refusal, consent, notices, sign, token, wallet};
use crate::money::{Currency, Money};

/// `POST /grabpay/partner/v2/charge/init`.
pub(super) async fn init(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let partner = call.partner().await?;
    let body = call.object()?;
    let partner_tx_id = reference(&body, "partnerTxID")?;
    let partner_group_tx_id = reference(&body, "partnerGroupTxID")?;
    let amount = amount(&body, &partner)?;
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default();
    if description.is_empty() || description.chars().count() > 255 {
        return Err(Refusal::client_error("description has 1 to 255 characters"));
    }
    if find(&mut call.session, &partner.partner_id, &partner_tx_id).await?.is_some() {
        return Err(Refusal::new(409, "transaction_already_exists", "ask for its status"));
    }
    let tx_id = serial::hex(&call.sandbox.ids);
    let charge = Charge {
        faults: faults_for(&mut call.session, &[&partner_tx_id, &tx_id]).await?,
        tx_id,
        partner_id: partner.partner_id.clone(),
        partner_tx_id,
        partner_group_tx_id,
        merchant_id: partner.merchant_id.clone(),
        amount,
        description: description.to_owned(),
        state: ChargeState::AwaitingConsent,
        refunded: Money::zero(amount.currency()),
        created: call.now,
    };
    call.session.put(&charge).await?;
    notices::announce_charge(call.sandbox, &mut call.session, &partner, &charge, "Init").await?;
    if charge.faults.has(Scenario::ForgedCallback) {
        notices::forge(call.sandbox, &mut call.session, &partner, &charge).await?;
    }
    let request = sign::unsigned_jwt(&json!({
        "txID": charge.tx_id,
        "partnerTxID": charge.partner_tx_id,
        "merchantID": charge.merchant_id,
        "amount": charge.amount.minor(),
        "currency": charge.amount.currency(),
        "iat": call.now.timestamp(),
        "exp": call.now.timestamp() + 1_200,
    }));
    Ok(Answer::ok(json!({"partnerTxID": charge.partner_tx_id, "request": request})))
}

/// `POST /grabpay/partner/v2/charge/complete`: takes the money once; asked again it answers how the charge stands.
pub(super) async fn complete(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (partner, token) = token::bearer(call).await?;
    let body = call.object()?;
    let partner_tx_id = reference(&body, "partnerTxID")?;
    let mut charge = own(call, &partner, &partner_tx_id).await?;
    if token.tx_id != charge.tx_id {
        return Err(Refusal::new(403, "invalid_token", "the token was given for another charge"));
    }
    let mut broken = false;
    if charge.standing(call.now).tx_status == "authorised" {
        charge.state = ChargeState::Captured { at: call.now };
        wallet::take(call.sandbox, &mut call.session, &partner, &charge, call.now).await?;
        broken = charge.faults.strikes(Scenario::TimeoutAfterSuccess, "complete");
        call.session.put(&charge).await?;
        notices::announce_charge(call.sandbox, &mut call.session, &partner, &charge, "Capture").await?;
    }
    Ok(Answer { broken, ..Answer::ok(shown(call, &charge)) })
}

/// `GET /grabpay/partner/v2/one-time-charge/{partnerTxID}/status?currency=`: by HMAC, with the `oAuthCode` by which a
/// flow whose browser never came back is finished.
pub(super) async fn status_for_partner(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let partner = call.partner().await?;
    let charge = asked(call, &partner, id).await?;
    let mut shown = shown(call, &charge);
    let standing = charge.standing(call.now).tx_status;
    let agreed = matches!(standing, "authorised" | "success");
    if agreed && let Some(code) = consent::fresh_code(call, &charge).await? {
        shown["oAuthCode"] = json!(code);
    }
    Ok(Answer::ok(shown))
}

/// `GET /grabpay/partner/v2/charge/{partnerTxID}/status?currency=`: by bearer.
pub(super) async fn status_for_bearer(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let (partner, _) = token::bearer(call).await?;
    let charge = asked(call, &partner, id).await?;
    Ok(Answer::ok(shown(call, &charge)))
}

async fn asked(call: &mut Call<'_>, partner: &Partner, id: &str) -> Result<Charge, Refusal> {
    let charge = own(call, partner, id).await?;
    match call.query("currency") {
        Some(currency) if currency == charge.amount.currency().code() => Ok(charge),
        Some(_) => Err(Refusal::new(409, "currency_mismatch", "the charge is in another currency")),
        None => Err(Refusal::client_error("currency is required")),
    }
}

fn shown(call: &Call<'_>, charge: &Charge) -> Value {
    let standing = charge.standing(call.now);
    let paid = matches!(standing.tx_status, "authorised" | "success");
    json!({
        "txID": charge.tx_id,
        "partnerTxID": charge.partner_tx_id,
        "status": standing.tx_status,
        "txStatus": standing.tx_status,
        "reason": standing.reason,
        "description": charge.description,
        "paymentMethod": if paid { "GPWALLET" } else { "" },
    })
}

async fn own(call: &mut Call<'_>, partner: &Partner, partner_tx_id: &str) -> Result<Charge, Refusal> {
    let charge = find(&mut call.session, &partner.partner_id, partner_tx_id).await?;
    charge.ok_or_else(|| Refusal::new(404, "no_record_found", "no charge of this partnerTxID"))
}

async fn find(
    session: &mut Session,
    partner_id: &str,
    partner_tx_id: &str,
) -> Result<Option<Charge>, SandboxError> {
    let charges: Vec<Charge> = session.under(partner_tx_id).await?;
    Ok(charges.into_iter().find(|charge| charge.partner_id == partner_id))
}

/// 1 to 32 of `a-z A-Z 0-9 - _`.
pub(super) fn reference(body: &Value, name: &str) -> Result<String, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let text = body.get(name).and_then(Value::as_str).unwrap_or_default();
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(allowed);
    fits.then(|| text.to_owned())
        .ok_or_else(|| Refusal::client_error(format!("{name}: 1 to 32 of a-z A-Z 0-9 - _")))
}

/// `amount` in minor units, a JSON integer above zero; `currency` and `merchantID` are the partner's.
pub(super) fn amount(body: &Value, partner: &Partner) -> Result<Money, Refusal> {
    if body.get("merchantID").and_then(Value::as_str) != Some(partner.merchant_id.as_str()) {
        return Err(Refusal::new(409, "invalid_merchant", "merchantID is not this partner's"));
    }
    let code = body.get("currency").and_then(Value::as_str).unwrap_or_default();
    let currency = Currency::find(code).ok().filter(|currency| partner.currencies.contains(currency));
    let currency =
        currency.ok_or_else(|| Refusal::new(409, "currency_mismatch", "the merchant does not take it"))?;
    let minor =
        body.get("amount").and_then(Value::as_i64).filter(|minor| (1..1_000_000_000_000).contains(minor));
    let minor = minor.ok_or_else(|| Refusal::client_error("amount: minor units, an integer above zero"))?;
    Ok(Money::from_minor(minor, currency))
}

/// Arms a scenario for a charge that is already known; false when none is.
pub(in super::super) async fn arm(
    sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
    scenario: Scenario,
) -> Result<bool, SandboxError> {
    let Some(mut charge) = by_reference(session, reference).await? else { return Ok(false) };
    charge.faults.arm(scenario);
    session.put(&charge).await?;
    let forged = scenario == Scenario::ForgedCallback;
    if forged && let Some(partner) = session.find::<Partner>(&charge.partner_id).await? {
        notices::forge(sandbox, session, &partner, &charge).await?;
    }
    Ok(true)
}

/// The charge with this `txID` or, newest first, this `partnerTxID`.
pub(super) async fn by_reference(
    session: &mut Session,
    reference: &str,
) -> Result<Option<Charge>, SandboxError> {
    match session.find::<Charge>(reference).await? {
        Some(charge) => Ok(Some(charge)),
        None => Ok(session.under::<Charge>(reference).await?.pop()),
    }
}
