//! The statement as CSV: a header, one row for each entry, and a last row that says whether it is whole.
//!
//! ```text
//! booked_on,value_date,direction,amount,currency,balance,narrative,transaction,subject
//! 2026-03-01,2026-03-01,credit,85.10,USD,85.10,Your share of a sale,txn_…,pay_…
//! #END,1,85.10
//! ```
//!
//! Rows go into a buffer that the caller drains, so that a million of them need the memory of one page. Each row is
//! footed again as it goes; the `#END` row is only written if the last balance is the ledger's. A file without it is
//! not a statement. UTF-8 without a mark, `\n` after each row, amounts with a point and the currency's decimals.
//!
//! Spreadsheets run cells that begin with `= + - @`, a tab or a return (OWASP "CSV Injection"): in text cells such a
//! beginning gets an apostrophe before it. Amounts are never touched: a negative balance stays a number.

use std::io::Cursor;

use crate::domain::statements::{Side, StatementEntry, Totals};
use crate::money::{Currency, Money};

use super::FormError;

const HEADER: [&str; 9] = [
    "booked_on",
    "value_date",
    "direction",
    "amount",
    "currency",
    "balance",
    "narrative",
    "transaction",
    "subject",
];

pub(super) fn begin(buffer: &mut Vec<u8>) -> Result<(), FormError> {
    write(buffer, [HEADER.map(str::to_owned).to_vec()])
}

pub(super) fn append(entries: &[StatementEntry], buffer: &mut Vec<u8>) -> Result<(), FormError> {
    write(buffer, entries.iter().map(row))
}

/// The last row: `#END`, the number of rows, the closing balance.
pub(super) fn finish(totals: &Totals, closing: Money, buffer: &mut Vec<u8>) -> Result<(), FormError> {
    write(buffer, [vec!["#END".to_owned(), totals.entries.to_string(), closing.amount().to_string()]])
}

fn row(entry: &StatementEntry) -> Vec<String> {
    let currency: Currency = entry.amount.currency();
    vec![
        entry.booked_on.to_string(),
        entry.value_date.to_string(),
        entry.side.to_string(),
        entry.amount.amount().to_string(),
        currency.to_string(),
        entry.balance.amount().to_string(),
        harmless(&entry.narrative),
        entry.transaction.to_string(),
        harmless(entry.subject.as_deref().unwrap_or_default()),
    ]
}

/// Beginnings that spreadsheets run.
const RUN: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A text that no spreadsheet runs.
pub fn harmless(text: &str) -> String {
    if text.starts_with(RUN) { format!("'{text}") } else { text.to_owned() }
}

/// The text as it was before it was made harmless.
fn as_it_was(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(RUN)).unwrap_or(text)
}

pub(super) fn write(
    buffer: &mut Vec<u8>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<(), FormError> {
    let broken = |error: csv::Error| FormError::Write(error.to_string());
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(buffer);
    for row in rows {
        writer.write_record(row).map_err(broken)?;
    }
    writer.flush().map_err(|error| broken(error.into()))
}

/// The lines of a statement that was issued, read back from its bytes: other forms of it say what was issued.
#[derive(Debug)]
pub struct IssuedLines {
    reader: csv::Reader<Cursor<Vec<u8>>>,
    currency: Currency,
    lines: u64,
    ended: bool,
}

impl IssuedLines {
    /// Over the bytes of one statement.
    pub fn new(bytes: Vec<u8>, currency: Currency) -> IssuedLines {
        let reader = csv::ReaderBuilder::new().flexible(true).from_reader(Cursor::new(bytes));
        IssuedLines { reader, currency, lines: 0, ended: false }
    }

    /// The next lines, at most so many; none at the end.
    ///
    /// # Errors
    /// [`FormError::Unreadable`].
    pub fn page(&mut self, most: usize) -> Result<Vec<StatementEntry>, FormError> {
        let mut page = Vec::new();
        let mut row = csv::StringRecord::new();
        while !self.ended && page.len() < most {
            let read = self.reader.read_record(&mut row);
            if !read.map_err(|error| self.unreadable(&error.to_string()))? {
                return Err(self.unreadable("the file has no end"));
            }
            if row.get(0) == Some("#END") {
                if row.get(1) != Some(self.lines.to_string().as_str()) {
                    return Err(self.unreadable("its end counts other lines"));
                }
                self.ended = true;
            } else {
                let entry = line(&row, self.currency).ok_or_else(|| self.unreadable("it is no line"))?;
                page.push(entry);
                self.lines += 1;
            }
        }
        Ok(page)
    }

    fn unreadable(&self, why: &str) -> FormError {
        FormError::Unreadable { line: self.lines + 1, why: why.to_owned() }
    }
}

fn line(row: &csv::StringRecord, currency: Currency) -> Option<StatementEntry> {
    let side = match row.get(2)? {
        "credit" => Side::Credit,
        "debit" => Side::Debit,
        _ => return None,
    };
    if row.get(4)? != currency.code() {
        return None;
    }
    Some(StatementEntry {
        booked_on: row.get(0)?.parse().ok()?,
        value_date: row.get(1)?.parse().ok()?,
        side,
        amount: exact(row.get(3)?, currency)?,
        balance: exact(row.get(5)?, currency)?,
        narrative: as_it_was(row.get(6)?).to_owned().into(),
        transaction: row.get(7)?.parse().ok()?,
        subject: row.get(8).map(as_it_was).filter(|subject| !subject.is_empty()).map(str::to_owned),
    })
}

/// What [`Money`] writes, read back: a balance may be beyond what a caller may ask for.
fn exact(digits: &str, currency: Currency) -> Option<Money> {
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let minor: String = digits.chars().filter(|character| *character != '.').collect();
    let money = Money::from_minor(minor.parse().ok()?, currency);
    (decimals == currency.exponent() as usize).then_some(money)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
            assert_eq!(as_it_was(&harmless(text)), text);
        }
        for text in ["", "Sale = fine", "pay_01", "'quoted", " spaced"] {
            assert_eq!(harmless(text), text);
            assert_eq!(as_it_was(text), text);
        }
    }
}
