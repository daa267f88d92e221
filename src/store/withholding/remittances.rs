//! Payments of withheld tax to authorities.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::withholding::{
    CertificateId, Owed, Remittance, RemittanceLine, RemittanceState, TaxPeriod,
};
use crate::ids::{BankAccountId, BankLineId, MerchantId, RemittanceId, SupplierId};
use crate::money::{Currency, Money};
use crate::store::row::Row;
use crate::store::words::json;
use crate::store::{Change, Column, Log, Seek, Store, StoreError, Table, Value, Versioned};

/// Payments, proposed and decided.
pub static WITHHOLDING_REMITTANCE: Table = Table {
    name: "withholding_remittance",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("authority"),
        Column::text("period"),
        Column::text("currency"),
        Column::text("bank_account_id"),
        Column::text("bank"),
        Column::text("reference"),
        Column::text("lines"),
        Column::text("state"),
        Column::text("decision"),
        Column::text("proposed_by"),
        Column::int("created_at"),
        Column::text("bank_line_id"),
    ],
    unique: &[],
};

/// What of each period's tax was paid; below zero: came back.
pub static WITHHOLDING_REMITTED: Log = Log {
    name: "withholding_remitted",
    columns: &[
        Column::text("supplier_id"),
        Column::text("rule"),
        Column::text("currency"),
        Column::text("period"),
        Column::int("nth"),
        Column::text("merchant_id"),
        Column::text("authority"),
        Column::text("remittance_id"),
        Column::int("amount"),
    ],
    unique: &[&[0, 1, 2, 3, 4]],
};

/// Whose tax: what was withheld for an authority in a period, in a currency.
#[derive(Debug, Clone, Copy)]
pub struct TaxOf<'a> {
    /// Whose book.
    pub merchant: MerchantId,
    /// For whom.
    pub authority: &'a str,
    /// In which period.
    pub period: TaxPeriod,
    /// In which currency.
    pub currency: Currency,
}

impl Change {
    /// Writes a proposal down.
    pub fn insert_remittance(&mut self, remittance: &Remittance) -> &mut Change {
        self.insert(
            &WITHHOLDING_REMITTANCE,
            vec![
                Value::text(remittance.id),
                Value::text(remittance.merchant),
                remittance.authority.as_str().into(),
                Value::text(remittance.period),
                Value::text(remittance.currency),
                Value::text(remittance.bank_account),
                remittance.bank.as_str().into(),
                remittance.reference.as_str().into(),
                json(&remittance.lines),
                remittance.state.as_str().into(),
                json(&remittance.state),
                Value::text(remittance.proposed_by),
                remittance.created_at.into(),
                remittance.bank_line.map(Value::text).into(),
            ],
        )
    }

    /// A bank's line says that it was paid.
    pub fn remittance_seen(&mut self, of: &Versioned<Remittance>, line: BankLineId) -> &mut Change {
        let set = vec![("bank_line_id", Value::text(line))];
        self.update(&WITHHOLDING_REMITTANCE, of.value.id, of.version, set)
    }

    /// Writes a decision; with the bank's line that had debited it before.
    pub fn decide_remittance(
        &mut self,
        before: &Versioned<Remittance>,
        state: &RemittanceState,
        line: Option<BankLineId>,
    ) -> &mut Change {
        let set = vec![
            ("state", state.as_str().into()),
            ("decision", json(state)),
            ("bank_line_id", line.map(Value::text).into()),
        ];
        self.update(&WITHHOLDING_REMITTANCE, before.value.id, before.version, set)
    }

    /// A line of it is paid, or below zero came back, behind `earlier` rows of the same tax.
    pub fn insert_remitted(&mut self, of: &Remittance, line: &RemittanceLine, earlier: i64) -> &mut Change {
        self.append(
            &WITHHOLDING_REMITTED,
            vec![
                Value::text(line.supplier),
                line.rule.as_str().into(),
                Value::text(of.currency),
                Value::text(of.period),
                (earlier + 1).into(),
                Value::text(of.merchant),
                of.authority.as_str().into(),
                Value::text(of.id),
                line.amount.minor().into(),
            ],
        )
    }
}

