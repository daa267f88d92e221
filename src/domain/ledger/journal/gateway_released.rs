//! The gateway released a hold: `1110|1100 || 1120[account,reason]` (J15, J23).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// How much, and the gateway's word for why.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn gateway_released(
    booking: &Booking<'_>,
    amount: Money,
    reason: &str,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let owner = Owner::joined(&[&booking.account.name, &reason]);
    let held = Account::new(AccountCode::GATEWAY_HELD, owner);
    booking.post(
        JournalEvent::GatewayReleased,
        &[Movement::credit(held, amount), Movement::debit(booking.landing(), amount)],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| assert_balances(super::gateway_released(booking, amount, "dispute")));
        }
    }
}
