//! A refund was decided and is owed to the shopper: the parties' shares `|| 2020` (J10, J14, J31); of money that was
//! never divided: `2010 || 2020` (J27), `2900 || 2020` is a resolution of suspense.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// Where undivided money that goes back was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundSource {
    /// A second payment of one order (2010).
    CustomerRefundable,
    /// A captured payment that was never split (2000).
    OrderClearing,
}

/// The movements that `domain::refunds` decided, 2020 included.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn refund_decided(
    booking: &Booking<'_>,
    movements: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(JournalEvent::RefundDecided, movements)
}

/// Money that was never divided goes back.
///
/// # Errors
/// None for one currency.
pub fn refund_decided_unsplit(
    booking: &Booking<'_>,
    from: RefundSource,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let code = match from {
        RefundSource::CustomerRefundable => AccountCode::CUSTOMER_REFUNDABLE,
        RefundSource::OrderClearing => AccountCode::ORDER_CLEARING,
    };
    booking.post(
        JournalEvent::RefundDecided,
        &[
            Movement::debit(booking.at_gateway(code), amount),
            Movement::credit(booking.at_gateway(AccountCode::REFUND_IN_TRANSIT), amount),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;

    proptest! {
        #[test]
        fn undivided_money_balances(amount in amount("USD")) {
            with_booking(|booking| {
                assert_balances(refund_decided_unsplit(booking, RefundSource::CustomerRefundable, amount));
            });
        }
    }
}
