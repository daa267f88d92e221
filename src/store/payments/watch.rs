//! When a payment's gateway is asked next: one small row per payment, found by gateway and moment, so that ten thousand
//! open payments cost a look of those that are due. Whoever asks claims the row first, by its version.

use chrono::{DateTime, Utc};

use crate::ids::PaymentId;
use crate::store::row::Row;
use crate::store::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// One row per payment.
pub static PAYMENT_WATCH: Table = Table {
    name: "payment_watch",
    columns: &[
        Column::text("payment_id"),
        Column::text("gateway"),
        Column::int("next_ask_at"),
        Column::int("asked_at"),
        Column::int("in_vain"),
    ],
    unique: &[],
};

/// When a payment's gateway is asked next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The payment.
    pub payment: PaymentId,
    /// Its gateway.
    pub gateway: String,
    /// When the next question is due, in business time; `None`: no more.
    pub next_ask_at: Option<DateTime<Utc>>,
    /// When it was asked last; the creation counts as a question.
    pub asked_at: DateTime<Utc>,
    /// Questions without an answer since the last answer.
    pub in_vain: i64,
}

impl Change {
    /// Begins to watch a payment.
    pub fn insert_watch(&mut self, watch: &Watch) -> &mut Change {
        self.insert(
            &PAYMENT_WATCH,
            vec![
                Value::text(watch.payment),
                watch.gateway.as_str().into(),
                watch.next_ask_at.into(),
                watch.asked_at.into(),
                watch.in_vain.into(),
            ],
        )
    }

    /// Claims a question, or writes down what came of it.
    pub fn update_watch(&mut self, watch: &Watch, version: i64) -> &mut Change {
        let set = vec![
            ("next_ask_at", watch.next_ask_at.into()),
            ("asked_at", watch.asked_at.into()),
            ("in_vain", watch.in_vain.into()),
        ];
        self.update(&PAYMENT_WATCH, watch.payment, version, set)
    }
}

impl Store {
    /// How a payment is watched.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn watch(&self, payment: PaymentId) -> Result<Option<Versioned<Watch>>, StoreError> {
        let row = sqlx::query("SELECT * FROM payment_watch WHERE payment_id = $1")
            .bind(payment.to_string())
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| read(&Row::of("payment_watch", &row))).transpose()
    }

    /// A gateway's questions that are due by `until`, the longest overdue first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_watches(
        &self,
        gateway: &str,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Versioned<Watch>>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM payment_watch WHERE gateway = $1 AND next_ask_at IS NOT NULL AND next_ask_at <= $2
             ORDER BY next_ask_at, payment_id LIMIT $3",
        )
        .bind(gateway)
        .bind(until.timestamp_micros())
        .bind(i64::from(limit))
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(|row| read(&Row::of("payment_watch", row))).collect()
    }

    /// When a gateway's next question is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_watch(&self, gateway: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = sqlx::query(
            "SELECT MIN(next_ask_at) AS first FROM payment_watch WHERE gateway = $1 AND next_ask_at IS NOT NULL",
        )
        .bind(gateway)
        .fetch_one(self.reads())
        .await?;
        Row::of("payment_watch", &row).optional_time("first")
    }

    /// How many questions are overdue, for metrics.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn overdue_watches(&self, since: DateTime<Utc>) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM payment_watch WHERE next_ask_at IS NOT NULL AND next_ask_at <= $1",
        )
        .bind(since.timestamp_micros())
        .fetch_one(self.reads())
        .await?;
        Row::of("payment_watch", &row).int("n")
    }
}

fn read(row: &Row<'_>) -> Result<Versioned<Watch>, StoreError> {
    row.versioned(Watch {
        payment: row.parse("payment_id")?,
        gateway: row.text("gateway")?,
        next_ask_at: row.optional_time("next_ask_at")?,
        asked_at: row.time("asked_at")?,
        in_vain: row.int("in_vain")?,
    })
}
