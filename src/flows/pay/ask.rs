//! Asking the gateway how a payment stands: one question at a time per payment, a crowd shares its answer.

use crate::crash::{Point, point};
use crate::domain::orders::{Payment, ReportSource};
use crate::ids::{MerchantId, PaymentId};
use crate::store::PaymentFilter;
use crate::store::inbox::Settled;

use super::cause::Cause;
use super::{Pay, PayError, PaymentView};

impl Pay {
    /// A merchant's payment with its timeline.
    ///
    /// # Errors
    /// [`PayError::UnknownPayment`], [`PayError::Unavailable`].
    pub async fn get(&self, merchant: MerchantId, id: PaymentId) -> Result<PaymentView, PayError> {
        let payment = self.load_of(merchant, id).await?;
        Ok(PaymentView::of(&payment.value).with_timeline(&self.0.store.timeline(id).await?))
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
        Ok((payments.iter().map(PaymentView::of).collect(), more))
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

    /// Asks, applies the answer, and takes the money if the answer asks for that. A notice that caused the question is
    /// settled with it, or after it when somebody else's question answered ours.
    pub(super) async fn ask(&self, id: PaymentId, cause: &Cause) -> Result<Payment, PayError> {
        let turn = self.0.turns.take(id, || self.ask_now(id, cause)).await;
        let payment = turn.answer?;
        if let (false, Some(notice)) = (turn.own, &cause.notice) {
            self.settle_notice(notice, Settled::Done, "answered with another").await?;
        }
        Ok(payment)
    }

    async fn ask_now(&self, id: PaymentId, cause: &Cause) -> Result<Payment, PayError> {
        let payment = self.load(id).await?;
        let account = self.account_of(&payment.value)?;
        let (request, secrets) = (self.request(&payment.value), self.secrets(&payment.value)?);
        // Seen before the question: an opening that ends meanwhile tells the shopper itself.
        let lacks_session = self.lacks_session(&payment.value).await?;
        point(Point::AskBegun).await;
        let report = account.gateway.query_payment(&request, &secrets).await?;
        point(Point::AskAnswered).await;
        let applied = self.apply(payment, &account, &report, cause, None).await?;
        match applied.completes {
            Some(intent) => self.complete(applied.payment, intent, &account).await,
            None if lacks_session => self.restore_session(applied.payment, &account).await,
            None => Ok(applied.payment.value),
        }
    }
}
