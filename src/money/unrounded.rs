//! The exact result of a rate or a percentage, and the named rules that turn it into money.
//!
//! Kept as a fraction of two integers, not as a decimal: a 28-digit decimal silently rounds a product that does not
//! fit, and a quotient always. A rate has at most 18 significant digits and an amount 19, so every product is exact in
//! 128 bits, and the rounding that follows is the only one.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Currency, ExactDigits, Money};

/// How an exact result becomes a whole number of minor units. All four are sign-symmetric: −x rounds to −(round x).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Ties away from zero: the default, and what gateways print.
    #[default]
    HalfUp,
    /// Ties to the even neighbour.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl Rounding {
    /// Rounds to `digits` decimals.
    ///
    /// ```
    /// use rust_decimal::Decimal;
    /// use straits::money::Rounding;
    /// let tie = Decimal::new(-25, 1);
    /// assert_eq!(Rounding::HalfUp.apply(tie, 0), (-3).into());
    /// assert_eq!(Rounding::HalfEven.apply(tie, 0), (-2).into());
    /// ```
    pub fn apply(self, value: Decimal, digits: u32) -> Decimal {
        let strategy = match self {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::Up => RoundingStrategy::AwayFromZero,
            Rounding::Down => RoundingStrategy::ToZero,
        };
        value.round_dp_with_strategy(digits, strategy)
    }

    /// Whether `whole` steps away from zero for the rest `rest / of` (0 ≤ rest < of).
    pub(super) fn steps_up(self, whole: u128, rest: u128, of: u128) -> bool {
        // `rest < of - rest` says `rest < of / 2` without overflow.
        let against_half = rest.cmp(&(of - rest));
        match self {
            Rounding::Down => false,
            Rounding::Up => rest > 0,
            Rounding::HalfUp => against_half.is_ge(),
            Rounding::HalfEven => against_half.is_gt() || (against_half.is_eq() && whole % 2 == 1),
        }
    }
}

/// The exact result of a rate or percentage. It cannot be posted or serialised; the only exit is [`Unrounded::round`].
///
/// ```
/// use straits::money::{Currency, Money, Rounding};
/// let fee = Money::parse("100.10", Currency::find("SGD")?)?.percent("1.25".parse()?)?;
/// assert_eq!(fee.value().to_string(), "1.25125");
/// assert_eq!(fee.round(Rounding::HalfUp).to_string(), "SGD 1.25");
/// assert_eq!(fee.round(Rounding::Up).to_string(), "SGD 1.26");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An exact result is no money:
///
/// ```compile_fail
/// fn post(exact: straits::money::Unrounded) -> straits::money::Money {
///     exact.into()
/// }
/// ```
#[must_use]
#[derive(Debug, Clone, Copy)]
pub struct Unrounded {
    /// Minor units times `denominator`.
    numerator: i128,
    /// Above zero.
    denominator: u128,
    currency: Currency,
}

impl Unrounded {
    /// `money × factor`, in `currency`. `None` when the ledger could not hold the result.
    pub(super) fn product(money: Money, factor: Decimal, currency: Currency) -> Option<Unrounded> {
        let numerator = i128::from(money.minor()).checked_mul(factor.mantissa())?;
        let scale = i64::from(factor.scale()) + i64::from(money.currency().exponent());
        Unrounded::scaled(numerator, 1, scale - i64::from(currency.exponent()), currency)
    }

    /// `money ÷ divisor`, in `currency`, for a divisor above zero. `None` as in [`Unrounded::product`].
    pub(super) fn quotient(money: Money, divisor: Decimal, currency: Currency) -> Option<Unrounded> {
        let denominator = u128::try_from(divisor.mantissa()).ok().filter(|&mantissa| mantissa > 0)?;
        let scale = i64::from(money.currency().exponent()) - i64::from(divisor.scale());
        let shift = scale - i64::from(currency.exponent());
        Unrounded::scaled(i128::from(money.minor()), denominator, shift, currency)
    }

