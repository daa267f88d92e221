//! What gateways charged apart from their payouts.

use sqlx::any::AnyRow;

use crate::domain::deposits::{FeeCharge, FeeReturn};
use crate::ids::{BankAccountId, BankLineId, FeeChargeId, MerchantId};
use crate::money::{Currency, Money};

use super::row::Row;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Charges.
pub static FEE_CHARGE: Table = Table {
    name: "fee_charge",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("gateway_account"),
        Column::text("reference"),
        Column::int("charged_at"),
        Column::text("currency"),
        Column::int("fee"),
        Column::int("tax"),
        Column::int("captures"),
        Column::int("accrued"),
        Column::int("rounding"),
        Column::int("drift"),
        Column::text("bank_account_id"),
        Column::text("bank_line_id"),
        Column::int("recorded_at"),
        Column::text("returned_line_id"),
        Column::text("returned_on"),
    ],
    unique: &[&[1, 2, 3]],
};

impl Change {
    /// A new charge.
    pub fn insert_fee_charge(&mut self, charge: &FeeCharge) -> &mut Change {
        self.insert(
            &FEE_CHARGE,
            vec![
                Value::text(charge.id),
                Value::text(charge.merchant),
                charge.gateway_account.as_str().into(),
                charge.reference.as_str().into(),
                charge.charged_at.into(),
                Value::text(charge.fee.currency()),
                charge.fee.minor().into(),
                charge.tax.minor().into(),
                i64::from(charge.captures).into(),
                charge.accrued.minor().into(),
                charge.rounding.minor().into(),
                charge.drift.minor().into(),
                charge.paid_from.map(Value::text).into(),
                charge.bank_line.map(Value::text).into(),
                charge.recorded_at.into(),
                charge.returned.map(|returned| Value::text(returned.line)).into(),
                charge.returned.map(|returned| Value::text(returned.on)).into(),
            ],
        )
    }

    /// A bank's line debited it.
    pub fn fee_charge_seen(&mut self, charge: &Versioned<FeeCharge>, line: BankLineId) -> &mut Change {
        let set = vec![
            ("bank_line_id", Value::text(line)),
            ("returned_line_id", Value::Null),
            ("returned_on", Value::Null),
        ];
        self.update(&FEE_CHARGE, charge.value.id, charge.version, set)
    }

    /// The line that debited it was taken back.
    pub fn fee_charge_returned(&mut self, charge: &Versioned<FeeCharge>, returned: FeeReturn) -> &mut Change {
        let set = vec![
            ("bank_line_id", Value::Null),
            ("returned_line_id", Value::text(returned.line)),
            ("returned_on", Value::text(returned.on)),
        ];
        self.update(&FEE_CHARGE, charge.value.id, charge.version, set)
    }

    /// Nothing of it changes, and whoever read it before loses: its debit is missed.
    pub fn fee_charge_missed(&mut self, charge: &Versioned<FeeCharge>) -> &mut Change {
        self.update(&FEE_CHARGE, charge.value.id, charge.version, vec![("bank_line_id", Value::Null)])
    }
}

impl Store {
    /// A merchant's charge.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_charge(
        &self,
        merchant: MerchantId,
        id: FeeChargeId,
    ) -> Result<Option<Versioned<FeeCharge>>, StoreError> {
        let query = sqlx::query("SELECT * FROM fee_charge WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// The charge of a gateway account by the gateway's own reference.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_charge_by_reference(
        &self,
        merchant: MerchantId,
        account: &str,
        reference: &str,
    ) -> Result<Option<FeeCharge>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM fee_charge WHERE merchant_id = $1 AND gateway_account = $2 AND reference = $3",
        )
        .bind(merchant.to_string())
        .bind(account.to_owned())
        .bind(reference.to_owned());
        self.one(query, |row| read(row).map(|row| row.value)).await
    }

    /// A merchant's charges in reading order, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_charges(
        &self,
        merchant: MerchantId,
        seek: Seek<FeeChargeId>,
        limit: i64,
    ) -> Result<Vec<FeeCharge>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM fee_charge WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => "SELECT * FROM fee_charge WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, |row| read(row).map(|row| row.value)).await
    }

    /// Charges that a bank account paid and no line has debited, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_charges_unseen(
        &self,
        account: BankAccountId,
        currency: Currency,
    ) -> Result<Vec<Versioned<FeeCharge>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM fee_charge WHERE bank_account_id = $1 AND currency = $2 AND bank_line_id IS NULL
             ORDER BY charged_at, id",
        )
        .bind(account.to_string())
        .bind(currency.to_string());
        self.all(query, read).await
    }

    /// Charges of one `total` that a bank account paid and lines have debited, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fee_charges_seen(
        &self,
        account: BankAccountId,
        total: Money,
        limit: i64,
    ) -> Result<Vec<Versioned<FeeCharge>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM fee_charge WHERE bank_account_id = $1 AND currency = $2 AND fee + tax = $3
                AND bank_line_id IS NOT NULL
             ORDER BY charged_at DESC, id DESC LIMIT $4",
        )
        .bind(account.to_string())
        .bind(total.currency().to_string())
        .bind(total.minor())
        .bind(limit);
        self.all(query, read).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<FeeCharge>, StoreError> {
    let row = Row::of("fee_charge", row);
    let money = |column: &'static str| row.money(column, "currency");
    let charge = FeeCharge {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        gateway_account: row.text("gateway_account")?,
        reference: row.text("reference")?,
        charged_at: row.time("charged_at")?,
        fee: money("fee")?,
        tax: money("tax")?,
        captures: u32::try_from(row.int("captures")?)
            .map_err(|_| row.unreadable("captures", "is no count"))?,
        accrued: money("accrued")?,
        rounding: money("rounding")?,
        drift: money("drift")?,
        paid_from: row.optional("bank_account_id")?,
        bank_line: row.optional("bank_line_id")?,
        recorded_at: row.time("recorded_at")?,
        returned: match row.optional("returned_line_id")? {
            Some(line) => Some(FeeReturn { line, on: row.parse("returned_on")? }),
            None => None,
        },
    };
    row.versioned(charge)
}
