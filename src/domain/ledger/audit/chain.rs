//! The chain, block by block: each stands on the one before, begins where that ended, and hashes to what it says; each
//! transaction balances and lies in one book.

use std::collections::BTreeMap;

use crate::domain::ledger::chain::{BlockHash, BlockHasher, ChainHead, EntryFields, TransactionFields};

use super::Check;

/// A block as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// The hash of the block before, as this one has it.
    pub prev_hash: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
    /// The number of its first transaction.
    pub first_transaction: i64,
    /// How many it has.
    pub transactions: i64,
    /// When it was written, microseconds.
    pub recorded_at: i64,
}

/// An entry as it is stored, with its account's words; `account` is `None` when there is no such account.
#[derive(Debug, Clone, Copy)]
pub struct StoredEntry<'a> {
    /// What is hashed.
    pub fields: EntryFields<'a>,
    /// The merchant of its account.
    pub account_merchant: Option<&'a str>,
}

/// Walks the chain.
#[derive(Debug)]
pub struct ChainAudit {
    head: ChainHead,
    next_number: i64,
    recorded_at: i64,
    open: Option<OpenBlock>,
    chain_fault: Option<String>,
    balance_fault: Option<String>,
    blocks: i64,
    transactions: i64,
}

#[derive(Debug)]
struct OpenBlock {
    block: StoredBlock,
    hasher: BlockHasher,
    seen: i64,
    merchant: String,
    transaction: String,
    next_position: i64,
    sums: BTreeMap<(String, i64), i128>,
}

impl ChainAudit {
    /// Begins behind a block that is known to be good; behind [`BlockHash::GENESIS`] and 0 for the whole chain.
    pub fn new(behind: ChainHead, next_number: i64, recorded_at: i64) -> ChainAudit {
        ChainAudit {
            head: behind,
            next_number,
            recorded_at,
            open: None,
            chain_fault: None,
            balance_fault: None,
            blocks: 0,
            transactions: 0,
        }
    }

    /// The next block; the one before is closed.
    pub fn block(&mut self, block: StoredBlock) {
        self.close();
        let expected = self.head.seq + 1;
        let seq = block.seq;
        if seq != expected {
            self.fault(format!("block {expected} is missing"));
        } else if block.prev_hash != self.head.hash.as_bytes() {
            self.fault(format!("block {seq} does not stand on block {}", self.head.seq));
        } else if block.first_transaction != self.next_number || block.transactions < 1 {
            self.fault(format!("block {seq} does not begin with transaction {}", self.next_number));
        } else if block.recorded_at < self.recorded_at {
            self.fault(format!("block {seq} was recorded before the block it stands on"));
        }
        let hasher = BlockHasher::new(seq, self.head.hash, block.recorded_at);
        self.open = Some(OpenBlock {
            block,
            hasher,
            seen: 0,
            merchant: String::new(),
            transaction: String::new(),
            next_position: 0,
            sums: BTreeMap::new(),
        });
    }

    /// The next transaction of the open block.
    pub fn transaction(&mut self, fields: &TransactionFields<'_>, block: i64, recorded_at: i64) {
        self.close_transaction();
        self.transactions += 1;
        let number = self.next_number;
        self.next_number += 1;
        let Some(open) = &mut self.open else { return };
        let (seq, recorded) = (open.block.seq, open.block.recorded_at);
        open.seen += 1;
        open.hasher.transaction(fields);
        fields.merchant.clone_into(&mut open.merchant);
        fields.id.clone_into(&mut open.transaction);
        if fields.number != number {
            self.fault(format!("block {seq}: transaction {number} is missing"));
        } else if block != seq || recorded_at != recorded {
            self.fault(format!("block {seq}: {} is stamped with another block or time", fields.id));
        }
    }

    /// The next entry of the open transaction.
    pub fn entry(&mut self, entry: &StoredEntry<'_>) {
        let Some(open) = &mut self.open else { return };
        let fields = &entry.fields;
        open.hasher.entry(fields);
        let sum = open.sums.entry((fields.currency.to_owned(), fields.layer)).or_default();
        *sum += i128::from(fields.amount);
        let position = open.next_position;
        open.next_position += 1;
        let (seq, id) = (open.block.seq, &open.transaction);
        let fault = match entry.account_merchant {
            None => Some(format!("block {seq}: {id} has an entry on an account that does not exist")),
            Some(merchant) if merchant != open.merchant => {
                Some(format!("block {seq}: {id} has an entry in another merchant's book"))
            }
            Some(_) if fields.position != position => {
                Some(format!("block {seq}: {id} has no entry at position {position}"))
            }
            Some(_) => None,
        };
        if let Some(fault) = fault {
            self.fault(fault);
        }
    }

    /// The chain's end: what was seen, and the checks.
    pub fn finish(mut self) -> (ChainHead, [Check; 2]) {
        self.close();
        let seen = format!("{} blocks up to {}", self.blocks, self.head);
        let chain = Check::new("hash_chain", seen, self.chain_fault);
        let seen = format!("{} transactions", self.transactions);
        (self.head, [chain, Check::new("transactions_balance", seen, self.balance_fault)])
    }

    fn close_transaction(&mut self) {
        let Some(open) = &mut self.open else { return };
        let sums = std::mem::take(&mut open.sums);
        open.next_position = 0;
        if self.balance_fault.is_none()
            && let Some(((currency, _), sum)) = sums.into_iter().find(|(_, sum)| *sum != 0)
        {
            let fault = format!("{} is out of balance by {sum} minor units of {currency}", open.transaction);
            self.balance_fault = Some(fault);
        }
    }

    fn close(&mut self) {
        self.close_transaction();
        let Some(open) = self.open.take() else { return };
        let seq = open.block.seq;
        if open.seen != open.block.transactions {
            let (seen, count) = (open.seen, open.block.transactions);
            self.fault(format!("block {seq} holds {seen} transactions and says {count}"));
        }
        let hash = open.hasher.finish();
        if open.block.hash != hash.as_bytes() {
            self.fault(format!("block {seq} does not hash to what it says"));
        }
        self.blocks += 1;
        self.recorded_at = open.block.recorded_at;
        // The walk goes on from what the block says, so that one broken block is one fault.
        self.head = ChainHead { seq, hash: BlockHash::from_bytes(&open.block.hash).unwrap_or(hash) };
    }

    fn fault(&mut self, fault: String) {
        self.chain_fault.get_or_insert(fault);
    }
}
