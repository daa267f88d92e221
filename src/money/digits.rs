//! The digits of an amount as text, made without an allocation: prices are written by the thousand.

use std::fmt;

/// The longest text of an exact amount: a sign, 29 digits, a point, a zero before it.
const LONGEST_EXACT: usize = 32;
const HALF: u128 = 10_u128.pow(19);
/// Room of a short one before its point, with its sign, and behind it.
const BEFORE: usize = 9;
const BEHIND: usize = 19;

/// The longest text: a sign, nineteen digits, a point.
const LONGEST: usize = 24;
/// No currency has more decimals.
const MOST_DECIMALS: u32 = 4;

/// `00` to `99`: digits are written two at a time.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

const EIGHT: u64 = 100_000_000;
const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);

/// The eight digits of a number below [`EIGHT`] in ASCII, the first in the lowest byte: divided by 10,000, 100 and 10 in
/// lanes of one word, where a division is a product and a shift.
const fn eight(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - 10 * tens) << 8) | ZEROS
}

/// A text that begins where its room does; what stands behind it means nothing. Whoever gathers texts copies all of its
/// room and cuts, which costs less than a copy of a length that nobody knows beforehand.
#[derive(Clone, Copy)]
struct Line<const ROOM: usize> {
    bytes: [u8; ROOM],
    /// At most `ROOM`, which a byte holds: prices are carried about by the thousand too.
    length: u8,
}

impl<const ROOM: usize> Line<ROOM> {
    fn new() -> Self {
        Line { bytes: [b'0'; ROOM], length: 0 }
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    fn copy_to(&self, text: &mut Vec<u8>) {
        let end = text.len() + usize::from(self.length);
        text.extend_from_slice(&self.bytes);
        text.truncate(end);
    }

    /// Puts the last so many digits of a number behind what is there; `None` where it has no room.
    #[inline]
    fn put(&mut self, mut number: u64, digits: usize) -> Option<()> {
        let begin = usize::from(self.length);
        let room = self.bytes.get_mut(begin..begin + digits)?;
        let mut left = digits;
        // Eight at a time depend on nothing but themselves.
        while left >= 8 {
            let (high, low) = ((number % 100_000_000) / 10_000, number % 10_000);
            let pairs = [high / 100, high % 100, low / 100, low % 100].map(|pair| PAIRS[pair as usize]);
            room[left - 8..left].copy_from_slice(pairs.as_flattened());
            (number, left) = (number / 100_000_000, left - 8);
        }
        while left >= 2 {
            room[left - 2..left].copy_from_slice(&PAIRS[(number % 100) as usize]);
            (number, left) = (number / 100, left - 2);
        }
        if left == 1 {
            room[0] = b'0' + (number % 10) as u8;
        }
        self.length += digits as u8;
        Some(())
    }

    /// A number with as many digits as it has.
    #[inline]
    fn put_whole(&mut self, number: u64) -> Option<()> {
        self.put(number, number.checked_ilog10().unwrap_or(0) as usize + 1)
    }

    fn put_mark(&mut self, mark: u8) -> Option<()> {
        *self.bytes.get_mut(usize::from(self.length))? = mark;
        self.length += 1;
        Some(())
    }
}

/// `12.34`, `-0.05`, `671`: a whole number with its point set.
#[derive(Clone, Copy)]
pub struct Digits {
    text: Line<LONGEST>,
    decimals: u8,
}

impl Digits {
    /// `minor` with `decimals` digits behind the point.
    #[inline]
    pub(super) fn new(minor: i64, decimals: u32) -> Digits {
        let (decimals, magnitude) = (decimals.min(MOST_DECIMALS) as usize, minor.unsigned_abs());
        match magnitude < EIGHT {
            true => Digits::short(magnitude, decimals, minor < 0),
            false => Digits::long(minor, decimals),
        }
    }

    /// Of at most eight digits, as most prices are: all of it happens in two words.
    fn short(magnitude: u64, decimals: usize, negative: bool) -> Digits {
        let all = eight(magnitude);
        // One digit stands before the point.
        let zeros = ((all ^ ZEROS).trailing_zeros() as usize / 8).min(7 - decimals);
        let (shown, whole) = (u128::from(all >> (8 * zeros)), 8 - zeros - decimals);
        let mut text = shown;
        if decimals > 0 {
            let (before, behind) = (shown & ((1 << (8 * whole)) - 1), shown >> (8 * whole));
            text = before | ((u128::from(b'.') | (behind << 8)) << (8 * whole));
        }
        if negative {
            text = (text << 8) | u128::from(b'-');
        }
        let mut bytes = [0; LONGEST];
        bytes[..16].copy_from_slice(&text.to_le_bytes());
        let length = 8 - zeros + usize::from(decimals > 0) + usize::from(negative);
        Digits { text: Line { bytes, length: length as u8 }, decimals: decimals as u8 }
    }

