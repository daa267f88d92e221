//! Withheld tax: what it is of, what was withheld with which payout, what was paid to authorities.

mod accounted;
mod remittances;
mod turnover;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::withholding::{CertificateId, Entry, TaxPeriod, Withheld};
use crate::ids::{MerchantId, PayoutId, SupplierId};
use crate::money::{Currency, Money};

use super::row::Row;
use super::words::word;
use super::{Change, Column, Log, Seek, Store, StoreError, Value};

pub use remittances::{TaxOf, WITHHOLDING_REMITTANCE, WITHHOLDING_REMITTED};
pub use turnover::WITHHOLDING_TURNOVER;

/// What payouts accounted for; the next number is free once.
pub static WITHHOLDING: Log = Log {
    name: "withholding",
    columns: &[
        Column::text("supplier_id"),
        Column::text("rule"),
        Column::text("currency"),
        Column::int("nth"),
        Column::text("merchant_id"),
        Column::text("authority"),
        Column::text("rule_version"),
        Column::text("percent"),
        Column::text("share_of_base"),
        Column::text("period"),
        Column::text("payout_id"),
        Column::int("sold"),
        Column::int("refunded"),
        Column::int("base"),
        Column::int("due"),
        Column::int("credit_before"),
        Column::int("withheld"),
        Column::int("credit"),
        Column::int("sold_total"),
        Column::int("refunded_total"),
        Column::int("booked_at"),
        Column::int("concerned"),
        Column::text("rounding"),
        Column::int("turnover_after"),
        Column::int("turnover_nth"),
    ],
    unique: &[&[0, 1, 2, 3]],
};

/// With which payout.
#[derive(Debug, Clone, Copy)]
pub struct WithheldWith {
    /// Whose book.
    pub merchant: MerchantId,
    /// From whom.
    pub supplier: SupplierId,
    /// The payout.
    pub payout: PayoutId,
    /// The period of the day on which it is booked.
    pub period: TaxPeriod,
    /// When.
    pub at: DateTime<Utc>,
}

/// Which certificates.
#[derive(Debug, Clone, Copy, Default)]
pub struct CertificateFilter<'a> {
    /// Of one supplier.
    pub supplier: Option<SupplierId>,
    /// Of one period.
    pub period: Option<TaxPeriod>,
    /// Of one authority.
    pub authority: Option<&'a str>,
}

impl Change {
    /// Writes down what a payout accounted for.
    pub fn insert_withheld(&mut self, tax: &Withheld, with: &WithheldWith) -> &mut Change {
        self.append(
            &WITHHOLDING,
            vec![
                Value::text(with.supplier),
                tax.rule.as_str().into(),
                Value::text(tax.withheld.currency()),
                tax.nth.into(),
                Value::text(with.merchant),
                tax.authority.as_str().into(),
                tax.version.as_str().into(),
                number(tax.percent.fraction() * rust_decimal::Decimal::ONE_HUNDRED),
                number(tax.share_of_base),
                Value::text(with.period),
                Value::text(with.payout),
                tax.sold.minor().into(),
                tax.refunded.minor().into(),
                tax.base.minor().into(),
                tax.due.minor().into(),
                tax.credit_before.minor().into(),
                tax.withheld.minor().into(),
                tax.credit.minor().into(),
                tax.sold_total.minor().into(),
                tax.refunded_total.minor().into(),
                with.at.into(),
                tax.concerned.into(),
                word(&tax.rounding),
                tax.turnover_after.into(),
                tax.turnover_nth.into(),
            ],
        )
    }
}

fn number(value: rust_decimal::Decimal) -> Value {
    Value::text(value.normalize())
}

