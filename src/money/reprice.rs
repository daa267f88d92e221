//! A whole catalogue at one rate: the same exact product and the same one rounding as [`Rate::convert`] and
//! [`Unrounded::round`](super::Unrounded::round), with all that is the same for every price done once.

use super::{Currency, ExactDigits, Money, MoneyError, Rate, Rounding};

/// Converts amounts of one currency at one rate, rounded to so many decimals of the other.
///
/// ```
/// use straits::money::{Currency, Money, Rate, Repricing, Rounding};
/// let (usd, idr) = (Currency::find("USD")?, Currency::find("IDR")?);
/// let rate = Rate::parse(usd, idr, "18148.2")?;
/// // A price tag in rupiah has no decimals, the ledger has two.
/// let repricing = Repricing::new(rate, idr.display_digits(), Rounding::HalfUp);
/// assert_eq!(repricing.price(Money::parse("9.99", usd)?)?.to_string(), "IDR 181301.00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Repricing {
    rate: Rate,
    digits: u32,
    rounding: Rounding,
    /// Minor units × `factor` ÷ `divisor` are steps of the price; `None`: 64 bits do not hold the two.
    plain: Option<Plain>,
}

#[derive(Debug, Clone, Copy)]
struct Plain {
    factor: u64,
    divisor: u64,
    /// Minor units of one step: 100 for whole rupiah.
    step: i64,
    /// What makes major units of a product, where 64 bits hold it.
    unit: Option<Unit>,
}

/// Products ÷ 10^`decimals` are major units: `steps` times as many steps of the price.
#[derive(Debug, Clone, Copy)]
struct Unit {
    power: u64,
    decimals: usize,
    steps: u64,
}

impl Repricing {
    /// Prices in `rate.quote()` with at most `digits` decimals; no more than the currency has are used.
    pub fn new(rate: Rate, digits: u32, rounding: Rounding) -> Repricing {
        let digits = digits.min(rate.quote().exponent());
        Repricing { rate, digits, rounding, plain: Plain::of(rate, digits) }
    }

    /// One price.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`].
    pub fn price(&self, own: Money) -> Result<Money, MoneyError> {
        let (base, quote) = (self.rate.base(), self.rate.quote());
        if own.currency() != base {
            return Err(MoneyError::CurrencyMismatch { left: base, right: own.currency() });
        }
        self.minor(own.minor()).map(|minor| Money::from_minor(minor, quote))
    }

    /// One price with the exact amount before its rounding. `None` where the short way does not hold it all, or the price
    /// is beyond what the ledger takes from outside: [`Rate::convert`] says more.
    pub fn exactly(&self, own: Money) -> Option<(ExactDigits, Money)> {
        let (exact, minor) = self.plain?.exactly(own.minor(), self.rounding)?;
        let fits =
            own.currency() == self.rate.base() && minor.unsigned_abs() <= Money::INPUT_LIMIT.unsigned_abs();
        fits.then(|| (exact, Money::from_minor(minor, self.rate.quote())))
    }

    /// A catalogue: minor units in, minor units out, in the same order; `prices` is filled anew.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`]; `prices` then ends before the amount that has no price.
    pub fn all(&self, own: &[i64], prices: &mut Vec<i64>) -> Result<(), MoneyError> {
        prices.clear();
        prices.reserve(own.len());
        for minor in own {
            prices.push(self.minor(*minor)?);
        }
        Ok(())
    }

    /// The currencies, from and to.
    pub fn pair(&self) -> (Currency, Currency) {
        (self.rate.base(), self.rate.quote())
    }

    fn minor(&self, own: i64) -> Result<i64, MoneyError> {
        match self.plain.and_then(|plain| plain.minor(own, self.rounding)) {
            Some(minor) => Ok(minor),
            None => self.closely(own),
        }
    }

    /// What the short way does not hold.
    fn closely(&self, own: i64) -> Result<i64, MoneyError> {
        let too_large = || MoneyError::TooLarge { currency: self.rate.quote() };
        let exact = self.rate.convert(Money::from_minor(own, self.rate.base())).map_err(|_| too_large())?;
        exact.round_to(self.digits, self.rounding).map(Money::minor).ok_or_else(too_large)
    }
}

