//! A second payment of one order: never split, owed back to the shopper: `1110 || 2010` (J27).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// The gross of a capture that is owed back.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn captured_twice(
    booking: &Booking<'_>,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::CapturedTwice,
        &[
            Movement::debit(booking.landing(), amount),
            Movement::credit(booking.at_gateway(AccountCode::CUSTOMER_REFUNDABLE), amount),
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
            with_booking(|booking| assert_balances(super::captured_twice(booking, amount)));
        }
    }
}
