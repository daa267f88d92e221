//! Calling a payment off.
//!
//! A gateway that can close a payment is told to, and its answer counts: the money may have come first. At one that
//! cannot (PayPal, GrabPay) a cancelled payment is one that we never complete; its approval lapses by itself. While a
//! call to complete is under way, or nobody knows what came of it, it is too late.

use crate::crash::{Point, point};
use crate::domain::orders::{IntentKind, PaymentState, ReportSource};
use crate::ids::{MerchantId, PaymentId};
use crate::store::{Change, CommitError};

use super::cause::Cause;
use super::{DECISIONS, Pay, PayError, PaymentView};

impl Pay {
    /// Calls a payment off; a cancelled one stays so.
    ///
    /// # Errors
    /// [`PayError::NotCancellable`] once money is involved or the payment has ended otherwise,
    /// [`PayError::BeingCompleted`] while it is being taken.
    pub async fn cancel(
        &self,
        merchant: MerchantId,
        id: PaymentId,
        extra: Change,
    ) -> Result<PaymentView, PayError> {
        for _ in 0..DECISIONS {
            let payment = self.load_of(merchant, id).await?;
            let before = &payment.value;
            if matches!(before.state, PaymentState::Cancelled { .. }) {
                return self.get(merchant, id).await;
            }
            if !before.state.may_cancel() || before.state.is_closed() {
                return Err(PayError::NotCancellable { state: before.state.as_str() });
            }
            let intents = self.0.store.intents_of(id).await?;
            let complete = intents.iter().find(|intent| intent.value.kind == IntentKind::Complete);
            if complete.is_some_and(|intent| intent.value.unsettled()) {
                return Err(PayError::BeingCompleted);
            }
            let account = self.account_of(before)?;
            if let Some(closes) = account.gateway.closes() {
                let report = closes.close_payment(&self.request(before)).await?;
                self.apply_report(payment, &account, &report, &Cause::of(ReportSource::Call)).await?;
                if !extra.is_empty() {
                    self.0.store.commit(extra).await?;
                }
                return self.get(merchant, id).await;
            }
            let now = self.0.clock.now();
            let mut after = before.clone();
            after.state = PaymentState::Cancelled { code: "merchant".to_owned(), returned: None };
            after.updated_at = now;
            let mut change = extra.clone();
            // The version of the payment's row is what a lease to complete raises too: one of the two wins.
            change.update_payment(&after, payment.version);
            if let Some(quote) = before.quote {
                change.extend(self.0.quotes.give_back(quote, id, now).await?);
            }
            let detail = serde_json::json!({ "by": "merchant" });
            self.note_from(&mut change, ReportSource::Operator, &after, "cancelled", detail);
            self.tell(&mut change, &after);
            point(Point::CancelDecided).await;
            match self.0.store.commit(change).await {
                Ok(_) => {
                    point(Point::CancelRecorded).await;
                    return self.get(merchant, id).await;
                }
                Err(CommitError::LostUpdate { table: "payment" | "quote", .. } | CommitError::Unknown(_)) => {
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayError::unavailable("the cancellation met other changes in a row"))
    }
}
