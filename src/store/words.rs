//! Words of enums and small JSON documents as columns: `platform_collects`, `["SGD","THB"]`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::row::Row;
use super::{StoreError, Value};

/// A word as stored.
pub(super) fn word(value: &impl Serialize) -> Value {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Value::Text(text),
        _ => Value::Null,
    }
}

/// JSON as stored.
pub(super) fn json(value: &impl Serialize) -> Value {
    serde_json::to_string(value).map_or(Value::Null, Value::Text)
}

/// Reads a word.
pub(super) fn read<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T, StoreError> {
    let text = serde_json::Value::String(row.text(column)?);
    serde_json::from_value(text).map_err(|error| row.unreadable(column, error))
}

/// Reads a word or NULL.
pub(super) fn read_optional<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text = row.optional_text(column)?.map(serde_json::Value::String);
    text.map(serde_json::from_value).transpose().map_err(|error| row.unreadable(column, error))
}

/// Reads a SHA-256.
pub(super) fn digest(row: &Row<'_>, column: &'static str) -> Result<[u8; 32], StoreError> {
    row.bytes(column)?.try_into().map_err(|_| row.unreadable(column, "is not 32 bytes"))
}
