//! Money of a capture that stood in suspense is what was asked after all: the gateway corrected itself, or two persons
//! adopted it.

use std::collections::BTreeMap;

use crate::domain::ledger::journal::{self, Booking, Movement, Resolution};
use crate::domain::ledger::{Account, Direction, JournalEvent};
use crate::domain::orders::Held;
use crate::domain::settlement::Settlement;
use crate::money::{Currency, Money};
use crate::store::{Change, TransactionFilter};

use super::{SettleError, Settlements, broken, post};

impl Settlements {
    /// The money leaves suspense for clearing, and with it whatever the correction added to it.
    pub(super) fn out_of_suspense(
        &self,
        change: &mut Change,
        booking: &Booking<'_>,
        held: &Held,
        now: Money,
    ) -> Result<(), SettleError> {
        let difference = now.checked_sub(held.amount).map_err(broken)?;
        post(change, journal::suspense_booked(booking, difference))?;
        post(change, journal::suspense_resolved(booking, Resolution::Adopt, now))
    }

    /// The fee was booked when the money arrived, as the platform's; where the settlement has another, or part of it
    /// elsewhere, the difference follows.
    pub(super) async fn correct_fee(
        &self,
        change: &mut Change,
        booking: &Booking<'_>,
        settlement: &Settlement,
    ) -> Result<(), SettleError> {
        let mut booked = vec![];
        // Money that was nobody's at first was booked about itself.
        for subject in [booking.subject, booking.source] {
            let subject = Some(subject.to_owned());
            let filter = TransactionFilter { subject, limit: 200, ..TransactionFilter::default() };
            booked.extend(self.0.store.ledger_transactions(booking.merchant, &filter).await?);
        }
        let fees = booked.iter().filter(|row| {
            row.source == booking.source
                && matches!(row.event, JournalEvent::FeeCharged | JournalEvent::FeeAccrued)
        });
        let mut difference: BTreeMap<(Account, Currency), Money> = BTreeMap::new();
        let mut add = |account: &Account, amount: Money| {
            let zero = Money::zero(amount.currency());
            let sum = difference.entry((account.clone(), amount.currency())).or_insert(zero);
            *sum = sum.checked_add(amount).map_err(broken)?;
            Ok::<(), SettleError>(())
        };
        for entry in fees.flat_map(|row| &row.entries) {
            let undone = match entry.direction {
                Direction::Debit => entry.amount.negated(),
                Direction::Credit => entry.amount,
            };
            add(&entry.account, undone)?;
        }
        let source = format!("{}/corrected", booking.source);
        let booking = booking.of(&source);
        if let Some(fee) = settlement.book_fee(&booking).map_err(broken)? {
            for posting in fee.postings() {
                let amount = Money::from_minor(posting.signed_minor(), posting.amount.currency());
                add(&posting.account, amount)?;
            }
        }
        let event = if settlement.fee_accrued { JournalEvent::FeeAccrued } else { JournalEvent::FeeCharged };
        let movements: Vec<Movement> =
            difference.into_iter().map(|((account, _), amount)| Movement { account, amount }).collect();
        post(change, booking.post(event, &movements))
    }
}
