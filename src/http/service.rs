//! What every handler is given: built once, shared by all threads.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::domain::fx::week;
use crate::flows::client_money::ClientMoneyCheck;
use crate::flows::close_period::ClosePeriod;
use crate::flows::deliver::Delivering;
use crate::flows::deposits::Deposits;
use crate::flows::dispute::Disputing;
use crate::flows::export_gl::GlExport;
use crate::flows::findings::Resolving;
use crate::flows::fx_book::FxBook;
use crate::flows::issue_statement::Statements;
use crate::flows::journals::Journals;
use crate::flows::onboard::Onboarding;
use crate::flows::pay::{OpenAccount, Pay};
use crate::flows::pay_out::PayingOut;
use crate::flows::price::Pricing;
use crate::flows::reconcile::Reconciling;
use crate::flows::refund::Refunding;
use crate::flows::webhooks::Webhooks;
use crate::flows::withholding::Withholding;
use crate::geo::{Geo, Proxies};
use crate::ids::{IdSource, KeyId, MerchantId};
use crate::jobs::Jobs;
use crate::sandbox::Sandbox;
use crate::settings::Settings;
use crate::store::{Change, Store, StoreError};
use crate::vault::Vault;

use super::key_ring::KeyRing;
use super::limits::Limiter;
use super::problem::{Code, Problem};
use super::requests::Requests;

/// The setting that keeps the test clock's offset, in microseconds.
pub const CLOCK_OFFSET: &str = "clock_offset_us";

/// What every handler is given.
#[derive(Debug)]
pub struct Service {
    /// The settings in force.
    pub settings: Settings,
    /// Where we are reached, without a slash at the end.
    pub public_url: String,
    /// Time.
    pub clock: Clock,
    /// Ids.
    pub ids: IdSource,
    /// The database.
    pub store: Store,
    /// Secrets at rest.
    pub vault: Vault,
    /// Keys, suppliers.
    pub onboarding: Onboarding,
    /// Prices, rates, quotes.
    pub pricing: Pricing,
    /// Payments.
    pub pay: Pay,
    /// Refunds.
    pub refunding: Refunding,
    /// Payouts to suppliers.
    pub paying_out: PayingOut,
    /// Tax withheld from suppliers.
    pub withholding: Withholding,
    /// Deliveries.
    pub delivering: Delivering,
    /// Decisions about findings.
    pub resolving: Resolving,
    /// Manual journals.
    pub journals: Journals,
    /// Closing periods.
    pub close_period: ClosePeriod,
    /// The client-money check.
    pub client_money: ClientMoneyCheck,
    /// Answers in disputes.
    pub disputing: Disputing,
    /// Bills against the books.
    pub reconciling: Reconciling,
    /// Money between gateways and banks.
    pub deposits: Deposits,
    /// Market deals and open positions.
    pub fx_book: FxBook,
    /// The books for a general ledger.
    pub gl_export: GlExport,
    /// Statements and balances.
    pub statements: Statements,
    /// Events on their way to merchants.
    pub webhooks: Webhooks,
    /// What runs by the clock.
    pub jobs: Jobs,
    /// Countries of addresses.
    pub geo: Geo,
    /// Proxies whose word counts, and the headers in which they speak.
    pub proxies: Proxies,
    /// The far sides, in sandbox mode.
    pub sandbox: Option<Sandbox>,
    /// Keys that were used lately.
    pub keys: KeyRing,
    /// When the market opens or closes next.
    pub bell: Bell,
    /// Log lines and times of requests.
    pub requests: Requests,
    /// Requests per key and address.
    pub limiter: Limiter<KeyId>,
    /// Requests per address without a key.
    pub strangers: Limiter<IpAddr>,
    /// Bytes of gateway notices that may still be taken in.
    pub notices: Arc<Semaphore>,
    /// Origins that some publishable key allows, for preflight requests.
    pub origins: ArcSwap<Vec<String>>,
    /// Whether everything is built and the sandbox's file is written.
    pub ready: AtomicBool,
}

