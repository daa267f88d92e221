//! Why nobody is paid, in the words and codes of the API.

use crate::domain::payouts::{FaultError, PlanError};
use crate::flows::rounds::InVain;
use crate::gateways::GatewayError;
use crate::ids::FindingId;
use crate::store::{CommitError, StoreError};

/// Why nobody is paid.
#[derive(Debug, thiserror::Error)]
pub enum PayOutError {
    /// Nothing of this merchant under that id.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The plan does not move.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It cannot be stopped any more.
    #[error("the payout is `{0}`: it cannot be stopped any more")]
    TooLate(&'static str),
    /// It is nobody's fault, or not by this word.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// What was asked for does not fit.
    #[error("{why}")]
    Refused {
        /// The place of it.
        param: &'static str,
        /// What does not fit.
        why: String,
    },
    /// The same of a part of what was asked for.
    #[error("{why}")]
    RefusedAt {
        /// The place of it: `top_ups[1].limit`.
        place: String,
        /// What does not fit.
        why: String,
    },
    /// There is no file to hand in, or none yet.
    #[error("there is no file: {0}")]
    NoFile(String),
    /// Somebody was faster: read again.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// The rail did not say; what is written down is taken up again.
    #[error("{0}")]
    Rail(#[from] GatewayError),
    /// Nothing is sent: the database was restored and it is still being asked what has happened since.
    #[error(
        "the database was restored from a backup; until it is known what has happened since, nothing is sent"
    )]
    Held,
    /// Nobody knows whom the rail has paid since the backup that was restored.
    #[error(
        "whom rail account `{rail}` has paid since the restored backup was taken is not known; finding {finding} says what is needed"
    )]
    Unseen {
        /// The rail account's name.
        rail: String,
        /// What asks for it, or what it told.
        finding: FindingId,
    },
    /// Try again.
    #[error("{0}")]
    Unavailable(String),
}

impl PayOutError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> PayOutError {
        PayOutError::Unavailable(error.to_string())
    }
}

impl From<StoreError> for PayOutError {
    fn from(error: StoreError) -> PayOutError {
        PayOutError::unavailable(error)
    }
}

impl From<CommitError> for PayOutError {
    fn from(error: CommitError) -> PayOutError {
        match error {
            CommitError::LostUpdate { table, .. } => PayOutError::Superseded { table },
            error => PayOutError::unavailable(error),
        }
    }
}

impl From<PayOutError> for InVain {
    fn from(error: PayOutError) -> InVain {
        let refused = |error: &GatewayError| matches!(error, GatewayError::Refused { .. });
        let silent = matches!(&error, PayOutError::Rail(error) if !refused(error));
        InVain { silent, why: error.to_string() }
    }
}
