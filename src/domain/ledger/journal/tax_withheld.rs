//! Tax withheld from a supplier for an authority: `2110 || 2210` (J29).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Fact, Movement};

/// What is owed to `authority` for this supplier.
pub fn withheld(authority: &str, supplier: SupplierId) -> Account {
    Account::new(AccountCode::TAX_WITHHELD, Owner::of(format!("{authority},{supplier}")))
}

/// What is withheld; below zero where a refund lowered the base.
///
/// # Errors
/// None for one currency.
pub fn tax_withheld(
    fact: &Fact<'_>,
    supplier: SupplierId,
    authority: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    fact.post(
        JournalEvent::TaxWithheld,
        &[
            Movement::debit(Account::new(AccountCode::SUPPLIER_AVAILABLE, Owner::of(supplier)), amount),
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
            with_fact(|fact| assert_balances(super::tax_withheld(fact, fact.ids.mint(), "BIR", amount)));
        }
    }
}
