//! What a capture or a bill told of a dispute's money before the dispute did: it stands in the books under a name of its
//! own, and the dispute takes it over instead of booking it once more.

use crate::domain::disputes::{BookedMovement, Dispute, Hold, MovementKind};
use crate::domain::ledger::{AccountCode, Direction, JournalEvent, PostedTransaction};
use crate::domain::orders::Payment;
use crate::flows::settle::{SettleError, Settlements, broken};
use crate::money::{Money, MoneyError};
use crate::store::TransactionFilter;

/// What was booked about a payment that disputes tell, too, oldest first; and its other disputes.
pub(super) struct Early {
    rows: Vec<PostedTransaction>,
    others: Vec<Dispute>,
}

/// What of money that came back was told before.
pub(super) struct CameBack {
    /// How much of it is in the books.
    pub(super) told: Money,
    /// How much of that stands in suspense still: of the rest two persons have decided.
    pub(super) stands: Money,
}

impl Settlements {
    pub(super) async fn told_early(&self, payment: &Payment, of: &Dispute) -> Result<Early, SettleError> {
        let mut early = self.told_about(payment).await?;
        early.others.retain(|other| other.id != of.id);
        Ok(early)
    }

    async fn told_about(&self, payment: &Payment) -> Result<Early, SettleError> {
        let disputes = self.0.store.disputes_of(payment.id).await?;
        let others = disputes.into_iter().map(|dispute| dispute.value).collect();
        let subject = Some(payment.id.to_string());
        let filter = TransactionFilter { subject, limit: 1_000, ..TransactionFilter::default() };
        let mut rows = self.0.store.ledger_transactions(payment.merchant, &filter).await?;
        rows.reverse();
        Ok(Early { rows, others })
    }

    /// Why so much of a payment was held, now that a bill tells the end of it: as the hold was first told, for there it
    /// stands in 1120. What a dispute has is ended by the dispute.
    pub(in crate::flows) async fn reason_held(
        &self,
        payment: &Payment,
        amount: Money,
        told: &str,
    ) -> Result<String, SettleError> {
        let standing = self.told_about(payment).await?.standing(None);
        let alike = standing.into_iter().filter(|hold| hold.amount == amount);
        let reasons: Vec<String> = alike.map(|hold| hold.reason).collect();
        let is_told = reasons.iter().any(|reason| reason == told);
        Ok(reasons.into_iter().next().filter(|_| !is_told).unwrap_or_else(|| told.to_owned()))
    }
}

impl Early {
    /// A hold that no dispute has taken over and that has not ended, without what suppliers have of it: one that was told as
    /// a dispute's, however much it is, else one of as much as is disputed. A hold of another amount is another matter.
    pub(super) fn hold(&self, of: &Dispute) -> Option<Hold> {
        let standing = self.standing(Some(of));
        let told_so = standing.iter().find(|hold| hold.reason == Hold::DISPUTE);
        told_so.or_else(|| standing.iter().find(|hold| hold.amount == of.amount)).cloned()
    }

    /// Holds that no dispute has and that have not ended, oldest first. A bill tells an end under a name of its own: it is
    /// that of the first hold of its amount.
    fn standing(&self, of: Option<&Dispute>) -> Vec<Hold> {
        let (held, freed) = (JournalEvent::GatewayHeld, JournalEvent::GatewayReleased);
        let disputes: Vec<&Dispute> = self.others.iter().chain(of).collect();
        let is_disputes = |row: &PostedTransaction| {
            let mut taken = disputes.iter().filter_map(|dispute| dispute.money.hold.as_ref());
            disputes.iter().any(|dispute| is_of(dispute, row)) || taken.any(|hold| hold.source == row.source)
        };
        let named = |end: &PostedTransaction| self.of(held).any(|row| row.source == end.source);
        let mut ends: Vec<Hold> = self.of(freed).filter(|end| !named(end)).filter_map(hold_of).collect();
        let mut standing = vec![];
        for row in self.of(held) {
            let has_ended = self.of(freed).any(|end| end.source == row.source);
            let Some(hold) = hold_of(row).filter(|_| !has_ended && !is_disputes(row)) else { continue };
            let its = |end: &Hold| end.amount == hold.amount && end.reason == hold.reason;
            match ends.iter().position(its) {
                Some(place) => {
                    ends.remove(place);
                }
                None => standing.push(hold),
            }
        }
        // Some of what stands may be free by parts.
        let sum = |holds: &[Hold], like: Money| sum_like(holds.iter().map(|hold| hold.amount), like);
        let stands = |hold: &&Hold| {
            let held = sum(&standing, hold.amount);
            let left = held.and_then(|held| held.checked_sub(sum(&ends, hold.amount)?));
            left.is_ok_and(|left| left.minor() >= hold.amount.minor())
        };
        standing.iter().filter(stands).cloned().collect()
    }

    /// Whether a bill told a fee of this amount that no dispute has taken over.
    pub(super) fn fee(&self, of: &Dispute, amount: Money) -> bool {
        let events = (JournalEvent::DisputeFeeCharged, JournalEvent::FeeCharged);
        self.has_fee(of, amount, MovementKind::Fee, events, Direction::Debit)
    }

    /// Whether a bill told that a fee of this amount came back, and no dispute has taken that over.
    pub(super) fn fee_returned(&self, of: &Dispute, amount: Money) -> bool {
        let events = (JournalEvent::DisputeFeeReturned, JournalEvent::FeeReturned);
        self.has_fee(of, amount, MovementKind::FeeReturned, events, Direction::Credit)
    }

