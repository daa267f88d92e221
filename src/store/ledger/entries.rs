//! The entries of a set of accounts, in booking order: what statements and exports are made of.
//!
//! A supplier's statement runs over several accounts (its buckets, in one currency). Each account's entries lie in the
//! index (account, transaction, seq), so a page is the merge of one short range per account: fifty rows cost the same
//! at the end of five million as at the beginning, and no page is ever found by counting past others.
//!
//! Transaction numbers have no gaps and are given behind the head row's lock, so that everything up to a number is
//! complete and stands for ever once the number is seen. A time becomes a number once ([`Store::last_number_by`]); all
//! pages of one statement or export then read up to that number, each in a short read of its own, and fit together.

use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::ledger::{AccountEntry, Place};
use crate::store::row::Row;
use crate::store::{Store, StoreError};

use super::transactions::event_of;
use super::{binds, money_of, rows_of};

/// Accounts merged by one statement; more are merged in memory.
const MERGED: usize = 64;
/// Entries of one page of an export.
pub const EXPORT_PAGE: u32 = 5_000;

/// What a range of entries comes to: `opening + movement = closing`, or the books are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Debits less credits before the first entry, minor units.
    pub opening: i64,
    /// The sum of the entries.
    pub movement: i64,
    /// Debits less credits behind the last entry, as the ledger stored it.
    pub closing: i64,
    /// How many entries there are.
    pub entries: i64,
}

impl Extent {
    /// Whether the entries lead from the opening to the closing balance.
    pub fn foots(&self) -> bool {
        self.opening.checked_add(self.movement) == Some(self.closing)
    }
}

