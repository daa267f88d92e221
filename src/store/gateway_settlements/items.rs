//! What gateway settlements settle: each capture, refund and chargeback once for ever; and what was accrued for them.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::deposits::{Accrued, BatchItem, ItemKind};
use crate::domain::merchants::GatewayAccount;
use crate::ids::{GatewaySettlementId, MerchantId, PaymentId};
use crate::money::{Currency, Money};
use crate::store::row::Row;
use crate::store::words::{self, word};
use crate::store::{Change, Column, Log, Store, StoreError, Value};

/// Items; never changed.
pub static GATEWAY_SETTLEMENT_ITEM: Log = Log {
    name: "gateway_settlement_item",
    columns: &[
        Column::text("merchant_id"),
        Column::text("gateway_account"),
        Column::text("kind"),
        Column::text("reference"),
        Column::text("gateway_settlement_id"),
        Column::text("payment_id"),
        Column::int("amount"),
        Column::text("currency"),
    ],
    unique: &[&[0, 1, 2, 3]],
};

/// A capture of ours, as far as a payout is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The gateway's reference.
    pub reference: String,
    /// Our payment.
    pub payment: PaymentId,
    /// What was captured.
    pub amount: Money,
}

/// What a row of items says it is settled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A payout.
    Paid,
    /// A report or invoice of fees.
    Charged,
}

impl Settled {
    fn kind(self) -> &'static str {
        match self {
            Settled::Paid => "capture",
            Settled::Charged => "fee",
        }
    }
}

/// References in one query.
const AT_ONCE: usize = 128;
/// What stands behind a capture's reference where its amount was corrected, and its fee with it.
const CORRECTED: &str = "/corrected";

impl Change {
    /// A fact is settled by a payout.
    pub(super) fn settle_item(
        &mut self,
        merchant: MerchantId,
        account: &str,
        settlement: String,
        item: &BatchItem,
    ) -> &mut Change {
        self.append(
            &GATEWAY_SETTLEMENT_ITEM,
            vec![
                Value::text(merchant),
                account.into(),
                word(&item.kind),
                item.reference.as_str().into(),
                settlement.into(),
                item.payment.map(Value::text).into(),
                item.amount.minor().into(),
                Value::text(item.amount.currency()),
            ],
        )
    }

    /// The fee of a capture was charged apart from any payout, by a report or invoice of this reference.
    pub fn charge_item(
        &mut self,
        merchant: MerchantId,
        account: &str,
        report: &str,
        capture: &str,
        currency: Currency,
    ) -> &mut Change {
        self.append(
            &GATEWAY_SETTLEMENT_ITEM,
            vec![
                Value::text(merchant),
                account.into(),
                Settled::Charged.kind().into(),
                capture.into(),
                report.into(),
                Value::Null,
                0.into(),
                Value::text(currency),
            ],
        )
    }
}

