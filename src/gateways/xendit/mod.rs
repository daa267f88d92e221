//! Xendit, Payouts v2: money to bank accounts in Indonesia, Malaysia, the Philippines, Thailand and Vietnam, out of a
//! balance that was topped up before.
//!
//! Payments over Xendit are not taken here: every amount is refused, so that no payment is ever started.
//!
//! | room | what |
//! |---|---|
//! | `payouts` | sent, asked about, called back |
//! | `report` | what Xendit says of a payout and what it took, read as a report |
//! | `channels` | a payee's bank → Xendit's channel |
//! | `api` | one call |
//! | `webhooks` | is a notice genuine |
//! | `wire`, `amount`, `status`, `errors` | Xendit's names, numbers, states, codes |
//!
//! Sources: docs.xendit.co (create payout, get all payouts, payout webhook, payout status lifecycle, transactions) and
//! xendit/xendit-node @ c5494c3. Unverified, therefore read tolerantly: whether payouts of a reference come as a list
//! or as a page.

mod amount;
mod api;
mod channels;
mod errors;
mod payouts;
mod report;
pub mod status;
mod webhooks;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    About, AccountSettings, BuildError, Completed, Context, Descriptor, Gateway, GatewayError,
    GatewaySecrets, Notification, NotificationError, PaymentRequest, PaymentSession, Payouts,
    RawNotification, Reply, ReturnParameters, Unchargeable, precision,
};
use crate::clock::Clock;
use crate::domain::orders::PaymentReport;
use crate::money::{Currency, Money};

/// What Xendit is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "xendit",
    title: "Xendit",
    api: "Payouts v2",
    live_base_url: "https://api.xendit.co",
    takes_payments: false,
    payout_rail: Some("xendit"),
    fee_known_at_capture: false,
    poll_pace_s: 60,
    session_life_s: 60,
    build,
};

/// One merchant's Xendit account.
#[derive(Debug)]
struct Xendit {
    account: String,
    taken: Vec<(Currency, u32)>,
    api: api::Api,
    door: webhooks::Door,
    clock: Clock,
}

fn build(account: &AccountSettings, context: &Context) -> Result<Arc<dyn Gateway>, BuildError> {
    let base_url = account.base_url(&context.trust)?;
    let secret_key = account.secret("secret_key")?.swap_remove(0);
    Ok(Arc::new(Xendit {
        account: account.name.clone(),
        taken: precision::taken(amount::DECIMALS, account.currencies("currencies")?.as_deref()),
        api: api::Api::new(context.http.clone(), base_url, secret_key),
        door: webhooks::Door::new(account.secret("callback_token")?, account.optional("business_id")?),
        clock: context.clock.clone(),
    }))
}

fn no_payments() -> GatewayError {
    GatewayError::NotSent("payments are not taken over Xendit".to_owned())
}

#[async_trait]
impl Gateway for Xendit {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn check_amount(&self, amount: Money) -> Result<(), Unchargeable> {
        Err(Unchargeable::Currency { gateway: DESCRIPTOR.name, currency: amount.currency() })
    }

    fn currencies(&self) -> Vec<Currency> {
        vec![]
    }

    async fn create_payment(&self, _: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        Err(no_payments())
    }

    async fn query_payment(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        Err(no_payments())
    }

    fn accept_return(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
        _: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError> {
        Err(NotificationError::Forged("nobody comes back from Xendit".into()))
    }

    fn return_ref(&self, _: &ReturnParameters) -> Option<About> {
        None
    }

    async fn complete_payment(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
    ) -> Result<Completed, GatewayError> {
        Err(no_payments())
    }

    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        self.door.verify(raw)
    }

    fn reply(&self, accepted: bool) -> Reply {
        let status = if accepted { 200 } else { 401 };
        Reply { status, content_type: "application/json", body: "{}".into() }
    }

    fn payouts(&self) -> Option<&dyn Payouts> {
        Some(self)
    }
}
