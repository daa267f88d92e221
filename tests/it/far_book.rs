//! The far sides' own book, read past them: what really happened there.

use std::path::Path;

use serde_json::Value;
use sqlx::{AnyConnection, Connection, Row};

/// Every record with its kind, oldest first.
pub async fn records(folder: &Path) -> Vec<(String, Value)> {
    sqlx::any::install_default_drivers();
    let address = format!("sqlite://{}?mode=ro", folder.join("sandbox.db").display());
    let mut book = AnyConnection::connect(&address).await.unwrap();
    let rows = sqlx::query("SELECT kind, body FROM record ORDER BY seq").fetch_all(&mut book).await.unwrap();
    rows.iter().map(|row| (row.get("kind"), serde_json::from_str(row.get("body")).unwrap())).collect()
}
