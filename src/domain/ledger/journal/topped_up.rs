//! Own money was put with the clients' money (J07, J25): the bank's two lines are one transfer, `1010 || 2900`, where the
//! other line stands in suspense.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// The second line of a transfer: `account` moves by `amount`, the first line leaves suspense at `other`.
///
/// # Errors
/// None for one currency.
pub fn topped_up(
    fact: &Fact<'_>,
    account: &Account,
    other: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let suspense = Account::new(AccountCode::SUSPENSE, Owner::of(other));
    let movements = [Movement::debit(account.clone(), amount), Movement::credit(suspense, amount)];
    fact.post(JournalEvent::ToppedUp, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};
    use super::*;

    proptest! {
        #[test]
        fn balances(amount in amount("SGD"), back: bool) {
            let account = Account::new(AccountCode::BANK_CLIENT, Owner::of("dbs"));
            let amount = if back { amount.negated() } else { amount };
            with_fact(|fact| assert_balances(topped_up(fact, &account, "own", amount)));
        }
    }
}
