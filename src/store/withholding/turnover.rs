//! Suppliers' gross sales as tax counts them.

use chrono::{DateTime, Utc};

use crate::domain::withholding::{Counted, Gross, Turnover};
use crate::ids::{MerchantId, PaymentId, SupplierId};
use crate::money::Currency;
use crate::store::row::Row;
use crate::store::words::word;
use crate::store::{Change, Column, Log, Store, StoreError, Value};

/// Counted sales and refunds; the next number is free once, so that two that count at once meet.
pub static WITHHOLDING_TURNOVER: Log = Log {
    name: "withholding_turnover",
    columns: &[
        Column::text("supplier_id"),
        Column::text("currency"),
        Column::int("nth"),
        Column::text("merchant_id"),
        Column::text("payment_id"),
        Column::text("kind"),
        Column::int("amount"),
        Column::int("charged"),
        Column::text("charged_currency"),
        Column::int("sold_total"),
        Column::int("refunded_total"),
        Column::int("counted_at"),
    ],
    unique: &[&[0, 1, 2]],
};

impl Change {
    /// Writes down what was counted.
    pub fn insert_turnover(
        &mut self,
        merchant: MerchantId,
        counted: &Counted,
        at: DateTime<Utc>,
    ) -> &mut Change {
        let (gross, after) = (counted.gross, counted.after);
        self.append(
            &WITHHOLDING_TURNOVER,
            vec![
                Value::text(counted.supplier),
                Value::text(gross.base.currency()),
                after.nth.into(),
                Value::text(merchant),
                Value::text(counted.payment),
                word(&counted.kind),
                gross.base.minor().into(),
                gross.charged.minor().into(),
                Value::text(gross.charged.currency()),
                after.sold.minor().into(),
                after.refunded.minor().into(),
                at.into(),
            ],
        )
    }
}

impl Store {
    /// A supplier's turnover in a currency; before `before`, where a moment is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withholding_turnover(
        &self,
        supplier: SupplierId,
        currency: Currency,
        before: Option<DateTime<Utc>>,
    ) -> Result<Turnover, StoreError> {
        let query = sqlx::query(
            "SELECT supplier_id, currency, nth, sold_total, refunded_total FROM withholding_turnover
             WHERE supplier_id = $1 AND currency = $2 AND counted_at < $3 ORDER BY nth DESC LIMIT 1",
        )
        .bind(supplier.to_string())
        .bind(currency.code())
        .bind(before.map_or(i64::MAX, |at| at.timestamp_micros()));
        let found = self
            .one(query, |row| {
                let row = Row::of("withholding_turnover", row);
                let (sold, refunded) =
                    (row.money("sold_total", "currency")?, row.money("refunded_total", "currency")?);
                Ok(Turnover { nth: row.int("nth")?, sold, refunded })
            })
            .await?;
        Ok(found.unwrap_or_else(|| Turnover::none(currency)))
    }

    /// What is counted of a payment for each supplier: its sale less its refunds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn turnover_of(&self, payment: PaymentId) -> Result<Vec<(SupplierId, Gross)>, StoreError> {
        let query = sqlx::query(
            "SELECT supplier_id, currency, charged_currency,
                    CAST(SUM(CASE kind WHEN 'sale' THEN amount ELSE -amount END) AS BIGINT) AS base,
                    CAST(SUM(CASE kind WHEN 'sale' THEN charged ELSE -charged END) AS BIGINT) AS charged
             FROM withholding_turnover WHERE payment_id = $1
             GROUP BY supplier_id, currency, charged_currency",
        )
        .bind(payment.to_string());
        self.all(query, |row| {
            let row = Row::of("withholding_turnover", row);
            let gross = Gross {
                charged: row.money("charged", "charged_currency")?,
                base: row.money("base", "currency")?,
            };
            Ok((row.parse("supplier_id")?, gross))
        })
        .await
    }
}
