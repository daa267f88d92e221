//! Strict delimited rows, one at a time, in constant memory.
//!
//! Two readers must see the same cells, so nothing is guessed: UTF-8 only (one byte order mark at the start is passed
//! over), a quote opens at a cell's first byte and closes right before the delimiter, a quote inside is doubled, no line
//! break or control character inside a cell. A line is at most 64 KiB and 256 cells, a file at most
//! [`super::bills::BILL_LIMIT`].

use std::borrow::Cow;
use std::io::{BufRead, Read};

use aws_lc_rs::digest;

use super::bills::{BILL_LIMIT, BillError};
use crate::domain::reconciliation::LineHash;

const LINE_LIMIT: usize = 64 * 1024;
const CELLS_LIMIT: usize = 256;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file's rows; holds one.
pub(super) struct Rows<R> {
    source: R,
    delimiter: u8,
    line: Vec<u8>,
    cells: Vec<Cell>,
    number: u64,
    taken: u64,
    ended_with_break: bool,
}

#[derive(Clone, Copy)]
struct Cell {
    from: usize,
    to: usize,
    /// Has doubled quotes inside.
    doubled: bool,
}

impl<R: BufRead> Rows<R> {
    pub fn new(source: R, delimiter: u8) -> Rows<R> {
        Rows {
            source,
            delimiter,
            line: Vec::new(),
            cells: Vec::new(),
            number: 0,
            taken: 0,
            ended_with_break: true,
        }
    }

    /// Goes to the next row; false at the end.
    pub fn advance(&mut self) -> Result<bool, BillError> {
        self.line.clear();
        let limit = LINE_LIMIT as u64 + 1;
        let read = (&mut self.source).take(limit).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| BillError::Broken(error.to_string()))?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        self.taken += read as u64;
        if self.taken > BILL_LIMIT {
            return Err(self.too_large("a bill is at most 2 GiB"));
        }
        self.ended_with_break = self.line.last() == Some(&b'\n');
        if !self.ended_with_break && self.line.len() > LINE_LIMIT {
            return Err(self.too_large("a line is at most 64 KiB"));
        }
        for ending in [b'\n', b'\r'] {
            if self.line.last() == Some(&ending) {
                self.line.pop();
            }
        }
        if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        self.divide()?;
        Ok(true)
    }

    /// Whether the last row ended in a line break; one that does not was cut short.
    pub fn ended_with_break(&self) -> bool {
        self.ended_with_break
    }

    /// The line's number, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The text of a cell; empty where the row has no such cell.
    pub fn cell(&self, at: usize) -> Cow<'_, str> {
        let Some(cell) = self.cells.get(at) else { return Cow::Borrowed("") };
        // The whole line was found to be UTF-8, and cells begin and end at ASCII bytes.
        let text = std::str::from_utf8(&self.line[cell.from..cell.to]).unwrap_or_default();
        if cell.doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
    }

    /// Of the line as it came, without its break.
    pub fn hash(&self) -> LineHash {
        hash(&self.line)
    }

    pub fn malformed(&self, why: impl Into<String>) -> BillError {
        BillError::Malformed { line: self.number, why: why.into() }
    }

    fn too_large(&self, what: &str) -> BillError {
        BillError::TooLarge { line: self.number, what: what.to_owned() }
    }

    fn divide(&mut self) -> Result<(), BillError> {
        self.cells.clear();
        if std::str::from_utf8(&self.line).is_err() {
            return Err(self.malformed("is not UTF-8"));
        }
        if self.line.iter().any(|byte| (byte.is_ascii_control() && *byte != self.delimiter) || *byte == 0) {
            return Err(self.malformed("has a control character"));
        }
        let mut at = 0;
        loop {
            if self.cells.len() == CELLS_LIMIT {
                return Err(self.too_large("a line has at most 256 cells"));
            }
            let (cell, end) = self.take_cell(at)?;
            self.cells.push(cell);
            if end == self.line.len() {
                return Ok(());
            }
            at = end + 1;
        }
    }

    /// The cell that begins at `at`, and where the delimiter or the end stands behind it.
    fn take_cell(&self, at: usize) -> Result<(Cell, usize), BillError> {
        let rest = &self.line[at..];
        if rest.first() != Some(&b'"') {
            let length = rest.iter().position(|byte| *byte == self.delimiter).unwrap_or(rest.len());
            if rest[..length].contains(&b'"') {
                return Err(self.malformed("has a quote inside a cell that is not quoted"));
            }
            return Ok((Cell { from: at, to: at + length, doubled: false }, at + length));
        }
        let (mut place, mut doubled) = (1, false);
        loop {
            match rest[place..].iter().position(|byte| *byte == b'"').map(|found| place + found) {
                None => return Err(self.malformed("has a quoted cell without an end")),
                Some(quote) if rest.get(quote + 1) == Some(&b'"') => (place, doubled) = (quote + 2, true),
                Some(quote) => {
                    let end = quote + 1;
                    if rest.get(end).is_some_and(|byte| *byte != self.delimiter) {
                        return Err(self.malformed("has text behind a closing quote"));
                    }
                    return Ok((Cell { from: at + 1, to: at + quote, doubled }, at + end));
                }
            }
        }
    }
}

/// SHA-256 of a line's bytes.
pub(super) fn hash(line: &[u8]) -> LineHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, line).as_ref());
    LineHash(hash)
}

/// A reference of the gateway's or of ours: 1 to 127 letters, digits, `-`, `_`, `.`, and no first letter that a
/// spreadsheet would run. Whatever is not of this shape is no reference of anybody's here.
pub(super) fn reference(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=127).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Result<Vec<Vec<String>>, BillError> {
        let mut rows = Rows::new(text, b',');
        let mut found = Vec::new();
        while rows.advance()? {
            found.push((0..rows.len()).map(|at| rows.cell(at).into_owned()).collect());
        }
        Ok(found)
    }

    #[test]
    fn reads_what_is_written_strictly() {
        let read = rows(b"\xEF\xBB\xBF\"a\",b,\"\"\r\n\"x \"\"y\"\", z\",,9\n").unwrap();
        assert_eq!(read, [vec!["a", "b", ""], vec!["x \"y\", z", "", "9"]]);
        assert_eq!(rows("\"ü\",1".as_bytes()).unwrap(), [vec!["ü", "1"]]);
    }

    #[test]
    fn refuses_what_two_readers_would_see_differently() {
        let long = vec![b'x'; LINE_LIMIT + 1];
        let wide = ",".repeat(CELLS_LIMIT);
        for (why, bytes) in [
            ("text behind a quote", b"\"a\"b,c".as_slice()),
            ("quote inside", b"a\"b,c"),
            ("open quote", b"\"a,c\n\"d"),
            ("GBK", b"\xC4\xE3\xBA\xC3,1"),
            ("UTF-16", b"\xFF\xFEa\0,\0"),
            ("NUL", b"a\0,b"),
            ("carriage return inside", b"a\rb,c"),
            ("a mark in the middle of nowhere", b"a,\x1b[2J"),
            ("a line too long", &long),
            ("too many cells", wide.as_bytes()),
        ] {
            let refused = rows(bytes);
            assert!(
                matches!(refused, Err(BillError::Malformed { .. } | BillError::TooLarge { .. })),
                "{why}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_reference_is_plain() {
        for (text, fits) in [
            ("pay_01kaw000000000000000000001", true),
            ("9XR51482JT", true),
            ("", false),
            ("=1+1", false),
            ("-2", false),
            ("@x", false),
            ("a b", false),
            ("ü", false),
        ] {
            assert_eq!(reference(text).is_some(), fits, "{text}");
        }
    }
}
