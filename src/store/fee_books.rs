//! Fee rules by which something was settled, kept under the hash of their text.

use chrono::{DateTime, Utc};

use super::row::Row;
use super::{Change, Column, Log, Store, StoreError};

/// Fee books; none of them changes or goes.
pub static FEE_BOOK: Log = Log {
    name: "fee_book",
    columns: &[Column::text("id"), Column::text("rules"), Column::int("created_at")],
    unique: &[&[0]],
};

impl Change {
    /// Keeps a fee book; a lost update where it is kept already.
    pub fn keep_fee_book(&mut self, id: &str, rules: &str, at: DateTime<Utc>) -> &mut Change {
        self.append(&FEE_BOOK, vec![id.into(), rules.into(), at.into()])
    }
}

impl Store {
    /// A fee book's rules (JSON).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_book(&self, id: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query("SELECT id, rules FROM fee_book WHERE id = $1").bind(id.to_owned());
        self.one(query, |row| Row::of("fee_book", row).text("rules")).await
    }

    /// Since when fee books are kept, and with them what each settlement is computed from; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_books_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let query = sqlx::query("SELECT id, created_at FROM fee_book ORDER BY created_at LIMIT 1");
        self.one(query, |row| Row::of("fee_book", row).time("created_at")).await
    }
}
