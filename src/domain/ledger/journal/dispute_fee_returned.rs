//! A gateway gave a dispute's fee back: `1110|1100 || 5040` (J17, note).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What came back.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn dispute_fee_returned(
    booking: &Booking<'_>,
    fee: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let cost = booking.at_gateway(AccountCode::COST_DISPUTE_FEE);
    booking.post(
        JournalEvent::DisputeFeeReturned,
        &[Movement::debit(booking.landing(), fee), Movement::credit(cost, fee)],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| assert_balances(super::dispute_fee_returned(booking, amount)));
        }
    }
}
