//! Merchants, their users and their gateway accounts.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::access::User;
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::ids::{MerchantId, UserId};

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// Merchants.
pub static MERCHANT: Table = Table {
    name: "merchant",
    columns: &[
        Column::text("id"),
        Column::text("name"),
        Column::text("role"),
        Column::text("zone"),
        Column::text("recognise"),
        Column::text("return_origins"),
        Column::text("tax_jurisdiction"),
        Column::int("created_at"),
        Column::text("tax_number"),
    ],
    unique: &[],
};

/// Users; `user` is a word of SQL.
pub static MERCHANT_USER: Table = Table {
    name: "merchant_user",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("name"),
        Column::int("created_at"),
    ],
    unique: &[],
};

/// Accounts at gateways.
pub static GATEWAY_ACCOUNT: Table = Table {
    name: "gateway_account",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("gateway"),
        Column::text("name"),
        Column::text("funds_flow"),
        Column::text("recharge"),
        Column::text("unreturned_fee"),
        Column::text("available_when"),
        Column::text("fx_point"),
        Column::text("holds"),
        Column::text("public"),
        Column::bytes("secrets"),
        Column::int("created_at"),
        Column::text("settlement"),
    ],
    unique: &[&[1, 3]],
};

/// A gateway account with the adapter's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGatewayAccount {
    /// What the books need to know.
    pub account: GatewayAccount,
    /// The adapter's public settings.
    pub public: serde_json::Map<String, serde_json::Value>,
    /// The adapter's secrets, sealed for [`secrets_place`].
    pub sealed: Vec<u8>,
}

/// What the secrets of a gateway account are sealed for.
pub fn secrets_place(account: &GatewayAccount) -> String {
    format!("gateway_account/{}/secrets", account.id)
}

impl Change {
    /// A new merchant.
    pub fn insert_merchant(&mut self, merchant: &Merchant, at: DateTime<Utc>) -> &mut Change {
        self.insert(
            &MERCHANT,
            vec![
                Value::text(merchant.id),
                merchant.name.as_str().into(),
                word(&merchant.role),
                Value::text(merchant.zone),
                word(&merchant.recognise),
                json(&merchant.return_origins),
                merchant.tax_jurisdiction.as_str().into(),
                at.into(),
                merchant.tax_number.as_deref().unwrap_or_default().into(),
            ],
        )
    }

    /// A new user.
    pub fn insert_user(&mut self, user: &User, at: DateTime<Utc>) -> &mut Change {
        self.insert(
            &MERCHANT_USER,
            vec![Value::text(user.id), Value::text(user.merchant), user.name.as_str().into(), at.into()],
        )
    }

    /// A new gateway account.
    pub fn insert_gateway_account(
        &mut self,
        stored: &StoredGatewayAccount,
        at: DateTime<Utc>,
    ) -> &mut Change {
        let account = &stored.account;
        self.insert(
            &GATEWAY_ACCOUNT,
            vec![
                Value::text(account.id),
                Value::text(account.merchant),
                account.gateway.as_str().into(),
                account.name.as_str().into(),
                word(&account.funds_flow),
                word(&account.recharge),
                account.unreturned_fee.map_or(Value::Null, |owner| word(&owner)),
                word(&account.available_when),
                word(&account.fx_point),
                json(&account.holds),
                json(&stored.public),
                stored.sealed.clone().into(),
                at.into(),
                word(&account.settlement),
            ],
        )
    }

    /// New settings and secrets of a gateway account that was read at a version.
    pub fn update_gateway_account(&mut self, stored: &Versioned<StoredGatewayAccount>) -> &mut Change {
        self.update(
            &GATEWAY_ACCOUNT,
            stored.value.account.id,
            stored.version,
            vec![
                ("holds", json(&stored.value.account.holds)),
                ("public", json(&stored.value.public)),
                ("secrets", stored.value.sealed.clone().into()),
            ],
        )
    }
}

impl Store {
    /// One merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
        let query = sqlx::query("SELECT * FROM merchant WHERE id = $1").bind(id.to_string());
        self.one(query, read_merchant).await
    }

    /// Every merchant, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        let query = sqlx::query("SELECT * FROM merchant ORDER BY id");
        self.all(query, read_merchant).await
    }

    /// A merchant's user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user(&self, merchant: MerchantId, id: UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT * FROM merchant_user WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string())
            .fetch_optional(self.reads())
            .await?;
        row.as_ref()
            .map(|row| {
                let row = Row::of("merchant_user", row);
                Ok(User {
                    id: row.parse("id")?,
                    merchant: row.parse("merchant_id")?,
                    name: row.text("name")?,
                })
            })
            .transpose()
    }

    /// Every gateway account of every merchant, oldest first: the service builds its adapters from them at start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gateway_accounts(&self) -> Result<Vec<Versioned<StoredGatewayAccount>>, StoreError> {
        let query = sqlx::query("SELECT * FROM gateway_account ORDER BY id");
        self.all(query, read_gateway_account).await
    }
}

fn read_merchant(row: &AnyRow) -> Result<Merchant, StoreError> {
    let row = Row::of("merchant", row);
    Ok(Merchant {
        id: row.parse("id")?,
        name: row.text("name")?,
        role: words::read(&row, "role")?,
        zone: row.parse("zone")?,
        recognise: words::read(&row, "recognise")?,
        return_origins: row.json("return_origins")?,
        tax_jurisdiction: row.text("tax_jurisdiction")?,
        tax_number: Some(row.text("tax_number")?).filter(|number| !number.is_empty()),
    })
}

fn read_gateway_account(row: &AnyRow) -> Result<Versioned<StoredGatewayAccount>, StoreError> {
    let row = Row::of("gateway_account", row);
    let available_when = words::read(&row, "available_when")?;
    // Accounts that were made before there was a choice have none.
    let settlement = words::read_optional(&row, "settlement")?;
    let account = GatewayAccount {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        gateway: row.text("gateway")?,
        name: row.text("name")?,
        funds_flow: words::read(&row, "funds_flow")?,
        recharge: words::read(&row, "recharge")?,
        unreturned_fee: words::read_optional(&row, "unreturned_fee")?,
        available_when,
        fx_point: words::read(&row, "fx_point")?,
        settlement: settlement.unwrap_or_else(|| GatewayAccount::usual_settlement(available_when)),
        holds: row.json("holds")?,
    };
    let value = StoredGatewayAccount { account, public: row.json("public")?, sealed: row.bytes("secrets")? };
    Ok(Versioned { value, version: row.int("version")? })
}
