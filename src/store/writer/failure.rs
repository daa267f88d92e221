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

/// Serialization failure, a statement whose completion is open before any COMMIT, deadlock, lock not available: PostgreSQL's
/// and those of engines that speak its wire.
pub(in crate::store) fn is_contention(code: &str) -> bool {
    matches!(code, "40001" | "40003" | "40P01" | "55P03")
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
        // Somebody who was stopped in the middle of a transaction holds its locks until the server ends it.
        (Engine::Postgres, code) if is_contention(code) || code == "57014" => Failure::Contended(failed),
        // SQLite's BUSY, LOCKED, BUSY_SNAPSHOT.
        (Engine::Sqlite, "5" | "6" | "261" | "262" | "517") => Failure::Contended(failed),
        // The server is going away or refuses connections, has ended a transaction that slept, or this session cannot
        // write: it was opened on a replica.
        (Engine::Postgres, code)
            if code.starts_with("08") || code.starts_with("57P") || matches!(code, "25P03" | "25006") =>
        {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A database's error with a code and nothing else.
    #[derive(Debug)]
    struct Coded(&'static str);

    impl std::fmt::Display for Coded {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Coded {}

    impl sqlx::error::DatabaseError for Coded {
        fn message(&self) -> &str {
            self.0
        }
        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    #[test]
    fn what_a_server_says_is_tried_again_connected_anew_or_refused() {
        let table = [
            (Engine::Postgres, "40001", "contended"),
            (Engine::Postgres, "40P01", "contended"),
            (Engine::Postgres, "40003", "contended"),
            (Engine::Postgres, "55P03", "contended"),
            (Engine::Postgres, "57014", "contended"),
            (Engine::Postgres, "25P03", "disconnected"),
            (Engine::Postgres, "57P01", "disconnected"),
            (Engine::Postgres, "08006", "disconnected"),
            (Engine::Postgres, "23505", "refused"),
            (Engine::Postgres, "53100", "refused"),
            (Engine::Sqlite, "5", "contended"),
            (Engine::Sqlite, "517", "contended"),
            (Engine::Sqlite, "13", "refused"),
        ];
        for (engine, code, meaning) in table {
            let error = sqlx::Error::Database(Box::new(Coded(code)));
            let found = match classify(engine, StatementError { table: "job", error }) {
                Failure::Contended(_) => "contended",
                Failure::Disconnected(_) => "disconnected",
                Failure::Refused(_) => "refused",
                other => panic!("{other:?}"),
            };
            assert_eq!(found, meaning, "{code}");
        }
    }
}
