//! Settlements: how each captured payment was divided, frozen as it was computed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::domain::ledger::JournalEvent;
use crate::domain::merchants::GatewayAccount;
use crate::ids::{MerchantId, PaymentId, SettlementId, SupplierId};
use crate::money::{Currency, Money};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// Settlements; one for each payment.
pub static SETTLEMENT: Table = Table {
    name: "settlement",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("payment_id"),
        Column::int("gross"),
        Column::text("currency"),
        Column::text("lines"),
        Column::text("frozen"),
        Column::text("waiting"),
        Column::text("delivered"),
        Column::text("rates"),
        Column::text("fee_version"),
        Column::text("engine"),
        Column::int("created_at"),
        Column::int("released_at"),
        Column::text("released"),
        Column::text("inputs"),
    ],
    unique: &[&[2]],
};

/// A settlement as stored. The texts are JSON of the nouns that computed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementRecord {
    /// Its id.
    pub id: SettlementId,
    /// Whose book.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment: PaymentId,
    /// What was divided.
    pub gross: Money,
    /// The answer's lines.
    pub lines: String,
    /// The numbers that refunds and deliveries mirror.
    pub frozen: String,
    /// Suppliers whose conversion waits, and since when (JSON): for a rate, or once it is released for a payout plan.
    pub waiting: Option<String>,
    /// What was delivered so far.
    pub delivered: String,
    /// The rates it used, with their evidence (JSON).
    pub rates: String,
    /// Version and hash of the fee rules.
    pub fee_version: String,
    /// Version of the program that computed it.
    pub engine: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When its shares became payable; `None` while they are not, or while more of them is to become so.
    pub released_at: Option<DateTime<Utc>>,
    /// What became payable so far.
    pub released: Vec<Released>,
    /// What it was computed from (JSON); `None` where it is older than that was kept.
    pub inputs: Option<String>,
}

/// A payment that the books divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// The transaction's number.
    pub number: i64,
    /// The transaction.
    pub transaction: String,
    /// Of which payment.
    pub payment: String,
}

/// How much of a supplier's share in a payment became payable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Whose.
    pub supplier: SupplierId,
    /// How much.
    pub amount: Money,
}

impl SettlementRecord {
    /// What became payable of a supplier's share in a currency.
    pub fn released_of(&self, supplier: SupplierId, currency: Currency) -> Money {
        let of = |row: &&Released| row.supplier == supplier && row.amount.currency() == currency;
        self.released.iter().find(of).map_or(Money::zero(currency), |row| row.amount)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, payment_id, gross, currency, lines, frozen, waiting, delivered, rates, fee_version, ",
            "engine, created_at, released_at, released, inputs, version FROM settlement ",
            $rest
        )
    };
}

impl Change {
    /// Writes a settlement down.
    pub fn insert_settlement(&mut self, record: &SettlementRecord) -> &mut Change {
        self.insert(
            &SETTLEMENT,
            vec![
                Value::text(record.id),
                Value::text(record.merchant),
                Value::text(record.payment),
                record.gross.minor().into(),
                record.gross.currency().code().into(),
                record.lines.as_str().into(),
                record.frozen.as_str().into(),
                record.waiting.clone().into(),
                record.delivered.as_str().into(),
                record.rates.as_str().into(),
                record.fee_version.as_str().into(),
                record.engine.as_str().into(),
                record.created_at.into(),
                record.released_at.into(),
                released(record),
                record.inputs.clone().into(),
            ],
        )
    }

    /// Shares of a payment became payable, or more of them is to become so.
    pub fn release_settlement(&mut self, record: &SettlementRecord, version: i64) -> &mut Change {
        let set = vec![
            ("released_at", record.released_at.into()),
            ("released", released(record)),
            ("waiting", record.waiting.clone().into()),
        ];
        self.update(&SETTLEMENT, record.id, version, set)
    }