    /// `numerator ÷ denominator × 10^-shift` minor units.
    fn scaled(numerator: i128, denominator: u128, shift: i64, currency: Currency) -> Option<Unrounded> {
        let power = u32::try_from(shift.unsigned_abs()).ok()?;
        let (numerator, denominator) = if shift >= 0 {
            (numerator, denominator.checked_mul(10_u128.checked_pow(power)?)?)
        } else {
            (numerator.checked_mul(10_i128.checked_pow(power)?)?, denominator)
        };
        // Rounded up it must still have its place in an i64.
        let fits = numerator.unsigned_abs() / denominator < u128::from(i64::MAX.unsigned_abs());
        fits.then_some(Unrounded { numerator, denominator, currency })
    }

    /// The value in major units, for explanations: `605.912`. Exact where 28 digits hold it, else cut to them.
    pub fn value(self) -> Decimal {
        const DECIMAL_LIMIT: u128 = (1 << 96) - 1;
        let (mut top, mut bottom) = (self.numerator.unsigned_abs(), self.denominator);
        while top > DECIMAL_LIMIT || bottom > DECIMAL_LIMIT {
            (top, bottom) = (top / 10, bottom / 10);
        }
        let whole = |part: u128| Decimal::from_i128_with_scale(i128::try_from(part).unwrap_or(0), 0);
        let minor = whole(top).checked_div(whole(bottom)).unwrap_or_default();
        let unit = Decimal::new(1, self.currency.exponent());
        let mut value = minor.checked_mul(unit).unwrap_or(minor).normalize();
        value.set_sign_negative(self.numerator < 0);
        value
    }

    /// [`Unrounded::value`] as text, without zeros at its end: `605.912`.
    pub fn digits(self) -> ExactDigits {
        self.plain_digits().unwrap_or_else(|| ExactDigits::of(&self.value().normalize().to_string()))
    }

    /// Where the value is a decimal as it stands, which every product is, its point only has to be set.
    fn plain_digits(self) -> Option<ExactDigits> {
        let power = self.denominator.ilog10();
        let decimals = power + self.currency.exponent();
        let top = self.numerator.unsigned_abs();
        if 10_u128.pow(power) != self.denominator || decimals > 28 || top >= 1 << 96 {
            return None;
        }
        let unit = 10_u128.pow(decimals);
        let whole = u64::try_from(top / unit).ok()?;
        ExactDigits::new(self.numerator < 0, whole, top % unit, decimals as usize)
    }

