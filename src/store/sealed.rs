//! Every sealed column besides the gateway accounts' own, for sealing anew under another master key.

use super::payments::PAYMENT;
use super::row::Row;
use super::suppliers::SUPPLIER_ACCOUNT;
use super::{Store, StoreError, Table};

/// A sealed value with what it takes to replace it.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The table.
    pub table: &'static Table,
    /// The column.
    pub column: &'static str,
    /// The row.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// What it is sealed for.
    pub place: String,
    /// The sealed value.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Every sealed value of payments and payout accounts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed_rows(&self) -> Result<Vec<SealedRow>, StoreError> {
        let mut sealed = vec![];
        let queries = [
            (
                &PAYMENT,
                "secrets",
                "SELECT id, version, secrets FROM payment WHERE secrets IS NOT NULL ORDER BY id",
            ),
            (&SUPPLIER_ACCOUNT, "details", "SELECT id, version, details FROM supplier_account ORDER BY id"),
        ];
        for (table, column, sql) in queries {
            for row in &sqlx::query(sql).fetch_all(self.reads()).await? {
                let row = Row::of(table.name, row);
                let id = row.text("id")?;
                let place = format!("{}/{id}/{column}", table.name);
                let (version, bytes) = (row.int("version")?, row.bytes(column)?);
                sealed.push(SealedRow { table, column, id, version, place, bytes });
            }
        }
        Ok(sealed)
    }
}
