//! A price promised to one shopper until a moment, used once.
//!
//! The parts of the rate stay apart: the market's reference, our spread, the buffer that the length of the promise
//! costs, and the final rate, reference × (1 + spread + buffer). A payment that names the quote in time is captured at
//! it even when the capture comes after `expires_at`; if that payment ends uncaptured before then, the quote is open
//! again.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Endings, EndingsError, MarketRate, PriceRounding};
use crate::ids::{MerchantId, PaymentId, QuoteId};
use crate::money::{BasisPoints, Money, MoneyError, Rate, RateError};

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

/// A promised price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Its id.
    pub id: QuoteId,
    /// Whose shop.
    pub merchant: MerchantId,
    /// What the shop asks.
    pub from: Money,
    /// What the shopper pays.
    pub to: Money,
    /// The market's rate, with its evidence.
    pub market: MarketRate,
    /// On top of it.
    pub spread: BasisPoints,
    /// On top of the spread, for the promise.
    pub buffer: BasisPoints,
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
    /// The rate does not convert the amount.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// No rules for endings.
    #[error(transparent)]
    Endings(#[from] EndingsError),
}

/// What a quote is made of.
#[derive(Debug, Clone)]
pub struct QuoteTerms {
    /// Its id.
    pub id: QuoteId,
    /// Whose shop.
    pub merchant: MerchantId,
    /// The market's rate.
    pub market: MarketRate,
    /// Our spread.
    pub spread: BasisPoints,
    /// The lock's buffer.
    pub buffer: BasisPoints,
    /// How long it stands.
    pub lock: Lock,
    /// The moment it begins.
    pub now: DateTime<Utc>,
}

impl Quote {
    /// Promises the sum of `units`, each converted and rounded by itself, as a shop shows them.
    ///
    /// # Errors
    /// [`QuoteError::NotPositive`]; amounts of several currencies; amounts beyond the ledger.
    pub fn promise(terms: QuoteTerms, units: &[Money]) -> Result<Quote, QuoteError> {
        let QuoteTerms { id, merchant, market, spread, buffer, lock, now } = terms;
        let final_rate = market.rate.with_markup(BasisPoints(spread.0 + buffer.0))?;
        let from = Money::sum(market.rate.base(), units.iter().copied())?;
        if !from.is_positive() || units.iter().any(|unit| unit.is_negative()) {
            return Err(QuoteError::NotPositive(from));
        }
        let endings = Endings::bundled()?;
        let mut to = Money::zero(market.rate.quote());
        for unit in units {
            to = to.checked_add(endings.price(final_rate.convert(*unit)?, PriceRounding::Exact)?)?;
        }
        if !to.is_positive() {
            return Err(QuoteError::NotPositive(to));
        }
        let indicative = market.stale;
        let expires_at = now + lock.duration();
        Ok(Quote {
            id,
            merchant,
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
            used: None,
        })
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
