//! Money came back: what arrived is the supplier's again (J21, J22); where the platform was at fault, all that had left.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;

/// What came back, and to whom it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnedPayout<'a> {
    /// What was credited, after the fees of those on the way.
    pub arrived: Money,
    /// To which account: mostly the one it had left.
    pub into: &'a Account,
    /// What the supplier gets back: what arrived, or all that had left where the platform was at fault. The same
    /// currency as `arrived`, but the payout's where it was unclaimed.
    pub credited: Money,
    /// What the rail had kept for the payee, where it was unclaimed: of the payout's currency, and of the debit's.
    pub unclaimed: Option<(Money, Money)>,
}

/// A return, after the payee had it or before it took it.
///
/// # Errors
/// [`LedgerError::Unbalanced`] when the currencies do not fit.
pub fn payout_returned(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    returned: &ReturnedPayout<'_>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let ReturnedPayout { arrived, into, credited, unclaimed } = *returned;
    let mut movements =
        vec![Movement::debit(into.clone(), arrived), Movement::credit(payout.available(), credited)];
    // What is missing is the platform's as far as the supplier gets more than arrived.
    let mut whole = credited;
    if let Some((amount, kept)) = unclaimed {
        movements.push(Movement::debit(payout.unclaimed(), amount));
        movements.push(Movement::credit(payout.kept(), kept));
        if amount.currency() != kept.currency() {
            whole = kept;
        }
    }
    let lost = whole.checked_sub(arrived).map_err(|_| LedgerError::TooLarge(JournalEvent::PayoutReturned))?;
    movements.push(Movement::debit(payout.at_rail(AccountCode::COST_PAYOUT_FEE), lost));
    fact.post(JournalEvent::PayoutReturned, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;

    proptest! {
        #[test]
        fn balances(arrived in amount("USD"), credited in amount("USD")) {
            with_payout(|fact, payout| assert_balances(super::payout_returned(fact, payout, &super::ReturnedPayout { arrived, into: &payout.cash, credited, unclaimed: None })));
        }
    }
}