impl Service {
    /// Says that requests may come.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::SeqCst);
    }

    /// The merchant's account that a request names: by gateway, or by its own name.
    ///
    /// # Errors
    /// `gateway_unknown` at `gateway`.
    pub fn account_at(&self, merchant: MerchantId, gateway: &str) -> Result<Arc<OpenAccount>, Problem> {
        let named = |open: &&Arc<OpenAccount>| {
            open.account.merchant == merchant
                && (open.account.gateway == gateway || open.account.name == gateway)
        };
        self.pay.accounts().all().iter().find(named).cloned().ok_or_else(|| {
            let detail = format!("there is no account at a gateway `{gateway}`");
            Problem::new(Code::GatewayUnknown, detail).at("gateway")
        })
    }

    /// The merchant's accounts at gateways.
    pub fn accounts_of(&self, merchant: MerchantId) -> Vec<Arc<OpenAccount>> {
        self.pay.accounts().of(merchant)
    }

    /// How long a price stays what it is: until newer rates may be here, until the price book changes by itself, or until
    /// the market closes or opens, with the weekend's premium.
    pub fn prices_fresh_for(&self, fixed_until: Option<DateTime<Utc>>) -> Duration {
        let now = self.clock.now();
        let fixed = fixed_until.map(|until| (until - now).to_std().unwrap_or_default());
        let bell = self.bell.next(now).and_then(|bell| (bell - now).to_std().ok());
        [self.pricing.rates.fresh_for(), fixed, bell].into_iter().flatten().min().unwrap_or(Duration::MAX)
    }

    /// Moves the test clock: everything due on the way runs in order, then the far sides catch up, then what they sent
    /// is worked off. The offset is kept with `extra`, and first: a restart halfway must not fall behind what was written
    /// on the way.
    ///
    /// # Errors
    /// `internal`, `unavailable`.
    pub async fn advance_clock(&self, until: DateTime<Utc>, extra: Change) -> Result<(), Problem> {
        let before = self.store.setting(CLOCK_OFFSET).await?;
        let kept = before.as_ref().and_then(|row| row.value.parse().ok()).unwrap_or(0_i64);
        let offset = (self.clock.offset() + (until - self.clock.now())).num_microseconds().unwrap_or(kept);
        let mut change = extra;
        change.set_setting(CLOCK_OFFSET, offset.max(kept), before.as_ref());
        self.store.commit(change).await?;
        self.jobs.advance(until).await?;
        if let Some(sandbox) = &self.sandbox {
            sandbox.advance_to(self.clock.now()).await?;
        }
        self.jobs.run_due(self.clock.now()).await?;
        Ok(())
    }

    /// Lets browsers of these origins ask, from now on.
    pub fn allow_origins(&self, origins: &[String]) {
        if origins.is_empty() {
            return;
        }
        self.origins.rcu(|known| {
            let mut all = known.as_ref().clone();
            all.extend(origins.iter().filter(|origin| !known.contains(origin)).cloned());
            all
        });
    }

    /// Reads them anew: another program on the same database makes keys and revokes them too. What was allowed here
    /// while they were read is newer, and what was read is then left.
    ///
    /// # Errors
    /// [`StoreError`]; those known stay.
    pub async fn refresh_origins(&self) -> Result<(), StoreError> {
        let known = self.origins.load_full();
        let read = self.store.key_origins().await?;
        if *known != read {
            self.origins.compare_and_swap(&known, Arc::new(read));
        }
        Ok(())
    }

    /// Whether requests may come.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }
}

/// The market's next bell, looked up in the calendar once for each: microseconds since 1970.
#[derive(Debug, Default)]
pub struct Bell(AtomicI64);

impl Bell {
    fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let known = DateTime::from_timestamp_micros(self.0.load(Ordering::Relaxed))?;
        // No week is longer: an older bell than the next one is never taken for it.
        if now < known && known - now < TimeDelta::days(7) {
            return Some(known);
        }
        let bell = week::next_bell(now)?;
        self.0.store(bell.timestamp_micros(), Ordering::Relaxed);
        Some(bell)
    }
}
