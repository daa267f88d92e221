//! A refund was decided and is owed to the shopper: the parties' shares `|| 2020` (J10, J14, J31); of money that was
//! never divided: `2010 || 2020` (J27). `2900 || 2020` is a resolution of suspense.

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// The movements that were decided, 2020 included.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn refund_decided(
    booking: &Booking<'_>,
    movements: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(JournalEvent::RefundDecided, movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;
    use crate::domain::ledger::AccountCode;

    proptest! {
        #[test]
        fn undivided_money_balances(amount in amount("USD")) {
            with_booking(|booking| {
                let stood = booking.at_gateway(AccountCode::CUSTOMER_REFUNDABLE);
                let owed = booking.at_gateway(AccountCode::REFUND_IN_TRANSIT);
                let movements = [Movement::debit(stood, amount), Movement::credit(owed, amount)];
                assert_balances(refund_decided(booking, &movements));
            });
        }
    }
}
