//! The one door: every report about a payment, from whatever source, is applied here.
//!
//! Read, decide by the state machine, write one change: the payment's new state, the settlement's postings, the intents
//! the report answers, the lease to complete if it asks for that, a line of the timeline, the event, the notice it came
//! with. Whoever loses a race reads and decides again. Refunds and other facts of money that came with the report are
//! applied after the payment itself, and only then the notice counts as done.

use chrono::{DateTime, Utc};

use crate::crash::{Point, point};
use crate::domain::orders::{
    Asked, Capture, Conflict, Held, Intent, IntentKind, Lease, Outcome, Payment, PaymentReport, PaymentState,
    ReportKind, ReportSource, TimelineEntry, Transition,
};
use crate::gateways::GatewaySecrets;
use crate::store::inbox::Settled;
use crate::store::outbox::Event;
use crate::store::{Change, CommitError, Versioned};

use super::cause::{Cause, NoticeRef, evidence};
use super::complete::answered;
use super::{CaptureStanding, DECISIONS, OpenAccount, Pay, PayError, PaymentView};

/// What our own call came to, written with the report it answered.
#[derive(Debug, Clone)]
pub(super) struct Called {
    /// Which call.
    pub(super) kind: IntentKind,
    /// What came of it.
    pub(super) outcome: Outcome,
    /// Secrets to keep from here on.
    pub(super) secrets: Option<GatewaySecrets>,
}

/// Where the payment stands after a report.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) payment: Versioned<Payment>,
    /// The lease to take the money, if the report asked for that and nobody else has it.
    pub(super) completes: Option<Versioned<Intent>>,
}

impl Pay {
    /// Applies what a gateway says about a payment. Repeated and late reports are no errors; they change nothing.
    ///
    /// # Errors
    /// [`PayError::Unavailable`] when it could not be written; it will come again.
    pub async fn apply_report(
        &self,
        payment: Versioned<Payment>,
        account: &OpenAccount,
        report: &PaymentReport,
        cause: &Cause,
    ) -> Result<Versioned<Payment>, PayError> {
        Ok(self.apply(payment, account, report, cause, None).await?.payment)
    }

    pub(super) async fn apply(
        &self,
        payment: Versioned<Payment>,
        account: &OpenAccount,
        report: &PaymentReport,
        cause: &Cause,
        called: Option<&Called>,
    ) -> Result<Applied, PayError> {
        let asked = payment.value.asked(account.gateway.receiver(), self.0.clock.now());
        // What is told of somebody else's order is no money of ours: neither its capture nor what went back of it.
        let ours = asked.conflict(report).is_none_or(|why| why.money_is_ours());
        let more =
            ours && !(report.refunds.is_empty() && report.money.is_empty() && report.disputes.is_empty());
        let main = Cause { notice: cause.notice.clone().filter(|_| !more), ..cause.clone() };
        let applied = self.apply_state(payment, account, report, &main, called).await?;
        if !more {
            return Ok(applied);
        }
        point(Point::ApplyMore).await;
        for refund in &report.refunds {
            let now = self.load(applied.payment.value.id).await?;
            self.0.settles.apply_refund_report(&now, &account.account, refund, cause.source).await?;
        }
        for dispute in &report.disputes {
            self.0.settles.apply_dispute_report(&account.account, dispute, cause.source).await?;
        }
        for fact in &report.money {
            let now = self.load(applied.payment.value.id).await?;
            self.0.settles.apply_money_report(&now, &account.account, fact, cause.source).await?;
        }
        point(Point::ApplyFacts).await;
        if let Some(notice) = &cause.notice {
            self.settle_notice(notice, Settled::Done, report.kind.as_str()).await?;
        }
        let payment = self.load(applied.payment.value.id).await?;
        Ok(Applied { payment, ..applied })
    }

