//! A fee expected by contract, not yet charged: `5000 + 1300 || 2310` (J02).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// The expected fee without tax, and the input tax on it; `jurisdiction` names the tax authority's country.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn fee_accrued(
    booking: &Booking<'_>,
    fee: Money,
    tax: Money,
    jurisdiction: &str,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let expected = fee.checked_add(tax).map_err(|_| LedgerError::TooLarge(JournalEvent::FeeAccrued))?;
    booking.post(
        JournalEvent::FeeAccrued,
        &[
            Movement::debit(booking.at_gateway(AccountCode::COST_GATEWAY_FEE), fee),
            Movement::debit(Account::new(AccountCode::TAX_INPUT, Owner::of(jurisdiction)), tax),
            Movement::credit(booking.at_gateway(AccountCode::GATEWAY_FEE_ACCRUED), expected),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};

    proptest! {
        #[test]
        fn balances(fee in amount("SGD"), tax in amount("SGD")) {
            with_booking(|booking| assert_balances(super::fee_accrued(booking, fee, tax, "SG")));
        }
    }
}
