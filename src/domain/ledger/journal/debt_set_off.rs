//! What a supplier owes in one currency comes off what it may be paid in another, with its consent: an internal deal at mid,
//! two legs through the position account: `2110 || 3000` in the balance's currency, `3000 || 1200` in the debt's.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};

/// `taken` of the balance covers `covered` of the debt.
///
/// # Errors
/// None for two currencies.
pub fn debt_set_off(
    fact: &Fact<'_>,
    supplier: SupplierId,
    taken: Money,
    covered: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let of = |code| Account::new(code, Owner::of(supplier));
    let position = || Account::new(AccountCode::FX_POSITION, Owner::none());
    fact.post(
        JournalEvent::DebtSetOff,
        &[
            Movement::debit(of(AccountCode::SUPPLIER_AVAILABLE), taken),
            Movement::credit(position(), taken),
            Movement::debit(position(), covered),
            Movement::credit(of(AccountCode::SUPPLIER_RECEIVABLE), covered),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};

    proptest! {
        #[test]
        fn balances(taken in amount("THB"), covered in amount("USD")) {
            with_fact(|fact| {
                assert_balances(super::debt_set_off(fact, fact.ids.mint(), taken, covered));
            });
        }
    }
}
