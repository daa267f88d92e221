//! Payment gateways, all behind one trait.
//!
//! An adapter speaks its gateway's protocol and nothing else: it sees no store, no flow and no other adapter. It never
//! decides; it says what the gateway said. A call has four outcomes and only four ([`GatewayError`] plus success),
//! because only they decide what a flow does next.
//!
//! # To add a gateway
//! 1. `src/gateways/<name>/` with the same rooms as every house: `mod.rs` (the traits), `wire.rs` (their names,
//!    no logic), `sign.rs` (over bytes, tested against published vectors), `status.rs` (one table: their word → ours,
//!    unknown → `Unknown`), `bill.rs` (their bills → our lines), `fixtures/`. The shared discipline is in `call`,
//!    `json`, `rows` and `precision`.
//! 2. One line in `registry.rs`.
//! 3. The conformance list (`tests/it/conformance.rs`) runs on it by itself; leave a case out only with a reason in
//!    the folder.

mod account;
/// Bills: what a gateway says it moved on one day.
pub mod bills;
/// One way of calling a gateway: limits, and what each fault means.
pub mod call;
/// GrabPay, One-Time Charge v2.
pub mod grabpay;
/// Strict JSON for what comes from outside.
pub mod json;
mod notice;
/// Payouts: sending money to payees.
pub mod payouts;
/// PayPal, Orders v2.
pub mod paypal;
mod precision;
/// Every gateway: one line each.
pub mod registry;
mod rows;
mod text;
/// Over the network, or over a line in this process.
pub mod transport;
/// Xendit, Payouts v2.
pub mod xendit;

pub use account::{AccountSettings, Build, BuildError, Context, Descriptor, Trust, is_loopback};
pub use bills::Bills;
pub use notice::{About, Notification, NotificationError, RawNotification, Reply, ReturnParameters};
pub use payouts::{Creditor, Debtor, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Payouts};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::disputes::{DisputeReport, Evidence};
use crate::domain::orders::{PaymentReport, RefundReport};
use crate::ids::{PaymentId, RefundId};
use crate::money::{Currency, Money};

/// What is asked of a gateway for one payment.
#[derive(Debug, Clone)]
pub struct PaymentRequest {
    /// Our payment.
    pub payment: PaymentId,
    /// The reference sent to the gateway, ours, one per payment, never a second one.
    pub request_ref: String,
    /// The gateway's id, once known.
    pub gateway_ref: Option<String>,
    /// What to take.
    pub amount: Money,
    /// The gateway's method, where it has several.
    pub method: Option<String>,
    /// One line for the shopper.
    pub description: String,
    /// Where the gateway sends the shopper back: our own `/v1/returns/{gateway}`.
    pub return_url: String,
    /// When the payment was made.
    pub created_at: DateTime<Utc>,
}

/// What a created payment needs next.
#[derive(Debug)]
pub struct PaymentSession {
    /// The gateway's id, where it gives one at once.
    pub gateway_ref: Option<String>,
    /// What the shopper does next.
    pub next_action: NextAction,
    /// Kept sealed beside the payment; opaque to the flow.
    pub secrets: GatewaySecrets,
    /// After this the gateway lets the payment lapse.
    pub expires_at: DateTime<Utc>,
}

/// What the shopper does next.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NextAction {
    /// Open this address.
    Redirect {
        /// The address.
        url: String,
    },
    /// Show this content as a QR code.
    QrCode {
        /// The content.
        payload: String,
    },
    /// Post this form from the shopper's browser.
    FormPost {
        /// The address.
        url: String,
        /// Its fields, in order.
        fields: Vec<(String, String)>,
    },
    /// Hand this to the gateway's SDK.
    Sdk {
        /// As the SDK wants it.
        #[schema(value_type = Object)]
        payload: serde_json::Value,
    },
}