    /// The one rounding, to fewer decimals than the ledger's: what price tags show. `None` where 128 bits do not hold
    /// what it takes, or `digits` are more than the currency has.
    pub fn round_to(self, digits: u32, rounding: Rounding) -> Option<Money> {
        let step = 10_u128.checked_pow(self.currency.exponent().checked_sub(digits)?)?;
        let coarse = Unrounded { denominator: self.denominator.checked_mul(step)?, ..self };
        let minor = coarse.round(rounding).minor().checked_mul(i64::try_from(step).ok()?)?;
        Some(Money::from_minor(minor, self.currency))
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The one rounding, to the currency's ledger exponent.
    pub fn round(self, rounding: Rounding) -> Money {
        let top = self.numerator.unsigned_abs();
        let (whole, rest) = (top / self.denominator, top % self.denominator);
        let magnitude = whole + u128::from(rounding.steps_up(whole, rest, self.denominator));
        // `scaled` has proven that it fits.
        let minor = i64::try_from(magnitude).unwrap_or(i64::MAX);
        Money::from_minor(if self.numerator < 0 { -minor } else { minor }, self.currency)
    }

    fn reduced(self) -> (i128, u128, Currency) {
        let (mut a, mut b) = (self.numerator.unsigned_abs(), self.denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        // a ≥ 1 divides both, the numerator as an i128: its magnitude came from one.
        let divisor = i128::try_from(a).unwrap_or(1);
        (self.numerator / divisor, self.denominator / divisor.unsigned_abs(), self.currency)
    }
}

impl PartialEq for Unrounded {
    fn eq(&self, other: &Unrounded) -> bool {
        self.reduced() == other.reduced()
    }
}

impl Eq for Unrounded {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Rate;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_value(minor in any::<i32>(), mantissa in 1_i64..1_000_000_000_000_000_000, scale in 9_u32..=20, which in 0_usize..3) {
            let quote = Currency::known(["JPY", "THB", "KWD"][which]);
            let money = Money::from_minor(minor.into(), Currency::known("USD"));
            let rate = Rate::try_new(money.currency(), quote, Decimal::new(mantissa, scale)).unwrap();
            let Ok(exact) = rate.convert(money) else { return Ok(()) };
            prop_assert_eq!(exact.digits().to_string(), exact.value().normalize().to_string());
            for digits in 0..=quote.exponent() {
                // What 128 bits do not hold is left to decimals.
                let Some(rounded) = exact.round_to(digits, Rounding::HalfUp) else { continue };
                prop_assert_eq!(rounded.amount().normalize(), Rounding::HalfUp.apply(exact.value(), digits).normalize());
            }
        }
    }

    fn currency(code: &str) -> Currency {
        Currency::find(code).unwrap()
    }

    fn tenths(tenths: i64) -> Unrounded {
        Unrounded::product(Money::from_minor(tenths, currency("JPY")), Decimal::new(1, 1), currency("JPY"))
            .unwrap()
    }

    #[test]
    fn the_four_rules() {
        #[rustfmt::skip]
        let table = [
            //  tenths  half_up half_even up  down
            (       0,       0,       0,   0,   0),
            (       1,       0,       0,   1,   0),
            (       4,       0,       0,   1,   0),
            (       5,       1,       0,   1,   0),
            (       6,       1,       1,   1,   0),
            (      10,       1,       1,   1,   1),
            (      15,       2,       2,   2,   1),
            (      25,       3,       2,   3,   2),
            (      26,       3,       3,   3,   2),
        ];
        for (given, half_up, half_even, up, down) in table {
            for sign in [1, -1] {
                let rounded = |rule| tenths(sign * given).round(rule).minor();
                let all = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Up, Rounding::Down].map(rounded);
                assert_eq!(all, [half_up, half_even, up, down].map(|minor| sign * minor), "{given}");
            }
        }
    }

    #[test]
    fn a_product_that_a_decimal_would_round_is_exact() {
        // Half a minor unit less 5 × 10^-17: 34 decimals in major units, which 28 digits would round up to the tie.
        let (usd, eur) = (currency("USD"), currency("EUR"));
        let rate = Rate::parse(usd, eur, "0.00000000000000005").unwrap();
        let down = rate.convert(Money::from_minor(9_999_999_999_999_999, usd)).unwrap();
        assert_eq!(down.round(Rounding::HalfUp).minor(), 0);
        let tie = rate.convert(Money::from_minor(10_000_000_000_000_000, usd)).unwrap();
        assert_eq!(tie.round(Rounding::HalfUp).minor(), 1);
        assert_eq!(tie.round(Rounding::HalfEven).minor(), 0);
    }

    #[test]
    fn equal_values_are_equal_however_they_came_about() {
        let (half, five_tenths) = (tenths(5), tenths(5));
        assert_eq!(half, five_tenths);
        let jpy = currency("JPY");
        assert_eq!(half, Unrounded::quotient(Money::from_minor(1, jpy), Decimal::TWO, jpy).unwrap());
        assert_ne!(half, tenths(6));
        assert_ne!(half, Unrounded { currency: currency("KRW"), ..half });
    }

    proptest! {
        #[test]
        fn rounding_is_sign_symmetric_and_within_one(minor in -1_000_000_000_i64..=1_000_000_000, bp in 0_i64..=20_000) {
            let usd = currency("USD");
            let exact = |minor| Unrounded::product(Money::from_minor(minor, usd), Decimal::new(bp, 4), usd).unwrap();
            for rule in [Rounding::HalfUp, Rounding::HalfEven, Rounding::Up, Rounding::Down] {
                let rounded = exact(minor).round(rule);
                prop_assert_eq!(rounded, exact(-minor).round(rule).negated());
                prop_assert!((rounded.amount() - exact(minor).value()).abs() < Decimal::new(1, 2));
                prop_assert_eq!(rounded.amount(), rule.apply(exact(minor).value(), 2));
            }
            prop_assert!(exact(minor).round(Rounding::Down).minor().abs() <= exact(minor).round(Rounding::Up).minor().abs());
        }
    }
}
