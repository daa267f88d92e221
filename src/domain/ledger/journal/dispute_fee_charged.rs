//! A gateway charged a fee for a dispute: `5040 || 1110|1100` (J16).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What it charged.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn dispute_fee_charged(
    booking: &Booking<'_>,
    fee: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let cost = booking.at_gateway(AccountCode::COST_DISPUTE_FEE);
    booking.post(
        JournalEvent::DisputeFeeCharged,
        &[Movement::debit(cost, fee), Movement::credit(booking.landing(), fee)],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| assert_balances(super::dispute_fee_charged(booking, amount)));
        }
    }
}
