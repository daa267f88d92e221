//! `verify`: goes over the books and says what it saw, check by check.
//!
//! It streams: pages in the order of the tables, each a short read, so that it runs beside the writer and in constant
//! memory. Everything up to the head it reads at the start stands still; what is written later is not looked at. The
//! chain is walked from the last block that was verified, or with `full` from the first.
//!
//! Every merchant's audit trail is walked too, and the documents beside the books are held against them.
//!
//! A cut tail, with the head set back to match, is consistent in itself: it shows only against a head that was noted
//! elsewhere (a statement, the log). [`VerifyOptions::expected`] takes one, [`Store::check_noted_trail`] one of a trail.

mod accounts;
mod chain;
mod documents;
mod open_items;
mod periods;
mod positions;
mod trails;

use std::collections::BTreeMap;

use sqlx::Row as _;

use crate::domain::access::AuditHead;
use crate::domain::ledger::audit::{AccountAudit, Check};
use crate::domain::ledger::{BlockHash, ChainHead};

use super::{Change, CommitError, Store, StoreError};

/// The setting that remembers how far the chain was verified.
const VERIFIED: &str = "ledger.verified";

/// What to verify.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The whole chain, not only what came since the last time.
    pub full: bool,
    /// A head noted elsewhere that must be part of the chain.
    pub expected: Option<ChainHead>,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Where the chain stood.
    pub head: ChainHead,
    /// Where each merchant's audit trail stood.
    pub trails: BTreeMap<String, AuditHead>,
    /// Every check.
    pub checks: Vec<Check>,
}

impl Verification {
    /// Whether every check holds.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// The head row as it is stored.
#[derive(Debug, Clone)]
struct StoredHead {
    chain: Option<ChainHead>,
    number: i64,
    accounts: i64,
    recorded_at: i64,
}

impl Store {
    /// Where the chain stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chain_head(&self) -> Result<ChainHead, StoreError> {
        let why = "its hash is not 32 bytes".to_owned();
        let unreadable = StoreError::Unreadable { table: "ledger_head", key: "1".into(), why };
        self.stored_head().await?.chain.ok_or(unreadable)
    }

    /// Goes over the books.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read; a fault in the books is an answer, not an error.
    pub async fn verify(&self, options: &VerifyOptions) -> Result<Verification, StoreError> {
        let ends = self.table_ends().await?;
        let head = self.stored_head().await?;
        let mut checks = vec![self.check_head(&head, ends).await?];
        if let Some(expected) = options.expected {
            checks.push(self.check_expected(expected).await?);
        }
        let (walked, chain) = self.verify_chain(&head, options.full).await?;
        checks.extend(chain);
        let mut accounts = AccountAudit::default();
        checks.push(self.walk_accounts(&head, &mut accounts).await?);
        checks.extend(accounts.finish());
        checks.push(self.check_sums().await?);
        checks.push(self.check_facts().await?);
        checks.extend(self.check_open_items().await?);
        checks.extend(self.check_documents().await?);
        checks.extend(self.check_periods().await?);
        checks.push(self.check_positions().await?);
        let (trails, trail) = self.verify_trails().await?;
        checks.push(trail);
        let verification = Verification { head: walked, trails, checks };
        metrics::gauge!("straits_verify_ok").set(u8::from(verification.ok()));
        if verification.ok() {
            self.remember_verified(walked).await?;
        }
        Ok(verification)
    }

