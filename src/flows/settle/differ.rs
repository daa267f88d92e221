//! Findings that a payment's reports lead to.

use crate::domain::findings::FindingKind;
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{Conflict, Intent, Payment};
use crate::store::Change;
use crate::store::inbox::Notice;

use super::{SettleError, Settlements};

impl Settlements {
    /// The finding that a report is not about what was asked. Its fact is the capture where there is one, else the
    /// payment: one open question each. `aside`: its money stands in suspense since this very report, and is a question
    /// also where somebody had explained what was only promised then.
    pub(super) async fn open_difference(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        why: &Conflict,
        evidence: &str,
        aside: bool,
    ) -> Result<Change, SettleError> {
        let (kind, amount, fact) = match why {
            Conflict::AmountDiffers { reported, .. } => (FindingKind::AmountDiffers, Some(*reported), None),
            Conflict::CurrencyDiffers { .. } => (FindingKind::CurrencyDiffers, None, None),
            Conflict::AccountDiffers { .. } => (FindingKind::AccountDiffers, None, None),
            Conflict::ReferenceDiffers { .. } => (FindingKind::ReferenceDiffers, None, None),
            Conflict::CapturedAgain { second, .. } => {
                (FindingKind::DoublePayment, None, Some(second.as_str()))
            }
            Conflict::NeverAsked { reported } => (FindingKind::PaidUnknownHere, Some(*reported), None),
        };
        let id = payment.id.to_string();
        let detail = format!("{why} (evidence {evidence})");
        let mut finding = self.finding(kind, account, fact.unwrap_or(&id), amount, detail);
        finding.payment = Some(id.clone());
        let mut change = Change::new();
        match aside {
            true => self.open_again(&mut change, finding).await?,
            false => self.open(&mut change, finding).await?,
        }
        Ok(change)
    }

    /// The finding that a call's outcome is unknown and the gateway may have forgotten its reference.
    pub(super) async fn open_unknown(
        &self,
        account: &GatewayAccount,
        intent: &Intent,
    ) -> Result<Change, SettleError> {
        let detail = format!(
            "what came of our call to {} at {} is not known, and it is too late to make it again",
            intent.kind.as_str(),
            account.gateway
        );
        let mut finding =
            self.finding(FindingKind::OutcomeUnknown, account, &intent.request_ref, None, detail);
        finding.payment = Some(intent.payment.to_string());
        let mut change = Change::new();
        self.open(&mut change, finding).await?;
        Ok(change)
    }

    /// The finding that a genuine notice is about a payment we do not know.
    pub(super) async fn open_stranger(
        &self,
        account: &GatewayAccount,
        notice: &Notice,
    ) -> Result<Change, SettleError> {
        let named =
            notice.gateway_ref.as_deref().or(notice.request_ref.as_deref()).unwrap_or(&notice.body_sha256);
        let detail = format!(
            "the gateway tells `{}` of a payment `{named}` that is not in this book",
            notice.event_type
        );
        let mut change = Change::new();
        self.open(&mut change, self.finding(FindingKind::UnknownPayment, account, named, None, detail))
            .await?;
        Ok(change)
    }
}
