//! Why a bill is not reconciled.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::reconciliation::TooDifferent;
use crate::flows::pay::{PayError, SettleError};
use crate::gateways::bills::BillError;
use crate::ids::PaymentId;
use crate::store::{CommitError, StoreError};

/// Why a bill is not reconciled.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// No run of this id.
    #[error("there is no such reconciliation")]
    Unknown,
    /// The gateway gives no bills.
    #[error("gateway `{0}` has no bills")]
    NoBills(String),
    /// The gateway's bills come by hand.
    #[error("the bill of `{0}` cannot be asked for: hand the file in, or set where it lies (`report_url`)")]
    ByHand(String),
    /// The day is not over, or its bill is not complete.
    #[error("the bill of {day} is complete from {} on: ask for it then", complete.format("%Y-%m-%dT%H:%M:%SZ"))]
    Unfinished {
        /// Which.
        day: NaiveDate,
        /// From when on it is.
        complete: DateTime<Utc>,
    },
    /// A file's lines lie too far apart.
    #[error("its lines are of {first} to {last}, more than {most} days: hand it in by parts")]
    TooLong {
        /// The first line's day.
        first: NaiveDate,
        /// The last one's.
        last: NaiveDate,
        /// So many are read at once.
        most: i64,
    },
    /// The gateway did not say how a payment stands that the bill is about: what does not agree may be our own ignorance.
    #[error("the gateway did not answer about {payment}, and the bill has to be read again: {why}")]
    Silent {
        /// Which.
        payment: PaymentId,
        /// What came instead.
        why: String,
    },
    /// The bill is none.
    #[error(transparent)]
    Bill(#[from] BillError),
    /// It is not the bill of these books.
    #[error(transparent)]
    TooDifferent(#[from] TooDifferent),
    /// The database or the disk.
    #[error("not available: {0}")]
    Unavailable(String),
}

impl ReconcileError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> ReconcileError {
        ReconcileError::Unavailable(error.to_string())
    }
}

impl From<StoreError> for ReconcileError {
    fn from(error: StoreError) -> ReconcileError {
        ReconcileError::unavailable(error)
    }
}

impl From<CommitError> for ReconcileError {
    fn from(error: CommitError) -> ReconcileError {
        ReconcileError::unavailable(error)
    }
}

impl From<SettleError> for ReconcileError {
    fn from(error: SettleError) -> ReconcileError {
        ReconcileError::unavailable(error)
    }
}

impl From<PayError> for ReconcileError {
    fn from(error: PayError) -> ReconcileError {
        ReconcileError::unavailable(error)
    }
}
