//! A number as a locale groups its digits.

use crate::money::{Currency, Digits};

use super::{Locale, Row};

impl Locale {
    /// Digits in groups, without their sign: that is the pattern's.
    pub(super) fn number(self, currency: Currency, digits: &Digits, text: &mut Vec<u8>) {
        let row = self.0;
        let (whole, fraction) = digits.parts();
        let whole = whole.strip_prefix(b"-").unwrap_or(whole);
        // An amount finer than the price tag shows its ledger digits.
        let shown = currency.display_digits() as usize;
        let (tag, finer) = fraction.split_at(shown.min(fraction.len()));
        let fraction = if finer.iter().all(|digit| *digit == b'0') { tag } else { fraction };
        if let ([group], [decimal]) = (row.group.as_bytes(), row.decimal.as_bytes())
            && row.secondary == row.primary
        {
            return self.short_number(digits, fraction.len(), (*group, *decimal), text);
        }
        if whole.len() >= row.primary + row.minimum_grouping {
            let (front, last) = whole.split_at(whole.len() - row.primary);
            let (first, groups) = front.split_at((front.len() - 1) % row.secondary + 1);
            text.extend_from_slice(first);
            for place in (0..groups.len()).step_by(row.secondary) {
                text.extend_from_slice(row.group.as_bytes());
                text.extend_from_slice(&groups[place..place + row.secondary]);
            }
            text.extend_from_slice(row.group.as_bytes());
            text.extend_from_slice(last);
        } else {
            text.extend_from_slice(whole);
        }
        if !fraction.is_empty() {
            text.extend_from_slice(row.decimal.as_bytes());
            text.extend_from_slice(fraction);
        }
    }

    /// The same with marks of one byte, and so many digits behind the point: the rest is written again behind each mark,
    /// which costs less than a copy of each group.
    fn short_number(self, digits: &Digits, shown: usize, (group, decimal): (u8, u8), text: &mut Vec<u8>) {
        let &Row { primary, minimum_grouping, .. } = self.0;
        let (before, _) = digits.parts();
        let sign = usize::from(before.first() == Some(&b'-'));
        let whole = before.len() - sign;
        let mut begin = text.len();
        digits.copy_rest_to(sign, text);
        if whole >= primary + minimum_grouping {
            let mut written = (whole - 1) % primary + 1;
            while written < whole {
                text.truncate(begin + written);
                text.push(group);
                begin += 1;
                digits.copy_rest_to(sign + written, text);
                written += primary;
            }
        }
        let point = begin + whole;
        if let Some(mark) = text.get_mut(point) {
            *mark = decimal;
        }
        text.truncate(if shown > 0 { point + 1 + shown } else { point });
    }
}
