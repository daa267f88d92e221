//! The rail charged for a payout: `5020 || cash`, from the merchant's own account where a bank does (J18, J20), or from the
//! account that pays where the bank debits both together.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;

/// What was charged to `from`; below zero where a charge was given back.
///
/// # Errors
/// None for one currency.
pub fn payout_fee_charged(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    from: &Account,
    fee: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let event =
        if fee.is_negative() { JournalEvent::PayoutFeeReturned } else { JournalEvent::PayoutFeeCharged };
    fact.post(
        event,
        &[
            Movement::debit(payout.at_rail(AccountCode::COST_PAYOUT_FEE), fee),
            Movement::credit(from.clone(), fee),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(fee in amount("USD")) {
            with_payout(|fact, payout| assert_balances(super::payout_fee_charged(fact, payout, &payout.fees, fee)));
        }
    }
}
