//! A gateway holds a payment's money: `1110|1100 || 2000` (J01, J02).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// The gross of a capture, at the gateway and in clearing.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn captured(booking: &Booking<'_>, amount: Money) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::Captured,
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

    proptest! {
        #[test]
        fn balances(amount in amount("SGD")) {
            with_booking(|booking| assert_balances(super::captured(booking, amount)));
        }
    }
}
