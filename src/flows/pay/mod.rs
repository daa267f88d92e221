//! Taking a payment, from the intent to the money in the books.
//!
//! ```text
//! start ──► create_payment                      hear  (notice)   ┐
//!                                               come_back        ├─► ask: query_payment ─► apply_report ─► settle
//!                                               sync, climb …    ┘            │
//!                                                                             └─ authorised ─► complete ─► apply_report
//! ```
//!
//! Three rules carry it. *A notice is evidence, a query decides*: whatever wakes us, the gateway is asked, and its answer
//! enters by one door ([`Pay::apply_report`]). *Intent, commit, call, result*: no call that promises or moves money is
//! made before it is written down, and none is made again under a second reference. *One change*: state, timeline,
//! postings, event, notice and intent of one step are written together or not at all; who loses a race reads again.
//!
//! What happens to money is not decided here: [`Settles`] turns a capture into postings, [`Quotes`] keeps locked prices.

mod accounts;
mod apply;
mod ask;
mod cancel;
mod cause;
mod climb;
mod come_back;
mod complete;
mod dispute;
mod error;
mod expect;
mod gate;
mod hear;
mod lease;
mod patience;
mod payouts;
mod recover;
mod restore;
mod settles;
mod start;
mod timeline;
mod turns;
mod view;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::domain::fx::Quote;
use crate::domain::orders::{Holder, Ladders, Payment};
use crate::gateways::{GatewaySecrets, PaymentRequest};
use crate::ids::{IdSource, MerchantId, PaymentId, QuoteId};
use crate::money::Money;
use crate::store::{Change, Store, StoreError, Versioned};
use crate::vault::Vault;

pub use accounts::{Accounts, OpenAccount};
pub(in crate::flows) use cause::sha256;
pub use climb::{Climbed, Commits};
pub use come_back::Landing;
pub use dispute::dispute_view;
pub use error::PayError;
pub use gate::Sending;
pub use hear::Arrived;
pub use payouts::ASK_BATCH;
pub use recover::Recovered;
pub use settles::{CaptureStanding, Expectation, SettleError, Settles};
pub use start::{Price, Start};
pub use view::{CapturedView, FailureView, PaymentView, TimelineView};

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 16;

/// The flow of a payment; clones share it.
#[derive(Debug, Clone)]
pub struct Pay(Arc<Parts>);

/// What the flow works with.
#[derive(Debug)]
pub struct Parts {
    /// Reads, and the one writer.
    pub store: Store,
    /// Business and wall time.
    pub clock: Clock,
    /// Ids.
    pub ids: IdSource,
    /// Seals what adapters must remember.
    pub vault: Vault,
    /// Every gateway account of this installation.
    pub accounts: Accounts,
    /// Turns captures into postings.
    pub settles: Arc<dyn Settles>,
    /// Locked prices.
    pub quotes: Arc<dyn Quotes>,
    /// Who we are to leases.
    pub holder: Holder,
    /// Where gateways and shoppers reach us: `https://pay.example`, no slash at its end.
    pub public_url: String,
    /// Shoppers may be sent back to this machine: sandbox mode.
    pub loopback_returns: bool,
    /// When gateways are asked about open payments; as [`Ladders::default`] unless it is set.
    pub ladders: Arc<Ladders>,
    courtesies: patience::Courtesies,
    turns: turns::Turns<Result<ask::Heard, PayError>>,
    recovery: recover::Recovery,
    gate: gate::Gate,
}

