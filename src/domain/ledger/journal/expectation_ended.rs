//! What was expected came, or will not come: `2000 || 1110|1100` in the pending layer. What came is posted beside it.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// The same amount as was expected. Its source is the payment: it ends once.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn expectation_ended(
    booking: &Booking<'_>,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.expect(
        JournalEvent::ExpectationEnded,
        &[
            Movement::credit(booking.landing(), amount),
            Movement::debit(booking.at_gateway(AccountCode::ORDER_CLEARING), amount),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;
    use crate::domain::ledger::Layer;

    proptest! {
        #[test]
        fn balances_and_is_not_money_yet(amount in amount("USD")) {
            with_booking(|booking| {
                let built = expectation_ended(booking, amount);
                for posting in built.iter().flatten().flat_map(LedgerTransaction::postings) {
                    assert_eq!(posting.layer, Layer::Pending);
                }
                assert_balances(built);
            });
        }
    }
}
