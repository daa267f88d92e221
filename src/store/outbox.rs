//! Events: what happened, told in the same change in which it happened.

use chrono::{DateTime, Utc};

use crate::ids::{EventId, MerchantId};

use super::row::Row;
use super::{Change, Column, Log, Store, StoreError, Value};

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
            ],
        )
    }
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
               AND (CAST($3 AS TEXT) IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
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
