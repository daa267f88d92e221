//! What the shopper needs, after the answer to the opening was lost: asked for again where the gateway gives it again;
//! else the payment says that nobody can agree to it, and lapses.

use serde_json::json;

use crate::domain::orders::{IntentKind, Payment, PaymentState};
use crate::store::{Change, CommitError, Versioned};

use super::{OpenAccount, Pay, PayError};

/// The line of the timeline that says so, once.
const LOST: &str = "session_lost";

impl Pay {
    /// Whether the payment waits for a shopper who was never told where to go, and nobody is opening it right now.
    pub(super) async fn lacks_session(&self, payment: &Payment) -> Result<bool, PayError> {
        let waits = matches!(payment.state, PaymentState::Created | PaymentState::RequiresAction);
        let now = self.0.clock.now();
        if payment.next_action.is_some() || !waits || now >= payment.expires_at {
            return Ok(false);
        }
        let intents = self.0.store.intents_of(payment.id).await?;
        let create = intents.iter().find(|intent| intent.value.kind == IntentKind::Create);
        Ok(create.is_none_or(|create| !create.value.under_way(self.0.holder, now)))
    }

    /// Asks the gateway once more for what the shopper needs. A gateway that does not answer is asked again with the
    /// next question.
    pub(super) async fn restore_session(
        &self,
        payment: Versioned<Payment>,
        account: &OpenAccount,
    ) -> Result<Payment, PayError> {
        let id = payment.value.id;
        if payment.value.next_action.is_some()
            || !matches!(payment.value.state, PaymentState::Created | PaymentState::RequiresAction)
        {
            return Ok(payment.value);
        }
        if self.may_send().is_err() {
            return Ok(payment.value);
        }
        match account.gateway.session_again(&self.request(&payment.value)).await {
            Ok(Some(session)) => {
                tracing::info!(payment = %id, "the answer to the opening was lost; the gateway gave it again");
                self.open_session(payment, &session).await?;
            }
            Ok(None) => self.note_lost(&payment).await?,
            Err(error) => {
                tracing::warn!(payment = %id, %error, "the answer to the opening was lost and is not given again yet");
            }
        }
        Ok(self.load(id).await?.value)
    }

    async fn note_lost(&self, payment: &Versioned<Payment>) -> Result<(), PayError> {
        let id = payment.value.id;
        let (now, told) = (self.load(id).await?, self.0.store.timeline(id).await?);
        if now.value.next_action.is_some() || told.iter().any(|entry| entry.kind == LOST) {
            return Ok(());
        }
        tracing::warn!(payment = %id, "the answer to the opening was lost for good; the payment will lapse");
        let why = "the gateway's answer was lost and it does not give it again: no shopper can agree to this payment; \
                   when it lapses its order_ref is free, cancelled at once it is free at once";
        let detail = json!({ "why": why, "lapses_at": payment.value.expires_at });
        let mut change = Change::new();
        self.note(&mut change, &now.value, LOST, detail);
        match self.0.store.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
