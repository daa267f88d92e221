//! Deliveries of events to webhook endpoints.
//!
//! A delivery is leased by writing owner and term under the version it was read at: of two that try, one hears
//! `LostUpdate`. What the try came to is written under the next version, so that a holder that slept past its lease
//! cannot overwrite what its successor wrote.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::orders::Holder;
use crate::domain::webhooks::{Delivery, DeliveryLease, DeliveryState};
use crate::ids::{MerchantId, WebhookDeliveryId, WebhookEndpointId};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Deliveries, one for each event and endpoint.
pub static WEBHOOK_DELIVERY: Table = Table {
    name: "webhook_delivery",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("endpoint_id"),
        Column::text("event_id"),
        Column::text("event_type"),
        Column::text("state"),
        Column::int("since"),
        Column::int("attempts"),
        Column::int("next_at"),
        Column::text("lease_owner"),
        Column::int("lease_until"),
        Column::text("history"),
        Column::int("ended_at"),
        Column::int("created_at"),
    ],
    unique: &[&[3, 2]],
};

/// How many deliveries are how far, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deliveries {
    /// Not ended.
    pub pending: i64,
    /// Given up and kept.
    pub failed: i64,
    /// Since when the oldest pending one is on its way, in business time.
    pub oldest: Option<DateTime<Utc>>,
    /// Endpoints that are disabled because of what they answered.
    pub endpoints_given_up: i64,
}

impl Change {
    /// A new delivery; a second one of the same event to the same endpoint is a lost update.
    pub fn insert_delivery(&mut self, delivery: &Delivery) -> &mut Change {
        self.insert(
            &WEBHOOK_DELIVERY,
            vec![
                Value::text(delivery.id),
                Value::text(delivery.merchant),
                Value::text(delivery.endpoint),
                Value::text(delivery.event),
                delivery.kind.as_str().into(),
                delivery.state.as_str().into(),
                delivery.since.into(),
                delivery.attempts.into(),
                delivery.next_at.into(),
                delivery.lease.map(|lease| Value::text(lease.owner)).into(),
                delivery.lease.map(|lease| lease.until).into(),
                json(&delivery.history),
                delivery.state.ended_at().into(),
                delivery.created_at.into(),
            ],
        )
    }

    /// A lease, what a try came to, or a resend.
    pub fn update_delivery(&mut self, delivery: &Delivery, version: i64) -> &mut Change {
        self.update(
            &WEBHOOK_DELIVERY,
            delivery.id,
            version,
            vec![
                ("state", delivery.state.as_str().into()),
                ("since", delivery.since.into()),
                ("attempts", delivery.attempts.into()),
                ("next_at", delivery.next_at.into()),
                ("lease_owner", delivery.lease.map(|lease| Value::text(lease.owner)).into()),
                ("lease_until", delivery.lease.map(|lease| lease.until).into()),
                ("history", json(&delivery.history)),
                ("ended_at", delivery.state.ended_at().into()),
            ],
        )
    }
}

impl Store {
    /// The first endpoint behind `after` (empty: the first of all) that has anything pending. Stepping through them so
    /// costs one look into the index each, however much waits for one of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoint_with_deliveries(
        &self,
        after: &str,
    ) -> Result<Option<WebhookEndpointId>, StoreError> {
        let sql = "SELECT endpoint_id FROM webhook_delivery WHERE state = 'pending' AND endpoint_id > $1
                   ORDER BY endpoint_id LIMIT 1";
        let query = sqlx::query(sql).bind(after.to_owned());
        self.one(query, |row| Row::of("webhook_delivery", row).parse("endpoint_id")).await
    }

    /// What is due for an endpoint by `now` (business time) and nobody is at (by the `wall`), the longest due first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        now: DateTime<Utc>,
        wall: DateTime<Utc>,
        holder: Holder,
        limit: i64,
    ) -> Result<Vec<Versioned<Delivery>>, StoreError> {
        let sql =
            "SELECT * FROM webhook_delivery WHERE state = 'pending' AND endpoint_id = $1 AND next_at <= $2
                     AND (lease_until IS NULL OR lease_until <= $3 OR ($4 = 1 AND lease_owner <> $5))
                   ORDER BY next_at, id LIMIT $6";
        let query = sqlx::query(sql)
            .bind(endpoint.to_string())
            .bind(now.timestamp_micros())
            .bind(wall.timestamp_micros())
            .bind(i64::from(holder.alone))
            .bind(holder.boot.to_string())
            .bind(limit);
        self.all(query, read).await
    }

    /// A delivery of one of a merchant's endpoints.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(
        &self,
        merchant: MerchantId,
        endpoint: WebhookEndpointId,
        id: WebhookDeliveryId,
    ) -> Result<Option<Versioned<Delivery>>, StoreError> {
        let sql = "SELECT * FROM webhook_delivery WHERE merchant_id = $1 AND endpoint_id = $2 AND id = $3";
        let query =
            sqlx::query(sql).bind(merchant.to_string()).bind(endpoint.to_string()).bind(id.to_string());
        self.one(query, read).await
    }

    /// An endpoint's deliveries, newest first; before a place, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(
        &self,
        endpoint: WebhookEndpointId,
        seek: Seek<WebhookDeliveryId>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql = match seek {
            Seek::Start => {
                "SELECT * FROM webhook_delivery WHERE endpoint_id = $1 AND id <> $2 ORDER BY id DESC LIMIT $3"
            }
            Seek::After(_) => {
                "SELECT * FROM webhook_delivery WHERE endpoint_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
            }
            Seek::Before(_) => {
                "SELECT * FROM webhook_delivery WHERE endpoint_id = $1 AND id > $2 ORDER BY id LIMIT $3"
            }
        };
        let query = sqlx::query(sql)
            .bind(endpoint.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, |row| read(row).map(|delivery| delivery.value)).await
    }

    /// How many are how far.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries_standing(&self) -> Result<Deliveries, StoreError> {
        let pending = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n, MIN(since) AS oldest FROM webhook_delivery
             WHERE state = 'pending'",
        )
        .fetch_one(self.reads())
        .await?;
        let pending = Row::of("webhook_delivery", &pending);
        let failed =
            sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM webhook_delivery WHERE state = 'failed'")
                .fetch_one(self.reads())
                .await?;
        Ok(Deliveries {
            pending: pending.int("n")?,
            failed: Row::of("webhook_delivery", &failed).int("n")?,
            oldest: pending.optional_time("oldest")?,
            endpoints_given_up: self.endpoints_given_up().await?,
        })
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Delivery>, StoreError> {
    let row = Row::of("webhook_delivery", row);
    let state = row.text("state")?;
    let state = match (state.as_str(), row.optional_time("ended_at")?) {
        ("pending", None) => DeliveryState::Pending,
        ("delivered", Some(at)) => DeliveryState::Delivered(at),
        ("failed", Some(at)) => DeliveryState::Failed(at),
        _ => return Err(row.unreadable("state", state)),
    };
    let lease = match (row.optional("lease_owner")?, row.optional_time("lease_until")?) {
        (Some(owner), Some(until)) => Some(DeliveryLease { owner, until }),
        _ => None,
    };
    row.versioned(Delivery {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        endpoint: row.parse("endpoint_id")?,
        event: row.parse("event_id")?,
        kind: row.text("event_type")?,
        state,
        since: row.time("since")?,
        attempts: row.int("attempts")?,
        next_at: row.time("next_at")?,
        lease,
        history: row.json("history")?,
        created_at: row.time("created_at")?,
    })
}
