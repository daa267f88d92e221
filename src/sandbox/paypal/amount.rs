//! PayPal's amounts: decimal text, two digits, none for HUF, JPY and TWD, whatever ISO 4217 says.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::envelope::Detail;
use crate::money::{Currency, Money, Rounding};

const ACCEPTED: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR",
    "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
];

/// Digits PayPal takes and writes.
pub(super) fn digits(currency: Currency) -> u32 {
    if matches!(currency.code(), "HUF" | "JPY" | "TWD") { 0 } else { 2 }
}

/// As PayPal writes it.
pub(super) fn write(money: Money) -> Value {
    json!({"currency_code": money.currency().code(), "value": text(money)})
}

/// The value alone.
pub(super) fn text(money: Money) -> String {
    let value = money.amount();
    format!("{value:.*}", digits(money.currency()) as usize)
}

/// Half up, to PayPal's digits. `None` beyond what an account holds.
pub(super) fn round(value: Decimal, currency: Currency) -> Option<Money> {
    Money::try_new(Rounding::HalfUp.apply(value, digits(currency)), currency).ok()
}

/// The smallest amount PayPal moves.
pub(super) fn smallest(currency: Currency) -> Money {
    let steps = currency.exponent().saturating_sub(digits(currency));
    Money::from_minor(10_i64.pow(steps), currency)
}

/// A tenth, rounded down, at least the smallest amount.
pub(super) fn tenth(money: Money) -> Money {
    let step = smallest(money.currency()).minor();
    let tenth = money.minor() / 10 / step * step;
    Money::from_minor(tenth.max(step), money.currency())
}

/// Why an amount is refused: by the schema (400) or by the rules (422).
#[derive(Debug)]
pub(super) enum AmountFault {
    Schema(Detail),
    Rule(Detail),
}

/// Reads `{currency_code, value}`; `field` is its JSON pointer.
pub(super) fn read(value: Option<&Value>, field: &str, zero: bool) -> Result<Money, AmountFault> {
    let missing = |part: &str| {
        let field = format!("{field}{part}");
        AmountFault::Schema(Detail::at(field, "MISSING_REQUIRED_PARAMETER"))
    };
    let rule =
        |part: &str, issue: &'static str| AmountFault::Rule(Detail::at(format!("{field}{part}"), issue));
    let amount = value.ok_or_else(|| missing(""))?;
    let code = amount.get("currency_code").ok_or_else(|| missing("/currency_code"))?;
    let text = amount.get("value").ok_or_else(|| missing("/value"))?;
    let syntax =
        |part: &str| AmountFault::Schema(Detail::at(format!("{field}{part}"), "INVALID_PARAMETER_SYNTAX"));
    let code = code.as_str().filter(|code| code.len() == 3).ok_or_else(|| syntax("/currency_code"))?;
    let text =
        text.as_str().filter(|text| text.len() <= 32 && is_decimal(text)).ok_or_else(|| syntax("/value"))?;
    if !ACCEPTED.contains(&code) {
        return Err(rule("/currency_code", "INVALID_CURRENCY_CODE"));
    }
    let currency = Currency::find(code).map_err(|_| rule("/currency_code", "INVALID_CURRENCY_CODE"))?;
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if decimals > 0 && digits(currency) == 0 {
        return Err(rule("/value", "DECIMALS_NOT_SUPPORTED"));
    }
    if decimals > 2 {
        return Err(rule("/value", "DECIMAL_PRECISION"));
    }
    let normal = if text.starts_with('.') { format!("0{text}") } else { text.replace("-.", "-0.") };
    let money = Money::parse(&normal, currency)
        .ok()
        .filter(|money| money.minor().unsigned_abs() < 1_000_000_000_000)
        .ok_or_else(|| rule("/value", "MAX_VALUE_EXCEEDED"))?;
    if money.is_negative() || (money.is_zero() && !zero) {
        return Err(rule("/value", "CANNOT_BE_ZERO_OR_NEGATIVE"));
    }
    Ok(money)
}

/// PayPal's own pattern: `^((-?[0-9]+)|(-?([0-9]+)?[.][0-9]+))$`.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    match unsigned.split_once('.') {
        Some((whole, fraction)) => all_digits(whole) && !fraction.is_empty() && all_digits(fraction),
        None => !unsigned.is_empty() && all_digits(unsigned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_paypal_reads() {
        let cases: [(Value, Result<&str, &str>); 14] = [
            (json!({"currency_code": "USD", "value": "100.00"}), Ok("USD 100.00")),
            (json!({"currency_code": "USD", "value": "100"}), Ok("USD 100.00")),
            (json!({"currency_code": "USD", "value": ".5"}), Ok("USD 0.50")),
            (json!({"currency_code": "JPY", "value": "1000"}), Ok("JPY 1000")),
            (json!({"currency_code": "TWD", "value": "300"}), Ok("TWD 300.00")),
            (json!({"currency_code": "JPY", "value": "10.5"}), Err("DECIMALS_NOT_SUPPORTED")),
            (json!({"currency_code": "HUF", "value": "10.00"}), Err("DECIMALS_NOT_SUPPORTED")),
            (json!({"currency_code": "USD", "value": "1.005"}), Err("DECIMAL_PRECISION")),
            (json!({"currency_code": "IDR", "value": "10000"}), Err("INVALID_CURRENCY_CODE")),
            (json!({"currency_code": "USD", "value": "0.00"}), Err("CANNOT_BE_ZERO_OR_NEGATIVE")),
            (json!({"currency_code": "USD", "value": "-1"}), Err("CANNOT_BE_ZERO_OR_NEGATIVE")),
            (json!({"currency_code": "USD", "value": "1e3"}), Err("INVALID_PARAMETER_SYNTAX")),
            (json!({"currency_code": "USD", "value": 100}), Err("INVALID_PARAMETER_SYNTAX")),
            (json!({"value": "1"}), Err("MISSING_REQUIRED_PARAMETER")),
        ];
        for (input, expected) in cases {
            let found = read(Some(&input), "/amount", false);
            let found = found.map(|money| money.to_string()).map_err(|fault| format!("{fault:?}"));
            match (expected, found) {
                (Ok(expected), Ok(found)) => assert_eq!(expected, found),
                (Err(issue), Err(fault)) => assert!(fault.contains(issue), "{input}: {fault}"),
                (expected, found) => panic!("{input}: {expected:?}, {found:?}"),
            }
        }
    }

    #[test]
    fn writes_paypals_digits() {
        let money = |text: &str, code: &str| Money::parse(text, Currency::find(code).unwrap()).unwrap();
        assert_eq!(text(money("300.00", "TWD")), "300");
        assert_eq!(text(money("12.30", "USD")), "12.30");
        assert_eq!(tenth(money("100.00", "USD")), money("10.00", "USD"));
        assert_eq!(tenth(money("0.05", "USD")), money("0.01", "USD"));
        assert_eq!(tenth(money("305.00", "TWD")), money("30.00", "TWD"));
    }
}
