//! A refund will not happen: every movement of its decision, the other way round; of a supplier's debt what still stands.

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// What undoes the movements of [`super::refund_decided`], as the supplier's debt stands by now.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn refund_failed(
    booking: &Booking<'_>,
    undone: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(JournalEvent::RefundFailed, undone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;
    use crate::domain::ledger::AccountCode;

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| {
                let owed = booking.at_gateway(AccountCode::REFUND_IN_TRANSIT);
                let undone = [
                    Movement::credit(booking.plain(AccountCode::REVENUE_COMMISSION), amount),
                    Movement::debit(owed, amount),
                ];
                assert_balances(refund_failed(booking, &undone));
            });
        }
    }
}
