//! Plans and payouts as the API answers them.

use serde_json::{Value, json};

use crate::domain::payouts::{Payout, PayoutPlan, PayoutState, PayoutTerms, PlanState};
use crate::ids::{MerchantId, PayoutId, PlanId, SupplierId};
use crate::money::Money;

use super::{PayOutError, PayingOut};

/// States of payouts in the order in which they are met.
const STATES: [&str; 7] = ["held", "sent", "unknown", "paid", "unclaimed", "failed", "returned"];

impl PayingOut {
    /// A plan of this merchant, with how far its payouts are.
    ///
    /// # Errors
    /// [`PayOutError::Unknown`].
    pub async fn show(&self, merchant: MerchantId, id: PlanId) -> Result<Value, PayOutError> {
        let plan = self.load(merchant, id).await?.value;
        self.view(&plan).await
    }

    /// The answer of the API.
    ///
    /// # Errors
    /// [`PayOutError::Unavailable`].
    pub async fn view(&self, plan: &PayoutPlan) -> Result<Value, PayOutError> {
        let mut view = plan_summary(plan)?;
        let document = &plan.document;
        let counts = self.0.store.payout_counts(plan.id).await?;
        let counted: i64 = counts.iter().map(|(_, count)| count).sum();
        let lines = i64::try_from(document.lines.len()).unwrap_or(i64::MAX);
        let of = |word: &str| counts.iter().find(|(state, _)| state == word).map_or(0, |(_, count)| *count);
        let mut progress: serde_json::Map<String, Value> =
            STATES.iter().map(|word| ((*word).to_owned(), json!(of(word)))).collect();
        progress.insert("waiting".to_owned(), json!(lines - counted));
        if let Some(object) = view.as_object_mut() {
            object.insert("lines".to_owned(), json!(document.lines));
            object.insert("excluded".to_owned(), json!(document.excluded));
            object.insert("funding".to_owned(), json!(document.funding().map_err(PayOutError::unavailable)?));
            object.insert("pots".to_owned(), json!(document.pots));
            object.insert("proof".to_owned(), json!(document.proof));
            object.insert("netting".to_owned(), json!(document.netting));
            object.insert("progress".to_owned(), Value::Object(progress));
        }
        Ok(view)
    }

    /// One payout of this merchant, with its attempts; a supplier's key sees its own.
    ///
    /// # Errors
    /// [`PayOutError::Unknown`].
    pub async fn show_payout(
        &self,
        merchant: MerchantId,
        only: Option<SupplierId>,
        id: PayoutId,
    ) -> Result<Value, PayOutError> {
        let visible =
            |payout: &Payout| payout.merchant == merchant && only.is_none_or(|only| only == payout.supplier);
        let payout = self.0.store.payout(id).await?.map(|row| row.value).filter(visible);
        let payout = payout.ok_or(PayOutError::Unknown("payout"))?;
        let left = self.0.store.debited_before(merchant, std::slice::from_ref(&payout)).await?;
        let mut view = payout_view(&payout, left.get(&payout.id).copied());
        let batch = self.batch(payout.batch).await?.value;
        if let Some(object) = view.as_object_mut() {
            let attempts = json!({
                "sent": batch.attempts, "outcome": batch.outcome.as_str(), "detail": batch.detail,
                "reference": batch.id, "rail_reference": batch.rail_ref, "asked_at": batch.asked_at,
            });
            object.insert("attempts".to_owned(), attempts);
        }
        Ok(view)
    }
}

/// A plan without its lines, as lists show it.
///
/// # Errors
/// [`PayOutError::Unavailable`] when a sum does not fit.
pub fn plan_summary(plan: &PayoutPlan) -> Result<Value, PayOutError> {
    let approval = plan.state.approval();
    let (submitted_by, decided_by, reason) = match &plan.state {
        PlanState::InApproval { by, .. } => (Some(by), None, None),
        PlanState::Rejected { by, reason, .. } => (None, Some(by), Some(reason)),
        PlanState::Cancelled { by, .. } => (None, Some(by), None),
        PlanState::Executing { stopped: Some(stop), .. } => (None, Some(&stop.by), None),
        _ => (None, None, None),
    };
    Ok(json!({
        "id": plan.id, "object": "payout_plan", "state": plan.state.as_str(), "hash": plan.hash,
        "as_of": plan.document.as_of, "payouts": plan.document.lines.len(),
        "totals": plan.document.totals().map_err(PayOutError::unavailable)?,
        "made_by": plan.makers, "submitted_by": submitted_by,
        "approved_by": approval.map(|approval| approval.by),
        "approved_at": approval.map(|approval| approval.at),
        "ended_by": decided_by, "reason": reason, "schedule": plan.schedule,
        "created_at": plan.created_at,
    }))
}

/// A payout. `left` is what had been debited, where it came back: its state says no more than what arrived.
pub fn payout_view(payout: &Payout, left: Option<Money>) -> Value {
    let debited = payout.state.debited().or(left);
    let (mut reached, mut arrived, mut code, mut reason, mut at) = (None, None, None, None, None);
    match &payout.state {
        PayoutState::Held | PayoutState::Sent | PayoutState::Unknown => {}
        PayoutState::Paid { reached: other, at: when, .. } => (reached, at) = (other.as_ref(), Some(when)),
        PayoutState::Unclaimed { at: when, .. } => at = Some(when),
        PayoutState::Failed { code: word, reason: words } => (code, reason) = (Some(word), Some(words)),
        PayoutState::Returned { arrived: money, at: when, reason: words } => {
            (arrived, at, reason) = (Some(money), Some(when), Some(words));
        }
    }
    json!({
        "id": payout.id, "object": "payout", "state": payout.state.as_str(), "plan": payout.plan,
        "supplier": payout.supplier, "account": payout.account, "rail_account": payout.rail_account,
        "amount": payout.amount, "fee_inside": payout.borne, "debited": debited, "reached": reached,
        "returned": arrived, "fault": payout.fault,
        "charged": payout.charged, "code": code, "reason": reason, "at": at, "purpose": payout.purpose,
        "rail_reference": payout.rail_ref, "created_at": payout.created_at, "updated_at": payout.updated_at,
    })
}

/// A supplier's terms.
pub fn terms_view(supplier: SupplierId, terms: &PayoutTerms) -> Value {
    json!({
        "object": "payout_terms", "supplier": supplier, "holds": terms.holds, "known": terms.known,
        "reserve": terms.reserve, "debt_cap": terms.debt_cap, "set_off": terms.set_off, "rail_account": terms.rail,
        "fee_bearer": terms.bearer, "minimum": terms.minimum, "purpose": terms.purpose, "town": terms.town,
        "tax_class": terms.tax_class, "payment_term_days": terms.payment_term_days,
    })
}
