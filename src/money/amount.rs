//! An amount that can be posted: always a whole number of minor units of its currency.
//!
//! Underneath, sums and the step from decimals to minor units are `rusty-money`'s, over our own currency table: its
//! `add` and `sub` refuse two currencies, its `try_to_minor_units` refuses surplus decimals and what `i64` cannot hold.
//! Nothing else of it is used, for these reasons:
//!
//! | of rusty-money | instead | because |
//! |---|---|---|
//! | `from_str` | [`Money::parse`] | it reads `1.234` EUR as 1234 and takes `1_000` and `+5` |
//! | `iso::*` | `config/currencies.csv` | its exponents of HUF, MGA and MRU are not ISO 4217's |
//! | `allocate`, `split` | [`allocate`](super::allocate()) | by input order, not sign-symmetric, loses fractions |
//! | `to_minor_units` | [`Money::minor`] | it cuts, and answers 0 on overflow |
//! | `Display`, `Formatter` | [`Money`]'s `Display` | it rounds silently and groups only the last nine digits |
//! | `Exchange`, `ExchangeRate` | [`Rate`](super::Rate) | takes zero and negative rates, rounds past 28 digits |

use std::fmt;

use rust_decimal::Decimal;

use super::{Currency, Digits, Percent, Unrounded};

/// A whole number of minor units of a currency; `i64`, the ledger's own width.
///
/// ```
/// use straits::money::{Currency, Money};
/// let sgd = Currency::find("SGD")?;
/// assert_eq!(Money::parse("12.34", sgd)?.minor(), 1234);
/// assert_eq!(Money::parse("12.34", sgd)?.to_string(), "SGD 12.34");
/// assert_eq!(Money::parse("12.345", sgd).unwrap_err().to_string(), "SGD has 2 decimals; `12.345` has more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// Beyond what the ledger holds, or what it takes from outside.
    #[error("the amount in {currency} is too large; amounts end at {} minor units", Money::INPUT_LIMIT)]
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
    /// Amounts from outside end at 10^16 minor units, so that no sum of ours comes near `i64`'s end.
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
    /// [`MoneyError::TooPrecise`] when `amount` has more decimals than ISO 4217 gives the currency (zeros at its end
    /// do not count), [`MoneyError::TooLarge`] beyond [`Money::INPUT_LIMIT`].
    pub fn try_new(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let exact = rusty_money::Money::from_decimal(amount, &currency);
        let money = Money::try_from(exact)?;
        if money.minor.unsigned_abs() > Money::INPUT_LIMIT.unsigned_abs() {
            return Err(MoneyError::TooLarge { currency });
        }
        Ok(money)
    }

    /// From the text of an API, file or gateway: ASCII digits, an optional leading minus, an optional point with
    /// digits on both sides. Nothing else: no exponent, separator, plus, blank or full-width digit. `-0` is zero.
    ///
    /// # Errors
    /// As [`Money::try_new`], and [`MoneyError::NotANumber`]. `1.230` has more decimals than SGD.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        if let Some(minor) = plain_minor(text, currency.exponent()) {
            return Ok(Money { minor, currency });
        }
        let number =
            parse_decimal(text).ok_or_else(|| MoneyError::NotANumber(text.chars().take(40).collect()))?;
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        if decimals > currency.exponent() as usize {
            let given = text.to_owned();
            return Err(MoneyError::TooPrecise { currency, exponent: currency.exponent(), given });
        }
        Money::try_new(number, currency)
    }

    /// Whether a text is digits with at most one point, between two of them: what [`Money::parse`] reads, but for its length
    /// and decimals.
    pub fn is_plain(text: &str) -> bool {
        let mut pointed = false;
        let is_fine = |(place, byte): (usize, u8)| match byte {
            b'0'..=b'9' => true,
            b'.' => !std::mem::replace(&mut pointed, true) && place > 0 && place + 1 < text.len(),
            _ => false,
        };
        !text.is_empty() && text.bytes().enumerate().all(is_fine)
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

    /// The same as text: `12.34`.
    pub fn digits(self) -> Digits {
        Digits::new(self.minor, self.currency.exponent())
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
        let sum = self.exact().add(other.exact()).map_err(|refusal| self.refused(other, &refusal))?;
        Money::try_from(sum)
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        let rest = self.exact().sub(other.exact()).map_err(|refusal| self.refused(other, &refusal))?;
        Money::try_from(rest)
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
        Unrounded::product(self, percent.fraction(), self.currency)
            .ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// `self × part ÷ whole`: multiplied before it is divided, exact, and rounded once, half up (a tie goes away from
    /// zero). All of it where the part is the whole, and where the whole is nothing.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] of part and whole, [`MoneyError::TooLarge`].
    pub fn prorated(self, part: Money, whole: Money) -> Result<Money, MoneyError> {
        part.same_currency(whole)?;
        if part == whole || whole.is_zero() {
            return Ok(self);
        }
        let product = i128::from(self.minor) * i128::from(part.minor);
        let whole = i128::from(whole.minor);
        let (quotient, rest) = (product / whole, product % whole);
        let away = if (product < 0) == (whole < 0) { 1 } else { -1 };
        let tie_or_more = 2 * rest.unsigned_abs() >= whole.unsigned_abs();
        let minor = if tie_or_more { quotient + away } else { quotient };
        let too_large = |_| MoneyError::TooLarge { currency: self.currency };
        Ok(Money { minor: i64::try_from(minor).map_err(too_large)?, currency: self.currency })
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

    fn exact(&self) -> rusty_money::Money<'_, Currency> {
        rusty_money::Money::from_minor(self.minor, &self.currency)
    }

    fn refused(self, other: Money, refusal: &rusty_money::MoneyError) -> MoneyError {
        match refusal {
            rusty_money::MoneyError::CurrencyMismatch { .. } => {
                MoneyError::CurrencyMismatch { left: self.currency, right: other.currency }
            }
            _ => MoneyError::TooLarge { currency: self.currency },
        }
    }
}

/// Takes back what `rusty-money` computed, if it can be posted.
impl TryFrom<rusty_money::Money<'_, Currency>> for Money {
    type Error = MoneyError;
    fn try_from(exact: rusty_money::Money<'_, Currency>) -> Result<Money, MoneyError> {
        let currency = *exact.currency();
        match exact.try_to_minor_units() {
            // The range is symmetric, so that every amount has its mirror.
            Ok(minor) if minor != i64::MIN => Ok(Money { minor, currency }),
            Err(rusty_money::MoneyError::PrecisionLoss) => Err(MoneyError::TooPrecise {
                currency,
                exponent: currency.exponent(),
                given: exact.amount().to_string(),
            }),
            Ok(_) | Err(_) => Err(MoneyError::TooLarge { currency }),
        }
    }
}

