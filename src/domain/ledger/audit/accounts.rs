//! The accounts, entry by entry: no gap, each balance leads to the next, the last is what the account says, and no
//! floor was broken when a block was complete.

use crate::domain::ledger::account::AccountCode;
use crate::domain::ledger::balance::below_floor;
use crate::money::{Currency, Money};

use super::Check;

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
