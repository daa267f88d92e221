//! Writers: one file a form. Text forms go through [`StatementText`], line by line in constant memory; a workbook keeps
//! its lines in a temporary file; a PDF holds at most 2,000 of them.

mod camt053;
mod csv;
mod imports;
mod ofx;
mod pdf;
mod text;
mod xlsx;
mod xml;

pub use csv::{IssuedLines, harmless};
pub use imports::{QUICKBOOKS_ROWS, QuickBooks};
pub use pdf::StatementPdf;
pub use text::{StatementText, TextForm};
pub use xlsx::StatementXlsx;

use crate::money::MoneyError;

use super::StatementError;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// It does not foot: stop, and leave the file without its end.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The form has no room for so much.
    #[error("{form} takes at most {most} lines")]
    TooLong {
        /// The form.
        form: &'static str,
        /// How many lines it takes.
        most: u64,
    },
    /// What was issued does not read back.
    #[error("line {line} of the issued statement does not read: {why}")]
    Unreadable {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The file could not be written.
    #[error("the statement could not be written: {0}")]
    Write(String),
}

impl From<MoneyError> for FormError {
    fn from(error: MoneyError) -> FormError {
        FormError::Statement(error.into())
    }
}

#[cfg(test)]
mod tests;
