//! A copy of everything, in one file that either engine writes and either reads: a backup, and the way from SQLite to
//! PostgreSQL.
//!
//! The copy is one snapshot, taken beside a running service. Which tables there are is asked of the database itself, so
//! that none is forgotten. The file is gzip over lines: a [`Heading`], then table by table its columns and its rows, then
//! the number of rows of each table and the SHA-256 of everything before; one that was cut off or altered is none.
//!
//! Secrets stay sealed in it. The master key is not in it, nor is the far sides' file of the sandbox: the other party's
//! books are not ours to put back.
//!
//! A database is restored beside its place and only put there once it holds what the backup says. It remembers that it
//! was ([`super::restored`]), so that nothing is sent before the gateways were asked what has happened since.

mod file;
mod restore;
mod schema;
mod take;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::StoreError;

pub use restore::{Checked, Restoration};

/// The number of the format this program writes; it reads no other.
const FORMAT: u32 = 1;

/// The first line of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// The format's number.
    pub straits_backup: u32,
    /// The engine it was taken from, for people.
    pub engine: String,
    /// `test` or `live`.
    pub environment: String,
    /// When, by the wall clock.
    pub taken_at: chrono::DateTime<chrono::Utc>,
    /// Where the chain of the books stood.
    pub head: String,
    /// The id of the master key that seals its secrets.
    pub sealed_under: String,
    /// The migrations its schema had seen.
    pub migrations: Vec<i64>,
}

/// The last line of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// Of every byte before this line, uncompressed.
    pub sha256: String,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its first line.
    pub heading: Heading,
    /// Its last.
    pub ending: Ending,
}

impl Manifest {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.ending.rows.values().sum()
    }
}

/// Why a backup was not taken or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A column of a type no migration may use.
    #[error("the column {table}.{column} is a {kind}, which a backup cannot carry")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// The file is no whole backup.
    #[error("{} is no whole backup: line {line}: {why}; nothing was restored", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// It cannot be restored by this program or here.
    #[error("{0}; nothing was restored")]
    Unfit(String),
    /// What was restored is not what was backed up.
    #[error("what was restored is not what was backed up: {0}")]
    Differs(String),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> BackupError {
        BackupError::Store(error.into())
    }
}
