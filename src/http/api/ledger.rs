//! `/v1/ledger`: the books, as finance reads them.

use std::collections::BTreeMap;

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::ledger::{AccountBalance, Chart, Direction, Layer, PostedTransaction};
use crate::domain::statements::first_instant;
use crate::http::caller::Caller;
use crate::http::extract::{Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{DateWord, DirectionWord, LayerWord, TransactionObject};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::{MerchantId, TransactionId};
use crate::money::{Currency, Money};
use crate::store::{AsOf, TransactionFilter, VerifyOptions};

/// The accounts with their balances, in the order of the chart.
#[utoipa::path(get, path = "/v1/ledger/accounts", tag = "ledger", params(Paging), responses((status = 200, description = "A page of accounts", body = Page<LedgerAccount>)))]
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

/// An account with its balance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "1", "account": "1110[paypal]", "code": 1110, "name": "gateway.available", "owner": "paypal", "layer": "posted", "balance": {"amount": "95.10", "currency": "SGD"}, "entries": 2}))]
pub struct LedgerAccount {
    /// A whole number as text; lists go on behind it.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// Code and owner: `1110[paypal]`.
    account: String,
    /// Its number in the chart.
    code: u16,
    /// Its name in the chart.
    #[schema(required)]
    name: Option<&'static str>,
    /// Whose it is: a gateway account, a supplier's id; empty where the account is the book's own.
    owner: String,
    #[schema(inline, value_type = LayerWord)]
    layer: &'static str,
    /// On the account's normal side; below zero on the other.
    balance: Money,
    /// How many entries it has.
    entries: i64,
}

fn account(balance: &AccountBalance) -> LedgerAccount {
    let code = balance.account.code;
    LedgerAccount {
        id: balance.id.to_string(),
        account: balance.account.to_string(),
        code: code.number(),
        name: Chart::shipped().get(code).map(|row| row.name.as_str()),
        owner: balance.account.owner.as_str().to_owned(),
        layer: layer(balance.layer),
        balance: balance.shown(),
        entries: balance.entries,
    }
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
#[utoipa::path(get, path = "/v1/ledger/transactions", tag = "ledger", params(TransactionParameters), responses((status = 200, description = "A page of transactions", body = Page<Transaction>)))]
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
#[utoipa::path(get, path = "/v1/ledger/transactions/{id}", tag = "ledger", params(("id" = inline(crate::ids::TransactionId), Path, example = "txn_01kb0000000000000000000000")), responses((status = 200, description = "The transaction", body = Transaction)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: TransactionId = wire::path_id(&id, "transaction")?;
    let found = service.store.ledger_transaction(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("transaction"))?;
    crate::http::json(200, &transaction(&found))
}

/// A transaction as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transaction {
    id: TransactionId,
    #[schema(inline, value_type = TransactionObject)]
    object: &'static str,
    /// What happened: `captured`, `fee_charged` and so on.
    event: &'static str,
    /// The fact it was booked for, once: a capture's reference, a refund's id.
    source: String,
    /// The payment, refund or finding it is about.
    #[schema(required)]
    subject: Option<String>,
    /// When it happened.
    #[schema(format = DateTime)]
    effective_at: String,
    /// When it was written down.
    #[schema(format = DateTime)]
    recorded_at: String,
    /// The block of the hash chain that holds it.
    block: i64,
    /// Debits and credits: equal in each currency and layer.
    entries: Vec<Entry>,
}

/// One side of a transaction.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
pub struct Entry {
    /// Code and owner: `1110[paypal]`.
    account: String,
    #[schema(inline, value_type = DirectionWord)]
    direction: &'static str,
    amount: Money,
    #[schema(inline, value_type = LayerWord)]
    layer: &'static str,
}

/// A transaction as the API shows it.
pub fn transaction(posted: &PostedTransaction) -> Transaction {
    let entry = |entry: &crate::domain::ledger::PostedEntry| Entry {
        account: entry.account.to_string(),
        direction: match entry.direction {
            Direction::Debit => "debit",
            Direction::Credit => "credit",
        },
        amount: entry.amount,
        layer: layer(entry.layer),
    };
    Transaction {
        id: posted.id,
        object: "transaction",
        event: posted.event.as_str(),
        source: posted.source.clone(),
        subject: posted.subject.clone(),
        effective_at: wire::time(posted.effective_at),
        recorded_at: wire::time(posted.recorded_at),
        block: posted.block,
        entries: posted.entries.iter().map(entry).collect(),
    }
}

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrialParameters {
    /// As the books stood at this moment; without it, now.
    #[param(format = DateTime, example = "2026-11-23T00:00:00Z")]
    as_of: Option<String>,
    /// Which date rules: `booked` (the default) never changes afterwards; `value` is the world as it was by then, seen from
    /// today, so that late news changes it.
    #[param(inline, value_type = Option<DateWord>, example = "booked")]
    by: Option<String>,
}

/// The trial balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    #[schema(format = DateTime)]
    as_of: String,
    #[schema(inline, value_type = DateWord)]
    by: &'static str,
    /// The merchant's zone, in which a day of `as_of` ends.
    #[schema(example = "Asia/Singapore")]
    zone: &'static str,
    /// Whether debits equal credits in each currency and layer.
    balances: bool,
    totals: Vec<TrialTotal>,
    lines: Vec<TrialLine>,
}

/// All debits and all credits of a currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialTotal {
    currency: Currency,
    #[schema(inline, value_type = LayerWord)]
    layer: &'static str,
    debit: Money,
    credit: Money,
}

