//! Numbers, exactly: a number's own text becomes a decimal, never a binary fraction.
//!
//! Sources compute in binary and print 17 digits: `3.9300000000000002`, `0.014999999999999999`. Twelve significant
//! digits keep everything a source can mean (nobody publishes more) and drop that noise: `3.93`, `0.015`. Rounding is
//! half to even, on the text, and happens only where there are more than twelve digits; a number that has fewer keeps
//! all it has, trailing zeros too.

use rust_decimal::Decimal;

/// How many significant digits a rate keeps.
pub const SIGNIFICANT_DIGITS: usize = 12;

/// The longest text that is looked at.
const LONGEST: usize = 400;

/// Why a text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not `digits[.digits][e[+-]digits]`.
    #[error("is not a number")]
    Syntax,
    /// Zero or below.
    #[error("is not above zero")]
    NotPositive,
    /// 10^9 and more.
    #[error("is too large")]
    TooLarge,
    /// Needs more than 28 decimal places.
    #[error("is too small")]
    TooSmall,
}

/// Reads a rate as JSON writes numbers (`18148`, `1.2784`, `4.2E-05`), rounded half to even to twelve significant
/// digits.
///
/// # Errors
/// [`NumberError`]; a rate is above zero and below 10^9.
pub fn read_number(text: &str) -> Result<Decimal, NumberError> {
    read_number_per(text, 0)
}

/// The same for a number that is given per 10^`power` units: only the point is moved.
///
/// # Errors
/// As [`read_number`].
pub fn read_number_per(text: &str, power: u32) -> Result<Decimal, NumberError> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if text.len() > LONGEST || !digits(whole) || !digits(fraction) || !digits(plain) {
        return Err(NumberError::Syntax);
    }
    let fraction = if mantissa.contains('.') { fraction } else { "" };
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if negative || significant.is_empty() {
        return Err(NumberError::NotPositive);
    }
    let exponent: i64 = match exponent.parse::<i64>() {
        Ok(exponent) if exponent.abs() <= 1_000 => exponent,
        _ if exponent.starts_with('-') => return Err(NumberError::TooSmall),
        _ => return Err(NumberError::TooLarge),
    };
    // Lengths are bounded by `LONGEST`, so these sums stay small.
    let last_digit = exponent - i64::try_from(fraction.len()).unwrap_or_default() - i64::from(power);
    let (coefficient, place) = round(significant, last_digit);
    decimal(coefficient, place)
}

/// At most twelve digits and the power of ten of the last one.
fn round(digits: &str, last_place: i64) -> (u64, i64) {
    let Some((kept, cut)) = digits.split_at_checked(SIGNIFICANT_DIGITS).filter(|(_, cut)| !cut.is_empty())
    else {
        return (number(digits), last_place);
    };
    let mut coefficient = number(kept);
    let beyond_half = cut[1..].bytes().any(|digit| digit != b'0');
    let up = match cut.as_bytes()[0] {
        b'0'..=b'4' => false,
        b'5' => beyond_half || coefficient % 2 == 1,
        _ => true,
    };
    coefficient += u64::from(up);
    let mut place = last_place + i64::try_from(cut.len()).unwrap_or_default();
    while coefficient.is_multiple_of(10) && place < 0 {
        coefficient /= 10;
        place += 1;
    }
    (coefficient, place)
}

fn number(digits: &str) -> u64 {
    digits.bytes().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
}

fn decimal(coefficient: u64, place: i64) -> Result<Decimal, NumberError> {
    let (mut coefficient, mut place) = (coefficient, place);
    while place < -28 && coefficient.is_multiple_of(10) {
        coefficient /= 10;
        place += 1;
    }
    // Above zero and below 10^9: ten digits at most stand before the point.
    while place > 0 && coefficient < 1_000_000_000 {
        coefficient *= 10;
        place -= 1;
    }
    if place > 0 {
        return Err(NumberError::TooLarge);
    }
    let scale = u32::try_from(-place).unwrap_or(u32::MAX);
    let value =
        Decimal::try_from_i128_with_scale(coefficient.into(), scale).map_err(|_| NumberError::TooSmall)?;
    if value < Decimal::from(1_000_000_000_u32) { Ok(value) } else { Err(NumberError::TooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NumberError> {
        read_number(text).map(|value| value.to_string())
    }

    #[test]
    fn the_noise_of_binary_fractions_goes_and_what_was_published_stays() {
        for (text, expected) in [
            ("3.9300000000000002", "3.93"),
            ("0.014999999999999999", "0.015"),
            ("29478.533308940001", "29478.5333089"),
            ("3.0823999999999998", "3.0824"),
            ("104.76819999999999", "104.7682"),
            ("1.1172", "1.1172"),
            ("136.00", "136.00"),
            ("136.0", "136.0"),
            ("1", "1"),
            ("32.6448000", "32.6448000"),
            ("123456.789012", "123456.789012"),
            ("0.000012345678901", "0.000012345678901"),
            ("1e-7", "0.0000001"),
            ("4.2E-05", "0.000042"),
            ("1.5e+2", "150"),
            ("2e8", "200000000"),
            ("123456789.01234567", "123456789.012"),
            ("999999999", "999999999"),
            ("0.0999999999999999", "0.1"),
            ("99999.9999999999", "100000"),
            // Halves go to the even digit; anything beyond a half goes up.
            ("1.000000000005", "1"),
            ("1.000000000015", "1.00000000002"),
            ("1.0000000000050000001", "1.00000000001"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for (text, expected) in [
            ("", NumberError::Syntax),
            ("NaN", NumberError::Syntax),
            ("+1", NumberError::Syntax),
            ("1.", NumberError::Syntax),
            (".5", NumberError::Syntax),
            ("1e", NumberError::Syntax),
            ("1e+-2", NumberError::Syntax),
            ("1,5", NumberError::Syntax),
            ("1 ", NumberError::Syntax),
            ("１", NumberError::Syntax),
            ("1.2.3", NumberError::Syntax),
            ("0", NumberError::NotPositive),
            ("0.000e5", NumberError::NotPositive),
            ("-1.5", NumberError::NotPositive),
            ("1000000000", NumberError::TooLarge),
            ("1e9", NumberError::TooLarge),
            ("999999999.9999", NumberError::TooLarge),
            ("1e400", NumberError::TooLarge),
            ("1e99999999999999999999", NumberError::TooLarge),
            ("1e-400", NumberError::TooSmall),
            ("1e-99999999999999999999", NumberError::TooSmall),
            ("1.23456789012e-20", NumberError::TooSmall),
        ] {
            assert_eq!(read_number(text), Err(expected), "{text}");
        }
        assert_eq!(read_number(&"1".repeat(401)), Err(NumberError::Syntax));
    }

    #[test]
    fn per_hundred_moves_the_point_and_nothing_else() {
        for (text, power, expected) in [
            ("0.014999999999999999", 2, "0.00015"),
            ("2.4596", 2, "0.024596"),
            ("1.9296000", 3, "0.0019296000"),
            ("104.76819999999999", 2, "1.047682"),
        ] {
            assert_eq!(read_number_per(text, power).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn every_short_number_is_what_exact_parsing_says() {
        for coefficient in (1_u64..2_000_000).step_by(7_919) {
            for scale in 0..9 {
                let exact = Decimal::new(i64::try_from(coefficient).unwrap(), scale);
                assert_eq!(read_number(&exact.to_string()), Ok(exact));
                assert_eq!(read_number(&format!("{coefficient}e-{scale}")), Ok(exact));
            }
        }
    }
}
