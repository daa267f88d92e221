//! How much is unfinished, counted when somebody looks: for metrics and readiness.

use chrono::{DateTime, Utc};

use super::row::Row;
use super::{Store, StoreError, migrate};

/// What is unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Calls to gateways whose outcome nobody knows.
    pub intents_unknown: i64,
    /// When the oldest payment that has not ended was made, in business time.
    pub oldest_open_payment: Option<DateTime<Utc>>,
    /// Notices that are kept and not settled.
    pub inbox_unapplied: i64,
    /// Disputes that are not decided.
    pub disputes_open: i64,
    /// When the first dispute that waits for us has to be answered.
    pub dispute_deadline: Option<DateTime<Utc>>,
    /// Jobs that failed so often that they wait for a person.
    pub jobs_dead: i64,
    /// Jobs that fail again and again and are tried on.
    pub jobs_failing: i64,
}

impl Store {
    /// Counts it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let oldest = sqlx::query("SELECT MIN(created_at) AS oldest FROM payment WHERE is_open = 1")
            .fetch_one(self.reads())
            .await?;
        let (disputes_open, dispute_deadline) = self.disputes_waiting().await?;
        Ok(Standing {
            disputes_open,
            dispute_deadline,
            intents_unknown: self.unknown_intents().await?,
            oldest_open_payment: Row::of("payment", &oldest).optional_time("oldest")?,
            inbox_unapplied: self.waiting_notices().await?,
            jobs_dead: self.dead_jobs().await?,
            jobs_failing: self.count_failing_jobs().await?,
        })
    }

    /// Whether the schema is the one this program was built for: another process may have moved it on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn schema_is_current(&self) -> Result<bool, StoreError> {
        let row =
            sqlx::query("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) AS version FROM _sqlx_migrations")
                .fetch_one(self.reads())
                .await?;
        Ok(Row::of("_sqlx_migrations", &row).int("version")? == migrate::newest())
    }
}
