//! A gateway took captured money because of a dispute: the parties' shares against the gateway's balance, `2100|2110|1200[A] | 4000 || 1110|1100` (J16).
//!
//! What each gives back is decided as for a refund; the money is gone already, so it goes through no 2020.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};

use super::booking::{Booking, Movement};

/// What a refund of the same amount would post.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn charged_back(
    booking: &Booking<'_>,
    decided: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let landing = |movement: &Movement| match movement.account.code {
        AccountCode::REFUND_IN_TRANSIT => Movement { account: booking.landing(), amount: movement.amount },
        _ => movement.clone(),
    };
    let movements: Vec<Movement> = decided.iter().map(landing).collect();
    booking.post(JournalEvent::ChargedBack, &movements)
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
                let movements = [Movement::debit(of(Code::SUPPLIER_RECEIVABLE), amount), Movement::credit(booking.at_gateway(Code::REFUND_IN_TRANSIT), amount)];
                assert_balances(super::charged_back(booking, &movements));
            });
        }
    }
}