/// Whatever the adapter must remember about one payment and nobody may read: PKCE verifier, OAuth token. Bytes of the
/// adapter's own format, sealed with the payment's id as associated data.
#[derive(Clone, Default)]
pub struct GatewaySecrets(pub Vec<u8>);

impl std::fmt::Debug for GatewaySecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GatewaySecrets({} bytes)", self.0.len())
    }
}

/// The answer to `complete_payment`.
#[derive(Debug)]
pub struct Completed {
    /// What the gateway says now.
    pub report: PaymentReport,
    /// The secrets to keep from here on, if they changed.
    pub secrets: Option<GatewaySecrets>,
}

/// The four ways a call goes wrong; flows branch on the class, never on the gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// A definite no: nothing happened.
    #[error("the gateway refused: {code}: {message}")]
    Refused {
        /// The gateway's code.
        code: String,
        /// Its words.
        message: String,
        /// Asking again later may succeed without a new decision (balance too small, capture still pending).
        retry_later: bool,
    },
    /// It may have happened: time-out, broken connection, 5xx, an answer that cannot be trusted. Ask, never resend.
    #[error("the outcome is unknown: {0}")]
    OutcomeUnknown(String),
    /// Slow down; nothing happened.
    #[error("the gateway asks to slow down")]
    Throttled {
        /// Seconds it names.
        retry_after_s: Option<u32>,
    },
    /// Never sent: no connection, or our own request is impossible. Nothing happened.
    #[error("not sent: {0}")]
    NotSent(String),
}

/// A gateway account, ready to talk. One instance per merchant's account.
#[async_trait]
pub trait Gateway: Send + Sync + std::fmt::Debug {
    /// What it is.
    fn descriptor(&self) -> &'static Descriptor;

    /// The account's name, also the ledger's dimension.
    fn account(&self) -> &str;

    /// The receiving account as reports name it (PayPal `payee.merchant_id`), to hold reports against; `None` where the
    /// gateway's reports name none.
    fn receiver(&self) -> Option<&str> {
        None
    }