    /// Up to which block the chain was verified last; `None` before the first time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_verified(&self) -> Result<Option<ChainHead>, StoreError> {
        let setting = self.setting(VERIFIED).await?;
        Ok(setting.and_then(|setting| setting.value.parse().ok()))
    }

    async fn remember_verified(&self, head: ChainHead) -> Result<(), StoreError> {
        let before = self.setting(VERIFIED).await?;
        if before.as_ref().is_some_and(|before| before.value == head.to_string()) {
            return Ok(());
        }
        let mut change = Change::new();
        change.set_setting(VERIFIED, head, before.as_ref());
        match self.commit(change).await {
            // Somebody else verified at the same time; a writer that is away or busy only costs a longer walk next time.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "how far the chain was verified is not remembered");
                Ok(())
            }
        }
    }

    async fn stored_head(&self) -> Result<StoredHead, StoreError> {
        let row =
            sqlx::query("SELECT seq, hash, number, accounts, recorded_at FROM ledger_head WHERE id = 1")
                .fetch_one(self.walks())
                .await?;
        let hash = BlockHash::from_bytes(&row.try_get::<Vec<u8>, _>(1)?);
        let seq = row.try_get(0)?;
        Ok(StoredHead {
            chain: hash.map(|hash| ChainHead { seq, hash }),
            number: row.try_get(2)?,
            accounts: row.try_get(3)?,
            recorded_at: row.try_get(4)?,
        })
    }

    /// Lowest and highest number of transactions, of entries' transactions, of blocks and of accounts. Read before
    /// the head, so that the head is never behind them while the writer works.
    async fn table_ends(&self) -> Result<[(i64, i64); 4], StoreError> {
        let mut ends = [(0, 0); 4];
        // Each end by itself is the first or last entry of an index; SQLite goes over all of it for both at once.
        let queries = [
            "SELECT COALESCE((SELECT MIN(number) FROM ledger_transaction), 1),
                    COALESCE((SELECT MAX(number) FROM ledger_transaction), 0)",
            "SELECT COALESCE((SELECT MIN(transaction_number) FROM ledger_entry), 1),
                    COALESCE((SELECT MAX(transaction_number) FROM ledger_entry), 0)",
            "SELECT COALESCE((SELECT MIN(seq) FROM ledger_block), 1),
                    COALESCE((SELECT MAX(seq) FROM ledger_block), 0)",
            "SELECT COALESCE((SELECT MIN(id) FROM ledger_account), 1),
                    COALESCE((SELECT MAX(id) FROM ledger_account), 0)",
        ];
        for (end, query) in ends.iter_mut().zip(queries) {
            // Short, and first: a database that is away is told of at once.
            *end = sqlx::query_as(query).fetch_one(self.reads()).await?;
        }
        Ok(ends)
    }

    async fn check_head(&self, head: &StoredHead, ends: [(i64, i64); 4]) -> Result<Check, StoreError> {
        let seq = head.chain.map_or(-1, |chain| chain.seq);
        let last = sqlx::query_as::<_, (Vec<u8>, i64, i64)>(
            "SELECT hash, first_transaction + transactions - 1, recorded_at FROM ledger_block WHERE seq = $1",
        )
        .bind(seq)
        .fetch_optional(self.walks())
        .await?;
        let (hash, number, recorded_at) = last.unwrap_or((BlockHash::GENESIS.as_bytes().to_vec(), 0, 0));
        let names = ["transactions", "entries", "blocks", "accounts"];
        let limits = [head.number, head.number, seq, head.accounts];
        let beyond = names
            .into_iter()
            .zip(ends)
            .zip(limits)
            .find(|((_, (lowest, highest)), limit)| *lowest < 1 || highest > limit)
            .map(|((name, _), limit)| {
                format!("the head says {limit}; there are {name} outside 1 to {limit}")
            });
        let lifted = head.recorded_at > recorded_at && self.is_a_close(head.recorded_at).await?;
        let fault = match &head.chain {
            None => Some("the head's hash is not 32 bytes".to_owned()),
            Some(chain) if chain.hash.as_bytes() != hash => {
                Some(format!("the head does not name block {seq} and its hash"))
            }
            Some(_) if head.number != number || (head.recorded_at != recorded_at && !lifted) => {
                Some(format!("the head does not end where block {seq} ends"))
            }
            Some(_) => beyond,
        };
        let seen = head.chain.map(|chain| chain.to_string()).unwrap_or_default();
        Ok(Check::new("head", seen, fault))
    }

    /// Whether a period was closed at this time: a close lifts the head's.
    async fn is_a_close(&self, at: i64) -> Result<bool, StoreError> {
        let close =
            sqlx::query_as::<_, (i64,)>("SELECT closed_at FROM period_close WHERE closed_at = $1 LIMIT 1");
        Ok(close.bind(at).fetch_optional(self.walks()).await?.is_some())
    }

    /// Whether a head that was noted elsewhere is part of the chain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn check_expected(&self, expected: ChainHead) -> Result<Check, StoreError> {
        let row = sqlx::query_as::<_, (Vec<u8>,)>("SELECT hash FROM ledger_block WHERE seq = $1")
            .bind(expected.seq)
            .fetch_optional(self.walks())
            .await?;
        let fault = match row {
            Some((hash,)) if hash == expected.hash.as_bytes() => None,
            None if expected == (ChainHead { seq: 0, hash: BlockHash::GENESIS }) => None,
            Some(_) => Some(format!("block {} is not the one that was noted", expected.seq)),
            None => Some(format!("block {} was noted and is gone: the tail was cut", expected.seq)),
        };
        Ok(Check::new("expected_head", format!("{expected} is part of the chain"), fault))
    }

    async fn check_sums(&self) -> Result<Check, StoreError> {
        let row = sqlx::query_as::<_, (String, String, i64)>(
            "SELECT merchant_id, currency, CAST(SUM(balance) AS BIGINT) FROM ledger_account
             GROUP BY merchant_id, currency, layer HAVING SUM(balance) <> 0 LIMIT 1",
        )
        .fetch_optional(self.walks())
        .await?;
        let fault = row.map(|(merchant, currency, sum)| {
            format!("the accounts of {merchant} in {currency} come to {sum} minor units, not zero")
        });
        Ok(Check::new("trial_balance_zero", "debits equal credits in every book, currency and layer", fault))
    }

    async fn check_facts(&self) -> Result<Check, StoreError> {
        let row = sqlx::query_as::<_, (String, String, String)>(
            "SELECT merchant_id, event, source FROM ledger_transaction
             GROUP BY merchant_id, event, source HAVING COUNT(*) > 1 LIMIT 1",
        )
        .fetch_optional(self.walks())
        .await?;
        let fault = row
            .map(|(merchant, event, source)| format!("{event} of {source} is booked twice for {merchant}"));
        Ok(Check::new("facts_booked_once", "no fact is booked twice", fault))
    }
}
