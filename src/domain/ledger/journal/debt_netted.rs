//! What a supplier owes comes off what it may be paid: `2110 || 1200` of the same supplier and currency (J24).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};

/// What is recovered.
///
/// # Errors
/// None for one currency.
pub fn debt_netted(
    fact: &Fact<'_>,
    supplier: SupplierId,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let of = |code| Account::new(code, Owner::of(supplier));
    fact.post(
        JournalEvent::DebtNetted,
        &[
            Movement::debit(of(AccountCode::SUPPLIER_AVAILABLE), amount),
            Movement::credit(of(AccountCode::SUPPLIER_RECEIVABLE), amount),
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
            with_fact(|fact| assert_balances(super::debt_netted(fact, fact.ids.mint(), amount)));
        }
    }
}
