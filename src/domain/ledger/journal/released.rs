//! Shares may be paid out: `2100 || 2110` (J07, J23).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What a supplier's shares come to, in one currency.
///
/// # Errors
/// None for one currency.
pub fn released(
    booking: &Booking<'_>,
    supplier: SupplierId,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let bucket = |code| booking.of_supplier(code, supplier);
    booking.post(
        JournalEvent::Released,
        &[
            Movement::debit(bucket(AccountCode::SUPPLIER_PENDING), amount),
            Movement::credit(bucket(AccountCode::SUPPLIER_AVAILABLE), amount),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, supplier, with_booking};

    proptest! {
        #[test]
        fn balances(amount in amount("SGD")) {
            with_booking(|booking| assert_balances(super::released(booking, supplier(booking), amount)));
        }
    }
}
