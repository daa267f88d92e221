//! Asking the gateway how a payment stands: one question at a time per payment, a crowd shares its answer.

use crate::crash::{Point, point};
use crate::domain::orders::{Payment, ReportSource};
use crate::ids::{MerchantId, PaymentId};
use crate::store::PaymentFilter;
use crate::store::inbox::Settled;

use super::cause::Cause;
use super::{Pay, PayError, PaymentView, dispute_view};

/// A payment as it stands after the gateway was asked.
#[derive(Debug, Clone)]
pub(in crate::flows) struct Heard {
    pub(in crate::flows) payment: Payment,
    /// Of the answer's bytes, where there was one.
    pub(in crate::flows) answer_sha256: Option<String>,
}

impl Pay {
    /// A merchant's payment with its timeline.
    ///
    /// # Errors
    /// [`PayError::UnknownPayment`], [`PayError::Unavailable`].
    pub async fn get(&self, merchant: MerchantId, id: PaymentId) -> Result<PaymentView, PayError> {
        let payment = self.load_of(merchant, id).await?;
        let disputes = self.0.store.disputes_of(id).await?;
        let view = PaymentView::of(&payment.value).with_timeline(&self.0.store.timeline(id).await?);
        Ok(PaymentView {
            disputes: disputes.iter().map(|dispute| dispute_view(&dispute.value)).collect(),
            ..view
        })
    }

    /// A page of a merchant's payments, newest first, and whether there are more.
    ///
    /// # Errors
    /// [`PayError::Unavailable`].
    pub async fn list(
        &self,
        merchant: MerchantId,
        filter: &PaymentFilter,
    ) -> Result<(Vec<PaymentView>, bool), PayError> {
        let (payments, more) = self.0.store.payments(merchant, filter).await?;
        let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
        let disputes = self.0.store.disputes_about(&ids).await?;
        let view = |payment: &Payment| {
            let own = disputes.iter().filter(|dispute| dispute.payment == payment.id);
            PaymentView { disputes: own.map(dispute_view).collect(), ..PaymentView::of(payment) }
        };
        Ok((payments.iter().map(view).collect(), more))
    }

    /// Asks the gateway now; a payment that is settled is asked too, for refunds and other facts of money.
    ///
    /// # Errors
    /// [`PayError::UnknownPayment`]; [`PayError::Gateway`] when the gateway did not say.
    pub async fn sync(&self, merchant: MerchantId, id: PaymentId) -> Result<PaymentView, PayError> {
        self.load_of(merchant, id).await?;
        self.ask(id, &Cause::of(ReportSource::Poll)).await?;
        self.get(merchant, id).await
    }

    /// Asks because a bill names the payment: the answer is the second channel, and enters by the same door.
    pub(in crate::flows) async fn ask_for_bill(&self, id: PaymentId) -> Result<Heard, PayError> {
        let cause = Cause::of(ReportSource::Bill);
        self.0.turns.take(id, || self.ask_now(id, &cause)).await.answer
    }

    /// Asks, applies the answer, and takes the money if the answer asks for that. A notice that caused the question is
    /// settled with it, or after it when somebody else's question answered ours.
    pub(super) async fn ask(&self, id: PaymentId, cause: &Cause) -> Result<Payment, PayError> {
        let turn = self.0.turns.take(id, || self.ask_now(id, cause)).await;
        let payment = turn.answer?.payment;
        if let (false, Some(notice)) = (turn.own, &cause.notice) {
            self.settle_notice(notice, Settled::Done, "answered with another").await?;
        }
        Ok(payment)
    }

    async fn ask_now(&self, id: PaymentId, cause: &Cause) -> Result<Heard, PayError> {
        let payment = self.load(id).await?;
        let account = self.account_of(&payment.value)?;
        let (request, secrets) = (self.request(&payment.value), self.secrets(&payment.value)?);
        // Seen before the question: an opening that ends meanwhile tells the shopper itself.
        let lacks_session = self.lacks_session(&payment.value).await?;
        point(Point::AskBegun).await;
        let report = account.gateway.query_payment(&request, &secrets).await?;
        point(Point::AskAnswered).await;
        let applied = self.apply(payment, &account, &report, cause, None).await?;
        let payment = match applied.completes {
            Some(intent) => self.complete(applied.payment, intent, &account).await?,
            None if lacks_session => self.restore_session(applied.payment, &account).await?,
            None => applied.payment.value,
        };
        Ok(Heard { payment, answer_sha256: report.answer_sha256 })
    }
}
