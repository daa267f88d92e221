//! Xendit's money: a JSON number in whole units, with Xendit's own decimals (rupiah have none there, whatever ISO 4217
//! says). Numbers are read and written as their digits, never through a floating number.

use serde_json::value::RawValue;

use crate::gateways::precision::Decimals;
use crate::money::{Currency, Money};

/// Every currency that is paid out, and with how many decimals.
pub const DECIMALS: &[Decimals] = &[("IDR", 0), ("MYR", 2), ("PHP", 2), ("THB", 2), ("VND", 0)];

/// The number of an amount: `10000` for IDR, `1.10` for PHP. `None` when Xendit cannot write it.
pub fn write(amount: Money) -> Option<Box<RawValue>> {
    let (_, decimals) = DECIMALS.iter().find(|(code, _)| *code == amount.currency().code())?;
    let mut value = amount.amount();
    value.rescale(*decimals);
    let whole = value == amount.amount() && amount.is_positive();
    whole.then(|| RawValue::from_string(value.to_string()).ok()).flatten()
}

/// Reads a number exactly: digits with an optional point, no exponent, no sign.
///
/// # Errors
/// In words, for an answer that cannot be trusted.
pub fn read(number: &RawValue, currency: Currency) -> Result<Money, String> {
    let text = number.get();
    let bad = || format!("`{}` {currency} is not an amount", text.chars().take(40).collect::<String>());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(bad());
    }
    // 10000.00 rupiah are 10000; a fraction that the currency does not have is no amount.
    let mut value: rust_decimal::Decimal = text.parse().map_err(|_| bad())?;
    value = value.normalize();
    Money::try_new(value, currency).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(code: &str, minor: i64) -> Money {
        Money::from_minor(minor, Currency::find(code).unwrap())
    }

    #[test]
    fn numbers_are_written_with_xendits_decimals_and_read_exactly() {
        for (amount, number) in [
            (money("IDR", 1_000_000), Some("10000")),
            (money("IDR", 1_000_050), None),
            (money("PHP", 111), Some("1.11")),
            (money("PHP", 110), Some("1.10")),
            (money("VND", 10_000), Some("10000")),
            (money("THB", 9_007_199_254_740_993), Some("90071992547409.93")),
            (money("USD", 100), None),
            (money("PHP", 0), None),
            (money("PHP", -1), None),
        ] {
            assert_eq!(write(amount).as_deref().map(RawValue::get), number, "{amount}");
        }
        let read = |text: &str, code: &str| {
            super::read(&RawValue::from_string(text.into()).unwrap(), Currency::find(code).unwrap())
        };
        assert_eq!(read("10000", "IDR"), Ok(money("IDR", 1_000_000)));
        assert_eq!(read("10000.00", "VND"), Ok(money("VND", 10_000)));
        assert_eq!(read("90071992547409.93", "THB"), Ok(money("THB", 9_007_199_254_740_993)));
        for bad in
            ["1e3", "-1", "\"1\"", "0.1E1", "null", "true", "1.001", "99999999999999999999999999999999"]
        {
            assert!(read(bad, "PHP").is_err(), "{bad}");
        }
    }
}
