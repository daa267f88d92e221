//! Suppliers and their payout accounts. Account numbers are sealed; only their last characters can be read.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::merchants::{PayoutAccount, Supplier};
use crate::ids::{MerchantId, SupplierAccountId, SupplierId};

use super::row::Row;
use super::words::{self, word};
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Suppliers.
pub static SUPPLIER: Table = Table {
    name: "supplier",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("name"),
        Column::text("country"),
        Column::text("currency"),
        Column::int("created_at"),
        Column::text("tax_number"),
        Column::text("contacts"),
    ],
    unique: &[],
};

/// Payout accounts.
pub static SUPPLIER_ACCOUNT: Table = Table {
    name: "supplier_account",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("supplier_id"),
        Column::text("kind"),
        Column::text("country"),
        Column::text("currency"),
        Column::text("holder"),
        Column::text("hint"),
        Column::bytes("details"),
        Column::int("created_at"),
    ],
    unique: &[],
};

impl Change {
    /// A new supplier.
    pub fn insert_supplier(&mut self, supplier: &Supplier, at: DateTime<Utc>) -> &mut Change {
        self.insert(
            &SUPPLIER,
            vec![
                Value::text(supplier.id),
                Value::text(supplier.merchant),
                supplier.name.as_str().into(),
                supplier.country.as_str().into(),
                Value::text(supplier.currency),
                at.into(),
                supplier.tax_number.as_deref().unwrap_or_default().into(),
                words::json(&supplier.contacts),
            ],
        )
    }

    /// A supplier's new name, country, currency, tax number or contact.
    pub fn update_supplier(&mut self, supplier: &Versioned<Supplier>) -> &mut Change {
        self.update(
            &SUPPLIER,
            supplier.value.id,
            supplier.version,
            vec![
                ("name", supplier.value.name.as_str().into()),
                ("country", supplier.value.country.as_str().into()),
                ("currency", Value::text(supplier.value.currency)),
                ("tax_number", supplier.value.tax_number.as_deref().unwrap_or_default().into()),
                ("contacts", words::json(&supplier.value.contacts)),
            ],
        )
    }

    /// A new payout account; `sealed` holds its number.
    pub fn insert_payout_account(
        &mut self,
        merchant: MerchantId,
        account: &PayoutAccount,
        sealed: Vec<u8>,
    ) -> &mut Change {
        self.insert(
            &SUPPLIER_ACCOUNT,
            vec![
                Value::text(account.id),
                Value::text(merchant),
                Value::text(account.supplier),
                word(&account.kind),
                account.country.as_str().into(),
                Value::text(account.currency),
                account.holder.as_str().into(),
                account.hint.as_str().into(),
                sealed.into(),
                account.created_at.into(),
            ],
        )
    }
}

impl Change {
    /// Whoever pays the account first takes its row, as it is: two who do at once are one too many, and the second one looks
    /// again.
    pub fn take_payout_account(&mut self, account: &PayoutAccount, version: i64) -> &mut Change {
        let same = vec![("created_at", account.created_at.into())];
        self.update(&SUPPLIER_ACCOUNT, account.id, version, same)
    }
}

impl Store {
    /// How often the row of a payout account was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_account_version(&self, id: SupplierAccountId) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query("SELECT version FROM supplier_account WHERE id = $1").bind(id.to_string());
        self.one(query, |row| Row::of("supplier_account", row).int("version")).await
    }

    /// A merchant's supplier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn supplier(
        &self,
        merchant: MerchantId,
        id: SupplierId,
    ) -> Result<Option<Versioned<Supplier>>, StoreError> {
        let query = sqlx::query("SELECT * FROM supplier WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_supplier).await
    }

    /// A merchant's suppliers after an id, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppliers(
        &self,
        merchant: MerchantId,
        seek: Seek<SupplierId>,
        limit: i64,
    ) -> Result<Vec<Supplier>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM supplier WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => "SELECT * FROM supplier WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, |row| read_supplier(row).map(|supplier| supplier.value)).await
    }

    /// A merchant's suppliers that were there before a moment, after an id, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppliers_before(
        &self,
        merchant: MerchantId,
        before: DateTime<Utc>,
        after: Option<SupplierId>,
        limit: i64,
    ) -> Result<Vec<Supplier>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM supplier WHERE merchant_id = $1 AND id > $2 AND created_at < $3 ORDER BY id LIMIT $4",
        )
        .bind(merchant.to_string())
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(before.timestamp_micros())
        .bind(limit);
        self.all(query, |row| read_supplier(row).map(|supplier| supplier.value)).await
    }

    /// A supplier's payout accounts from a place on, oldest first; before a place, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_accounts(
        &self,
        merchant: MerchantId,
        supplier: SupplierId,
        seek: Seek<SupplierAccountId>,
        limit: i64,
    ) -> Result<Vec<PayoutAccount>, StoreError> {
        let sql = match seek.is_backwards() {
            false => {
                "SELECT * FROM supplier_account WHERE merchant_id = $1 AND supplier_id = $2 AND id > $3
                 ORDER BY id LIMIT $4"
            }
            true => {
                "SELECT * FROM supplier_account WHERE merchant_id = $1 AND supplier_id = $2 AND id < $3
                 ORDER BY id DESC LIMIT $4"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(supplier.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, read_account).await
    }

    /// Every supplier of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_suppliers(&self, merchant: MerchantId) -> Result<Vec<Supplier>, StoreError> {
        let query = sqlx::query("SELECT * FROM supplier WHERE merchant_id = $1 ORDER BY id")
            .bind(merchant.to_string());
        self.all(query, |row| read_supplier(row).map(|supplier| supplier.value)).await
    }

    /// Every payout account of a merchant's suppliers, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_payout_accounts(&self, merchant: MerchantId) -> Result<Vec<PayoutAccount>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM supplier_account WHERE merchant_id = $1 ORDER BY created_at, id")
                .bind(merchant.to_string());
        self.all(query, read_account).await
    }

    /// A payout account, and what is sealed of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_account(
        &self,
        merchant: MerchantId,
        id: SupplierAccountId,
    ) -> Result<Option<(PayoutAccount, Vec<u8>)>, StoreError> {
        let query = sqlx::query("SELECT * FROM supplier_account WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, |row| Ok((read_account(row)?, Row::of("supplier_account", row).bytes("details")?)))
            .await
    }
}

fn read_supplier(row: &AnyRow) -> Result<Versioned<Supplier>, StoreError> {
    let row = Row::of("supplier", row);
    let value = Supplier {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        name: row.text("name")?,
        country: row.text("country")?,
        currency: row.parse("currency")?,
        tax_number: Some(row.text("tax_number")?).filter(|number| !number.is_empty()),
        contacts: row.json("contacts")?,
    };
    Ok(Versioned { value, version: row.int("version")? })
}

fn read_account(row: &AnyRow) -> Result<PayoutAccount, StoreError> {
    let row = Row::of("supplier_account", row);
    Ok(PayoutAccount {
        id: row.parse("id")?,
        supplier: row.parse("supplier_id")?,
        kind: words::read(&row, "kind")?,
        country: row.text("country")?,
        currency: row.parse("currency")?,
        holder: row.text("holder")?,
        hint: row.text("hint")?,
        created_at: row.time("created_at")?,
    })
}
