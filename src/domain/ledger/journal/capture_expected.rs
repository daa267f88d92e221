//! A gateway has taken a payment's money and not credited it yet: `1110|1100 || 2000` in the pending layer (M14).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What is on its way. Its source is the payment: it is expected once.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn capture_expected(
    booking: &Booking<'_>,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.expect(
        JournalEvent::CaptureExpected,
        &[
            Movement::debit(booking.landing(), amount),
            Movement::credit(booking.at_gateway(AccountCode::ORDER_CLEARING), amount),
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
                let built = capture_expected(booking, amount);
                for posting in built.iter().flatten().flat_map(LedgerTransaction::postings) {
                    assert_eq!(posting.layer, Layer::Pending);
                }
                assert_balances(built);
            });
        }
    }
}
