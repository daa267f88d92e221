//! A rate: units of `quote` bought by one unit of `base`.
//!
//! Published rates are kept to the last digit (no publisher prints more than 18). A cross rate is one division at use,
//! kept to 18 significant digits; amounts are rounded, rates are not. Nothing here inverts a rate and stores it: a
//! rounded inverse of a big-number currency loses 0.18 % (IDR→USD at six decimals). The way back is
//! [`Rate::convert_back`], a division by the same rate.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::amount::parse_decimal;
use super::{BasisPoints, Currency, Money, Unrounded};

/// Units of `quote` for one unit of `base`; always above zero, at most 18 significant digits.
///
/// ```
/// use straits::money::{Currency, Money, Rate, Rounding};
/// let (usd, cny) = (Currency::find("USD")?, Currency::find("CNY")?);
/// let rate = Rate::parse(usd, cny, "7.1200")?;
/// let bought = rate.convert(Money::parse("85.10", usd)?)?.round(Rounding::Down);
/// assert_eq!(bought.to_string(), "CNY 605.91");
/// let refusal = rate.convert(bought).unwrap_err();
/// assert_eq!(refusal.to_string(), "the rate converts USD, the amount is in CNY");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    base: Currency,
    quote: Currency,
    value: Decimal,
}

/// Why a rate cannot be had or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Zero, negative, above 10^9 or not a number.
    #[error("`{0}` is not a rate; rates are decimals above 0 and below 1000000000")]
    OutOfRange(String),
    /// The money is not in the currency that the rate converts from.
    #[error("the rate converts {base}, the amount is in {given}")]
    WrongBase {
        /// What the rate converts from.
        base: Currency,
        /// What was given.
        given: Currency,
    },
    /// The result does not fit the ledger.
    #[error("the converted amount is too large for {0}")]
    TooLarge(Currency),
}

impl Rate {
    /// Rates keep this many significant digits: with an amount's 19, a product stays exact in 128 bits.
    pub const SIGNIFICANT_DIGITS: u32 = 18;

    /// From a decimal; what lies beyond [`Rate::SIGNIFICANT_DIGITS`] is rounded off, half to even.
    ///
    /// # Errors
    /// [`RateError::OutOfRange`].
    pub fn try_new(base: Currency, quote: Currency, value: Decimal) -> Result<Rate, RateError> {
        let out_of_range = || RateError::OutOfRange(value.to_string());
        if value <= Decimal::ZERO || value >= Decimal::from(1_000_000_000_u32) {
            return Err(out_of_range());
        }
        let limit = 10_i128.pow(Rate::SIGNIFICANT_DIGITS);
        let value = if value.mantissa() < limit {
            value
        } else {
            value.round_sf(Rate::SIGNIFICANT_DIGITS).ok_or_else(out_of_range)?.normalize()
        };
        Ok(Rate { base, quote, value })
    }

    /// From text, digit for digit.
    ///
    /// # Errors
    /// [`RateError::OutOfRange`].
    pub fn parse(base: Currency, quote: Currency, text: &str) -> Result<Rate, RateError> {
        let value =
            parse_decimal(text).ok_or_else(|| RateError::OutOfRange(text.chars().take(40).collect()))?;
        Rate::try_new(base, quote, value)
    }

    /// One to one within a currency.
    pub fn identity(currency: Currency) -> Rate {
        Rate { base: currency, quote: currency, value: Decimal::ONE }
    }

    /// `a→b` from two rates of one pivot (`pivot→a`, `pivot→b`): one division.
    ///
    /// # Errors
    /// [`RateError::WrongBase`] when the pivots differ, [`RateError::OutOfRange`].
    pub fn cross(pivot_to_a: Rate, pivot_to_b: Rate) -> Result<Rate, RateError> {
        if pivot_to_a.base != pivot_to_b.base {
            return Err(RateError::WrongBase { base: pivot_to_a.base, given: pivot_to_b.base });
        }
        let out_of_range = || RateError::OutOfRange(format!("{} / {}", pivot_to_b.value, pivot_to_a.value));
        let value = pivot_to_b
            .value
            .checked_div(pivot_to_a.value)
            .and_then(|value| value.round_sf(Rate::SIGNIFICANT_DIGITS))
            .ok_or_else(out_of_range)?;
        Rate::try_new(pivot_to_a.quote, pivot_to_b.quote, value.normalize())
    }

    /// The currency that is sold.
    pub fn base(self) -> Currency {
        self.base
    }

    /// The currency that is bought.
    pub fn quote(self) -> Currency {
        self.quote
    }

    /// Units of quote for one unit of base.
    pub fn value(self) -> Decimal {
        self.value
    }

    /// The exact converted amount.
    ///
    /// # Errors
    /// [`RateError::WrongBase`], [`RateError::TooLarge`].
    pub fn convert(self, money: Money) -> Result<Unrounded, RateError> {
        if money.currency() != self.base {
            return Err(RateError::WrongBase { base: self.base, given: money.currency() });
        }
        Unrounded::product(money, self.value, self.quote).ok_or(RateError::TooLarge(self.quote))
    }

    /// The exact amount of base that buys `money` of quote: the way back at the same rate.
    ///
    /// # Errors
    /// [`RateError::WrongBase`] when `money` is not in the quote currency, [`RateError::TooLarge`].
    pub fn convert_back(self, money: Money) -> Result<Unrounded, RateError> {
        if money.currency() != self.quote {
            return Err(RateError::WrongBase { base: self.quote, given: money.currency() });
        }
        Unrounded::quotient(money, self.value, self.base).ok_or(RateError::TooLarge(self.base))
    }

