//! What a supplier is told: balances, statements that foot, exports of any length.
//!
//! A statement runs on booking dates in the merchant's zone, over all of the supplier's buckets together. It is read in
//! the ledger's own order and refused where it does not lead to the ledger's own closing balance. An export fixes its
//! end first, checks that opening and movement lead there, and then streams page by page, each its own short read. Books
//! that contradict themselves are told to nobody and open a finding.
//!
//! Lines come from the books or, of an issued statement, from the bytes that were issued (`lines.rs`); what becomes of
//! them is one of the forms (`files.rs`).

mod differ;
mod files;
mod lines;

use crate::clock::Clock;
use crate::domain::ledger::{AccountBalance, AccountCode, AccountEntry, Layer, Place};
use crate::domain::merchants::{Merchant, Supplier};
use crate::domain::statements::{
    BalanceError, Bucket, FormError, Letterhead, Party, Period, PeriodError, Reserve, Statement,
    StatementError, SupplierBalance, cut_to_whole_transactions,
};
use crate::ids::{IdSource, MerchantId, SupplierId, TransactionId};
use crate::money::{Currency, Money};
use crate::store::{Extent, Store, StoreError};
use chrono::{NaiveDate, TimeDelta};

pub use files::{FileForm, StatementFile};

/// A whole statement has at most this many ledger entries; beyond, it is paged or exported.
const WHOLE: i64 = 10_000;

/// Which statement.
#[derive(Debug, Clone)]
pub struct StatementQuery {
    /// Whose.
    pub supplier: SupplierId,
    /// Which currency; absent: the one the supplier settles in.
    pub currency: Option<Currency>,
    /// First booking date, in the merchant's zone.
    pub from: NaiveDate,
    /// Last booking date.
    pub to: NaiveDate,
    /// A page of this many lines; absent: the whole.
    pub limit: Option<u32>,
    /// The page begins behind this transaction.
    pub after: Option<TransactionId>,
}

