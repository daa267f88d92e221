//! An amount that can be posted: always a whole number of minor units of its currency.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Currency, Percent, Unrounded};

/// A whole number of minor units of a currency; `i64`, the ledger's own width.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More decimals than the currency has.
    #[error("{currency} has {exponent} decimals; `{given}` has more")]
    TooPrecise {
        /// The currency.
        currency: Currency,
        /// Its ISO 4217 exponent.
        exponent: u32,
        /// What was given.
        given: String,
    },
    /// Not a plain decimal number.
    #[error("`{0}` is not an amount; write digits with an optional decimal point, such as \"12.34\"")]
    NotANumber(String),
    /// Beyond what the ledger holds.
    #[error("the amount is larger than {} minor units of {currency}", Money::INPUT_LIMIT)]
    TooLarge {
        /// The currency.
        currency: Currency,
    },
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added or compared")]
    CurrencyMismatch {
        /// The left side.
        left: Currency,
        /// The right side.
        right: Currency,
    },
}

impl Money {
    /// Amounts from outside stay below 10^16 minor units, so that every product with a percentage or rate is exact in
    /// a 28-digit decimal and sums stay far from `i64`'s end.
    pub const INPUT_LIMIT: i64 = 10_000_000_000_000_000;

    /// From minor units: cents, fen, yen, fils.
    pub const fn from_minor(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// From a decimal in major units.
    ///
    /// # Errors
    /// [`MoneyError::TooPrecise`] when `amount` has more decimals than ISO 4217 gives the currency,
    /// [`MoneyError::TooLarge`] beyond [`Money::INPUT_LIMIT`].
    pub fn try_new(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let exponent = currency.exponent();
        if amount.normalize().scale() > exponent {
            return Err(MoneyError::TooPrecise { currency, exponent, given: amount.to_string() });
        }
        let minor = to_minor(amount, exponent).ok_or(MoneyError::TooLarge { currency })?;
        if minor.unsigned_abs() > Money::INPUT_LIMIT.unsigned_abs() {
            return Err(MoneyError::TooLarge { currency });
        }
        Ok(Money { minor, currency })
    }

    /// From the text of an API, file or gateway: ASCII digits, an optional leading minus, an optional point with
    /// digits on both sides. Nothing else: no exponent, separator, plus, blank or full-width digit.
    ///
    /// # Errors
    /// As [`Money::try_new`], and [`MoneyError::NotANumber`].
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        let number =
            parse_decimal(text).ok_or_else(|| MoneyError::NotANumber(text.chars().take(40).collect()))?;
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        if decimals > currency.exponent() as usize {
            let given = text.to_owned();
            return Err(MoneyError::TooPrecise { currency, exponent: currency.exponent(), given });
        }
        Money::try_new(number, currency)
    }

    /// Minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Major units, exact, with the currency's decimals.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// Below zero.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Above zero.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor);
        minor.map(|minor| Money { minor, ..self }).ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor);
        minor.map(|minor| Money { minor, ..self }).ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// The sum of amounts of one currency; zero of `currency` when there are none.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        amounts.into_iter().try_fold(Money::zero(currency), Money::checked_add)
    }

    /// The same amount on the other side of zero; saturates at `i64`'s end, which no checked amount reaches.
    #[must_use]
    pub const fn negated(self) -> Money {
        Money { minor: self.minor.saturating_neg(), currency: self.currency }
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Money {
        Money { minor: self.minor.saturating_abs(), currency: self.currency }
    }

    /// The smaller of two amounts.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn min(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Ok(if other.minor < self.minor { other } else { self })
    }

    /// The larger of two amounts.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn max(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Ok(if other.minor > self.minor { other } else { self })
    }

    /// The exact share of this amount.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn percent(self, percent: Percent) -> Result<Unrounded, MoneyError> {
        self.amount()
            .checked_mul(percent.fraction())
            .and_then(|value| Unrounded::try_new(value, self.currency))
            .ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// An error unless both are of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }

    /// Whether a rounded `value` would fit.
    pub(super) fn holds(value: Decimal, currency: Currency) -> bool {
        let limit = Decimal::new(i64::MAX / 2, currency.exponent());
        value.abs() <= limit
    }

    /// From a value that is already rounded and known to fit (see [`Money::holds`]).
    pub(super) fn from_rounded(value: Decimal, currency: Currency) -> Money {
        Money { minor: to_minor(value, currency.exponent()).unwrap_or(0), currency }
    }
}

fn to_minor(amount: Decimal, exponent: u32) -> Option<i64> {
    amount.checked_mul(Decimal::from(10_i64.pow(exponent))).and_then(|minor| minor.normalize().to_i64())
}

/// Strict decimal text: `-?digits(.digits)?`, at most 28 digits.
pub(super) fn parse_decimal(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || fraction.is_some_and(|part| !digits(part)) || unsigned.len() > 29 {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

/// `SGD 12.34`: the code, then the amount with exactly the currency's decimals.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.amount())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The API's shape: `{"amount":"12.34","currency":"SGD"}`.
impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut object = serializer.serialize_struct("Money", 2)?;
        object.serialize_field("amount", &self.amount().to_string())?;
        object.serialize_field("currency", self.currency.code())?;
        object.end()
    }
}

impl<'de> serde::Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wire<'a> {
            #[serde(borrow)]
            amount: std::borrow::Cow<'a, str>,
            currency: Currency,
        }
        let wire = Wire::deserialize(deserializer)?;
        Money::parse(&wire.amount, wire.currency).map_err(serde::de::Error::custom)
    }
}
