//! Payouts.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::ledger::journal::PayoutBooking;
use crate::domain::payouts::Payout;
use crate::ids::{MerchantId, PayoutBatchId, PayoutId, PlanId, SupplierAccountId, SupplierId};
use crate::money::{Currency, Money};

use super::row::Row;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Payouts; the id is the rail's key too, so that one is never another's.
pub static PAYOUT: Table = Table {
    name: "payout",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("plan_id"),
        Column::text("batch_id"),
        Column::text("supplier_id"),
        Column::text("supplier_account_id"),
        Column::text("rail_account_id"),
        Column::text("booking"),
        Column::text("currency"),
        Column::int("amount"),
        Column::int("borne"),
        Column::text("purpose"),
        Column::text("rail_ref"),
        Column::text("state"),
        Column::text("detail"),
        Column::text("charged"),
        Column::int("created_at"),
        Column::int("updated_at"),
        Column::text("fault"),
    ],
    unique: &[],
};

/// Which payouts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PayoutFilter<'a> {
    /// Of one supplier.
    pub supplier: Option<SupplierId>,
    /// Of one plan.
    pub plan: Option<PlanId>,
    /// In one state: its stored word.
    pub state: Option<&'a str>,
}

impl Change {
    /// Writes an instruction down.
    pub fn insert_payout(&mut self, payout: &Payout) -> &mut Change {
        self.insert(
            &PAYOUT,
            vec![
                Value::text(payout.id),
                Value::text(payout.merchant),
                Value::text(payout.plan),
                Value::text(payout.batch),
                Value::text(payout.supplier),
                Value::text(payout.account),
                Value::text(payout.rail_account),
                json(&payout.booking),
                Value::text(payout.amount.currency()),
                payout.amount.minor().into(),
                payout.borne.minor().into(),
                payout.purpose.clone().into(),
                payout.rail_ref.clone().into(),
                payout.state.as_str().into(),
                json(&payout.state),
                payout.charged.as_ref().map(json).into(),
                payout.created_at.into(),
                payout.updated_at.into(),
                payout.fault.as_ref().map(json).into(),
            ],
        )
    }

    /// Writes how a payout stands now.
    pub fn update_payout(&mut self, payout: &Payout, version: i64) -> &mut Change {
        self.update(
            &PAYOUT,
            payout.id,
            version,
            vec![
                ("rail_ref", payout.rail_ref.clone().into()),
                ("state", payout.state.as_str().into()),
                ("detail", json(&payout.state)),
                ("charged", payout.charged.as_ref().map(json).into()),
                ("updated_at", payout.updated_at.into()),
                ("fault", payout.fault.as_ref().map(json).into()),
            ],
        )
    }
}

fn json<T: serde::Serialize>(value: &T) -> Value {
    // Plain data: serialising it to a string cannot fail.
    Value::Text(serde_json::to_string(value).unwrap_or_default())
}

