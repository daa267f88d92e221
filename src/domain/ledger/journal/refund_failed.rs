//! A refund will not happen: every movement of its decision, the other way round.

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// Undoes the movements of [`super::refund_decided`].
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn refund_failed(
    booking: &Booking<'_>,
    decided: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let undone: Vec<Movement> = decided.iter().map(Movement::reversed).collect();
    booking.post(JournalEvent::RefundFailed, &undone)
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
                let decided = [
                    Movement::debit(booking.plain(AccountCode::REVENUE_COMMISSION), amount),
                    Movement::credit(owed, amount),
                ];
                assert_balances(refund_failed(booking, &decided));
            });
        }
    }
}
