//! Streams blocks, transactions and entries through the chain's audit.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::domain::ledger::audit::{ChainAudit, Check, StoredBlock, StoredEntry};
use crate::domain::ledger::chain::{EntryFields, TransactionFields};
use crate::domain::ledger::{BlockHash, ChainHead};
use crate::store::{Store, StoreError};

use super::StoredHead;

/// Blocks and transactions per read; entries come with their transactions.
const BLOCKS: i64 = 500;
const TRANSACTIONS: i64 = 250;

impl Store {
    /// Walks the chain up to `head` and says where it ended.
    pub(super) async fn verify_chain(
        &self,
        head: &StoredHead,
        full: bool,
    ) -> Result<(ChainHead, [Check; 2]), StoreError> {
        let genesis = ChainHead { seq: 0, hash: BlockHash::GENESIS };
        let (behind, mut number, recorded_at) = match self.last_verified().await? {
            Some(verified) if !full => self.resume(verified).await?.unwrap_or((genesis, 0, 0)),
            _ => (genesis, 0, 0),
        };
        let mut audit = ChainAudit::new(behind, number + 1, recorded_at);
        let last = head.chain.map_or(behind.seq, |chain| chain.seq);
        let mut seq = behind.seq;
        while seq < last {
            let blocks = self.blocks(seq, last).await?;
            let Some(end) = blocks.last() else { break };
            seq = end.seq;
            for block in blocks {
                let until = block.first_transaction.saturating_add(block.transactions) - 1;
                audit.block(block);
                // A block that claims to reach beyond the head must not make us read on for ever.
                number = self.transactions(&mut audit, number, until.min(head.number)).await?;
            }
        }
        Ok(audit.finish())
    }

    /// The chain behind a verified block, if that block still says what it said then.
    async fn resume(&self, verified: ChainHead) -> Result<Option<(ChainHead, i64, i64)>, StoreError> {
        let row = sqlx::query_as::<_, (Vec<u8>, i64, i64)>(
            "SELECT hash, first_transaction + transactions - 1, recorded_at FROM ledger_block WHERE seq = $1",
        )
        .bind(verified.seq)
        .fetch_optional(self.walks())
        .await?;
        Ok(row
            .filter(|(hash, _, _)| hash == verified.hash.as_bytes())
            .map(|(_, number, recorded_at)| (verified, number, recorded_at)))
    }

    async fn blocks(&self, after: i64, last: i64) -> Result<Vec<StoredBlock>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, prev_hash, hash, first_transaction, transactions, recorded_at FROM ledger_block
             WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        )
        .bind(after)
        .bind(last)
        .bind(BLOCKS)
        .fetch_all(self.walks())
        .await?;
        let block = |row: &AnyRow| {
            Ok(StoredBlock {
                seq: row.try_get(0)?,
                prev_hash: row.try_get(1)?,
                hash: row.try_get(2)?,
                first_transaction: row.try_get(3)?,
                transactions: row.try_get(4)?,
                recorded_at: row.try_get(5)?,
            })
        };
        rows.iter().map(block).collect()
    }

    /// Feeds the transactions behind `after` up to `until`, page by page; answers the last number.
    async fn transactions(
        &self,
        audit: &mut ChainAudit,
        mut after: i64,
        until: i64,
    ) -> Result<i64, StoreError> {
        while after < until {
            let page = until.min(after.saturating_add(TRANSACTIONS));
            let rows = sqlx::query(
                "SELECT number, id, merchant_id, event, source, subject, effective_at, block, recorded_at
                 FROM ledger_transaction WHERE number > $1 AND number <= $2 ORDER BY number",
            )
            .bind(after)
            .bind(page)
            .fetch_all(self.walks())
            .await?;
            let entries = self.entries(after, page).await?;
            let mut entries = entries.iter().peekable();
            for row in &rows {
                let number = row.try_get(0)?;
                audit.transaction(
                    &TransactionFields {
                        number,
                        id: row.try_get(1)?,
                        merchant: row.try_get(2)?,
                        event: row.try_get(3)?,
                        source: row.try_get(4)?,
                        subject: row.try_get(5)?,
                        effective_at: row.try_get(6)?,
                    },
                    row.try_get(7)?,
                    row.try_get(8)?,
                );
                // Entries of a number that has no transaction come with the next one, whose hash they break.
                while let Some(entry) = entries.next_if(|entry| {
                    entry.try_get::<i64, _>("transaction_number").is_ok_and(|found| found <= number)
                }) {
                    feed(audit, entry)?;
                }
            }
            for entry in entries {
                feed(audit, entry)?;
            }
            after = page;
        }
        Ok(after)
    }

    async fn entries(&self, after: i64, until: i64) -> Result<Vec<AnyRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.transaction_number, e.position, e.account_id, e.seq, e.amount, e.balance_after,
                    a.merchant_id, a.code, a.owner, a.currency, a.layer
             FROM ledger_entry e LEFT JOIN ledger_account a ON a.id = e.account_id
             WHERE e.transaction_number > $1 AND e.transaction_number <= $2
             ORDER BY e.transaction_number, e.position",
        )
        .bind(after)
        .bind(until)
        .fetch_all(self.walks())
        .await?;
        Ok(rows)
    }
}

fn feed(audit: &mut ChainAudit, row: &AnyRow) -> Result<(), StoreError> {
    let owner: Option<&str> = row.try_get("owner")?;
    let currency: Option<&str> = row.try_get("currency")?;
    let code: Option<i64> = row.try_get("code")?;
    let layer: Option<i64> = row.try_get("layer")?;
    audit.entry(&StoredEntry {
        account_merchant: row.try_get("merchant_id")?,
        fields: EntryFields {
            position: row.try_get("position")?,
            account_id: row.try_get("account_id")?,
            code: code.unwrap_or_default(),
            owner: owner.unwrap_or_default(),
            currency: currency.unwrap_or_default(),
            layer: layer.unwrap_or_default(),
            seq: row.try_get("seq")?,
            amount: row.try_get("amount")?,
            balance_after: row.try_get("balance_after")?,
        },
    });
    Ok(())
}
