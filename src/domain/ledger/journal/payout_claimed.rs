//! The payee took what had been debited before: `2150 || 1120`.

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;
use super::payout_confirmed::{PaidPayout, leaving};

/// The amounts are those of the debit.
///
/// # Errors
/// [`LedgerError::Unbalanced`] when both are of one currency and differ.
pub fn payout_claimed(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    paid: &PaidPayout,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let leaving = leaving(payout, paid, JournalEvent::PayoutClaimed)?;
    let taken = leaving.into_iter().map(|movement| {
        let account = match movement.account {
            account if account == payout.in_transit() => payout.unclaimed(),
            account if account == payout.cash => payout.kept(),
            account => account,
        };
        Movement { account, amount: movement.amount }
    });
    fact.post(JournalEvent::PayoutClaimed, &taken.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;
    use super::super::payout_confirmed::tests::ways;

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), reached in amount("USD"), other in amount("CNY")) {
            for paid in ways(amount, reached, other) {
                with_payout(|fact, payout| assert_balances(super::payout_claimed(fact, payout, &paid)));
            }
        }
    }
}
