//! What accounting programs import as a bank's statement: lines only, amounts with their sign. The opening balance is
//! whatever the program has from the file before; references are the ledger's transactions, so that doubles show.

use crate::domain::statements::{Dates, StatementEntry};

use super::FormError;
use super::csv::{harmless, write};

/// Rows of one file that QuickBooks Online takes.
pub const QUICKBOOKS_ROWS: u64 = 1_000;

/// Xero goes by the columns' places; those with a star it demands.
const XERO: [&str; 6] = ["*Date", "*Amount", "Payee", "Description", "Reference", "Check Number"];

pub(super) fn begin_xero(buffer: &mut Vec<u8>) -> Result<(), FormError> {
    write(buffer, [XERO.map(str::to_owned).to_vec()])
}

pub(super) fn append_xero(
    entries: &[StatementEntry],
    dates: Dates,
    payee: &str,
    buffer: &mut Vec<u8>,
) -> Result<(), FormError> {
    let payee = harmless(payee);
    let rows = entries.iter().map(|entry| {
        vec![
            dates.write(entry.booked_on),
            entry.signed().digits().to_string(),
            payee.clone(),
            harmless(&described(entry)),
            entry.transaction.to_string(),
            String::new(),
        ]
    });
    write(buffer, rows)
}

/// One file of at most [`QUICKBOOKS_ROWS`] rows for QuickBooks Online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuickBooks {
    /// Credits and debits in columns of their own.
    pub apart: bool,
    /// How dates are written.
    pub dates: Dates,
    /// Which file, from 1.
    pub part: u32,
}

impl QuickBooks {
    /// How many files so many lines are.
    pub fn parts(entries: u64) -> u64 {
        entries.div_ceil(QUICKBOOKS_ROWS).max(1)
    }

    pub(super) fn begin(self, buffer: &mut Vec<u8>) -> Result<(), FormError> {
        let columns: &[&str] = if self.apart {
            &["Date", "Description", "Credit", "Debit"]
        } else {
            &["Date", "Description", "Amount"]
        };
        write(buffer, [columns.iter().map(|&name| name.to_owned()).collect()])
    }

    /// Writes those lines that belong to this file; `before` were given before them.
    pub(super) fn append(
        self,
        before: u64,
        entries: &[StatementEntry],
        buffer: &mut Vec<u8>,
    ) -> Result<(), FormError> {
        let from = u64::from(self.part.saturating_sub(1)) * QUICKBOOKS_ROWS;
        let numbered =
            (before..).zip(entries).filter(|(place, _)| (from..from + QUICKBOOKS_ROWS).contains(place));
        let rows = numbered.map(|(_, entry)| {
            let description = harmless(&format!("{} {}", described(entry), entry.transaction));
            let mut row = vec![self.dates.write(entry.booked_on), description];
            let amount = entry.amount.digits().to_string();
            match (self.apart, entry.signed().is_negative()) {
                (false, _) => row.push(entry.signed().digits().to_string()),
                (true, false) => row.extend([amount, String::new()]),
                (true, true) => row.extend([String::new(), amount]),
            }
            row
        });
        write(buffer, rows)
    }
}

fn described(entry: &StatementEntry) -> String {
    match &entry.subject {
        Some(subject) => format!("{} {subject}", entry.narrative),
        None => entry.narrative.clone().into_owned(),
    }
}
