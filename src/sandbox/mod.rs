//! The gateways' far side: PayPal, GrabPay and Xendit as their clients see them, for demo, rehearsal and tests.
//!
//! It speaks the gateways' real protocols at `{server}/sandbox/paypal`, `/sandbox/grabpay` and `/sandbox/xendit`, so that any
//! client of theirs can drive it, and it keeps its own truth in its own file: what it says has happened has happened,
//! whatever becomes of us. It shares nothing with the adapters it faces (only money, clock and ids): an error common
//! to both sides would go unseen. Deadlines run by the business clock, freshness of signatures by the wall.
//!
//! | room | holds |
//! |---|---|
//! | [`paypal`] | OAuth, Orders v2, Payments v2, Payouts v1, Webhooks v1, balances and transactions, the approve page |
//! | [`grabpay`] | One-Time Charge v2, GrabID's authorise and token, refunds, the daily sweep |
//! | [`xendit`] | Payouts v2, the float and its transactions |
//! | `bank` | the merchants' bank: what the sweep of the day before credited, as camt.053 of any day |
//! | `courier` | notices on their way to us, with each gateway's patience |
//! | [`Scenario`] | what can go wrong, on demand |
//! | `shopper` | a shopper who opens the page, presses a button and follows the way back |
//!
//! Source: PayPal's published OpenAPI files (Orders 2.13, Payments 2.5, Payouts 1.9, Webhooks 1.11,
//! Reporting 1.9); Grab's merchant
//! SDK 2.0.0 and the public digest of its One-Time Charge pages; Xendit's pages on Payouts v2 and its clients.

mod address;
mod authority;
mod bank;
mod book;
mod courier;
mod direct;
pub mod grabpay;
mod page;
pub mod paypal;
mod scenario;
mod serial;
mod shopper;
pub mod xendit;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, Utc};
use url::Url;

use crate::clock::Clock;
use crate::ids::IdSource;

pub use direct::{Direct, DirectAnswer, Letter};
pub use grabpay::{BankCredit, GrabPayPartner};
pub use paypal::{PayPalApp, PayPalDelay, PayPalFee, PayPalPayoutFee, SeededMovement};
pub use scenario::{Scenario, Target, UnknownScenario};
pub use shopper::{Shopper, ShopperAct, ShopperOutcome};
pub use xendit::XenditBusiness;

/// The longest body PayPal's far side reads: a batch of 15,000 payouts.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// What the sandbox is opened with.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Its own file, `<data-dir>/sandbox.db`.
    pub file: PathBuf,
    /// Business and wall time.
    pub clock: Clock,
    /// Ids and tokens.
    pub ids: IdSource,
    /// Where this server is reached, without a path: links and certificate addresses begin with it.
    pub public_url: Url,
}

/// Why the sandbox cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The file cannot be opened, read or written.
    #[error("sandbox file: {0}")]
    File(#[from] sqlx::Error),
    /// The file's permissions cannot be set.
    #[error("sandbox file: {0}")]
    Permissions(#[from] std::io::Error),
    /// A document of the file is not what this version writes.
    #[error("sandbox file holds something unreadable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The sandbox's certificates cannot be made or used.
    #[error("sandbox certificates: {0}")]
    Certificate(String),
    /// The HTTP client cannot be built, or a page of the far side cannot be reached.
    #[error("sandbox: {0}")]
    Http(reqwest::Error),
    /// No payment under this reference has reached a far side.
    #[error("no payment `{0}` has reached a far side")]
    UnknownPayment(String),
    /// The shopper's page is known only once opened: hand over its address.
    #[error("the page of payment `{0}` has not been opened yet; give its address")]
    PageNotOpened(String),
    /// The page shows no button (any more).
    #[error("the hosted page answered {status}: {why}")]
    PageClosed {
        /// HTTP status.
        status: u16,
        /// The page's own words.
        why: String,
    },
    /// A notice's receiver or a setting is not usable.
    #[error("{0}")]
    Setting(String),
}

/// The address may carry a one-time code: it is not told on.
impl From<reqwest::Error> for SandboxError {
    fn from(error: reqwest::Error) -> SandboxError {
        SandboxError::Http(error.without_url())
    }
}

/// The far sides. Clones share one.
#[derive(Clone, Debug)]
pub struct Sandbox {
    book: book::Book,
    clock: Clock,
    ids: IdSource,
    public_url: Url,
    authority: Arc<authority::Authority>,
    http: reqwest::Client,
    wake: Arc<tokio::sync::Notify>,
    /// One courier at a time, so that the order in which notices are sent is the order in which they fell due.
    round: Arc<tokio::sync::Mutex<()>>,
    /// GrabPay charges with a refund in progress.
    refunding: Arc<Mutex<HashSet<String>>>,
}

impl Sandbox {
    /// Opens the file, making it and the certificates where they are absent.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn open(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
        let book = book::Book::open(&options.file).await?;
        let authority = authority::Authority::open(&book, &options.clock, &options.ids).await?;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Sandbox {
            book,
            clock: options.clock,
            ids: options.ids,
            public_url: options.public_url,
            authority: Arc::new(authority),
            http,
            wake: Arc::default(),
            round: Arc::default(),
            refunding: Arc::default(),
        })
    }

    /// Mounts the far sides below a scope named `/sandbox`.
    pub fn routes(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let sandbox = self.clone();
        move |config| {
            config
                .app_data(web::Data::new(sandbox))
                .service(
                    web::scope("/paypal")
                        .app_data(web::PayloadConfig::new(LONGEST_BODY))
                        .default_service(web::to(paypal::answer)),
                )
                .service(web::scope("/grabpay").default_service(web::to(grabpay::answer)))
                .service(web::scope("/xendit").default_service(web::to(xendit::answer)))
                .service(web::scope("/bank").default_service(web::to(bank::answer)));
        }
    }

    /// The root that signs the certificates of PayPal's far side, DER. Trust it in sandbox mode only.
    ///
    /// # Errors
    /// [`SandboxError::Certificate`].
    pub fn root_certificate_der(&self) -> Result<Vec<u8>, SandboxError> {
        self.authority.root_der()
    }

    /// Where PayPal's far side is reached.
    pub fn paypal_url(&self) -> String {
        self.address("/sandbox/paypal")
    }

    /// Where GrabPay's far side is reached.
    pub fn grabpay_url(&self) -> String {
        self.address("/sandbox/grabpay")
    }

    /// Lets a scenario strike. A forged notice about a payment that is already known goes out at once.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn arm(&self, scenario: Scenario, target: Target) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        let known = match &target {
            Target::Payment(reference) => {
                paypal::arm(self, &mut session, reference, scenario).await?
                    || grabpay::arm(self, &mut session, reference, scenario).await?
                    || xendit::arm(self, &mut session, reference, scenario).await?
            }
            Target::Next(0) => true,
            Target::Next(_) => false,
        };
        if !known {
            session.put(&scenario::Armed::new(self, scenario, target)).await?;
        }
        session.commit().await?;
        self.wake.notify_one();
        Ok(())
    }

    /// What the clock has due by `now`: pending captures that lapse, payouts, the wallet's sweeps, notices. Call it after the
    /// business clock has moved.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn advance_to(&self, now: DateTime<Utc>) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        paypal::lapse(self, &mut session, now).await?;
        xendit::work_off(self, &mut session, now).await?;
        grabpay::sweep(self, &mut session, now).await?;
        session.commit().await?;
        self.deliver_due().await?;
        Ok(())
    }

    /// An address of this server.
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}