    /// By itself, or beside what was taken (2900 debited) or came back (credited), in the fee column of that line.
    fn has_fee(
        &self,
        of: &Dispute,
        amount: Money,
        kind: MovementKind,
        (by_itself, beside): (JournalEvent, JournalEvent),
        side: Direction,
    ) -> bool {
        let own = self.of(by_itself).filter(|row| {
            !self.is_told(of, row) && moved(row, AccountCode::COST_DISPUTE_FEE) == Some(amount)
        });
        let beside = self.of(beside).filter(|row| {
            row.source != of.capture_ref
                && moved(row, AccountCode::COST_GATEWAY_FEE) == Some(amount)
                && self.reversed(of, side).any(|line| line.source == row.source)
        });
        let taken = self.booked(of, kind).filter(|booked| booked.before == Some(amount));
        own.chain(beside).count() > taken.count()
    }

    /// How much of what is taken now stands in suspense already: two persons decide of that. Each part of it is one taking,
    /// of whichever dispute tells it first; what is taken after that is taken once more.
    pub(super) fn taken(&self, of: &Dispute, amount: Money) -> Result<Money, SettleError> {
        self.told(of, MovementKind::Taken, Direction::Debit, amount).map_err(broken)
    }

    /// The same of what comes back now.
    pub(super) fn returned(&self, of: &Dispute, amount: Money) -> Result<CameBack, SettleError> {
        let told = self.told(of, MovementKind::Returned, Direction::Credit, amount).map_err(broken)?;
        let none = Money::zero(amount.currency());
        // What left suspense again: by a decision about the line, or because a dispute told it.
        let decided = self
            .of(JournalEvent::SuspenseResolved)
            .filter(|row| self.reversed(of, Direction::Credit).any(|line| line.source == row.source));
        let left = decided.chain(self.of(JournalEvent::ChargebackReversed));
        let left = left.filter_map(|row| on_suspense(row, Direction::Debit));
        let came = self.reversed(of, Direction::Credit);
        let came = came.filter_map(|row| on_suspense(row, Direction::Credit));
        let stands = sum_like(came, none).and_then(|came| came.checked_sub(sum_like(left, none)?));
        let stands = stands.and_then(|stands| stands.min(told)?.max(none)).map_err(broken)?;
        Ok(CameBack { told, stands })
    }

    fn told(
        &self,
        of: &Dispute,
        kind: MovementKind,
        side: Direction,
        amount: Money,
    ) -> Result<Money, MoneyError> {
        let none = Money::zero(amount.currency());
        let told = self.reversed(of, side).filter_map(|row| on_suspense(row, side));
        let taken = self.booked(of, kind).filter_map(|booked| booked.before);
        let left = sum_like(told, none)?.checked_sub(sum_like(taken, none)?)?;
        left.min(amount)?.max(none)
    }

    /// What was put into suspense of this capture's money: taken (2900 debited) or come back (credited). Another capture of
    /// the payment is another matter.
    fn reversed<'a>(
        &'a self,
        of: &'a Dispute,
        side: Direction,
    ) -> impl Iterator<Item = &'a PostedTransaction> {
        let captures = [JournalEvent::Captured, JournalEvent::CapturedTwice, JournalEvent::CapturedUnmatched];
        let is_capture = move |row: &PostedTransaction| {
            self.rows.iter().any(|other| other.source == row.source && captures.contains(&other.event))
        };
        let of_this = move |row: &&PostedTransaction| row.source == of.capture_ref || !is_capture(row);
        self.of(JournalEvent::Reversed).filter(of_this).filter(move |row| on_suspense(row, side).is_some())
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
        is_of(of, row) || self.others.iter().any(|other| is_of(other, row))
    }
}

/// Whether this dispute booked it.
fn is_of(dispute: &Dispute, row: &PostedTransaction) -> bool {
    let rest = row.source.strip_prefix(dispute.gateway_ref.as_str());
    rest.is_some_and(|rest| rest.starts_with('#') || rest.starts_with("/hold"))
}

/// What a transaction holds, or frees.
fn hold_of(row: &PostedTransaction) -> Option<Hold> {
    let entry = row.entries.iter().find(|entry| entry.account.code == AccountCode::GATEWAY_HELD)?;
    let reason = entry.account.owner.as_str().rsplit_once(',').map_or(Hold::DISPUTE, |(_, reason)| reason);
    let (source, reason) = (row.source.clone(), reason.to_owned());
    Some(Hold { source, amount: entry.amount, reason, suppliers: vec![] })
}

/// How much a transaction moved on one account.
fn moved(row: &PostedTransaction, code: AccountCode) -> Option<Money> {
    row.entries.iter().find(|entry| entry.account.code == code).map(|entry| entry.amount)
}

/// How much it moved on this side of suspense.
fn on_suspense(row: &PostedTransaction, side: Direction) -> Option<Money> {
    let its = row.entries.iter().find(|entry| entry.account.code == AccountCode::SUSPENSE);
    its.filter(|entry| entry.direction == side).map(|entry| entry.amount)
}

/// Of the amounts those in one currency.
fn sum_like(amounts: impl Iterator<Item = Money>, like: Money) -> Result<Money, MoneyError> {
    Money::sum(like.currency(), amounts.filter(|amount| amount.currency() == like.currency()))
}