    /// The rate moved by `markup`: positive makes the quote currency dearer to buy with base (`value × (1 + bp)`),
    /// negative pays out less (`value × (1 − bp)`). Rounded to 18 significant digits.
    ///
    /// # Errors
    /// [`RateError::OutOfRange`].
    pub fn with_markup(self, markup: BasisPoints) -> Result<Rate, RateError> {
        let factor = Decimal::ONE + markup.fraction();
        let value = self
            .value
            .checked_mul(factor)
            .and_then(|value| value.round_sf(Rate::SIGNIFICANT_DIGITS))
            .ok_or_else(|| RateError::OutOfRange(self.value.to_string()))?;
        Rate::try_new(self.base, self.quote, value.normalize())
    }

    /// How far `other` is from this rate, in whole basis points of this rate, rounded half up; at most `i32::MAX`.
    pub fn distance(self, other: Rate) -> BasisPoints {
        let relative = (other.value - self.value)
            .checked_div(self.value)
            .and_then(|relative| relative.checked_mul(Decimal::from(10_000_u32)));
        let points = relative.and_then(|points| super::Rounding::HalfUp.apply(points, 0).to_i32());
        BasisPoints(points.unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Rounding;
    use proptest::prelude::*;

    fn pair() -> (Currency, Currency) {
        (Currency::find("USD").unwrap(), Currency::find("IDR").unwrap())
    }

    fn rate(text: &str) -> Result<Rate, RateError> {
        Rate::parse(pair().0, pair().1, text)
    }

    #[test]
    fn refuses_what_is_no_rate() {
        for text in
            ["0", "0.000", "-1", "1000000000", "1e3", "+1", "1.", ".5", " 1", "1_000", "NaN", "", "１"]
        {
            assert_eq!(rate(text), Err(RateError::OutOfRange(text.to_owned())), "{text}");
        }
        assert!(rate("999999999.999999999").is_ok());
    }

    #[test]
    fn keeps_published_digits_and_cuts_a_division_to_eighteen() {
        assert_eq!(rate("15870.50").unwrap().value().to_string(), "15870.50");
        assert_eq!(rate("29478.533308940001").unwrap().value().to_string(), "29478.533308940001");
        let third = Rate::try_new(pair().0, pair().1, Decimal::ONE / Decimal::from(3)).unwrap();
        assert_eq!(third.value().to_string(), "0.333333333333333333");
    }

    #[test]
    fn a_cross_rate_is_one_division() {
        let eur = Currency::find("EUR").unwrap();
        let (usd, idr) = pair();
        let to_usd = Rate::parse(eur, usd, "1.0812").unwrap();
        let to_idr = Rate::parse(eur, idr, "17163.31").unwrap();
        let cross = Rate::cross(to_usd, to_idr).unwrap();
        assert_eq!((cross.base(), cross.quote()), (usd, idr));
        assert_eq!(cross.value().to_string(), "15874.3155752867185");
        assert_eq!(Rate::cross(to_usd, cross), Err(RateError::WrongBase { base: eur, given: usd }));
    }

    #[test]
    fn a_markup_moves_the_rate_and_never_turns_it() {
        let mid = Rate::parse(pair().0, Currency::find("CNY").unwrap(), "7.1200").unwrap();
        assert_eq!(mid.with_markup(BasisPoints(-50)).unwrap().value().to_string(), "7.0844");
        assert_eq!(mid.distance(mid.with_markup(BasisPoints(-50)).unwrap()), BasisPoints(-50));
        assert!(mid.with_markup(BasisPoints(-10_000)).is_err());
        let tiny = rate("0.0000000000000000001").unwrap();
        assert_eq!(tiny.distance(rate("999999999").unwrap()), BasisPoints(i32::MAX));
    }

    #[test]
    fn what_the_ledger_cannot_hold_is_an_error() {
        let (usd, idr) = pair();
        let large = Money::from_minor(i64::MAX, usd);
        assert_eq!(rate("999999999").unwrap().convert(large), Err(RateError::TooLarge(idr)));
        let tiny = rate("0.000000000000000000000000001").unwrap();
        assert_eq!(tiny.convert_back(Money::from_minor(i64::MAX, idr)), Err(RateError::TooLarge(usd)));
        assert_eq!(Rate::identity(usd).convert(large), Err(RateError::TooLarge(usd)));
        assert!(Rate::identity(usd).convert(Money::from_minor(i64::MAX - 1, usd)).is_ok());
    }

    proptest! {
        #[test]
        fn there_and_back_at_one_rate_never_gains(minor in 0_i64..=Money::INPUT_LIMIT / 100, mantissa in 1_i64..=999_999_999_999, scale in 0_u32..=12) {
            let (usd, idr) = pair();
            if let Ok(rate) = Rate::try_new(usd, idr, Decimal::new(mantissa, scale))
                && let Ok(there) = rate.convert(Money::from_minor(minor, usd))
            {
                let back = rate.convert_back(there.round(Rounding::Down)).unwrap().round(Rounding::Down);
                prop_assert!(back.minor() <= minor);
                let kind = rate.convert_back(there.round(Rounding::Up)).unwrap().round(Rounding::Up);
                prop_assert!(kind.minor() >= minor);
            }
        }

        #[test]
        fn every_amount_from_outside_converts_exactly_at_every_rate(minor in -Money::INPUT_LIMIT..=Money::INPUT_LIMIT, digits in 1_i64..1_000_000_000_000_000_000) {
            let (usd, _) = pair();
            let eur = Currency::find("EUR").unwrap();
            let rate = Rate::try_new(usd, eur, Decimal::new(digits, 18)).unwrap();
            let product = i128::from(minor) * i128::from(digits);
            let unit = 10_i128.pow(18);
            let down = rate.convert(Money::from_minor(minor, usd)).unwrap().round(Rounding::Down);
            prop_assert_eq!(i128::from(down.minor()), product / unit);
        }
    }
}
