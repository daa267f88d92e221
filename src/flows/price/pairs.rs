//! Pairs of currencies with what is added to their rate, ready to price; remembered for as long as they hold.
//!
//! A pair is one division, a look at its past and half a dozen texts. All of it stays the same until the book has another
//! snapshot, but for its age and the market's hours: a remembered pair is believed for a second of business time and never
//! past the market's bell, so that `stale` comes a second late at most. Promises do not look here.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::{PriceError, Pricing};
use crate::domain::fx::{MarketRate, half_up, week};
use crate::ids::RateSetId;
use crate::money::{BasisPoints, Currency, Rate, Repricing, Rounding};
use crate::rates::Snapshot;

/// How long a pair is believed.
const MEMORY: TimeDelta = TimeDelta::seconds(1);

/// A rate and what was put on top of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AppliedRate {
    /// One unit of this …
    pub base: Currency,
    /// … in this.
    pub quote: Currency,
    /// The market's rate.
    #[schema(example = "33.7298603651987111")]
    pub mid: String,
    /// On top of it.
    pub spread_bps: i32,
    /// On top of the spread: a shown price promises nothing, so that only `weekend_bps` is in it.
    pub buffer_bps: i32,
    /// The part of `buffer_bps` that is due because the market is closed.
    pub weekend_bps: i32,
    /// mid × (1 + spread_bps + buffer_bps): what prices are computed with.
    pub applied: String,
    /// Whose numbers.
    pub providers: Vec<String>,
    /// When the older leg was true in the market.
    #[schema(example = "2026-11-23T00:00:00Z")]
    pub as_of: DateTime<Utc>,
    /// Whether newer numbers should have been there.
    pub stale: bool,
}

/// The same with its JSON, which is written once for as long as the pair holds: every answer tells it.
#[derive(Debug, Clone)]
pub struct ToldRate {
    rate: AppliedRate,
    /// `None`: it is written where it is told.
    json: Option<Box<RawValue>>,
}

impl From<AppliedRate> for ToldRate {
    fn from(rate: AppliedRate) -> ToldRate {
        ToldRate { json: to_raw_value(&rate).ok(), rate }
    }
}

impl Deref for ToldRate {
    type Target = AppliedRate;
    fn deref(&self) -> &AppliedRate {
        &self.rate
    }
}

impl PartialEq for ToldRate {
    fn eq(&self, other: &ToldRate) -> bool {
        self.rate == other.rate
    }
}

impl Eq for ToldRate {}

impl Serialize for ToldRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.json {
            Some(json) => json.serialize(serializer),
            None => self.rate.serialize(serializer),
        }
    }
}

/// A pair, ready to price.
#[derive(Debug)]
pub(super) struct Applied {
    /// Prices are computed with it.
    pub rate: Rate,
    /// The same with the digits of price tags, half up.
    pub repricing: Repricing,
    /// What is said of such a rounding.
    pub rule: &'static str,
    /// As it is told.
    pub answer: Arc<ToldRate>,
}

/// Remembered pairs of one snapshot.
#[derive(Debug, Default)]
pub struct Pairs(RwLock<HashMap<(Currency, Currency), Remembered>>);

#[derive(Debug)]
struct Remembered {
    snapshot: RateSetId,
    /// It is no longer believed from this moment on.
    until: DateTime<Utc>,
    applied: Arc<Applied>,
}

impl Pairs {
    fn find(
        &self,
        pair: (Currency, Currency),
        snapshot: RateSetId,
        now: DateTime<Utc>,
    ) -> Option<Arc<Applied>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&pair).filter(|known| known.snapshot == snapshot && now < known.until)?;
        Some(known.applied.clone())
    }
}

impl Pricing {
    pub(super) fn applied(
        &self,
        snapshot: &Snapshot,
        base: Currency,
        quote: Currency,
        now: DateTime<Utc>,
    ) -> Result<Arc<Applied>, PriceError> {
        if let Some(known) = self.pairs.find((base, quote), snapshot.id(), now) {
            return Ok(known);
        }
        let applied = Arc::new(self.apply(snapshot, base, quote)?);
        let until = [Some(now + MEMORY), week::next_bell(now)].into_iter().flatten().min().unwrap_or(now);
        let remembered = Remembered { snapshot: snapshot.id(), until, applied: applied.clone() };
        self.pairs.0.write().unwrap_or_else(PoisonError::into_inner).insert((base, quote), remembered);
        Ok(applied)
    }

    fn apply(&self, snapshot: &Snapshot, base: Currency, quote: Currency) -> Result<Applied, PriceError> {
        let market = self.rates.mid_of(snapshot, base, quote)?;
        let (spread, weekend) = match base == quote {
            true => (BasisPoints(0), BasisPoints(0)),
            false => (self.settings.spread(), self.weekend(&market)),
        };
        let rate = market.rate.with_markup(BasisPoints(spread.0.saturating_add(weekend.0)))?;
        let answer = AppliedRate {
            base,
            quote,
            mid: market.rate.value().to_string(),
            spread_bps: spread.0,
            buffer_bps: weekend.0,
            weekend_bps: weekend.0,
            applied: rate.value().to_string(),
            providers: market.providers,
            as_of: market.as_of,
            stale: market.stale,
        };
        let repricing = Repricing::new(rate, quote.display_digits(), Rounding::HalfUp);
        Ok(Applied { rate, repricing, rule: half_up(quote), answer: Arc::new(answer.into()) })
    }

    /// What a shown price carries while the market is closed; nothing in a pair that never moves, as in a quote.
    fn weekend(&self, market: &MarketRate) -> BasisPoints {
        let fixed = || self.volatilities.of(&self.rates, market).is_some_and(|found| found.sigma == 0);
        match week::is_closed(market.at) && !fixed() {
            true => self.settings.weekend.in_prices_at(market.kind),
            false => BasisPoints(0),
        }
    }
}
