//! The only module that knows SQL: reads per aggregate, and one writer for every write of the process.
//!
//! Reads are methods of [`Store`], one file per aggregate, over a pool of connections that cannot write. Every write is
//! a [`Change`] handed to [`Store::commit`]. One SQL text serves SQLite and PostgreSQL; what tells them apart is in
//! `engine.rs`, and the one native fast path in `writer/postgres.rs`.

pub mod audit;
pub mod bank_accounts;
pub mod backup;
pub mod bank_statements;
pub mod change;
pub mod disputes;
mod engine;
pub mod fee_books;
pub mod fee_charges;
pub mod findings;
pub mod fx_deals;
pub mod gateway_settlements;
pub mod idempotency;
pub mod inbox;
pub mod intents;
pub mod jobs;
pub mod journals;
pub mod keys;
mod ledger;
pub mod merchants;
mod migrate;
mod open;
pub mod outbox;
pub mod payments;
pub mod payout_batches;
pub mod payout_plans;
pub mod payout_schedules;
pub mod payout_terms;
pub mod payouts;
pub mod periods;
pub mod price_book;
pub mod quotes;
pub mod rail_accounts;
pub mod rates;
mod reads;
pub mod reconciliations;
pub mod refunds;
pub mod restored;
pub mod retention;
mod row;
pub mod sealed;
mod seek;
mod settings;
pub mod settlements;
mod standing;
pub mod suppliers;
mod verify;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
pub mod withholding;
mod words;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::AnyPool;

pub use change::{Change, Column, Insert, Kind, Log, Table, Update, Value};
pub use engine::Engine;
pub use ledger::{Arrival, AsOf, EXPORT_PAGE, Extent, Nobodys, TransactionFilter};
pub use open::{Environment, StoreOptions};
pub use payments::PaymentFilter;
pub use seek::Seek;
pub use settings::SETTING;
pub use standing::Standing;
pub use verify::{Verification, VerifyOptions};
pub use writer::{CommitFault, CommitFaults};

use crate::domain::ledger::Account;
use crate::money::Money;

use reads::Reads;

/// How long readiness waits for a row, and for an empty change.
const PROBE: Duration = Duration::from_secs(1);

/// The open database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    reads: Reads,
    walks: AnyPool,
    writer: writer::Writer,
    engine: Engine,
    environment: Environment,
}

/// A noun and the version of its row, for the update that may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The noun.
    pub value: T,
    /// The version it was read at.
    pub version: i64,
}

impl Store {
    /// Hands a change to the writer and waits until it is durable.
    ///
    /// # Errors
    /// [`CommitError`]; except for [`CommitError::Unknown`], nothing of the change was written.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        self.writer.commit(change).await
    }

    /// Connections for reading.
    fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Connections for whoever goes over everything: a statement that reads every row of the books takes no connection
    /// from those who ask for one.
    pub(super) fn walks(&self) -> &AnyPool {
        &self.walks
    }

    /// The engine below.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whose money it holds.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Whether the database answers and changes are taken: for readiness.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::TakesNothing`], [`StoreError::Closed`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        if !self.writer.is_open() {
            return Err(StoreError::Closed);
        }
        let asked = sqlx::query("SELECT seq FROM ledger_head WHERE id = 1").fetch_optional(self.reads());
        let answered = tokio::time::timeout(PROBE, asked).await;
        answered.map_err(|_| StoreError::Database(sqlx::Error::PoolTimedOut))??;
        if self.writer.is_well() {
            return Ok(());
        }
        // The last batch was not taken: an empty one says whether that is over.
        let probe = tokio::time::timeout(PROBE, self.commit(Change::new())).await;
        if matches!(probe, Ok(Ok(_))) { Ok(()) } else { Err(StoreError::TakesNothing) }
    }

    /// Changes that wait for the writer, for metrics.
    pub fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// Resolves when no more changes are taken. Before the store is closed that is a fault of the writer, and nothing
    /// brings it back: the process is no use any more.
    pub async fn ended(&self) {
        self.writer.ended().await;
    }

    /// Takes no more changes, finishes those that were taken, and closes every connection.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reads.close().await;
        self.walks.close().await;
    }

    /// The same until a deadline: whether every statement came to its end by then.
    pub async fn close_by(&self, deadline: tokio::time::Instant) -> bool {
        tokio::time::timeout_at(deadline, self.close()).await.is_ok()
    }
}

/// Why a database was not opened or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Neither SQLite nor PostgreSQL.
    #[error("a database address begins with sqlite:// or postgres://")]
    UnknownEngine,
    /// The file is something else.
    #[error("{} is not a Straits database: {why}; it was not touched", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file is ours and damaged.
    #[error("{} is damaged: {why}; it was not touched: restore a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the engine says.
        why: String,
    },
    /// Test money where live money belongs, or the other way.
    #[error("this database holds {found} money and was opened for {wanted}")]
    WrongEnvironment {
        /// What the database says.
        found: String,
        /// What was asked for.
        wanted: Environment,
    },
    /// Another process is migrating and does not finish.
    #[error("another process holds the migration lease")]
    MigrationLeaseHeld,
    /// The schema cannot be brought up to date, or is newer than this program.
    #[error("the schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row does not read as the noun it should be.
    #[error("{table} {key}: {why}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is read and not written: full, read-only or locked.
    #[error("the database takes no changes")]
    TakesNothing,
    /// No more changes are taken.
    #[error("the store is closed")]
    Closed,
    /// The database refused or is away.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether the server does not answer, or is starting or stopping: another moment may be better.
    pub fn is_away(&self) -> bool {
        match self {
            StoreError::Database(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => true,
            StoreError::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P03"))
            }
            _ => false,
        }
    }
}

/// What a committed change became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The ledger block that holds its transactions, if it had any.
    pub block: Option<i64>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
}

/// Why a change was not committed. Nothing of it was written, except perhaps for [`CommitError::Unknown`].
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
    /// A posting would take an account beyond what a 64-bit amount holds.
    #[error("{account} would hold more than the ledger can count")]
    TooLarge {
        /// The account.
        account: Account,
    },
    /// The queue is full: answer 503 and try again.
    #[error("the writer is busy")]
    Busy,
    /// The database refused or is away.
    #[error("the database did not take the change: {0}")]
    Unavailable(String),
    /// The database went away while it was committing: whether the change stands is not known. Read again.
    #[error("whether the database took the change is not known: {0}")]
    Unknown(String),
}
