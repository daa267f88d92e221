//! What a gateway says about a dispute: how it stands, and what it did to money.
//!
//! The word and the money are apart. The gateway's newest word is the dispute's state. Money follows only from what the
//! gateway says it holds, took, gave back or charged: each fact is booked once, in the order told. What it takes is
//! charged to the parties as a refund of the same amount would be; where that cannot be said (several suppliers and only a
//! part, another currency, more than is left) it stands in suspense with a finding.

mod charge;
mod early;
mod fee;
mod hold;

use crate::domain::disputes::{BookedMovement, Dispute, DisputeMovement, DisputeReport, MovementKind};
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::{self, Booking, Movement};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{Payment, ReportSource, TimelineEntry};
use crate::domain::refunds::Refund;
use crate::domain::settlement::Settlement;
use crate::flows::pay::{dispute_view, sha256};
use crate::ids::SupplierId;
use crate::money::Money;
use crate::store::findings::FINDING;
use crate::store::settlements::SETTLEMENT;
use crate::store::{Change, CommitError, Versioned};

use super::undone::without;
use super::{SettleError, Settlements, broken, post};
use charge::{Ground, made_one, out_of_suspense};
use early::{CameBack, Early};

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 8;

/// A dispute's change in the making.
struct Step<'a> {
    change: Change,
    account: &'a GatewayAccount,
    payment: &'a Payment,
    subject: String,
    ground: Option<Ground>,
    early: Early,
    after: Dispute,
}

