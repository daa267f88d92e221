//! Sending a refund that is written down, and asking about those whose outcome is open.

use futures_util::FutureExt;

use crate::crash::{Point, point};
use crate::domain::orders::refund::{Refund, RefundState};
use crate::domain::orders::{
    Intent, IntentKind, Lease, Outcome, Payment, RefundReport, RefundStatus, ReportSource,
};
use crate::flows::pay::{OpenAccount, Sending, Settles};
use crate::flows::rounds::Round;
use crate::gateways::{GatewayError, RefundRequest, Refunds};
use crate::ids::RefundId;
use crate::store::{Change, CommitError, Versioned};

use super::{RefundFlowError, Refunding};

/// Refunds read at a time.
const PAGE: u32 = 500;

/// A refund with all that is needed to talk about it.
struct Call {
    refund: Versioned<Refund>,
    payment: Versioned<Payment>,
    account: std::sync::Arc<OpenAccount>,
    intent: Versioned<Intent>,
}

/// What came back: a report, or what is known of the call instead.
enum Answer {
    Report(RefundReport),
    Outcome(Outcome, GatewayError),
}

impl Refunding {
    /// Sends a refund that was just written down under our lease; a failure is logged, the recovery takes it from there.
    pub(in crate::flows) async fn send_written(&self, id: RefundId) {
        if let Err(error) = self.send_once(id).await {
            tracing::warn!(refund = %id, %error, "the refund is written down and will be taken up again");
        }
    }

    async fn send_once(&self, id: RefundId) -> Result<(), RefundFlowError> {
        let Some(call) = self.call(id).await? else { return Ok(()) };
        self.send(call).await
    }

    /// Asks about every refund that is not settled, and sends those that may be sent, in
    /// [`rounds`](crate::flows::rounds). Answers how many were taken up.
    ///
    /// # Errors
    /// [`RefundFlowError::Unavailable`] when the store cannot be read; one gateway's trouble stops no other refund.
    pub async fn recover(&self) -> Result<usize, RefundFlowError> {
        Ok(self.round().await?.tried)
    }

    /// The same; answers how many were not answered for.
    pub(in crate::flows) async fn unanswered(&self) -> Result<usize, RefundFlowError> {
        let round = self.round().await?;
        Ok(round.of - (round.tried - round.failed))
    }

    async fn round(&self) -> Result<Round, RefundFlowError> {
        let (mut sum, mut after) = (Round::default(), None);
        loop {
            let page = self.0.store.open_refunds(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(sum) };
            after = Some(last.value.id);
            let mut work = Vec::new();
            for refund in page {
                let payment = self.0.store.payment(refund.value.payment).await?;
                work.extend(payment.map(|payment| (payment.value.account, refund.value.id)));
            }
            let each = |id| {
                let refunding = self.clone();
                async move { Ok(refunding.take_up(id).await?) }.boxed()
            };
            sum = sum.and(self.1.go(work, each).await);
        }
    }

    /// Asks about one refund that a bill names; a failure is logged, the recovery asks again.
    pub(in crate::flows) async fn look_into(&self, id: RefundId) {
        if let Err(error) = self.take_up(id).await {
            tracing::warn!(refund = %id, %error, "a refund that a bill names could not be asked about");
        }
    }

