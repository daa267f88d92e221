//! The gateway gave part of its fee back with a refund: `1110|1100 || 5000`; what a supplier had borne of it goes back
//! to the supplier: `5005 || 2100…1200`.

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What came back, and where the suppliers' part of it goes (credits).
///
/// # Errors
/// [`LedgerError`] when the credits are of another currency.
pub fn fee_returned(
    booking: &Booking<'_>,
    returned: Money,
    to_suppliers: &[Movement],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let event = JournalEvent::FeeReturned;
    let borne = Money::sum(returned.currency(), to_suppliers.iter().map(|movement| movement.amount))
        .map_err(|_| LedgerError::TooLarge(event))?;
    let mut movements = vec![
        Movement::debit(booking.landing(), returned),
        Movement::credit(booking.at_gateway(AccountCode::COST_GATEWAY_FEE), returned),
        Movement::debit(booking.at_gateway(AccountCode::COST_GATEWAY_FEE_RECHARGED), borne.negated()),
    ];
    movements.extend_from_slice(to_suppliers);
    booking.post(event, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, supplier, with_booking};
    use super::*;

    proptest! {
        #[test]
        fn balances(returned in amount("USD"), borne in amount("USD")) {
            with_booking(|booking| {
                let owed = booking.of_supplier(AccountCode::SUPPLIER_RECEIVABLE, supplier(booking));
                assert_balances(fee_returned(booking, returned, &[Movement::credit(owed, borne)]));
            });
        }
    }
}