impl Store {
    /// The number of the last transaction booked at or before `at`; 0 when there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn last_number_by(&self, at: DateTime<Utc>) -> Result<i64, StoreError> {
        let row = sqlx::query_as::<_, (i64,)>(
            "SELECT first_transaction + transactions - 1 FROM ledger_block WHERE recorded_at <= $1
             ORDER BY recorded_at DESC, seq DESC LIMIT 1",
        )
        .bind(at.timestamp_micros())
        .fetch_optional(self.reads())
        .await?;
        Ok(row.map_or(0, |(number,)| number))
    }

    /// Debits less credits of these accounts together (of one currency), once transaction `number` stands.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn standing_after(&self, accounts: &[i64], number: i64) -> Result<i64, StoreError> {
        let mut sum = 0_i64;
        for chunk in accounts.chunks(MERGED) {
            let size = chunk.len().next_power_of_two();
            let sql = format!(
                "SELECT CAST(COALESCE(SUM((
                     SELECT e.balance_after FROM ledger_entry e
                     WHERE e.account_id = a.id AND e.transaction_number <= $1
                     ORDER BY e.transaction_number DESC, e.seq DESC LIMIT 1)), 0) AS BIGINT)
                 FROM ledger_account a WHERE a.id IN ({})",
                binds(2, size)
            );
            let query = sqlx::query_as::<_, (i64,)>(AssertSqlSafe(sql)).bind(number);
            let (part,) =
                padded(chunk, size).fold(query, |query, id| query.bind(id)).fetch_one(self.reads()).await?;
            sum = sum.checked_add(part).ok_or_else(overflow)?;
        }
        Ok(sum)
    }

    /// Entries of these accounts behind `after` and up to transaction `upto`, `limit` of them, in booking order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_entries(
        &self,
        accounts: &[i64],
        after: Place,
        upto: i64,
        limit: u32,
    ) -> Result<Vec<AccountEntry>, StoreError> {
        let mut entries = Vec::new();
        for chunk in accounts.chunks(MERGED) {
            let rows = self.merged_page(chunk, after, upto, limit).await?;
            entries.extend(rows_of("ledger_entry", &rows, entry_of)?);
        }
        if accounts.len() > MERGED {
            entries.sort_by_key(|entry| entry.place);
            entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(entries)
    }

    /// What the entries behind transaction `from` and up to `upto` come to. Reads every one of them.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn extent(&self, accounts: &[i64], from: i64, upto: i64) -> Result<Extent, StoreError> {
        let mut extent = Extent {
            opening: self.standing_after(accounts, from).await?,
            closing: self.standing_after(accounts, upto).await?,
            ..Extent::default()
        };
        for account in accounts {
            let (sum, count) = sqlx::query_as::<_, (i64, i64)>(
                "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT), COUNT(*) FROM ledger_entry
                 WHERE account_id = $1 AND transaction_number > $2 AND transaction_number <= $3",
            )
            .bind(*account)
            .bind(from)
            .bind(upto)
            .fetch_one(self.reads())
            .await?;
            extent.movement = extent.movement.checked_add(sum).ok_or_else(overflow)?;
            extent.entries += count;
        }
        Ok(extent)
    }

    /// Every entry behind transaction `from` and up to `upto`, in pages of [`EXPORT_PAGE`]: each is a short read of
    /// its own, so that an export of any length holds up nobody and one page of memory.
    pub fn export_entries(
        &self,
        accounts: Vec<i64>,
        from: i64,
        upto: i64,
    ) -> impl Stream<Item = Result<Vec<AccountEntry>, StoreError>> + '_ {
        stream::try_unfold((Place::after(from), accounts), move |(place, accounts)| async move {
            let page = self.account_entries(&accounts, place, upto, EXPORT_PAGE).await?;
            let last = page.last().map(|entry| entry.place);
            Ok(last.map(|place| (page, (place, accounts))))
        })
    }

    async fn merged_page(
        &self,
        accounts: &[i64],
        after: Place,
        upto: i64,
        limit: u32,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let size = accounts.len().next_power_of_two();
        let one_account = |place: usize| {
            format!(
                "SELECT * FROM (SELECT account_id, seq, transaction_number, position, amount, balance_after
                 FROM ledger_entry WHERE account_id = ${} AND transaction_number >= $1
                 AND transaction_number <= $3 AND (transaction_number > $1 OR position > $2)
                 ORDER BY transaction_number, seq LIMIT $4) a{place}",
                place + 5
            )
        };
        let union = (0..size).map(one_account).collect::<Vec<_>>().join(" UNION ALL ");
        let sql = format!(
            "SELECT CAST(e.transaction_number AS TEXT) AS key, e.account_id, e.seq, e.transaction_number,
                    e.position, e.amount, e.balance_after, a.currency,
                    t.id, t.event, t.source, t.subject, t.recorded_at, t.effective_at
             FROM (SELECT * FROM ({union}) merged ORDER BY transaction_number, position LIMIT $4) e
             JOIN ledger_transaction t ON t.number = e.transaction_number
             JOIN ledger_account a ON a.id = e.account_id
             ORDER BY e.transaction_number, e.position"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(after.number)
            .bind(after.position)
            .bind(upto)
            .bind(i64::from(limit));
        let query = padded(accounts, size).fold(query, |query, id| query.bind(id));
        Ok(query.fetch_all(self.reads()).await?)
    }
}

/// Account ids with as many more that no account has, so that few statements are prepared.
fn padded(accounts: &[i64], size: usize) -> impl Iterator<Item = i64> + '_ {
    accounts.iter().copied().chain(std::iter::repeat_n(-1, size - accounts.len()))
}

fn overflow() -> StoreError {
    let why = "the sum does not fit".to_owned();
    StoreError::Unreadable { table: "ledger_entry", key: String::new(), why }
}

fn entry_of(row: &Row<'_>) -> Result<AccountEntry, StoreError> {
    Ok(AccountEntry {
        place: Place { number: row.int("transaction_number")?, position: row.int("position")? },
        account_id: row.int("account_id")?,
        seq: row.int("seq")?,
        transaction: row.parse("id")?,
        event: event_of(row)?,
        source: row.text("source")?,
        subject: row.optional_text("subject")?,
        recorded_at: row.time("recorded_at")?,
        effective_at: row.time("effective_at")?,
        debit_minus_credit: money_of(row, "amount")?,
        balance_after: money_of(row, "balance_after")?,
    })
}
