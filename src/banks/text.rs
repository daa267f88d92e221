//! Bytes as text, and the small readers that all forms share.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

use crate::money::{Currency, Money};

use super::BankFileError;

/// Years in which a bank books: what lies outside of them is misread or a slip, and no day of the books.
const YEARS: RangeInclusive<i32> = 1990..=2100;

/// UTF-8, with or without a mark at its head.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, BankFileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| BankFileError::NotText)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// UTF-8, else ISO 8859-1, which every byte is: older banks' files.
pub(super) fn latin(bytes: &[u8]) -> Cow<'_, str> {
    match utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// UTF-8, else Windows-1252, which spreadsheets write.
pub(super) fn windows(bytes: &[u8]) -> Cow<'_, str> {
    // What it has in place of ISO 8859-1's second row of control characters; four of them stay what they are.
    const OWN: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let own = |byte: u8| OWN.get(usize::from(byte.wrapping_sub(0x80))).copied();
            Cow::Owned(bytes.iter().map(|byte| own(*byte).unwrap_or(char::from(*byte))).collect())
        }
    }
}

/// An amount with a decimal sign of the form's own; zero or above. More decimals than the currency has are taken where
/// they are zeros.
pub(super) fn amount(text: &str, decimal: char, currency: Currency) -> Result<Money, BankFileError> {
    let bad = || BankFileError::at("an amount", format!("`{}` is none in {currency}", shown(text)));
    let (whole, fraction) = text.split_once(decimal).unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || text.len() > 30 || !digits(whole) || !digits(fraction) {
        return Err(bad());
    }
    let fraction = fraction.trim_end_matches('0');
    let plain = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    Money::parse(&plain, currency).map_err(|_| bad())
}

/// A currency's code.
pub(super) fn currency(text: &str) -> Result<Currency, BankFileError> {
    Currency::find(text).map_err(|error| BankFileError::at("a currency", error))
}

/// The date at the beginning of `2026-11-28` or `2026-11-28T10:00:00+08:00`: the bank's own day.
pub(super) fn iso_date(text: &str) -> Result<NaiveDate, BankFileError> {
    let head = text.get(..10).unwrap_or(text);
    let rest = text.get(10..).unwrap_or_default();
    let fits = rest.is_empty() || rest.starts_with(['T', 'Z', '+', '-']);
    let date = NaiveDate::parse_from_str(head, "%Y-%m-%d").ok().filter(|_| fits);
    let date = date.ok_or_else(|| BankFileError::at("a date", format!("`{}` is none", shown(text))))?;
    booked_day(date).map_err(|why| BankFileError::at("a date", why))
}

/// The day, if a bank can have booked on it.
pub(super) fn booked_day(date: NaiveDate) -> Result<NaiveDate, String> {
    let (first, last) = (YEARS.start(), YEARS.end());
    match YEARS.contains(&date.year()) {
        true => Ok(date),
        false => Err(format!("`{date}` is no day between {first} and {last}")),
    }
}

/// As much of a foreign text as an error repeats.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

/// A text as it is kept: one line, bounded, without control characters.
pub(super) fn kept(text: &str, limit: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|letter| !letter.is_control()).take(limit).collect()
}
