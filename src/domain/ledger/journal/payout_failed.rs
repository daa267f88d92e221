//! A payout was refused before any debit: what was instructed is undone, the supplier has its balance back.

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;
use super::payout_instructed::instructed;

/// The amounts are those of the instruction.
///
/// # Errors
/// [`LedgerError`] when the sum is too large.
pub fn payout_failed(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    amount: Money,
    borne: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let undone = instructed(payout, amount, borne).map(|movement: Movement| movement.reversed());
    fact.post(JournalEvent::PayoutFailed, &undone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), borne in amount("USD")) {
            with_payout(|fact, payout| assert_balances(super::payout_failed(fact, payout, amount, borne)));
        }
    }
}
