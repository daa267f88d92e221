//! Money without an entitlement: booked at once, to suspense: `1110 || 2900` (J26).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// The gross of a capture that matches no open payment.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn captured_unmatched(
    booking: &Booking<'_>,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::CapturedUnmatched,
        &[
            Movement::debit(booking.landing(), amount),
            Movement::credit(booking.at_gateway(AccountCode::SUSPENSE), amount),
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
            with_booking(|booking| assert_balances(super::captured_unmatched(booking, amount)));
        }
    }
}
