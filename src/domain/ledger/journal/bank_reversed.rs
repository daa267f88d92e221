//! The bank took back a line that it had booked: everything that was booked of that line, the other way round
//! (`1140 || 1010 | 5090`, `2900 || 1010`).

use crate::domain::ledger::{Account, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// `booked` is what stands in the books of the line and of its reversal so far.
///
/// # Errors
/// [`LedgerError`] when it does not balance or its sums do not fit.
pub fn bank_reversed(fact: &Fact<'_>, booked: &[Movement]) -> Result<Option<LedgerTransaction>, LedgerError> {
    let mut sums: Vec<Movement> = vec![];
    let same = |known: &Movement, account: &Account, amount: Money| {
        known.account == *account && known.amount.currency() == amount.currency()
    };
    for movement in booked {
        let back = movement.reversed();
        match sums.iter_mut().find(|known| same(known, &back.account, back.amount)) {
            Some(known) => {
                let sum = known.amount.checked_add(back.amount);
                known.amount = sum.map_err(|_| LedgerError::TooLarge(JournalEvent::BankReversed))?;
            }
            None => sums.push(back),
        }
    }
    fact.post(JournalEvent::BankReversed, &sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};
    use super::*;
    use crate::domain::ledger::{AccountCode, Owner};

    proptest! {
        #[test]
        fn balances(amount in amount("SGD"), kept in amount("SGD")) {
            let account = |code| Account::new(code, Owner::of("dbs"));
            let gross = amount.checked_add(kept).unwrap_or(amount);
            let kept = if gross == amount { Money::zero(amount.currency()) } else { kept };
            let booked = [
                Movement::debit(account(AccountCode::BANK_CLIENT), amount),
                Movement::credit(account(AccountCode::SUSPENSE), amount),
                Movement::debit(account(AccountCode::SUSPENSE), amount),
                Movement::debit(account(AccountCode::COST_BANK_CHARGES), kept),
                Movement::credit(account(AccountCode::CASH_IN_TRANSIT), gross),
            ];
            with_fact(|fact| assert_balances(bank_reversed(fact, &booked)));
        }
    }
}
