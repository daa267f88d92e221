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

/// The gateway changed money within its balance to pay a refund, or whatever else it took in a currency that the account
/// does not hold. The two legs on the position stand beside each other: the book of exchange deals reads them as one, and
/// they meet what the refund opened there.
///
/// # Errors
/// [`LedgerError`]; none for two amounts above zero.
pub fn converted_in_balance(
    booking: &Booking<'_>,
    sold: Money,
    bought: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let position = booking.plain(AccountCode::FX_POSITION);
    booking.post(
        JournalEvent::ConvertedByGateway,
        &[
            Movement::credit(booking.landing(), sold),
            Movement::debit(position.clone(), sold),
            Movement::credit(position, bought),
            Movement::debit(booking.landing(), bought),
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

        #[test]
        fn in_balance_balances(sold in amount("EUR"), bought in amount("USD")) {
            with_booking(|booking| assert_balances(super::converted_in_balance(booking, sold, bought)));
        }
    }
}
