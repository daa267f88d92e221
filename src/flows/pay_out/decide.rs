//! Two persons: one submits, another approves, either takes it back. What is compared are users, in the books and in the
//! table of approvals itself.

use crate::domain::access::Hand;
use crate::domain::payouts::{PayoutPlan, PlanState};
use crate::ids::{MerchantId, PlanId, SupplierId, UserId};
use crate::money::{Currency, Money};
use crate::store::jobs::Job;
use crate::store::payout_terms::APPROVER_LIMIT;
use crate::store::{Change, CommitError, Versioned};

use super::{PayOutError, PayingOut};

/// The job that writes down and sends what a plan says.
pub const EXECUTE: &str = "execute_payouts";

/// One user's word on a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// It waits for another user.
    Submit,
    /// What has this hash is approved.
    Approve {
        /// As it was looked at.
        hash: String,
    },
    /// Refused, for good.
    Reject {
        /// Why.
        reason: String,
    },
    /// Called off; what is being sent goes on, the rest is stopped.
    Cancel,
    /// Calls begin.
    Execute,
    /// One payout is taken out.
    Drop {
        /// Whose.
        supplier: SupplierId,
        /// In which currency.
        currency: Currency,
    },
}

impl Word {
    /// What the audit trail calls it.
    pub fn action(&self) -> &'static str {
        match self {
            Word::Submit => "payout_plan.submitted",
            Word::Approve { .. } => "payout_plan.approved",
            Word::Reject { .. } => "payout_plan.rejected",
            Word::Cancel => "payout_plan.cancelled",
            Word::Execute => "payout_plan.executed",
            Word::Drop { .. } => "payout_plan.edited",
        }
    }
}

impl PayingOut {
    /// A user says a word on a plan; written down with `extra`.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn say(
        &self,
        merchant: MerchantId,
        hand: Hand,
        id: PlanId,
        word: &Word,
        extra: Change,
    ) -> Result<PayoutPlan, PayOutError> {
        let before = self.load(merchant, id).await?;
        let (plan, user, now) = (&before.value, hand.user, self.0.clock.now());
        let mut change = extra;
        let after = match word {
            Word::Submit => plan.submit(user, now)?,
            Word::Approve { hash } => {
                let limits = self.limits(&mut change, user).await?;
                let others = plan.on_one_side();
                let issuers = self.0.store.key_makers(merchant, &others).await?;
                let after = plan.approve(hand, &issuers, hash, limits.as_deref(), now)?;
                change.approve_payout_plan(&after, &others);
                after
            }
            Word::Reject { reason } => plan.reject(user, reason, now)?,
            Word::Cancel => plan.cancel(user, now)?,
            Word::Execute => {
                let after = plan.execute(user, now)?;
                self.nothing_was_paid_unseen(plan).await?;
                let mut job = Job::new(self.0.ids.mint(), EXECUTE, now);
                (job.dedup, job.payload) = (Some(format!("{EXECUTE}:{id}")), id.to_string());
                change.insert_job(&job);
                after
            }
            Word::Drop { supplier, currency } => plan.drop_line(user, *supplier, *currency)?,
        };
        change.update_payout_plan(&after, &before);
        self.tell_plan(&mut change, &after);
        self.0.store.commit(change).await?;
        if matches!(after.state, PlanState::Executing { stopped: Some(_), .. }) {
            self.stop_rest(id).await?;
            return Ok(self.load(merchant, id).await?.value);
        }
        Ok(after)
    }

    /// What a user may approve, and that it is still so when the change is written.
    async fn limits(&self, change: &mut Change, user: UserId) -> Result<Option<Vec<Money>>, PayOutError> {
        let found = self.0.store.approver_limit(user).await?;
        Ok(found.map(|Versioned { value, version }| {
            change.require(&APPROVER_LIMIT, user, version);
            value
        }))
    }

    /// Tells how far a plan is.
    pub(super) fn tell_plan(&self, change: &mut Change, plan: &PayoutPlan) {
        let kind = match plan.state {
            PlanState::Draft => return,
            PlanState::InApproval { .. } => "payout_plan.in_approval",
            PlanState::Scheduled { .. } => "payout_plan.scheduled",
            PlanState::Executing { .. } => "payout_plan.executing",
            PlanState::Completed { .. } => "payout_plan.completed",
            PlanState::PartiallyFailed { .. } => "payout_plan.partially_failed",
            PlanState::Rejected { .. } => "payout_plan.rejected",
            PlanState::Cancelled { .. } => "payout_plan.cancelled",
        };
        let data = serde_json::json!({
            "id": plan.id, "object": "payout_plan", "state": plan.state.as_str(), "hash": plan.hash,
        });
        self.0.settlements.tell(change, plan.merchant, kind, &plan.id.to_string(), data);
    }

    /// What a user may approve from now on.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn set_limit(
        &self,
        merchant: MerchantId,
        user: UserId,
        limits: &[Money],
        extra: Change,
    ) -> Result<(), PayOutError> {
        if self.0.store.user(merchant, user).await?.is_none() {
            return Err(PayOutError::Unknown("user"));
        }
        let before = self.0.store.approver_limit(user).await?;
        let mut change = extra;
        let version = before.map(|row| row.version);
        change.set_approver_limit(merchant, user, limits, version, self.0.clock.now());
        self.0.store.commit(change).await.map(|_| ()).map_err(|error| match error {
            CommitError::LostUpdate { table, .. } => PayOutError::Superseded { table },
            error => PayOutError::unavailable(error),
        })
    }
}
