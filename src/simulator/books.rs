//! The full set: the books by themselves, against the truth, and against what the far side itself says it holds.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::app::Woken;
use crate::clock::Clock;
use crate::domain::findings::{Finding, FindingKind};
use crate::domain::ledger::Layer;
use crate::flows::issue_statement::StatementQuery;
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::sandbox::{Direct, Sandbox};
use crate::store::{Seek, Store, VerifyOptions};

use super::truth::Truth;
use super::{Broken, SimulationError};

fn found(invariant: &'static str, what: String) -> Broken {
    Broken { invariant, what, steps: vec![] }
}

/// The books by themselves: chain, balances, sums, facts, open items.
pub(super) async fn verified(store: &Store, full: bool) -> Result<Option<Broken>, SimulationError> {
    let seen = store.verify(&VerifyOptions { full, expected: None }).await?;
    let fault = seen.checks.iter().find(|check| !check.ok);
    Ok(fault.map(|check| found("I1", format!("verify: {}: {}", check.name, check.detail))))
}

/// What stands at each gateway in the books, against the truth of all ended lives.
pub(super) async fn at_gateways(
    store: &Store,
    merchant: MerchantId,
    truth: &Truth,
    ended: &[Vec<String>; 2],
) -> Result<Option<Broken>, SimulationError> {
    for (gateway, payments) in ["paypal", "grabpay"].into_iter().zip(ended) {
        let mut truly = truth.balances(payments);
        truly.retain(|_, minor| *minor != 0);
        let booked = booked_at(store, merchant, gateway).await?;
        if truly != booked {
            let what = format!("{gateway} holds {truly:?}, the books say {booked:?}");
            return Ok(Some(found("I2", what)));
        }
    }
    Ok(None)
}

/// A9: whoever told us of a payment that nobody here knows, told somebody.
pub(super) fn strangers(opened: &[Finding], notices: &[String]) -> Option<Broken> {
    let told = |notice: &&String| {
        let unknown = opened.iter().filter(|finding| finding.kind == FindingKind::UnknownPayment);
        unknown.into_iter().any(|finding| notice.contains(&finding.fact))
    };
    let silent = notices.iter().find(|notice| !told(notice));
    silent.map(|notice| found("A9", format!("nobody was told of {notice}")))
}

async fn booked_at(
    store: &Store,
    merchant: MerchantId,
    gateway: &str,
) -> Result<BTreeMap<Currency, i64>, SimulationError> {
    let mut booked = BTreeMap::new();
    for row in store.ledger_accounts(merchant, Seek::Start, 10_000).await? {
        let holds = matches!(row.account.code.number(), 1100 | 1110 | 1120);
        if holds && row.layer == Layer::Posted && row.account.owner.as_str().contains(gateway) {
            let held = row.debit_minus_credit;
            *booked.entry(held.currency()).or_insert(0) += held.minor();
        }
    }
    booked.retain(|_, minor| *minor != 0);
    Ok(booked)
}

/// PayPal's own word for its balances, and every supplier's statement.
pub(super) async fn told(
    store: &Store,
    woken: &Woken,
    far: &Sandbox,
    clock: &Clock,
) -> Result<Option<Broken>, SimulationError> {
    let merchant = woken.seeded.default.merchant;
    let mut theirs = paypal_says(woken, far).await?;
    theirs.retain(|_, minor| *minor != 0);
    let ours = booked_at(store, merchant, "paypal").await?;
    if theirs != ours {
        return Ok(Some(found("I2", format!("PayPal says it holds {theirs:?}, the books say {ours:?}"))));
    }
    let today = clock.now().date_naive();
    for supplier in &woken.seeded.default.suppliers {
        let balances = woken.statements.balances(merchant, supplier.id).await;
        let balances = balances.map_err(|error| SimulationError::Broken(error.to_string()))?;
        for balance in balances {
            let query = StatementQuery {
                supplier: supplier.id,
                currency: Some(balance.currency),
                from: today - chrono::Days::new(4_000),
                to: today,
                limit: None,
                after: None,
            };
            let closing = match woken.statements.statement(merchant, &query).await {
                Ok(statement) => statement.closing(),
                Err(error) if error.code() == "statement_too_long" => continue,
                Err(error) => return Ok(Some(found("I7", format!("{}: {error}", supplier.id)))),
            };
            if closing != balance.balance {
                let what = format!("{}: statement {closing}, balance {}", supplier.id, balance.balance);
                return Ok(Some(found("I7", what)));
            }
        }
    }
    Ok(None)
}

/// What PayPal's far side says, asked past everything that can go wrong.
pub(super) async fn paypal(woken: &Woken, far: &Sandbox, path: &str) -> Result<Value, SimulationError> {
    let unreadable = || SimulationError::Broken("PayPal's far side does not say what it holds".into());
    let client = woken.seeded.default.gateways.get("paypal").ok_or_else(unreadable)?;
    let basic = STANDARD.encode(format!("{}:{}", client["client_id"], client["client_secret"]));
    let token = Direct {
        method: reqwest::Method::POST,
        url: format!("{}/v1/oauth2/token", far.paypal_url()).parse().map_err(|_| unreadable())?,
        headers: vec![
            ("authorization".into(), format!("Basic {basic}")),
            ("content-type".into(), "application/x-www-form-urlencoded".into()),
        ],
        body: b"grant_type=client_credentials".to_vec(),
    };
    let said: Value = serde_json::from_slice(&far.answer(token).await.body.ok_or_else(unreadable)?)
        .map_err(|_| unreadable())?;
    let bearer = said["access_token"].as_str().ok_or_else(unreadable)?;
    let ask = Direct {
        method: reqwest::Method::GET,
        url: format!("{}{path}", far.paypal_url()).parse().map_err(|_| unreadable())?,
        headers: vec![("authorization".into(), format!("Bearer {bearer}"))],
        body: vec![],
    };
    serde_json::from_slice(&far.answer(ask).await.body.ok_or_else(unreadable)?).map_err(|_| unreadable())
}

async fn paypal_says(woken: &Woken, far: &Sandbox) -> Result<BTreeMap<Currency, i64>, SimulationError> {
    let unreadable = || SimulationError::Broken("PayPal's far side does not say what it holds".into());
    let said = paypal(woken, far, "/v1/reporting/balances").await?;
    let mut held = BTreeMap::new();
    for balance in said["balances"].as_array().ok_or_else(unreadable)? {
        let total = &balance["total_balance"];
        let code = total["currency_code"].as_str().ok_or_else(unreadable)?;
        let currency = Currency::find(code).map_err(|_| unreadable())?;
        let amount = Money::parse(total["value"].as_str().ok_or_else(unreadable)?, currency);
        held.insert(currency, amount.map_err(|_| unreadable())?.minor());
    }
    Ok(held)
}
