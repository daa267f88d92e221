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

use crate::money::{Currency, Money, MoneyError};

use super::{StatementEntry, StatementError};

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

/// Why there is no row.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It does not foot: stop, and leave the file without its end.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The buffer took no more.
    #[error("a row of the statement could not be written: {0}")]
    Write(#[from] csv::Error),
}

impl From<MoneyError> for CsvError {
    fn from(error: MoneyError) -> CsvError {
        CsvError::Statement(error.into())
    }
}

/// Writes one statement, in constant memory.
#[derive(Debug)]
pub struct StatementCsv {
    balance: Money,
    rows: u64,
}

impl StatementCsv {
    /// Writes the header; `opening` is the balance before the first row.
    ///
    /// # Errors
    /// [`CsvError::Write`].
    pub fn begin(opening: Money, buffer: &mut Vec<u8>) -> Result<StatementCsv, CsvError> {
        write(buffer, [HEADER.map(str::to_owned).to_vec()])?;
        Ok(StatementCsv { balance: opening, rows: 0 })
    }

    /// Writes rows.
    ///
    /// # Errors
    /// [`CsvError::Statement`] at the first row whose balance does not follow from the one before; the buffer then
    /// holds whole rows only.
    pub fn append(&mut self, entries: &[StatementEntry], buffer: &mut Vec<u8>) -> Result<(), CsvError> {
        for entry in entries {
            let computed = self.balance.checked_add(entry.signed())?;
            self.must_be(computed, entry.balance)?;
            self.balance = computed;
        }
        write(buffer, entries.iter().map(row))?;
        self.rows += entries.len() as u64;
        Ok(())
    }

    /// Writes the last row: `#END`, the number of rows, the closing balance.
    ///
    /// # Errors
    /// [`CsvError::Statement`] when the rows do not lead to `ledger_closing`: there is no end then.
    pub fn finish(self, ledger_closing: Money, buffer: &mut Vec<u8>) -> Result<(), CsvError> {
        self.must_be(self.balance, ledger_closing)?;
        write(buffer, [vec!["#END".to_owned(), self.rows.to_string(), ledger_closing.amount().to_string()]])
    }

    fn must_be(&self, computed: Money, ledger: Money) -> Result<(), CsvError> {
        let difference = computed.checked_sub(ledger)?;
        if difference.is_zero() {
            return Ok(());
        }
        Err(StatementError::DoesNotFoot { computed, ledger, difference }.into())
    }
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
        harmless(entry.narrative),
        entry.transaction.to_string(),
        harmless(entry.subject.as_deref().unwrap_or_default()),
    ]
}

/// A text that no spreadsheet runs.
fn harmless(text: &str) -> String {
    let runs = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(runs) { format!("'{text}") } else { text.to_owned() }
}

fn write(buffer: &mut Vec<u8>, rows: impl IntoIterator<Item = Vec<String>>) -> Result<(), CsvError> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(buffer);
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::statements::Side;
    use crate::ids::Id;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    fn entry(signed: i64, balance: i64) -> StatementEntry {
        StatementEntry {
            transaction: crate::ids::TransactionId::from_bits(7),
            subject: Some("=HYPERLINK(\"http://evil\",1)".to_owned()),
            booked_on: "2026-03-01".parse().unwrap(),
            value_date: "2026-02-28".parse().unwrap(),
            side: if signed > 0 { Side::Credit } else { Side::Debit },
            amount: usd(signed.abs()),
            narrative: "Your share of a sale",
            balance: usd(balance),
        }
    }

    #[test]
    fn a_file_reads_back_row_by_row() {
        let mut file = Vec::new();
        let mut csv = StatementCsv::begin(usd(0), &mut file).unwrap();
        csv.append(&[entry(8510, 8510)], &mut file).unwrap();
        csv.append(&[entry(-9000, -490)], &mut file).unwrap();
        csv.finish(usd(-490), &mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "booked_on,value_date,direction,amount,currency,balance,narrative,transaction,subject"
        );
        assert_eq!(
            lines[2],
            "2026-03-01,2026-02-28,debit,90.00,USD,-4.90,Your share of a sale,txn_00000000000000000000000007,\
             \"'=HYPERLINK(\"\"http://evil\"\",1)\""
        );
        assert_eq!(lines[3], "#END,2,-4.90");
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let cells: Vec<String> =
            reader.records().map(|row| row.unwrap().iter().next_back().unwrap().to_owned()).collect();
        assert_eq!(cells[0], "'=HYPERLINK(\"http://evil\",1)");
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "Sale = fine", "pay_01", "'quoted", " spaced"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn no_end_without_footing() {
        let mut file = Vec::new();
        let mut csv = StatementCsv::begin(usd(100), &mut file).unwrap();
        let before = file.len();
        let refusal = csv.append(&[entry(1, 101), entry(1, 103)], &mut file).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the statement comes to USD 1.02, the ledger to USD 1.03: a difference of USD -0.01"
        );
        assert_eq!(file.len(), before);
        let csv = StatementCsv::begin(usd(100), &mut file).unwrap();
        assert!(csv.finish(usd(99), &mut file).is_err());
        assert!(!String::from_utf8(file).unwrap().contains("#END"));
    }

    #[test]
    fn an_empty_period_is_a_header_and_an_end() {
        let mut file = Vec::new();
        let csv = StatementCsv::begin(usd(100), &mut file).unwrap();
        csv.finish(usd(100), &mut file).unwrap();
        assert!(String::from_utf8(file).unwrap().ends_with("subject\n#END,0,1.00\n"));
    }

    #[test]
    fn a_long_export_needs_the_memory_of_one_page() {
        let (mut page, mut written, mut balance) = (Vec::new(), 0, 0);
        let mut csv = StatementCsv::begin(usd(0), &mut page).unwrap();
        for _ in 0..20 {
            let entries: Vec<StatementEntry> = (0..500)
                .map(|_| {
                    balance += 1;
                    entry(1, balance)
                })
                .collect();
            csv.append(&entries, &mut page).unwrap();
            written += page.len();
            page.clear();
        }
        csv.finish(usd(10_000), &mut page).unwrap();
        assert!(written > 20 * page.capacity() / 3, "{written} bytes through {}", page.capacity());
    }
}
