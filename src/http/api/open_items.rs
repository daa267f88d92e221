//! `/v1/ledger/suspense` and `/v1/ledger/ageing`: what is open, item by item, and for how long.

use std::collections::BTreeMap;

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ledger::ageing::{BANDS, WITH_ITEMS, left_open};
use crate::domain::ledger::balance::on_normal_side;
use crate::domain::ledger::{Account, AccountCode, Chart, OpenItem};
use crate::http::caller::Caller;
use crate::http::problem::{Answer, Problem};
use crate::http::service::Service;
use crate::http::wire;
use crate::ids::MerchantId;
use crate::money::{Currency, Money};

/// Items shown of one account and currency; the oldest.
const SHOWN: usize = 100;

/// What is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenItems {
    #[schema(format = DateTime)]
    as_of: String,
    accounts: Vec<OpenAccount>,
}

/// What is open on one account in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAccount {
    /// Code and owner: `2900[paypal]`.
    account: String,
    code: u16,
    /// Its name in the chart.
    #[schema(required)]
    name: Option<&'static str>,
    currency: Currency,
    /// The balance, on the account's normal side.
    total: Money,
    /// By age, the youngest first.
    bands: Vec<AgeBand>,
    /// The oldest items, at most a hundred.
    items: Vec<AgedItem>,
    /// Whether there are more.
    has_more: bool,
}

/// A band of age.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgeBand {
    /// Whole days from here.
    from_days: i64,
    /// To before here; none for the last.
    #[schema(required)]
    to_days: Option<i64>,
    amount: Money,
    items: usize,
}

/// One thing that is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgedItem {
    /// The payment, refund, finding or deposit.
    subject: String,
    /// On the account's normal side.
    amount: Money,
    /// When its first entry happened.
    #[schema(format = DateTime)]
    since: String,
    /// Whole days.
    days: i64,
    /// The findings about it that nobody has resolved.
    findings: Vec<String>,
}

/// Money that nobody has explained (2900), with the findings that wait for a decision.
#[utoipa::path(get, path = "/v1/ledger/suspense", tag = "ledger", responses((status = 200, description = "Suspense, item by item", body = OpenItems)))]
pub async fn suspense(service: web::Data<Service>, caller: Caller) -> Answer {
    answer(&service, caller.merchant(), &[AccountCode::SUSPENSE]).await
}

/// Open items by age: deposits on their way (1140), what suppliers owe (1200), clearing (2000), refunds on their way
/// (2020), suspense (2900).
#[utoipa::path(get, path = "/v1/ledger/ageing", tag = "ledger", responses((status = 200, description = "Open items by age", body = OpenItems)))]
pub async fn ageing(service: web::Data<Service>, caller: Caller) -> Answer {
    answer(&service, caller.merchant(), &WITH_ITEMS).await
}

async fn answer(service: &Service, merchant: MerchantId, codes: &[AccountCode]) -> Answer {
    let now = service.clock.now();
    let mut accounts = Vec::new();
    for code in codes {
        let mut by_account: BTreeMap<(Account, Currency), Vec<OpenItem>> = BTreeMap::new();
        for item in service.store.open_items(merchant, *code).await? {
            by_account.entry((item.account.clone(), item.amount.currency())).or_default().push(item);
        }
        for ((account, currency), items) in by_account {
            let items = left_open(*code, items).map_err(Problem::internal)?;
            accounts.push(shown(service, merchant, &account, currency, &items, now).await?);
        }
    }
    crate::http::json(200, &OpenItems { as_of: wire::time(now), accounts })
}

async fn shown(
    service: &Service,
    merchant: MerchantId,
    account: &Account,
    currency: Currency,
    items: &[OpenItem],
    now: DateTime<Utc>,
) -> Answer<OpenAccount> {
    let normal = |amount| on_normal_side(account.code, amount);
    let sum = |items: &[&OpenItem]| {
        Money::sum(currency, items.iter().map(|item| normal(item.amount))).map_err(Problem::internal)
    };
    let mut bands = Vec::new();
    for band in 0..=BANDS.len() {
        let own: Vec<&OpenItem> = items.iter().filter(|item| item.band(now) == band).collect();
        bands.push(AgeBand {
            from_days: if band == 0 { 0 } else { BANDS[band - 1] },
            to_days: BANDS.get(band).copied(),
            amount: sum(&own)?,
            items: own.len(),
        });
    }
    let mut aged = Vec::new();
    for item in items.iter().take(SHOWN) {
        // Money of no payment stands under the gateway's reference or the bank's line, and its finding is about that.
        let found = match item.subject.parse() {
            Ok(payment) => service.store.findings_of(merchant, payment).await?,
            Err(_) => service.store.undecided_about(merchant, &item.subject).await?,
        };
        let open = found.iter().filter(|found| found.value.state.as_str() != "resolved");
        let findings = open.map(|found| found.value.id.to_string()).collect();
        aged.push(AgedItem {
            subject: item.subject.clone(),
            amount: normal(item.amount),
            since: wire::time(item.since),
            days: item.days(now),
            findings,
        });
    }
    Ok(OpenAccount {
        account: account.to_string(),
        code: account.code.number(),
        name: Chart::shipped().get(account.code).map(|row| row.name.as_str()),
        currency,
        total: sum(&items.iter().collect::<Vec<_>>())?,
        bands,
        items: aged,
        has_more: items.len() > SHOWN,
    })
}
