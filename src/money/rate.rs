//! A rate: units of `quote` bought by one unit of `base`.
//!
//! Published rates are kept to the last digit. A cross rate is one division at use, kept to 18 significant digits;
//! amounts are rounded, rates are not. Nothing here inverts a rate and stores it: a rounded inverse of a big-number
//! currency loses 0.18 % (IDR→USD at six decimals).

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::amount::parse_decimal;
use super::{BasisPoints, Currency, Money, Unrounded};

/// Units of `quote` for one unit of `base`; always above zero.
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
    /// The money is not in the rate's base currency.
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
    /// Cross rates keep this many significant digits.
    pub const SIGNIFICANT_DIGITS: u32 = 18;

    /// From a decimal.
    ///
    /// # Errors
    /// [`RateError::OutOfRange`].
    pub fn try_new(base: Currency, quote: Currency, value: Decimal) -> Result<Rate, RateError> {
        let fits = value > Decimal::ZERO && value < Decimal::from(1_000_000_000_u32);
        fits.then_some(Rate { base, quote, value }).ok_or_else(|| RateError::OutOfRange(value.to_string()))
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
        money
            .amount()
            .checked_mul(self.value)
            .and_then(|value| Unrounded::try_new(value, self.quote))
            .ok_or(RateError::TooLarge(self.quote))
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

    /// How far `other` is from this rate, in whole basis points of this rate, rounded half up.
    pub fn distance(self, other: Rate) -> BasisPoints {
        let relative = (other.value - self.value) / self.value * Decimal::from(10_000_u32);
        BasisPoints(super::Rounding::HalfUp.apply(relative, 0).to_i32().unwrap_or(i32::MAX))
    }
}
