//! The far sides' durable file, `<data-dir>/sandbox.db`.
//!
//! One connection, one transaction per request, `synchronous=FULL`: what an answer says is on disk before the answer
//! leaves, and two requests never see each other half done. That is slower than a real gateway and exactly as strict.
//! Nouns are kept as documents; a noun names the few things it is looked up by ([`Record`]).

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqlitePool, Transaction};

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

/// The open file.
#[derive(Clone, Debug)]
pub(super) struct Book(SqlitePool);

/// One request's view of the file; nothing stands until [`Session::commit`].
#[derive(Debug)]
pub(super) struct Session(Transaction<'static, Sqlite>);

impl Book {
    /// Opens the file, makes it where it is absent; only the owner may read it, for it holds test secrets.
    pub(super) async fn open(file: &Path) -> Result<Book, SandboxError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options)
            .await?;
        restrict(file)?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await?;
        Ok(Book(pool))
    }

    /// Closes the file.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }

    /// Waits for its turn and begins.
    pub(super) async fn begin(&self) -> Result<Session, SandboxError> {
        Ok(Session(self.0.begin_with("BEGIN IMMEDIATE").await?))
    }
}

impl Session {
    /// The record with this id.
    pub(super) async fn find<R: Record>(&mut self, id: &str) -> Result<Option<R>, SandboxError> {
        let row = sqlx::query("SELECT body FROM record WHERE kind = $1 AND id = $2")
            .bind(R::KIND)
            .bind(id)
            .fetch_optional(&mut *self.0)
            .await?;
        row.map(|row| read(&row)).transpose()
    }

    /// The records with this alias, oldest first.
    pub(super) async fn under<R: Record>(&mut self, alias: &str) -> Result<Vec<R>, SandboxError> {
        let rows = sqlx::query("SELECT body FROM record WHERE kind = $1 AND alias = $2 ORDER BY seq")
            .bind(R::KIND)
            .bind(alias)
            .fetch_all(&mut *self.0)
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
        let mut rows = query.fetch(&mut *self.0);
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
            .fetch_all(&mut *self.0)
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
        .fetch_all(&mut *self.0)
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
        .execute(&mut *self.0)
        .await?;
        Ok(())
    }

    /// Forgets a record.
    pub(super) async fn remove<R: Record>(&mut self, id: &str) -> Result<(), SandboxError> {
        sqlx::query("DELETE FROM record WHERE kind = $1 AND id = $2")
            .bind(R::KIND)
            .bind(id)
            .execute(&mut *self.0)
            .await?;
        Ok(())
    }

    /// Makes it stand, on disk.
    pub(super) async fn commit(self) -> Result<(), SandboxError> {
        Ok(self.0.commit().await?)
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
