//! What goes wrong below, as problems: the one place where errors of flows and store get their codes.

use super::problem::{Code, Problem};
use crate::flows::onboard::OnboardError;
use crate::store::{CommitError, StoreError};
use crate::vault::VaultError;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Database(cause) => {
                tracing::error!(%cause, "the database did not answer");
                Problem::new(Code::Unavailable, "the database did not answer").retry_after(1)
            }
            other => Problem::internal(other),
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Problem {
        match error {
            CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. } => {
                Problem::new(Code::Conflict, "somebody else changed it meanwhile; nothing was done")
            }
            CommitError::BelowFloor { account, .. } => Problem::new(
                Code::Unprocessable,
                format!("account {account} does not hold enough; nothing was done"),
            ),
            CommitError::Busy => {
                Problem::new(Code::Busy, "the writer is busy; nothing was done").retry_after(1)
            }
            CommitError::Unavailable(cause) => {
                tracing::error!(%cause, "the database did not take a change");
                Problem::new(Code::Unavailable, "the database did not take the change").retry_after(1)
            }
            other => Problem::internal(other),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Problem {
        Problem::internal(error)
    }
}

impl From<OnboardError> for Problem {
    fn from(error: OnboardError) -> Problem {
        match error {
            OnboardError::NotFound(what) => Problem::not_found(what),
            OnboardError::Store(error) => error.into(),
            OnboardError::Commit(error) => error.into(),
            OnboardError::Vault(error) => error.into(),
        }
    }
}
