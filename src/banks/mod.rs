//! Statements of banks as banks write them. Foreign bytes, read piece by piece: every reader is bounded in size and depth, expands nothing,
//! and refuses what it does not understand with the place; none of them panics, whatever it is given.
//!
//! | form | reader | says its balances |
//! |---|---|---|
//! | ISO 20022 camt.053, any version, any maker's prefixes | [`camt053`] | yes |
//! | ISO 20022 camt.054, the same: announced, never booked | [`camt053`] | no |
//! | SWIFT MT940, one or many messages, with or without blocks | [`mt940`] | yes |
//! | CSV, columns by name, in either order | [`csv`] | where there is a balance column |

pub mod camt053;
pub mod csv;
pub mod mt940;
mod source;
mod text;

use crate::domain::deposits::StatementFault;
use crate::money::MoneyError;

/// Statements in one file.
pub const STATEMENTS_MAX: usize = 1_000;
/// Bytes of one file: it is read piece by piece, only its lines are kept.
pub const FILE_MAX: u64 = 256 << 20;
/// Lines in one file.
pub const LINES_MAX: usize = 200_000;

/// Why a file is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BankFileError {
    /// It does not read.
    #[error("{place}: {why}")]
    Malformed {
        /// Line, or path of elements.
        place: String,
        /// What is wrong there.
        why: String,
    },
    /// It reads, and contradicts itself.
    #[error("statement `{reference}`: {fault}")]
    Fault {
        /// Which statement.
        reference: String,
        /// How.
        fault: StatementFault,
    },
    /// More than is read at once.
    #[error("a file holds at most {STATEMENTS_MAX} statements with {LINES_MAX} lines")]
    TooMuch,
    /// Neither UTF-8 nor, for MT940 and CSV, Latin.
    #[error("the file is not UTF-8")]
    NotText,
}

impl BankFileError {
    fn at(place: impl Into<String>, why: impl std::fmt::Display) -> BankFileError {
        BankFileError::Malformed { place: place.into(), why: why.to_string() }
    }
}

impl From<std::io::Error> for BankFileError {
    fn from(error: std::io::Error) -> BankFileError {
        match error.kind() {
            std::io::ErrorKind::InvalidData => BankFileError::NotText,
            _ => BankFileError::at("the file", error),
        }
    }
}

impl From<MoneyError> for BankFileError {
    fn from(error: MoneyError) -> BankFileError {
        BankFileError::at("an amount", error)
    }
}

#[cfg(test)]
mod tests;
