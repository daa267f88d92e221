//! A bank charged for what it did, apart from any deposit: `5090 || 1000` (J05).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// `charge` left `bank`.
///
/// # Errors
/// [`LedgerError`]; none for an amount.
pub fn bank_charged(
    fact: &Fact<'_>,
    bank: &Account,
    charge: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let cost = Account::new(AccountCode::COST_BANK_CHARGES, bank.owner.clone());
    fact.post(
        JournalEvent::BankCharged,
        &[Movement::debit(cost, charge), Movement::credit(bank.clone(), charge)],
    )
}
