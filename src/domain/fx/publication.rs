//! One publication of one source, as it came, and what it says of one currency.
//!
//! Nothing is inverted or rebased at rest: a source with another base than the pivot, or one that quotes the other way
//! round, gives a [`Quotient`] of two published numbers, and whoever uses it divides once.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::RateKind;
use crate::money::Currency;

/// Which way round a source quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quoted {
    /// One unit of the base buys so many units of the currency.
    UnitsPerBase,
    /// One unit of the currency costs so many units of the base.
    BasePerUnit,
}

/// When newer numbers should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// A daily publication, and when the next one comes.
    NextAt(DateTime<Utc>),
    /// A running source that renews its numbers at this interval.
    Every(TimeDelta),
}

/// One publication of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The source's name.
    pub source: Arc<str>,
    /// What the numbers are quoted against.
    pub base: Currency,
    /// Which way round.
    pub quoted: Quoted,
    /// What the numbers claim to be.
    pub kind: RateKind,
    /// The market's time: when they were true.
    pub as_of: DateTime<Utc>,
    /// When the source published them.
    pub published_at: DateTime<Utc>,
    /// When they were read.
    pub fetched_at: DateTime<Utc>,
    /// When newer ones are due.
    pub due: Due,
    /// SHA-256 of the answer they came in: `sha256:…`.
    pub evidence: Arc<str>,
    /// By currency, the base not among them; digits as published, above zero.
    pub rates: Arc<[(Currency, Decimal)]>,
}

/// A rate that is not divided yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotient {
    /// Above the line.
    pub over: Decimal,
    /// Below it.
    pub under: Decimal,
}

impl Quotient {
    /// A published number.
    pub fn whole(over: Decimal) -> Quotient {
        Quotient { over, under: Decimal::ONE }
    }

    /// The other way round; still not divided.
    pub fn inverse(self) -> Quotient {
        Quotient { over: self.under, under: self.over }
    }

    /// One after the other. `None` beyond the range of decimals.
    pub fn times(self, other: Quotient) -> Option<Quotient> {
        // A published number keeps its trailing zeros.
        let times = |a: Decimal, b: Decimal| match (a == Decimal::ONE, b == Decimal::ONE) {
            (true, _) => Some(b),
            (_, true) => Some(a),
            _ => a.checked_mul(b),
        };
        Some(Quotient { over: times(self.over, other.over)?, under: times(self.under, other.under)? })
    }

    /// Divided, to 28 digits. `None` beyond the range of decimals.
    pub fn value(self) -> Option<Decimal> {
        if self.under == Decimal::ONE { Some(self.over) } else { self.over.checked_div(self.under) }
    }
}

impl Publication {
    /// The day it belongs to (UTC).
    pub fn day(&self) -> NaiveDate {
        self.as_of.date_naive()
    }

    /// The published number of a currency.
    pub fn number(&self, currency: Currency) -> Option<Decimal> {
        let found = self.rates.binary_search_by(|(own, _)| own.cmp(&currency)).ok()?;
        self.rates.get(found).map(|(_, number)| *number)
    }

    /// Units of `currency` for one unit of the base, if it has the currency.
    pub fn from_base(&self, currency: Currency) -> Option<Quotient> {
        if currency == self.base {
            return Some(Quotient::whole(Decimal::ONE));
        }
        let number = Quotient::whole(self.number(currency)?);
        Some(match self.quoted {
            Quoted::UnitsPerBase => number,
            Quoted::BasePerUnit => number.inverse(),
        })
    }

    /// Units of `currency` for one unit of `pivot`, if it has both.
    pub fn from_pivot(&self, pivot: Currency, currency: Currency) -> Option<Quotient> {
        let (to_pivot, to_currency) = (self.from_base(pivot)?, self.from_base(currency)?);
        to_pivot.inverse().times(to_currency)
    }

    /// Every currency it has, the base among them.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.rates.iter().map(|(currency, _)| *currency).chain([self.base])
    }

    /// Whether the numbers are the same, whenever they were read.
    pub fn same_numbers(&self, other: &Publication) -> bool {
        self.base == other.base && self.quoted == other.quoted && self.rates == other.rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::find(code).unwrap()
    }

    fn set(base: &str, quoted: Quoted, rates: &[(&str, &str)]) -> Publication {
        let now = DateTime::UNIX_EPOCH;
        let mut rates: Vec<(Currency, Decimal)> =
            rates.iter().map(|(code, number)| (currency(code), number.parse().unwrap())).collect();
        rates.sort();
        Publication {
            source: "a".into(),
            base: currency(base),
            quoted,
            kind: RateKind::Mid,
            as_of: now,
            published_at: now,
            fetched_at: now,
            due: Due::Every(TimeDelta::hours(1)),
            evidence: "sha256:0".into(),
            rates: rates.into(),
        }
    }

    #[test]
    fn whatever_the_base_and_the_way_round_the_pivots_leg_is_a_quotient_of_published_numbers() {
        let euro = set("EUR", Quoted::UnitsPerBase, &[("USD", "1.1200"), ("SGD", "1.4280")]);
        let dollar = set("USD", Quoted::UnitsPerBase, &[("EUR", "0.8000"), ("SGD", "1.2500")]);
        let ringgit = set("MYR", Quoted::BasePerUnit, &[("EUR", "4.50"), ("SGD", "3.00")]);
        for (publication, code, over, under) in [
            (&euro, "USD", "1.1200", "1"),
            (&dollar, "SGD", "1.2500", "0.8000"),
            (&dollar, "USD", "1", "0.8000"),
            (&ringgit, "SGD", "4.50", "3.00"),
            (&ringgit, "MYR", "4.50", "1"),
        ] {
            let leg = publication.from_pivot(currency("EUR"), currency(code)).unwrap();
            assert_eq!((leg.over.to_string().as_str(), leg.under.to_string().as_str()), (over, under));
        }
        assert_eq!(euro.from_pivot(currency("EUR"), currency("THB")), None);
        assert_eq!(
            set("USD", Quoted::UnitsPerBase, &[("SGD", "1")]).from_pivot(currency("EUR"), currency("SGD")),
            None
        );
    }
}
