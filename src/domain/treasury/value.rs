//! What amounts of any currency are worth in the home currency at a plan's frozen mids, in whole *cost units*.
//!
//! One cost unit is 10^-9 of the home currency's minor unit: fine enough that a basis point of one dong is some hundred
//! of them, so sums and comparisons of costs are exact integers. Where an amount is valued it is rounded once, half up.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// Cost units of one minor unit of the home currency.
pub const UNITS: i128 = 1_000_000_000;
/// Mids keep this many significant digits, so that a conversion of any payable is exact in 128 bits.
pub const MID_DIGITS: u32 = 12;

/// Mids frozen for one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mids {
    /// What costs are stated in.
    pub home: Currency,
    /// The moment they are of.
    pub as_of: DateTime<Utc>,
    /// Units of the home currency for one unit of each; the home currency's own is 1.
    pub rates: BTreeMap<Currency, Decimal>,
}

/// Why an amount cannot be valued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// No mid.
    #[error("no mid of {0} among the plan's rates; add `mids.rates.{0}`")]
    NoMid(Currency),
    /// A mid that is none.
    #[error("the mid of {0} must be above 0 and have at most {MID_DIGITS} significant digits")]
    BadMid(Currency),
    /// More than 128 bits hold.
    #[error("an amount in {0} is too large to be valued")]
    TooLarge(Currency),
}

/// A cost in cost units; below zero is a saving. As text: minor units of home with nine decimals cut at the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Cost(pub i128);

impl Cost {
    /// As money of the home currency, half up.
    pub fn money(self, home: Currency) -> Money {
        let half = if self.0 < 0 { -UNITS / 2 } else { UNITS / 2 };
        Money::from_minor(i64::try_from((self.0 + half) / UNITS).unwrap_or(i64::MAX), home)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Cost {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map(Cost).map_err(serde::de::Error::custom)
    }
}

impl Mids {
    /// Cost units of one minor unit of `currency`, as a fraction.
    ///
    /// # Errors
    /// [`ValueError::NoMid`], [`ValueError::BadMid`].
    pub fn weight(&self, currency: Currency) -> Result<(i128, i128), ValueError> {
        let mid = match self.rates.get(&currency) {
            _ if currency == self.home => Decimal::ONE,
            Some(mid) => mid.normalize(),
            None => return Err(ValueError::NoMid(currency)),
        };
        if mid <= Decimal::ZERO || mid.mantissa() >= 10_i128.pow(MID_DIGITS) {
            return Err(ValueError::BadMid(currency));
        }
        let up = self.home.exponent() + 9;
        let down = currency.exponent() + mid.scale();
        Ok(if down >= up {
            (mid.mantissa(), 10_i128.pow(down - up))
        } else {
            (mid.mantissa() * 10_i128.pow(up - down), 1)
        })
    }

    /// What an amount is worth; half up.
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn value(&self, money: Money) -> Result<Cost, ValueError> {
        let (top, bottom) = self.weight(money.currency())?;
        let product =
            i128::from(money.minor()).checked_mul(top).ok_or(ValueError::TooLarge(money.currency()))?;
        Ok(Cost((product + bottom / 2).div_euclid(bottom)))
    }

    /// What must be sold so that `bought` arrives, at mid plus so many basis points; rounded up to a minor unit.
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn sell(&self, bought: Money, sold: Currency, spread_bps: u32) -> Result<Money, ValueError> {
        if sold == bought.currency() && spread_bps == 0 {
            return Ok(bought);
        }
        let too_large = ValueError::TooLarge(bought.currency());
        let (top, bottom) = self.sold(bought.currency(), sold, spread_bps)?;
        let top = i128::from(bought.minor()).checked_mul(top).ok_or_else(|| too_large.clone())?;
        let minor = top.div_euclid(bottom) + i128::from(top.rem_euclid(bottom) != 0);
        i64::try_from(minor).map(|minor| Money::from_minor(minor, sold)).map_err(|_| too_large)
    }

    /// Minor units of `sold` for one of `bought`, at mid plus so many basis points, as a fraction.
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn sold(
        &self,
        bought: Currency,
        sold: Currency,
        spread_bps: u32,
    ) -> Result<(i128, i128), ValueError> {
        let ((to_top, to_bottom), (from_top, from_bottom)) = (self.weight(bought)?, self.weight(sold)?);
        let shared = to_bottom.min(from_bottom);
        let points = 10_000 + i128::from(spread_bps);
        let top = to_top.checked_mul(from_bottom / shared).and_then(|top| top.checked_mul(points));
        let bottom = from_top.checked_mul(to_bottom / shared).and_then(|bottom| bottom.checked_mul(10_000));
        top.zip(bottom).ok_or(ValueError::TooLarge(bought))
    }

    /// What so many basis points of one minor unit cost, rounded up to a cost unit.
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn points(&self, currency: Currency, bps: u32) -> Result<i128, ValueError> {
        let (top, bottom) = self.weight(currency)?;
        let top = top.checked_mul(i128::from(bps)).ok_or(ValueError::TooLarge(currency))?;
        let bottom = bottom.checked_mul(10_000).ok_or(ValueError::TooLarge(currency))?;
        Ok(top / bottom + i128::from(top % bottom != 0))
    }
}
