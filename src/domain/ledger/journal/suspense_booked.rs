//! Unexplained money at the gateway: `1110|1100 || 2900`, the other way round for a debit.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// A difference between the gateway's books and ours; negative where money is missing.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn suspense_booked(
    booking: &Booking<'_>,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::SuspenseBooked,
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
        fn balances(amount in amount("USD"), missing: bool) {
            with_booking(|booking| assert_balances(super::suspense_booked(booking, if missing { amount.negated() } else { amount })));
        }
    }
}
