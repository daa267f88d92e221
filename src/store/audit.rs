//! The audit trail: who did what, when, in which request; one hash chain for each merchant.
//!
//! An entry is written in the same change as its effect. The place in the chain is a unique key, so of two changes that
//! want the same place one is refused with `LostUpdate` of `audit_entry` and builds its entry anew.

use sqlx::any::AnyRow;

use crate::domain::access::AuditEntry;
use crate::ids::MerchantId;

use super::row::Row;
use super::words;
use super::{Change, Column, Log, Store, StoreError, Value};

/// The trail.
pub static AUDIT_ENTRY: Log = Log {
    name: "audit_entry",
    columns: &[
        Column::text("merchant_id"),
        Column::int("seq"),
        Column::text("id"),
        Column::int("at"),
        Column::text("user_id"),
        Column::text("key_id"),
        Column::text("request_id"),
        Column::text("action"),
        Column::text("subject"),
        Column::text("detail"),
        Column::bytes("previous"),
        Column::bytes("hash"),
    ],
    unique: &[&[0, 1]],
};

/// The end of a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The last entry's place; 0 before the first.
    pub seq: i64,
    /// Its hash; zeros before the first.
    pub hash: [u8; 32],
}

impl Change {
    /// Adds an entry to the trail.
    pub fn audit(&mut self, entry: &AuditEntry) -> &mut Change {
        self.append(
            &AUDIT_ENTRY,
            vec![
                Value::text(entry.merchant),
                entry.seq.into(),
                Value::text(entry.id),
                entry.at.into(),
                Value::text(entry.user),
                Value::text(entry.key),
                Value::text(entry.request),
                entry.action.as_str().into(),
                entry.subject.as_str().into(),
                entry.detail.as_str().into(),
                entry.previous.to_vec().into(),
                entry.hash().to_vec().into(),
            ],
        )
    }
}

impl Store {
    /// The end of a merchant's trail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_head(&self, merchant: MerchantId) -> Result<AuditHead, StoreError> {
        let row = sqlx::query(
            "SELECT id, seq, hash FROM audit_entry WHERE merchant_id = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(merchant.to_string())
        .fetch_optional(self.reads())
        .await?;
        let Some(row) = row else { return Ok(AuditHead { seq: 0, hash: [0; 32] }) };
        let row = Row::of("audit_entry", &row);
        Ok(AuditHead { seq: row.int("seq")?, hash: words::digest(&row, "hash")? })
    }

    /// Entries after a place, with the hash stored beside each.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_entries(
        &self,
        merchant: MerchantId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(AuditEntry, [u8; 32])>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM audit_entry WHERE merchant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(merchant.to_string())
        .bind(after)
        .bind(limit)
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(read_entry).collect()
    }
}

fn read_entry(row: &AnyRow) -> Result<(AuditEntry, [u8; 32]), StoreError> {
    let row = Row::of("audit_entry", row);
    let entry = AuditEntry {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        seq: row.int("seq")?,
        at: row.time("at")?,
        user: row.parse("user_id")?,
        key: row.parse("key_id")?,
        request: row.parse("request_id")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
        previous: words::digest(&row, "previous")?,
    };
    Ok((entry, words::digest(&row, "hash")?))
}
