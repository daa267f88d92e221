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
            return self.short_number((whole, *group), (fraction, *decimal), text);
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

    /// The same with marks of one byte: gathered beside and copied at once, since most prices are written like this.
    fn short_number(self, (whole, group): (&[u8], u8), (fraction, decimal): (&[u8], u8), text: &mut Vec<u8>) {
        let &Row { primary, minimum_grouping, .. } = self.0;
        // Nineteen digits with six marks, a point and four more; the letter behind them is never shown.
        let mut line = [0_u8; 32];
        let mut length = 0;
        let mut put = |byte: u8| {
            line[length] = byte;
            length = (length + 1).min(line.len() - 1);
        };
        let grouped = whole.len() >= primary + minimum_grouping;
        let mut until = if grouped { (whole.len() - 1) % primary + 1 } else { whole.len() };
        for digit in whole {
            if until == 0 {
                put(group);
                until = primary;
            }
            put(*digit);
            until -= 1;
        }
        if !fraction.is_empty() {
            put(decimal);
            fraction.iter().for_each(|digit| put(*digit));
        }
        let end = text.len() + length;
        text.extend_from_slice(&line);
        text.truncate(end);
    }
}
