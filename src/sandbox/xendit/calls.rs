//! The calls: take a payout on, list those of a reference, show one, cancel one that was not sent on.

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::super::book::Record;
use super::super::scenario::{self, Armed, Scenario, Target};
use super::super::serial;
use super::{Answer, Call, Payout, Refusal, State, account, notices, number, read_number, stamp, work};
use crate::money::{Currency, Money};

/// What is sent.
#[derive(Debug, Deserialize)]
struct Sent {
    reference_id: String,
    channel_code: String,
    channel_properties: Properties,
    amount: Box<RawValue>,
    currency: String,
    #[serde(default)]
    description: String,
}

#[derive(Debug, Deserialize)]
struct Properties {
    account_holder_name: String,
    account_number: String,
}

/// A key that was used, and for what.
#[derive(Debug, Serialize, Deserialize)]
struct Key {
    id: String,
    fingerprint: String,
    payout: String,
}

impl Record for Key {
    const KIND: &'static str = "xendit.key";
    fn id(&self) -> &str {
        &self.id
    }
}

/// What a currency's payouts are multiples of, and the least of them, in minor units.
fn rule(code: &str) -> Option<(&'static str, i64, i64)> {
    Some(match code {
        "IDR" => ("ID_", 100, 1_000_000),
        "PHP" => ("PH_", 1, 1),
        "THB" => ("TH_", 1, 1),
        "MYR" => ("MY_", 1, 1),
        "VND" => ("VN_", 1, 1),
        _ => return None,
    })
}

/// `POST /v2/payouts`.
pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let key = call.header("idempotency-key").unwrap_or_default().to_owned();
    if !(1..=100).contains(&key.len()) {
        return Err(Refusal::invalid("idempotency-key has 1 to 100 characters"));
    }
    let sent: Sent =
        serde_json::from_slice(call.body).map_err(|error| Refusal::invalid(error.to_string()))?;
    let amount = checked(&sent)?;
    let fingerprint = serial::fingerprint(&String::from_utf8_lossy(call.body));
    let key = format!("{} {key}", call.business.business_id);
    if let Some(known) = call.session.find::<Key>(&key).await? {
        if known.fingerprint != fingerprint {
            let why = "the idempotency key was used for another payout";
            return Err(Refusal::new(409, "DUPLICATE_ERROR", why));
        }
        let payout: Payout = call.session.find(&known.payout).await?.ok_or_else(Refusal::not_found)?;
        return Ok(Answer::ok(shown(&payout)));
    }
    let mut faults = scenario::faults_for(&mut call.session, &[&sent.reference_id]).await?;
    let short =
        || Refusal::new(400, "INSUFFICIENT_BALANCE", "the balance is too small: top it up and try again");
    if faults.has(Scenario::InsufficientBalance) {
        return refuse_once(call, &sent.reference_id, &faults, short()).await;
    }
    let broken = faults.strikes(Scenario::TimeoutAfterSuccess, "payouts");
    let wrong = faults.has(Scenario::WrongAmount);
    let currency = amount.currency();
    let fee = call.business.fees.iter().copied().find(|fee| fee.currency() == currency);
    let payout = Payout {
        id: format!("disb-{}", &serial::hex(&call.sandbox.ids)[..24]),
        business_id: call.business.business_id.clone(),
        place: format!("{} {}", call.business.business_id, sent.reference_id),
        reference_id: sent.reference_id,
        channel_code: sent.channel_code,
        holder: sent.channel_properties.account_holder_name,
        number: sent.channel_properties.account_number,
        description: sent.description,
        amount: if wrong { tenth(amount) } else { amount },
        fee: fee.unwrap_or(Money::zero(currency)),
        state: State::Accepted,
        failure: None,
        faults,
        created: call.now,
        updated: call.now,
        due: Some(call.now + work::BEGINS),
    };
    if !account::reserve(&mut call.session, &payout).await? {
        return Err(short());
    }
    call.session.put(&payout).await?;
    call.session.put(&Key { id: key, fingerprint, payout: payout.id.clone() }).await?;
    if payout.faults.has(Scenario::ForgedCallback) {
        notices::forge(call.sandbox, &mut call.session, &payout).await?;
    }
    Ok(Answer { broken, ..Answer::ok(shown(&payout)) })
}

