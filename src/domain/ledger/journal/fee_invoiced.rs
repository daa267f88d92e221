//! An invoice of accrued fees, paid from the merchant's own account: `2310 | 5080 | 1300 || 1000` (J08).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};

use super::booking::{Booking, Movement};
use super::fee_trued_up::TruedUp;

/// The fee as invoiced; `bank` is the name of the own account that paid it.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn fee_invoiced(
    booking: &Booking<'_>,
    fee: &TruedUp<'_>,
    bank: &str,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let charged = fee.charged().map_err(|_| LedgerError::TooLarge(JournalEvent::FeeInvoiced))?;
    let mut movements = fee.debits(booking).to_vec();
    let own = Account::new(AccountCode::BANK_OPERATING, Owner::of(bank));
    movements.push(Movement::credit(own, charged));
    booking.post(JournalEvent::FeeInvoiced, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{assert_balances, with_booking};
    use super::super::fee_trued_up::tests::trued_up;

    proptest! {
        #[test]
        fn balances(fee in trued_up("SGD")) {
            with_booking(|booking| assert_balances(super::fee_invoiced(booking, &fee, "dbs")));
        }
    }
}
