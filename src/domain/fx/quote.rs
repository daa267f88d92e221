//! A price promised to one shopper until a moment, used once.
//!
//! The parts of the rate stay apart: the market's reference, our spread, the buffer that the length of the promise
//! costs, and the final rate, reference × (1 + spread + buffer). A payment that names the quote in time is captured at
//! it even when the capture comes after `expires_at`; if that payment ends uncaptured before then, the quote is open
//! again.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Buffer, Country, Endings, MarketRate, PriceBook, PriceRounding, Sku};
use crate::ids::{FixedPriceId, MerchantId, PaymentId, QuoteId};
use crate::money::{BasisPoints, Currency, Money, MoneyError, Rate, RateError};

/// How long a promise stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Lock {
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// Thirty minutes.
    #[serde(rename = "30m")]
    ThirtyMinutes,
    /// One hour.
    #[serde(rename = "1h")]
    OneHour,
    /// One day.
    #[serde(rename = "24h")]
    OneDay,
}

/// No lock of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no lock; a price is promised for 5m, 30m, 1h or 24h")]
pub struct LockError(pub String);

impl Lock {
    /// Every lock, shortest first.
    pub const ALL: [Lock; 4] = [Lock::FiveMinutes, Lock::ThirtyMinutes, Lock::OneHour, Lock::OneDay];

    /// Its length.
    pub fn duration(self) -> TimeDelta {
        TimeDelta::minutes(match self {
            Lock::FiveMinutes => 5,
            Lock::ThirtyMinutes => 30,
            Lock::OneHour => 60,
            Lock::OneDay => 24 * 60,
        })
    }

    /// As the API writes it: `30m`.
    pub fn as_str(self) -> &'static str {
        match self {
            Lock::FiveMinutes => "5m",
            Lock::ThirtyMinutes => "30m",
            Lock::OneHour => "1h",
            Lock::OneDay => "24h",
        }
    }
}

impl FromStr for Lock {
    type Err = LockError;
    fn from_str(text: &str) -> Result<Lock, LockError> {
        let found = Lock::ALL.into_iter().find(|lock| lock.as_str() == text);
        found.ok_or_else(|| LockError(text.chars().take(16).collect()))
    }
}

/// One unit of what a quote is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What the shop asks for it.
    pub price: Money,
    /// Of which article, where the shop says so.
    pub sku: Option<Sku>,
    /// What the price book fixes for it in the shopper's currency: then nothing is converted.
    pub fixed: Option<Fixed>,
    /// What is promised for it; none before it is, and in quotes of which only the sum was kept.
    pub promised: Option<Money>,
}

/// A price of the price book, as a quote takes it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// The price.
    pub price: Money,
    /// The entry, which never changes and so is the version of the book; none in quotes that did not keep it.
    pub entry: Option<FixedPriceId>,
}

impl From<Money> for Unit {
    fn from(price: Money) -> Unit {
        Unit { price, sku: None, fixed: None, promised: None }
    }
}

/// A promised price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Its id.
    pub id: QuoteId,
    /// Whose shop.
    pub merchant: MerchantId,
    /// What it is for: each unit converted and rounded by itself, or as the price book has it.
    pub units: Vec<Unit>,
    /// How each unit's price ends: what was shown is what is promised.
    pub rounding: PriceRounding,
    /// The country whose prices of the book were looked up.
    pub country: Option<Country>,
    /// What the shop asks: their sum.
    pub from: Money,
    /// What the shopper pays.
    pub to: Money,
    /// The market's rate, with its evidence.
    pub market: MarketRate,
    /// On top of it.
    pub spread: BasisPoints,
    /// On top of the spread, for the promise.
    pub buffer: Buffer,
    /// What `to` was computed with.
    pub final_rate: Rate,
    /// How long it stands.
    pub lock: Lock,
    /// Whether it only informs: its rate is stale, or the gateway asked for cannot charge `to`.
    pub indicative: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// The token it was promised by, where it was.
    pub token: Option<QuoteId>,
    /// The payment that used it.
    pub used: Option<QuoteUse>,
}

/// Who used a quote, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuoteUse {
    /// The payment.
    pub payment: PaymentId,
    /// When it was made.
    pub at: DateTime<Utc>,
}

/// Where a quote stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuoteState {
    /// A payment may name it.
    Open,
    /// A payment did.
    Used,
    /// Nobody did in time.
    Expired,
}

/// Why there is no such price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The promise has ended: 409 `quote_expired`.
    #[error("quote {id} expired at {expired_at}")]
    Expired {
        /// The quote.
        id: QuoteId,
        /// When it ended.
        expired_at: DateTime<Utc>,
    },
    /// Another payment used it: 409 `quote_used`.
    #[error("quote {id} was used by payment {by}")]
    Used {
        /// The quote.
        id: QuoteId,
        /// The payment.
        by: PaymentId,
    },
    /// Nothing to promise.
    #[error("a quote needs an amount above zero, got {0}")]
    NotPositive(Money),
    /// A unit that would be given away: the currency has no coin so small.
    #[error(
        "unit {} at {price} comes to nothing in {to}: sell more of it as one unit, or fix its price in the price book",
        place + 1
    )]
    UnitForNothing {
        /// Which unit, from 0.
        place: usize,
        /// What the shop asks for it.
        price: Money,
        /// The currency.
        to: Currency,
    },
    /// A spread or buffer within one currency.
    #[error("within one currency nothing is converted: no spread, no buffer")]
    NothingConverted,
    /// The rate does not convert the amount.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What a quote is made of.
