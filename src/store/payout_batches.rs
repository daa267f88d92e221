//! Batches of payouts: calls to rails, written down before they are made.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::orders::{Lease, Outcome};
use crate::domain::payouts::PayoutBatch;
use crate::ids::{PayoutBatchId, PlanId, RailAccountId};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// Batches. The version is the fencing token of the lease.
pub static PAYOUT_BATCH: Table = Table {
    name: "payout_batch",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("plan_id"),
        Column::text("rail_account_id"),
        Column::text("rail_ref"),
        Column::text("lease_owner"),
        Column::int("lease_until"),
        Column::text("outcome"),
        Column::text("detail"),
        Column::int("attempts"),
        Column::int("created_at"),
        Column::int("asked_at"),
        Column::text("execute_on"),
        Column::text("carried"),
    ],
    unique: &[],
};

impl Change {
    /// Writes a call down before it is made.
    pub fn insert_payout_batch(&mut self, batch: &PayoutBatch) -> &mut Change {
        self.insert(
            &PAYOUT_BATCH,
            vec![
                Value::text(batch.id),
                Value::text(batch.merchant),
                Value::text(batch.plan),
                Value::text(batch.rail_account),
                batch.rail_ref.clone().into(),
                batch.lease.map(|lease| Value::text(lease.owner)).into(),
                batch.lease.map(|lease| lease.until).into(),
                batch.outcome.as_str().into(),
                batch.detail.clone().into(),
                batch.attempts.into(),
                batch.created_at.into(),
                batch.asked_at.into(),
                batch.execute_on.map(Value::text).into(),
                batch.carried.as_ref().map(json).into(),
            ],
        )
    }

    /// Writes a lease taken or given back, or what came of the call.
    pub fn update_payout_batch(&mut self, batch: &PayoutBatch, version: i64) -> &mut Change {
        self.update(
            &PAYOUT_BATCH,
            batch.id,
            version,
            vec![
                ("rail_ref", batch.rail_ref.clone().into()),
                ("carried", batch.carried.as_ref().map(json).into()),
                ("lease_owner", batch.lease.map(|lease| Value::text(lease.owner)).into()),
                ("lease_until", batch.lease.map(|lease| lease.until).into()),
                ("outcome", batch.outcome.as_str().into()),
                ("detail", batch.detail.clone().into()),
                ("attempts", batch.attempts.into()),
                ("asked_at", batch.asked_at.into()),
            ],
        )
    }
}

impl Store {
    /// One batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_batch(
        &self,
        id: PayoutBatchId,
    ) -> Result<Option<Versioned<PayoutBatch>>, StoreError> {
        let query = sqlx::query("SELECT * FROM payout_batch WHERE id = $1").bind(id.to_string());
        self.one(query, read).await
    }

    /// The batches of a plan, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_batches_of(&self, plan: PlanId) -> Result<Vec<Versioned<PayoutBatch>>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM payout_batch WHERE plan_id = $1 ORDER BY id").bind(plan.to_string());
        self.all(query, read).await
    }

    /// Batches with a payout that is not settled and that were not asked about since `before`, by id after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_payout_batches(
        &self,
        before: DateTime<Utc>,
        after: Option<PayoutBatchId>,
        limit: u32,
    ) -> Result<Vec<Versioned<PayoutBatch>>, StoreError> {
        // The condition on the state is the index's own, word for word: SQLite needs it to use the index.
        let query = sqlx::query(
            "SELECT * FROM payout_batch WHERE id IN
               (SELECT batch_id FROM payout WHERE state IN ('held', 'sent', 'unknown', 'unclaimed'))
             AND (asked_at IS NULL OR asked_at < $1) AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(before.timestamp_micros())
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit));
        self.all(query, read).await
    }

    /// Batches over a rail account with a payout written down since `since` that was paid, or that came back and of which
    /// nobody knows what was charged, and that were not asked about since `before`: longest ago first. Of a batch that was
    /// ended as never taken, and that the rail has no name for, nothing can be asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn paid_payout_batches(
        &self,
        rail: RailAccountId,
        since: DateTime<Utc>,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Versioned<PayoutBatch>>, StoreError> {
        // As above: the condition on the state is the index's own.
        let query = sqlx::query(
            "SELECT * FROM payout_batch WHERE id IN
               (SELECT batch_id FROM payout WHERE rail_account_id = $1 AND created_at >= $2
                AND state IN ('paid', 'returned') AND (state = 'paid' OR charged IS NULL))
             AND (outcome <> 'refused' OR rail_ref IS NOT NULL)
             AND (asked_at IS NULL OR asked_at < $3) ORDER BY COALESCE(asked_at, 0), id LIMIT $4",
        )
        .bind(rail.to_string())
        .bind(since.timestamp_micros())
        .bind(before.timestamp_micros())
        .bind(i64::from(limit));
        self.all(query, read).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<PayoutBatch>, StoreError> {
    let row = Row::of("payout_batch", row);
    let lease = match (row.optional("lease_owner")?, row.optional_time("lease_until")?) {
        (Some(owner), Some(until)) => Some(Lease { owner, until }),
        _ => None,
    };
    let outcome = row.text("outcome")?;
    row.versioned(PayoutBatch {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        plan: row.parse("plan_id")?,
        rail_account: row.parse("rail_account_id")?,
        rail_ref: row.optional_text("rail_ref")?,
        lease,
        outcome: Outcome::find(&outcome).ok_or_else(|| row.unreadable("outcome", &outcome))?,
        detail: row.optional_text("detail")?,
        attempts: row.int("attempts")?,
        created_at: row.time("created_at")?,
        asked_at: row.optional_time("asked_at")?,
        execute_on: row.optional("execute_on")?,
        carried: row.optional_json("carried")?,
    })
}