    async fn take_up(&self, id: RefundId) -> Result<(), RefundFlowError> {
        let Some(call) = self.call(id).await? else { return Ok(()) };
        let now = self.0.clock.now();
        // While nothing is sent nobody is at it: the lease is one of before the backup.
        let held = self.0.pay.sending() == Sending::Held;
        if call.intent.value.under_way(self.0.holder, now) && !held {
            return Ok(());
        }
        let asked =
            held || call.intent.value.outcome != Outcome::Open || call.refund.value.refund_ref.is_some();
        if asked || call.intent.value.attempts > 0 {
            let heard = match self.ask(&call).await {
                Ok(heard) => heard,
                Err(error) => {
                    // Who has not answered for so long may never do.
                    self.leave_to_a_person(&call).await?;
                    return Err(error);
                }
            };
            match heard {
                Some(report) => {
                    let waits = report.status == RefundStatus::AwaitingFunds;
                    self.apply(&call, &report, ReportSource::Poll).await?;
                    if !waits {
                        return Ok(());
                    }
                }
                // The gateway knows nothing under our reference. What was refused for want of funds may be sent again
                // at any time; what was lost on the way only while the same call is still the same call.
                None if call.refund.value.state == RefundState::AwaitingFunds => {}
                None if !call.intent.value.may_call(self.0.holder, now) => {
                    return self.leave_to_a_person(&call).await;
                }
                None => {}
            }
        }
        if held {
            return Ok(());
        }
        if self.is_taken_otherwise(&call).await? {
            let report = RefundReport {
                refund_ref: call.refund.value.id.to_string(),
                request_ref: Some(call.refund.value.id.to_string()),
                amount: call.refund.value.amount,
                fee_returned: None,
                exchanged: None,
                status: RefundStatus::Failed { code: "charged_back".to_owned() },
                at: now,
            };
            return self.apply(&call, &report, ReportSource::Poll).await;
        }
        let lease = Lease { owner: self.0.holder.boot, until: now + Intent::LEASE };
        let leased = Intent {
            lease: Some(lease),
            attempts: call.intent.value.attempts + 1,
            ..call.intent.value.clone()
        };
        let mut change = Change::new();
        change.update_intent(&leased, call.intent.version);
        point(Point::RefundAsked).await;
        match self.0.store.commit(change).await {
            Ok(_) => {
                point(Point::RefundLeased).await;
                self.send_once(id).await
            }
            // Another instance has it.
            Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(RefundFlowError::unavailable(error)),
        }
    }

    /// Whether disputes took meanwhile, beside what else went back, what this refund would give: the shopper has it, and
    /// it is not given twice. The gateway has nothing of the refund by now, as it was just asked.
    async fn is_taken_otherwise(&self, call: &Call) -> Result<bool, RefundFlowError> {
        let Some(captured) = call.payment.value.state.taken().map(|taken| taken.amount) else {
            return Ok(false);
        };
        let (refund, payment) = (&call.refund.value, call.payment.value.id);
        let (mut left, mut charged) = (captured, false);
        for dispute in self.0.store.disputes_of(payment).await? {
            let taken = dispute.value.taken().map_err(RefundFlowError::unavailable)?;
            if taken.currency() == captured.currency() && taken.is_positive() {
                charged = true;
                left = left.checked_sub(taken).map_err(RefundFlowError::unavailable)?;
            }
        }
        let others = self.0.store.refunds_of(payment).await?.into_iter().map(|other| other.value);
        for other in others.filter(|other| other.id != refund.id && other.counts()) {
            left = left.checked_sub(other.amount).map_err(RefundFlowError::unavailable)?;
        }
        let short = left.checked_sub(refund.amount).map_err(RefundFlowError::unavailable)?;
        Ok(charged && short.is_negative())
    }

    async fn call(&self, id: RefundId) -> Result<Option<Call>, RefundFlowError> {
        let Some(refund) = self.0.store.refund_by_id(id).await?.filter(|refund| refund.value.state.is_open())
        else {
            return Ok(None);
        };
        let Some(payment) = self.0.store.payment(refund.value.payment).await? else { return Ok(None) };
        let Some(account) = self.0.pay.accounts().find(payment.value.account) else { return Ok(None) };
        let intents = self.0.store.intents_of(payment.value.id).await?;
        let intent = intents.into_iter().find(|intent| intent.value.kind == IntentKind::Refund(id));
        Ok(intent.map(|intent| Call { refund, payment, account, intent }))
    }

    fn wire(refund: &Refund) -> RefundRequest {
        RefundRequest {
            refund: refund.id,
            request_ref: refund.id.to_string(),
            refund_ref: refund.refund_ref.clone(),
            capture_ref: refund.capture_ref.clone(),
            amount: refund.amount,
            reason: refund.reason.clone(),
        }
    }

