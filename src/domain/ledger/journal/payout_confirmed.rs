//! The rail debited and the payee has it: `2140 || cash` (J18, J20), through the position where the rail itself converted.
//! Where it paid another amount than was instructed, the difference stands in suspense (`2140 || cash | 2900`).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};
use super::payout::PayoutBooking;

/// What left with a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidPayout {
    /// What was instructed.
    pub amount: Money,
    /// What the payee got, of the same currency, where that is not the same.
    pub reached: Option<Money>,
    /// What left the cash account: what the payee got, or another currency where the rail converted.
    pub debited: Money,
}

/// The payee has it.
///
/// # Errors
/// [`LedgerError::Unbalanced`] when what was debited is of one currency with what the payee got and differs.
pub fn payout_confirmed(
    fact: &Fact<'_>,
    payout: &PayoutBooking,
    paid: &PaidPayout,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let leaving = leaving(payout, paid, JournalEvent::PayoutConfirmed)?;
    fact.post(JournalEvent::PayoutConfirmed, &leaving)
}

/// What was in transit leaves the cash account.
pub(super) fn leaving(
    payout: &PayoutBooking,
    paid: &PaidPayout,
    event: JournalEvent,
) -> Result<Vec<Movement>, LedgerError> {
    let PaidPayout { amount, reached, debited } = *paid;
    let mut movements =
        vec![Movement::debit(payout.in_transit(), amount), Movement::credit(payout.cash.clone(), debited)];
    let left = reached.unwrap_or(amount);
    if left != amount {
        let aside = amount.checked_sub(left).map_err(|_| LedgerError::TooLarge(event))?;
        movements.push(Movement::credit(payout.suspense(), aside));
    }
    if left.currency() != debited.currency() {
        let position = || Account::new(AccountCode::FX_POSITION, Owner::none());
        movements.push(Movement::credit(position(), left));
        movements.push(Movement::debit(position(), debited));
    }
    Ok(movements)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances};
    use super::super::payout::tests::with_payout;
    use super::*;

    /// Whole, another amount, converted, another amount converted.
    pub fn ways(amount: Money, reached: Money, other: Money) -> [PaidPayout; 4] {
        [(None, amount), (Some(reached), reached), (None, other), (Some(reached), other)]
            .map(|(reached, debited)| PaidPayout { amount, reached, debited })
    }

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), reached in amount("USD"), other in amount("CNY")) {
            for paid in ways(amount, reached, other) {
                with_payout(|fact, payout| assert_balances(payout_confirmed(fact, payout, &paid)));
            }
        }
    }
}
