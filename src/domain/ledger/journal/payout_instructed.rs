//! A payout is instructed: `2110 || 2140`, and what the supplier bears of its fee in 5025 (J18, J19). No cash moves yet.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;

/// `amount` is to reach the payee; `borne` is the fee inside the supplier's balance, zero where the platform bears it.
///
/// # Errors
/// [`LedgerError`] when the sum is too large.
pub fn payout_instructed(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    amount: Money,
    borne: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    fact.post(JournalEvent::PayoutInstructed, &instructed(payout, amount, borne))
}

/// The movements of an instruction; the other way round they are its failure.
pub(super) fn instructed(payout: &PayoutBooking, amount: Money, borne: Money) -> [Movement; 4] {
    [
        Movement::debit(payout.available(), amount),
        Movement::debit(payout.available(), borne),
        Movement::credit(payout.in_transit(), amount),
        Movement::credit(payout.at_rail(AccountCode::COST_PAYOUT_FEE_RECHARGED), borne),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), borne in amount("USD")) {
            with_payout(|fact, payout| assert_balances(super::payout_instructed(fact, payout, amount, borne)));
        }
    }
}
