//! `/v1/ledger/suspense` and `/v1/ledger/ageing`: what is open, item by item, and for how long.

use std::collections::BTreeMap;

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::findings::{Finding, FindingKind};
use crate::domain::ledger::ageing::{BANDS, WITH_ITEMS, left_open};
use crate::domain::ledger::balance::on_normal_side;
use crate::domain::ledger::{Account, AccountCode, Chart, OpenItem};
use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::FindingStateWord;
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn};
use crate::ids::{FindingId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::Versioned;

/// Items shown of one account and currency without a `limit`, and at most.
const SHOWN: usize = 100;
const SHOWN_MAX: usize = 1_000;

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OpenItemsParameters {
    /// Only this account: code and owner, `2900[paypal]`.
    #[param(example = "2900[paypal]")]
    account: Option<String>,
    /// Only this currency.
    #[param(inline, value_type = Option<Currency>, example = "USD")]
    currency: Option<CurrencyIn>,
    /// Items of each account and currency, 1 to 1000; 100 without it.
    #[param(example = "100", pattern = "^[0-9]{1,4}$")]
    limit: Option<String>,
    /// Items begin behind the one with this subject; needs `account` and `currency`.
    starting_after: Option<String>,
}

/// What is shown of each account's items.
struct Shown<'a> {
    account: Option<&'a str>,
    currency: Option<Currency>,
    limit: usize,
    after: Option<&'a str>,
}

impl OpenItemsParameters {
    fn shown(&self) -> Answer<Shown<'_>> {
        let refuse = |param: &'static str, why: &str| Problem::new(Code::InvalidParameter, why).at(param);
        let limit = self.limit.as_deref().map_or(Some(SHOWN), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=SHOWN_MAX).contains(limit));
        let limit = limit.ok_or_else(|| refuse("limit", "`limit` is 1 to 1000"))?;
        if self.starting_after.is_some() && (self.account.is_none() || self.currency.is_none()) {
            let why = "`starting_after` goes on in one account and currency: give both";
            return Err(refuse("starting_after", why));
        }
        Ok(Shown {
            account: self.account.as_deref(),
            currency: self.currency.map(|currency| currency.0),
            limit,
            after: self.starting_after.as_deref(),
        })
    }
}

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
    /// The oldest items, or those behind `starting_after`.
    items: Vec<AgedItem>,
    /// Whether there are more: go on behind the last one's `subject`.
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
    findings: Vec<OpenFinding>,
}

/// A finding about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenFinding {
    id: FindingId,
    kind: FindingKind,
    #[schema(value_type = FindingStateWord)]
    state: &'static str,
}

/// Money that nobody has explained (2900), with the findings that wait for a decision.
#[utoipa::path(get, path = "/v1/ledger/suspense", tag = "ledger", params(OpenItemsParameters), responses((status = 200, description = "Suspense, item by item", body = OpenItems)))]
pub async fn suspense(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<OpenItemsParameters>,
) -> Answer {
    answer(&service, caller.merchant(), &[AccountCode::SUSPENSE], &query.0.shown()?).await
}

/// Open items by age: deposits on their way (1140), what suppliers owe (1200), clearing (2000), what customers get back
/// (2010), refunds on their way (2020), payouts on their way (2140) and unclaimed (2150), suspense (2900).
#[utoipa::path(get, path = "/v1/ledger/ageing", tag = "ledger", params(OpenItemsParameters), responses((status = 200, description = "Open items by age", body = OpenItems)))]
pub async fn ageing(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<OpenItemsParameters>,
) -> Answer {
    answer(&service, caller.merchant(), &WITH_ITEMS, &query.0.shown()?).await
}

async fn answer(service: &Service, merchant: MerchantId, codes: &[AccountCode], asked: &Shown<'_>) -> Answer {
    let now = service.clock.now();
    let mut accounts = Vec::new();
    for code in codes {
        let mut by_account: BTreeMap<(Account, Currency), Vec<OpenItem>> = BTreeMap::new();
        for item in service.store.open_items(merchant, *code).await? {
            by_account.entry((item.account.clone(), item.amount.currency())).or_default().push(item);
        }
        for ((account, currency), items) in by_account {
            let is_other = asked.account.is_some_and(|wanted| account.to_string() != wanted)
                || asked.currency.is_some_and(|wanted| wanted != currency);
            if is_other {
                continue;
            }
            let items = left_open(*code, items).map_err(Problem::internal)?;
            accounts.push(shown(service, merchant, (&account, currency), &items, asked, now).await?);
        }
    }
    crate::http::json(200, &OpenItems { as_of: wire::time(now), accounts })
}

async fn shown(
    service: &Service,
    merchant: MerchantId,
    (account, currency): (&Account, Currency),
    items: &[OpenItem],
    asked: &Shown<'_>,
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
    let behind = match asked.after {
        None => 0,
        Some(subject) => match items.iter().position(|item| item.subject == subject) {
            Some(place) => place + 1,
            None => {
                let why = format!("nothing open of {account} is called `{subject}`");
                return Err(Problem::new(Code::InvalidParameter, why).at("starting_after"));
            }
        },
    };
    let mut aged = Vec::new();
    for item in items.iter().skip(behind).take(asked.limit) {
        // Money of no payment stands under the gateway's reference or the bank's line, and its finding is about that.
        let found = match item.subject.parse() {
            Ok(payment) => service.store.findings_of(merchant, payment).await?,
            Err(_) => service.store.undecided_about(merchant, &item.subject).await?,
        };
        let open = found.iter().filter(|found| found.value.state.as_str() != "resolved");
        let finding = |found: &Versioned<Finding>| OpenFinding {
            id: found.value.id,
            kind: found.value.kind,
            state: found.value.state.as_str(),
        };
        let findings = open.map(finding).collect();
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
        has_more: items.len() > behind + asked.limit,
    })
}
