//! Why nothing is said in a dispute, in the words and codes of the API.

use crate::domain::disputes::EvidenceError;
use crate::store::{CommitError, StoreError};

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
pub enum DisputeFlowError {
    /// No such dispute of this merchant.
    #[error("there is no such dispute")]
    Unknown,
    /// It is not our turn.
    #[error("the dispute is `{state}`: {why}")]
    WrongState {
        /// Its state.
        state: &'static str,
        /// In words.
        why: &'static str,
    },
    /// The evidence cannot be given.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The gateway has no disputes.
    #[error("{0} takes no answers to disputes here")]
    NotSupported(String),
    /// Somebody was faster: read again.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// After a restore nothing is said before the gateways were asked.
    #[error(
        "the database was restored; gateways are asked first what happened since, then answers are sent again"
    )]
    Held,
    /// Try again.
    #[error("{0}")]
    Unavailable(String),
}

impl DisputeFlowError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> DisputeFlowError {
        DisputeFlowError::Unavailable(error.to_string())
    }
}

impl From<StoreError> for DisputeFlowError {
    fn from(error: StoreError) -> DisputeFlowError {
        DisputeFlowError::unavailable(error)
    }
}

impl From<CommitError> for DisputeFlowError {
    fn from(error: CommitError) -> DisputeFlowError {
        match error {
            CommitError::LostUpdate { table, .. } => DisputeFlowError::Superseded { table },
            error => DisputeFlowError::unavailable(error),
        }
    }
}
