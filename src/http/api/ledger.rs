//! `/v1/ledger`: the books, as finance reads them.

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::domain::ledger::{AccountBalance, Chart, Layer, PostedTransaction};
use crate::http::caller::Caller;
use crate::http::extract::{Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::TransactionId;
use crate::store::{AsOf, TransactionFilter, VerifyOptions};

/// The accounts with their balances, in the order of the chart.
#[utoipa::path(get, path = "/v1/ledger/accounts", tag = "ledger", params(Paging), responses((status = 200, description = "A page of accounts", body = Object, example = json!({"object": "list", "data": [{"id": "1", "account": "1110[paypal]", "code": 1110, "name": "gateway.available", "owner": "paypal", "layer": "posted", "balance": {"amount": "95.10", "currency": "SGD"}, "entries": 2}], "has_more": false}))))]
pub async fn accounts(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(|param, text| {
        let id = text.parse::<i64>();
        id.map_err(|_| Problem::new(Code::InvalidParameter, "the `id` of an account belongs here").at(param))
    })?;
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let accounts = service.store.ledger_accounts(caller.merchant(), seek, more).await?;
    crate::http::json(200, &Page::of(accounts.iter().map(account).collect(), limit, &seek))
}

fn account(balance: &AccountBalance) -> Value {
    let code = balance.account.code;
    json!({
        "id": balance.id.to_string(),
        "account": balance.account.to_string(),
        "code": code.number(),
        "name": Chart::shipped().get(code).map(|row| row.name.as_str()),
        "owner": balance.account.owner.as_str(),
        "layer": layer(balance.layer),
        "balance": balance.shown(),
        "entries": balance.entries,
    })
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Pending => "pending",
        Layer::Posted => "posted",
    }
}

/// Pages of transactions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TransactionParameters {
    /// Only those about this payment, refund or finding.
    subject: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    /// The page begins behind this transaction.
    starting_after: Option<String>,
    /// The page ends before this transaction.
    ending_before: Option<String>,
}

/// The transactions, newest first.
#[utoipa::path(get, path = "/v1/ledger/transactions", tag = "ledger", params(TransactionParameters), responses((status = 200, description = "A page of transactions", body = Object, example = json!({"object": "list", "data": [], "has_more": false}))))]
pub async fn transactions(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<TransactionParameters>,
) -> Answer {
    let TransactionParameters { subject, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id::<TransactionId>)?);
    let number = match seek.key() {
        None => 0,
        Some(&id) => {
            let found = service.store.ledger_transaction(caller.merchant(), id).await?;
            found.ok_or_else(|| Problem::not_found("transaction"))?.number
        }
    };
    let seek = seek.map(|_| number);
    let filter = TransactionFilter { subject, seek, limit: u32::try_from(limit + 1).unwrap_or(101) };
    let found = service.store.ledger_transactions(caller.merchant(), &filter).await?;
    crate::http::json(200, &Page::of(found.iter().map(transaction).collect(), limit, &seek))
}

/// One transaction.
#[utoipa::path(get, path = "/v1/ledger/transactions/{id}", tag = "ledger", params(("id" = String, Path, example = "txn_01kb0000000000000000000000")), responses((status = 200, description = "The transaction", body = Object, example = json!({"id": "txn_01kb0000000000000000000000", "event": "captured"}))))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: TransactionId = wire::path_id(&id, "transaction")?;
    let found = service.store.ledger_transaction(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("transaction"))?;
    crate::http::json(200, &transaction(&found))
}

/// A transaction as the API shows it.
pub fn transaction(posted: &PostedTransaction) -> Value {
    let entries: Vec<Value> = posted
        .entries
        .iter()
        .map(|entry| {
            let direction = match entry.direction {
                crate::domain::ledger::Direction::Debit => "debit",
                crate::domain::ledger::Direction::Credit => "credit",
            };
            json!({
                "account": entry.account.to_string(),
                "direction": direction,
                "amount": entry.amount,
                "layer": layer(entry.layer),
            })
        })
        .collect();
    json!({
        "id": posted.id,
        "object": "transaction",
        "event": posted.event.as_str(),
        "source": posted.source,
        "subject": posted.subject,
        "effective_at": wire::time(posted.effective_at),
        "recorded_at": wire::time(posted.recorded_at),
        "block": posted.block,
        "entries": entries,
    })
}

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrialParameters {
    /// As the books stood at this moment; without it, now.
    #[param(example = "2026-11-23T00:00:00Z")]
    as_of: Option<String>,
}

/// Debits and credits of every account; zero per currency and layer.
#[utoipa::path(get, path = "/v1/ledger/trial-balance", tag = "ledger", params(TrialParameters), responses((status = 200, description = "The trial balance", body = Object, example = json!({"as_of": "2026-11-23T00:00:00Z", "balances": true, "lines": []}))))]
pub async fn trial_balance(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<TrialParameters>,
) -> Answer {
    let at = query.0.as_of.as_deref().map(read_moment).transpose()?;
    let as_of = at.map_or(AsOf::Now, AsOf::Recorded);
    let trial = service.store.trial_balance(caller.merchant(), as_of).await?;
    let line = |line: &crate::domain::ledger::TrialLine| {
        let side = if line.debit_minus_credit.is_negative() { "credit" } else { "debit" };
        json!({
            "code": line.code.number(),
            "name": Chart::shipped().get(line.code).map(|row| row.name.as_str()),
            "layer": layer(line.layer),
            "direction": side,
            "amount": line.debit_minus_credit.abs(),
        })
    };
    let lines: Vec<Value> = trial.lines.iter().map(line).collect();
    let at = at.unwrap_or_else(|| service.clock.now());
    crate::http::json(200, &json!({"as_of": wire::time(at), "balances": trial.balances(), "lines": lines}))
}

fn read_moment(text: &str) -> Answer<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok();
    let day_end = || {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        day.and_hms_micro_opt(23, 59, 59, 999_999).map(|at| at.and_utc())
    };
    moment.or_else(day_end).ok_or_else(|| {
        let detail = "a moment is written 2026-11-23T00:00:00Z, a day (its end, in UTC) 2026-11-23";
        Problem::new(Code::InvalidParameter, detail).at("as_of")
    })
}

/// Goes over the books: chain, balances, sums.
#[utoipa::path(get, path = "/v1/ledger/verify", tag = "ledger", responses((status = 200, description = "Every check", body = Object, example = json!({"ok": true, "checks": [{"name": "chain", "ok": true, "detail": "12 blocks"}]}))))]
pub async fn verify(service: web::Data<Service>, _caller: Caller) -> Answer {
    crate::http::json(200, &verified(&service.store.verify(&VerifyOptions::default()).await?))
}

/// A verification as `/v1/ledger/verify` and `straits verify --json` show it.
pub fn verified(verification: &crate::store::Verification) -> Value {
    let checks: Vec<Value> = verification
        .checks
        .iter()
        .map(|check| json!({"name": check.name, "ok": check.ok, "detail": check.detail}))
        .collect();
    json!({"ok": verification.ok(), "head": verification.head.to_string(), "checks": checks})
}
