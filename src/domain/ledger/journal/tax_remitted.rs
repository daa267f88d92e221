//! Withheld tax paid to the authority from the client account: `2210 || 1010` (J29).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::tax_withheld::withheld;

/// What was paid for one supplier.
///
/// # Errors
/// None for one currency.
pub fn tax_remitted(
    fact: &Fact<'_>,
    supplier: SupplierId,
    authority: &str,
    bank: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    fact.post(
        JournalEvent::TaxRemitted,
        &[
            Movement::debit(withheld(authority, supplier), amount),
            Movement::credit(Account::new(AccountCode::BANK_CLIENT, Owner::of(bank)), amount),
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
            with_fact(|fact| assert_balances(super::tax_remitted(fact, fact.ids.mint(), "BIR", "bpi", amount)));
        }
    }
}
