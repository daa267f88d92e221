//! A tranche of a supplier's reserve may be paid out: `2120 || 2110` (J23).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::reserve_held::reserve;

/// All or part of a tranche.
///
/// # Errors
/// None for one currency.
pub fn reserve_released(
    fact: &Fact<'_>,
    supplier: SupplierId,
    until: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    fact.post(
        JournalEvent::ReserveReleased,
        &[
            Movement::debit(reserve(supplier, until), amount),
            Movement::credit(Account::new(AccountCode::SUPPLIER_AVAILABLE, Owner::of(supplier)), amount),
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
            with_fact(|fact| assert_balances(super::reserve_released(fact, fact.ids.mint(), "2026-12-24", amount)));
        }
    }
}
