//! A gateway charged its fee: `5000 || 1110|1100` (J01), with input tax to 1300; where suppliers bear the contract's
//! figure instead, the difference is drift in 5010.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What was charged.
#[derive(Debug, Clone, Copy)]
pub struct ChargedFee<'a> {
    /// Without tax.
    pub fee: Money,
    /// The tax on it, recoverable.
    pub tax: Money,
    /// What the contract expected, where that is what suppliers bear; else the fee itself.
    pub expected: Money,
    /// Whose tax: `SG`.
    pub jurisdiction: &'a str,
}

/// The gateway's fee, taken off the money it holds.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn fee_charged(
    booking: &Booking<'_>,
    charged: &ChargedFee<'_>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let too_large = |_| LedgerError::TooLarge(JournalEvent::FeeCharged);
    let taken = charged.fee.checked_add(charged.tax).map_err(too_large)?;
    let drift = charged.fee.checked_sub(charged.expected).map_err(too_large)?;
    let tax = Account::new(AccountCode::TAX_INPUT, Owner::of(charged.jurisdiction));
    booking.post(
        JournalEvent::FeeCharged,
        &[
            Movement::debit(booking.at_gateway(AccountCode::COST_GATEWAY_FEE), charged.expected),
            Movement::debit(booking.at_gateway(AccountCode::COST_FEE_VARIANCE), drift),
            Movement::debit(tax, charged.tax),
            Movement::credit(booking.landing(), taken),
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
        fn balances(fee in amount("SGD"), tax in amount("SGD"), expected in amount("SGD")) {
            let charged = ChargedFee { fee, tax, expected, jurisdiction: "SG" };
            with_booking(|booking| assert_balances(fee_charged(booking, &charged)));
        }
    }
}
