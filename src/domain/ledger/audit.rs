//! Going over the books: what must be true of blocks, transactions, entries and accounts, whoever reads them and from
//! where. The store feeds rows in their order; nothing here holds more than one block's worth of state.
//!
//! [`ChainAudit`] walks blocks in order and recomputes each hash; [`AccountAudit`] walks accounts in order and follows
//! each balance entry by entry. Both keep the first fault they meet: behind a break nothing can be trusted anyway.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::money::{Currency, Money};

use super::account::AccountCode;
use super::balance::below_floor;
use super::chain::{BlockHash, BlockHasher, ChainHead, EntryFields, TransactionFields};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen, or what is wrong and where.
    pub detail: String,
}

impl Check {
    /// Holds unless there is a fault.
    pub fn new(name: &'static str, seen: impl Into<String>, fault: Option<String>) -> Check {
        Check { name, ok: fault.is_none(), detail: fault.unwrap_or_else(|| seen.into()) }
    }
}

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

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// Its number.
    pub id: i64,
    /// Its code.
    pub code: i64,
    /// Its owner.
    pub owner: String,
    /// Its currency.
    pub currency: String,
    /// Its balance.
    pub balance: i64,
    /// Its number of entries.
    pub seq: i64,
}

/// Walks accounts and their entries.
#[derive(Debug, Default)]
pub struct AccountAudit {
    open: Option<OpenAccount>,
    balance_fault: Option<String>,
    order_fault: Option<String>,
    floor_fault: Option<String>,
    accounts: i64,
    entries: i64,
}

#[derive(Debug)]
struct OpenAccount {
    account: StoredAccount,
    balance: i64,
    seq: i64,
    block: i64,
}

impl AccountAudit {
    /// The next account; the one before is closed.
    pub fn account(&mut self, account: StoredAccount) {
        self.close();
        self.accounts += 1;
        self.open = Some(OpenAccount { account, balance: 0, seq: 0, block: 0 });
    }

    /// The next entry of the open account, in the order of `seq`; `block` is the block of its transaction.
    pub fn entry(&mut self, seq: i64, amount: i64, balance_after: i64, block: i64) {
        let Some(open) = &mut self.open else { return };
        self.entries += 1;
        // A floor holds whenever a change is complete, and a block only holds complete changes.
        let complete = if block != open.block { open.below_floor() } else { None };
        let name = open.account.name();
        let fault = if seq != open.seq + 1 {
            Some(format!("{name}: entry {} is missing", open.seq + 1))
        } else if open.balance.checked_add(amount) != Some(balance_after) {
            Some(format!("{name}: entry {seq} does not lead from {} to {balance_after}", open.balance))
        } else {
            None
        };
        open.seq = seq;
        open.balance = balance_after;
        open.block = block;
        if let Some(fault) = fault {
            self.order_fault.get_or_insert(fault);
        }
        if let Some(fault) = complete {
            self.floor_fault.get_or_insert(fault);
        }
    }

    /// What was seen, and the checks.
    pub fn finish(mut self) -> [Check; 3] {
        self.close();
        let accounts = format!("{} accounts", self.accounts);
        let entries = format!("{} entries", self.entries);
        [
            Check::new("balances_equal_entries", accounts.clone(), self.balance_fault),
            Check::new("entries_gapless", entries, self.order_fault),
            Check::new("floors", accounts, self.floor_fault),
        ]
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (stored, name) = (&open.account, open.account.name());
        if stored.balance != open.balance || stored.seq != open.seq {
            let fault = format!(
                "{name} stands at {} after {} entries; its entries come to {} after {}",
                stored.balance, stored.seq, open.balance, open.seq
            );
            self.balance_fault.get_or_insert(fault);
        }
        if let Some(fault) = open.below_floor() {
            self.floor_fault.get_or_insert(fault);
        }
    }
}

impl OpenAccount {
    fn below_floor(&self) -> Option<String> {
        let code = u16::try_from(self.account.code).ok().and_then(|code| AccountCode::find(code).ok())?;
        let currency = Currency::find(&self.account.currency).ok()?;
        let stands = below_floor(code, Money::from_minor(self.balance, currency))?;
        Some(format!("{} stood at {stands} after entry {}", self.account.name(), self.seq))
    }
}

impl StoredAccount {
    fn name(&self) -> String {
        format!("account {} ({}[{}] {})", self.id, self.code, self.owner, self.currency)
    }
}
