//! What is kept for a time only, and how it is found once that time is over.
//!
//! Three tables: claims of an `Idempotency-Key` (30 days, by the wall, as they were written), jobs that are done (7
//! days, in business time) and deliveries of webhooks that have ended (30 days, in business time). Jobs that were given
//! up wait for a person and stay. Everything else is kept for ever: the books, events, notices with their evidence, the
//! trail.

use chrono::{DateTime, TimeDelta, Utc};

use super::change::Removal;
use super::idempotency::IDEMPOTENCY;
use super::jobs::JOB;
use super::row::Row;
use super::webhook_deliveries::WEBHOOK_DELIVERY;
use super::{Change, Store, StoreError, Table};

/// A key answers the same for at least so long.
pub const CLAIMS_KEPT: TimeDelta = TimeDelta::days(30);
/// A job that is done can be looked at for so long.
pub const DONE_JOBS_KEPT: TimeDelta = TimeDelta::days(7);

/// A delivery that has ended can be looked at, and sent again, for so long.
pub const DELIVERIES_KEPT: TimeDelta = TimeDelta::days(30);

/// A row whose time is over, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated(Removal);

impl Change {
    /// Removes a row whose time is over, if nobody has changed it since.
    pub fn remove(&mut self, row: Outdated) -> &mut Change {
        self.removals.push(row.0);
        self
    }
}

impl Store {
    /// Claims made before `before` (wall time), the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outdated_claims(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Outdated>, StoreError> {
        let sql = "SELECT id, version FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2";
        self.outdated(&IDEMPOTENCY, sql, before, limit).await
    }

    /// Jobs that were done, and well, before `before` (business time), the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outdated_jobs(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Outdated>, StoreError> {
        let sql =
            "SELECT id, version FROM job WHERE done_at IS NOT NULL AND done_at < $1 AND last_error IS NULL
                   ORDER BY done_at LIMIT $2";
        self.outdated(&JOB, sql, before, limit).await
    }

    /// Deliveries that ended before `before` (business time), the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outdated_deliveries(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Outdated>, StoreError> {
        let sql = "SELECT id, version FROM webhook_delivery WHERE ended_at IS NOT NULL AND ended_at < $1
                   ORDER BY ended_at LIMIT $2";
        self.outdated(&WEBHOOK_DELIVERY, sql, before, limit).await
    }

    async fn outdated(
        &self,
        table: &'static Table,
        sql: &'static str,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Outdated>, StoreError> {
        let rows = sqlx::query(sql)
            .bind(before.timestamp_micros())
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await?;
        let read = |row| {
            let row = Row::of(table.name, row);
            Ok(Outdated(Removal { table, id: row.text("id")?, version: row.int("version")? }))
        };
        rows.iter().map(read).collect()
    }
}
