//! What is open, what it would come to, and what deals came to. Nothing here posts.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::domain::fx::MarketRate;
use crate::domain::fx_book::{Exposure, FxDeal, Lot, exposures};
use crate::domain::statements::Period;
use crate::ids::{FxDealId, MerchantId, PaymentId};
use crate::money::{Currency, Money, Rate};
use crate::store::fx_deals::{PairResult, StoredClosing};

use super::rates::{OrderRates, deal_rate};
use super::{FxBook, FxBookError, broken};

/// An open position with a market rate beside it.
#[derive(Debug, Clone)]
pub struct Position {
    /// What is open.
    pub exposure: Exposure,
    /// Mid; `None` where no source has the pair.
    pub mid: Option<MarketRate>,
    /// What closing it at mid would gain; a loss is below zero.
    pub unrealized: Option<Money>,
}

/// A revaluation: what was open at a day's end, at the rates of that day.
#[derive(Debug, Clone)]
pub struct Revaluation {
    /// The day, in the merchant's zone.
    pub on: NaiveDate,
    /// The transaction up to which the books were read.
    pub upto: i64,
    /// Pair by pair.
    pub positions: Vec<Position>,
}

/// The results of a period.
#[derive(Debug, Clone)]
pub struct Results {
    /// The whole period, pair by pair.
    pub totals: Vec<PairResult>,
    /// A page of closings, one more than asked where there are more.
    pub lines: Vec<Line>,
}

/// One lot's result.
#[derive(Debug, Clone)]
pub struct Line {
    /// What met.
    pub stored: StoredClosing,
    /// Its order's rates.
    pub rates: OrderRates,
}

impl FxBook {
    /// What is open now, pair by pair, with the lots it is made of.
    ///
    /// # Errors
    /// [`FxBookError`].
    pub async fn exposure(&self, merchant: MerchantId) -> Result<(Vec<Position>, Vec<Lot>), FxBookError> {
        let open = self.store.open_lots(merchant).await?;
        let exposures = exposures(&open.lots, self.clock.now()).map_err(broken)?;
        let mid = |base, quote| self.rates.mid(base, quote).ok();
        let positions =
            exposures.into_iter().map(|exposure| valued(exposure, mid)).collect::<Result<_, _>>()?;
        Ok((positions, open.lots))
    }

    /// What was open at the end of `on` (today without it), valued at the rates of that day; of this moment, where the day
    /// is not over.
    ///
    /// # Errors
    /// [`FxBookError`].
    pub async fn revalue(
        &self,
        merchant: MerchantId,
        on: Option<NaiveDate>,
    ) -> Result<Revaluation, FxBookError> {
        let zone = self.store.merchant(merchant).await?.ok_or(FxBookError::Unknown)?.zone;
        let now = self.clock.now();
        let on = on.unwrap_or(Period::day_of(now, zone).from());
        let day = Period::try_new(on, on, zone)?;
        let rates = self.rates.on(on.min(now.date_naive()))?;
        let end = (day.ends_before() - chrono::TimeDelta::microseconds(1)).min(now);
        let upto = self.store.last_number_by(end).await?;
        let open = self.store.open_lots_at(merchant, upto).await?;
        let mid = |base, quote| rates.mid(base, quote).ok();
        let exposures = exposures(&open.lots, end).map_err(broken)?;
        let positions =
            exposures.into_iter().map(|exposure| valued(exposure, mid)).collect::<Result<_, _>>()?;
        Ok(Revaluation { on, upto, positions })
    }

    /// What deals recorded in a period came to, of one order's `payment` where one is named: the sums, and a page of lots.
    ///
    /// # Errors
    /// [`FxBookError`].
    pub async fn results(
        &self,
        merchant: MerchantId,
        (from, to): (NaiveDate, NaiveDate),
        payment: Option<PaymentId>,
        after: Option<(FxDealId, i64)>,
        limit: i64,
    ) -> Result<Results, FxBookError> {
        let zone = self.store.merchant(merchant).await?.ok_or(FxBookError::Unknown)?.zone;
        let period = Period::try_new(from, to, zone)?;
        let within: (DateTime<Utc>, DateTime<Utc>) = (period.begins_at(), period.ends_before());
        let totals = self.store.fx_results(merchant, within, payment).await?;
        let mut lines = Vec::new();
        for stored in self.store.fx_closings(merchant, within, payment, after, limit).await? {
            let rates = self.rates_of(merchant, &stored.closing).await?;
            lines.push(Line { stored, rates });
        }
        Ok(Results { totals, lines })
    }

    /// A deal and everything it closed.
    ///
    /// # Errors
    /// [`FxBookError::Unknown`].
    pub async fn deal(
        &self,
        merchant: MerchantId,
        id: FxDealId,
    ) -> Result<(FxDeal, Vec<StoredClosing>), FxBookError> {
        let deal = self.store.fx_deal(merchant, id).await?.ok_or(FxBookError::Unknown)?;
        Ok((deal, self.store.fx_closings_of(id).await?))
    }

    /// The rate at which a deal was done, in its pair's direction: to ten digits behind the point.
    pub fn rate_of(deal: &FxDeal) -> Option<Decimal> {
        deal_rate(deal).map(Rate::value)
    }
}

fn valued(
    exposure: Exposure,
    mid: impl Fn(Currency, Currency) -> Option<MarketRate>,
) -> Result<Position, FxBookError> {
    let pair = exposure.pair;
    if pair.is_alone() {
        let unrealized = Some(exposure.base);
        return Ok(Position { exposure, mid: None, unrealized });
    }
    let mid = mid(pair.base(), pair.quote());
    let unrealized = mid.as_ref().map(|mid| exposure.unrealized(mid.rate)).transpose().map_err(broken)?;
    Ok(Position { exposure, mid, unrealized })
}
