//! PayPal's money: a decimal text, with PayPal's own decimals (HUF, JPY and TWD have none, whatever ISO 4217 says).

use rust_decimal::Decimal;

use super::wire::Amount;
use crate::gateways::precision::Decimals;
use crate::money::{Currency, Money};

/// Every currency an account can receive. BRL, CNY and MYR only within their own country: restrict with the account
/// setting `currencies`. Source: PayPal's currency codes page.
pub const DECIMALS: &[Decimals] = &[
    ("AUD", 2),
    ("BRL", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("CNY", 2),
    ("CZK", 2),
    ("DKK", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("HKD", 2),
    ("HUF", 0),
    ("ILS", 2),
    ("JPY", 0),
    ("MXN", 2),
    ("MYR", 2),
    ("NOK", 2),
    ("NZD", 2),
    ("PHP", 2),
    ("PLN", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("THB", 2),
    ("TWD", 0),
    ("USD", 2),
];

/// The text of an amount that `check_amount` let pass: `100` for HUF, `100.00` for USD. `None` when PayPal cannot
/// write it.
pub fn write(amount: Money) -> Option<Amount> {
    let code = amount.currency().code();
    let (_, decimals) = DECIMALS.iter().find(|(known, _)| *known == code)?;
    let mut value = amount.amount();
    value.rescale(*decimals);
    (value == amount.amount()).then(|| Amount { currency_code: code.to_owned(), value: value.to_string() })
}

/// Reads `{"currency_code","value"}` exactly: digits with an optional minus and point; `.50` is theirs, `5.` is not.
///
/// # Errors
/// In words, for an answer that cannot be trusted.
pub fn read(amount: &Amount) -> Result<Money, String> {
    let bad = || format!("`{}` {} is not an amount", amount.value, amount.currency_code);
    let currency = Currency::find(&amount.currency_code).map_err(|error| error.to_string())?;
    let digits = amount.value.strip_prefix('-').unwrap_or(&amount.value);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let whole_stands = !whole.is_empty() || fraction.is_some();
    if !whole_stands
        || !numeric(whole)
        || fraction.is_some_and(|f| f.is_empty() || !numeric(f))
        || digits.len() > 32
    {
        return Err(bad());
    }
    let value = Decimal::from_str_exact(&amount.value).map_err(|_| bad())?;
    Money::try_new(value, currency).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(code: &str, value: &str) -> Amount {
        Amount { currency_code: code.into(), value: value.into() }
    }

    fn money(code: &str, minor: i64) -> Money {
        Money::from_minor(minor, Currency::find(code).unwrap())
    }

    #[test]
    fn writes_with_paypals_own_decimals() {
        for (code, minor, text) in [
            ("USD", 1000, Some("10.00")),
            ("USD", 1, Some("0.01")),
            ("JPY", 1000, Some("1000")),
            ("HUF", 10_000, Some("100")),
            ("TWD", 100, Some("1")),
            ("HUF", 10_050, None),
            ("VND", 1000, None),
        ] {
            assert_eq!(
                write(money(code, minor)).map(|amount| amount.value).as_deref(),
                text,
                "{code} {minor}"
            );
        }
    }

    #[test]
    fn reads_to_the_last_digit_and_refuses_the_rest() {
        for (code, value, minor) in [
            ("USD", "10.00", 1000),
            ("USD", "-3.20", -320),
            ("USD", ".50", 50),
            ("HUF", "100", 10_000),
            ("JPY", "1000.00", 1000),
        ] {
            assert_eq!(read(&amount(code, value)), Ok(money(code, minor)), "{value}");
        }
        for (code, value) in [
            ("USD", "10.001"),
            ("USD", "1e3"),
            ("USD", "1,000.00"),
            ("USD", ""),
            ("USD", "."),
            ("USD", "5."),
            ("USD", "+5"),
            ("USD", "１０"),
            ("USD", "10000000000000000000000000000000000"),
            ("JPY", "1.5"),
            ("usd", "1"),
            ("XXX", "1"),
        ] {
            assert!(read(&amount(code, value)).is_err(), "{code} {value}");
        }
    }
}
