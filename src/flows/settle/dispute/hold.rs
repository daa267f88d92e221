//! What a gateway holds because of a dispute, and its end: both sides of it.

use crate::domain::disputes::{DisputeReport, Hold, MovementKind};
use crate::domain::ledger::journal::{self, Movement};
use crate::domain::refunds::Refund;
use crate::flows::settle::{SettleError, Settlements, broken, post};
use crate::money::Money;

use super::Step;
use super::charge::netted;

impl Settlements {
    /// The gateway holds the disputed amount (1120), and what the suppliers still have of it is held with it (2130). A hold
    /// that the capture or a bill told before is taken over where it is this one's own, as much as it is.
    pub(super) fn hold(&self, step: &mut Step<'_>, report: &DisputeReport) -> Result<(), SettleError> {
        let payment = step.payment;
        let at = report.updated_at;
        step.after.money.holds += 1;
        let early = step.early.hold(&step.after);
        let begun = early.is_some();
        let mut hold = early.unwrap_or_else(|| Hold {
            source: format!("{}/hold{}", report.gateway_ref, step.after.money.holds),
            amount: report.amount,
            reason: Hold::DISPUTE.to_owned(),
            suppliers: vec![],
        });
        let booking = self.booking(payment, step.account, &hold.source, &step.subject, at);
        if !begun {
            post(&mut step.change, journal::gateway_held(&booking, hold.amount, &hold.reason))?;
            let (change, reference) = (&mut step.change, &report.gateway_ref);
            self.tell_fact(change, "payment.held", payment, reference, hold.amount, &hold.reason)?;
        }
        if let Some(ground) = &mut step.ground
            && let Some(disputed) = ground.charge(report.amount, step.account)?
        {
            let suppliers = ground.purse.hold(&ground.settlement, &disputed).map_err(broken)?;
            post(&mut step.change, journal::dispute_held(&booking, &suppliers))?;
            ground.purse.moved(&suppliers).map_err(broken)?;
            hold.suppliers = suppliers;
        }
        step.after.money.hold = Some(hold);
        Ok(())
    }

    /// The hold ended: both sides of it go back where they were. `was_open`: the dispute was not decided before.
    pub(super) fn release(
        &self,
        step: &mut Step<'_>,
        report: &DisputeReport,
        was_open: bool,
    ) -> Result<(), SettleError> {
        let Some(hold) = step.after.money.hold.take() else {
            // What is held of one that was decided before is another's.
            return if was_open { self.release_early(step, report) } else { Ok(()) };
        };
        let at = report.updated_at;
        let booking = self.booking(step.payment, step.account, &hold.source, &step.subject, at);
        post(&mut step.change, journal::gateway_released(&booking, hold.amount, &hold.reason))?;
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
        self.tell_free(step, report, hold.amount)
    }

    /// A dispute that is decided before it told of a hold ends the one that the capture or a bill told; the suppliers' side
    /// of it never began.
    fn release_early(&self, step: &mut Step<'_>, report: &DisputeReport) -> Result<(), SettleError> {
        if step.after.state.is_open() || step.after.money.holds > 0 {
            return Ok(());
        }
        let Some(hold) = step.early.hold(&step.after) else { return Ok(()) };
        step.after.money.holds += 1;
        let at = report.updated_at;
        let booking = self.booking(step.payment, step.account, &hold.source, &step.subject, at);
        post(&mut step.change, journal::gateway_released(&booking, hold.amount, &hold.reason))?;
        self.tell_free(step, report, hold.amount)
    }

    /// What is taken in the same breath was never free.
    fn tell_free(
        &self,
        step: &mut Step<'_>,
        report: &DisputeReport,
        amount: Money,
    ) -> Result<(), SettleError> {
        if step.after.unbooked(report).iter().any(|told| told.kind == MovementKind::Taken) {
            return Ok(());
        }
        let (change, reference) = (&mut step.change, &report.gateway_ref);
        self.tell_fact(change, "payment.released", step.payment, reference, amount, Hold::DISPUTE)
    }
}