impl Store {
    /// One payment of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remittance(
        &self,
        merchant: MerchantId,
        id: RemittanceId,
    ) -> Result<Option<Versioned<Remittance>>, StoreError> {
        let query = sqlx::query("SELECT * FROM withholding_remittance WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// What was paid from a bank account and no line has shown, of what was proposed up to a time; newest first. When it was
    /// booked is for the reader to see.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remittances_unseen(
        &self,
        account: BankAccountId,
        currency: Currency,
        upto: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Versioned<Remittance>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM withholding_remittance WHERE bank_account_id = $1 AND state = 'booked'
             AND currency = $2 AND bank_line_id IS NULL AND created_at <= $3 ORDER BY id DESC LIMIT $4",
        )
        .bind(account.to_string())
        .bind(currency.code())
        .bind(upto.timestamp_micros())
        .bind(i64::from(limit));
        self.all(query, read).await
    }

    /// Payments from a bank account, in any state, whose reference or id stands somewhere in a text that has single spaces;
    /// those that no line has shown first, then the newest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remittances_named(
        &self,
        merchant: MerchantId,
        account: BankAccountId,
        said: &str,
        limit: u32,
    ) -> Result<Vec<Versioned<Remittance>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM withholding_remittance WHERE merchant_id = $1 AND bank_account_id = $2
             AND (REPLACE($3, REPLACE(TRIM(reference), '  ', ' '), '') <> $3 OR REPLACE($3, id, '') <> $3)
             ORDER BY CASE WHEN bank_line_id IS NULL THEN 0 ELSE 1 END, id DESC LIMIT $4",
        )
        .bind(merchant.to_string())
        .bind(account.to_string())
        .bind(said.to_owned())
        .bind(i64::from(limit));
        self.all(query, read).await
    }

    /// Payments of one tax that the bank brought back, each with the line that did; oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remittances_returned(
        &self,
        of: &TaxOf<'_>,
    ) -> Result<Vec<(Remittance, BankLineId)>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM withholding_remittance WHERE merchant_id = $1 AND state = 'returned'
             AND authority = $2 AND period = $3 AND currency = $4 ORDER BY id",
        )
        .bind(of.merchant.to_string())
        .bind(of.authority.to_owned())
        .bind(of.period.to_string())
        .bind(of.currency.code());
        let rows = self.all(query, |row| read(row).map(|found| found.value)).await?;
        let with_line = |row: Remittance| match row.state {
            RemittanceState::Returned { line, .. } => Some((row, line)),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(with_line).collect())
    }

    /// How many rows say what was paid, or came back, of each supplier's and rule's tax in a payment's period.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remitted_counts(
        &self,
        of: &Remittance,
    ) -> Result<BTreeMap<(SupplierId, String), i64>, StoreError> {
        let suppliers = of.lines.iter().map(|line| line.supplier);
        let Some((first, last)) = suppliers.clone().min().zip(suppliers.max()) else {
            return Ok(BTreeMap::new());
        };
        let query = sqlx::query(
            "SELECT supplier_id, rule, COUNT(*) AS rows_before FROM withholding_remitted
             WHERE supplier_id >= $1 AND supplier_id <= $2 AND merchant_id = $3 AND currency = $4 AND period = $5
             GROUP BY supplier_id, rule",
        )
        .bind(first.to_string())
        .bind(last.to_string())
        .bind(of.merchant.to_string())
        .bind(of.currency.code())
        .bind(of.period.to_string());
        let rows = self.all(query, |row| {
            let row = Row::of("withholding_remitted", row);
            Ok(((row.parse("supplier_id")?, row.text("rule")?), row.int("rows_before")?))
        });
        Ok(rows.await?.into_iter().collect())
    }

    /// A merchant's payments by id, in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remittances(
        &self,
        merchant: MerchantId,
        seek: Seek<RemittanceId>,
        limit: u32,
    ) -> Result<Vec<Remittance>, StoreError> {
        let sql = match seek.is_backwards() {
            false => {
                "SELECT * FROM withholding_remittance WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3"
            }
            true => {
                "SELECT * FROM withholding_remittance WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|found| found.value)).await
    }

    /// What is left of what was withheld for an authority in a period, by supplier and rule, in that order: of suppliers from
    /// the first to the last of `among`, and at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tax_owed(
        &self,
        of: &TaxOf<'_>,
        among: Option<(SupplierId, SupplierId)>,
        limit: Option<usize>,
    ) -> Result<Vec<Owed>, StoreError> {
        let query = sqlx::query(
            "SELECT supplier_id, rule, currency, withheld, remitted, payments FROM (
               SELECT w.supplier_id, w.rule, w.currency, CAST(SUM(w.withheld) AS BIGINT) AS withheld,
                    (SELECT CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) FROM withholding_remitted r
                     WHERE r.supplier_id = w.supplier_id AND r.rule = w.rule AND r.currency = w.currency
                     AND r.period = $3) AS remitted,
                    (SELECT COUNT(*) FROM withholding_remitted r
                     WHERE r.supplier_id = w.supplier_id AND r.rule = w.rule AND r.currency = w.currency
                     AND r.period = $3) AS payments
               FROM withholding w WHERE w.merchant_id = $1 AND w.authority = $2 AND w.period = $3 AND w.currency = $4
                    AND ($5 = '' OR (w.supplier_id >= $5 AND w.supplier_id <= $6))
               GROUP BY w.supplier_id, w.rule, w.currency) AS owed
             WHERE withheld > remitted ORDER BY supplier_id, rule LIMIT $7",
        )
        .bind(of.merchant.to_string())
        .bind(of.authority.to_owned())
        .bind(of.period.to_string())
        .bind(of.currency.code())
        .bind(among.map(|(first, _)| first.to_string()).unwrap_or_default())
        .bind(among.map(|(_, last)| last.to_string()).unwrap_or_default())
        .bind(limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(i64::MAX));
        self.all(query, |row| {
            let row = Row::of("withholding", row);
            Ok(Owed {
                supplier: row.parse("supplier_id")?,
                rule: row.text("rule")?,
                withheld: row.money("withheld", "currency")?,
                remitted: row.money("remitted", "currency")?,
                payments: row.int("payments")?,
            })
        })
        .await
    }

    /// What was paid of a certificate's tax.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remitted_of(&self, of: &CertificateId) -> Result<Money, StoreError> {
        let query = sqlx::query(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount FROM withholding_remitted
             WHERE supplier_id = $1 AND rule = $2 AND currency = $3 AND period = $4",
        )
        .bind(of.supplier.to_string())
        .bind(of.rule.clone())
        .bind(of.currency.code())
        .bind(of.period.to_string());
        let minor = self.one(query, |row| Row::of("withholding_remitted", row).int("amount")).await?;
        Ok(Money::from_minor(minor.unwrap_or(0), of.currency))
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Remittance>, StoreError> {
    let row = Row::of("withholding_remittance", row);
    row.versioned(Remittance {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        authority: row.text("authority")?,
        period: row.parse("period")?,
        currency: row.parse("currency")?,
        bank_account: row.parse("bank_account_id")?,
        bank: row.text("bank")?,
        reference: row.text("reference")?,
        lines: row.json("lines")?,
        state: row.json("decision")?,
        proposed_by: row.parse("proposed_by")?,
        created_at: row.time("created_at")?,
        bank_line: row.optional("bank_line_id")?,
    })
}
