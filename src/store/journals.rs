//! Manual journals.

use sqlx::any::AnyRow;

use crate::domain::journals::{Journal, JournalState, Template};
use crate::ids::{JournalId, MerchantId};

use super::row::Row;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Journals; each is undone once.
pub static JOURNAL: Table = Table {
    name: "journal",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("template"),
        Column::text("reason"),
        Column::text("value_date"),
        Column::text("lines"),
        Column::text("reverses"),
        Column::text("state"),
        Column::text("decision"),
        Column::text("proposed_by"),
        Column::int("created_at"),
    ],
    unique: &[],
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, template, reason, value_date, lines, reverses, decision, proposed_by, ",
            "created_at, version FROM journal ",
            $rest
        )
    };
}

impl Change {
    /// Writes a draft down.
    pub fn insert_journal(&mut self, journal: &Journal) -> &mut Change {
        self.insert(
            &JOURNAL,
            vec![
                Value::text(journal.id),
                Value::text(journal.merchant),
                journal.template.into(),
                journal.reason.as_str().into(),
                Value::text(journal.value_date),
                // Plain data: serialising it to a string cannot fail.
                serde_json::to_string(&journal.lines).unwrap_or_default().into(),
                journal.reverses.map(|id| id.to_string()).into(),
                journal.state.as_str().into(),
                decision(&journal.state),
                Value::text(journal.proposed_by),
                journal.created_at.into(),
            ],
        )
    }

    /// Writes a decision.
    pub fn decide_journal(&mut self, journal: &Versioned<Journal>, state: &JournalState) -> &mut Change {
        let set = vec![("state", state.as_str().into()), ("decision", decision(state))];
        self.update(&JOURNAL, journal.value.id, journal.version, set)
    }
}

fn decision(state: &JournalState) -> Value {
    // Plain data: serialising it to a string cannot fail.
    Value::Text(serde_json::to_string(state).unwrap_or_default())
}

impl Store {
    /// One journal of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn journal(
        &self,
        merchant: MerchantId,
        id: JournalId,
    ) -> Result<Option<Versioned<Journal>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND id = $2"))
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// The journals that undo this one and are not rejected.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reversals_of(
        &self,
        merchant: MerchantId,
        id: JournalId,
    ) -> Result<Vec<Versioned<Journal>>, StoreError> {
        let query = sqlx::query(select!(
            "WHERE merchant_id = $1 AND reverses = $2 AND state <> 'rejected' ORDER BY id"
        ))
        .bind(merchant.to_string())
        .bind(id.to_string());
        self.all(query, read).await
    }

    /// A merchant's journals by id, newest last; `state` narrows to `draft`, `booked` or `rejected`. In reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn journals(
        &self,
        merchant: MerchantId,
        state: Option<&str>,
        seek: Seek<JournalId>,
        limit: u32,
    ) -> Result<Vec<Journal>, StoreError> {
        let sql = match seek.is_backwards() {
            false => {
                select!("WHERE merchant_id = $1 AND ($2 = '' OR state = $2) AND id > $3 ORDER BY id LIMIT $4")
            }
            true => select!(
                "WHERE merchant_id = $1 AND ($2 = '' OR state = $2) AND id < $3 ORDER BY id DESC LIMIT $4"
            ),
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(state.unwrap_or_default())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|journal| journal.value)).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Journal>, StoreError> {
    let row = Row::of("journal", row);
    let template = row.text("template")?;
    row.versioned(Journal {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        template: Template::word(&template).ok_or_else(|| row.unreadable("template", template))?,
        reason: row.text("reason")?,
        value_date: row.parse("value_date")?,
        lines: row.json("lines")?,
        reverses: row.optional("reverses")?,
        state: row.json("decision")?,
        proposed_by: row.parse("proposed_by")?,
        created_at: row.time("created_at")?,
    })
}
