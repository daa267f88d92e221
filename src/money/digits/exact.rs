//! Exact amounts: as many digits as there are, and no noughts at the end.

use std::fmt;

use super::{Digits, EIGHT, Line, ZEROS, eight};

/// The longest text: a sign, 29 digits, a point, a zero before it.
const LONGEST: usize = 32;
const HALF: u128 = 10_u128.pow(19);

/// The digits of an exact amount, as many as it has and no zeros at their end: `671.22422126745435`.
#[derive(Clone, Copy)]
pub struct ExactDigits(Form);

#[derive(Clone, Copy)]
enum Form {
    Short(Short),
    Long(Line<LONGEST>),
}

/// At most eight digits before the point and nineteen behind it, as most have. They are written once, where they are read:
/// a text that is made first and copied then costs more than the digits do.
#[derive(Clone, Copy)]
pub(super) struct Short {
    pub negative: bool,
    pub whole: u32,
    pub fraction: u64,
    pub decimals: u8,
}

impl ExactDigits {
    /// `whole` and so many `decimals` of `fraction`; `None` where that is more than it holds.
    #[inline]
    pub(in crate::money) fn new(
        negative: bool,
        whole: u64,
        fraction: u128,
        decimals: usize,
    ) -> Option<ExactDigits> {
        match (u32::try_from(whole), u64::try_from(fraction), decimals) {
            (Ok(short), Ok(fraction), ..20) if whole < EIGHT => {
                let decimals = decimals as u8;
                Some(ExactDigits(Form::Short(Short { negative, whole: short, fraction, decimals })))
            }
            _ => long(negative, whole, fraction, decimals).map(|text| ExactDigits(Form::Long(text))),
        }
    }

    /// A decimal's own text; cut where it is longer than any decimal's.
    pub(crate) fn of(text: &str) -> ExactDigits {
        let end = text.len().min(LONGEST);
        let mut own = Line::new();
        own.bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        own.length = end as u8;
        ExactDigits(Form::Long(own))
    }

    /// Writes the whole text behind what is there.
    #[inline]
    pub fn copy_to(&self, text: &mut Vec<u8>) {
        match &self.0 {
            Form::Short(short) => short.copy_to(text),
            Form::Long(long) => long.copy_to(text),
        }
    }
}

impl Short {
    #[inline]
    pub fn copy_to(&self, text: &mut Vec<u8>) {
        Digits::short(self.whole.into(), 0, self.negative).copy_to(text);
        let (high, low) = (self.fraction / (EIGHT * EIGHT), self.fraction % (EIGHT * EIGHT));
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
        let decimals = usize::from(self.decimals);
        let shown = decimals.saturating_sub(zeros);
        if shown == 0 {
            return;
        }
        text.reserve(32);
        text.push(b'.');
        let end = text.len() + shown;
        // Each word behind the one before it; the first one has what the others leave.
        let mut put = |word: u64, digits: usize| {
            let behind = text.len() + digits;
            text.extend_from_slice(&(word >> (64 - 8 * digits)).to_le_bytes());
            text.truncate(behind);
        };
        match decimals {
            ..=8 => put(words[2], decimals),
            9..=16 => {
                put(words[1], decimals - 8);
                put(words[2], 8);
            }
            _ => {
                put(words[0], decimals - 16);
                put(words[1], 8);
                put(words[2], 8);
            }
        }
        text.truncate(end);
    }
}

/// Of any length that there is room for.
pub(super) fn long(negative: bool, whole: u64, fraction: u128, decimals: usize) -> Option<Line<LONGEST>> {
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
    Some(text)
}

impl fmt::Display for ExactDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(LONGEST);
        self.copy_to(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for ExactDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for ExactDigits {
    fn eq(&self, other: &ExactDigits) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ExactDigits {}

impl PartialEq<str> for ExactDigits {
    fn eq(&self, other: &str) -> bool {
        self.to_string() == other
    }
}

impl serde::Serialize for ExactDigits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
