//! From an approved plan to calls: each batch is written down in one change (its row, its payouts held, their postings,
//! the plan's place behind it), then sent. Two instances at one plan meet at the plan's version.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::crash::{Point, point};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{Fact, debt_netted, debt_set_off};
use crate::domain::orders::Outcome;
use crate::domain::payouts::{
    FeeBearer, Line, Payout, PayoutBatch, PayoutPlan, PayoutState, PlanState, ReturnFault, postings,
};
use crate::ids::{PayoutBatchId, PlanId, RailAccountId};
use crate::money::Money;
use crate::store::{Change, CommitError, Versioned};

use super::rails::OpenRail;
use super::{DECISIONS, PayOutError, PayingOut};

impl PayingOut {
    /// Writes down and sends all that a plan says and that was not yet; safe to do again and beside others.
    ///
    /// # Errors
    /// [`PayOutError`]; what is left is taken up again.
    pub async fn carry_out(&self, id: PlanId) -> Result<(), PayOutError> {
        self.instruct(id).await?;
        let mut first = Ok(());
        for batch in self.0.store.payout_batches_of(id).await? {
            if batch.value.may_be_sent() {
                first = first.and(self.send(batch.value.id).await);
            }
        }
        self.settle_plan(id).await?;
        first
    }

    /// Writes down every call that is not yet.
    pub(super) async fn instruct(&self, id: PlanId) -> Result<(), PayOutError> {
        let mut lost = 0;
        while lost < DECISIONS {
            let Some(plan) = self.0.store.payout_plan(id).await? else { return Ok(()) };
            let PlanState::Executing { instructed, stopped: None, .. } = plan.value.state else {
                return Ok(());
            };
            if self.is_from_before_a_restore(plan.value.created_at).await? {
                return self.leave_restored(&plan.value).await;
            }
            let mut rails: BTreeMap<RailAccountId, OpenRail> = BTreeMap::new();
            let named: BTreeSet<RailAccountId> =
                plan.value.document.lines.iter().map(|line| line.rail_account).collect();
            for id in named {
                rails.insert(id, self.rail(plan.value.merchant, id).await?);
            }
            let most = |rail: RailAccountId| {
                let limit = rails.get(&rail).and_then(|rail| rail.payouts().map(|rail| rail.batch_limit()));
                self.0.rules.together(limit.unwrap_or(1))
            };
            let Some(lines) = plan.value.document.next_call(instructed, most) else { return Ok(()) };
            let Some(rail) = lines.first().and_then(|line| rails.get(&line.rail_account)) else {
                return Ok(());
            };
            let mut change = self.instruction(&plan.value, rail, &lines).await?;
            change.update_payout_plan(&plan.value.instructed(lines.len()), &plan);
            point(Point::PayoutDecided).await;
            match self.0.store.commit(change).await {
                Ok(_) => {
                    point(Point::PayoutInstructed).await;
                    lost = 0;
                }
                // Another instance wrote it down, or a balance moved: look again.
                Err(CommitError::LostUpdate { .. } | CommitError::BelowFloor { .. }) => lost += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayOutError::Unavailable(format!("{id} met {DECISIONS} other changes in a row")))
    }

    /// What stood here when the backup was taken may have been carried out since.
    pub(super) async fn is_from_before_a_restore(&self, at: DateTime<Utc>) -> Result<bool, PayOutError> {
        let restored = self.0.store.restored().await?;
        Ok(restored.is_some_and(|restored| at <= restored.value.restored_at))
    }

    /// A plan from before a restore is not carried on by a machine.
    async fn leave_restored(&self, plan: &PayoutPlan) -> Result<(), PayOutError> {
        let detail = format!(
            "plan {} was made before the database was restored and may have been paid since; look at its rails, cancel it \
             and make a new one",
            plan.id
        );
        let (mut change, fact) = (Change::new(), plan.id.to_string());
        let kind = FindingKind::ActionNeeded;
        self.find(&mut change, plan.merchant, kind, ("", &fact), None, detail).await?;
        self.written(change).await
    }

    /// One call as it is written down: what can be paid is held, what cannot any more says why.
    async fn instruction(
        &self,
        plan: &PayoutPlan,
        rail: &OpenRail,
        lines: &[&Line],
    ) -> Result<Change, PayOutError> {
        let today = self.0.withholding.day(plan.merchant).await.map_err(PayOutError::unavailable)?;
        let mut ground = self.ground(plan, lines, today).await?;
        let (now, mut change, mut held) = (self.0.clock.now(), Change::new(), 0);
        let batch: PayoutBatchId = self.0.ids.mint();
        for line in lines {
            let mut payout = self.payout(plan, rail, line, batch).await?;
            match ground.refuses(line) {
                Some((code, reason)) => {
                    payout.state = PayoutState::Failed { code: code.to_owned(), reason };
                    self.tell_payout(&mut change, &payout);
                }
                None => {
                    self.book(&mut change, line, &payout)?;
                    self.withhold(&mut change, line, &payout, today)?;
                    ground.take(&mut change, line)?;
                    held += 1;
                }
            }
            change.insert_payout(&payout);
        }
        let nothing = held == 0;
        change.insert_payout_batch(&PayoutBatch {
            id: batch,
            merchant: plan.merchant,
            plan: plan.id,
            rail_account: rail.account.id,
            rail_ref: None,
            execute_on: lines
                .first()
                .and_then(|line| self.0.tables.taken_on(&line.route, line.net.currency(), now)),
            carried: None,
            lease: None,
            outcome: if nothing { Outcome::Refused } else { Outcome::Open },
            detail: nothing.then(|| "nothing of it can be paid any more".to_owned()),
            attempts: 0,
            created_at: now,
            asked_at: None,
        });
        Ok(change)
    }

    async fn payout(
        &self,
        plan: &PayoutPlan,
        rail: &OpenRail,
        line: &Line,
        batch: PayoutBatchId,
    ) -> Result<Payout, PayOutError> {
        let now = self.0.clock.now();
        Ok(Payout {
            id: self.0.ids.mint(),
            merchant: plan.merchant,
            plan: plan.id,
            batch,
            supplier: line.supplier,
            account: line.account,
            rail_account: line.rail_account,
            booking: self.booking(&rail.account, line.supplier).await?,
            amount: line.amount,
            borne: match line.bearer {
                FeeBearer::Supplier => line.borne,
                FeeBearer::Platform | FeeBearer::Shared => Money::zero(line.amount.currency()),
            },
            purpose: line.purpose.clone(),
            rail_ref: None,
            state: PayoutState::Held,
            charged: None,
            fault: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// Debts and taxes first, then the payout itself.
    fn book(&self, change: &mut Change, line: &Line, payout: &Payout) -> Result<(), PayOutError> {
        let subject = payout.id.to_string();
        let (ids, merchant, at) = (&self.0.ids, payout.merchant, payout.created_at);
        let fact = Fact { ids, merchant, source: &subject, subject: &subject, at };
        let netted = line.netted().map_err(PayOutError::unavailable)?;
        let mut booked = vec![debt_netted(&fact, line.supplier, netted)];
        for set_off in &line.set_off {
            // One fact for each debt that is covered.
            let source = format!("{subject}/{}", set_off.covered.currency());
            let fact = Fact { source: &source, ..fact };
            booked.push(debt_set_off(&fact, line.supplier, set_off.taken, set_off.covered));
        }
        booked.push(postings(&fact, payout, &PayoutState::Held, ReturnFault::Supplier, None));
        for transaction in booked {
            if let Some(transaction) = transaction.map_err(PayOutError::unavailable)? {
                change.post(transaction);
            }
        }
        Ok(())
    }

    /// The plan is over when every line of it has its end.
    pub(super) async fn settle_plan(&self, id: PlanId) -> Result<(), PayOutError> {
        for _ in 0..DECISIONS {
            let Some(plan) = self.0.store.payout_plan(id).await? else { return Ok(()) };
            let PlanState::Executing { instructed, ref stopped, .. } = plan.value.state else {
                return Ok(());
            };
            let lines = plan.value.document.lines.len();
            if instructed < lines && stopped.is_none() {
                return Ok(());
            }
            let counts: BTreeMap<String, i64> = self.0.store.payout_counts(id).await?.into_iter().collect();
            let of = |word: &str| counts.get(word).copied().unwrap_or(0);
            if ["held", "sent", "unknown", "unclaimed"].into_iter().any(|word| of(word) > 0) {
                return Ok(());
            }
            let everybody = usize::try_from(of("paid")).is_ok_and(|paid| paid == lines);
            let after = plan.value.ended(everybody, self.0.clock.now());
            let mut change = Change::new();
            change.update_payout_plan(&after, &plan);
            self.tell_plan(&mut change, &after);
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::LostUpdate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The batch of a payout with its plan's word, for whoever takes it up.
    pub(super) async fn batch(&self, id: PayoutBatchId) -> Result<Versioned<PayoutBatch>, PayOutError> {
        self.0.store.payout_batch(id).await?.ok_or(PayOutError::Unknown("batch of payouts"))
    }
}
