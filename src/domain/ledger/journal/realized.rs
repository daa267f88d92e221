//! A deal closed a position at another rate than it was opened at: `3000 || 6000` gained, `6010 || 3000` lost, each
//! lot's on its own side (J05, J14). Only the difference of both moves the position account.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// What each pair gained and lost; `None` where every result is nothing.
///
/// # Errors
/// [`LedgerError`] when a pair's gain and loss are of two currencies.
pub fn realized(
    fact: &Fact<'_>,
    results: &[(String, Money, Money)],
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let event = JournalEvent::Realized;
    let mut movements = Vec::with_capacity(3 * results.len());
    for (pair, gain, loss) in results {
        let net = gain.checked_sub(*loss).map_err(|_| LedgerError::TooLarge(event))?;
        movements.push(Movement::debit(Account::new(AccountCode::FX_REALIZED_LOSS, Owner::of(pair)), *loss));
        movements.push(Movement::debit(Account::new(AccountCode::FX_POSITION, Owner::none()), net));
        movements.push(Movement::credit(Account::new(AccountCode::FX_REALIZED_GAIN, Owner::of(pair)), *gain));
    }
    fact.post(event, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_booking};
    use super::*;

    proptest! {
        #[test]
        fn balances(gain in amount("CNY"), loss in amount("CNY"), alone in amount("VND")) {
            with_booking(|booking| {
                let fact = Fact {
                    ids: booking.ids,
                    merchant: booking.merchant,
                    source: booking.source,
                    subject: booking.subject,
                    at: booking.at,
                };
                let nothing = Money::zero(alone.currency());
                let results = [("USDCNY".to_owned(), gain, loss), ("VND".to_owned(), alone, nothing)];
                assert_balances(realized(&fact, &results));
            });
        }
    }
}
