//! Accounts at payout rails.

use sqlx::any::AnyRow;

use crate::domain::merchants::RailAccount;
use crate::ids::{MerchantId, RailAccountId};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Seek, Store, StoreError, Table, Value};

/// Rail accounts.
pub static RAIL_ACCOUNT: Table = Table {
    name: "rail_account",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("name"),
        Column::text("rail"),
        Column::text("currency"),
        Column::text("funding"),
        Column::int("created_at"),
    ],
    unique: &[&[1, 2, 4]],
};

impl Change {
    /// A new rail account.
    pub fn insert_rail_account(&mut self, account: &RailAccount) -> &mut Change {
        self.insert(
            &RAIL_ACCOUNT,
            vec![
                Value::text(account.id),
                Value::text(account.merchant),
                account.name.as_str().into(),
                account.rail.as_str().into(),
                Value::text(account.currency),
                json(&account.funding),
                account.created_at.into(),
            ],
        )
    }
}

impl Store {
    /// A merchant's rail account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rail_account(
        &self,
        merchant: MerchantId,
        id: RailAccountId,
    ) -> Result<Option<RailAccount>, StoreError> {
        let query = sqlx::query("SELECT * FROM rail_account WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_rail_account).await
    }

    /// A merchant's rail accounts from a place on, oldest first; before a place, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rail_accounts(
        &self,
        merchant: MerchantId,
        seek: Seek<RailAccountId>,
        limit: i64,
    ) -> Result<Vec<RailAccount>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM rail_account WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => "SELECT * FROM rail_account WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, read_rail_account).await
    }
}

fn read_rail_account(row: &AnyRow) -> Result<RailAccount, StoreError> {
    let row = Row::of("rail_account", row);
    Ok(RailAccount {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        name: row.text("name")?,
        rail: row.text("rail")?,
        currency: row.parse("currency")?,
        funding: row.json("funding")?,
        created_at: row.time("created_at")?,
    })
}
