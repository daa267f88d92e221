//! The audit trail: who did what, when, in which request; one hash chain for each merchant.
//!
//! A note is part of the change whose effect it tells ([`Change::audit`]), so there is none without the other. Its place
//! in the chain is given by the writer, which every change passes one by one: no two want the same.

use sqlx::any::AnyRow;

use crate::domain::access::{Actor, AuditEntry, AuditNote};
use crate::ids::{KeyId, MerchantId};

use super::row::Row;
use super::words;
use super::{Column, Log, Seek, Store, StoreError, Value};

/// The trail.
pub(super) static AUDIT_ENTRY: Log = Log {
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

/// An entry as a row of the trail.
pub(super) fn row(entry: &AuditEntry) -> Vec<Value> {
    let AuditNote { id, actor, at, action, subject, detail } = &entry.note;
    vec![
        Value::text(actor.merchant),
        entry.seq.into(),
        Value::text(id),
        (*at).into(),
        Value::text(actor.user),
        Value::text(actor.key),
        Value::text(actor.request),
        action.as_str().into(),
        subject.as_str().into(),
        detail.as_str().into(),
        entry.previous.to_vec().into(),
        entry.hash().to_vec().into(),
    ]
}

impl Store {
    /// Entries after a place, with the hash stored beside each.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_entries(
        &self,
        merchant: MerchantId,
        seek: Seek<i64>,
        limit: i64,
    ) -> Result<Vec<(AuditEntry, [u8; 32])>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM audit_entry WHERE merchant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            true => {
                "SELECT * FROM audit_entry WHERE merchant_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
            }
        };
        let query =
            sqlx::query(sql).bind(merchant.to_string()).bind(seek.key().copied().unwrap_or(0)).bind(limit);
        self.all(query, read_entry).await
    }
}

impl Store {
    /// The key that did one of two things to a subject last, if any did. Goes through the merchant's whole trail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_key_at(
        &self,
        merchant: MerchantId,
        subject: &str,
        [one, other]: [&str; 2],
    ) -> Result<Option<KeyId>, StoreError> {
        let query = sqlx::query(
            "SELECT id, key_id FROM audit_entry WHERE merchant_id = $1 AND subject = $2 AND action IN ($3, $4)
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(merchant.to_string())
        .bind(subject.to_owned())
        .bind(one.to_owned())
        .bind(other.to_owned());
        self.one(query, |row| Row::of("audit_entry", row).parse("key_id")).await
    }
}

pub(super) fn read_entry(row: &AnyRow) -> Result<(AuditEntry, [u8; 32]), StoreError> {
    let row = Row::of("audit_entry", row);
    let actor = Actor {
        merchant: row.parse("merchant_id")?,
        user: row.parse("user_id")?,
        key: row.parse("key_id")?,
        request: row.parse("request_id")?,
    };
    let note = AuditNote {
        id: row.parse("id")?,
        actor,
        at: row.time("at")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    };
    let entry = AuditEntry { seq: row.int("seq")?, note, previous: words::digest(&row, "previous")? };
    Ok((entry, words::digest(&row, "hash")?))
}
