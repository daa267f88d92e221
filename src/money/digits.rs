//! The digits of an amount as text, made without an allocation: prices are written by the thousand.

use std::fmt;

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
