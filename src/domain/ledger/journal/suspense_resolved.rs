//! A finding was resolved by two persons: suspense moves to where it belongs (J26).

use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What was decided about money in suspense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// To the shopper: `2900 || 2020`.
    SendBack,
    /// It pays its order after all: `2900 || 2000`, and is split from there.
    Adopt,
    /// Nobody's claim: the platform's gain or loss, `2900 || 5030`.
    Dismiss,
}

/// The resolution; `amount` is what 2900 holds, negative for an unexplained debit.
///
/// # Errors
/// None for one currency.
pub fn suspense_resolved(
    booking: &Booking<'_>,
    resolution: Resolution,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let to = match resolution {
        Resolution::SendBack => booking.at_gateway(AccountCode::REFUND_IN_TRANSIT),
        Resolution::Adopt => booking.at_gateway(AccountCode::ORDER_CLEARING),
        Resolution::Dismiss => booking.plain(AccountCode::COST_REFUND_LOSS),
    };
    booking.post(
        JournalEvent::SuspenseResolved,
        &[Movement::debit(booking.at_gateway(AccountCode::SUSPENSE), amount), Movement::credit(to, amount)],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;

    proptest! {
        #[test]
        fn balances(amount in amount("USD"), debit: bool) {
            let amount = if debit { amount.negated() } else { amount };
            with_booking(|booking| {
                for resolution in [Resolution::SendBack, Resolution::Adopt, Resolution::Dismiss] {
                    assert_balances(suspense_resolved(booking, resolution, amount));
                }
            });
        }
    }
}
