//! Files for a person's hand. Of each call there is one pain.001 with one message id, whoever brings it to the bank: what
//! is downloaded are the bytes that the rail carries, so that a bank that meets both pays once. Where it cannot be these
//! bytes there is no file.

use crate::domain::orders::Outcome;
use crate::domain::payouts::{DebtorAddress, Payout, PayoutBatch, PayoutPlan, PlanDocument, PlanState};
use crate::gateways::PayoutBatchRequest;
use crate::ids::{MerchantId, PayoutBatchId, PlanId};
use crate::rails::{Template, write_sheet};

use super::rails::OpenRail;
use super::{PayOutError, PayingOut};

/// A call that was made, as it was made.
pub(super) struct Handed {
    pub batch: PayoutBatch,
    rail: OpenRail,
    pub request: PayoutBatchRequest,
}

impl Handed {
    /// Whether both leave the same account in the same currency.
    fn goes_with(&self, other: &Handed) -> bool {
        let currency = |one: &Handed| one.request.orders.first().map(|order| order.amount.currency());
        self.batch.rail_account == other.batch.rail_account && currency(self) == currency(other)
    }
}

impl PayingOut {
    /// The pain.001.001.09 of one call of a plan, and which call that is; `only` names it where there are several.
    ///
    /// # Errors
    /// [`PayOutError::NoFile`] where there is none yet, or none that is what was sent; [`PayOutError::Refused`] where the
    /// plan pays nothing over banks or has several.
    pub async fn pain001(
        &self,
        merchant: MerchantId,
        id: PlanId,
        only: Option<PayoutBatchId>,
    ) -> Result<(PayoutBatchId, String), PayOutError> {
        let mut handed = self.handed_in(merchant, id, "pain001", only).await?;
        if handed.len() > 1 {
            let why = format!("the plan goes out in {} files", handed.len());
            return Err(name_one(&handed, &why));
        }
        let none = || PayOutError::NoFile("none of its calls carried a file".to_owned());
        let Some(Handed { batch, rail, request }) = handed.pop() else { return Err(none()) };
        let way = rail.payouts().ok_or_else(none)?;
        let carried = batch.carried.and_then(|carried| carried.file);
        for request in as_it_may_have_been(request) {
            let text = way.file(&request)?.ok_or_else(none)?;
            for text in [Some(text), way.former_file(&request)?].into_iter().flatten() {
                if carried.as_deref() == Some(PlanDocument::hash_of(&text).as_str()) {
                    return Ok((batch.id, text));
                }
            }
        }
        Err(PayOutError::NoFile(format!("{} can no longer be written as it was handed over", batch.id)))
    }

    /// The CSV of what a plan pays by a file of that kind, by a template; `only` names one of its calls. Those of one rail
    /// account in one currency are one file, for one bank takes it and its sum is of one money.
    ///
    /// # Errors
    /// As [`PayingOut::pain001`], also where the template names no columns of ours.
    pub async fn sheet(
        &self,
        merchant: MerchantId,
        id: PlanId,
        only: Option<PayoutBatchId>,
        template: Option<&str>,
    ) -> Result<String, PayOutError> {
        let refused = |error: crate::rails::SheetError| PayOutError::Refused {
            param: "template",
            why: error.to_string(),
        };
        let template = template.map(Template::read).transpose().map_err(refused)?.unwrap_or_default();
        let handed = self.handed_in(merchant, id, "csv", only).await?;
        if handed.iter().any(|one| handed.first().is_some_and(|first| !one.goes_with(first))) {
            let why = "the plan is paid out of several accounts or in several currencies";
            return Err(name_one(&handed, why));
        }
        let requests: Vec<PayoutBatchRequest> = handed.into_iter().map(|one| one.request).collect();
        write_sheet(&template, &requests).map_err(refused)
    }

