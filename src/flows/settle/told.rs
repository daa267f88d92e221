//! Money that a bill told of before the payment did: it stands in suspense as nobody's, and is a payment's from now on.

use crate::domain::access::Actor;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{Capture, Held, Payment, Received};
use crate::store::Change;

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
        let (merchant, now) = (payment.merchant, self.0.clock.now());
        let kind = if stood_aside { FindingKind::PaidUnknownHere } else { FindingKind::BillStatus };
        let found = self.0.store.finding_about(merchant, kind, &capture.capture_ref).await?;
        let is_open = |found: &Finding| !matches!(found.state, FindingState::Resolved { .. });
        let Some(finding) = found.filter(|found| is_open(&found.value)) else { return Ok(()) };
        let why = format!("{} was taken for {} after all, as the gateway told", capture.amount, payment.id);
        let service = Actor::service(merchant, self.0.ids.mint()).user;
        let state = FindingState::explained(service, &why, now);
        change.decide_finding(&finding, &state);
        let decided = Finding { state, ..finding.value };
        let subject = decided.id.to_string();
        self.tell(change, merchant, "finding.repaired", &subject, finding_data(&decided));
        Ok(())
    }
}
