//! Taking the money after the shopper agreed.
//!
//! Only the holder of the payment's one `complete` intent calls; everybody else records. The call always carries the
//! payment's one reference.
//!
//! | answer | the intent | then |
//! |---|---|---|
//! | captured, pending | done | the report is applied |
//! | failed, cancelled, expired | refused | the report is applied |
//! | still authorised, an unknown word | unknown | the next question decides |
//! | outcome unknown | unknown | the next question decides |
//! | not sent, slow down, ask later | open | the next question decides |
//! | a definite no | refused, if the gateway, asked at once, still says authorised | the payment has failed |
//!
//! *After an unknown outcome.* The next question comes first. Only if the gateway then says that the shopper agreed and
//! nothing was taken is the same call made again, under the same reference and within
//! [`Intent::REPEATABLE_FOR`](crate::domain::orders::Intent::REPEATABLE_FOR): PayPal keys it by `PayPal-Request-Id` for
//! six hours and GrabPay's `charge/complete` answers with the latest status, so at both gateways it *is* the same call.

use crate::crash::{Point, point};
use crate::domain::orders::{
    Intent, IntentKind, Outcome, Payment, PaymentReport, PaymentState, ReportKind, ReportSource,
};
use crate::gateways::GatewayError;
use crate::store::{Change, CommitError, Versioned};

use super::apply::Called;
use super::cause::Cause;
use super::{DECISIONS, OpenAccount, Pay, PayError};

impl Pay {
    /// Makes the call under a lease that is held and written.
    pub(super) async fn complete(
        &self,
        payment: Versioned<Payment>,
        mut intent: Versioned<Intent>,
        account: &OpenAccount,
    ) -> Result<Payment, PayError> {
        point(Point::CompleteLeased).await;
        let prepared = self.holding(&mut intent, self.prepare(payment.clone(), account)).await;
        let payment = match prepared {
            Ok(prepared) => prepared,
            // No money was asked for yet: the same preparation is made again at the next question.
            Err(PayError::Gateway(error)) => {
                self.give_back(&payment.value, intent, Outcome::Open, &error.to_string()).await?;
                return Ok(payment.value);
            }
            Err(error) => return Err(error),
        };
        let (request, secrets) = (self.request(&payment.value), self.secrets(&payment.value)?);
        point(Point::CompletePrepared).await;
        let call = account.gateway.complete_payment(&request, &secrets);
        let called = self.holding(&mut intent, call).await;
        point(Point::CompleteCalled).await;
        match called {
            Ok(completed) => {
                let outcome = outcome(&completed.report.kind);
                let called = Called { kind: IntentKind::Complete, outcome, secrets: completed.secrets };
                self.record(payment, account, &completed.report, &called).await
            }
            Err(GatewayError::Refused { code, retry_later: false, message }) => {
                tracing::warn!(payment = %payment.value.id, code, message, "the gateway refused to complete");
                self.refused(payment, intent, account, code).await
            }
            Err(error) => {
                let outcome = match &error {
                    GatewayError::OutcomeUnknown(_) => Outcome::Unknown,
                    _ => Outcome::Open,
                };
                self.give_back(&payment.value, intent, outcome, &error.to_string()).await?;
                Ok(payment.value)
            }
        }
    }

