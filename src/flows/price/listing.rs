//! Rates, as `/v1/rates` answers them.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PriceError, Pricing};
use crate::domain::fx::{MarketRate, RateKind};
use crate::money::Currency;
use crate::rates::RatesError;

/// What is asked.
#[derive(Debug, Clone)]
pub struct RatesQuestion {
    /// One unit of this …
    pub base: Currency,
    /// … in these; none: every currency that has a rate.
    pub quotes: Vec<Currency>,
    /// The rates of a past day: the last publication on or before it.
    pub date: Option<NaiveDate>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RatesAnswer {
    /// One unit of this.
    pub base: Currency,
    /// The oldest market time among the rates.
    #[schema(required, example = "2026-11-23T00:00:00Z")]
    pub as_of: Option<DateTime<Utc>>,
    /// One for each currency, in the order asked; a currency that is asked for twice is answered once.
    pub rates: Vec<RateAnswer>,
    /// Currencies that were asked for and have no rate.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Currency>,
}

/// One rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RateAnswer {
    /// The quote currency.
    pub currency: Currency,
    /// Units of it for one unit of base: the source's own digits, or a cross of at least ten significant ones.
    #[schema(example = "1.27837450769781597")]
    pub mid: String,
    /// When the older leg was true in the market.
    #[schema(example = "2026-11-23T00:00:00Z")]
    pub as_of: DateTime<Utc>,
    /// When it was read.
    #[schema(example = "2026-11-23T00:00:00Z")]
    pub fetched_at: DateTime<Utc>,
    /// Seconds from `as_of` to now, or to the end of the day asked for.
    pub age_s: i64,
    /// Whether newer numbers should have been there.
    pub stale: bool,
    /// `reference` or `mid`.
    pub kind: RateKind,
    /// Whose numbers.
    pub providers: Vec<String>,
    /// From base to quote.
    pub path: Vec<Currency>,
    /// Newer numbers are there and not believed: these are the last known good ones. See `/v1/rates/sources`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
}

impl From<MarketRate> for RateAnswer {
    fn from(market: MarketRate) -> RateAnswer {
        RateAnswer {
            currency: market.rate.quote(),
            mid: market.rate.value().to_string(),
            age_s: market.age().num_seconds(),
            as_of: market.as_of,
            fetched_at: market.fetched_at,
            stale: market.stale,
            kind: market.kind,
            providers: market.providers,
            path: market.path,
            held_back: false,
        }
    }
}

impl Pricing {
    /// The rates of now or of a past day.
    ///
    /// # Errors
    /// [`PriceError::NoRate`] when the base has none, [`PriceError::FutureDate`], [`PriceError::BeforeFirst`].
    pub fn list_rates(&self, question: &RatesQuestion) -> Result<RatesAnswer, PriceError> {
        let base = question.base;
        let day = question.date.map_or_else(|| Ok(self.rates.now()), |date| self.rates.on(date))?;
        day.last_word(base, base)?;
        let wanted: Vec<Currency> = match question.quotes.as_slice() {
            [] => day.currencies().filter(|currency| *currency != base).collect(),
            some => some.to_vec(),
        };
        let mut asked = BTreeSet::new();
        let wanted = wanted.into_iter().filter(|quote| asked.insert(*quote));
        let (mut rates, mut missing) = (Vec::new(), Vec::new());
        for quote in wanted {
            match day.last_word(base, quote) {
                Ok(market) => {
                    let held_back = market.path.iter().any(|step| day.is_held(*step));
                    rates.push(RateAnswer { held_back, ..RateAnswer::from(market) });
                }
                Err(RatesError::NoRate(_)) => missing.push(quote),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(RatesAnswer { base, as_of: rates.iter().map(|rate| rate.as_of).min(), rates, missing })
    }
}
