//! Events: what happened, told in the same change in which it happened.
//!
//! An event's id is made before its change is written, and of two processes the one that made the later id may write
//! first. So events have a place too: the writer gives it behind the lock that all writers pass, which makes places
//! grow in the order of the commits. Whoever goes on from the last place it saw misses none; lists are in that order.

use chrono::{DateTime, Utc};

use crate::ids::{EventId, MerchantId};

use super::row::Row;
use super::{Change, Column, Log, Seek, Store, StoreError, Value};

/// Events, append-only.
pub static EVENT: Log = Log {
    name: "event",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("type"),
        Column::text("subject"),
        Column::text("data"),
        Column::int("created_at"),
        // Given by the writer.
        Column::int("seq"),
    ],
    unique: &[&[0]],
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Whose.
    pub merchant: MerchantId,
    /// What: `payment.captured`.
    pub kind: String,
    /// To what: a payment's, refund's, finding's id.
    pub subject: String,
    /// The object as it was then.
    pub data: serde_json::Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Change {
    /// Tells an event.
    pub fn tell(&mut self, event: &Event) -> &mut Change {
        self.append(
            &EVENT,
            vec![
                Value::text(event.id),
                Value::text(event.merchant),
                event.kind.as_str().into(),
                event.subject.as_str().into(),
                Value::text(&event.data),
                event.created_at.into(),
                Value::Int(0),
            ],
        )
    }
}

/// Who reads events: some are not a shop's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventReader {
    /// Payments, disputes and refunds.
    Storefront,
    /// All.
    Office,
}

macro_rules! page {
    ($comparison:literal, $order:literal) => {
        concat!(
            "SELECT * FROM event WHERE merchant_id = $1 AND (CAST($4 AS BIGINT) = 1 OR type LIKE 'payment.%'
               OR type LIKE 'dispute.%' OR type LIKE 'refund.%') AND seq ",
            $comparison,
            " (SELECT seq FROM event WHERE merchant_id = $1 AND id = $2) ORDER BY seq ",
            $order,
            " LIMIT $3"
        )
    };
}

impl Store {
    /// A page of a merchant's events, newest first, and whether older ones follow; `subject` narrows to one object.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events(
        &self,
        merchant: MerchantId,
        subject: Option<&str>,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<(Vec<Event>, bool), StoreError> {
        let limit = limit.clamp(1, 100) as usize;
        let rows = sqlx::query(
            "SELECT * FROM event WHERE merchant_id = $1 AND (CAST($2 AS TEXT) IS NULL OR subject = $2)
               AND (CAST($3 AS TEXT) IS NULL OR seq < (SELECT seq FROM event WHERE merchant_id = $1 AND id = $3))
             ORDER BY seq DESC LIMIT $4",
        )
        .bind(merchant.to_string())
        .bind(subject.map(str::to_owned))
        .bind(before.map(|id| id.to_string()))
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(self.reads())
        .await?;
        let more = rows.len() > limit;
        let events = rows.iter().take(limit).map(|row| read(&Row::of("event", row)));
        Ok((events.collect::<Result<_, _>>()?, more))
    }

    /// A merchant's events around a place, the one told last first; before a place, oldest first. An event that is not
    /// the merchant's is before nothing and behind nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events_from(
        &self,
        merchant: MerchantId,
        reader: EventReader,
        seek: Seek<EventId>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let sql = match seek {
            Seek::Start => {
                "SELECT * FROM event WHERE merchant_id = $1 AND (CAST($4 AS BIGINT) = 1 OR type LIKE 'payment.%'
                   OR type LIKE 'dispute.%' OR type LIKE 'refund.%') AND id <> $2 ORDER BY seq DESC LIMIT $3"
            }
            Seek::After(_) => page!("<", "DESC"),
            Seek::Before(_) => page!(">", ""),
        };
        let key = seek.key().map(ToString::to_string).unwrap_or_default();
        let query = sqlx::query(sql).bind(merchant.to_string()).bind(key).bind(limit);
        let query = query.bind(i64::from(reader == EventReader::Office));
        self.all(query, |row| read(&Row::of("event", row))).await
    }

    /// A merchant's event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn event(&self, merchant: MerchantId, id: EventId) -> Result<Option<Event>, StoreError> {
        let query = sqlx::query("SELECT * FROM event WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, |row| read(&Row::of("event", row))).await
    }

    /// Every merchant's events behind a place, in the order in which they were told, each with its own place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events_behind(&self, seq: i64, limit: i64) -> Result<Vec<(i64, Event)>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM event WHERE seq > $1 ORDER BY seq LIMIT $2").bind(seq).bind(limit);
        self.all(query, |row| {
            let row = Row::of("event", row);
            Ok((row.int("seq")?, read(&row)?))
        })
        .await
    }

    /// The place of the event told last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_event(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT seq FROM event_head WHERE id = 1").fetch_one(self.reads()).await?;
        Row::of("event_head", &row).int("seq")
    }
}

fn read(row: &Row<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        kind: row.text("type")?,
        subject: row.text("subject")?,
        data: row.json("data")?,
        created_at: row.time("created_at")?,
    })
}