/// Only the first try finds the balance empty; what else was armed waits for the next. That stands, though the answer is
/// a refusal.
async fn refuse_once(
    call: &mut Call<'_>,
    reference: &str,
    faults: &scenario::Faults,
    refusal: Refusal,
) -> Result<Answer, Refusal> {
    for other in Scenario::ALL.into_iter().filter(|other| faults.has(*other)) {
        if other != Scenario::InsufficientBalance {
            let target = Target::Payment(reference.to_owned());
            call.session.put(&Armed::new(call.sandbox, other, target)).await?;
        }
    }
    Ok(refusal.into())
}

fn tenth(amount: Money) -> Money {
    let tenth = amount.minor() / 10;
    Money::from_minor((tenth - tenth % 100).max(100), amount.currency())
}

/// What Xendit would refuse at once.
fn checked(sent: &Sent) -> Result<Money, Refusal> {
    let named = |text: &str, most: usize| (1..=most).contains(&text.trim().chars().count());
    if !named(&sent.reference_id, 255) {
        return Err(Refusal::invalid("reference_id has 1 to 255 characters"));
    }
    let (prefix, step, least) =
        rule(&sent.currency).ok_or_else(|| Refusal::invalid("currency is none of those paid out"))?;
    if !sent.channel_code.starts_with(prefix) {
        return Err(Refusal::invalid("channel_code is not of the currency"));
    }
    let Properties { account_holder_name, account_number } = &sent.channel_properties;
    if !named(account_holder_name, 100) || !named(account_number, 100) {
        return Err(Refusal::invalid("channel_properties need account_holder_name and account_number"));
    }
    let currency = Currency::find(&sent.currency).map_err(|error| Refusal::invalid(error.to_string()))?;
    let amount = read_number(sent.amount.get(), currency);
    let amount = amount.filter(|amount| amount.minor() % step == 0);
    let amount =
        amount.ok_or_else(|| Refusal::invalid("amount is no multiple of the channel's increment"))?;
    if amount.minor() < least {
        return Err(Refusal::new(400, "MINIMUM_TRANSFER_LIMIT_ERROR", "amount is below the channel's least"));
    }
    Ok(amount)
}

/// `GET /v2/payouts?reference_id=`.
pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let query = call.query();
    let reference = query.get("reference_id").ok_or_else(|| Refusal::invalid("reference_id is missing"))?;
    let place = format!("{} {reference}", call.business.business_id);
    let payouts: Vec<Payout> = call.session.under(&place).await?;
    let payouts: Vec<String> = payouts.iter().map(shown).collect();
    Ok(Answer::ok(format!("[{}]", payouts.join(","))))
}

/// `GET /v2/payouts/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    Ok(Answer::ok(shown(&own(call, id).await?)))
}

/// `POST /v2/payouts/{id}/cancel`: only what was not sent on.
pub(super) async fn cancel(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let mut payout = own(call, id).await?;
    if payout.state != State::Accepted {
        return Err(Refusal::new(400, "PAYOUT_NOT_CANCELLABLE", "it was sent on, or is at its end"));
    }
    let broken = payout.faults.strikes(Scenario::TimeoutAfterSuccess, "cancel");
    (payout.state, payout.due, payout.updated) = (State::Cancelled, None, call.now);
    account::release(&mut call.session, &payout, false).await?;
    call.session.put(&payout).await?;
    Ok(Answer { broken, ..Answer::ok(shown(&payout)) })
}

async fn own(call: &mut Call<'_>, id: &str) -> Result<Payout, Refusal> {
    let found: Option<Payout> = call.session.find(id).await?;
    found.filter(|payout| payout.business_id == call.business.business_id).ok_or_else(Refusal::not_found)
}

/// The payout as answers and notices show it; texts are escaped, the amount is its digits.
pub(super) fn shown(payout: &Payout) -> String {
    let mut shown = json!({
        "id": payout.id, "channel_code": payout.channel_code, "currency": payout.amount.currency().code(),
        "status": payout.state.word(), "description": payout.description, "reference_id": payout.reference_id,
        "created": stamp(payout.created), "updated": stamp(payout.updated),
        "estimated_arrival_time": stamp(payout.created + chrono::TimeDelta::minutes(15)),
        "business_id": payout.business_id,
        "channel_properties": {"account_holder_name": payout.holder, "account_number": payout.number},
    });
    if let Some(code) = &payout.failure {
        shown["failure_code"] = json!(code);
    }
    let text = shown.to_string();
    format!("{{\"amount\":{},{}", number(payout.amount), &text[1..])
}