#[derive(Debug, Clone)]
pub struct QuoteTerms {
    /// Its id.
    pub id: QuoteId,
    /// Whose shop.
    pub merchant: MerchantId,
    /// The country whose prices of the book were looked up.
    pub country: Option<Country>,
    /// How prices end.
    pub rounding: PriceRounding,
    /// By which rules.
    pub endings: Arc<Endings>,
    /// The market's rate.
    pub market: MarketRate,
    /// Our spread.
    pub spread: BasisPoints,
    /// What the promise costs.
    pub buffer: Buffer,
    /// How long it stands.
    pub lock: Lock,
    /// The moment it begins.
    pub now: DateTime<Utc>,
}

impl Quote {
    /// Promises the sum of `units`, each converted and rounded by itself, as a shop shows them. Within one currency the
    /// shop's own price stands as it is; only cash cannot pay every amount. What is free is free, and nothing else is.
    ///
    /// # Errors
    /// [`QuoteError::NotPositive`]; [`QuoteError::UnitForNothing`]; amounts of several currencies; amounts beyond the ledger.
    pub fn promise<U: Clone + Into<Unit>>(terms: QuoteTerms, units: &[U]) -> Result<Quote, QuoteError> {
        let mut units: Vec<Unit> = units.iter().cloned().map(Into::into).collect();
        let QuoteTerms { id, merchant, country, rounding, endings, market, spread, buffer, lock, now } =
            terms;
        let total = buffer.total();
        if market.rate.base() == market.rate.quote() && (spread.0 != 0 || total.0 != 0) {
            return Err(QuoteError::NothingConverted);
        }
        let final_rate = market.rate.with_markup(BasisPoints(spread.0.saturating_add(total.0)))?;
        let from = Money::sum(market.rate.base(), units.iter().map(|unit| unit.price))?;
        if !from.is_positive() || units.iter().any(|unit| unit.price.is_negative()) {
            return Err(QuoteError::NotPositive(from));
        }
        let as_given = market.rate.base() == market.rate.quote() && rounding != PriceRounding::Cash;
        let mut to = Money::zero(market.rate.quote());
        for (place, unit) in units.iter_mut().enumerate() {
            let (price, lifted) = match unit.fixed {
                Some(fixed) => (fixed.price, false),
                None if as_given => (unit.price, false),
                None => {
                    let ended = endings.price(final_rate.convert(unit.price)?, rounding, country)?;
                    (ended.price, ended.lifted)
                }
            };
            // A shown price is lifted to the least there is; a sum of many such would promise far more than they are worth.
            if lifted || (price.is_zero() && !unit.price.is_zero()) {
                return Err(QuoteError::UnitForNothing { place, price: unit.price, to: price.currency() });
            }
            unit.promised = Some(price);
            to = to.checked_add(price)?;
        }
        if !to.is_positive() {
            return Err(QuoteError::NotPositive(to));
        }
        // What is fixed for every unit does not wait for rates.
        let indicative = market.stale && !units.iter().all(|unit| unit.fixed.is_some());
        let expires_at = now + lock.duration();
        Ok(Quote {
            id,
            merchant,
            units,
            rounding,
            country,
            from,
            to,
            market,
            spread,
            buffer,
            final_rate,
            lock,
            indicative,
            created_at: now,
            expires_at,
            token: None,
            used: None,
        })
    }

    /// Whether the units' prices, where they are kept, add up to what is promised.
    pub fn adds_up(&self) -> bool {
        let prices: Option<Vec<Money>> = self.units.iter().map(|unit| unit.promised).collect();
        prices.is_none_or(|prices| Money::sum(self.to.currency(), prices) == Ok(self.to))
    }

    /// Whether the price book fixes for its articles what it promises for them, and nothing where it promises a
    /// conversion.
    pub fn is_in(&self, book: &PriceBook, now: DateTime<Utc>) -> bool {
        let fixed = |sku| book.price(sku, self.to.currency(), self.country, now).map(|entry| entry.price);
        self.units.iter().all(|unit| unit.sku.as_ref().and_then(fixed) == unit.fixed.map(|fixed| fixed.price))
    }

    /// Where it stands at `now`. The last moment still counts.
    pub fn state(&self, now: DateTime<Utc>) -> QuoteState {
        match self.used {
            Some(_) => QuoteState::Used,
            None if now <= self.expires_at => QuoteState::Open,
            None => QuoteState::Expired,
        }
    }

    /// What a payment made at `now` takes. The payment that used the quote may ask again, even after expiry.
    ///
    /// # Errors
    /// [`QuoteError::Expired`], [`QuoteError::Used`].
    pub fn honour(&self, payment: PaymentId, now: DateTime<Utc>) -> Result<Money, QuoteError> {
        match self.used {
            Some(used) if used.payment == payment => Ok(self.to),
            Some(used) => Err(QuoteError::Used { id: self.id, by: used.payment }),
            None if now <= self.expires_at => Ok(self.to),
            None => Err(QuoteError::Expired { id: self.id, expired_at: self.expires_at }),
        }
    }
}

#[cfg(test)]
mod tests;
