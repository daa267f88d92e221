//! Words the database remembers about itself: the environment, the test clock's offset.

use sqlx::Row;

use super::{Change, Column, Kind, Store, StoreError, Table, Value, Versioned};

/// Key and value; both TEXT.
pub static SETTING: Table = Table {
    name: "setting",
    columns: &[Column { name: "key", kind: Kind::Text }, Column { name: "value", kind: Kind::Text }],
    unique: &[],
};

impl Store {
    /// A setting with the version of its row.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn setting(&self, key: &str) -> Result<Option<Versioned<String>>, StoreError> {
        let row = sqlx::query("SELECT value, version FROM setting WHERE key = $1")
            .bind(key)
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| Ok(Versioned { value: row.try_get(0)?, version: row.try_get(1)? })).transpose()
    }
}

impl Change {
    /// Sets a setting: `before` is what [`Store::setting`] answered.
    pub fn set_setting(
        &mut self,
        key: &str,
        value: impl ToString,
        before: Option<&Versioned<String>>,
    ) -> &mut Change {
        match before {
            None => self.insert(&SETTING, vec![key.into(), Value::text(value)]),
            Some(row) => self.update(&SETTING, key, row.version, vec![("value", Value::text(value))]),
        }
    }
}
