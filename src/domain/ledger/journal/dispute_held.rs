//! What is disputed is held at the suppliers: `2100|2110[A] || 2130[A,dispute]` (J15).

use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// From which buckets how much.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn dispute_held(
    booking: &Booking<'_>,
    movements: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    booking.post(JournalEvent::DisputeHeld, movements)
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
                assert_balances(super::dispute_held(booking, &movements));
            });
        }
    }
}
