//! What is looked after by the clock: disputes whose notice was lost, and deadlines that come near.

use chrono::TimeDelta;

use crate::domain::disputes::{Dispute, DisputeState};
use crate::domain::findings::FindingKind;
use crate::domain::orders::ReportSource;
use crate::store::{Change, CommitError};

use super::{DisputeFlowError, Disputing};

/// A deadline is near when so little is left: a weekend lies in it.
const NEAR: TimeDelta = TimeDelta::days(3);
/// How far back changed disputes are asked for.
const BACK: TimeDelta = TimeDelta::days(3);

impl Disputing {
    /// Asks every gateway about the disputes that changed lately, and about every open one.
    ///
    /// # Errors
    /// [`DisputeFlowError::Unavailable`] when the rows cannot be read; a gateway that is silent is asked again.
    pub async fn ask_all(&self) -> Result<(), DisputeFlowError> {
        let since = self.clock.now() - BACK;
        for open in self.pay.accounts().all() {
            if let Err(error) = self.pay.ask_changed_disputes(&open, since).await {
                tracing::warn!(account = open.account.name, %error, "changed disputes are asked for again");
            }
        }
        let mut after = None;
        loop {
            let page = self.store.open_disputes(after, 100).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.value.id);
            for dispute in page.iter().filter(|dispute| dispute.value.updated_at < since) {
                let Ok(account) = self.account_of(&dispute.value) else { continue };
                let asked = self.pay.ask_dispute(&account, &dispute.value.gateway_ref, ReportSource::Poll);
                if let Err(error) = asked.await {
                    tracing::warn!(dispute = %dispute.value.id, %error, "a dispute is asked about again");
                }
            }
        }
    }

    /// Opens a finding for each deadline of ours that is near; how many are.
    ///
    /// # Errors
    /// [`DisputeFlowError::Unavailable`]; the next round tries again.
    pub async fn watch_deadlines(&self) -> Result<usize, DisputeFlowError> {
        let (mut after, mut near) = (None, 0);
        loop {
            let page = self.store.open_disputes(after, 100).await?;
            let Some(last) = page.last() else { return Ok(near) };
            after = Some(last.value.id);
            for dispute in &page {
                if self.is_near(&dispute.value) {
                    near += 1;
                    self.warn(&dispute.value).await?;
                }
            }
        }
    }

    fn is_near(&self, dispute: &Dispute) -> bool {
        let ours = dispute.state == DisputeState::NeedsResponse;
        ours && dispute.deadline.is_some_and(|deadline| deadline - self.clock.now() <= NEAR)
    }

    async fn warn(&self, dispute: &Dispute) -> Result<(), DisputeFlowError> {
        let (Ok(account), Some(deadline)) = (self.account_of(dispute), dispute.deadline) else {
            return Ok(());
        };
        let fact = format!("{} {}", dispute.id, deadline.date_naive());
        let detail = format!(
            "dispute {} about {} has to be answered by {deadline}: with evidence or by accepting it",
            dispute.gateway_ref, dispute.amount
        );
        let (kind, amount) = (FindingKind::DisputeDeadline, Some(dispute.amount));
        let mut finding = self.settlements.finding(kind, &account.account, &fact, amount, detail);
        finding.payment = Some(dispute.payment.to_string());
        let mut change = Change::new();
        let opened = self.settlements.open(&mut change, finding).await;
        opened.map_err(DisputeFlowError::unavailable)?;
        if change.is_empty() {
            return Ok(());
        }
        match self.store.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
