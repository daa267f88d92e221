//! A payout that a bill states otherwise than it was recorded, by hand or by an earlier bill.

use crate::domain::deposits::GatewaySettlement;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::Movement;
use crate::domain::ledger::{AccountCode, JournalEvent};
use crate::domain::reconciliation::{BillLine, LineFacts};
use crate::flows::pay::OpenAccount;
use crate::flows::settle::finding_data;
use crate::money::{Money, MoneyError};
use crate::store::{Change, Versioned};

use super::repair::{evidence, post, waits};
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// Why what differed needs nobody any more.
const AGREES: &str = "the bill agrees with what was recorded as sent by now";

/// What stands aside because bills had another amount of a payout.
struct Stood {
    sum: Money,
    /// Each part with its finding, the oldest first.
    rows: Vec<(Money, Versioned<Finding>)>,
    /// The name of what is put aside next. Two that read the same take the same one, and one of them books.
    next: String,
}

impl Reconciling {
    /// What was recorded as sent is booked: only what the bill's line differs by stands aside, so that the gateway's balance
    /// is what the books have there plus suspense. The same line again says nothing new.
    pub(super) async fn sent_otherwise(
        &self,
        open: &OpenAccount,
        line: BillLine,
        known: &GatewaySettlement,
    ) -> Result<Found, ReconcileError> {
        let (sent, told) = (known.batch.net, line.net().abs());
        let broken = |error: MoneyError| ReconcileError::unavailable(error);
        let by = line.net().checked_add(sent).map_err(broken)?;
        let detail =
            format!("`{}` was recorded as sent with {sent}, the bill has {told}", known.batch.reference);
        self.tell_of_difference(open, &line, known, by, detail.clone()).await?;
        // Other bills may have told of a part of it, or of more.
        let stood = self.stood(open, &line, known).await?;
        let left = by.checked_sub(stood.sum).map_err(broken)?;
        let kind = "gateway_settlement";
        if left.is_zero() {
            let undecided = stood.rows.iter().rev().find(|(_, finding)| !is_resolved(&finding.value));
            let finding = undecided.or(stood.rows.last()).map(|(_, finding)| finding.value.id.to_string());
            let repair = Some(format!("what it differs by, {by}, stands in suspense (2900)"));
            let evidence = Evidence { repair, ..evidence(Some(&line), None) };
            return Ok(waits(kind, finding, evidence));
        }
        let found = self.set_aside(open, &line, known, (left, stood.next), &detail).await?;
        let repair = Some(format!("what it differs by, {left}, stands in suspense (2900)"));
        Ok(Found { evidence: Evidence { repair, ..evidence(Some(&line), None) }, ..found })
    }

    /// The bill has what was recorded: what other bills made stand aside comes back, and nobody needs to decide about it.
    pub(super) async fn sent_as_recorded(
        &self,
        open: &OpenAccount,
        line: BillLine,
        known: &GatewaySettlement,
    ) -> Result<Option<Found>, ReconcileError> {
        let stood = self.stood(open, &line, known).await?;
        if stood.rows.is_empty() {
            return Ok(None);
        }
        let mut change = Change::new();
        let mut sum = stood.sum;
        for (amount, finding) in stood.rows.iter().filter(|(_, finding)| !is_resolved(&finding.value)) {
            let source = &finding.value.fact;
            let booking = self.booking(open, source, source, &line);
            let (aside, landing) = (booking.at_gateway(AccountCode::SUSPENSE), booking.landing());
            let movements = [Movement::debit(aside, *amount), Movement::credit(landing, *amount)];
            post(&mut change, booking.post(JournalEvent::SuspenseResolved, &movements))?;
            self.0.settlements.close_explained(&mut change, finding, AGREES, None);
            sum = sum.checked_sub(*amount).map_err(ReconcileError::unavailable)?;
        }
        let (merchant, name) = (open.account.merchant, open.account.name.as_str());
        let told = format!("{name}/{}/", known.batch.reference);
        let differs = FindingKind::BatchDiffers;
        for finding in self.0.store.undecided_of_kind(merchant, differs, name).await? {
            if finding.value.fact.starts_with(&told) {
                self.0.settlements.close_explained(&mut change, &finding, AGREES, None);
            }
        }
        self.commit_once(change).await?;
        if sum.is_zero() {
            return Ok(None);
        }
        // What persons moved on is theirs: what came back of it waits for them too.
        let detail =
            format!("`{}` is {} in the bill as it was recorded", known.batch.reference, known.batch.net);
        self.set_aside(open, &line, known, (sum.negated(), stood.next), &detail).await.map(Some)
    }