    fn refunds_at(account: &OpenAccount) -> Result<&dyn Refunds, RefundFlowError> {
        let refunds = account.gateway.refunds();
        refunds.ok_or_else(|| RefundFlowError::NotSupported(account.account.gateway.clone()))
    }

    async fn ask(&self, call: &Call) -> Result<Option<RefundReport>, RefundFlowError> {
        let request = self.0.pay.request(&call.payment.value);
        let secrets = self.0.pay.secrets(&call.payment.value)?;
        Ok(Refunding::refunds_at(&call.account)?
            .query_refund(&request, &secrets, &Refunding::wire(&call.refund.value))
            .await?)
    }

    async fn send(&self, mut call: Call) -> Result<(), RefundFlowError> {
        if self.0.pay.sending() == Sending::Held {
            return Err(RefundFlowError::Held);
        }
        let request = self.0.pay.request(&call.payment.value);
        let secrets = self.0.pay.secrets(&call.payment.value)?;
        let wire = Refunding::wire(&call.refund.value);
        let account = call.account.clone();
        let refunds = Refunding::refunds_at(&account)?;
        let sent = self.0.pay.holding(&mut call.intent, refunds.refund(&request, &secrets, &wire)).await;
        point(Point::RefundCalled).await;
        match answer(&call.refund.value, sent, self.0.clock.now()) {
            Answer::Report(report) => self.apply(&call, &report, ReportSource::Call).await,
            Answer::Outcome(outcome, error) => {
                self.note(&call, outcome, error.to_string()).await?;
                Err(error.into())
            }
        }
    }

    async fn apply(
        &self,
        call: &Call,
        report: &RefundReport,
        source: ReportSource,
    ) -> Result<(), RefundFlowError> {
        Ok(self
            .0
            .settlements
            .apply_refund_report(&call.payment, &call.account.account, report, source)
            .await?)
    }

    /// A finding, once, where the gateway may have forgotten our reference.
    async fn leave_to_a_person(&self, call: &Call) -> Result<(), RefundFlowError> {
        if !call.intent.value.needs_a_person(self.0.clock.now()) {
            return Ok(());
        }
        let change = self.0.settlements.unknown_outcome(&call.account.account, &call.intent.value).await?;
        match self.0.store.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(RefundFlowError::unavailable(error)),
        }
    }

    /// Writes down what is known of a call that gave no report, under the version our lease stands at.
    async fn note(&self, call: &Call, outcome: Outcome, detail: String) -> Result<(), RefundFlowError> {
        let Versioned { value, version } = &call.intent;
        let noted = Intent { outcome, lease: None, detail: Some(detail), ..value.clone() };
        let mut change = Change::new();
        change.update_intent(&noted, *version);
        match self.0.store.commit(change).await {
            // A notice came first and answered it, or another holder is at it: who changed the row knows more.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(RefundFlowError::unavailable(error)),
        }
    }
}

/// The four ways a call goes wrong, and what each means for a refund.
fn answer(
    refund: &Refund,
    sent: Result<RefundReport, GatewayError>,
    now: chrono::DateTime<chrono::Utc>,
) -> Answer {
    match sent {
        Ok(report) => Answer::Report(report),
        Err(GatewayError::Refused { code, retry_later: false, .. }) => Answer::Report(RefundReport {
            refund_ref: refund.refund_ref.clone().unwrap_or_else(|| refund.id.to_string()),
            request_ref: Some(refund.id.to_string()),
            amount: refund.amount,
            fee_returned: None,
            exchanged: None,
            status: RefundStatus::Failed { code },
            at: now,
        }),
        // Nothing happened: it may be sent again.
        Err(
            error
            @ (GatewayError::Refused { .. } | GatewayError::Throttled { .. } | GatewayError::NotSent(_)),
        ) => Answer::Outcome(Outcome::Open, error),
        Err(error @ GatewayError::OutcomeUnknown(_)) => Answer::Outcome(Outcome::Unknown, error),
    }
}