    fn long(minor: i64, decimals: usize) -> Digits {
        let magnitude = minor.unsigned_abs();
        // Divisors that are known beforehand need no division.
        let (whole, fraction) = match decimals {
            0 => (magnitude, 0),
            1 => (magnitude / 10, magnitude % 10),
            2 => (magnitude / 100, magnitude % 100),
            3 => (magnitude / 1_000, magnitude % 1_000),
            _ => (magnitude / 10_000, magnitude % 10_000),
        };
        let mut text = Line::new();
        let mut write = || {
            if minor < 0 {
                text.put_mark(b'-')?;
            }
            text.put_whole(whole)?;
            if decimals == 0 {
                return Some(());
            }
            text.put_mark(b'.')?;
            text.put(fraction, decimals)
        };
        // The longest of them has room.
        let _ = write();
        Digits { text, decimals: decimals as u8 }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        // ASCII by construction.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same as ASCII, for whoever gathers bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.written()
    }

    /// Writes the whole text behind what is there.
    #[inline]
    pub fn copy_to(&self, text: &mut Vec<u8>) {
        self.text.copy_to(text);
    }

    /// Writes what begins at a place of it, behind what is there; nothing from beyond its end.
    #[inline]
    pub fn copy_rest_to(&self, place: usize, text: &mut Vec<u8>) {
        let rest = usize::from(self.text.length).saturating_sub(place);
        match self.text.bytes.get(place..).and_then(<[u8]>::first_chunk::<16>) {
            Some(bytes) if rest <= bytes.len() => {
                let end = text.len() + rest;
                text.extend_from_slice(bytes);
                text.truncate(end);
            }
            _ => text.extend_from_slice(self.as_bytes().get(place..).unwrap_or_default()),
        }
    }

    /// What stands before the point, the sign too, and what behind it, in ASCII.
    pub fn parts(&self) -> (&[u8], &[u8]) {
        let text = self.as_bytes();
        match self.decimals {
            0 => (text, &[]),
            decimals => {
                let (whole, fraction) = text.split_at(text.len() - usize::from(decimals));
                (&whole[..whole.len() - 1], fraction)
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
pub struct ExactDigits(Line<LONGEST_EXACT>);

impl ExactDigits {
    /// `whole` and so many `decimals` of `fraction`; `None` where that is more than it holds.
    pub(super) fn new(negative: bool, whole: u64, fraction: u128, decimals: usize) -> Option<ExactDigits> {
        match u64::try_from(fraction) {
            Ok(fraction) if whole < EIGHT && (1..20).contains(&decimals) => {
                Some(ExactDigits::short(negative, whole, fraction, decimals))
            }
            _ => ExactDigits::long(negative, whole, fraction, decimals),
        }
    }

    /// Of at most eight digits before the point and nineteen behind it, as most are: eight at a time.
    fn short(negative: bool, whole: u64, fraction: u64, decimals: usize) -> ExactDigits {
        let before = Digits::short(whole, 0, negative).text;
        let (high, low) = (fraction / (EIGHT * EIGHT), fraction % (EIGHT * EIGHT));
        let words = [eight(high), eight(low / EIGHT), eight(low % EIGHT)];
        // Noughts at the end, by words that are nothing else.
        let noughts = |word: u64| (word ^ ZEROS).leading_zeros() as usize / 8;
        let mut zeros = noughts(words[2]);
        if zeros == 8 {
            zeros += noughts(words[1]);
        }
        if zeros == 16 {
            zeros += noughts(words[0]);
        }
        let shown = decimals.saturating_sub(zeros);
        let mut behind = [b'0'; 24 + BEHIND];
        for (room, word) in behind.chunks_exact_mut(8).zip(words) {
            room.copy_from_slice(&word.to_le_bytes());
        }
        let mut bytes = [b'0'; LONGEST_EXACT];
        bytes[..BEFORE].copy_from_slice(&before.bytes[..BEFORE]);
        let point = usize::from(before.length).min(BEFORE);
        bytes[point] = b'.';
        let begin = 24 - decimals.min(24);
        bytes[point + 1..point + 1 + BEHIND].copy_from_slice(&behind[begin..begin + BEHIND]);
        let length = point + shown + usize::from(shown > 0);
        ExactDigits(Line { bytes, length: length as u8 })
    }

    fn long(negative: bool, whole: u64, fraction: u128, decimals: usize) -> Option<ExactDigits> {
        let mut text = Line::new();
        if negative {
            text.put_mark(b'-')?;
        }
        text.put_whole(whole)?;
        if decimals > 0 {
            text.put_mark(b'.')?;
            // 64 bits hold nineteen digits.
            match u64::try_from(fraction) {
                Ok(fraction) if decimals < 20 => text.put(fraction, decimals)?,
                _ => {
                    text.put(u64::try_from(fraction / HALF).ok()?, decimals.checked_sub(19)?)?;
                    text.put(u64::try_from(fraction % HALF).ok()?, 19)?;
                }
            }
            let zeros = text.written().iter().rev().take_while(|digit| **digit == b'0').count();
            text.length -= zeros as u8;
            text.length -= u8::from(zeros == decimals);
        }
        Some(ExactDigits(text))
    }

    /// A decimal's own text; cut where it is longer than any decimal's.
    pub(crate) fn of(text: &str) -> ExactDigits {
        let end = text.len().min(LONGEST_EXACT);
        let mut own = Line::new();
        own.bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        own.length = end as u8;
        ExactDigits(own)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        // ASCII by construction.
        std::str::from_utf8(self.0.written()).unwrap_or_default()
    }

    /// Writes the whole text behind what is there.
    #[inline]
    pub fn copy_to(&self, text: &mut Vec<u8>) {
        self.0.copy_to(text);
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
mod tests;
