//! The only module that knows SQL: reads per aggregate, and one writer for every write of the process.

pub mod change;

pub use change::{Change, Column, Insert, Kind, Log, Table, Update, Value};

use chrono::{DateTime, Utc};

use crate::domain::ledger::Account;
use crate::money::Money;

/// What a committed change became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The ledger block that holds its transactions, if it had any.
    pub block: Option<i64>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
}

/// Why a change was not committed. In every case nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A row that was read has changed, or a unique key that was free is taken: read again, decide again.
    #[error("{table} `{key}` was changed by somebody else")]
    LostUpdate {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
    },
    /// The ledger already holds this fact.
    #[error("{event} of {fact} is already booked")]
    AlreadyBooked {
        /// The event.
        event: &'static str,
        /// The fact.
        fact: String,
    },
    /// A posting would take an account below its floor.
    #[error("{account} would stand at {balance}; it never goes below zero")]
    BelowFloor {
        /// The account.
        account: Account,
        /// Where it would stand, on its normal side.
        balance: Money,
    },
    /// The queue is full: answer 503 and try again.
    #[error("the writer is busy")]
    Busy,
    /// The database refused or is away.
    #[error("the database did not take the change: {0}")]
    Unavailable(String),
}
