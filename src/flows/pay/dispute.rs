//! Disputes come by the same door: a notice names one, a query says what it is.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::disputes::Dispute;
use crate::domain::orders::ReportSource;
use crate::money::Money;
use crate::store::inbox::{Notice, Settled};

use super::cause::NoticeRef;
use super::{OpenAccount, Pay, PayError};

impl Pay {
    /// A notice about a dispute: the gateway is asked about it.
    pub(super) async fn hear_dispute(
        &self,
        notice: &Notice,
        reference: &NoticeRef,
        account: &OpenAccount,
        dispute_ref: &str,
    ) -> Result<(), PayError> {
        if self.ask_dispute(account, dispute_ref, ReportSource::Callback).await? {
            return self.settle_notice(reference, Settled::Done, "dispute").await;
        }
        self.ghost(notice, reference, account).await
    }

    /// Asks about one dispute and applies the answer; `false` where it is about no payment of ours.
    ///
    /// # Errors
    /// [`PayError::Gateway`], [`PayError::Unavailable`]; it is asked again later.
    pub async fn ask_dispute(
        &self,
        account: &OpenAccount,
        dispute_ref: &str,
        source: ReportSource,
    ) -> Result<bool, PayError> {
        let Some(disputes) = account.gateway.disputes() else { return Ok(false) };
        let Some(report) = disputes.query_dispute(dispute_ref).await? else { return Ok(false) };
        Ok(self.0.settles.apply_dispute_report(&account.account, &report, source).await?)
    }

    /// Asks about every dispute of an account that changed since then; how many are about payments of ours.
    ///
    /// # Errors
    /// As [`Pay::ask_dispute`].
    pub async fn ask_changed_disputes(
        &self,
        account: &OpenAccount,
        since: DateTime<Utc>,
    ) -> Result<usize, PayError> {
        let Some(disputes) = account.gateway.disputes() else { return Ok(0) };
        let (mut ours, mut failed) = (0, None);
        for dispute_ref in disputes.changed_since(since).await? {
            match self.ask_dispute(account, &dispute_ref, ReportSource::Poll).await {
                Ok(heard) => ours += usize::from(heard),
                Err(error @ PayError::Gateway(_)) => return Err(error),
                // One that cannot be booked holds up no other.
                Err(error) => {
                    tracing::error!(dispute = dispute_ref, %error, "what a dispute says could not be written down");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(ours), Err)
    }
}

/// A dispute as answers and events show it.
pub fn dispute_view(dispute: &Dispute) -> serde_json::Value {
    let nothing = Money::zero(dispute.amount.currency());
    json!({
        "id": dispute.id, "object": "dispute", "payment": dispute.payment, "gateway": dispute.gateway,
        "gateway_ref": dispute.gateway_ref, "capture_ref": dispute.capture_ref, "state": dispute.state.as_str(),
        "gateway_state": dispute.word, "reason": dispute.reason, "stage": dispute.stage, "amount": dispute.amount,
        "held": dispute.money.hold.as_ref().map(|hold| hold.amount),
        "taken": dispute.taken().unwrap_or(nothing), "fee": dispute.fee().unwrap_or(nothing),
        "deadline": dispute.deadline, "opened_at": dispute.opened_at, "updated_at": dispute.updated_at,
        "closed_at": dispute.closed_at,
    })
}
