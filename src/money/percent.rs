//! Percentages and basis points as exact decimals.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::amount::parse_decimal;

/// A percentage: `4.4` means 4.4 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(Decimal);

/// Hundredths of a percent; may be negative (a discount).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct BasisPoints(pub i32);

/// Not a percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a percentage; write a decimal of at most 8 decimals between 0 and 1000, such as \"12.5\""
)]
pub struct PercentError(pub String);

impl Percent {
    /// 100 %.
    pub const HUNDRED: Percent = Percent(Decimal::ONE_HUNDRED);

    /// From a decimal number of percent.
    ///
    /// # Errors
    /// [`PercentError`] when negative, above 1000 or finer than 8 decimals.
    pub fn try_new(value: Decimal) -> Result<Percent, PercentError> {
        let fits =
            !value.is_sign_negative() && value <= Decimal::ONE_THOUSAND && value.normalize().scale() <= 8;
        fits.then_some(Percent(value)).ok_or_else(|| PercentError(value.to_string()))
    }

    /// The number before the percent sign.
    pub fn value(self) -> Decimal {
        self.0
    }

    /// The number to multiply with.
    pub fn fraction(self) -> Decimal {
        // Exact: two more decimals than the value's eight at most.
        self.0 * Decimal::new(1, 2)
    }
}

impl BasisPoints {
    /// The number to multiply with.
    pub fn fraction(self) -> Decimal {
        Decimal::new(i64::from(self.0), 4)
    }
}

impl FromStr for Percent {
    type Err = PercentError;
    fn from_str(text: &str) -> Result<Percent, PercentError> {
        let refuse = || PercentError(text.chars().take(40).collect());
        parse_decimal(text).ok_or_else(refuse).and_then(|value| Percent::try_new(value).map_err(|_| refuse()))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0.normalize())
    }
}

impl serde::Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
