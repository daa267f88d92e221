//! The gateway paid a refund out: `2020 || 1110|1100` (J10).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What went back to the shopper.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn refund_confirmed(
    booking: &Booking<'_>,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::RefundConfirmed,
        &[
            Movement::debit(booking.at_gateway(AccountCode::REFUND_IN_TRANSIT), amount),
            Movement::credit(booking.landing(), amount),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| assert_balances(super::refund_confirmed(booking, amount)));
        }
    }
}