    async fn apply_state(
        &self,
        mut payment: Versioned<Payment>,
        account: &OpenAccount,
        report: &PaymentReport,
        cause: &Cause,
        called: Option<&Called>,
    ) -> Result<Applied, PayError> {
        let id = payment.value.id;
        let mut cause = cause.clone();
        for _ in 0..DECISIONS {
            let intents = self.0.store.intents_of(id).await?;
            let decided = self.decide(&payment, &intents, account, report, &cause, called).await?;
            if decided.change.is_empty() {
                return Ok(decided.applied);
            }
            let Decided { change, applied, kind, moved } = decided;
            point(Point::ApplyDecided).await;
            match self.0.store.commit(change).await {
                Ok(_) => {
                    point(Point::ApplyWritten).await;
                    if moved {
                        let (payment, source) = (&applied.payment.value, cause.source.as_str());
                        tracing::info!(payment = %id, source, report = kind, state = payment.state.as_str(), "the payment moved");
                    }
                    return Ok(applied);
                }
                // Somebody else settled the notice; what it is about is still to be applied.
                Err(CommitError::LostUpdate { table: "inbox", .. }) => {
                    cause.notice = None;
                    payment = self.load(id).await?;
                }
                // Somebody was faster, or may have been: what stands now decides.
                Err(
                    CommitError::LostUpdate { .. }
                    | CommitError::AlreadyBooked { .. }
                    | CommitError::Unknown(_),
                ) => payment = self.load(id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayError::unavailable(format!("{id}: the report met {DECISIONS} other changes in a row")))
    }

    /// What a report means for the payment as it was read, as one change.
    async fn decide(
        &self,
        payment: &Versioned<Payment>,
        intents: &[Versioned<Intent>],
        account: &OpenAccount,
        report: &PaymentReport,
        cause: &Cause,
        called: Option<&Called>,
    ) -> Result<Decided, PayError> {
        let now = self.0.clock.now();
        let before = &payment.value;
        let asked = before.asked(account.gateway.receiver(), now);
        let transition = before.state.apply(&asked, report);
        let mut step = Step { change: Change::new(), after: before.clone(), kind: report.kind.as_str(), now };
        if asked.conflict(report).is_none() && step.after.gateway_ref.is_none() {
            step.after.gateway_ref.clone_from(&report.gateway_ref);
        }
        if let Some(secrets) = called.and_then(|called| called.secrets.as_ref()) {
            step.after.secrets = Some(self.seal(before.id, secrets)?);
        }
        let evidence = evidence(report, cause);
        if let (ReportKind::Captured(capture), Transition::Advance(_) | Transition::Conflict(_)) =
            (&report.kind, &transition)
            && step.after.payer_country.is_none()
            && before.state.taken().is_none()
        {
            step.after.payer_country = capture.payer_country;
        }
        match transition {
            Transition::Advance(state) => self.advance(&mut step, before, state, account, report).await?,
            Transition::Conflict(why) => {
                self.conflict(&mut step, before, why, account, report, &evidence.0).await?;
            }
            Transition::AlreadyThere | Transition::Stale => {}
        }
        self.expect(&mut step.change, before, &step.after.state, account, report).await?;
        let completes = self.intents(&mut step, before, intents, &asked, report, called);
        for intent in intents.iter().filter(|intent| intent.value.kind == IntentKind::Complete) {
            let open = answered(IntentKind::Complete, report, &step.after.state).is_none();
            if called.is_none() && open && intent.value.needs_a_person(now) {
                let found = self.0.settles.unknown_outcome(&account.account, &intent.value).await?;
                step.change.extend(found);
            }
        }
        self.finish(step, payment, completes, cause, evidence)
    }

    /// The payment moves on; on a capture the money side is asked.
    async fn advance(
        &self,
        step: &mut Step,
        before: &Payment,
        state: PaymentState,
        account: &OpenAccount,
        report: &PaymentReport,
    ) -> Result<(), PayError> {
        if let (Some(taken), ReportKind::Captured(capture)) = (state.taken(), &report.kind) {
            let settled_by = self.0.store.order_settled_by(before.merchant, &before.order_ref).await?;
            let standing = match settled_by {
                Some(other) if other != before.id => CaptureStanding::SecondOfOrder,
                _ if taken.late => CaptureStanding::Late,
                _ => CaptureStanding::Matched,
            };
            if settled_by.is_none() {
                step.change.settle_order(before, taken.at);
            }
            let booked = self.0.settles.settle(before, &account.account, capture, standing).await?;
            step.change.extend(booked);
        }
        if let (true, Some(quote)) = (state.is_closed(), before.quote) {
            step.change.extend(self.0.quotes.give_back(quote, before.id, step.now).await?);
        }
        step.after.state = state;
        Ok(())
    }

    /// What is said is not what was asked: the fact of money is booked, the payment waits for a person.
    async fn conflict(
        &self,
        step: &mut Step,
        before: &Payment,
        why: Conflict,
        account: &OpenAccount,
        report: &PaymentReport,
        evidence: &str,
    ) -> Result<(), PayError> {
        step.kind = why.as_str();
        let stranger = match &report.kind {
            ReportKind::Captured(capture) if why.money_is_ours() => self.unbooked(before, capture).await?,
            _ => None,
        };
        if let Some(capture) = stranger {
            let standing = CaptureStanding::Mismatch;
            step.change.extend(self.0.settles.settle(before, &account.account, capture, standing).await?);
        }
        step.change.extend(
            self.0.settles.differs(before, &account.account, &why, evidence, stranger.is_some()).await?,
        );
        let held = stranger.map(Held::of);
        if let Some(state) = before.state.under_review(why, held) {
            step.after.state = state;
        }
        Ok(())
    }

    /// The capture, unless its money is in the books already: the ledger itself says so, because a payment remembers
    /// only one of its captures. What a bill told of as nobody's, and nobody has decided about, is this payment's now.
    async fn unbooked<'a>(
        &self,
        before: &Payment,
        capture: &'a Capture,
    ) -> Result<Option<&'a Capture>, PayError> {
        let booked = self.0.store.capture_is_booked(before.merchant, &capture.capture_ref).await?;
        if !booked {
            return Ok(Some(capture));
        }
        let nobodys = self.0.store.nobodys(before.merchant, &capture.capture_ref).await?;
        let stands = nobodys.is_some_and(|money| !money.decided && money.amount == capture.amount);
        Ok(stands.then_some(capture))
    }