    /// One finding for each amount that bills told; one that a later bill closed is opened again.
    async fn tell_of_difference(
        &self,
        open: &OpenAccount,
        line: &BillLine,
        known: &GatewaySettlement,
        by: Money,
        detail: String,
    ) -> Result<(), ReconcileError> {
        let (merchant, kind) = (open.account.merchant, FindingKind::BatchDiffers);
        let told = line.net().abs().amount();
        let fact = format!("{}/{}/{told}", open.account.name, known.batch.reference);
        let mut change = Change::new();
        match self.0.store.finding_about(merchant, kind, &fact).await? {
            Some(known) if is_resolved(&known.value) && !was_decided(&known.value) => {
                let mut again = known;
                again.value.state = FindingState::Open;
                change.open_finding_again(&again);
                let id = again.value.id.to_string();
                let data = finding_data(&again.value);
                self.0.settlements.tell(&mut change, merchant, "finding.opened", &id, data);
            }
            Some(_) => {}
            None => {
                let finding = self.0.settlements.finding(kind, &open.account, &fact, Some(by), detail);
                self.opened(&mut change, finding).await?;
            }
        }
        self.commit_once(change).await
    }

    /// A part of what a payout differs by, under a name of its own.
    async fn set_aside(
        &self,
        open: &OpenAccount,
        line: &BillLine,
        known: &GatewaySettlement,
        (amount, gateway_ref): (Money, String),
        detail: &str,
    ) -> Result<Found, ReconcileError> {
        let nothing = Money::zero(amount.currency());
        let facts = line.clone().into_facts();
        let part = LineFacts { gateway_ref, gross: amount, fee: nothing, tax: nothing, ..facts };
        let part = BillLine::try_new(part).map_err(ReconcileError::unavailable)?;
        let why = format!("{}{detail}", mark(known));
        self.aside(open, "gateway_settlement", part, &why).await
    }

    /// What stands aside of a payout; movements of its name that are none of it are left out.
    async fn stood(
        &self,
        open: &OpenAccount,
        line: &BillLine,
        known: &GatewaySettlement,
    ) -> Result<Stood, ReconcileError> {
        let (merchant, reference, mark) = (open.account.merchant, &line.gateway_ref, mark(known));
        let rows = self.0.store.all_aside_under(merchant, reference).await?;
        // As long as what is told apart by its line's hash, so that it is read as this payout's.
        let next = match rows.len() {
            0 => reference.clone(),
            many => format!("{reference}/{many:016x}"),
        };
        let (mut sum, mut parts) = (Money::zero(line.net().currency()), vec![]);
        for (source, amount) in rows {
            let found = self.0.store.finding_about(merchant, FindingKind::UnknownMovement, &source).await?;
            let Some(found) = found.filter(|found| found.value.detail.contains(&mark)) else { continue };
            // What a bill closed came back.
            if amount.currency() == sum.currency()
                && (!is_resolved(&found.value) || was_decided(&found.value))
            {
                sum = sum.checked_add(amount).map_err(ReconcileError::unavailable)?;
                parts.push((amount, found));
            }
        }
        Ok(Stood { sum, rows: parts, next })
    }
}

/// How the finding of what stands aside says of which payout it is.
fn mark(known: &GatewaySettlement) -> String {
    format!("is what a payout differs by that is recorded as {}: ", known.id)
}

fn is_resolved(finding: &Finding) -> bool {
    matches!(finding.state, FindingState::Resolved { .. })
}

/// Whether somebody else than a bill decided about it.
fn was_decided(finding: &Finding) -> bool {
    matches!(&finding.state, FindingState::Resolved { reason, .. } if reason != AGREES)
}
