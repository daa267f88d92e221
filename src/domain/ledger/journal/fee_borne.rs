//! The fee comes off the shared amount before the gateway converts it: `2000 || 5005` (J06).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// The gateway's fee, in the payment's currency.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn fee_borne(booking: &Booking<'_>, amount: Money) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(
        JournalEvent::FeeBorne,
        &[
            Movement::debit(booking.at_gateway(AccountCode::ORDER_CLEARING), amount),
            Movement::credit(booking.at_gateway(AccountCode::COST_GATEWAY_FEE_RECHARGED), amount),
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
            with_booking(|booking| assert_balances(super::fee_borne(booking, amount)));
        }
    }
}
