//! Suppliers bear a dispute's fee: `2100|2110|1200[A] || 4030[dispute]` (J16).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// Who bears how much, and the fee that they sum to.
///
/// # Errors
/// [`LedgerError`] when they do not balance.
pub fn dispute_fee_recharged(
    booking: &Booking<'_>,
    borne: &[Movement],
    fee: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let recharged = Account::new(AccountCode::REVENUE_RECHARGED, Owner::of("dispute"));
    let movements: Vec<Movement> = borne.iter().cloned().chain([Movement::credit(recharged, fee)]).collect();
    booking.post(JournalEvent::DisputeFeeRecharged, &movements)
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
                let movements = [Movement::debit(of(Code::SUPPLIER_RECEIVABLE), amount)];
                assert_balances(super::dispute_fee_recharged(booking, &movements, amount));
            });
        }
    }
}
