//! The gateway took captured money back on its own: a debit nobody has explained yet, `2900 || 1110|1100`; the
//! finding that opens with it says whose it is.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What the gateway took.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn reversed(booking: &Booking<'_>, amount: Money) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::Reversed,
        &[
            Movement::debit(booking.at_gateway(AccountCode::SUSPENSE), amount),
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
            with_booking(|booking| assert_balances(super::reversed(booking, amount)));
        }
    }
}
