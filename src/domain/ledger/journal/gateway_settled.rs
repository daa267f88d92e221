//! A gateway paid a batch out: `1140 | 2310 | 5080 or 5010 | 1300 || 1100` (J07), `1140 || 1100` where the fee is
//! invoiced (J08), `1140 || 1110` where it came off each capture.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};
use super::fee_trued_up::TruedUp;

/// What is on its way, and the fee that came off it where one did.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn gateway_settled(
    booking: &Booking<'_>,
    net: Money,
    fee: Option<&TruedUp<'_>>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let mut movements = vec![Movement::debit(booking.at_gateway(AccountCode::CASH_IN_TRANSIT), net)];
    let mut left = net;
    if let Some(fee) = fee {
        movements.extend(fee.debits(booking));
        left = fee
            .charged()
            .and_then(|charged| net.checked_add(charged))
            .map_err(|_| LedgerError::TooLarge(JournalEvent::GatewaySettled))?;
    }
    movements.push(Movement::credit(booking.landing(), left));
    booking.post(JournalEvent::GatewaySettled, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::super::fee_trued_up::tests::trued_up;

    proptest! {
        #[test]
        fn balances(net in amount("SGD"), fee in trued_up("SGD"), back: bool) {
            let net = if back { net.negated() } else { net };
            with_booking(|booking| {
                assert_balances(super::gateway_settled(booking, net, Some(&fee)));
                assert_balances(super::gateway_settled(booking, net, None));
            });
        }
    }
}
