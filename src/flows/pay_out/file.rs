//! Files for a person's hand: what a bank is told of a plan, the same bytes however often they are fetched.

use crate::domain::orders::Outcome;
use crate::domain::payouts::{Payout, PayoutState};
use crate::gateways::PayoutBatchRequest;
use crate::ids::{MerchantId, PlanId};
use crate::rails::{Template, write_pain001, write_sheet};

use super::{PayOutError, PayingOut};

impl PayingOut {
    /// The pain.001.001.09 of what a plan pays over banks.
    ///
    /// # Errors
    /// [`PayOutError::Refused`] where it pays nothing over them, or nothing yet.
    pub async fn pain001(&self, merchant: MerchantId, id: PlanId) -> Result<String, PayOutError> {
        let (made_at, batches) = self.handed_in(merchant, id, "pain001").await?;
        let refused =
            |error: crate::rails::WriteError| PayOutError::Refused { param: "id", why: error.to_string() };
        write_pain001(&id.to_string(), made_at, &batches).map_err(refused)
    }

    /// The CSV of what a plan pays by a file of that kind, by a template.
    ///
    /// # Errors
    /// [`PayOutError::Refused`], also where the template names no columns of ours.
    pub async fn sheet(
        &self,
        merchant: MerchantId,
        id: PlanId,
        template: Option<&str>,
    ) -> Result<String, PayOutError> {
        let refused = |error: crate::rails::SheetError| PayOutError::Refused {
            param: "template",
            why: error.to_string(),
        };
        let template = template.map(Template::read).transpose().map_err(refused)?.unwrap_or_default();
        let (_, batches) = self.handed_in(merchant, id, "csv").await?;
        write_sheet(&template, &batches).map_err(refused)
    }

    /// The batches of a rail that were handed over, without what was stopped or refused before.
    async fn handed_in(
        &self,
        merchant: MerchantId,
        id: PlanId,
        word: &str,
    ) -> Result<(chrono::DateTime<chrono::Utc>, Vec<PayoutBatchRequest>), PayOutError> {
        let plan = self.load(merchant, id).await?.value;
        let (mut requests, mut made_at) = (vec![], plan.created_at);
        for batch in self.0.store.payout_batches_of(id).await? {
            let rail = self.rail(merchant, batch.value.rail_account).await?;
            if rail.account.rail != word || batch.value.outcome != Outcome::Done {
                continue;
            }
            let payouts = self.0.store.payouts_of_batch(batch.value.id).await?;
            let payouts: Vec<&Payout> = payouts
                .iter()
                .map(|payout| &payout.value)
                .filter(|payout| !matches!(payout.state, PayoutState::Failed { .. }))
                .collect();
            if payouts.is_empty() {
                continue;
            }
            made_at = made_at.max(batch.value.created_at);
            requests.push(self.request(&batch.value, &rail, &payouts).await?);
        }
        if requests.is_empty() {
            let why = format!("the plan has handed nothing to a rail `{word}`");
            return Err(PayOutError::Refused { param: "id", why });
        }
        Ok((made_at, requests))
    }
}
