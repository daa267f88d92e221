//! The gateway converted at capture: the clearing account and the gateway's balance change currency, each through the
//! position account, which ends where it was (J06). The gateway's own spread is inside its rate and is not posted.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// `sold` in the payment's currency became `received`.
///
/// # Errors
/// [`LedgerError`]; none for two amounts above zero.
pub fn converted_by_gateway(
    booking: &Booking<'_>,
    sold: Money,
    received: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let clearing = booking.at_gateway(AccountCode::ORDER_CLEARING);
    let position = booking.plain(AccountCode::FX_POSITION);
    booking.post(
        JournalEvent::ConvertedByGateway,
        &[
            Movement::debit(clearing.clone(), sold),
            Movement::credit(position.clone(), sold),
            Movement::debit(position.clone(), received),
            Movement::credit(clearing, received),
            Movement::debit(position.clone(), sold),
            Movement::credit(booking.landing(), sold),
            Movement::debit(booking.landing(), received),
            Movement::credit(position, received),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(sold in amount("USD"), received in amount("EUR")) {
            with_booking(|booking| assert_balances(super::converted_by_gateway(booking, sold, received)));
        }
    }
}
