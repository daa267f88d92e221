//! A far side in memory that does as it is told, a money side that posts the simplest postings, and a payment flow
//! between them on a real store.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::json;
use straits::clock::Clock;
use straits::domain::fx::Quote;
use straits::domain::ledger::{
    Account, AccountCode, JournalEvent, LedgerTransaction, Owner, PostedTransaction, Posting,
};
use straits::domain::merchants::{
    AvailableWhen, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role, SettlementMode,
};
use straits::domain::orders::{
    Capture, Conflict, Holder, Intent, Ladders, MoneyReport, Payment, PaymentReport, RefundReport,
    RefundStatus, ReportKind, ReportSource,
};
use straits::flows::pay::{
    Accounts, CaptureStanding, Expectation, OpenAccount, Parts, Pay, PayError, PaymentView, Price,
    QuoteRefused, Quotes, SettleError, Settles, Start,
};
use straits::gateways::{
    About, AccountSettings, BuildError, Completed, Context, Descriptor, Gateway, GatewayError,
    GatewaySecrets, NextAction, Notification, NotificationError, PaymentRequest, PaymentSession,
    RawNotification, Reply, ReturnParameters, Unchargeable,
};
use straits::ids::{IdSource, MerchantId, PaymentId, QuoteId};
use straits::money::{Currency, Money};
use straits::store::inbox::Notice;
use straits::store::{Change, Engine, Store, StoreError, TransactionFilter, Versioned};
use straits::vault::Vault;

use crate::engines::TestDatabase;

pub fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

pub fn capture(capture_ref: &str, amount: Money) -> ReportKind {
    ReportKind::Captured(Capture {
        capture_ref: capture_ref.into(),
        amount,
        fee: None,
        receivable: None,
        payer_country: None,
        at: straits::clock::from_micros(1_795_000_000_000_000),
    })
}

/// Where a call can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    Create,
    Query,
    Complete,
}

