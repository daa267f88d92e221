//! Two persons decided about what a rail paid otherwise than was instructed: what did not leave is the supplier's again
//! (`2900 || 2110`), what left too much the platform's loss (`5030 || 2900`).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;

/// `aside` is what stands in suspense: above zero where the rail paid too little.
///
/// # Errors
/// None for one currency.
pub fn payout_difference_settled(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    aside: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let to = match aside.is_negative() {
        true => Account::new(AccountCode::COST_REFUND_LOSS, Owner::none()),
        false => payout.available(),
    };
    let movements = [Movement::debit(payout.suspense(), aside), Movement::credit(to, aside)];
    fact.post(JournalEvent::SuspenseResolved, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(aside in amount("USD"), too_much: bool) {
            let aside = if too_much { aside.negated() } else { aside };
            with_payout(|fact, payout| assert_balances(super::payout_difference_settled(fact, payout, aside)));
        }
    }
}