impl Settlements {
    pub(super) async fn hear_dispute(
        &self,
        account: &GatewayAccount,
        report: &DisputeReport,
        source: ReportSource,
    ) -> Result<bool, SettleError> {
        for _ in 0..DECISIONS {
            let Some(payment) = self.disputed_payment(account, report).await? else { return Ok(false) };
            let known = self.0.store.dispute_at(account.merchant, account.id, &report.gateway_ref).await?;
            let change = self.dispute_change(&payment, account, known, report, source).await?;
            if change.is_empty() {
                return Ok(true);
            }
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(true),
                // Somebody was faster, with the dispute, the payment or these balances: what stands now decides.
                Err(
                    CommitError::LostUpdate { .. }
                    | CommitError::AlreadyBooked { .. }
                    | CommitError::BelowFloor { .. }
                    | CommitError::Unknown(_),
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(SettleError::Broken(format!(
            "dispute {}: met {DECISIONS} other changes in a row",
            report.gateway_ref
        )))
    }

    /// The payment in dispute: by our own reference, else by its capture.
    async fn disputed_payment(
        &self,
        account: &GatewayAccount,
        report: &DisputeReport,
    ) -> Result<Option<Versioned<Payment>>, SettleError> {
        let ours = report.request_ref.as_deref().and_then(|text| text.parse().ok());
        let named = match ours {
            Some(id) => self.0.store.payment(id).await?,
            None => self.0.store.payment_captured_as(account.id, &report.capture_ref).await?,
        };
        Ok(named.filter(|payment| payment.value.account == account.id))
    }

    async fn dispute_change(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        known: Option<Versioned<Dispute>>,
        report: &DisputeReport,
        source: ReportSource,
    ) -> Result<Change, SettleError> {
        let now = self.0.clock.now();
        let before = known.as_ref().map(|known| known.value.clone());
        let first = before.clone().unwrap_or_else(|| {
            let at = (account.id, account.gateway.as_str());
            Dispute::opened(self.0.ids.mint(), account.merchant, payment.value.id, at, report)
        });
        let newest = report.updated_at >= first.updated_at;
        let mut step = Step {
            change: Change::new(),
            account,
            payment: &payment.value,
            subject: payment.value.id.to_string(),
            ground: self.ground_of(&payment.value, report).await?,
            early: self.told_early(&payment.value, &first).await?,
            after: first.heard(report, now),
        };
        if newest && !report.held {
            let was_open = before.as_ref().is_none_or(|before| before.state.is_open());
            self.release(&mut step, report, was_open)?;
        }
        for told in first.unbooked(report) {
            self.book_movement(&mut step, told).await?;
        }
        if newest && report.held && step.after.money.hold.is_none() {
            self.hold(&mut step, report)?;
        }
        if before.as_ref() == Some(&step.after) {
            return Ok(Change::new());
        }
        self.write_dispute(step, payment, known.as_ref(), source).await
    }

    /// The settlement of the disputed capture; `None` where its money was never divided.
    async fn ground_of(
        &self,
        payment: &Payment,
        report: &DisputeReport,
    ) -> Result<Option<Ground>, SettleError> {
        let settled = payment.state.taken().is_some_and(|taken| taken.capture_ref == report.capture_ref);
        let record = if settled { self.0.store.settlement_of(payment.id).await? } else { None };
        let Some(record) = record else { return Ok(None) };
        let settlement: Settlement = serde_json::from_str(&record.value.frozen).map_err(broken)?;
        let deliveries = serde_json::from_str(&record.value.delivered).map_err(broken)?;
        let mut suppliers: Vec<(SupplierId, i64)> = vec![];
        for supplier in settlement.parts.iter().filter_map(|part| part.supplier) {
            if suppliers.iter().all(|(known, _)| *known != supplier)
                && let Some(row) = self.0.store.supplier(payment.merchant, supplier).await?
            {
                suppliers.push((supplier, row.version));
            }
        }
        let back = self.given_back(payment.id).await?;
        let purse = self.purse(&record.value, &settlement, &back, Some(report.opened_at)).await?;
        Ok(Some(Ground { record, settlement, deliveries, back, purse, suppliers }))
    }

    /// One movement of our balance at the gateway.
    async fn book_movement(&self, step: &mut Step<'_>, told: DisputeMovement) -> Result<(), SettleError> {
        let fact = step.after.next_fact();
        let (payment, subject) = (step.payment, step.subject.clone());
        let booking = self.booking(payment, step.account, &fact, &subject, told.at);
        let (kind, amount) = (told.kind, told.amount);
        let mut booked = BookedMovement::of(told);
        match kind {
            MovementKind::Taken => self.take(step, &booking, &mut booked)?,
            MovementKind::Returned => self.give_back(step, &booking, &mut booked)?,
            MovementKind::OtherTaken => booked.aside = Some(amount),
            MovementKind::OtherGiven => booked.aside = Some(amount.negated()),
            MovementKind::Fee => step.charge_fee(&booking, &mut booked)?,
            MovementKind::FeeReturned => step.return_fee(&booking, &mut booked)?,
        }
        if let Some(aside) = booked.aside {
            post(&mut step.change, journal::suspense_booked(&booking, aside.negated()))?;
            let detail = format!(
                "{aside} moved because of dispute {}, and whose it is is not clear",
                step.after.gateway_ref
            );
            let mut finding =
                self.finding(FindingKind::Reversed, step.account, &fact, Some(aside.abs()), detail);
            finding.payment = Some(subject.clone());
            // What comes back out of suspense needs no finding of its own, unless persons have decided of it already.
            if aside.is_positive() || !self.stands_open(step).await? {
                self.open(&mut step.change, finding).await?;
            }
        }
        step.after.money.booked.push(booked);
        Ok(())
    }

    /// Whether a finding about what was taken of the payment before, told by whomever, waits for a decision, and waits still
    /// when this is written.
    async fn stands_open(&self, step: &mut Step<'_>) -> Result<bool, SettleError> {
        let findings = self.0.store.findings_of(step.payment.merchant, step.payment.id).await?;
        let waits = |finding: &Finding| {
            finding.kind == FindingKind::Reversed
                && finding.amount.is_some_and(Money::is_positive)
                && !matches!(finding.state, FindingState::Resolved { .. })
        };
        let open = findings.iter().find(|found| waits(&found.value));
        if let Some(open) = open {
            step.change.require(&FINDING, open.value.id, open.version);
        }
        Ok(open.is_some())
    }

    /// Captured money was taken.
    fn take(
        &self,
        step: &mut Step<'_>,
        booking: &Booking<'_>,
        booked: &mut BookedMovement,
    ) -> Result<(), SettleError> {
        let told_before = step.early.taken(&step.after, booked.told.amount)?;
        booked.before = Some(told_before).filter(|before| !before.is_zero());
        let amount = booked.told.amount.checked_sub(told_before).map_err(broken)?;
        if amount.is_zero() {
            return Ok(());
        }
        let charged = match &mut step.ground {
            Some(ground) => ground.charge(amount, step.account)?,
            None => None,
        };
        let mut rest = amount;
        if let (Some(charged), Some(ground)) = (charged, &mut step.ground) {
            rest = rest.checked_sub(charged.amount).map_err(broken)?;
            post(&mut step.change, journal::charged_back(booking, &charged.movements))?;
            ground.purse.moved(&charged.movements).map_err(broken)?;
            ground.back.push(charged.clone());
            booked.charged = Some(charged);
        }
        booked.aside = Some(rest).filter(|rest| !rest.is_zero());
        Ok(())
    }

    /// Money came back: what was taken last is undone first; of a part, what remains taken is decided anew. What a bill told
    /// of it before comes out of suspense, and what two persons have decided of it stays so.
    fn give_back(
        &self,
        step: &mut Step<'_>,
        booking: &Booking<'_>,
        booked: &mut BookedMovement,
    ) -> Result<(), SettleError> {
        let CameBack { told: told_before, stands } = step.early.returned(&step.after, booked.told.amount)?;
        booked.before = Some(told_before).filter(|before| !before.is_zero());
        let decided = told_before.checked_sub(stands).map_err(broken)?;
        let mut rest = booked.told.amount.checked_sub(decided).map_err(broken)?;
        let mut undone: Vec<Movement> = Vec::new();
        let places: Vec<usize> = (0..step.after.money.booked.len()).rev().collect();
        for place in places {
            let earlier = &mut step.after.money.booked[place];
            let Some(ground) = &mut step.ground else { break };
            let fits = |charged: &&mut Refund| charged.amount.currency() == rest.currency();
            if rest.is_zero() || earlier.charged.as_mut().filter(fits).is_none() {
                continue;
            }
            let Some(standing) = earlier.charged.take() else { continue };
            let before = (ground.purse.clone(), ground.back.clone());
            let back = ground.purse.undo(&standing.movements).map_err(broken)?;
            ground.purse.moved(&back).map_err(broken)?;
            without(&mut ground.back, &standing);
            let given = rest.min(standing.amount).map_err(broken)?;
            let keeps = standing.amount.checked_sub(given).map_err(broken)?;
            let again = if keeps.is_positive() { ground.charge(keeps, step.account)? } else { None };
            if keeps.is_positive() && again.is_none() {
                // Whose part of it came back cannot be said: persons do.
                (ground.purse, ground.back) = before;
                earlier.charged = Some(standing);
                continue;
            }
            undone.extend(back);
            if let Some(again) = again {
                ground.purse.moved(&again.movements).map_err(broken)?;
                ground.back.push(again.clone());
                undone.extend(again.movements.iter().cloned());
                earlier.charged = Some(again);
            }
            rest = rest.checked_sub(given).map_err(broken)?;
        }
        let undone = made_one(undone, step.ground.as_mut())?;
        let (undone, explained) = out_of_suspense(booking, undone, stands)?;
        post(&mut step.change, journal::chargeback_reversed(booking, &undone))?;
        // As much of the rest stands in suspense already.
        let waits = stands.checked_sub(explained).and_then(|left| left.min(rest)).map_err(broken)?;
        let aside = rest.checked_sub(waits).map_err(broken)?;
        booked.aside = Some(aside.negated()).filter(|aside| !aside.is_zero());
        Ok(())
    }

    /// The dispute's row, the payment's flag and timeline, the events.
    async fn write_dispute(
        &self,
        step: Step<'_>,
        payment: &Versioned<Payment>,
        known: Option<&Versioned<Dispute>>,
        source: ReportSource,
    ) -> Result<Change, SettleError> {
        let Step { mut change, account, ground, after, .. } = step;
        let now = self.0.clock.now();
        match known {
            None => change.insert_dispute(&after),
            Some(known) => change.update_dispute(&after, known.version),
        };
        let others = self.0.store.disputes_of(payment.value.id).await?;
        let mut others = others.iter().filter(|other| other.value.id != after.id);
        let disputed = after.state.is_open() || others.any(|other| other.value.state.is_open());
        let view = dispute_view(&after);
        // Always written: what is decided about the payment beside it then loses, and decides again.
        let touched = Payment { disputed, updated_at: now, ..payment.value.clone() };
        change.update_payment(&touched, payment.version);
        change.report_payment(
            &touched,
            &TimelineEntry {
                id: self.0.ids.mint(),
                source,
                kind: format!("dispute_{}", after.state.as_str()),
                state: touched.state.as_str().to_owned(),
                evidence: sha256(view.to_string().as_bytes()),
                detail: view.clone(),
                at: now,
            },
        );
        if let Some(Ground { record, back, .. }) = &ground {
            let pends = Settlements::pend(&mut change, record);
            let earns = self.earn_again(&mut change, &payment.value, account, record, back)?;
            if !pends && !earns {
                change.require(&SETTLEMENT, record.value.id, record.version);
            }
        }
        if let Some(ground) = &ground {
            ground.guard(&mut change);
        }
        let was_open = known.is_none_or(|known| known.value.state.is_open());
        let closes = was_open && !after.state.is_open();
        let words: &[&str] = match (known, closes) {
            (None, false) => &["dispute.opened"],
            (None, true) => &["dispute.opened", "dispute.closed"],
            (Some(_), true) => &["dispute.closed"],
            (Some(_), false) => &["dispute.updated"],
        };
        for word in words {
            self.tell(&mut change, after.merchant, word, &after.id.to_string(), view.clone());
        }
        tracing::info!(dispute = %after.id, payment = %after.payment, state = after.state.as_str(), "a dispute moved");
        Ok(change)
    }
}
