//! Unexplained money at the bank turned out to be what gateways had sent: `2900 | 5090 || 1140`.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction};

use super::bank_credited::Deposit;
use super::booking::{Fact, Movement};

/// The line was booked before, against suspense.
///
/// # Errors
/// [`LedgerError`] when the parts do not sum.
pub fn bank_matched(
    fact: &Fact<'_>,
    deposit: &Deposit<'_>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let suspense = Account::new(AccountCode::SUSPENSE, deposit.account.owner.clone());
    let mut movements = deposit.others();
    match movements.iter_mut().find(|movement| movement.account == suspense) {
        // One movement for each account: what is missing stays there, what came leaves it.
        Some(movement) => {
            movement.amount = movement
                .amount
                .checked_add(deposit.received)
                .map_err(|_| LedgerError::TooLarge(JournalEvent::BankMatched))?;
        }
        None => movements.push(Movement::debit(suspense, deposit.received)),
    }
    fact.post(JournalEvent::BankMatched, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bank_credited::tests::with_deposit;
    use super::super::booking::tests::{amount, assert_balances, with_fact};

    proptest! {
        #[test]
        fn balances(first in amount("SGD"), second in amount("SGD"), charges in amount("SGD"), missing in amount("SGD")) {
            with_deposit((first, second, charges, missing), |deposit| {
                with_fact(|fact| assert_balances(super::bank_matched(fact, deposit)));
            });
        }
    }
}
