//! A gateway gave back what it had taken: `1110|1100 || 1200[A] | 4000` (J17).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// What the charge-back posted, undone: see [`crate::domain::disputes::Purse::undo`].
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn chargeback_reversed(
    booking: &Booking<'_>,
    undone: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let landing = |movement: &Movement| match movement.account.code {
        AccountCode::REFUND_IN_TRANSIT => Movement { account: booking.landing(), amount: movement.amount },
        _ => movement.clone(),
    };
    let movements: Vec<Movement> = undone.iter().map(landing).collect();
    booking.post(JournalEvent::ChargebackReversed, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::Movement;
    use super::super::booking::tests::{amount, assert_balances, supplier, with_booking};
    use crate::domain::ledger::AccountCode as Code;

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            with_booking(|booking| {
                let of = |code| booking.of_supplier(code, supplier(booking));
                let movements = [Movement::credit(of(Code::SUPPLIER_RECEIVABLE), amount), Movement::debit(booking.at_gateway(Code::REFUND_IN_TRANSIT), amount)];
                assert_balances(super::chargeback_reversed(booking, &movements));
            });
        }
    }
}