impl Store {
    /// What a payout settles, by kind and reference, `limit` behind a place (kind and reference; empty: the first).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gateway_settlement_items(
        &self,
        id: GatewaySettlementId,
        limit: i64,
    ) -> Result<Vec<BatchItem>, StoreError> {
        let query = sqlx::query(
            "SELECT reference, kind, payment_id, amount, currency FROM gateway_settlement_item
             WHERE gateway_settlement_id = $1 ORDER BY kind, reference LIMIT $2",
        )
        .bind(id.to_string())
        .bind(limit);
        self.all(query, |row| {
            let row = Row::of("gateway_settlement_item", row);
            Ok(BatchItem {
                kind: words::read::<ItemKind>(&row, "kind")?,
                reference: row.text("reference")?,
                payment: row.optional("payment_id")?,
                amount: super::amount(&row)?,
            })
        })
        .await
    }

    /// Captures of an account in a currency up to a moment that nothing of this kind has settled, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unsettled_captures(
        &self,
        account: &GatewayAccount,
        currency: Currency,
        until: DateTime<Utc>,
        by: Settled,
        limit: i64,
    ) -> Result<Vec<Capture>, StoreError> {
        let query = sqlx::query(
            "SELECT p.id, p.capture_ref, p.amount, p.currency FROM payment p
             WHERE p.gateway_account_id = $1 AND p.captured_at <= $2 AND p.currency = $3
             AND p.capture_ref IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM gateway_settlement_item i WHERE i.merchant_id = p.merchant_id
                 AND i.gateway_account = $4 AND i.kind = $5 AND i.reference = p.capture_ref)
             ORDER BY p.captured_at, p.id LIMIT $6",
        )
        .bind(account.id.to_string())
        .bind(until.timestamp_micros())
        .bind(currency.to_string())
        .bind(account.name.clone())
        .bind(by.kind())
        .bind(limit);
        self.all(query, read_capture).await
    }

    /// Which of these captures a payout settled, sent or only closed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn captures_paid(
        &self,
        account: &GatewayAccount,
        references: &[&str],
    ) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for chunk in references.chunks(AT_ONCE) {
            let (places, size) = places(3, chunk.len());
            let sql = format!(
                "SELECT reference FROM gateway_settlement_item WHERE merchant_id = $1 AND gateway_account = $2
                 AND kind = 'capture' AND reference IN ({places})"
            );
            let query =
                sqlx::query(AssertSqlSafe(sql)).bind(account.merchant.to_string()).bind(account.name.clone());
            let read = |row: &AnyRow| Row::of("gateway_settlement_item", row).text("reference");
            found.extend(self.all(padded(query, chunk, size), read).await?);
        }
        Ok(found)
    }

    /// Which of these captures are ours, by the gateway's reference.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn captures_named(
        &self,
        account: &GatewayAccount,
        references: &[&str],
    ) -> Result<Vec<Capture>, StoreError> {
        self.captures_by("capture_ref", account, references).await
    }

    /// The captures of these payments.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn captures_of(
        &self,
        account: &GatewayAccount,
        payments: &[PaymentId],
    ) -> Result<Vec<Capture>, StoreError> {
        let ids: Vec<String> = payments.iter().map(ToString::to_string).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.captures_by("id", account, &ids).await
    }

    async fn captures_by(
        &self,
        column: &'static str,
        account: &GatewayAccount,
        references: &[&str],
    ) -> Result<Vec<Capture>, StoreError> {
        let mut found = Vec::with_capacity(references.len());
        for chunk in references.chunks(AT_ONCE) {
            let (places, size) = places(2, chunk.len());
            let sql = format!(
                "SELECT p.id, p.capture_ref, p.amount, p.currency FROM payment p
                 WHERE p.gateway_account_id = $1 AND p.captured_at IS NOT NULL AND p.{column} IN ({places})"
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(account.id.to_string());
            found.extend(self.all(padded(query, chunk, size), read_capture).await?);
        }
        Ok(found)
    }

    /// What was accrued for these captures at an account, corrections included, and not charged by a report or invoice since.
    /// A correction is no line of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accrued_fees(
        &self,
        account: &GatewayAccount,
        references: &[&str],
        currency: Currency,
    ) -> Result<Accrued, StoreError> {
        let (mut whole, mut tax, mut lines) = (0_i64, 0_i64, 0_u32);
        for chunk in references.chunks(AT_ONCE) {
            let corrected: Vec<String> =
                chunk.iter().map(|reference| format!("{reference}{CORRECTED}")).collect();
            let sources: Vec<&str> =
                chunk.iter().copied().chain(corrected.iter().map(String::as_str)).collect();
            let (places, size) = places(4, sources.len());
            let behind = CORRECTED.len();
            // The accrued tax stands in 1300, fee and tax together in 2310.
            let sql = format!(
                "SELECT t.source, a.code, e.amount FROM ledger_transaction t
                 JOIN ledger_entry e ON e.transaction_number = t.number
                 JOIN ledger_account a ON a.id = e.account_id
                 WHERE t.merchant_id = $1 AND t.event = 'fee_accrued' AND a.currency = $3 AND a.layer = 1
                 AND ((a.code = 2310 AND a.owner = $2) OR a.code = 1300) AND t.source IN ({places})
                 AND NOT EXISTS (
                     SELECT 1 FROM gateway_settlement_item i WHERE i.merchant_id = t.merchant_id
                     AND i.gateway_account = $2 AND i.kind = 'fee' AND i.reference = CASE
                         WHEN t.source LIKE '%{CORRECTED}' THEN SUBSTR(t.source, 1, LENGTH(t.source) - {behind})
                         ELSE t.source END)"
            );
            let query = sqlx::query(AssertSqlSafe(sql))
                .bind(account.merchant.to_string())
                .bind(account.name.clone())
                .bind(currency.to_string());
            let rows = padded(query, &sources, size).fetch_all(self.reads()).await?;
            for row in &rows {
                let row = Row::of("ledger_transaction", row);
                let amount = row.int("amount")?;
                if row.int("code")? == 2310 {
                    whole = whole.saturating_sub(amount);
                    lines += u32::from(!row.text("source")?.ends_with(CORRECTED));
                } else {
                    tax = tax.saturating_add(amount);
                }
            }
        }
        let money = |minor| Money::from_minor(minor, currency);
        Ok(Accrued { fee: money(whole.saturating_sub(tax)), tax: money(tax), lines })
    }
}

/// Placeholders from `$first` on, as many as the next power of two: few texts for many lengths.
fn places(first: usize, count: usize) -> (String, usize) {
    let size = count.next_power_of_two();
    let places: Vec<String> = (first..first + size).map(|place| format!("${place}")).collect();
    (places.join(", "), size)
}

/// Binds the references, the first of them again where placeholders are left.
fn padded<'q>(
    query: sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>,
    references: &[&str],
    size: usize,
) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
    let first = references.first().copied().unwrap_or_default();
    let padding = std::iter::repeat_n(first, size - references.len());
    references.iter().copied().chain(padding).fold(query, |query, text| query.bind(text.to_owned()))
}

fn read_capture(row: &AnyRow) -> Result<Capture, StoreError> {
    let row = Row::of("payment", row);
    Ok(Capture {
        reference: row.text("capture_ref")?,
        payment: row.parse("id")?,
        amount: super::amount(&row)?,
    })
}