impl Plain {
    fn of(rate: Rate, digits: u32) -> Option<Plain> {
        let value = rate.value().normalize();
        let step = 10_i64.checked_pow(rate.quote().exponent().checked_sub(digits)?)?;
        let mut factor = u64::try_from(value.mantissa()).ok()?;
        let shift = i64::from(value.scale()) + i64::from(rate.base().exponent()) - i64::from(digits);
        let power = 10_u64.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
        let divisor = if shift >= 0 {
            power
        } else {
            factor = factor.checked_mul(power)?;
            1
        };
        let unit = || {
            let decimals = u32::try_from(shift).ok()? + digits;
            let (power, steps) = (10_u64.checked_pow(decimals)?, 10_u64.checked_pow(digits)?);
            Some(Unit { power, decimals: decimals as usize, steps })
        };
        Some(Plain { factor, divisor, step, unit: unit() })
    }

    /// The exact amount and its price, from one division of the product.
    fn exactly(self, own: i64, rounding: Rounding) -> Option<(ExactDigits, i64)> {
        let Unit { power, decimals, steps } = self.unit?;
        let product = u128::from(own.unsigned_abs()) * u128::from(self.factor);
        // What a decimal does not hold is not told digit for digit.
        if product >= 1 << 96 {
            return None;
        }
        let whole = u64::try_from(product / u128::from(power)).ok()?;
        // The rest is smaller than the power, so that its low half is all of it.
        let fraction = (product as u64).wrapping_sub(whole.wrapping_mul(power));
        let (coarse, rest) = (fraction / self.divisor, fraction % self.divisor);
        let price = whole.checked_mul(steps)?.checked_add(coarse)?;
        let up = rounding.steps_up(price.into(), rest.into(), self.divisor.into());
        let magnitude = i64::try_from(price.checked_add(u64::from(up))?).ok()?.checked_mul(self.step)?;
        let exact = ExactDigits::new(own < 0, whole, fraction.into(), decimals)?;
        Some((exact, if own < 0 { -magnitude } else { magnitude }))
    }

    fn minor(self, own: i64, rounding: Rounding) -> Option<i64> {
        let product = u128::from(own.unsigned_abs()) * u128::from(self.factor);
        let (whole, rest) = match u64::try_from(product) {
            Ok(product) => (product / self.divisor, product % self.divisor),
            Err(_) => {
                let divisor = u128::from(self.divisor);
                (u64::try_from(product / divisor).ok()?, u64::try_from(product % divisor).ok()?)
            }
        };
        let up = rounding.steps_up(whole.into(), rest.into(), self.divisor.into());
        let magnitude = i64::try_from(whole.checked_add(u64::from(up))?).ok()?.checked_mul(self.step)?;
        Some(if own < 0 { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Unrounded;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    proptest! {
        #[test]
        fn a_catalogue_is_priced_as_each_price_is(
            own in proptest::collection::vec(any::<i64>().prop_map(|minor| minor >> (minor & 63)), 1..40),
            mantissa in 1_i64..1_000_000_000_000_000_000,
            scale in 9_u32..=24,
            pair in 0_usize..6,
            rounding in 0_usize..4,
        ) {
            let pair = [("USD", "THB"), ("JPY", "KWD"), ("KWD", "JPY"), ("IDR", "USD"), ("USD", "IDR"), ("CLF", "VND")][pair];
            let rounding = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Up, Rounding::Down][rounding];
            let (base, quote) = (Currency::known(pair.0), Currency::known(pair.1));
            let rate = Rate::try_new(base, quote, Decimal::new(mantissa, scale)).unwrap();
            for digits in 0..=quote.exponent() {
                let repricing = Repricing::new(rate, digits, rounding);
                for minor in &own {
                    let single = rate.convert(Money::from_minor(*minor, base)).ok();
                    let single = single.and_then(|exact: Unrounded| exact.round_to(digits, rounding));
                    let priced = repricing.price(Money::from_minor(*minor, base)).ok();
                    // The short way may hold what the long one leaves to decimals, never the other way round.
                    prop_assert!(single.is_none() || priced == single, "{minor} at {rate:?}: {priced:?}, {single:?}");
                    if let Some((exact, price)) = repricing.exactly(Money::from_minor(*minor, base)) {
                        let long = rate.convert(Money::from_minor(*minor, base)).unwrap();
                        prop_assert_eq!(Some(price), single);
                        prop_assert_eq!(exact.to_string(), long.value().normalize().to_string());
                    }
                }
            }
        }
    }

    #[test]
    fn another_currency_is_refused() {
        let (usd, thb) = (Currency::known("USD"), Currency::known("THB"));
        let repricing = Repricing::new(Rate::parse(usd, thb, "33.7").unwrap(), 2, Rounding::HalfUp);
        assert_eq!(repricing.pair(), (usd, thb));
        assert!(repricing.price(Money::from_minor(1, thb)).is_err());
        let mut prices = vec![7];
        assert!(repricing.all(&[100, i64::MAX], &mut prices).is_err());
        assert_eq!(prices, [3_370]);
    }
}
