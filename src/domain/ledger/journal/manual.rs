//! A person's journal, approved by another (J25): its own lines, under the journal's id.

use chrono::{DateTime, Utc};

use crate::domain::ledger::{Direction, JournalEvent, LedgerError, LedgerTransaction, Posting};
use crate::ids::{JournalId, MerchantId, TransactionId};

use super::booking::Movement;

/// What it posts, on its value date.
///
/// # Errors
/// [`LedgerError`] when the lines do not balance or an account is never posted to.
pub fn manual(
    id: TransactionId,
    merchant: MerchantId,
    journal: JournalId,
    at: DateTime<Utc>,
    movements: &[Movement],
) -> Result<LedgerTransaction, LedgerError> {
    let posting = |movement: &Movement| {
        let direction = if movement.amount.is_negative() { Direction::Credit } else { Direction::Debit };
        let amount = movement.amount.abs();
        match direction {
            Direction::Debit => Posting::debit(movement.account.clone(), amount),
            Direction::Credit => Posting::credit(movement.account.clone(), amount),
        }
    };
    let postings = movements.iter().map(posting).collect();
    let source = journal.to_string();
    let built = LedgerTransaction::try_new(id, merchant, JournalEvent::Manual, &source, at, postings)?;
    Ok(built.about(source))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::Movement;
    use super::super::booking::tests::{amount, supplier, with_booking};
    use crate::domain::ledger::AccountCode as Code;

    proptest! {
        #[test]
        fn balances(amount in amount("USD")) {
            prop_assume!(!amount.is_zero());
            with_booking(|booking| {
                let of = |code| booking.of_supplier(code, supplier(booking));
                let movements = [
                    Movement::debit(of(Code::COST_BAD_DEBT), amount),
                    Movement::credit(of(Code::SUPPLIER_RECEIVABLE_ALLOWANCE), amount),
                ];
                let (id, journal) = (booking.ids.mint(), booking.ids.mint());
                assert!(super::manual(id, booking.merchant, journal, booking.at, &movements).is_ok());
                assert!(super::manual(id, booking.merchant, journal, booking.at, &movements[..1]).is_err());
            });
        }
    }
}
