//! What may have gone back already and is not known here: at the gateway's own pages, or by us before a backup was
//! restored.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::orders::Payment;
use crate::flows::pay::Sending;
use crate::gateways::bills::bounds;
use crate::ids::{MerchantId, PaymentId};
use crate::money::Money;
use crate::store::TransactionFilter;

use super::{RefundFlowError, Refunding};

impl Refunding {
    /// After a restore: asks about a payment before money of it goes back; the backup knows nothing of what was given back
    /// since.
    ///
    /// # Errors
    /// [`RefundFlowError::Held`] while nothing may be sent.
    pub(in crate::flows) async fn ask_first(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> Result<(), RefundFlowError> {
        match self.0.pay.look_again().await.map_err(RefundFlowError::unavailable)? {
            Sending::Free => {}
            Sending::AskFirst => {
                self.0.pay.sync(merchant, payment).await.map_err(RefundFlowError::unavailable)?;
            }
            Sending::Held => return Err(RefundFlowError::Held),
        }
        Ok(())
    }

    /// What went back elsewhere may be what is asked for now: until two people have said what it was, nothing goes back
    /// beside it. `taken` is named where the finding names no amount.
    ///
    /// # Errors
    /// [`RefundFlowError::Elsewhere`]; [`RefundFlowError::BillsFirst`] while nobody could know of it.
    pub(in crate::flows) async fn nothing_went_back_elsewhere(
        &self,
        payment: &Payment,
        taken: Money,
    ) -> Result<(), RefundFlowError> {
        let findings = self.0.store.findings_of(payment.merchant, payment.id).await?;
        let undecided = findings.into_iter().map(|finding| finding.value).find(|finding| {
            finding.kind == FindingKind::RefundElsewhere
                && !matches!(finding.state, FindingState::Resolved { .. })
        });
        if let Some(Finding { id: finding, fact: refund_ref, amount, .. }) = undecided {
            return Err(RefundFlowError::Elsewhere { finding, refund_ref, amount: amount.unwrap_or(taken) });
        }
        match self.unread_since_backup(payment).await? {
            Some((first, last)) => {
                Err(RefundFlowError::BillsFirst { gateway: payment.gateway.clone(), first, last })
            }
            None => Ok(()),
        }
    }

    /// Where only the bill tells of refunds that we do not know by name: the days between the backup and its restore whose
    /// bills were not read, from the first to the last. A payment taken since has given nothing back in between.
    async fn unread_since_backup(
        &self,
        payment: &Payment,
    ) -> Result<Option<(NaiveDate, NaiveDate)>, RefundFlowError> {
        let Some(restored) = self.0.store.restored().await? else { return Ok(None) };
        let Some(open) = self.0.pay.accounts().find(payment.account) else { return Ok(None) };
        let tells = open.gateway.refunds().is_none_or(|refunds| refunds.tells_of_all());
        if tells || self.first_money(payment).await? > restored.value.restored_at {
            return Ok(None);
        }
        let zone = open.gateway.bills().map_or(chrono_tz::UTC, |bills| bills.zone());
        let on = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let (from, last) = (on(restored.value.gap_from()), on(restored.value.restored_at));
        for day in from.iter_days().take_while(|day| *day <= last) {
            if !self.0.store.reconciled(open.account.id, day, bounds(day, zone).1).await? {
                return Ok(Some((day, last)));
            }
        }
        Ok(None)
    }

    /// When money of it first moved, by the gateway's clock; before that none goes back.
    async fn first_money(&self, payment: &Payment) -> Result<DateTime<Utc>, RefundFlowError> {
        if let Some(taken) = payment.state.taken() {
            return Ok(taken.at);
        }
        let subject = Some(payment.id.to_string());
        let filter = TransactionFilter { subject, limit: 1_000, ..TransactionFilter::default() };
        let posted = self.0.store.ledger_transactions(payment.merchant, &filter).await?;
        Ok(posted.iter().map(|posted| posted.effective_at).min().unwrap_or(payment.created_at))
    }
}
