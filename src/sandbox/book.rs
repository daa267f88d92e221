//! The far sides' durable file, `<data-dir>/sandbox.db`.
//!
//! One connection, one request after the other, `synchronous=FULL`: what an answer says is on disk before the answer
//! leaves, and two requests never see each other half done. That is slower than a real gateway and exactly as strict.
//! The data folder is one process's own, so that a request begins its transaction with the first thing it writes: those
//! that only look need none. Nouns are kept as documents; a noun names the few things it is looked up by ([`Record`]).

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, TryStreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::SandboxError;

/// Something a far side remembers.
pub(super) trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// The noun, unique in the file: `paypal.order`.
    const KIND: &'static str;

    /// Its id, unique within the kind.
    fn id(&self) -> &str;

    /// What else it is found by: the caller's reference, or the noun it belongs to.
    fn alias(&self) -> Option<&str> {
        None
    }

    /// When the clock has work with it.
    fn due(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(30);

/// The file's one connection, until it is closed. Not a pool's: that asks a connection before and after each request
/// whether it still lives, which takes longer than most requests.
type Only = Option<SqliteConnection>;

/// The open file.
#[derive(Clone, Debug)]
pub(super) struct Book(Arc<Mutex<Only>>);

/// One request's view of the file; nothing stands until [`Session::commit`].
#[derive(Debug)]
pub(super) struct Session {
    only: OwnedMutexGuard<Only>,
    /// A transaction is begun and not committed.
    writes: bool,
}

impl Book {
    /// Opens the file, makes it where it is absent; only the owner may read it, for it holds test secrets.
    pub(super) async fn open(file: &Path) -> Result<Book, SandboxError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let mut connection = options.connect().await?;
        restrict(file)?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut connection).await?;
        Ok(Book(Arc::new(Mutex::new(Some(connection)))))
    }

    /// Closes the file.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.0.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the sandbox's file did not close cleanly");
        }
    }

    /// Waits for its turn.
    pub(super) async fn begin(&self) -> Result<Session, SandboxError> {
        let turn = tokio::time::timeout(TURN, self.0.clone().lock_owned()).await;
        let only = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
        Ok(Session { only, writes: false })
    }
}

impl Drop for Session {
    /// Undoes what was not committed. The connection's thread takes the word when it is first polled and does it before
    /// anything the next request asks.
    fn drop(&mut self) {
        if self.writes
            && let Some(connection) = self.only.as_mut()
        {
            let _ = sqlx::query("ROLLBACK").execute(connection).now_or_never();
        }
    }
}

impl Session {
    fn connection(&mut self) -> Result<&mut SqliteConnection, SandboxError> {
        Ok(self.only.as_mut().ok_or(sqlx::Error::PoolClosed)?)
    }

    /// The connection, in a transaction.
    async fn writing(&mut self) -> Result<&mut SqliteConnection, SandboxError> {
        if !std::mem::replace(&mut self.writes, true) {
            sqlx::query("BEGIN IMMEDIATE").execute(self.connection()?).await?;
        }
        self.connection()
    }

    /// The record with this id.
    pub(super) async fn find<R: Record>(&mut self, id: &str) -> Result<Option<R>, SandboxError> {
        let row = sqlx::query("SELECT body FROM record WHERE kind = $1 AND id = $2")
            .bind(R::KIND)
            .bind(id)
            .fetch_optional(self.connection()?)
            .await?;
        row.map(|row| read(&row)).transpose()
    }

    /// The records with this alias, oldest first.
    pub(super) async fn under<R: Record>(&mut self, alias: &str) -> Result<Vec<R>, SandboxError> {
        let rows = sqlx::query("SELECT body FROM record WHERE kind = $1 AND alias = $2 ORDER BY seq")
            .bind(R::KIND)
            .bind(alias)
            .fetch_all(self.connection()?)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Shows every record with this alias whose `at` lies between these seconds, earliest first, until enough was seen. For
    /// the kinds that `schema.sql` has an index for.
    pub(super) async fn see_between<R: Record>(
        &mut self,
        alias: &str,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        mut see: impl FnMut(R) -> ControlFlow<()>,
    ) -> Result<(), SandboxError> {
        // The kind stands in the text: an index of some rows is used only where the statement itself names them.
        let sql = format!(
            "SELECT body FROM record WHERE kind = '{}' AND alias = $1
             AND substr(json_extract(body, '$.at'), 1, 19) BETWEEN $2 AND $3
             ORDER BY substr(json_extract(body, '$.at'), 1, 19), seq",
            R::KIND
        );
        let second = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(alias).bind(second(from)).bind(second(until));
        let mut rows = query.fetch(self.connection()?);
        while let Some(row) = rows.try_next().await? {
            if see(read(&row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Every record of the kind, oldest first.
    pub(super) async fn all<R: Record>(&mut self) -> Result<Vec<R>, SandboxError> {
        let rows = sqlx::query("SELECT body FROM record WHERE kind = $1 ORDER BY seq")
            .bind(R::KIND)
            .fetch_all(self.connection()?)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Up to `limit` records whose moment has come, earliest first.
    pub(super) async fn due<R: Record>(
        &mut self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<R>, SandboxError> {
        let rows = sqlx::query(
            "SELECT body FROM record WHERE kind = $1 AND due_us <= $2 ORDER BY due_us, seq LIMIT $3",
        )
        .bind(R::KIND)
        .bind(now.timestamp_micros())
        .bind(limit)
        .fetch_all(self.connection()?)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Writes a record, new or changed.
    pub(super) async fn put<R: Record>(&mut self, record: &R) -> Result<(), SandboxError> {
        sqlx::query(
            "INSERT INTO record (kind, id, alias, due_us, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (kind, id) DO UPDATE SET alias = excluded.alias, due_us = excluded.due_us,
                                                  body = excluded.body",
        )
        .bind(R::KIND)
        .bind(record.id())
        .bind(record.alias())
        .bind(record.due().map(|at| at.timestamp_micros()))
        .bind(serde_json::to_string(record)?)
        .execute(self.writing().await?)
        .await?;
        Ok(())
    }

    /// Forgets a record.
    pub(super) async fn remove<R: Record>(&mut self, id: &str) -> Result<(), SandboxError> {
        sqlx::query("DELETE FROM record WHERE kind = $1 AND id = $2")
            .bind(R::KIND)
            .bind(id)
            .execute(self.writing().await?)
            .await?;
        Ok(())
    }

    /// Makes it stand, on disk.
    pub(super) async fn commit(mut self) -> Result<(), SandboxError> {
        if self.writes {
            sqlx::query("COMMIT").execute(self.connection()?).await?;
            self.writes = false;
        }
        Ok(())
    }
}

fn read<R: Record>(row: &sqlx::sqlite::SqliteRow) -> Result<R, SandboxError> {
    Ok(serde_json::from_str(row.try_get::<&str, _>("body")?)?)
}

#[cfg(unix)]
fn restrict(file: &Path) -> Result<(), SandboxError> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}

#[cfg(not(unix))]
fn restrict(_file: &Path) -> Result<(), SandboxError> {
    Ok(())
}