/// What an account of the chart comes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialLine {
    /// Its number in the chart.
    code: u16,
    /// Its name in the chart.
    #[schema(required)]
    name: Option<&'static str>,
    #[schema(inline, value_type = LayerWord)]
    layer: &'static str,
    /// The side on which `amount` stands.
    #[schema(value_type = DirectionWord)]
    direction: &'static str,
    amount: Money,
}

/// Debits and credits of every account; zero per currency and layer.
#[utoipa::path(get, path = "/v1/ledger/trial-balance", tag = "ledger", params(TrialParameters), responses((status = 200, description = "The trial balance", body = TrialBalance)))]
pub async fn trial_balance(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<TrialParameters>,
) -> Answer {
    let zone = zone_of(&service, caller.merchant()).await?;
    let at = query.0.as_of.as_deref().map(|text| read_moment(text, zone)).transpose()?;
    let as_of = match query.0.by.as_deref() {
        None | Some("booked") => at.map_or(AsOf::Now, AsOf::Recorded),
        Some("value") => AsOf::Effective(at.unwrap_or_else(|| service.clock.now())),
        Some(other) => {
            let detail = format!("`{other}` is none of booked, value");
            return Err(Problem::new(Code::InvalidParameter, detail).at("by"));
        }
    };
    let trial = service.store.trial_balance(caller.merchant(), as_of).await?;
    let line = |line: &crate::domain::ledger::TrialLine| TrialLine {
        code: line.code.number(),
        name: Chart::shipped().get(line.code).map(|row| row.name.as_str()),
        layer: layer(line.layer),
        direction: if line.debit_minus_credit.is_negative() { "credit" } else { "debit" },
        amount: line.debit_minus_credit.abs(),
    };
    let lines = trial.lines.iter().map(line).collect();
    let by = if matches!(as_of, AsOf::Effective(_)) { "value" } else { "booked" };
    let at = at.unwrap_or_else(|| service.clock.now());
    let (as_of, zone, balances) = (wire::time(at), zone.name(), trial.balances());
    let totals = totals(&trial.lines)?;
    crate::http::json(200, &TrialBalance { as_of, by, zone, balances, totals, lines })
}

/// What stands on either side, by currency and layer.
fn totals(lines: &[crate::domain::ledger::TrialLine]) -> Answer<Vec<TrialTotal>> {
    let mut totals: BTreeMap<(Currency, &'static str), (Money, Money)> = BTreeMap::new();
    for line in lines {
        let amount = line.debit_minus_credit;
        let none = Money::zero(amount.currency());
        let (debit, credit) = totals.entry((amount.currency(), layer(line.layer))).or_insert((none, none));
        let side = if amount.is_negative() { credit } else { debit };
        *side = side.checked_add(amount.abs()).map_err(Problem::internal)?;
    }
    let total = |((currency, layer), (debit, credit))| TrialTotal { currency, layer, debit, credit };
    Ok(totals.into_iter().map(total).collect())
}

/// The merchant's zone, in which its days end.
pub(super) async fn zone_of(service: &Service, merchant: MerchantId) -> Answer<Tz> {
    let found = service.store.merchant(merchant).await?;
    Ok(found.ok_or_else(|| Problem::not_found("merchant"))?.zone)
}

/// A moment, or a day's end in a zone, as statements and closes have it.
pub(super) fn read_moment(text: &str, zone: Tz) -> Answer<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok();
    let day_end = || {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(first_instant(day.succ_opt()?, zone) - TimeDelta::microseconds(1))
    };
    moment.or_else(day_end).ok_or_else(|| {
        let detail = "a moment is written 2026-11-23T00:00:00Z, a day (its end, in your zone) 2026-11-23";
        Problem::new(Code::InvalidParameter, detail).at("as_of")
    })
}

/// Goes over the books: chain, balances, sums.
#[utoipa::path(get, path = "/v1/ledger/verify", tag = "ledger", responses((status = 200, description = "Every check", body = Verified)))]
pub async fn verify(service: web::Data<Service>, caller: Caller) -> Answer {
    let mut seen = service.store.verify(&VerifyOptions::default()).await?;
    // Other merchants' trails are nobody's matter here.
    let own = caller.merchant().to_string();
    seen.trails.retain(|merchant, _| *merchant == own);
    crate::http::json(200, &verified(&seen))
}

/// Whether the books hold together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"ok": true, "head": "12:9f86d081…", "trails": {"mer_01kb0000000000000000000000": "3:5f1c…"}, "checks": [{"name": "chain", "ok": true, "detail": "12 blocks"}]}))]
pub struct Verified {
    /// Whether every check holds.
    pub ok: bool,
    /// The head of the hash chain.
    pub head: String,
    /// The head of the audit trail, by merchant.
    pub trails: BTreeMap<String, String>,
    /// Each check.
    pub checks: Vec<Checked>,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    /// What was checked.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// A verification as `/v1/ledger/verify` and `straits verify --json` show it.
pub fn verified(verification: &crate::store::Verification) -> Verified {
    let checks = verification.checks.iter().map(|check| Checked {
        name: check.name.to_string(),
        ok: check.ok,
        detail: check.detail.to_string(),
    });
    let trails = verification.trails.iter().map(|(merchant, head)| (merchant.clone(), head.to_string()));
    Verified {
        ok: verification.ok(),
        head: verification.head.to_string(),
        trails: trails.collect(),
        checks: checks.collect(),
    }
}
