//! Money that a bill told of before the payment did: it stands in suspense as nobody's, and is a payment's from now on.

use crate::domain::access::Actor;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{Capture, Conflict, Held, Payment, PaymentState, Received};
use crate::ids::PaymentId;
use crate::store::{Change, Versioned};

use super::{SettleError, Settlements, finding_data};

/// What became of a capture's money before its payment was known.
pub(super) enum Told {
    /// It stands in suspense.
    Aside(Held),
    /// Somebody has decided about it: it is where it was put.
    Decided,
}

impl Settlements {
    /// The money of a capture, where a bill told of it first.
    pub(super) async fn told_before(
        &self,
        payment: &Payment,
        capture: &Capture,
    ) -> Result<Option<Told>, SettleError> {
        let Some(money) = self.0.store.nobodys(payment.merchant, &capture.capture_ref).await? else {
            return Ok(None);
        };
        if money.decided || money.amount.currency() != capture.amount.currency() {
            return Ok(Some(Told::Decided));
        }
        let received = Received::of(capture);
        let capture_ref = capture.capture_ref.clone();
        Ok(Some(Told::Aside(Held { capture_ref, amount: money.amount, received })))
    }

    /// The payment is paid, and its money is booked where somebody has put it: nothing is booked once more, and a person
    /// has to put it right.
    pub(super) async fn decided_before(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
    ) -> Result<Change, SettleError> {
        let why = format!(
            "a bill told of {} before this payment did, and it was decided about as nobody's: it is not divided",
            capture.capture_ref
        );
        let kind = FindingKind::Indivisible;
        let mut finding = self.finding(kind, account, &capture.capture_ref, Some(capture.amount), why);
        finding.payment = Some(payment.id.to_string());
        let mut change = Change::new();
        self.open(&mut change, finding).await?;
        Ok(change)
    }

    /// What a bill's finding asked about this capture is answered by it: whose the money is that stood aside, or else that
    /// it is paid.
    pub(super) async fn explain_told(
        &self,
        change: &mut Change,
        payment: &Payment,
        capture: &Capture,
        stood_aside: bool,
    ) -> Result<(), SettleError> {
        let merchant = payment.merchant;
        let kind = if stood_aside { FindingKind::PaidUnknownHere } else { FindingKind::BillStatus };
        let found = self.0.store.finding_about(merchant, kind, &capture.capture_ref).await?;
        let is_open = |found: &Finding| !matches!(found.state, FindingState::Resolved { .. });
        let Some(finding) = found.filter(|found| is_open(&found.value)) else { return Ok(()) };
        let why = format!("{} was taken for {} after all, as the gateway told", capture.amount, payment.id);
        self.close_explained(change, &finding, &why, Some(payment.id));
        self.end_unasked(change, &finding.value).await
    }

    /// Closes a finding whose cause is gone, in the service's own words, and says which payment it was about where that is
    /// known now; one that was decided stays as it was decided.
    pub(in crate::flows) fn close_explained(
        &self,
        change: &mut Change,
        finding: &Versioned<Finding>,
        why: &str,
        payment: Option<PaymentId>,
    ) {
        let merchant = finding.value.merchant;
        if matches!(finding.value.state, FindingState::Resolved { .. }) {
            return;
        }
        let service = Actor::service(merchant, self.0.ids.mint()).user;
        let state = FindingState::explained(service, why, self.0.clock.now());
        change.decide_finding_of(finding, &state, payment);
        let decided = Finding { state, ..finding.value.clone() };
        let subject = decided.id.to_string();
        self.tell(change, merchant, "finding.repaired", &subject, finding_data(&decided));
    }
    /// The payment that was written so that such money could go back has nothing left to give, where it did not.
    pub(in crate::flows) async fn end_unasked(
        &self,
        change: &mut Change,
        finding: &Finding,
    ) -> Result<(), SettleError> {
        let Some(Ok(id)) = finding.payment.as_deref().map(str::parse) else { return Ok(()) };
        let Some(payment) = self.0.store.payment(id).await? else { return Ok(()) };
        let PaymentState::InReview { why: Conflict::NeverAsked { .. }, held: Some(held) } =
            &payment.value.state
        else {
            return Ok(());
        };
        let state = PaymentState::Cancelled { code: "decided".to_owned(), returned: Some(held.clone()) };
        let after = Payment { state, updated_at: self.0.clock.now(), ..payment.value.clone() };
        change.update_payment(&after, payment.version);
        Ok(())
    }
}
