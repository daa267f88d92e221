//! Money moved at the bank and nobody knows why: `1010 || 2900`, the other way round for a debit.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// What the bank booked; below zero where it debited.
///
/// # Errors
/// None for one currency.
pub fn bank_unexplained(
    fact: &Fact<'_>,
    account: &Account,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let suspense = Account::new(AccountCode::SUSPENSE, account.owner.clone());
    let movements = [Movement::debit(account.clone(), amount), Movement::credit(suspense, amount)];
    fact.post(JournalEvent::BankUnexplained, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};
    use super::*;
    use crate::domain::ledger::Owner;

    proptest! {
        #[test]
        fn balances(amount in amount("SGD"), debit: bool) {
            let account = Account::new(AccountCode::BANK_CLIENT, Owner::of("dbs"));
            let amount = if debit { amount.negated() } else { amount };
            with_fact(|fact| assert_balances(bank_unexplained(fact, &account, amount)));
        }
    }
}