impl Store {
    /// How often a supplier's turnover was accounted for under a rule.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withholding_nth(
        &self,
        (supplier, currency): (SupplierId, Currency),
        rule: &str,
    ) -> Result<i64, StoreError> {
        let query = sqlx::query(
            "SELECT CAST(COALESCE(MAX(nth), 0) AS BIGINT) AS nth FROM withholding
             WHERE supplier_id = $1 AND rule = $2 AND currency = $3",
        )
        .bind(supplier.to_string())
        .bind(rule.to_owned())
        .bind(currency.code());
        let found = self.one(query, |row| Row::of("withholding", row).int("nth")).await?;
        Ok(found.unwrap_or(0))
    }

    /// The certificates of a merchant by their numbers, in reading order; those that say nothing are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withholding_certificates(
        &self,
        merchant: MerchantId,
        filter: CertificateFilter<'_>,
        seek: Seek<CertificateId>,
        limit: u32,
    ) -> Result<Vec<CertificateId>, StoreError> {
        macro_rules! select {
            ($rest:literal) => {
                concat!(
                    "SELECT supplier_id, rule, currency, period FROM withholding
                     WHERE merchant_id = $1 AND ($2 = '' OR supplier_id = $2) AND ($3 = '' OR period = $3)
                     AND ($4 = '' OR authority = $4) AND (base <> 0 OR due <> 0 OR withheld <> 0)",
                    $rest
                )
            };
        }
        let sql = match seek.is_backwards() {
            false => select!(
                " AND (rule, period, currency, supplier_id) > ($5, $6, $7, $8)
                 GROUP BY rule, period, currency, supplier_id ORDER BY rule, period, currency, supplier_id LIMIT $9"
            ),
            true => select!(
                " AND (rule, period, currency, supplier_id) < ($5, $6, $7, $8) GROUP BY rule, period, currency, supplier_id
                 ORDER BY rule DESC, period DESC, currency DESC, supplier_id DESC LIMIT $9"
            ),
        };
        let text = |value: Option<String>| value.unwrap_or_default();
        let key = seek.key();
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(text(filter.supplier.map(|id| id.to_string())))
            .bind(text(filter.period.map(|period| period.to_string())))
            .bind(filter.authority.unwrap_or_default().to_owned())
            .bind(text(key.map(|key| key.rule.clone())))
            .bind(text(key.map(|key| key.period.to_string())))
            .bind(text(key.map(|key| key.currency.to_string())))
            .bind(text(key.map(|key| key.supplier.to_string())))
            .bind(i64::from(limit));
        self.all(query, |row| {
            let row = Row::of("withholding", row);
            Ok(CertificateId {
                rule: row.text("rule")?,
                period: row.parse("period")?,
                currency: row.parse("currency")?,
                supplier: row.parse("supplier_id")?,
            })
        })
        .await
    }

    /// What a certificate is made of, oldest first, and to which authority; nothing where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withholding_entries(
        &self,
        merchant: MerchantId,
        of: &CertificateId,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM withholding WHERE merchant_id = $1 AND rule = $2 AND period = $3 AND currency = $4
             AND supplier_id = $5 ORDER BY nth",
        )
        .bind(merchant.to_string())
        .bind(of.rule.clone())
        .bind(of.period.to_string())
        .bind(of.currency.code())
        .bind(of.supplier.to_string());
        self.all(query, read_entry).await
    }
}

fn read_entry(row: &AnyRow) -> Result<(String, Entry), StoreError> {
    let row = Row::of("withholding", row);
    let percent: rust_decimal::Decimal = row.parse("percent")?;
    let money = |column| -> Result<Money, StoreError> { row.money(column, "currency") };
    let entry = Entry {
        payout: row.parse("payout_id")?,
        at: row.time("booked_at")?,
        sold: money("sold")?,
        refunded: money("refunded")?,
        base: money("base")?,
        due: money("due")?,
        credit_before: money("credit_before")?,
        withheld: money("withheld")?,
        credit: money("credit")?,
        percent: crate::money::Percent::try_new(percent).map_err(|error| row.unreadable("percent", error))?,
        share_of_base: row.parse("share_of_base")?,
        version: row.text("rule_version")?,
    };
    Ok((row.text("authority")?, entry))
}
