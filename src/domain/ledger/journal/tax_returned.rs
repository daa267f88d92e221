//! Withheld tax that was paid to the authority and came back to the client account: owed again, `1010 || 2210` (J29 the other
//! way round).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::tax_withheld::withheld;

/// What came back for one supplier.
///
/// # Errors
/// None for one currency.
pub fn tax_returned(
    fact: &Fact<'_>,
    supplier: SupplierId,
    authority: &str,
    bank: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    fact.post(
        JournalEvent::TaxReturned,
        &[
            Movement::debit(Account::new(AccountCode::BANK_CLIENT, Owner::of(bank)), amount),
            Movement::credit(withheld(authority, supplier), amount),
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
            with_fact(|fact| assert_balances(super::tax_returned(fact, fact.ids.mint(), "BIR", "bpi", amount)));
        }
    }
}
