//! A price promised to one shopper until a moment, used once.
//!
//! The parts of the rate stay apart: the market's reference, our spread, the buffer that the length of the promise
//! costs, and the final rate, reference × (1 + spread + buffer). A payment that names the quote in time is captured at
//! it even when the capture comes after `expires_at`; if that payment ends uncaptured before then, the quote is open
//! again.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Buffer, Country, Endings, EndingsError, MarketRate, PriceRounding, Sku};
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

/// One unit of what a quote is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What the shop asks for it.
    pub price: Money,
    /// Of which article, where the shop says so.
    pub sku: Option<Sku>,
    /// What the price book fixes for it in the shopper's currency: then nothing is converted.
    pub fixed: Option<Money>,
}

impl From<Money> for Unit {
    fn from(price: Money) -> Unit {
        Unit { price, sku: None, fixed: None }
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
    /// A spread or buffer within one currency.
    #[error("within one currency nothing is converted: no spread, no buffer")]
    NothingConverted,
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
    /// The country whose prices of the book were looked up.
    pub country: Option<Country>,
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
    /// Promises the sum of `units`, each converted and rounded by itself, as a shop shows them.
    ///
    /// # Errors
    /// [`QuoteError::NotPositive`]; amounts of several currencies; amounts beyond the ledger.
    pub fn promise<U: Clone + Into<Unit>>(terms: QuoteTerms, units: &[U]) -> Result<Quote, QuoteError> {
        let units: Vec<Unit> = units.iter().cloned().map(Into::into).collect();
        let QuoteTerms { id, merchant, country, market, spread, buffer, lock, now } = terms;
        let total = buffer.total();
        if market.rate.base() == market.rate.quote() && (spread.0 != 0 || total.0 != 0) {
            return Err(QuoteError::NothingConverted);
        }
        let final_rate = market.rate.with_markup(BasisPoints(spread.0.saturating_add(total.0)))?;
        let from = Money::sum(market.rate.base(), units.iter().map(|unit| unit.price))?;
        if !from.is_positive() || units.iter().any(|unit| unit.price.is_negative()) {
            return Err(QuoteError::NotPositive(from));
        }
        let endings = Endings::bundled()?;
        let mut to = Money::zero(market.rate.quote());
        for unit in &units {
            let converted = || -> Result<Money, QuoteError> {
                let exact = final_rate.convert(unit.price)?;
                Ok(endings.price(exact, PriceRounding::Exact, None)?.price)
            };
            to = to.checked_add(unit.fixed.map_or_else(converted, Ok)?)?;
        }
        if !to.is_positive() {
            return Err(QuoteError::NotPositive(to));
        }
        let indicative = market.stale;
        let expires_at = now + lock.duration();
        Ok(Quote {
            id,
            merchant,
            units,
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
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::fx::RateKind;
    use crate::ids::IdSource;
    use crate::money::Currency;

    fn terms(rate: &str, from: &'static str, to: &'static str, spread: i32, buffer: i32) -> QuoteTerms {
        let now = from_micros(1_793_400_000_000_000);
        let ids = IdSource::seeded(Clock::fixed(now), 3);
        let (from, to) = (Currency::known(from), Currency::known(to));
        let market = MarketRate {
            rate: Rate::parse(from, to, rate).unwrap(),
            kind: RateKind::Reference,
            path: vec![from, to],
            providers: vec!["ecb".into()],
            as_of: now,
            fetched_at: now,
            at: now,
            stale: false,
            evidence: vec!["sha256:00".into()],
            snapshot: ids.mint(),
        };
        let (spread, buffer) = (BasisPoints(spread), Buffer::flat(BasisPoints(buffer)));
        QuoteTerms {
            id: ids.mint(),
            merchant: ids.mint(),
            country: None,
            market,
            spread,
            buffer,
            lock: Lock::ThirtyMinutes,
            now,
        }
    }

    fn money(text: &str, currency: &'static str) -> Money {
        Money::parse(text, Currency::known(currency)).unwrap()
    }

    #[test]
    fn the_final_rate_is_reference_spread_and_buffer() {
        for (rate, spread, buffer, amount, final_rate, to) in [
            ("33.729860365198711", 0, 0, "19.90", "33.729860365198711", "671.22"),
            ("33.729860365198711", 100, 0, "19.90", "34.0671589688506981", "677.94"),
            ("33.729860365198711", 100, 15, "19.90", "34.1177537593984962", "678.94"),
            ("1.12415", 0, 0, "100.00", "1.12415", "112.42"),
        ] {
            let quote =
                Quote::promise(terms(rate, "USD", "THB", spread, buffer), &[money(amount, "USD")]).unwrap();
            assert_eq!(
                (quote.final_rate.value().to_string().as_str(), quote.to),
                (final_rate, money(to, "THB"))
            );
        }
    }

    #[test]
    fn units_are_rounded_one_by_one() {
        let units = [money("0.33", "USD"), money("0.33", "USD"), money("0.33", "USD")];
        let quote = Quote::promise(terms("147.5", "USD", "JPY", 0, 0), &units).unwrap();
        // 48.675 each: 49 three times, not 146.025 rounded once.
        assert_eq!((quote.from, quote.to), (money("0.99", "USD"), money("147", "JPY")));
    }

    #[test]
    fn it_is_honoured_until_its_last_moment_and_once() {
        let quote = Quote::promise(terms("2", "USD", "THB", 0, 0), &[money("1.00", "USD")]).unwrap();
        let ids = IdSource::seeded(Clock::fixed(quote.created_at), 9);
        let (mine, other): (PaymentId, PaymentId) = (ids.mint(), ids.mint());
        let (last, late) = (quote.expires_at, quote.expires_at + TimeDelta::microseconds(1));
        assert_eq!(last - quote.created_at, TimeDelta::minutes(30));
        assert_eq!((quote.state(last), quote.state(late)), (QuoteState::Open, QuoteState::Expired));
        assert_eq!(quote.honour(mine, last), Ok(money("2.00", "THB")));
        assert_eq!(quote.honour(mine, late), Err(QuoteError::Expired { id: quote.id, expired_at: last }));

        let used = Quote { used: Some(QuoteUse { payment: mine, at: last }), ..quote };
        assert_eq!(used.state(late), QuoteState::Used);
        assert_eq!(
            used.honour(mine, late),
            Ok(money("2.00", "THB")),
            "a payment made in time keeps its price"
        );
        assert_eq!(used.honour(other, last), Err(QuoteError::Used { id: used.id, by: mine }));
    }

    #[test]
    fn refuses_nothing_and_mixtures() {
        let promise = |units: &[Money]| Quote::promise(terms("0.00001", "USD", "THB", 0, 0), units);
        let fixed = Unit { fixed: Some(money("690.00", "THB")), ..money("19.90", "USD").into() };
        let quote =
            Quote::promise(terms("33.7", "USD", "THB", 100, 15), &[fixed, money("1.00", "USD").into()]);
        assert_eq!(quote.unwrap().to, money("724.09", "THB"), "690.00 as it is, and 34.08755 converted");
        assert!(matches!(promise(&[]), Err(QuoteError::NotPositive(_))));
        assert!(matches!(promise(&[money("0.00", "USD")]), Err(QuoteError::NotPositive(_))));
        assert!(
            matches!(promise(&[money("0.01", "USD")]), Err(QuoteError::NotPositive(_))),
            "rounds to nothing"
        );
        assert!(matches!(promise(&[money("1", "JPY")]), Err(QuoteError::Money(_))));
        let within = Quote::promise(terms("1", "USD", "USD", 10, 0), &[money("1.00", "USD")]);
        assert_eq!(within, Err(QuoteError::NothingConverted));
    }
}