    /// Stores what must be there before money is taken (an OAuth token that refunds will need): an answer lost
    /// afterwards loses nothing.
    async fn prepare(
        &self,
        mut payment: Versioned<Payment>,
        account: &OpenAccount,
    ) -> Result<Versioned<Payment>, PayError> {
        let (request, secrets) = (self.request(&payment.value), self.secrets(&payment.value)?);
        let Some(secrets) = account.gateway.prepare_completion(&request, &secrets).await? else {
            return Ok(payment);
        };
        point(Point::CompleteFetched).await;
        for _ in 0..DECISIONS {
            payment.value.secrets = Some(self.seal(payment.value.id, &secrets)?);
            let mut change = Change::new();
            change.update_payment(&payment.value, payment.version);
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(Versioned { version: payment.version + 1, ..payment }),
                Err(CommitError::LostUpdate { .. } | CommitError::Unknown(_)) => {
                    payment = self.load(payment.value.id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayError::unavailable(
            "the token could not be stored; the payment is completed at the next question",
        ))
    }

    /// A definite no. Codes of the kind "already captured" are a no as well, so the gateway is asked once more.
    async fn refused(
        &self,
        payment: Versioned<Payment>,
        mut intent: Versioned<Intent>,
        account: &OpenAccount,
        code: String,
    ) -> Result<Payment, PayError> {
        point(Point::CompleteRefused).await;
        let (request, secrets) = (self.request(&payment.value), self.secrets(&payment.value)?);
        let question = account.gateway.query_payment(&request, &secrets);
        let (report, outcome) = match self.holding(&mut intent, question).await {
            // It still waits for us, and will not have us.
            Ok(report) if matches!(report.kind, ReportKind::Authorised { .. }) => {
                (PaymentReport { kind: ReportKind::Failed { code }, ..report }, Outcome::Refused)
            }
            // The shopper must act again, or the gateway does not say: nothing was taken.
            Ok(report) if outcome(&report.kind) == Outcome::Unknown => (report, Outcome::Open),
            Ok(report) => {
                let outcome = outcome(&report.kind);
                (report, outcome)
            }
            Err(_) => {
                self.give_back(&payment.value, intent, Outcome::Open, &code).await?;
                return Ok(payment.value);
            }
        };
        let called = Called { kind: IntentKind::Complete, outcome, secrets: None };
        self.record(payment, account, &report, &called).await
    }

    async fn record(
        &self,
        payment: Versioned<Payment>,
        account: &OpenAccount,
        report: &PaymentReport,
        called: &Called,
    ) -> Result<Payment, PayError> {
        let cause = Cause::of(ReportSource::Call);
        let recorded = self.apply(payment, account, report, &cause, Some(called)).await?;
        point(Point::CompleteRecorded).await;
        Ok(recorded.payment.value)
    }

    /// Writes that the call had no answer, or had none that changes anything, and lets the lease go.
    async fn give_back(
        &self,
        payment: &Payment,
        intent: Versioned<Intent>,
        outcome: Outcome,
        why: &str,
    ) -> Result<(), PayError> {
        tracing::warn!(payment = %payment.id, outcome = outcome.as_str(), why, "the payment is not completed yet");
        let detail = serde_json::json!({ "complete": outcome, "why": why });
        let Versioned { value, version } = intent;
        let mut change = Change::new();
        change
            .update_intent(&Intent { outcome, lease: None, detail: Some(why.to_owned()), ..value }, version);
        self.note(&mut change, payment, &format!("complete_{}", outcome.as_str()), detail);
        match self.0.store.commit(change).await {
            // The lease was taken over: its new holder's word counts.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the answer to our call says about the call itself.
fn outcome(kind: &ReportKind) -> Outcome {
    match kind {
        ReportKind::Captured(_) | ReportKind::Pending { .. } => Outcome::Done,
        ReportKind::Failed { .. } | ReportKind::Cancelled { .. } | ReportKind::Expired => Outcome::Refused,
        ReportKind::RequiresAction
        | ReportKind::Authorised { .. }
        | ReportKind::Stated { .. }
        | ReportKind::NotFound
        | ReportKind::Unknown { .. } => Outcome::Unknown,
    }
}

/// What a report says about a call of ours that nobody had an answer to.
pub(super) fn answered(kind: IntentKind, report: &PaymentReport, after: &PaymentState) -> Option<Outcome> {
    let known =
        !matches!(report.kind, ReportKind::Stated { .. } | ReportKind::NotFound | ReportKind::Unknown { .. });
    match kind {
        IntentKind::Create if known => Some(Outcome::Done),
        IntentKind::Complete
            if matches!(report.kind, ReportKind::Captured(_) | ReportKind::Pending { .. }) =>
        {
            Some(Outcome::Done)
        }
        IntentKind::Create | IntentKind::Complete if after.is_closed() => Some(Outcome::Refused),
        _ => None,
    }
}
