//! What a capture or a bill told of a dispute's money before the dispute did: it stands in the books under a name of its
//! own, and the dispute takes it over instead of booking it once more.

use crate::domain::disputes::{BookedMovement, Dispute, Hold, MovementKind};
use crate::domain::ledger::{AccountCode, JournalEvent, PostedTransaction};
use crate::domain::orders::Payment;
use crate::flows::settle::{SettleError, Settlements, broken};
use crate::money::{Money, MoneyError};
use crate::store::TransactionFilter;

/// What was booked about a payment that disputes tell, too, oldest first; and its other disputes.
pub(super) struct Early {
    rows: Vec<PostedTransaction>,
    others: Vec<Dispute>,
}

impl Settlements {
    pub(super) async fn told_early(&self, payment: &Payment, of: &Dispute) -> Result<Early, SettleError> {
        let others = self.0.store.disputes_of(payment.id).await?;
        let others = others.into_iter().map(|other| other.value).filter(|other| other.id != of.id);
        let subject = Some(payment.id.to_string());
        let filter = TransactionFilter { subject, limit: 1_000, ..TransactionFilter::default() };
        let mut rows = self.0.store.ledger_transactions(payment.merchant, &filter).await?;
        rows.reverse();
        Ok(Early { rows, others: others.collect() })
    }
}

impl Early {
    /// A hold that no dispute has taken over and that has not ended, without what suppliers have of it.
    pub(super) fn hold(&self, of: &Dispute) -> Option<Hold> {
        let (held, freed) = (JournalEvent::GatewayHeld, JournalEvent::GatewayReleased);
        let stands = |row: &PostedTransaction| {
            let claimed = self.others.iter().filter_map(|other| other.money.hold.as_ref());
            let ended = self.of(freed).any(|other| other.source == row.source);
            !ended && !self.is_told(of, row) && !claimed.into_iter().any(|hold| hold.source == row.source)
        };
        let row = self.of(held).find(|row| stands(row))?;
        let entry = row.entries.iter().find(|entry| entry.account.code == AccountCode::GATEWAY_HELD)?;
        let (amount, owner) = (entry.amount, entry.account.owner.as_str());
        let reason = owner.rsplit_once(',').map_or(Hold::DISPUTE, |(_, reason)| reason);
        // A bill may have told its end as well, under another name.
        let sum = |event| self.sum(event, AccountCode::GATEWAY_HELD, amount);
        let left = sum(held).and_then(|held| held.checked_sub(sum(freed)?));
        let stands = left.is_ok_and(|left| left.minor() >= amount.minor());
        let hold =
            || Hold { source: row.source.clone(), amount, reason: reason.to_owned(), suppliers: vec![] };
        stands.then(hold)
    }

    /// Whether a bill told a fee of this amount that no dispute has taken over.
    pub(super) fn fee(&self, of: &Dispute, amount: Money) -> bool {
        let told = self.of(JournalEvent::DisputeFeeCharged).filter(|row| {
            !self.is_told(of, row) && moved(row, AccountCode::COST_DISPUTE_FEE) == Some(amount)
        });
        let taken = self.booked(of, MovementKind::Fee).filter(|booked| booked.before == Some(amount));
        told.count() > taken.count()
    }

    /// How much of what is taken now stands in suspense already: two persons decide of that. Each part of it is one taking,
    /// of whichever dispute tells it first; what is taken after that is taken once more.
    pub(super) fn taken(&self, of: &Dispute, amount: Money) -> Result<Money, SettleError> {
        let none = Money::zero(amount.currency());
        let of_this = |row: &&PostedTransaction| {
            let other = |other: &PostedTransaction| {
                other.source == row.source
                    && other.event != row.event
                    && other.event != JournalEvent::GatewayHeld
            };
            // Another capture of the payment is another matter.
            row.source == of.capture_ref || !self.rows.iter().any(other)
        };
        let told = self.of(JournalEvent::Reversed).filter(of_this);
        let told = told.filter_map(|row| moved(row, AccountCode::SUSPENSE));
        let told = Money::sum(none.currency(), told.filter(|told| told.currency() == none.currency()));
        let taken = self.booked(of, MovementKind::Taken).filter_map(|booked| booked.before);
        let taken = Money::sum(none.currency(), taken.filter(|taken| taken.currency() == none.currency()));
        let left = told.and_then(|told| told.checked_sub(taken?)).map_err(broken)?;
        if left.is_positive() { left.min(amount).map_err(broken) } else { Ok(none) }
    }

    fn of(&self, event: JournalEvent) -> impl Iterator<Item = &PostedTransaction> {
        self.rows.iter().filter(move |row| row.event == event)
    }

    fn booked<'a>(&'a self, of: &'a Dispute, kind: MovementKind) -> impl Iterator<Item = &'a BookedMovement> {
        let all = self.others.iter().filter(|other| other.capture_ref == of.capture_ref).chain([of]);
        all.flat_map(|dispute| &dispute.money.booked).filter(move |booked| booked.told.kind == kind)
    }

    /// Whether a dispute booked it.
    fn is_told(&self, of: &Dispute, row: &PostedTransaction) -> bool {
        let own = |dispute: &Dispute| {
            let rest = row.source.strip_prefix(dispute.gateway_ref.as_str());
            rest.is_some_and(|rest| rest.starts_with('#') || rest.starts_with("/hold"))
        };
        own(of) || self.others.iter().any(own)
    }

    fn sum(&self, event: JournalEvent, code: AccountCode, like: Money) -> Result<Money, MoneyError> {
        let amounts = self.of(event).filter_map(|row| moved(row, code));
        Money::sum(like.currency(), amounts.filter(|amount| amount.currency() == like.currency()))
    }
}

/// How much a transaction moved on one account.
fn moved(row: &PostedTransaction, code: AccountCode) -> Option<Money> {
    row.entries.iter().find(|entry| entry.account.code == code).map(|entry| entry.amount)
}