/// Locked prices, each used by one payment.
#[async_trait]
pub trait Quotes: Send + Sync + Debug {
    /// The promised price, and the change that marks the quote used by `payment`.
    ///
    /// # Errors
    /// [`QuoteRefused`].
    async fn take(
        &self,
        merchant: MerchantId,
        quote: QuoteId,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(Money, Change), QuoteRefused>;

    /// The price a verified token promises, and the change that stores its quote, used by `payment`. A token's quote can
    /// be stored once.
    ///
    /// # Errors
    /// [`QuoteRefused`].
    async fn redeem(
        &self,
        promised: &Quote,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(Money, Change), QuoteRefused>;

    /// The change that opens the quote of a payment which ended uncaptured; empty once it has expired or when another
    /// payment has it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn give_back(
        &self,
        quote: QuoteId,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<Change, StoreError>;
}

/// Why a quote is not honoured.
#[derive(Debug, thiserror::Error)]
pub enum QuoteRefused {
    /// No such quote of this merchant.
    #[error("there is no such quote")]
    Unknown,
    /// Another payment has it.
    #[error("the quote is used by {by}")]
    Used {
        /// That payment.
        by: PaymentId,
    },
    /// Its time is over.
    #[error("the quote expired at {at}")]
    Expired {
        /// When.
        at: DateTime<Utc>,
    },
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the app builds [`Pay`] from; the rest is the flow's own.
impl Parts {
    /// Everything the flow works with.
    #[expect(clippy::too_many_arguments, reason = "built once, by the app, from what it has")]
    pub fn new(
        store: Store,
        clock: Clock,
        ids: IdSource,
        vault: Vault,
        accounts: Accounts,
        settles: Arc<dyn Settles>,
        quotes: Arc<dyn Quotes>,
        holder: Holder,
        public_url: String,
        loopback_returns: bool,
    ) -> Parts {
        let (turns, recovery) = (turns::Turns::default(), recover::Recovery::default());
        let gate = gate::Gate::default();
        Parts {
            store,
            clock,
            ids,
            vault,
            accounts,
            settles,
            quotes,
            holder,
            public_url,
            loopback_returns,
            ladders: Arc::default(),
            courtesies: patience::Courtesies::default(),
            turns,
            recovery,
            gate,
        }
    }

    /// Rounds take one payment after the other: for whoever schedules each step himself.
    #[must_use]
    pub fn one_by_one(self) -> Parts {
        Parts { recovery: recover::Recovery::one_by_one(), ..self }
    }
}

impl Pay {
    /// A flow over its parts.
    pub fn new(parts: Parts) -> Pay {
        Pay(Arc::new(parts))
    }

    /// The directory of gateway accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// What the gateway is asked about a payment; the same each time, because the same call must be the same call.
    pub fn request(&self, payment: &Payment) -> PaymentRequest {
        PaymentRequest {
            payment: payment.id,
            request_ref: payment.request_ref(),
            gateway_ref: payment.gateway_ref.clone(),
            amount: payment.amount,
            method: payment.method.clone(),
            description: format!("Order {}", payment.order_ref),
            return_url: format!("{}/v1/returns/{}", self.0.public_url, payment.gateway),
            created_at: payment.created_at,
        }
    }

    /// Opens what the adapter asked us to remember.
    ///
    /// # Errors
    /// [`PayError::Unavailable`] when the master key is another one.
    pub fn secrets(&self, payment: &Payment) -> Result<GatewaySecrets, PayError> {
        let Some(sealed) = &payment.secrets else { return Ok(GatewaySecrets::default()) };
        let opened = self.0.vault.open(&secrets_place(payment.id), &sealed.0);
        opened.map(|bytes| GatewaySecrets(bytes.to_vec())).map_err(PayError::unavailable)
    }

    fn seal(
        &self,
        payment: PaymentId,
        secrets: &GatewaySecrets,
    ) -> Result<crate::domain::orders::SealedSecrets, PayError> {
        let sealed = self.0.vault.seal(&secrets_place(payment), &secrets.0);
        sealed.map(crate::domain::orders::SealedSecrets).map_err(PayError::unavailable)
    }

    /// A payment's account, ready to talk.
    fn account_of(&self, payment: &Payment) -> Result<Arc<OpenAccount>, PayError> {
        self.0.accounts.find(payment.account).ok_or_else(|| PayError::UnknownGateway(payment.gateway.clone()))
    }

    async fn load(&self, id: PaymentId) -> Result<Versioned<Payment>, PayError> {
        self.0.store.payment(id).await?.ok_or(PayError::UnknownPayment)
    }

    /// A payment of this merchant; another merchant's is as unknown as none.
    async fn load_of(&self, merchant: MerchantId, id: PaymentId) -> Result<Versioned<Payment>, PayError> {
        let payment = self.load(id).await?;
        if payment.value.merchant == merchant { Ok(payment) } else { Err(PayError::UnknownPayment) }
    }
}

/// What a payment's secrets are sealed for: they open nowhere else.
fn secrets_place(payment: PaymentId) -> String {
    format!("payment/{payment}/secrets")
}