/// The flow; clones share it.
#[derive(Debug, Clone)]
pub struct Statements {
    store: Store,
    clock: Clock,
    ids: IdSource,
    /// Whether books that contradict themselves open a finding.
    watched: bool,
}

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementFlowError {
    /// Nothing of this merchant under that id.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The dates are no period.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// Too many entries for one answer.
    #[error("the period has {entries} entries, more than {WHOLE}; ask for pages with `limit`, or for CSV")]
    TooLong {
        /// How many.
        entries: i64,
    },
    /// The books contradict themselves.
    #[error(transparent)]
    Books(#[from] StatementError),
    /// The same while a form was written, or the form takes no more, or its file could not be written.
    #[error(transparent)]
    Form(#[from] FormError),
    /// There are fewer parts.
    #[error("{entries} entries are {parts} files of this form; ask for `part` 1 to {parts}")]
    Parts {
        /// How many lines.
        entries: u64,
        /// How many files.
        parts: u64,
    },
    /// A temporary file or a worker failed.
    #[error("the file could not be made: {0}")]
    File(String),
    /// The balances are no supplier's.
    #[error(transparent)]
    Balance(#[from] BalanceError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StatementFlowError {
    /// The problem's code.
    pub fn code(&self) -> &'static str {
        match self {
            StatementFlowError::Unknown(_) => "not_found",
            StatementFlowError::Period(_) => "period_invalid",
            StatementFlowError::TooLong { .. }
            | StatementFlowError::Parts { .. }
            | StatementFlowError::Form(FormError::TooLong { .. }) => "statement_too_long",
            StatementFlowError::Books(_)
            | StatementFlowError::Form(FormError::Statement(_) | FormError::Unreadable { .. })
            | StatementFlowError::Balance(_) => "books_differ",
            StatementFlowError::Form(FormError::Write(_)) | StatementFlowError::File(_) => "internal",
            StatementFlowError::Store(_) => "unavailable",
        }
    }
}

/// What a period of a supplier's accounts comes to.
#[derive(Debug)]
pub(in crate::flows) struct Span {
    /// Balances and movement.
    pub extent: Extent,
    /// It begins behind this transaction.
    pub after: i64,
    /// And ends with this one.
    pub upto: i64,
    /// Whether anything was booked in it or before.
    pub ever: bool,
    /// Who would tell whom.
    pub letterhead: Letterhead,
}

/// A period of a supplier's accounts, its ends fixed.
#[derive(Debug, Clone)]
struct Range {
    period: Period,
    currency: Currency,
    accounts: Vec<i64>,
    from: i64,
    upto: i64,
    issuer: Party,
    holder: Party,
}

impl Statements {
    /// The flow over the store.
    pub fn new(store: Store, clock: Clock, ids: IdSource) -> Statements {
        Statements { store, clock, ids, watched: true }
    }

    /// The same for whoever only reads: it opens no findings.
    #[must_use]
    pub fn unwatched(self) -> Statements {
        Statements { watched: false, ..self }
    }

    /// What a supplier has, by currency.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub async fn balances(
        &self,
        merchant: MerchantId,
        supplier: SupplierId,
    ) -> Result<Vec<SupplierBalance>, StatementFlowError> {
        let known = self.supplier(merchant, supplier).await?;
        let rows = self.store.ledger_balances_of(merchant, &supplier.to_string()).await?;
        let rows = rows
            .into_iter()
            .filter(|row| row.layer == Layer::Posted && Bucket::of(row.account.code).is_some());
        let rows: Vec<_> = rows.collect();
        let reserves: Vec<Reserve> = rows.iter().filter_map(reserve).collect();
        let rows: Vec<_> = rows.iter().map(|row| (row.account.code, row.debit_minus_credit)).collect();
        let mut currencies: Vec<Currency> =
            rows.iter().map(|(_, amount)| amount.currency()).chain([known.currency]).collect();
        currencies.sort();
        currencies.dedup();
        let mut balances = Vec::with_capacity(currencies.len());
        for currency in currencies {
            let own = rows.iter().filter(move |(_, amount)| amount.currency() == currency).copied();
            match SupplierBalance::try_new(currency, own) {
                Ok(balance) => {
                    let own = reserves.iter().filter(|reserve| reserve.amount.currency() == currency);
                    balances.push(balance.with_reserves(own.copied().collect()));
                }
                Err(error) => return Err(self.found(merchant, supplier, currency, error.into()).await),
            }
        }
        Ok(balances)
    }

    /// A statement, whole or one page of it.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub async fn statement(
        &self,
        merchant: MerchantId,
        query: &StatementQuery,
    ) -> Result<Statement, StatementFlowError> {
        let range = self.range(merchant, query).await?;
        let statement = match query.limit {
            None => self.whole(query.supplier, &range).await,
            Some(limit) => self.page(merchant, query, &range, limit.clamp(1, 100)).await,
        };
        let statement = match statement {
            Ok(statement) => statement,
            Err(error) => return Err(self.found(merchant, query.supplier, range.currency, error).await),
        };
        Ok(statement.with_letterhead(self.letterhead(&range).await?))
    }

    async fn whole(&self, supplier: SupplierId, range: &Range) -> Result<Statement, StatementFlowError> {
        let extent = self.store.extent(&range.accounts, range.from, range.upto).await?;
        if extent.entries > WHOLE {
            return Err(StatementFlowError::TooLong { entries: extent.entries });
        }
        let limit = u32::try_from(extent.entries + 1).unwrap_or(u32::MAX);
        let entries =
            self.store.account_entries(&range.accounts, Place::after(range.from), range.upto, limit).await?;
        Ok(Statement::try_new(
            supplier,
            range.period,
            range.money(extent.opening),
            entries,
            range.money(extent.closing),
        )?)
    }

    /// Whole transactions only: a page ends behind the last one that fits.
    async fn page(
        &self,
        merchant: MerchantId,
        query: &StatementQuery,
        range: &Range,
        limit: u32,
    ) -> Result<Statement, StatementFlowError> {
        let start = match query.after {
            None => range.from,
            Some(id) => {
                let found = self.store.ledger_transaction(merchant, id).await?;
                found
                    .ok_or(StatementFlowError::Unknown("transaction"))?
                    .number
                    .max(range.from)
                    .min(range.upto)
            }
        };
        let mut taken: Vec<AccountEntry> = Vec::new();
        let mut lines = 0;
        let mut end = start;
        let mut more = true;
        while more && lines < limit {
            let wanted = (limit - lines) * 2 + 50;
            let mut batch =
                self.store.account_entries(&range.accounts, Place::after(end), range.upto, wanted).await?;
            more = cut_to_whole_transactions(&mut batch, wanted as usize);
            for group in batch.chunk_by(|a, b| a.place.number == b.place.number) {
                if lines == limit {
                    more = true;
                    break;
                }
                lines +=
                    u32::from(group.iter().map(|entry| entry.debit_minus_credit.minor()).sum::<i64>() != 0);
                end = group[0].place.number;
                taken.extend_from_slice(group);
            }
        }
        if !more {
            end = range.upto;
        }
        let opening = self.store.standing_after(&range.accounts, start).await?;
        let closing = self.store.standing_after(&range.accounts, end).await?;
        let page = Statement::try_new(
            query.supplier,
            range.period,
            range.money(opening),
            taken,
            range.money(closing),
        )?;
        Ok(page.with_more(more))
    }

    /// What a statement comes to, and the ledger's numbers it lies between.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub(in crate::flows) async fn span(
        &self,
        merchant: MerchantId,
        query: &StatementQuery,
    ) -> Result<Span, StatementFlowError> {
        let range = self.range(merchant, query).await?;
        let extent = self.store.extent(&range.accounts, range.from, range.upto).await?;
        let ever = extent.entries > 0 || self.store.extent(&range.accounts, 0, range.from).await?.entries > 0;
        let letterhead = self.letterhead(&range).await?;
        Ok(Span { extent, after: range.from, upto: range.upto, ever, letterhead })
    }

    async fn supplier(
        &self,
        merchant: MerchantId,
        supplier: SupplierId,
    ) -> Result<Supplier, StatementFlowError> {
        let found = self.store.supplier(merchant, supplier).await?;
        found.map(|supplier| supplier.value).ok_or(StatementFlowError::Unknown("supplier"))
    }

    async fn range(&self, merchant: MerchantId, query: &StatementQuery) -> Result<Range, StatementFlowError> {
        let supplier = self.supplier(merchant, query.supplier).await?;
        let found = self.store.merchant(merchant).await?.ok_or(StatementFlowError::Unknown("merchant"))?;
        let zone = found.zone;
        let period = Period::try_new(query.from, query.to, zone)?;
        let currency = query.currency.unwrap_or(supplier.currency);
        let instant = TimeDelta::microseconds(1);
        // What is booked from now on is not in it, so that two reads of one answer agree.
        let end = (period.ends_before() - instant).min(self.clock.now());
        let from = self.store.last_number_by(period.begins_at() - instant).await?;
        let upto = self.store.last_number_by(end).await?.max(from);
        // Read after the end is fixed: an account that is opened later has nothing before it.
        let accounts = self.store.ledger_balances_of(merchant, &query.supplier.to_string()).await?;
        let own = accounts.iter().filter(|row| {
            row.layer == Layer::Posted
                && Bucket::of(row.account.code).is_some()
                && row.debit_minus_credit.currency() == currency
        });
        Ok(Range {
            period,
            currency,
            accounts: own.map(|row| row.id).collect(),
            from,
            upto,
            issuer: issuer(&found),
            holder: holder(&supplier),
        })
    }

    /// Who tells whom, with the ledger's head as it is now.
    async fn letterhead(&self, range: &Range) -> Result<Letterhead, StatementFlowError> {
        let head = self.store.chain_head().await?;
        Ok(Letterhead { issuer: range.issuer.clone(), holder: range.holder.clone(), ledger_head: Some(head) })
    }
}

impl Range {
    /// What the supplier has: the other side of the ledger's debits less credits.
    fn money(&self, debit_minus_credit: i64) -> Money {
        Money::from_minor(debit_minus_credit, self.currency).negated()
    }
}

/// What lies on an account of a reserve: the day stands in its name.
fn reserve(row: &AccountBalance) -> Option<Reserve> {
    let (_, day) = row.account.owner.as_str().split_once(',')?;
    let amount = row.shown();
    let dated = row.account.code == AccountCode::SUPPLIER_RESERVED && !amount.is_zero();
    dated.then(|| day.parse().ok()).flatten().map(|release_on| Reserve { release_on, amount })
}

fn issuer(merchant: &Merchant) -> Party {
    Party { name: merchant.name.clone(), country: None, tax_number: merchant.tax_number.clone() }
}

fn holder(supplier: &Supplier) -> Party {
    Party {
        name: supplier.name.clone(),
        country: Some(supplier.country.clone()),
        tax_number: supplier.tax_number.clone(),
    }
}
