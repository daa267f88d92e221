//! On what terms suppliers are paid out, and what each approver may approve.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::payouts::PayoutTerms;
use crate::ids::{MerchantId, SupplierId, UserId};
use crate::money::Money;

use super::row::Row;
use super::words::json;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// A row for each supplier that has terms of its own.
pub static PAYOUT_TERMS: Table = Table {
    name: "payout_terms",
    columns: &[
        Column::text("supplier_id"),
        Column::text("merchant_id"),
        Column::text("terms"),
        Column::int("updated_at"),
    ],
    unique: &[],
};

/// A row for each user whose approvals are limited.
pub static APPROVER_LIMIT: Table = Table {
    name: "approver_limit",
    columns: &[
        Column::text("user_id"),
        Column::text("merchant_id"),
        Column::text("limits"),
        Column::int("updated_at"),
    ],
    unique: &[],
};

impl Change {
    /// A supplier's terms from now on; `before` is the version that was read, `None` where it had none.
    pub fn set_payout_terms(
        &mut self,
        merchant: MerchantId,
        supplier: SupplierId,
        terms: &PayoutTerms,
        before: Option<i64>,
        now: DateTime<Utc>,
    ) -> &mut Change {
        match before {
            None => self.insert(
                &PAYOUT_TERMS,
                vec![Value::text(supplier), Value::text(merchant), json(terms), now.into()],
            ),
            Some(version) => {
                let set = vec![("terms", json(terms)), ("updated_at", now.into())];
                self.update(&PAYOUT_TERMS, supplier, version, set)
            }
        }
    }

    /// What a user may approve from now on, by currency.
    pub fn set_approver_limit(
        &mut self,
        merchant: MerchantId,
        user: UserId,
        limits: &[Money],
        before: Option<i64>,
        now: DateTime<Utc>,
    ) -> &mut Change {
        match before {
            None => self.insert(
                &APPROVER_LIMIT,
                vec![Value::text(user), Value::text(merchant), json(&limits), now.into()],
            ),
            Some(version) => {
                let set = vec![("limits", json(&limits)), ("updated_at", now.into())];
                self.update(&APPROVER_LIMIT, user, version, set)
            }
        }
    }
}

impl Store {
    /// A supplier's terms; `None` where it has none of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_terms(
        &self,
        supplier: SupplierId,
    ) -> Result<Option<Versioned<PayoutTerms>>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM payout_terms WHERE supplier_id = $1").bind(supplier.to_string());
        self.one(query, |row| read_terms(row).map(|(_, terms)| terms)).await
    }

    /// Every supplier of a merchant that has terms of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_terms_of(
        &self,
        merchant: MerchantId,
    ) -> Result<Vec<(SupplierId, Versioned<PayoutTerms>)>, StoreError> {
        let query = sqlx::query("SELECT * FROM payout_terms WHERE merchant_id = $1 ORDER BY supplier_id")
            .bind(merchant.to_string());
        self.all(query, read_terms).await
    }

    /// What a user may approve; `None`: without limit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn approver_limit(&self, user: UserId) -> Result<Option<Versioned<Vec<Money>>>, StoreError> {
        let query = sqlx::query("SELECT * FROM approver_limit WHERE user_id = $1").bind(user.to_string());
        self.one(query, |row| read_limit(row).map(|(_, limit)| limit)).await
    }

    /// Every limited user of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn approver_limits(
        &self,
        merchant: MerchantId,
    ) -> Result<Vec<(UserId, Versioned<Vec<Money>>)>, StoreError> {
        let query = sqlx::query("SELECT * FROM approver_limit WHERE merchant_id = $1 ORDER BY user_id")
            .bind(merchant.to_string());
        self.all(query, read_limit).await
    }
}

fn read_terms(row: &AnyRow) -> Result<(SupplierId, Versioned<PayoutTerms>), StoreError> {
    let row = Row::of("payout_terms", row);
    Ok((row.parse("supplier_id")?, row.versioned(row.json("terms")?)?))
}

fn read_limit(row: &AnyRow) -> Result<(UserId, Versioned<Vec<Money>>), StoreError> {
    let row = Row::of("approver_limit", row);
    Ok((row.parse("user_id")?, row.versioned(row.json("limits")?)?))
}