    /// Settles the intents the report answers; leases the one it asks for.
    fn intents(
        &self,
        step: &mut Step,
        before: &Payment,
        intents: &[Versioned<Intent>],
        asked: &Asked,
        report: &PaymentReport,
        called: Option<&Called>,
    ) -> Option<Versioned<Intent>> {
        for intent in intents.iter().filter(|intent| intent.value.unsettled()) {
            let kind = intent.value.kind;
            let own = called.filter(|called| called.kind == kind).map(|called| called.outcome);
            if let Some(outcome) = own.or_else(|| answered(kind, report, &step.after.state)) {
                let settled = Intent { outcome, lease: None, ..intent.value.clone() };
                step.change.update_intent(&settled, intent.version);
            }
        }
        if called.is_some() || !before.state.completes(asked, report) || self.may_send().is_err() {
            return None;
        }
        let Some(found) = intents.iter().find(|intent| intent.value.kind == IntentKind::Complete) else {
            let (id, kind) = (self.0.ids.mint(), IntentKind::Complete);
            let intent = Intent::leased(id, before.merchant, before.id, kind, self.0.holder, step.now);
            step.change.insert_intent(&intent);
            return Some(Versioned { value: intent, version: 1 });
        };
        if !found.value.may_call(self.0.holder, step.now) {
            return None;
        }
        let lease = Lease { owner: self.0.holder.boot, until: step.now + Intent::LEASE };
        let attempts = found.value.attempts + 1;
        let intent = Intent { lease: Some(lease), attempts, ..found.value.clone() };
        step.change.update_intent(&intent, found.version);
        Some(Versioned { value: intent, version: found.version + 1 })
    }

    /// The rest of the change: payment row, timeline, event, notice.
    fn finish(
        &self,
        mut step: Step,
        payment: &Versioned<Payment>,
        completes: Option<Versioned<Intent>>,
        cause: &Cause,
        evidence: (String, serde_json::Value),
    ) -> Result<Decided, PayError> {
        let before = &payment.value;
        let moved = step.after.state != before.state;
        let mut version = payment.version;
        // A lease always raises the payment's version: a cancellation decided beside it then loses.
        if step.after != *before || completes.is_some() {
            step.after.updated_at = step.now;
            step.change.update_payment(&step.after, version);
            version += 1;
        }
        // A poll that finds nothing new leaves no line: they come with every rung.
        if moved || !step.change.is_empty() || cause.source != ReportSource::Poll {
            let entry = TimelineEntry {
                id: self.0.ids.mint(),
                source: cause.source,
                kind: step.kind.to_owned(),
                state: step.after.state.as_str().to_owned(),
                evidence: evidence.0,
                detail: evidence.1,
                at: step.now,
            };
            step.change.report_payment(&step.after, &entry);
        }
        if moved {
            self.tell(&mut step.change, &step.after);
        }
        if let Some(notice) = &cause.notice {
            step.change.settle_notice(notice.id, notice.version, Settled::Done, step.kind, step.now);
        }
        let payment = Versioned { value: step.after, version };
        let applied = Applied { payment, completes };
        Ok(Decided { change: step.change, applied, kind: step.kind, moved })
    }

    /// The events of a payment that has just moved.
    pub(in crate::flows) fn tell(&self, change: &mut Change, payment: &Payment) {
        let late = payment.state.taken().is_some_and(|taken| taken.late);
        let words: &[&str] = match payment.state.as_str() {
            "requires_action" => &["payment.requires_action"],
            "captured" if late => &["payment.captured", "payment.late"],
            "captured" => &["payment.captured"],
            "failed" => &["payment.failed"],
            "cancelled" => &["payment.cancelled"],
            "expired" => &["payment.expired"],
            "in_review" => &["payment.in_review"],
            _ => &[],
        };
        for word in words {
            change.tell(&Event {
                id: self.0.ids.mint(),
                merchant: payment.merchant,
                kind: (*word).to_owned(),
                subject: payment.id.to_string(),
                data: serde_json::to_value(PaymentView::of(payment)).unwrap_or_default(),
                created_at: payment.updated_at,
            });
        }
    }

    /// Settles a notice on its own, when its effect is already written.
    pub(super) async fn settle_notice(
        &self,
        notice: &NoticeRef,
        settled: Settled,
        detail: &str,
    ) -> Result<(), PayError> {
        let mut change = Change::new();
        change.settle_notice(notice.id, notice.version, settled, detail, self.0.clock.now());
        match self.0.store.commit(change).await {
            // Somebody else settled it.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A change in the making.
struct Step {
    change: Change,
    after: Payment,
    kind: &'static str,
    now: DateTime<Utc>,
}

/// A decision, ready to be written.
struct Decided {
    change: Change,
    applied: Applied,
    kind: &'static str,
    moved: bool,
}
