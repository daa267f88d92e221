//! What a source answers: one publication, with its times.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

/// A currency code: three capital letters. Whether ISO 4217 knows it is for the caller to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; 3]);

/// Not three capital letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency code of three capital letters")]
pub struct CodeError(pub String);

impl Code {
    /// The euro, pivot of the European sources.
    pub const EUR: Code = Code(*b"EUR");
    /// The US dollar, base of most others.
    pub const USD: Code = Code(*b"USD");

    /// From text; exact, upper case.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<Code, CodeError> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
            .map(Code)
            .ok_or_else(|| CodeError(text.chars().take(16).collect()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        // Three ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Code {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Code, CodeError> {
        Code::parse(text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a number claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Published once a day for information; nobody deals at it.
    Reference,
    /// Between what dealers bid and ask, now.
    Mid,
}

/// Which way round a source quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quoted {
    /// One unit of the base buys so many units of the currency: 1 EUR = 1.1172 USD.
    UnitsPerBase,
    /// One unit of the currency costs so many units of the base: 1 USD = 3.93 MYR in a set whose base is MYR. The
    /// number stands as published (per 100 or 1,000 only the point is moved, which is exact), because an inverse would
    /// be inexact: whoever uses it divides once.
    BasePerUnit,
}

/// When a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// A daily publication, and when the one after this set is due.
    NextAt(DateTime<Utc>),
    /// A running source that renews its numbers at this interval.
    Every(TimeDelta),
}

/// One publication of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateSet {
    /// The source's name.
    pub provider: &'static str,
    /// One unit of this …
    pub base: Code,
    /// … or, the other way round, what one unit of the others costs in it.
    pub quoted: Quoted,
    /// The market's time: when the rates were true.
    pub as_of: DateTime<Utc>,
    /// When the source published them.
    pub published_at: DateTime<Utc>,
    /// When they were read from the source.
    pub fetched_at: DateTime<Utc>,
    /// What the numbers claim to be.
    pub kind: Kind,
    /// When newer ones are due.
    pub schedule: Schedule,
    /// … buys so many units of each of these (or the other way round, see `quoted`). Digits as published, at most
    /// twelve significant ones (an exact middle of bid and ask may have one more); above zero, never the base itself.
    pub rates: BTreeMap<Code, Decimal>,
}

/// Reads a rate: ASCII digits with at most one point, above 0, below 10^9, at most 28 digits. Never through binary
/// floating point. `None` for anything else.
pub fn parse_rate(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > 29 || !digits(whole) || fraction.is_some_and(|part| !digits(part)) {
        return None;
    }
    let value = Decimal::from_str_exact(text).ok()?;
    (value > Decimal::ZERO && value < Decimal::from(1_000_000_000_u32)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_keeps_every_published_digit() {
        for text in ["1.1172", "0.83380", "136.00", "20275.17", "136", "29478.53330894", "0.0000000001"] {
            assert_eq!(parse_rate(text).map(|rate| rate.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "0",
            "0.000",
            "-1.2",
            "+1.2",
            "1e3",
            "1_000",
            "1,5",
            "1.",
            ".5",
            " 1.2",
            "1.2 ",
            "N/A",
            "NaN",
            "1000000000",
            "１.２",
            "1.2.3",
            "0.00000000000000000000000000001",
        ] {
            assert_eq!(parse_rate(text), None, "{text}");
        }
    }

    #[test]
    fn a_code_is_three_capital_letters() {
        assert_eq!(Code::parse("SGD").unwrap().to_string(), "SGD");
        for text in ["", "sgd", "SG", "SGDX", "S1D", "€€€"] {
            assert!(Code::parse(text).is_err(), "{text}");
        }
    }
}