    /// Writes what may still change: lines and frozen numbers once a waiting conversion is done, and deliveries.
    pub fn update_settlement(&mut self, record: &SettlementRecord, version: i64) -> &mut Change {
        self.update(
            &SETTLEMENT,
            record.id,
            version,
            vec![
                ("lines", record.lines.as_str().into()),
                ("frozen", record.frozen.as_str().into()),
                ("rates", record.rates.as_str().into()),
                ("waiting", record.waiting.clone().into()),
                ("delivered", record.delivered.as_str().into()),
                ("inputs", record.inputs.clone().into()),
            ],
        )
    }
}

fn released(record: &SettlementRecord) -> Value {
    if record.released.is_empty() { Value::Null } else { json(&record.released) }
}

impl Store {
    /// Settlements of a gateway account whose shares may become payable: made and, where `at_bank`, received at the bank
    /// before `before`; with no dispute, no open finding and no conversion that waits. Oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn releasable_settlements(
        &self,
        account: &GatewayAccount,
        before: DateTime<Utc>,
        at_bank: bool,
        limit: u32,
    ) -> Result<Vec<Versioned<SettlementRecord>>, StoreError> {
        let query = sqlx::query(
            "SELECT s.* FROM settlement s JOIN payment p ON p.id = s.payment_id
             WHERE s.merchant_id = $1 AND p.gateway_account_id = $2 AND s.released_at IS NULL
             AND s.waiting IS NULL AND s.created_at < $3 AND p.is_disputed = 0
             AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.merchant_id = s.merchant_id
                 AND f.payment_id = s.payment_id AND f.state <> 'resolved'
                 AND f.kind NOT IN ('fee_drift', 'bill_duplicate'))
             AND ($4 = 0 OR EXISTS (
                 SELECT 1 FROM gateway_settlement_item i
                 JOIN gateway_settlement g ON g.id = i.gateway_settlement_id
                 WHERE i.payment_id = s.payment_id AND i.kind = 'capture'
                 AND g.state IN ('received', 'short') AND g.received_at < $3))
             ORDER BY s.created_at, s.id LIMIT $5",
        )
        .bind(account.merchant.to_string())
        .bind(account.id.to_string())
        .bind(before.timestamp_micros())
        .bind(i64::from(at_bank))
        .bind(i64::from(limit));
        self.all(query, read).await
    }

    /// The settlement of a payment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settlement_of(
        &self,
        payment: PaymentId,
    ) -> Result<Option<Versioned<SettlementRecord>>, StoreError> {
        let query = sqlx::query(select!("WHERE payment_id = $1")).bind(payment.to_string());
        self.one(query, read).await
    }

    /// A merchant's settlements made from `from` on and before `before`, in the order they were made; behind `after`, the
    /// last of the page before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settlements_made(
        &self,
        merchant: MerchantId,
        (from, before): (DateTime<Utc>, DateTime<Utc>),
        after: Option<(DateTime<Utc>, SettlementId)>,
        limit: u32,
    ) -> Result<Vec<SettlementRecord>, StoreError> {
        let (at, id) = after.map_or((from, String::new()), |(at, id)| (at, id.to_string()));
        let query = sqlx::query(select!(
            "WHERE merchant_id = $1 AND created_at < $2 AND (created_at > $3 OR (created_at = $3 AND id > $4))
             ORDER BY created_at, id LIMIT $5"
        ))
        .bind(merchant.to_string())
        .bind(before.timestamp_micros())
        .bind(at.timestamp_micros())
        .bind(id)
        .bind(i64::from(limit));
        Ok(self.all(query, read).await?.into_iter().map(|record| record.value).collect())
    }

    /// Divisions in a merchant's books that no settlement stands beside, booked from `from` on and before `before`, behind
    /// number `after`, in the order of the books. One walk over those of the days, however many there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn divisions_without_settlement(
        &self,
        merchant: MerchantId,
        (from, before): (DateTime<Utc>, DateTime<Utc>),
        after: i64,
        limit: u32,
    ) -> Result<Vec<Division>, StoreError> {
        let until = |moment: DateTime<Utc>| self.last_number_by(moment - TimeDelta::microseconds(1));
        let (first, last) = (until(from).await?, until(before).await?);
        let rows = sqlx::query(
            "SELECT t.id, t.number, COALESCE(t.subject, t.source) AS payment FROM ledger_transaction t
             WHERE t.merchant_id = $1 AND t.event = $2 AND t.number > $3 AND t.number <= $4
             AND NOT EXISTS (SELECT 1 FROM settlement s WHERE s.payment_id = t.subject)
             ORDER BY t.number LIMIT $5",
        )
        .bind(merchant.to_string())
        .bind(JournalEvent::Split.as_str())
        .bind(first.max(after))
        .bind(last)
        .bind(i64::from(limit))
        .fetch_all(self.walks())
        .await?;
        let read = |row: &AnyRow| -> Result<Division, StoreError> {
            let row = Row::of("ledger_transaction", row);
            let (number, transaction) = (row.int("number")?, row.text("id")?);
            Ok(Division { number, transaction, payment: row.text("payment")? })
        };
        rows.iter().map(read).collect()
    }

    /// Settlements of a gateway account that were released but for shares which a payout plan converts; with no dispute and no
    /// open finding. Oldest first, behind one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settlements_until_payout(
        &self,
        account: &GatewayAccount,
        behind: Option<(DateTime<Utc>, SettlementId)>,
        limit: u32,
    ) -> Result<Vec<Versioned<SettlementRecord>>, StoreError> {
        let (at, id) =
            behind.map_or((i64::MIN, String::new()), |(at, id)| (at.timestamp_micros(), id.to_string()));
        let query = sqlx::query(
            "SELECT s.* FROM settlement s JOIN payment p ON p.id = s.payment_id
             WHERE s.merchant_id = $1 AND p.gateway_account_id = $2 AND s.waiting IS NOT NULL
             AND s.released_at IS NOT NULL AND p.is_disputed = 0
             AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.merchant_id = s.merchant_id
                 AND f.payment_id = s.payment_id AND f.state <> 'resolved')
             AND (s.created_at > $3 OR (s.created_at = $3 AND s.id > $4))
             ORDER BY s.created_at, s.id LIMIT $5",
        )
        .bind(account.merchant.to_string())
        .bind(account.id.to_string())
        .bind(at)
        .bind(id)
        .bind(i64::from(limit));
        self.all(query, read).await
    }

    /// Settlements with a conversion that waits for a rate, oldest first, behind one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting_settlements(
        &self,
        behind: Option<(DateTime<Utc>, SettlementId)>,
        limit: u32,
    ) -> Result<Vec<Versioned<SettlementRecord>>, StoreError> {
        let (at, id) =
            behind.map_or((i64::MIN, String::new()), |(at, id)| (at.timestamp_micros(), id.to_string()));
        let query = sqlx::query(select!(
            "WHERE waiting IS NOT NULL AND released_at IS NULL AND (created_at > $1 OR (created_at = $1 AND id > $2))
             ORDER BY created_at, id LIMIT $3"
        ))
        .bind(at)
        .bind(id)
        .bind(i64::from(limit));
        self.all(query, read).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<SettlementRecord>, StoreError> {
    let row = Row::of("settlement", row);
    row.versioned(SettlementRecord {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        payment: row.parse("payment_id")?,
        gross: row.money("gross", "currency")?,
        lines: row.text("lines")?,
        frozen: row.text("frozen")?,
        waiting: row.optional_text("waiting")?,
        delivered: row.text("delivered")?,
        rates: row.text("rates")?,
        fee_version: row.text("fee_version")?,
        engine: row.text("engine")?,
        created_at: row.time("created_at")?,
        released_at: row.optional_time("released_at")?,
        released: row.optional_json("released")?.unwrap_or_default(),
        inputs: row.optional_text("inputs")?,
    })
}
