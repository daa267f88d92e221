//! Bank accounts. Their numbers are sealed; only the last characters can be read without the vault.

use sqlx::any::AnyRow;

use crate::domain::merchants::BankAccount;
use crate::ids::{BankAccountId, MerchantId};

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, Seek, Store, StoreError, Table, Value};

/// Bank accounts.
pub static BANK_ACCOUNT: Table = Table {
    name: "bank_account",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("name"),
        Column::text("kind"),
        Column::text("currency"),
        Column::text("country"),
        Column::text("bic"),
        Column::text("hint"),
        Column::text("sweeps"),
        Column::bytes("details"),
        Column::int("created_at"),
        Column::text("address"),
    ],
    unique: &[&[1, 3, 2, 4]],
};

/// A bank account with its sealed number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBankAccount {
    /// What the books need to know.
    pub account: BankAccount,
    /// Number and statement identification, sealed for [`details_place`].
    pub sealed: Vec<u8>,
}

/// What a bank account's number is sealed for.
pub fn details_place(id: BankAccountId) -> String {
    format!("bank_account/{id}/details")
}

impl Change {
    /// A new bank account.
    pub fn insert_bank_account(&mut self, stored: &StoredBankAccount) -> &mut Change {
        let account = &stored.account;
        self.insert(
            &BANK_ACCOUNT,
            vec![
                Value::text(account.id),
                Value::text(account.merchant),
                account.name.as_str().into(),
                word(&account.kind),
                Value::text(account.currency),
                account.country.as_str().into(),
                account.bic.clone().into(),
                account.hint.as_str().into(),
                json(&account.sweeps),
                stored.sealed.clone().into(),
                account.created_at.into(),
                json(&account.address),
            ],
        )
    }
}

impl Store {
    /// A merchant's bank account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_account(
        &self,
        merchant: MerchantId,
        id: BankAccountId,
    ) -> Result<Option<StoredBankAccount>, StoreError> {
        let query = sqlx::query("SELECT * FROM bank_account WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_bank_account).await
    }

    /// A merchant's bank accounts from a place on, oldest first; before a place, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_accounts(
        &self,
        merchant: MerchantId,
        seek: Seek<BankAccountId>,
        limit: i64,
    ) -> Result<Vec<StoredBankAccount>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM bank_account WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => "SELECT * FROM bank_account WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, read_bank_account).await
    }

    /// Every bank account of a merchant, oldest first: a statement or a sweep is held against all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_bank_accounts(
        &self,
        merchant: MerchantId,
    ) -> Result<Vec<StoredBankAccount>, StoreError> {
        let query = sqlx::query("SELECT * FROM bank_account WHERE merchant_id = $1 ORDER BY id")
            .bind(merchant.to_string());
        self.all(query, read_bank_account).await
    }
}

fn read_bank_account(row: &AnyRow) -> Result<StoredBankAccount, StoreError> {
    let row = Row::of("bank_account", row);
    let account = BankAccount {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        name: row.text("name")?,
        kind: words::read(&row, "kind")?,
        currency: row.parse("currency")?,
        country: row.text("country")?,
        bic: row.optional_text("bic")?,
        hint: row.text("hint")?,
        sweeps: row.json("sweeps")?,
        address: row.json("address")?,
        created_at: row.time("created_at")?,
    };
    Ok(StoredBankAccount { account, sealed: row.bytes("details")? })
}
