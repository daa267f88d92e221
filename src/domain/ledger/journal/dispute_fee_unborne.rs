//! A dispute's fee came back, and the suppliers who bore it get it: `4030[dispute] || 1200|2110[A]` (J17, note).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// Who gets how much, and the fee that they sum to.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn dispute_fee_unborne(
    booking: &Booking<'_>,
    returned: &[Movement],
    fee: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let recharged = Account::new(AccountCode::REVENUE_RECHARGED, Owner::of("dispute"));
    let movements: Vec<Movement> =
        returned.iter().cloned().chain([Movement::debit(recharged, fee)]).collect();
    booking.post(JournalEvent::DisputeFeeUnborne, &movements)
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
                let movements = [Movement::credit(of(Code::SUPPLIER_RECEIVABLE), amount)];
                assert_balances(super::dispute_fee_unborne(booking, &movements, amount));
            });
        }
    }
}
