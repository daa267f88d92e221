//! The float: what lies there by currency, what of it is reserved, and what moved it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::SandboxError;
use super::super::book::{Record, Session};
use super::super::scenario::Scenario;
use super::{Answer, Call, Payout, Refusal, State, number, read_number, stamp};
use crate::money::{Currency, Money};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Float {
    business_id: String,
    /// Minor units.
    balances: BTreeMap<Currency, i64>,
    /// Minor units of these that payouts under way take.
    reserved: BTreeMap<Currency, i64>,
}

impl Record for Float {
    const KIND: &'static str = "xendit.float";
    fn id(&self) -> &str {
        &self.business_id
    }
}

async fn float(session: &mut Session, business_id: &str) -> Result<Float, SandboxError> {
    let fresh = || Float { business_id: business_id.to_owned(), ..Float::default() };
    Ok(session.find(business_id).await?.unwrap_or_else(fresh))
}

/// What a payout takes in all.
fn cost(payout: &Payout) -> i64 {
    payout.amount.minor() + payout.fee.minor()
}

/// Sets a payout's cost aside; false where there is too little.
pub(super) async fn reserve(session: &mut Session, payout: &Payout) -> Result<bool, SandboxError> {
    let mut float = float(session, &payout.business_id).await?;
    let currency = payout.amount.currency();
    let of = |amounts: &BTreeMap<Currency, i64>| amounts.get(&currency).copied().unwrap_or(0);
    if of(&float.balances) - of(&float.reserved) < cost(payout) {
        return Ok(false);
    }
    *float.reserved.entry(currency).or_default() += cost(payout);
    session.put(&float).await?;
    Ok(true)
}

/// Ends a reservation: `paid` takes it out of the balance.
pub(super) async fn release(session: &mut Session, payout: &Payout, paid: bool) -> Result<(), SandboxError> {
    let mut float = float(session, &payout.business_id).await?;
    let currency = payout.amount.currency();
    *float.reserved.entry(currency).or_default() -= cost(payout);
    if paid {
        *float.balances.entry(currency).or_default() -= cost(payout);
    }
    session.put(&float).await
}

/// Money that comes in.
pub(super) async fn add(session: &mut Session, business_id: &str, amount: Money) -> Result<(), SandboxError> {
    let mut float = float(session, business_id).await?;
    *float.balances.entry(amount.currency()).or_default() += amount.minor();
    session.put(&float).await
}

fn currency(code: Option<&String>) -> Result<Currency, Refusal> {
    let found = code.and_then(|code| Currency::find(code).ok());
    found.ok_or_else(|| Refusal::invalid("currency is none"))
}

/// `GET /balance?account_type=CASH&currency=IDR`: what can be used.
pub(super) async fn balance(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let query = call.query();
    let currency = currency(query.get("currency"))?;
    let float = float(&mut call.session, &call.business.business_id).await?;
    let of = |amounts: &BTreeMap<Currency, i64>| amounts.get(&currency).copied().unwrap_or(0);
    let free = Money::from_minor(of(&float.balances) - of(&float.reserved), currency);
    Ok(Answer::ok(format!("{{\"balance\":{}}}", number(free))))
}

/// `POST /topups`: the bank's transfer has arrived.
pub(super) async fn top_up(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    struct TopUp {
        currency: String,
        amount: Box<RawValue>,
    }
    let sent: TopUp =
        serde_json::from_slice(call.body).map_err(|error| Refusal::invalid(error.to_string()))?;
    let currency = currency(Some(&sent.currency))?;
    let amount = read_number(sent.amount.get(), currency).filter(|amount| amount.is_positive());
    let amount = amount.ok_or_else(|| Refusal::invalid("amount is none"))?;
    add(&mut call.session, &call.business.business_id, amount).await?;
    balance_of(call, currency).await
}

async fn balance_of(call: &mut Call<'_>, currency: Currency) -> Result<Answer, Refusal> {
    let float = float(&mut call.session, &call.business.business_id).await?;
    let whole = Money::from_minor(float.balances.get(&currency).copied().unwrap_or(0), currency);
    Ok(Answer::ok(format!("{{\"balance\":{}}}", number(whole))))
}

/// `GET /transactions?reference_id=`: payouts as movements, with what they cost.
pub(super) async fn transactions(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let query = call.query();
    let reference = query.get("reference_id").ok_or_else(|| Refusal::invalid("reference_id is missing"))?;
    let place = format!("{} {reference}", call.business.business_id);
    let payouts: Vec<Payout> = call.session.under(&place).await?;
    let rows: Vec<String> = payouts.iter().map(row).collect();
    Ok(Answer::ok(format!("{{\"has_more\":false,\"data\":[{}],\"links\":[]}}", rows.join(","))))
}

fn row(payout: &Payout) -> String {
    let (status, fee_status) = match payout.state {
        State::Accepted | State::Assessed | State::Requested => ("PENDING", "PENDING"),
        State::Succeeded => ("SUCCESS", "COMPLETED"),
        State::Reversed => ("REVERSED", "COMPLETED"),
        State::Failed | State::Cancelled | State::ComplianceRejected => ("VOIDED", "CANCELED"),
    };
    // Eleven percent are tax; where the bill is to differ, the fee is a minor unit more.
    let told = payout.fee.minor() + i64::from(payout.faults.has(Scenario::BillDiffers));
    let tax = Money::from_minor(told * 11 / 111, payout.fee.currency());
    let fee = Money::from_minor(told - tax.minor(), payout.fee.currency());
    let net = Money::from_minor(cost(payout), payout.amount.currency());
    format!(
        "{{\"id\":\"txn_{id}\",\"product_id\":\"{id}\",\"type\":\"DISBURSEMENT\",\"status\":\"{status}\",\"channel_category\":\"BANK\",\"channel_code\":\"{}\",\"reference_id\":\"{}\",\"currency\":\"{}\",\"amount\":{},\"net_amount\":{},\"cashflow\":\"MONEY_OUT\",\"business_id\":\"{}\",\"created\":\"{}\",\"updated\":\"{}\",\"fee\":{{\"xendit_fee\":{},\"value_added_tax\":{},\"xendit_withholding_tax\":0,\"third_party_withholding_tax\":0,\"status\":\"{fee_status}\"}}}}",
        payout.channel_code,
        payout.reference_id,
        payout.amount.currency(),
        number(payout.amount),
        number(net),
        payout.business_id,
        stamp(payout.created),
        stamp(payout.updated),
        number(fee),
        number(tax),
        id = payout.id,
    )
}
