//! Transactions with their entries: one by its id, or pages of them, newest first.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use crate::domain::ledger::{AccountCode, Direction, JournalEvent, PostedEntry, PostedTransaction};
use crate::ids::{MerchantId, TransactionId};
use crate::money::Money;
use crate::store::row::Row;
use crate::store::{Seek, Store, StoreError};

use super::{account_of, binds, layer_of, money_of, rows_of};

/// Which transactions, and where the page begins.
#[derive(Debug, Clone, Default)]
pub struct TransactionFilter {
    /// Only those about this payment, payout or finding.
    pub subject: Option<String>,
    /// From which number on; the list's order is newest first.
    pub seek: Seek<i64>,
    /// How many.
    pub limit: u32,
}

const COLUMNS: &str = "id, number, merchant_id, event, source, subject, effective_at, recorded_at, block";

impl Store {
    /// One transaction of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_transaction(
        &self,
        merchant: MerchantId,
        id: TransactionId,
    ) -> Result<Option<PostedTransaction>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM ledger_transaction WHERE id = $1 AND merchant_id = $2");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(id.to_string())
            .bind(merchant.to_string())
            .fetch_all(self.reads())
            .await?;
        let found = rows_of("ledger_transaction", &rows, transaction_of)?;
        Ok(self.with_entries(found).await?.pop())
    }

    /// Whether the money of a capture is in the books: divided, owed back, or in suspense.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn capture_is_booked(
        &self,
        merchant: MerchantId,
        capture_ref: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.capture_number(merchant, capture_ref).await?.is_some())
    }

    /// The number of the transaction that booked a capture, if one did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn capture_number(
        &self,
        merchant: MerchantId,
        capture_ref: &str,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query_as::<_, (i64,)>(
            "SELECT number FROM ledger_transaction WHERE merchant_id = $1
             AND event IN ('captured', 'captured_twice', 'captured_unmatched') AND source = $2 LIMIT 1",
        )
        .bind(merchant.to_string())
        .bind(capture_ref)
        .fetch_optional(self.reads())
        .await?;
        Ok(row.map(|(number,)| number))
    }

    /// What a gateway changed within its balance for one of its movements, where that is in the books: `(sold, bought)`;
    /// `Some(None)` where the conversion under that name is something else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn exchange_booked(
        &self,
        merchant: MerchantId,
        gateway_ref: &str,
    ) -> Result<Option<Option<(Money, Money)>>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM ledger_transaction WHERE merchant_id = $1 AND event = $2 AND source = $3"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(merchant.to_string())
            .bind(JournalEvent::ConvertedByGateway.as_str())
            .bind(gateway_ref)
            .fetch_all(self.reads())
            .await?;
        let found = rows_of("ledger_transaction", &rows, transaction_of)?;
        let Some(booked) = self.with_entries(found).await?.pop() else { return Ok(None) };
        let landed = booked.entries.iter().filter(|entry| entry.account.code != AccountCode::FX_POSITION);
        let landed: Vec<(Direction, Money)> = landed.map(|entry| (entry.direction, entry.amount)).collect();
        Ok(Some(match landed.as_slice() {
            [(Direction::Credit, sold), (Direction::Debit, bought)]
            | [(Direction::Debit, bought), (Direction::Credit, sold)] => Some((*sold, *bought)),
            _ => None,
        }))
    }

    /// The number of the newest transaction of all; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_transaction_number(&self) -> Result<i64, StoreError> {
        let query = sqlx::query_as::<_, (i64,)>("SELECT number FROM ledger_head WHERE id = 1");
        Ok(query.fetch_one(self.reads()).await?.0)
    }

    /// A merchant's transactions, newest first; in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_transactions(
        &self,
        merchant: MerchantId,
        filter: &TransactionFilter,
    ) -> Result<Vec<PostedTransaction>, StoreError> {
        let about = if filter.subject.is_some() { "AND subject = $4" } else { "" };
        let (beyond, way) = if filter.seek.is_backwards() { (">", "ASC") } else { ("<", "DESC") };
        let sql = format!(
            "SELECT {COLUMNS} FROM ledger_transaction WHERE merchant_id = $1 AND number {beyond} $2 {about}
             ORDER BY number {way} LIMIT $3"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(merchant.to_string())
            .bind(filter.seek.key().copied().unwrap_or(i64::MAX))
            .bind(i64::from(filter.limit));
        if let Some(subject) = &filter.subject {
            query = query.bind(subject.as_str());
        }
        let rows = query.fetch_all(self.reads()).await?;
        let found = rows_of("ledger_transaction", &rows, transaction_of)?;
        self.with_entries(found).await
    }

    async fn with_entries(
        &self,
        mut transactions: Vec<PostedTransaction>,
    ) -> Result<Vec<PostedTransaction>, StoreError> {
        let mut places: HashMap<i64, usize> = HashMap::with_capacity(transactions.len());
        places.extend(transactions.iter().enumerate().map(|(place, row)| (row.number, place)));
        let numbers: Vec<i64> = transactions.iter().map(|row| row.number).collect();
        for chunk in numbers.chunks(128) {
            let size = chunk.len().next_power_of_two();
            let sql = format!(
                "SELECT CAST(e.transaction_number AS TEXT) AS key, e.transaction_number, e.amount,
                        e.balance_after, a.code, a.owner, a.currency, a.layer
                 FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
                 WHERE e.transaction_number IN ({}) ORDER BY e.transaction_number, e.position",
                binds(1, size)
            );
            let padding = std::iter::repeat_n(&0, size - chunk.len());
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().chain(padding).fold(query, |query, number| query.bind(*number));
            for row in &query.fetch_all(self.reads()).await? {
                let row = Row::of("ledger_entry", row);
                let entry = entry_of(&row)?;
                let place = places.get(&row.int("transaction_number")?);
                if let Some(transaction) = place.and_then(|&place| transactions.get_mut(place)) {
                    transaction.entries.push(entry);
                }
            }
        }
        Ok(transactions)
    }
}

fn transaction_of(row: &Row<'_>) -> Result<PostedTransaction, StoreError> {
    Ok(PostedTransaction {
        number: row.int("number")?,
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        event: event_of(row)?,
        source: row.text("source")?,
        subject: row.optional_text("subject")?,
        effective_at: row.time("effective_at")?,
        recorded_at: row.time("recorded_at")?,
        block: row.int("block")?,
        entries: Vec::new(),
    })
}

/// The event of a row, by its stored word.
pub(super) fn event_of(row: &Row<'_>) -> Result<crate::domain::ledger::JournalEvent, StoreError> {
    let word = row.text("event")?;
    crate::domain::ledger::JournalEvent::find(&word)
        .ok_or_else(|| row.unreadable("event", format!("`{word}` is no event")))
}

fn entry_of(row: &Row<'_>) -> Result<PostedEntry, StoreError> {
    let amount = money_of(row, "amount")?;
    Ok(PostedEntry {
        account: account_of(row)?,
        layer: layer_of(row)?,
        direction: if amount.is_negative() { Direction::Credit } else { Direction::Debit },
        amount: amount.abs(),
        balance_after: money_of(row, "balance_after")?,
    })
}
