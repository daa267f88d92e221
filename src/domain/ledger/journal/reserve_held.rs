//! Part of a supplier's pending share is kept back for a time: `2100 || 2120` (J23).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};

/// The supplier's rolling reserve of one tranche: `until` is the release date as the ledger writes it.
pub fn reserve(supplier: SupplierId, until: &str) -> Account {
    Account::new(AccountCode::SUPPLIER_RESERVED, Owner::of(format!("{supplier},{until}")))
}

/// What is kept back.
///
/// # Errors
/// None for one currency.
pub fn reserve_held(
    fact: &Fact<'_>,
    supplier: SupplierId,
    until: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    fact.post(
        JournalEvent::ReserveHeld,
        &[
            Movement::debit(Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier)), amount),
            Movement::credit(reserve(supplier, until), amount),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_fact(|fact| assert_balances(super::reserve_held(fact, fact.ids.mint(), "2026-12-24", amount)));
        }
    }
}
