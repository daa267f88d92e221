//! What a gateway says about a dispute: how it stands, and what it did to money.
//!
//! The word and the money are apart. The gateway's newest word is the dispute's state. Money follows only from what the
//! gateway says it holds, took, gave back or charged: each fact is booked once, in the order told. What it takes is
//! charged to the parties as a refund of the same amount would be; where that cannot be said (several suppliers and only a
//! part, another currency, more than is left) it stands in suspense with a finding.

mod charge;
mod early;

use crate::domain::disputes::{BookedMovement, Dispute, DisputeMovement, DisputeReport, Hold, MovementKind};
use crate::domain::fees::Bearer;
use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::ledger::journal::{self, Booking, Movement};
use crate::domain::merchants::{FeeOwner, GatewayAccount};
use crate::domain::orders::{Payment, ReportSource, TimelineEntry};
use crate::domain::refunds::Refund;
use crate::domain::settlement::Settlement;
use crate::flows::pay::{dispute_view, sha256};
use crate::money::Money;
use crate::store::findings::FINDING;
use crate::store::settlements::SETTLEMENT;
use crate::store::{Change, CommitError, Versioned};

use super::{SettleError, Settlements, broken, post};
use charge::{Ground, made_one, netted};

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 8;

/// A dispute's change in the making.
struct Step<'a> {
    change: Change,
    account: &'a GatewayAccount,
    payment: &'a Payment,
    subject: String,
    ground: Option<Ground>,
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
            after: first.heard(report, now),
        };
        if newest && !report.held {
            self.release(&mut step, report)?;
        }
        for told in first.unbooked(report) {
            self.book_movement(&mut step, told).await?;
        }
        if newest && report.held && step.after.money.hold.is_none() {
            self.hold(&mut step, report).await?;
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
        let back = self.given_back(payment.id).await?;
        let purse = self.purse(&record.value, &settlement, &back, Some(report.opened_at)).await?;
        Ok(Some(Ground { record, settlement, deliveries, back, purse }))
    }

    /// The gateway holds the disputed amount (1120), and what the suppliers still have of it is held with it (2130).
    async fn hold(&self, step: &mut Step<'_>, report: &DisputeReport) -> Result<(), SettleError> {
        let payment = step.payment;
        let at = report.updated_at;
        // A capture that said `held` before its dispute was known is booked under its own name.
        let early = FindingKind::GatewayHold;
        let early = self.0.store.finding_about(payment.merchant, early, &report.capture_ref).await?;
        let begun = early.is_some() && step.after.money.holds == 0;
        step.after.money.holds += 1;
        let name = format!("{}/hold{}", report.gateway_ref, step.after.money.holds);
        let source = if begun { report.capture_ref.clone() } else { name };
        let booking = self.booking(payment, step.account, &source, &step.subject, at);
        if !begun {
            post(&mut step.change, journal::gateway_held(&booking, report.amount, "dispute"))?;
            let (change, reference) = (&mut step.change, &report.gateway_ref);
            self.tell_fact(change, "payment.held", payment, reference, report.amount, "dispute")?;
        }
        let mut suppliers = vec![];
        if let Some(ground) = &mut step.ground
            && let Some(disputed) = ground.charge(report.amount, step.account)?
        {
            suppliers = ground.purse.hold(&ground.settlement, &disputed).map_err(broken)?;
            post(&mut step.change, journal::dispute_held(&booking, &suppliers))?;
            ground.purse.moved(&suppliers).map_err(broken)?;
        }
        step.after.money.hold = Some(Hold { source, amount: report.amount, suppliers });
        Ok(())
    }

    /// The hold ended: both sides of it go back where they were.
    fn release(&self, step: &mut Step<'_>, report: &DisputeReport) -> Result<(), SettleError> {
        let Some(hold) = step.after.money.hold.take() else { return Ok(()) };
        let at = report.updated_at;
        let booking = self.booking(step.payment, step.account, &hold.source, &step.subject, at);
        post(&mut step.change, journal::gateway_released(&booking, hold.amount, "dispute"))?;
        // What is taken in the same breath was never free.
        if !step.after.unbooked(report).iter().any(|told| told.kind == MovementKind::Taken) {
            let (change, reference) = (&mut step.change, &report.gateway_ref);
            self.tell_fact(change, "payment.released", step.payment, reference, hold.amount, "dispute")?;
        }
        let back: Vec<Movement> = hold.suppliers.iter().map(Movement::reversed).collect();
        let mut settled = vec![];
        if let Some(ground) = &mut step.ground {
            settled = ground.purse.settle(&hold.suppliers, &ground.back).map_err(broken)?;
            ground.purse.moved(&back).map_err(broken)?;
            ground.purse.moved(&settled).map_err(broken)?;
            let nothing = Money::zero(hold.amount.currency());
            ground.back.push(Refund::undivided(nothing, settled.clone()));
        }
        let free = netted(back.into_iter().chain(settled.iter().cloned()).collect())?;
        post(&mut step.change, journal::dispute_released(&booking, &free))?;
        step.after.money.settled = netted(step.after.money.settled.drain(..).chain(settled).collect())?;
        Ok(())
    }

    /// One movement of our balance at the gateway.
    async fn book_movement(&self, step: &mut Step<'_>, told: DisputeMovement) -> Result<(), SettleError> {
        let fact = step.after.next_fact();
        let (payment, subject) = (step.payment, step.subject.clone());
        let booking = self.booking(payment, step.account, &fact, &subject, told.at);
        let (kind, amount) = (told.kind, told.amount);
        let mut booked = BookedMovement::of(told);
        match kind {
            MovementKind::Taken => self.take(step, &booking, &mut booked).await?,
            MovementKind::Returned => self.give_back(step, &booking, &mut booked)?,
            MovementKind::OtherTaken => booked.aside = Some(amount),
            MovementKind::OtherGiven => booked.aside = Some(amount.negated()),
            MovementKind::Fee => {
                post(&mut step.change, journal::dispute_fee_charged(&booking, amount))?;
                booked.recharged = step.recharge(&booking, amount)?;
            }
            MovementKind::FeeReturned => {
                post(&mut step.change, journal::dispute_fee_returned(&booking, amount))?;
                step.unburden(&booking, amount)?;
            }
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

    /// Whether a finding about what the dispute moved before waits for a decision, and waits still when this is written.
    async fn stands_open(&self, step: &mut Step<'_>) -> Result<bool, SettleError> {
        let (merchant, kind) = (step.payment.merchant, FindingKind::Reversed);
        for fact in step.after.facts() {
            let found = self.0.store.finding_about(merchant, kind, &fact).await?;
            let open = found.filter(|found| !matches!(found.value.state, FindingState::Resolved { .. }));
            if let Some(open) = open {
                step.change.require(&FINDING, open.value.id, open.version);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Captured money was taken.
    async fn take(
        &self,
        step: &mut Step<'_>,
        booking: &Booking<'_>,
        booked: &mut BookedMovement,
    ) -> Result<(), SettleError> {
        let told_before = self.taken_before(step, booked.told.amount).await?;
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

    /// Money came back: what was taken last is undone first; of a part, what remains taken is decided anew.
    fn give_back(
        &self,
        step: &mut Step<'_>,
        booking: &Booking<'_>,
        booked: &mut BookedMovement,
    ) -> Result<(), SettleError> {
        let mut rest = booked.told.amount;
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
            let back = ground.purse.undo(&standing.movements).map_err(broken)?;
            ground.purse.moved(&back).map_err(broken)?;
            ground.back.retain(|refund| *refund != standing);
            undone.extend(back);
            let given = rest.min(standing.amount).map_err(broken)?;
            let keeps = standing.amount.checked_sub(given).map_err(broken)?;
            if keeps.is_positive() {
                let again = ground.charge(keeps, step.account)?;
                let again = again.ok_or_else(|| broken("what was charged once cannot be charged again"))?;
                ground.purse.moved(&again.movements).map_err(broken)?;
                ground.back.push(again.clone());
                undone.extend(again.movements.iter().cloned());
                earlier.charged = Some(again);
            }
            rest = rest.checked_sub(given).map_err(broken)?;
        }
        let undone = made_one(undone, step.ground.as_mut())?;
        post(&mut step.change, journal::chargeback_reversed(booking, &undone))?;
        booked.aside = Some(rest.negated()).filter(|rest| !rest.is_zero());
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
        let Step { mut change, ground, after, .. } = step;
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
        if let Some(ground) = ground {
            change.require(&SETTLEMENT, ground.record.value.id, ground.record.version);
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

impl Step<'_> {
    /// Suppliers bear a fee where they bear the gateway's.
    fn recharge(&mut self, booking: &Booking<'_>, fee: Money) -> Result<Vec<Movement>, SettleError> {
        let Some(ground) = &mut self.ground else { return Ok(vec![]) };
        let owner = self.account.unreturned_fee.unwrap_or(match ground.settlement.fee_bearer {
            Bearer::Suppliers => FeeOwner::Supplier,
            Bearer::Platform | Bearer::Payer => FeeOwner::Platform,
        });
        if owner == FeeOwner::Platform {
            return Ok(vec![]);
        }
        let borne = ground.purse.recharge(&ground.settlement, fee).map_err(broken)?;
        if !borne.is_empty() {
            post(&mut self.change, journal::dispute_fee_recharged(booking, &borne, fee))?;
            ground.purse.moved(&borne).map_err(broken)?;
        }
        Ok(borne)
    }

    /// A fee came back: whoever bore one of this amount no longer does.
    fn unburden(&mut self, booking: &Booking<'_>, fee: Money) -> Result<(), SettleError> {
        let bore = |booked: &&mut BookedMovement| booked.told.amount == fee && !booked.recharged.is_empty();
        let borne = self.after.money.booked.iter_mut().rev().find(bore);
        let (Some(borne), Some(ground)) = (borne, &mut self.ground) else { return Ok(()) };
        let back = ground.purse.undo(&std::mem::take(&mut borne.recharged)).map_err(broken)?;
        post(&mut self.change, journal::dispute_fee_unborne(booking, &back, fee))?;
        ground.purse.moved(&back).map_err(broken)
    }
}