    /// The calls over a rail as they were made; refused while one of them still may be, so that what is fetched once is
    /// all there will ever be.
    async fn handed_in(
        &self,
        merchant: MerchantId,
        id: PlanId,
        word: &str,
        only: Option<PayoutBatchId>,
    ) -> Result<Vec<Handed>, PayOutError> {
        let plan = self.load(merchant, id).await?.value;
        if !plan.document.lines.iter().any(|line| line.rail == word) {
            let why = format!("the plan pays nothing over a rail `{word}`");
            return Err(PayOutError::Refused { param: "id", why });
        }
        let (mut handed, mut found, mut refused) = (vec![], 0, None);
        for batch in self.0.store.payout_batches_of(id).await? {
            let batch = batch.value;
            let rail = self.rail(merchant, batch.rail_account).await?;
            if rail.account.rail != word || only.is_some_and(|only| only != batch.id) {
                continue;
            }
            found += 1;
            match batch.outcome {
                Outcome::Done => handed.push(self.handed(batch, rail).await?),
                Outcome::Refused => refused = Some(batch),
                Outcome::Open => {
                    return Err(PayOutError::NoFile(format!("{} is not handed over yet", batch.id)));
                }
                Outcome::Unknown => {
                    let why = "nobody knows whether the bank has it: by hand it could be paid twice";
                    return Err(PayOutError::NoFile(format!("{}: {why}", batch.id)));
                }
            }
        }
        match (only, refused) {
            (Some(_), _) if found == 0 => return Err(PayOutError::Unknown("batch of payouts")),
            (None, _) if !is_written_down(&plan) => {
                let why = format!(
                    "the plan is `{}`: nothing is handed over before it is executed",
                    plan.state.as_str()
                );
                return Err(PayOutError::NoFile(why));
            }
            (_, Some(batch)) if handed.is_empty() => {
                let why = batch.detail.unwrap_or_else(|| "it was refused".to_owned());
                return Err(PayOutError::NoFile(format!("{} was not handed over: {why}", batch.id)));
            }
            _ if handed.is_empty() => {
                return Err(PayOutError::NoFile(format!("the plan is `{}`", plan.state.as_str())));
            }
            _ => {}
        }
        Ok(handed)
    }

    /// One call with the payouts that it carried, whatever became of them since.
    pub(super) async fn handed(&self, batch: PayoutBatch, rail: OpenRail) -> Result<Handed, PayOutError> {
        let unknown = || PayOutError::NoFile(format!("what {} carried was not written down", batch.id));
        let carried = batch.carried.as_ref().ok_or_else(unknown)?;
        let payouts = self.0.store.payouts_of_batch(batch.id).await?;
        let payouts = payouts.iter().map(|payout| &payout.value);
        let payouts: Vec<&Payout> = payouts.filter(|payout| carried.payouts.contains(&payout.id)).collect();
        let request = self.request(&batch, &rail, &payouts).await?;
        Ok(Handed { request, batch, rail })
    }
}

/// There is no one file for all of them.
fn name_one(handed: &[Handed], why: &str) -> PayOutError {
    let ids: Vec<String> = handed.iter().map(|one| one.batch.id.to_string()).collect();
    PayOutError::Refused { param: "batch", why: format!("{why}; name one of {}", ids.join(", ")) }
}

/// What a call may have said when it was made: what it says now, the same before the merchant's address was known, and
/// before banks were told who bears charges; each with ids in banks' letters, or as they are, as its rail wrote them before.
/// Which it was, its hash tells.
fn as_it_may_have_been(now: PayoutBatchRequest) -> [PayoutBatchRequest; 3] {
    let mut bare = now.clone();
    if let Some(debtor) = &mut bare.debtor {
        debtor.address = DebtorAddress::default();
    }
    let mut untold = bare.clone();
    for order in &mut untold.orders {
        order.bearer = None;
    }
    [now, bare, untold]
}

/// Whether every call of a plan is written down.
fn is_written_down(plan: &PayoutPlan) -> bool {
    match &plan.state {
        PlanState::Executing { instructed, stopped, .. } => {
            *instructed >= plan.document.lines.len() || stopped.is_some()
        }
        PlanState::Completed { .. } | PlanState::PartiallyFailed { .. } => true,
        PlanState::Draft
        | PlanState::InApproval { .. }
        | PlanState::Scheduled { .. }
        | PlanState::Rejected { .. }
        | PlanState::Cancelled { .. } => false,
    }
}
