//! PayPal, Orders v2 and Payments v2.
//!
//! The shopper approves at PayPal; that takes no money. `complete_payment` captures. What PayPal takes for itself and
//! what it converts stands in the capture (`seller_receivable_breakdown`): nothing here is computed from a price list.
//!
//! | room | what |
//! |---|---|
//! | `orders` | create, get, capture |
//! | `refunds` | refund of a capture, and asking about one |
//! | `reports` | what PayPal answers, read as reports |
//! | `payouts` | batches of payouts: sent, asked about, taken back |
//! | `disputes` | disputes: read, answered, accepted |
//! | `api`, `oauth` | one authorised call; the bearer token |
//! | `webhooks`, `certificates`, `sign` | is a notice genuine: postback or own verification |
//! | `bill` | what PayPal says it moved: Transaction Search, settlement report |
//! | `wire`, `amount`, `status`, `errors` | PayPal's names, decimals, states and issues |
//!
//! Sources: paypal/paypal-rest-api-specifications @ ec4d8f3 (Orders 2.13, Payments 2.5, Webhooks 1.11, Disputes 1.10,
//! Payouts 1.9), the Java and
//! Python SDKs for the certificate rules. Unverified and therefore cautious: an unapproved order lapses after 3 h;
//! refunds are taken for 180 days.
//!
//! Conformance cases left out: none.

mod amount;
mod api;
mod bill;
mod certificates;
mod disputes;
mod errors;
mod oauth;
mod orders;
mod payouts;
mod refunds;
mod reports;
mod sign;
pub mod status;
mod webhooks;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    About, AccountSettings, Bills, BuildError, Completed, Context, Descriptor, Disputes, Gateway,
    GatewayError, GatewaySecrets, Notification, NotificationError, PaymentRequest, PaymentSession, Payouts,
    RawNotification, Refunds, Reply, ReturnParameters, Unchargeable, precision,
};
use crate::clock::Clock;
use crate::domain::orders::PaymentReport;
use crate::money::{Currency, Money};

/// What PayPal is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "paypal",
    title: "PayPal",
    api: "Orders v2",
    live_base_url: "https://api-m.paypal.com",
    takes_payments: true,
    payout_rail: Some("paypal_payouts"),
    fee_known_at_capture: true,
    poll_pace_s: 15,
    session_life_s: 3 * 60 * 60,
    build,
};

/// An order that nobody approved lapses; PayPal then answers 404.
const ORDER_LIFE: TimeDelta = TimeDelta::hours(3);

/// One merchant's PayPal account.
#[derive(Debug)]
struct PayPal {
    account: String,
    /// The payee's `merchant_id`, sent with every order.
    merchant_id: String,
    taken: Vec<(Currency, u32)>,
    api: api::Api,
    door: webhooks::Door,
    clock: Clock,
    /// The zone PayPal cuts this account's days in.
    bill_zone: chrono_tz::Tz,
}

fn build(account: &AccountSettings, context: &Context) -> Result<Arc<dyn Gateway>, BuildError> {
    let base_url = account.base_url(&context.trust)?;
    let oauth =
        oauth::OAuth::new(context, &base_url, account.text("client_id")?, account.secret("client_secret")?);
    let api = api::Api::new(context.http.clone(), base_url, oauth);
    Ok(Arc::new(PayPal {
        account: account.name.clone(),
        merchant_id: account.text("merchant_id")?,
        taken: precision::taken(amount::DECIMALS, account.currencies("currencies")?.as_deref()),
        door: webhooks::Door::open(account, context)?,
        api,
        clock: context.clock.clone(),
        bill_zone: account.zone("bill_zone")?.unwrap_or(bill::DEFAULT_ZONE),
    }))
}

#[async_trait]
impl Gateway for PayPal {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn certificate_expiry(&self) -> Option<DateTime<Utc>> {
        self.door.certificate_expiry()
    }

    fn receiver(&self) -> Option<&str> {
        Some(&self.merchant_id)
    }

    fn check_amount(&self, amount: Money) -> Result<(), Unchargeable> {
        precision::check(DESCRIPTOR.name, &self.taken, amount)
    }

    fn currencies(&self) -> Vec<Currency> {
        self.taken.iter().map(|(currency, _)| *currency).collect()
    }

    fn step(&self, currency: Currency) -> Option<i64> {
        precision::step(&self.taken, currency)
    }

    async fn create_payment(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        self.open_order(request).await
    }

    async fn session_again(&self, request: &PaymentRequest) -> Result<Option<PaymentSession>, GatewayError> {
        self.find_order(request).await
    }

    async fn query_payment(
        &self,
        request: &PaymentRequest,
        _secrets: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        self.look_up(request).await
    }

    fn accept_return(
        &self,
        request: &PaymentRequest,
        _secrets: &GatewaySecrets,
        parameters: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError> {
        let token = parameters.get("token");
        if token.is_some() && token == request.gateway_ref.as_deref() {
            return Ok(None);
        }
        Err(NotificationError::Forged("the returned token is not this payment's order".into()))
    }

    fn return_ref(&self, parameters: &ReturnParameters) -> Option<About> {
        let token = parameters.get("token").filter(|token| wire::is_order_id(token))?;
        Some(About::Payment { request_ref: None, gateway_ref: Some(token.to_owned()) })
    }

    async fn complete_payment(
        &self,
        request: &PaymentRequest,
        _secrets: &GatewaySecrets,
    ) -> Result<Completed, GatewayError> {
        Ok(Completed { report: self.capture(request).await?, secrets: None })
    }

    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        self.door.verify(&self.api, raw).await
    }

    fn reply(&self, accepted: bool) -> Reply {
        let status = if accepted { 200 } else { 401 };
        Reply { status, content_type: "application/json", body: "{}".into() }
    }

    fn refunds(&self) -> Option<&dyn Refunds> {
        Some(self)
    }

    fn bills(&self) -> Option<&dyn Bills> {
        Some(self)
    }

    fn disputes(&self) -> Option<&dyn Disputes> {
        Some(self)
    }

    fn payouts(&self) -> Option<&dyn Payouts> {
        Some(self)
    }
}
