//! Goods were delivered: what was deferred is earned, `2300 || 4000` (J03).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::domain::merchants::Role;
use crate::money::Money;

use super::booking::{Booking, Movement};
use super::split::revenue;

/// Commission and own sales that are earned now.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn delivered(
    booking: &Booking<'_>,
    commission: Money,
    own_sales: Money,
    role: Role,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let event = JournalEvent::Delivered;
    let earned = commission.checked_add(own_sales).map_err(|_| LedgerError::TooLarge(event))?;
    booking.post(
        event,
        &[
            Movement::debit(booking.plain(AccountCode::COMMISSION_DEFERRED), earned),
            Movement::credit(booking.plain(revenue(role, false)), commission),
            Movement::credit(booking.plain(revenue(role, true)), own_sales),
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
        fn balances(commission in amount("SGD"), own in amount("SGD")) {
            with_booking(|booking| assert_balances(delivered(booking, commission, own, Role::Agent)));
        }
    }
}
