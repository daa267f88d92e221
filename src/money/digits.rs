//! The digits of an amount as text, made without an allocation: prices are written by the thousand.

use std::fmt;

/// The longest text of an exact amount: a sign, 29 digits, a point, a zero before it.
const LONGEST_EXACT: usize = 32;
const HALF: u128 = 10_u128.pow(19);

/// The longest text: a sign, nineteen digits, a point.
const LONGEST: usize = 24;
/// No currency has more decimals.
const MOST_DECIMALS: u32 = 4;

/// `12.34`, `-0.05`, `671`: a whole number with its point set.
#[derive(Clone, Copy)]
pub struct Digits {
    text: [u8; LONGEST],
    begin: usize,
    decimals: usize,
}

impl Digits {
    /// `minor` with `decimals` digits behind the point.
    pub(super) fn new(minor: i64, decimals: u32) -> Digits {
        let decimals = decimals.min(MOST_DECIMALS) as usize;
        let mut text = [b'0'; LONGEST];
        let mut left = minor.unsigned_abs();
        let mut begin = LONGEST;
        let mut written = 0;
        // At least one digit stands before the point.
        while left > 0 || written <= decimals {
            if written == decimals && decimals > 0 {
                begin -= 1;
                text[begin] = b'.';
            }
            begin -= 1;
            // Below ten.
            text[begin] += (left % 10) as u8;
            left /= 10;
            written += 1;
        }
        if minor < 0 {
            begin -= 1;
            text[begin] = b'-';
        }
        Digits { text, begin, decimals }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        // ASCII by construction.
        std::str::from_utf8(&self.text[self.begin..]).unwrap_or_default()
    }

    /// What stands before the point, the sign too, and what behind it.
    pub fn parts(&self) -> (&str, &str) {
        let text = self.as_str();
        match self.decimals {
            0 => (text, ""),
            decimals => {
                let (whole, fraction) = text.split_at(text.len() - decimals);
                (whole.trim_end_matches('.'), fraction)
            }
        }
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The digits of an exact amount, as many as it has and no zeros at their end: `671.22422126745435`.
#[derive(Clone, Copy)]
pub struct ExactDigits {
    text: [u8; LONGEST_EXACT],
    begin: usize,
    end: usize,
}

impl ExactDigits {
    /// `whole` and so many `decimals` of `fraction`; `None` where that is more than 29 digits.
    pub(super) fn new(negative: bool, whole: u64, fraction: u128, decimals: usize) -> Option<ExactDigits> {
        let mut exact = ExactDigits { text: [b'0'; LONGEST_EXACT], begin: LONGEST_EXACT, end: LONGEST_EXACT };
        if decimals > 0 {
            // 64 bits hold nineteen digits.
            let rest = match u64::try_from(fraction) {
                Ok(fraction) if decimals < 20 => exact.put(fraction, decimals),
                _ => {
                    exact.put(u64::try_from(fraction % HALF).ok()?, 19)?;
                    exact.put(u64::try_from(fraction / HALF).ok()?, decimals.checked_sub(19)?)
                }
            };
            rest?;
            let text = &exact.text[exact.begin..];
            exact.end -= text.iter().rev().take_while(|digit| **digit == b'0').count();
            if exact.end > exact.begin {
                exact.put_mark(b'.')?;
            }
        }
        exact.put(whole, 1)?;
        if negative {
            exact.put_mark(b'-')?;
        }
        Some(exact)
    }

    /// A decimal's own text; cut where it is longer than any decimal's.
    pub(super) fn of(text: &str) -> ExactDigits {
        let mut exact =
            ExactDigits { text: [b'0'; LONGEST_EXACT], begin: 0, end: text.len().min(LONGEST_EXACT) };
        exact.text[..exact.end].copy_from_slice(&text.as_bytes()[..exact.end]);
        exact
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        // ASCII by construction.
        std::str::from_utf8(&self.text[self.begin..self.end]).unwrap_or_default()
    }

    /// Puts a number of at least `least` digits before what is there.
    fn put(&mut self, mut number: u64, least: usize) -> Option<()> {
        let stop = self.begin.checked_sub(least)?;
        while number > 0 || self.begin > stop {
            // Below ten.
            self.put_mark(b'0' + (number % 10) as u8)?;
            number /= 10;
        }
        Some(())
    }

    fn put_mark(&mut self, mark: u8) -> Option<()> {
        self.begin = self.begin.checked_sub(1)?;
        self.text[self.begin] = mark;
        Some(())
    }
}

impl PartialEq for ExactDigits {
    fn eq(&self, other: &ExactDigits) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ExactDigits {}

impl PartialEq<str> for ExactDigits {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl fmt::Display for ExactDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ExactDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for ExactDigits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    proptest::proptest! {
        #[test]
        fn they_are_the_decimals_own(minor in proptest::num::i64::ANY, decimals in 0_u32..=4) {
            let digits = Digits::new(minor, decimals);
            let text = Decimal::new(minor, decimals).to_string();
            proptest::prop_assert_eq!(digits.as_str(), text.as_str());
            proptest::prop_assert_eq!(digits.parts(), text.split_once('.').unwrap_or((&text, "")));
        }
    }

    #[test]
    fn exact_digits_end_with_the_last_that_counts() {
        for (negative, whole, fraction, decimals, text) in [
            (false, 671, 224_221_267_454_350_890, 18, "671.22422126745435089"),
            (false, 0, 0, 18, "0"),
            (true, 0, 50, 3, "-0.05"),
            (false, 70, 0, 0, "70"),
            (false, 3, 12_345_678_901_234_567_890_123, 26, "3.00012345678901234567890123"),
            (true, u64::MAX, 123_456_789, 9, "-18446744073709551615.123456789"),
        ] {
            let exact = ExactDigits::new(negative, whole, fraction, decimals).unwrap();
            assert_eq!(exact.as_str(), text);
            assert_eq!(ExactDigits::of(text), exact);
        }
        assert!(ExactDigits::new(false, u64::MAX, 0, 19).is_none(), "that is more than it holds");
    }

    #[test]
    fn the_ends_of_the_range_and_small_amounts() {
        for (minor, decimals, text) in [
            (0, 2, "0.00"),
            (0, 0, "0"),
            (-5, 2, "-0.05"),
            (7, 4, "0.0007"),
            (i64::MIN, 4, "-922337203685477.5808"),
            (i64::MAX, 0, "9223372036854775807"),
        ] {
            assert_eq!(Digits::new(minor, decimals).to_string(), text);
        }
    }
}
