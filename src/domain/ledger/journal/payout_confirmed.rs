//! The rail debited and the payee has it: `2140 || cash` (J18, J20), through the position where the rail itself converted.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;

/// `amount` is what was instructed, `debited` what left the cash account: the same, or another currency where the rail
/// converted.
///
/// # Errors
/// [`LedgerError::Unbalanced`] when both are of one currency and differ.
pub fn payout_confirmed(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    amount: Money,
    debited: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let leaving = leaving(payout, amount, debited);
    fact.post(JournalEvent::PayoutConfirmed, &leaving)
}

/// What was in transit leaves the cash account.
pub(super) fn leaving(payout: &PayoutBooking, amount: Money, debited: Money) -> Vec<Movement> {
    let mut movements =
        vec![Movement::debit(payout.in_transit(), amount), Movement::credit(payout.cash.clone(), debited)];
    if amount.currency() != debited.currency() {
        let position = || Account::new(AccountCode::FX_POSITION, Owner::none());
        movements.push(Movement::credit(position(), amount));
        movements.push(Movement::debit(position(), debited));
    }
    movements
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), other in amount("CNY")) {
            with_payout(|fact, payout| assert_balances(super::payout_confirmed(fact, payout, amount, if other.minor() % 2 == 0 { amount } else { other })));
        }
    }
}