/// Minor units of most amounts: digits, then perhaps a point and no more digits than the currency has, all together so
/// few that nothing overflows. `None`: the amount, or what is wrong with it, takes a closer look.
fn plain_minor(text: &str, exponent: u32) -> Option<i64> {
    let text = text.as_bytes();
    let (mut minor, mut point) = (0_i64, None);
    // So many digits fit; one pass reads them.
    for (place, byte) in text.iter().enumerate().take(17) {
        match byte {
            b'0'..=b'9' => minor = minor * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(place),
            _ => return None,
        }
    }
    let whole = point.unwrap_or(text.len());
    let decimals = point.map_or(0, |place| text.len() - place - 1);
    let missing = (exponent as usize).checked_sub(decimals)?;
    if whole == 0 || (point.is_some() && decimals == 0) || whole + exponent as usize > 15 {
        return None;
    }
    Some((0..missing).fold(minor, |minor, _| minor * 10))
}

/// Strict decimal text: `-?digits(.digits)?`, at most 28 digits.
pub(super) fn parse_decimal(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || fraction.is_some_and(|part| !digits(part)) {
        return None;
    }
    if whole.len() + fraction.map_or(0, str::len) > 28 {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

/// `SGD 12.34`: the code, then the amount with exactly the currency's decimals.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.digits())
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
        object.serialize_field("amount", self.digits().as_str())?;
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

#[cfg(test)]
mod tests;