impl Store {
    /// One payout, whoever's it is: for reports that name it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout(&self, id: PayoutId) -> Result<Option<Versioned<Payout>>, StoreError> {
        let query = sqlx::query("SELECT * FROM payout WHERE id = $1").bind(id.to_string());
        self.one(query, read).await
    }

    /// The payouts of a batch, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payouts_of_batch(&self, batch: PayoutBatchId) -> Result<Vec<Versioned<Payout>>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM payout WHERE batch_id = $1 ORDER BY id").bind(batch.to_string());
        self.all(query, read).await
    }

    /// The payouts of a plan, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payouts_of_plan(&self, plan: PlanId) -> Result<Vec<Versioned<Payout>>, StoreError> {
        let query = sqlx::query("SELECT * FROM payout WHERE plan_id = $1 ORDER BY id").bind(plan.to_string());
        self.all(query, read).await
    }

    /// Payouts of a merchant that are not debited yet, which a debit of this amount may be: alone, or with all of its batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payouts_to_be_debited(
        &self,
        merchant: MerchantId,
        amount: Money,
    ) -> Result<Vec<Versioned<Payout>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM payout WHERE merchant_id = $1 AND currency = $2 AND state IN ('held', 'sent', 'unknown')
             AND (amount = $3 OR batch_id IN (SELECT batch_id FROM payout WHERE merchant_id = $1
                 AND currency = $2 AND state IN ('held', 'sent', 'unknown')
                 GROUP BY batch_id HAVING CAST(SUM(amount) AS BIGINT) = $3))
             ORDER BY id",
        )
        .bind(merchant.to_string())
        .bind(amount.currency().code())
        .bind(amount.minor());
        self.all(query, read).await
    }

    /// How many payouts of a plan are in each state, by its stored word.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_counts(&self, plan: PlanId) -> Result<Vec<(String, i64)>, StoreError> {
        let query = sqlx::query(
            "SELECT state, CAST(COUNT(*) AS BIGINT) AS n FROM payout WHERE plan_id = $1 GROUP BY state ORDER BY state",
        )
        .bind(plan.to_string());
        self.all(query, |row| {
            let row = Row::of("payout", row);
            Ok((row.text("state")?, row.int("n")?))
        })
        .await
    }

    /// Which accounts of a merchant's suppliers a payout has reached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn paid_accounts(&self, merchant: MerchantId) -> Result<Vec<SupplierAccountId>, StoreError> {
        let query = sqlx::query(
            "SELECT DISTINCT supplier_account_id FROM payout WHERE merchant_id = $1 AND state = 'paid'",
        )
        .bind(merchant.to_string());
        self.all(query, |row| Row::of("payout", row).parse("supplier_account_id")).await
    }

    /// Which accounts of a merchant's suppliers a payout is on its way to, in which currency, and by which plan.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts_under_way(
        &self,
        merchant: MerchantId,
    ) -> Result<Vec<(SupplierAccountId, Currency, PlanId)>, StoreError> {
        let query = sqlx::query(
            "SELECT DISTINCT supplier_account_id, currency, plan_id FROM payout WHERE merchant_id = $1
             AND state IN ('held', 'sent', 'unknown', 'unclaimed')",
        )
        .bind(merchant.to_string());
        self.all(query, |row| {
            let row = Row::of("payout", row);
            Ok((row.parse("supplier_account_id")?, row.parse("currency")?, row.parse("plan_id")?))
        })
        .await
    }

    /// From which accounts of a merchant's suppliers a payout has come back since a moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts_returned_since(
        &self,
        merchant: MerchantId,
        since: DateTime<Utc>,
    ) -> Result<Vec<SupplierAccountId>, StoreError> {
        let query = sqlx::query(
            "SELECT DISTINCT supplier_account_id FROM payout WHERE merchant_id = $1 AND state = 'returned'
             AND updated_at >= $2",
        )
        .bind(merchant.to_string())
        .bind(since.timestamp_micros());
        self.all(query, |row| Row::of("payout", row).parse("supplier_account_id")).await
    }

    /// A merchant's payouts by id, in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payouts(
        &self,
        merchant: MerchantId,
        filter: PayoutFilter<'_>,
        seek: Seek<PayoutId>,
        limit: u32,
    ) -> Result<Vec<Payout>, StoreError> {
        macro_rules! select {
            ($rest:literal) => {
                concat!(
                    "SELECT * FROM payout WHERE merchant_id = $1 AND ($2 = '' OR supplier_id = $2)
                     AND ($3 = '' OR plan_id = $3) AND ($4 = '' OR state = $4) ",
                    $rest
                )
            };
        }
        let sql = match seek.is_backwards() {
            false => select!("AND id > $5 ORDER BY id LIMIT $6"),
            true => select!("AND id < $5 ORDER BY id DESC LIMIT $6"),
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(filter.supplier.map(|id| id.to_string()).unwrap_or_default())
            .bind(filter.plan.map(|id| id.to_string()).unwrap_or_default())
            .bind(filter.state.unwrap_or_default())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|payout| payout.value)).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Payout>, StoreError> {
    let row = Row::of("payout", row);
    let currency: Currency = row.parse("currency")?;
    let booking: PayoutBooking = row.json("booking")?;
    row.versioned(Payout {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        plan: row.parse("plan_id")?,
        batch: row.parse("batch_id")?,
        supplier: row.parse("supplier_id")?,
        account: row.parse("supplier_account_id")?,
        rail_account: row.parse("rail_account_id")?,
        booking,
        amount: Money::from_minor(row.int("amount")?, currency),
        borne: Money::from_minor(row.int("borne")?, currency),
        purpose: row.optional_text("purpose")?,
        rail_ref: row.optional_text("rail_ref")?,
        state: row.json("detail")?,
        charged: row
            .optional_text("charged")?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|_| row.unreadable("charged", ""))?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        fault: row.optional_json("fault")?,
    })
}
