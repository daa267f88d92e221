//! The gateway said what it charged for captures whose fee was accrued: `2310 | 5010 | 1300 || 1100` (J02).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::{Money, MoneyError};

use super::booking::{Booking, Movement};

/// A fee as it was accrued and as it was charged. What it differs by is rounding of the batch (5080) or drift of the
/// contract (5010), never both: a difference is explained by one or it is not explained.
#[derive(Debug, Clone, Copy)]
pub struct TruedUp<'a> {
    /// What 2310 held for these captures: fee and tax.
    pub accrued: Money,
    /// What was charged beyond the accrued fee, without tax; below zero where it was less.
    pub difference: Money,
    /// Whether the difference is rounding.
    pub is_rounding: bool,
    /// What was charged beyond the accrued tax.
    pub tax_difference: Money,
    /// The tax authority's country.
    pub jurisdiction: &'a str,
}

impl TruedUp<'_> {
    /// Fee and tax as charged.
    ///
    /// # Errors
    /// [`MoneyError`] when they are of different currencies.
    pub fn charged(&self) -> Result<Money, MoneyError> {
        self.accrued.checked_add(self.difference)?.checked_add(self.tax_difference)
    }

    /// Everything but where the money came from.
    pub(super) fn debits(&self, booking: &Booking<'_>) -> [Movement; 3] {
        let difference =
            if self.is_rounding { AccountCode::ROUNDING } else { AccountCode::COST_FEE_VARIANCE };
        let tax = Account::new(AccountCode::TAX_INPUT, Owner::of(self.jurisdiction));
        [
            Movement::debit(booking.at_gateway(AccountCode::GATEWAY_FEE_ACCRUED), self.accrued),
            Movement::debit(booking.at_gateway(difference), self.difference),
            Movement::debit(tax, self.tax_difference),
        ]
    }
}

/// The fee of captures, told apart from any payout.
///
/// # Errors
/// [`LedgerError`] when the amounts are of different currencies.
pub fn fee_trued_up(
    booking: &Booking<'_>,
    fee: &TruedUp<'_>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let charged = fee.charged().map_err(|_| LedgerError::TooLarge(JournalEvent::FeeTruedUp))?;
    let mut movements = fee.debits(booking).to_vec();
    movements.push(Movement::credit(booking.landing(), charged));
    booking.post(JournalEvent::FeeTruedUp, &movements)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;

    prop_compose! {
        pub fn trued_up(currency: &'static str)(
            accrued in amount(currency), more in amount(currency), tax in amount(currency),
            is_rounding: bool, less: bool,
        ) -> TruedUp<'static> {
            let difference = if less { more.negated() } else { more };
            TruedUp { accrued, difference, is_rounding, tax_difference: tax, jurisdiction: "SG" }
        }
    }

    proptest! {
        #[test]
        fn balances(fee in trued_up("SGD")) {
            with_booking(|booking| assert_balances(fee_trued_up(booking, &fee)));
        }
    }
}
