//! What can go wrong with a batch, and what that means for its callers.

use crate::store::{CommitError, Engine};

use super::statement::StatementError;

/// Why a batch did not come through.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody else was in the way: try again.
    Contended(StatementError),
    /// The connection broke before COMMIT: connect, try again.
    Disconnected(sqlx::Error),
    /// The database refused a statement.
    Refused(StatementError),
    /// COMMIT failed and the batch is known not to stand.
    NotCommitted(sqlx::Error),
    /// COMMIT failed and nothing can be learned.
    Unknown(sqlx::Error),
}

/// What an error before COMMIT means.
pub(super) fn classify(engine: Engine, failed: StatementError) -> Failure {
    let code = match &failed.error {
        sqlx::Error::Database(error) => error.code().map(|code| code.into_owned()).unwrap_or_default(),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed => return Failure::Disconnected(failed.error),
        _ => return Failure::Refused(failed),
    };
    match (engine, code.as_str()) {
        // Serialization failure, deadlock, lock not available; and SQLite's BUSY, LOCKED, BUSY_SNAPSHOT.
        (Engine::Postgres, "40001" | "40P01" | "55P03") => Failure::Contended(failed),
        (Engine::Sqlite, "5" | "6" | "261" | "262" | "517") => Failure::Contended(failed),
        // The server is going away or refuses connections, or this session cannot write: it was opened on a replica.
        (Engine::Postgres, code) if code.starts_with("08") || code.starts_with("57P") || code == "25006" => {
            Failure::Disconnected(failed.error)
        }
        // The file or its folder cannot be written or read, or another file stands in its place: only a connection made
        // anew sees when that is over.
        (Engine::Sqlite, code) if matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(8 | 10 | 14)) => {
            Failure::Disconnected(failed.error)
        }
        _ => Failure::Refused(failed),
    }
}

impl From<Failure> for CommitError {
    fn from(failure: Failure) -> CommitError {
        match failure {
            Failure::Refused(StatementError { table, error }) => match &error {
                sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
                    CommitError::LostUpdate { table, key: refusal.message().to_owned() }
                }
                sqlx::Error::RowNotFound => CommitError::LostUpdate { table, key: String::new() },
                _ => CommitError::Unavailable(format!("{table}: {error}")),
            },
            Failure::Contended(failed) => CommitError::Unavailable(failed.to_string()),
            Failure::Disconnected(error) | Failure::NotCommitted(error) => {
                CommitError::Unavailable(error.to_string())
            }
            Failure::Unknown(error) => CommitError::Unknown(error.to_string()),
        }
    }
}