    /// When the first of the certificates it holds ends; `None` where it holds none.
    fn certificate_expiry(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// Whether the amount can be charged here, before anything is stored.
    ///
    /// # Errors
    /// [`Unchargeable`] with the nearest amount that can.
    fn check_amount(&self, amount: Money) -> Result<(), Unchargeable>;

    /// Currencies that can be charged here.
    fn currencies(&self) -> Vec<Currency>;

    /// Minor units whose every multiple passes [`Gateway::check_amount`], where there is such a number; `None`: each
    /// amount is held against it by itself. Prices are checked by the thousand.
    fn step(&self, _currency: Currency) -> Option<i64> {
        None
    }

    /// Opens the payment. Idempotent at the gateway under `request.request_ref`.
    async fn create_payment(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError>;

    /// What the shopper needs of an open payment whose opening's answer was lost, without opening a second one: asked for
    /// again, or the same opening repeated under the same reference. `None`: the gateway does not give it again, nobody
    /// can ever agree to this payment, and it ends by lapse.
    async fn session_again(&self, _request: &PaymentRequest) -> Result<Option<PaymentSession>, GatewayError> {
        Ok(None)
    }

    /// Asks how the payment stands.
    async fn query_payment(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError>;

    /// Reads what came back with the shopper; the state or token must be this payment's. Returns secrets to keep
    /// (an OAuth code), if any. It moves no money and is no evidence.
    fn accept_return(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
        parameters: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError>;

    /// The reference by which a returning shopper's payment is found, before anything is trusted.
    fn return_ref(&self, parameters: &ReturnParameters) -> Option<About>;

    /// Whatever must be stored before money can be taken (an OAuth token that later refunds need). Moves no money and
    /// may be repeated. The flow stores what it returns, then calls [`Gateway::complete_payment`] with it: a crash or a
    /// lost answer in between loses nothing. `None`: nothing to store.
    async fn prepare_completion(
        &self,
        _request: &PaymentRequest,
        _secrets: &GatewaySecrets,
    ) -> Result<Option<GatewaySecrets>, GatewayError> {
        Ok(None)
    }

    /// Takes the money after the shopper agreed. Called only under the payment's one `complete` intent.
    async fn complete_payment(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Completed, GatewayError>;

    /// Proves that a notice is the gateway's. The only maker of [`Notification`].
    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError>;

    /// What the gateway wants to hear.
    fn reply(&self, accepted: bool) -> Reply;

    /// Refunds, if the gateway has them.
    fn refunds(&self) -> Option<&dyn Refunds> {
        None
    }

    /// Its bills, if it gives any.
    fn bills(&self) -> Option<&dyn Bills> {
        None
    }

    /// Disputes, if the gateway tells of them.
    fn disputes(&self) -> Option<&dyn Disputes> {
        None
    }

    /// Payouts from the account's balance, if the gateway has them.
    fn payouts(&self) -> Option<&dyn Payouts> {
        None
    }

    /// Closing an open payment, if the gateway has it.
    fn closes(&self) -> Option<&dyn Closes> {
        None
    }
}

/// The amount cannot be charged at this gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unchargeable {
    /// The gateway's exponent is coarser than the currency's.
    #[error("{gateway} takes {} without that many decimals; the nearest amount is {nearest}", nearest.currency())]
    Precision {
        /// The gateway.
        gateway: &'static str,
        /// The nearest amount it takes.
        nearest: Money,
    },
    /// Not a currency of this account.
    #[error("{gateway} does not take {currency} on this account")]
    Currency {
        /// The gateway.
        gateway: &'static str,
        /// The currency.
        currency: Currency,
    },
}

/// What is asked for one refund.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    /// Our refund.
    pub refund: RefundId,
    /// The reference sent to the gateway, ours, one per refund.
    pub request_ref: String,
    /// The gateway's id of the refund, once known.
    pub refund_ref: Option<String>,
    /// The capture that goes back.
    pub capture_ref: String,
    /// How much.
    pub amount: Money,
    /// Why, for the shopper.
    pub reason: String,
}

/// Paying back.
#[async_trait]
pub trait Refunds: Send + Sync {
    /// Sends the refund. Idempotent at the gateway under `request.request_ref`.
    async fn refund(
        &self,
        payment: &PaymentRequest,
        secrets: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError>;

    /// Whether asking about a payment names every refund of it, ours or not. Where not, only a bill tells of those whose
    /// reference is not known here.
    fn tells_of_all(&self) -> bool;

    /// Asks how the refund stands; `Ok(None)` when the gateway knows none under our reference.
    async fn query_refund(
        &self,
        payment: &PaymentRequest,
        secrets: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<Option<RefundReport>, GatewayError>;
}

/// Disputes: read, answered, accepted.
#[async_trait]
pub trait Disputes: Send + Sync {
    /// Asks how a dispute stands and what it did to money; `Ok(None)` when the gateway knows no such dispute.
    async fn query_dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, GatewayError>;

    /// The gateway's ids of the disputes that changed since then: for those whose notice was lost.
    async fn changed_since(&self, since: DateTime<Utc>) -> Result<Vec<String>, GatewayError>;

    /// Hands evidence in. `reference` goes along and is found again in [`DisputeReport::answers`]. Not idempotent at
    /// every gateway: sent once.
    async fn provide_evidence(
        &self,
        dispute_ref: &str,
        reference: &str,
        evidence: &Evidence,
    ) -> Result<(), GatewayError>;

    /// Accepts the payer's claim: the gateway pays the payer from our balance. Sent once.
    async fn accept_claim(&self, dispute_ref: &str, note: &str) -> Result<(), GatewayError>;
}

/// Closing an open payment at the gateway.
#[async_trait]
pub trait Closes: Send + Sync {
    /// Closes it; the report says whether money came first.
    async fn close_payment(&self, request: &PaymentRequest) -> Result<PaymentReport, GatewayError>;
}
