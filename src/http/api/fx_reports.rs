//! `/v1/fx/exposure`, `/v1/fx/revaluation`: what is open in currencies and what it would come to. Reports: neither posts.

use actix_web::web;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::fx_book::{Age, Lot, by_currency};
use crate::domain::ledger::JournalEvent;
use crate::flows::fx_book::Position;
use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::ConversionKindWord;
use crate::http::service::Service;
use crate::http::wire;
use crate::ids::{PaymentId, TransactionId};
use crate::money::{Currency, Money};

use super::prices::read_date;

/// Open lots shown with one answer.
const LOTS_SHOWN: usize = 1_000;

/// What is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposureAnswer {
    #[schema(format = DateTime)]
    as_of: String,
    positions: Vec<PositionAnswer>,
    /// The same by currency, whatever it is open against: both sides of each pair.
    currencies: Vec<CurrencyAnswer>,
    /// What it is made of, the oldest first; a thousand at most.
    lots: Vec<LotAnswer>,
    /// Whether more lots follow; `starting_after` goes on behind the last one shown.
    has_more: bool,
}

/// What is open in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyAnswer {
    currency: Currency,
    /// Long above zero, short below.
    open: Money,
    /// The open amount by age.
    ages: Vec<AgeAnswer>,
}

/// A revaluation: it posts nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevaluationAnswer {
    /// The day, in the merchant's zone.
    on: NaiveDate,
    /// The books were read up to this transaction.
    upto: i64,
    positions: Vec<PositionAnswer>,
}

/// The open position of a pair.
#[derive(Debug, Serialize, ToSchema)]
pub struct PositionAnswer {
    /// Base and quote: `USDCNY`; one currency where an amount has no cost.
    #[schema(example = "USDCNY")]
    pair: String,
    /// Long above zero, short below.
    open: Money,
    /// What that was booked at, in the quote: paid below zero, received above.
    booked: Money,
    /// Units of the quote for one of the base.
    #[schema(required, example = "7.12")]
    average: Option<String>,
    /// Long lots alone.
    long: Money,
    /// Short lots alone.
    short: Money,
    lots: usize,
    /// Since when the oldest lot is open.
    #[schema(format = DateTime)]
    oldest: String,
    /// The open amount by age.
    ages: Vec<AgeAnswer>,
    /// Mid; null where no source has the pair.
    #[schema(required)]
    mid: Option<MidAnswer>,
    /// What closing it at mid would gain, in the quote; a loss is below zero. Not posted.
    #[schema(required)]
    unrealized: Option<Money>,
}

/// An age, with what is open of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgeAnswer {
    age: Age,
    open: Money,
}

/// A market rate.
#[derive(Debug, Serialize, ToSchema)]
pub struct MidAnswer {
    #[schema(example = "7.05")]
    rate: String,
    #[schema(format = DateTime)]
    as_of: String,
    /// Whether it is older than its source allows.
    stale: bool,
}

/// What one transaction left open.
#[derive(Debug, Serialize, ToSchema)]
pub struct LotAnswer {
    #[schema(value_type = TransactionId)]
    transaction: String,
    /// Who changed the money.
    #[schema(value_type = ConversionKindWord)]
    kind: &'static str,
    #[schema(example = "USDCNY")]
    pair: String,
    /// The payment it is about.
    #[schema(required, value_type = Option<PaymentId>)]
    payment: Option<String>,
    open: Money,
    booked: Money,
    #[schema(format = DateTime)]
    since: String,
}

fn ages(of: &[(Age, Money)]) -> Vec<AgeAnswer> {
    of.iter().map(|(age, open)| AgeAnswer { age: *age, open: *open }).collect()
}

fn position(position: &Position) -> PositionAnswer {
    let open = &position.exposure;
    PositionAnswer {
        pair: open.pair.to_string(),
        open: open.base,
        booked: open.quote,
        average: open.average_cost().map(|average| average.to_string()),
        long: open.long,
        short: open.short,
        lots: open.lots,
        oldest: wire::time(open.oldest),
        ages: ages(&open.ages),
        mid: position.mid.as_ref().map(|mid| MidAnswer {
            rate: mid.rate.value().normalize().to_string(),
            as_of: wire::time(mid.as_of),
            stale: mid.stale,
        }),
        unrealized: position.unrealized,
    }
}

fn lot(lot: &Lot) -> LotAnswer {
    LotAnswer {
        transaction: lot.transaction.to_string(),
        kind: match lot.event {
            JournalEvent::ConvertedMarket => "market",
            JournalEvent::ConvertedByGateway => "gateway",
            _ => "internal",
        },
        pair: lot.pair.to_string(),
        payment: lot.subject.clone().filter(|subject| subject.parse::<PaymentId>().is_ok()),
        open: lot.base,
        booked: lot.quote,
        since: wire::time(lot.at),
    }
}

/// Which lots of it are shown; positions are always whole.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExposureParameters {
    /// The lots begin behind those of this transaction.
    #[param(inline, value_type = Option<TransactionId>)]
    starting_after: Option<String>,
}

/// What is open in currencies, pair by pair and by age, with the market's rate beside it.
#[utoipa::path(get, path = "/v1/fx/exposure", tag = "fx", params(ExposureParameters), responses((status = 200, description = "What is open", body = ExposureAnswer)))]
pub async fn exposure(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<ExposureParameters>,
) -> Answer {
    let (positions, lots) = service.fx_book.exposure(caller.merchant()).await?;
    let now = service.clock.now();
    let currencies = by_currency(&lots, now).map_err(Problem::internal)?.into_iter();
    let currencies = currencies.map(|one| CurrencyAnswer {
        currency: one.open.currency(),
        open: one.open,
        ages: ages(&one.ages),
    });
    let currencies = currencies.collect();
    let begin = match query.0.starting_after {
        None => 0,
        Some(after) => {
            let last = lots.iter().rposition(|lot| lot.transaction.to_string() == after);
            let why = "no open lot is of this transaction: it may be closed by now, begin anew";
            let gone = || Problem::new(Code::InvalidParameter, why).at("starting_after");
            last.ok_or_else(gone)? + 1
        }
    };
    let lots = lots.get(begin..).unwrap_or_default();
    crate::http::json(
        200,
        &ExposureAnswer {
            as_of: wire::time(now),
            positions: positions.iter().map(position).collect(),
            currencies,
            has_more: lots.len() > LOTS_SHOWN,
            lots: lots.iter().take(LOTS_SHOWN).map(lot).collect(),
        },
    )
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RevaluationParameters {
    /// A day in the merchant's zone; without it, today.
    #[param(format = Date, example = "2026-11-27")]
    on: Option<String>,
}

/// What was open at a day's end, at the rates of that day. Posts nothing.
#[utoipa::path(get, path = "/v1/fx/revaluation", tag = "fx", params(RevaluationParameters), responses((status = 200, description = "The revaluation", body = RevaluationAnswer)))]
pub async fn revaluation(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<RevaluationParameters>,
) -> Answer {
    let on = query.0.on.as_deref().map(|on| read_date("on", on)).transpose()?;
    let found = service.fx_book.revalue(caller.merchant(), on).await?;
    let positions = found.positions.iter().map(position).collect();
    crate::http::json(200, &RevaluationAnswer { on: found.on, upto: found.upto, positions })
}
