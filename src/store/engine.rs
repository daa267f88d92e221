//! The two engines and everything that tells them apart. The SQL itself is one text for both.

use std::fmt;

use super::StoreError;

/// Which database engine a store runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// A file beside the program.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// Reads the engine off a database address.
    ///
    /// # Errors
    /// [`StoreError::UnknownEngine`] for every scheme but `sqlite`, `postgres` and `postgresql`.
    pub fn of(url: &str) -> Result<Engine, StoreError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Engine::Sqlite),
            Some("postgres" | "postgresql") => Ok(Engine::Postgres),
            _ => Err(StoreError::UnknownEngine),
        }
    }

    /// Connections for reading: PostgreSQL gets slower beyond 16, SQLite reads on as many threads as there are cores, and
    /// on four at least: a slow read must not keep the next one waiting.
    pub(super) fn readers(self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        match self {
            Engine::Sqlite => u32::try_from(cores.clamp(4, 8)).unwrap_or(8),
            Engine::Postgres => 15,
        }
    }

    /// Connections for whoever goes over everything: `verify`, a backup.
    pub(super) fn walkers(self) -> u32 {
        2
    }

    /// What the writing connection runs first. FULL: an answered change survives a power cut. On PostgreSQL every
    /// statement of the writer goes by a key: plans made while a table was small must not scan it once it is large.
    pub(super) fn writer_setup(self) -> &'static str {
        match self {
            Engine::Sqlite => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;
                 PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0"
            }
            Engine::Postgres => {
                "SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s';
                 SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on;
                 SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
            }
        }
    }

    /// What a connection runs first that migrates or loads a backup: what it does grows with the books and is never cut
    /// short. Only a lock is not waited for without end: whoever asks for the table meanwhile waits behind it.
    pub(super) fn migration_setup(self) -> &'static str {
        match self {
            Engine::Sqlite => self.writer_setup(),
            Engine::Postgres => {
                "SET statement_timeout = 0; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s';
                 SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on"
            }
        }
    }

    /// What every reading connection runs first: it cannot write.
    pub(super) fn reader_setup(self) -> &'static str {
        match self {
            Engine::Sqlite => {
                "PRAGMA busy_timeout = 5000; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;
                 PRAGMA mmap_size = 0; PRAGMA query_only = ON"
            }
            Engine::Postgres => {
                "SET default_transaction_read_only = on; SET idle_in_transaction_session_timeout = '60s'"
            }
        }
    }

    /// What a connection runs first that goes over everything. What it sorts and groups grows with the books: beyond
    /// the cache it lies in files of SQLite's own, in the system's folder for those.
    pub(super) fn walker_setup(self) -> &'static str {
        match self {
            Engine::Sqlite => {
                "PRAGMA busy_timeout = 5000; PRAGMA cache_size = -4096; PRAGMA temp_store = FILE;
                 PRAGMA mmap_size = 0; PRAGMA query_only = ON"
            }
            Engine::Postgres => self.reader_setup(),
        }
    }

    /// How a write transaction begins. IMMEDIATE: a transaction that reads first and writes later would otherwise fail.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN",
        }
    }

    /// How a transaction begins whose every read sees the same moment.
    pub(super) fn begin_snapshot(self) -> &'static str {
        match self {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// The suffix that locks the rows of `table` in a select; SQLite's write transaction is a lock already.
    pub(super) fn for_update(self, table: &str) -> String {
        match self {
            Engine::Sqlite => String::new(),
            Engine::Postgres => format!(" FOR UPDATE OF {table}"),
        }
    }

    /// Writes the place of bind `number` of a statement whose binds come in order, each once. SQLite takes `$7` for a
    /// name and looks every name up in a list: hundreds of binds cost their square. A bare `?` has no name.
    pub(super) fn push_bind(self, sql: &mut String, number: usize) {
        match self {
            Engine::Sqlite => sql.push('?'),
            Engine::Postgres => {
                sql.push('$');
                sql.push_str(&number.to_string());
            }
        }
    }

    /// A migration's text with its tokens replaced.
    pub(super) fn expand(self, sql: &str) -> String {
        let [id, bytes, clustered, hot] = match self {
            Engine::Sqlite => ["INTEGER", "BLOB", "WITHOUT ROWID", ""],
            Engine::Postgres => {
                ["BIGINT", "BYTEA", "", "WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)"]
            }
        };
        sql.replace("{{ID}}", id)
            .replace("{{BYTES}}", bytes)
            .replace("{{CLUSTERED}}", clustered)
            .replace("{{HOT}}", hot)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        })
    }
}
