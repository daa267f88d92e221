//! `/v1/fx/results`: what deals came to, order by order. A report: it posts nothing.

use actix_web::web;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::flows::fx_book::{Line, OrderRates};
use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::FxMethodWord;
use crate::http::service::Service;
use crate::http::wire;
use crate::ids::{FxDealId, PaymentId, SupplierId};
use crate::money::{Money, Rate};

use super::fx_book::{ClosingAnswer, closing};
use super::prices::read_date;

/// Which results.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResultParameters {
    /// The first day on which deals were recorded, in the merchant's zone.
    #[param(format = Date, example = "2026-11-01")]
    from: String,
    /// The last.
    #[param(format = Date, example = "2026-11-30")]
    to: String,
    /// Only what came of this order's payment.
    #[param(inline, value_type = Option<PaymentId>)]
    payment: Option<String>,
    /// Lines of a page, 1 to 100; 20 without it.
    #[param(example = "20", pattern = "^[0-9]{1,3}$")]
    limit: Option<String>,
    /// The page begins behind the line with this id.
    #[param(example = "fxd_01kb0000000000000000000000.1")]
    starting_after: Option<String>,
}

/// What deals came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsAnswer {
    /// How a lot finds its deal: the oldest first, or what the deal names.
    #[schema(value_type = FxMethodWord)]
    method: &'static str,
    from: NaiveDate,
    to: NaiveDate,
    /// The whole period, of the payment that was named or of all, pair by pair.
    totals: Vec<TotalAnswer>,
    /// Lot by lot, in the order of deals.
    data: Vec<ResultAnswer>,
    has_more: bool,
}

/// A pair's result; gains and losses are accounts of their own.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalAnswer {
    #[schema(example = "USDCNY")]
    pair: String,
    /// 6000.
    gain: Money,
    /// 6010.
    loss: Money,
    /// How many lots met.
    lots: i64,
}

/// One lot's result.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultAnswer {
    /// To go on from.
    #[schema(example = "fxd_01kb0000000000000000000000.1")]
    id: String,
    #[schema(value_type = FxDealId)]
    deal: String,
    #[serde(flatten)]
    closing: ClosingAnswer,
    rates: SideBySideAnswer,
    #[schema(format = DateTime)]
    recorded_at: String,
}

/// An order's rates, side by side; what did not happen is null or missing.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideBySideAnswer {
    /// What the shopper's price was made with: mid, then what was promised.
    #[schema(required)]
    quoted: Option<RatePair>,
    /// What the gateway converted by at capture.
    #[schema(required)]
    captured: Option<PairRateAnswer>,
    /// What suppliers' shares were converted by.
    settled: Vec<SettledAnswer>,
    /// What the market paid.
    #[schema(required)]
    paid: Option<PairRateAnswer>,
}

/// A rate with its direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairRateAnswer {
    #[schema(example = "USDCNY")]
    pair: String,
    #[schema(example = "7.115")]
    rate: String,
}

/// Mid, and what was used.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatePair {
    #[schema(example = "USDCNY")]
    pair: String,
    #[schema(example = "7.12")]
    mid: String,
    #[schema(example = "7.0844")]
    rate: String,
}

/// A supplier's conversion.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettledAnswer {
    #[schema(value_type = SupplierId)]
    supplier: String,
    #[serde(flatten)]
    rates: RatePair,
}

fn direction(rate: Rate) -> String {
    format!("{}{}", rate.base(), rate.quote())
}

fn number(rate: Rate) -> String {
    rate.value().normalize().to_string()
}

fn rates(rates: &OrderRates) -> SideBySideAnswer {
    let one = |rate: Rate| PairRateAnswer { pair: direction(rate), rate: number(rate) };
    let two =
        |mid: Rate, rate: Rate| RatePair { pair: direction(rate), mid: number(mid), rate: number(rate) };
    SideBySideAnswer {
        quoted: rates.quoted.map(|quoted| two(quoted.mid, quoted.rate)),
        captured: rates.captured.map(one),
        settled: rates
            .settled
            .iter()
            .map(|settled| SettledAnswer {
                supplier: settled.supplier.to_string(),
                rates: two(settled.mid, settled.rate),
            })
            .collect(),
        paid: rates.paid.map(one),
    }
}

fn result(line: &Line) -> ResultAnswer {
    ResultAnswer {
        id: format!("{}.{}", line.stored.deal, line.stored.nth),
        deal: line.stored.deal.to_string(),
        closing: closing(&line.stored),
        rates: rates(&line.rates),
        recorded_at: wire::time(line.stored.at),
    }
}

/// What deals recorded in a period came to, order by order and in sum.
#[utoipa::path(get, path = "/v1/fx/results", tag = "fx", params(ResultParameters), responses((status = 200, description = "The results", body = ResultsAnswer)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ResultParameters>) -> Answer {
    let ResultParameters { from, to, payment, limit, starting_after } = query.0;
    let (from, to) = (read_date("from", &from)?, read_date("to", &to)?);
    let limit = wire::limit(limit.as_deref())?;
    let after = starting_after.as_deref().map(read_place).transpose()?;
    let no_id = |_| Problem::new(Code::InvalidParameter, "a payment's id begins with `pay_`").at("payment");
    let payment = payment.as_deref().map(str::parse).transpose().map_err(no_id)?;
    let found = service.fx_book.results(caller.merchant(), (from, to), payment, after, limit as i64 + 1);
    let found = found.await?;
    let total = |total: &crate::store::fx_deals::PairResult| TotalAnswer {
        pair: total.pair.to_string(),
        gain: total.gain,
        loss: total.loss,
        lots: total.closings,
    };
    crate::http::json(
        200,
        &ResultsAnswer {
            method: "fifo_or_named",
            from,
            to,
            totals: found.totals.iter().map(total).collect(),
            has_more: found.lines.len() > limit,
            data: found.lines.iter().take(limit).map(result).collect(),
        },
    )
}

/// The id of a line: the deal and the place in it.
fn read_place(text: &str) -> Answer<(FxDealId, i64)> {
    let parts = text.split_once('.');
    let nth = parts.and_then(|(_, nth)| nth.parse().ok());
    match (parts, nth) {
        (Some((deal, _)), Some(nth)) => Ok((wire::id("starting_after", deal)?, nth)),
        _ => {
            let detail = "send the `id` of a line as it was answered";
            Err(Problem::new(Code::InvalidParameter, detail).at("starting_after"))
        }
    }
}
