//! The gateway holds part of its balance: `1120[account,reason] || 1110|1100` (J15, J23).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// How much, and the gateway's word for why.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn gateway_held(
    booking: &Booking<'_>,
    amount: Money,
    reason: &str,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let owner = Owner::joined(&[&booking.account.name, &reason]);
    let held = Account::new(AccountCode::GATEWAY_HELD, owner);
    booking.post(
        JournalEvent::GatewayHeld,
        &[Movement::debit(held, amount), Movement::credit(booking.landing(), amount)],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| assert_balances(super::gateway_held(booking, amount, "dispute")));
        }
    }
}
