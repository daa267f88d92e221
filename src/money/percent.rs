//! Percentages and basis points as exact decimals.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::amount::parse_decimal;

/// A percentage: `4.4` means 4.4 %.
///
/// ```
/// use straits::money::Percent;
/// assert_eq!("4.40".parse::<Percent>()?.to_string(), "4.4 %");
/// assert_eq!(
///     "-1".parse::<Percent>().unwrap_err().to_string(),
///     "`-1` is not a percentage; write a decimal of at most 8 decimals between 0 and 1000, such as \"12.5\""
/// );
/// # Ok::<(), straits::money::PercentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(Decimal);

/// Hundredths of a percent; may be negative (a discount).
///
/// ```
/// use straits::money::{BasisPoints, Currency, Rate};
/// let (usd, cny) = (Currency::find("USD")?, Currency::find("CNY")?);
/// let mid = Rate::parse(usd, cny, "7.1200")?;
/// assert_eq!(mid.with_markup(BasisPoints(-50))?.value().to_string(), "7.0844");
/// assert_eq!(
///     mid.with_markup(BasisPoints(-10_000)).unwrap_err().to_string(),
///     "`0` is not a rate; rates are decimals above 0 and below 1000000000"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        let shortest = value.normalize();
        let fits = !value.is_sign_negative() && value <= Decimal::ONE_THOUSAND && shortest.scale() <= 8;
        // `4.40` stays as it is written; twenty zeros would cost the product with an amount its exactness.
        let kept = if value.scale() > 8 { shortest } else { value };
        fits.then_some(Percent(kept)).ok_or_else(|| PercentError(value.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money, Rounding};
    use proptest::prelude::*;

    #[test]
    fn takes_plain_decimals_from_zero_to_a_thousand() {
        for (text, shown) in
            [("0", "0 %"), ("12.5", "12.5 %"), ("1000", "1000 %"), ("0.00000001", "0.00000001 %")]
        {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), shown);
        }
        for text in
            ["1000.00000001", "0.000000001", "-1", "1e1", "+5", "5%", "5.", ".5", "", " 5", "５", "NaN"]
        {
            assert_eq!(text.parse::<Percent>(), Err(PercentError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn zeros_at_the_end_change_nothing() {
        let largest = Money::from_minor(Money::INPUT_LIMIT, Currency::find("USD").unwrap());
        let long: Percent = format!("10.{}", "0".repeat(26)).parse().unwrap();
        let share = largest.percent(long).unwrap().round(Rounding::HalfUp);
        assert_eq!(share.minor(), Money::INPUT_LIMIT / 10);
    }

    #[test]
    fn json_is_text_only() {
        let percent: Percent = serde_json::from_str("\"4.40\"").unwrap();
        assert_eq!(serde_json::to_string(&percent).unwrap(), "\"4.40\"");
        assert!(serde_json::from_str::<Percent>("4.4").is_err());
    }

    proptest! {
        #[test]
        fn a_share_is_exact_up_to_the_limits(minor in -Money::INPUT_LIMIT..=Money::INPUT_LIMIT, hundred_millionths in 0_i64..=100_000_000_000) {
            let usd = Currency::find("USD").unwrap();
            let percent = Percent::try_new(Decimal::new(hundred_millionths, 8)).unwrap();
            let share = Money::from_minor(minor, usd).percent(percent).unwrap().round(Rounding::Down);
            let exact = i128::from(minor) * i128::from(hundred_millionths) / 10_i128.pow(10);
            prop_assert_eq!(i128::from(share.minor()), exact);
        }
    }
}
