//! What was held at the suppliers goes back where it was, less what went against a debt that refunds made meanwhile:
//! `2130[A,dispute] || 2100|2110[A] | 1200[A]` (J15).

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// What [`super::dispute_held`] posted, the other way round, with what is owed and paid from it.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn dispute_released(
    booking: &Booking<'_>,
    free: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(JournalEvent::DisputeReleased, free)
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
                let movements = [Movement::debit(of(Code::SUPPLIER_AVAILABLE), amount), Movement::credit(of(Code::SUPPLIER_HELD), amount)];
                assert_balances(super::dispute_released(booking, &movements));
            });
        }
    }
}