/// How it goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It goes well.
    None,
    /// The request never arrives; we do not know that.
    LostBefore,
    /// The answer never arrives.
    LostAfter,
    /// It never ends, before the far side acts: the process dies there.
    StuckBefore,
    /// It never ends, after the far side acted.
    StuckAfter,
    /// It was never sent.
    NotSent,
    /// Slow down.
    Throttled,
    /// A definite no.
    Refused(&'static str),
    /// A no for now.
    Later(&'static str),
}

#[derive(Debug, Clone)]
struct FarPayment {
    gateway_ref: String,
    amount: Money,
    report: ReportKind,
    takes: usize,
}

/// The far side.
#[derive(Debug, Default)]
pub struct Far {
    payments: Mutex<HashMap<String, FarPayment>>,
    faults: Mutex<HashMap<Call, VecDeque<Fault>>>,
    calls: Mutex<HashMap<Call, usize>>,
    verifier_down: Mutex<bool>,
    account: Mutex<Option<String>>,
    deaf: Mutex<HashSet<String>>,
    refunds: Mutex<Vec<RefundReport>>,
    gives_again: Mutex<bool>,
}

impl Far {
    pub fn fail(&self, call: Call, fault: Fault) {
        self.faults.lock().unwrap().entry(call).or_default().push_back(fault);
    }

    /// The call after `good` good ones goes wrong.
    pub fn fail_after(&self, call: Call, good: usize, fault: Fault) {
        let mut faults = self.faults.lock().unwrap();
        let queue = faults.entry(call).or_default();
        queue.extend((0..good).map(|_| Fault::None));
        queue.push_back(fault);
    }

    /// It never answers questions about these.
    pub fn deaf_to(&self, payments: &[PaymentId]) {
        *self.deaf.lock().unwrap() = payments.iter().map(ToString::to_string).collect();
    }

    pub fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    pub fn calls(&self, call: Call) -> usize {
        self.calls.lock().unwrap().get(&call).copied().unwrap_or(0)
    }

    /// How often the money of a payment was really taken.
    pub fn takes(&self, id: PaymentId) -> usize {
        self.payments.lock().unwrap().get(&id.to_string()).map_or(0, |payment| payment.takes)
    }

    /// The shopper agrees.
    pub fn approve(&self, id: PaymentId) {
        self.say(id, ReportKind::Authorised { amount: None });
    }

    /// From now on it says this.
    pub fn say(&self, id: PaymentId, report: ReportKind) {
        self.payments.lock().unwrap().get_mut(&id.to_string()).unwrap().report = report;
    }

    /// From now on it names this receiver.
    pub fn name_receiver(&self, account: &str) {
        *self.account.lock().unwrap() = Some(account.to_owned());
    }

    /// From now on it lists a refund of this name with every payment.
    pub fn list_refund(&self, refund_ref: &str, amount: Money) {
        self.refunds.lock().unwrap().push(RefundReport {
            refund_ref: refund_ref.into(),
            request_ref: None,
            amount,
            fee_returned: None,
            exchanged: None,
            status: RefundStatus::Succeeded,
            at: straits::clock::from_micros(1_795_000_000_000_000),
        });
    }

    /// Whether it tells once more where the shopper of an open payment goes.
    pub fn gives_again(&self, again: bool) {
        *self.gives_again.lock().unwrap() = again;
    }

    pub fn verifier_down(&self, down: bool) {
        *self.verifier_down.lock().unwrap() = down;
    }

    /// Counts a call and plays its fault: an error to answer at once, or the one to answer after acting.
    async fn play(&self, call: Call) -> Result<Option<Fault>, GatewayError> {
        *self.calls.lock().unwrap().entry(call).or_default() += 1;
        let fault = self.faults.lock().unwrap().get_mut(&call).and_then(VecDeque::pop_front);
        match fault {
            None | Some(Fault::None) => Ok(None),
            Some(Fault::LostBefore) => Err(GatewayError::OutcomeUnknown("no answer".into())),
            Some(Fault::NotSent) => Err(GatewayError::NotSent("no connection".into())),
            Some(Fault::Throttled) => Err(GatewayError::Throttled { retry_after_s: None }),
            Some(Fault::Refused(code)) => Err(refused(code, false)),
            Some(Fault::Later(code)) => Err(refused(code, true)),
            Some(Fault::StuckBefore) => std::future::pending().await,
            Some(after) => Ok(Some(after)),
        }
    }

    async fn after(fault: Option<Fault>) -> Result<(), GatewayError> {
        match fault {
            Some(Fault::StuckAfter) => std::future::pending().await,
            Some(_) => Err(GatewayError::OutcomeUnknown("the answer was lost".into())),
            None => Ok(()),
        }
    }
}

fn refused(code: &str, retry_later: bool) -> GatewayError {
    GatewayError::Refused { code: code.into(), message: "no".into(), retry_later }
}

static DESCRIPTOR: Descriptor = Descriptor {
    name: "farpay",
    title: "Far Pay",
    api: "one",
    live_base_url: "https://gateway.example",
    takes_payments: true,
    payout_rail: None,
    fee_known_at_capture: true,
    poll_pace_s: 0,
    session_life_s: 3 * 60 * 60,
    build: unbuildable,
};

fn unbuildable(settings: &AccountSettings, _: &Context) -> Result<Arc<dyn Gateway>, BuildError> {
    let (account, key, why) = (settings.name.clone(), "name".into(), "is only for tests".into());
    Err(BuildError::Setting { account, key, why })
}

/// The adapter to the far side.
#[derive(Debug)]
pub struct FarGateway {
    far: Arc<Far>,
    name: String,
    clock: Clock,
}

impl FarGateway {
    fn session(&self, gateway_ref: String) -> PaymentSession {
        PaymentSession {
            gateway_ref: Some(gateway_ref),
            next_action: NextAction::Redirect { url: "https://far.example/approve".into() },
            secrets: GatewaySecrets(b"verifier".to_vec()),
            expires_at: self.clock.now() + TimeDelta::hours(1),
        }
    }

    fn report(&self, request: &PaymentRequest) -> PaymentReport {
        let payments = self.far.payments.lock().unwrap();
        let Some(payment) = payments.get(&request.request_ref) else {
            return PaymentReport::of(ReportKind::NotFound);
        };
        PaymentReport {
            gateway_ref: Some(payment.gateway_ref.clone()),
            request_ref: Some(request.request_ref.clone()),
            account: self.far.account.lock().unwrap().clone(),
            refunds: self.far.refunds.lock().unwrap().clone(),
            ..PaymentReport::of(payment.report.clone())
        }
    }
}

#[async_trait]
impl Gateway for FarGateway {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn account(&self) -> &str {
        &self.name
    }

    fn receiver(&self) -> Option<&str> {
        Some("US")
    }

    fn check_amount(&self, amount: Money) -> Result<(), Unchargeable> {
        match amount.currency().code() {
            "USD" | "SGD" => Ok(()),
            "JPY" if amount.minor() % 100 == 0 => Ok(()),
            "JPY" => {
                let nearest = Money::from_minor(amount.minor() / 100 * 100, amount.currency());
                Err(Unchargeable::Precision { gateway: "farpay", nearest })
            }
            _ => Err(Unchargeable::Currency { gateway: "farpay", currency: amount.currency() }),
        }
    }

    fn currencies(&self) -> Vec<Currency> {
        vec![Currency::find("USD").unwrap()]
    }

    async fn create_payment(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        let fault = self.far.play(Call::Create).await?;
        let gateway_ref = {
            let mut payments = self.far.payments.lock().unwrap();
            let fresh = format!("G-{}", request.request_ref);
            let fresh = FarPayment {
                gateway_ref: fresh,
                amount: request.amount,
                report: ReportKind::RequiresAction,
                takes: 0,
            };
            payments.entry(request.request_ref.clone()).or_insert(fresh).gateway_ref.clone()
        };
        Far::after(fault).await?;
        Ok(self.session(gateway_ref))
    }

    async fn session_again(&self, request: &PaymentRequest) -> Result<Option<PaymentSession>, GatewayError> {
        let again = *self.far.gives_again.lock().unwrap();
        let payments = self.far.payments.lock().unwrap();
        let open = payments.get(&request.request_ref).filter(|_| again);
        Ok(open.map(|payment| self.session(payment.gateway_ref.clone())))
    }

    async fn query_payment(
        &self,
        request: &PaymentRequest,
        _: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        let fault = self.far.play(Call::Query).await?;
        Far::after(fault).await?;
        if self.far.deaf.lock().unwrap().contains(&request.request_ref) {
            return Err(GatewayError::OutcomeUnknown("no answer".into()));
        }
        Ok(self.report(request))
    }

    fn accept_return(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
        parameters: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError> {
        let find = |key: &str| parameters.0.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        if find("state") != Some(&request.request_ref) || find("forged").is_some() {
            return Err(NotificationError::Forged("another payment's state".into()));
        }
        assert!(secrets.0.starts_with(b"verifier"), "the secrets did not come back");
        Ok(Some(GatewaySecrets(b"verifier and code".to_vec())))
    }

    fn return_ref(&self, parameters: &ReturnParameters) -> Option<About> {
        let (_, state) = parameters.0.iter().find(|(name, _)| name == "state")?;
        Some(About::Payment { request_ref: Some(state.clone()), gateway_ref: None })
    }

    async fn complete_payment(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Completed, GatewayError> {
        let fault = self.far.play(Call::Complete).await?;
        assert!(secrets.0.starts_with(b"verifier"), "the secrets did not come back");
        {
            let mut payments = self.far.payments.lock().unwrap();
            let payment = payments.get_mut(&request.request_ref).unwrap();
            if matches!(payment.report, ReportKind::Authorised { .. }) {
                payment.report = capture(&format!("C-{}", request.request_ref), payment.amount);
                payment.takes += 1;
            }
        }
        Far::after(fault).await?;
        Ok(Completed { report: self.report(request), secrets: None })
    }

    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        if *self.far.verifier_down.lock().unwrap() {
            return Err(NotificationError::Unavailable("the certificate host is down".into()));
        }
        if raw.header("signature") != Some(&format!("by {}", self.name)) {
            return Err(NotificationError::Forged("wrong signature".into()));
        }
        let body: serde_json::Value = serde_json::from_slice(raw.body)
            .map_err(|error| NotificationError::Malformed(error.to_string()))?;
        let about = match body["payment"].as_str() {
            Some(payment) => About::Payment { request_ref: Some(payment.to_owned()), gateway_ref: None },
            None => About::Other,
        };
        let stated = body["cents"].as_i64().map(usd);
        Ok(Notification { event_ref: None, event_type: "NEWS".into(), about, stated })
    }

    fn reply(&self, accepted: bool) -> Reply {
        let (status, body) = if accepted { (200, "OK") } else { (401, "NO") };
        Reply { status, content_type: "text/plain", body: body.into() }
    }
}

/// A money side that posts the simplest postings and notes what it was told.
#[derive(Debug)]
pub struct Books {
    ids: IdSource,
    clock: Clock,
    pub told: Mutex<Vec<String>>,
}

impl Books {
    fn post(&self, payment: &Payment, event: JournalEvent, source: &str, postings: Vec<Posting>) -> Change {
        let id = self.ids.mint();
        let now = self.clock.now();
        let transaction =
            LedgerTransaction::try_new(id, payment.merchant, event, source, now, postings).unwrap();
        let mut change = Change::new();
        change.post(transaction.about(payment.id));
        change
    }
}

fn at(code: AccountCode) -> Account {
    Account::new(code, Owner::of("farpay"))
}

#[async_trait]
impl Settles for Books {
    async fn agree(
        &self,
        _: &Merchant,
        _: &GatewayAccount,
        _: Option<&str>,
        _: Money,
        terms: serde_json::Value,
    ) -> Result<serde_json::Value, SettleError> {
        if terms.get("splits").is_some_and(serde_json::Value::is_string) {
            return Err(SettleError::Refused {
                code: "splits_invalid",
                param: Some("splits".into()),
                why: "splits is a list".into(),
            });
        }
        Ok(terms)
    }

    async fn settle(
        &self,
        payment: &Payment,
        _: &GatewayAccount,
        capture: &Capture,
        standing: CaptureStanding,
    ) -> Result<Change, SettleError> {
        let (event, other) = match standing {
            CaptureStanding::Matched | CaptureStanding::Late => {
                (JournalEvent::Captured, AccountCode::ORDER_CLEARING)
            }
            CaptureStanding::SecondOfOrder => (JournalEvent::CapturedTwice, AccountCode::CUSTOMER_REFUNDABLE),
            CaptureStanding::Mismatch => (JournalEvent::CapturedUnmatched, AccountCode::SUSPENSE),
        };
        self.told.lock().unwrap().push(format!("{standing:?} {}", capture.amount));
        let gateway = Posting::debit(at(AccountCode::GATEWAY_BALANCE), capture.amount);
        let postings = vec![gateway, Posting::credit(at(other), capture.amount)];
        Ok(self.post(payment, event, &capture.capture_ref, postings))
    }

    async fn differs(
        &self,
        _: &Payment,
        _: &GatewayAccount,
        why: &Conflict,
        _: &str,
        _: bool,
    ) -> Result<Change, SettleError> {
        self.told.lock().unwrap().push(format!("finding {}", why.as_str()));
        Ok(Change::new())
    }

    async fn expect(
        &self,
        _: &Payment,
        _: &GatewayAccount,
        news: Expectation,
    ) -> Result<Change, SettleError> {
        self.told.lock().unwrap().push(format!("{news:?}"));
        Ok(Change::new())
    }

    async fn action_needed(
        &self,
        _: &Payment,
        _: &GatewayAccount,
        reason: &str,
        _: DateTime<Utc>,
    ) -> Result<Change, SettleError> {
        self.told.lock().unwrap().push(format!("finding {reason}"));
        Ok(Change::new())
    }

    async fn unknown_payment(&self, _: &GatewayAccount, _: &Notice) -> Result<Change, SettleError> {
        self.told.lock().unwrap().push("finding ghost".into());
        Ok(Change::new())
    }

    async fn unknown_outcome(&self, _: &GatewayAccount, intent: &Intent) -> Result<Change, SettleError> {
        self.told.lock().unwrap().push(format!("finding unknown {}", intent.kind.as_str()));
        Ok(Change::new())
    }

    async fn apply_refund_report(
        &self,
        _: &Versioned<Payment>,
        _: &GatewayAccount,
        refund: &RefundReport,
        _: ReportSource,
    ) -> Result<(), SettleError> {
        self.told.lock().unwrap().push(format!("refund {}", refund.refund_ref));
        Ok(())
    }

    async fn apply_dispute_report(
        &self,
        _: &GatewayAccount,
        _: &straits::domain::disputes::DisputeReport,
        _: ReportSource,
    ) -> Result<bool, SettleError> {
        Ok(true)
    }

    async fn apply_money_report(
        &self,
        _: &Versioned<Payment>,
        _: &GatewayAccount,
        _: &MoneyReport,
        _: ReportSource,
    ) -> Result<(), SettleError> {
        Ok(())
    }
}

/// One quote at 50.00 USD, used by whom it says.
#[derive(Debug)]
pub struct OneQuote {
    pub id: QuoteId,
    pub used_by: Mutex<Option<PaymentId>>,
    pub expires_at: DateTime<Utc>,
}

#[async_trait]
impl Quotes for OneQuote {
    async fn take(
        &self,
        _: MerchantId,
        quote: QuoteId,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(Money, Change), QuoteRefused> {
        if quote != self.id {
            return Err(QuoteRefused::Unknown);
        }
        if now >= self.expires_at {
            return Err(QuoteRefused::Expired { at: self.expires_at });
        }
        match *self.used_by.lock().unwrap().get_or_insert(payment) {
            by if by == payment => Ok((usd(5_000), Change::new())),
            by => Err(QuoteRefused::Used { by }),
        }
    }

    async fn redeem(
        &self,
        promised: &Quote,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(Money, Change), QuoteRefused> {
        self.take(promised.merchant, promised.id, payment, now).await
    }

    async fn give_back(
        &self,
        _: QuoteId,
        payment: PaymentId,
        _: DateTime<Utc>,
    ) -> Result<Change, StoreError> {
        let mut used_by = self.used_by.lock().unwrap();
        if *used_by == Some(payment) {
            *used_by = None;
        }
        Ok(Change::new())
    }
}

/// A merchant with one account, and everything around it.
pub struct World {
    pub store: Store,
    pub clock: Clock,
    pub ids: IdSource,
    pub far: Arc<Far>,
    pub books: Arc<Books>,
    pub quote: Arc<OneQuote>,
    pub merchant: Merchant,
    pub account: GatewayAccount,
    pub pay: Pay,
    vault: Vault,
}

impl World {
    pub async fn on(database: &TestDatabase) -> World {
        let store = database.open().await;
        let clock = database.clock.clone();
        let ids = IdSource::random(clock.clone());
        let vault = Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap();
        let books = Books { ids: ids.clone(), clock: clock.clone(), told: Mutex::default() };
        let merchant = Merchant {
            id: ids.mint(),
            name: "Shop".into(),
            role: Role::Agent,
            zone: chrono_tz::UTC,
            recognise: Recognise::Capture,
            return_origins: vec!["https://shop.example".into()],
            tax_jurisdiction: "SG".into(),
            tax_number: None,
        };
        let account = GatewayAccount {
            id: ids.mint(),
            merchant: merchant.id,
            gateway: "farpay".into(),
            name: "farpay".into(),
            funds_flow: FundsFlow::PlatformCollects,
            recharge: Recharge::Actual,
            unreturned_fee: None,
            available_when: AvailableWhen::GatewayAvailable,
            fx_point: FxPoint::Capture,
            settlement: SettlementMode::NetAtCapture,
            holds: vec![],
        };
        let (far, books) = (Arc::new(Far::default()), Arc::new(books));
        let quote = Arc::new(OneQuote {
            id: ids.mint(),
            used_by: Mutex::default(),
            expires_at: clock.now() + TimeDelta::minutes(30),
        });
        let pay = boot(&store, &clock, &ids, &vault, &far, &books, &quote, &account);
        World { store, clock, ids, far, books, quote, merchant, account, pay, vault }
    }

    /// The process died; another one starts and finds what it left. Beside PostgreSQL another instance could still be
    /// alive, so there the leases have to run out first.
    pub fn reboot(&mut self) {
        if self.store.engine() == Engine::Postgres {
            self.clock.advance(TimeDelta::minutes(2));
        }
        self.pay = boot(
            &self.store,
            &self.clock,
            &self.ids,
            &self.vault,
            &self.far,
            &self.books,
            &self.quote,
            &self.account,
        );
    }

    pub fn order(&self, order_ref: &str) -> Start {
        Start {
            id: self.ids.mint(),
            order_ref: order_ref.into(),
            price: Price::Amount(usd(10_000)),
            gateway: "farpay".into(),
            method: None,
            terms: json!({}),
            customer: Default::default(),
            return_url: Some("https://shop.example/thanks?order=1".into()),
            metadata: json!({}),
        }
    }

    pub async fn start(&self, start: Start) -> Result<PaymentView, PayError> {
        self.pay.start(&self.merchant, start, Change::new()).await
    }

    /// A payment the shopper has agreed to.
    pub async fn approved(&self, order_ref: &str) -> PaymentId {
        let payment = self.start(self.order(order_ref)).await.unwrap();
        self.far.approve(payment.id);
        payment.id
    }

    pub async fn hear(&self, payment: PaymentId, nth: usize) -> Result<u16, PayError> {
        let body = json!({ "payment": payment.to_string(), "nth": nth }).to_string();
        self.hear_raw(&body, "by farpay").await
    }

    pub async fn hear_raw(&self, body: &str, signature: &str) -> Result<u16, PayError> {
        let headers = vec![("signature".to_owned(), signature.to_owned())];
        let raw = RawNotification {
            method: "POST",
            path_and_query: "/v1/notifications/farpay",
            headers: &headers,
            body: body.as_bytes(),
            received_at: self.clock.wall(),
        };
        Ok(self.pay.hear("farpay", None, &raw).await?.reply.status)
    }

    pub async fn come_back(&self, payment: PaymentId) -> Result<straits::flows::pay::Landing, PayError> {
        let parameters = ReturnParameters(vec![("state".into(), payment.to_string())]);
        self.pay.come_back("farpay", &parameters).await
    }

    pub async fn view(&self, payment: PaymentId) -> PaymentView {
        self.pay.get(self.merchant.id, payment).await.unwrap()
    }

    pub async fn state(&self, payment: PaymentId) -> &'static str {
        self.view(payment).await.state
    }

    /// What the ledger holds about a payment, oldest first.
    pub async fn booked(&self, payment: PaymentId) -> Vec<String> {
        let filter = TransactionFilter {
            subject: Some(payment.to_string()),
            limit: 100,
            ..TransactionFilter::default()
        };
        let posted = self.store.ledger_transactions(self.merchant.id, &filter).await.unwrap();
        let word = |posted: &PostedTransaction| format!("{} {}", posted.event, posted.source);
        posted.iter().rev().map(word).collect()
    }

    /// The events told about a payment, oldest first.
    pub async fn events(&self, payment: PaymentId) -> Vec<String> {
        let subject = payment.to_string();
        let (events, _) = self.store.events(self.merchant.id, Some(&subject), None, 100).await.unwrap();
        events.into_iter().rev().map(|event| event.kind).collect()
    }

    pub fn told(&self) -> Vec<String> {
        self.books.told.lock().unwrap().clone()
    }

    /// The payment is captured, its money was taken once and is in the books once.
    pub async fn is_captured_once(&self, payment: PaymentId) {
        assert_eq!(self.state(payment).await, "captured");
        assert_eq!(self.far.takes(payment), 1);
        assert_eq!(self.booked(payment).await, [format!("captured C-{payment}")]);
        assert_eq!(self.store.waiting_notices().await.unwrap(), 0);
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one flow")]
fn boot(
    store: &Store,
    clock: &Clock,
    ids: &IdSource,
    vault: &Vault,
    far: &Arc<Far>,
    books: &Arc<Books>,
    quote: &Arc<OneQuote>,
    account: &GatewayAccount,
) -> Pay {
    let gateway = FarGateway { far: far.clone(), name: "farpay".into(), clock: clock.clone() };
    let open =
        OpenAccount { account: account.clone(), gateway: Arc::new(gateway), available: Default::default() };
    let holder = Holder { boot: ids.mint(), alone: store.engine() == Engine::Sqlite };
    let mut parts = Parts::new(
        store.clone(),
        clock.clone(),
        ids.clone(),
        vault.clone(),
        Accounts::new(vec![open]),
        books.clone(),
        quote.clone(),
        holder,
        "https://pay.example".into(),
        false,
    );
    parts.ladders = Arc::new(Ladders::shipped().unwrap());
    Pay::new(parts)
}
