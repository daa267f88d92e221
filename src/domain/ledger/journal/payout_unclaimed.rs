//! The rail debited and the payee has not taken it: still owed, `2140 | 1120 || 2150 | cash` (J22).

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;
/// `debited` is of the payout's currency, or of another where the rail converted.
///
/// # Errors
/// [`LedgerError::Unbalanced`] when both are of one currency and differ.
pub fn payout_unclaimed(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    amount: Money,
    debited: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    // Nothing is converted before the payee takes it: what was debited is only kept, where it is told apart at all.
    let mut movements =
        vec![Movement::debit(payout.in_transit(), amount), Movement::credit(payout.unclaimed(), amount)];
    if payout.kept() != payout.cash {
        movements.push(Movement::debit(payout.kept(), debited));
        movements.push(Movement::credit(payout.cash.clone(), debited));
    }
    fact.post(JournalEvent::PayoutUnclaimed, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), other in amount("CNY")) {
            with_payout(|fact, payout| assert_balances(super::payout_unclaimed(fact, payout, amount, if other.minor() % 2 == 0 { amount } else { other })));
        }
    }
}
