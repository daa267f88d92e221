//! Every sealed column besides the gateway accounts' own, page by page, for sealing anew under another master key.

use super::bank_accounts::BANK_ACCOUNT;
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

/// A sealed column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedColumn {
    /// What adapters remember about payments.
    PaymentSecrets,
    /// Where suppliers are paid.
    PayoutDetails,
    /// The merchants' own account numbers at banks.
    BankDetails,
}

impl SealedColumn {
    /// Each of them.
    pub const ALL: [SealedColumn; 3] =
        [SealedColumn::PaymentSecrets, SealedColumn::PayoutDetails, SealedColumn::BankDetails];
}

impl Store {
    /// A column's sealed values after the row `after` (empty: from the first), by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed_rows(
        &self,
        column: SealedColumn,
        after: &str,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let (table, column, sql) = match column {
            SealedColumn::PaymentSecrets => (
                &PAYMENT,
                "secrets",
                "SELECT id, version, secrets FROM payment WHERE secrets IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
            ),
            SealedColumn::PayoutDetails => (
                &SUPPLIER_ACCOUNT,
                "details",
                "SELECT id, version, details FROM supplier_account WHERE id > $1 ORDER BY id LIMIT $2",
            ),
            SealedColumn::BankDetails => (
                &BANK_ACCOUNT,
                "details",
                "SELECT id, version, details FROM bank_account WHERE id > $1 ORDER BY id LIMIT $2",
            ),
        };
        let rows =
            sqlx::query(sql).bind(after.to_owned()).bind(i64::from(limit)).fetch_all(self.reads()).await?;
        let sealed = |row| {
            let row = Row::of(table.name, row);
            let id = row.text("id")?;
            let place = format!("{}/{id}/{column}", table.name);
            let (version, bytes) = (row.int("version")?, row.bytes(column)?);
            Ok(SealedRow { table, column, id, version, place, bytes })
        };
        rows.iter().map(sealed).collect()
    }
}
