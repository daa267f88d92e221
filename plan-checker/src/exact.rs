//! Whole numbers of 128 bits; what would not fit is refused, never wrapped.

use crate::Refusal;
use crate::certificate::{Body, Rounding};

fn beyond() -> Refusal {
    Refusal::wrong("arithmetic", "a figure is beyond 128 bits")
}

pub fn add(one: i128, two: i128) -> Result<i128, Refusal> {
    one.checked_add(two).ok_or_else(beyond)
}

pub fn multiply(one: i128, two: i128) -> Result<i128, Refusal> {
    one.checked_mul(two).ok_or_else(beyond)
}

pub fn count(items: usize) -> Result<i128, Refusal> {
    i128::try_from(items).map_err(|_| beyond())
}

pub fn power(exponent: u32) -> Result<i128, Refusal> {
    10_i128.checked_pow(exponent).ok_or_else(beyond)
}

/// A plain decimal as a fraction whose lower part is a power of ten.
pub fn decimal(text: &str) -> Result<(i128, u32), Refusal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let trimmed = fraction.ends_with('0') || (text.contains('.') && fraction.is_empty());
    let leading = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || trimmed || leading {
        return Err(Refusal::wrong("decimal", format!("`{text}` is not written as a decimal")));
    }
    let number = format!("{whole}{fraction}").parse().map_err(|_| beyond())?;
    Ok((number, u32::try_from(fraction.len()).map_err(|_| beyond())?))
}

/// Cost units of one minor unit of a currency.
pub fn weight(body: &Body, currency: &str) -> Result<(i128, i128), Refusal> {
    let exponent = |code: &str| {
        let known = body.exponents.get(code).copied();
        known.ok_or_else(|| Refusal::wrong("exponents", format!("{code} is missing")))
    };
    let mid =
        body.mids.get(currency).ok_or_else(|| Refusal::wrong("mids", format!("{currency} is missing")))?;
    if currency == body.home && mid != "1" {
        return Err(Refusal::wrong("mids", "the home currency's mid is 1"));
    }
    let (number, places) = decimal(mid)?;
    if number <= 0 {
        return Err(Refusal::wrong("mids", format!("{currency} must be above zero")));
    }
    let (up, down) = (exponent(&body.home)? + 9, exponent(currency)? + places);
    if down >= up { Ok((number, power(down - up)?)) } else { Ok((multiply(number, power(up - down)?)?, 1)) }
}

/// What an amount is worth in cost units, half up.
pub fn value(body: &Body, currency: &str, minor: i128) -> Result<i128, Refusal> {
    let (top, bottom) = weight(body, currency)?;
    Ok(add(multiply(minor, top)?, bottom / 2)?.div_euclid(bottom))
}

/// Upwards to a whole.
pub fn ceiling(top: i128, bottom: i128) -> i128 {
    top.div_euclid(bottom) + i128::from(top.rem_euclid(bottom) != 0)
}

/// A fraction above zero, rounded by its named rule.
pub fn rounded(top: i128, bottom: i128, rule: Rounding) -> i128 {
    let (whole, rest) = (top / bottom, top % bottom);
    let up = match rule {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfUp => rest >= bottom - rest,
        Rounding::HalfEven => rest > bottom - rest || (rest == bottom - rest && whole % 2 == 1),
    };
    whole + i128::from(up)
}
