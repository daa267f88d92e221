//! Why nothing was written.

use crate::domain::settlement::SettlementError;
use crate::domain::withholding::RemittanceError;
use crate::money::MoneyError;
use crate::store::{CommitError, StoreError};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WithholdingError {
    /// No such thing of this merchant.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// A field that does not fit.
    #[error("{why}")]
    Refused {
        /// The field.
        param: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A payment to an authority.
    #[error(transparent)]
    Remittance(#[from] RemittanceError),
    /// What is stored does not read, or does not sum.
    #[error("{0}")]
    Broken(String),
    /// The writer refused: floors, races.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MoneyError> for WithholdingError {
    fn from(error: MoneyError) -> WithholdingError {
        WithholdingError::Broken(error.to_string())
    }
}

impl From<SettlementError> for WithholdingError {
    fn from(error: SettlementError) -> WithholdingError {
        WithholdingError::Broken(error.to_string())
    }
}

impl From<serde_json::Error> for WithholdingError {
    fn from(error: serde_json::Error) -> WithholdingError {
        WithholdingError::Broken(error.to_string())
    }
}
