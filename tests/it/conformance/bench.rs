//! What a case works with: the adapter, a far side that can be scripted, and the requests of one payment.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use straits::clock::Clock;
use straits::domain::orders::{MoneyReport, PaymentReport, RefundReport, RefundStatus, ReportKind};
use straits::gateways::{
    AccountSettings, Context, Gateway, GatewayError, GatewaySecrets, NextAction, PaymentRequest,
    PaymentSession, RawNotification, RefundRequest, ReturnParameters, Trust, call, registry,
};
use straits::ids::IdSource;
use straits::money::{Currency, Money};

use super::line::{self, Outcome, Reply, Request};

pub type Case = (&'static str, fn(Bench) -> Pin<Box<dyn Future<Output = ()> + Send>>);

/// The list of a file: each function is a case under its own name.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub const CASES: &[crate::conformance::bench::Case] =
            &[$((stringify!($name), |bench| Box::pin($name(bench)))),*];
    };
}
pub(crate) use cases;

/// Which call of the protocol a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Token,
    Create,
    Query,
    Complete,
    Refund,
    QueryRefund,
    Bill,
    Other,
}

/// How the far side, or the way to it, misbehaves; once.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Never reaches the far side.
    LostOnTheWay,
    /// Takes effect; the connection breaks before the answer.
    AnswerLost,
    /// Takes effect; the answer takes longer than we wait.
    TooSlow,
    /// Takes effect, but this is what comes back.
    Instead(Reply),
    /// Takes effect; the answer ends early.
    CutShort,
    /// Has no effect; this comes back.
    Refused(Reply),
}

/// What the far side names wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Amount,
    Currency,
    Merchant,
}

/// A notice and how it is tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// About the payment.
    Genuine,
    /// About a refund of it.
    Refunded,
    BadSignature,
    NoSignature,
    EmptySignature,
    OtherKey,
    AlteredBody,
    Old,
    Future,
    TwoSignatures,
    OtherMerchant,
    /// Rightly signed, but a member occurs twice.
    DoubledMember,
    /// Rightly signed, but no JSON.
    NoJson,
    /// Rightly signed, nested without end.
    Bottomless,
}

/// A notice that owns its parts.
#[derive(Debug, Clone)]
pub struct Owned {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The far side of one payment.
pub trait FarSide: Send {
    fn call(&self, request: &Request) -> Call;
    fn answer(&mut self, request: &Request) -> Reply;
    /// The shopper opens the address.
    fn browse(&mut self, url: &str);
    /// The shopper agrees; returns what the browser brings back.
    fn approve(&mut self) -> Vec<(String, String)>;
    /// The page lapsed.
    fn lapse(&mut self);
    /// Puts the payment (or its refund) to a state, whatever it was.
    fn put(&mut self, words: &str);
    /// Names something wrongly from now on.
    fn name_wrongly(&mut self, what: Wrong);
    /// The merchant's balance is empty.
    fn empty_balance(&mut self);
    fn payments(&self) -> usize;
    fn captures(&self) -> usize;
    fn refunds(&self) -> usize;
    fn notice(&self, notice: Notice, at: DateTime<Utc>) -> Owned;
    /// Every state, with what the adapter must make of it (see [`told`], [`refund_told`]).
    fn words(&self) -> Vec<(String, &'static str)>;
    /// The states of the adapter's own table.
    fn table(&self) -> Vec<String>;
    /// What was wrong with the requests.
    fn complaints(&self) -> Vec<String>;
    fn left_out(&self, case: &str) -> Option<&'static str>;
    /// The fee the capture names.
    fn fee(&self) -> Option<Money>;
    /// A text of the account that must never be seen in a log.
    fn secrets(&self) -> Vec<String>;
    /// An amount too precise for the gateway and the nearest it takes.
    fn too_precise(&self) -> Option<(Money, Money)>;
    /// A currency the gateway does not take.
    fn foreign(&self) -> Money;
    fn refund_window(&self) -> TimeDelta;
    /// The bill of `n` movements (see `put("bill/n")`) as kind, gross and net.
    fn billed(&self, n: usize) -> Vec<(&'static str, Money, Money)>;
    /// The same day as the gateway's file.
    fn bill_file(&self) -> Vec<u8>;
}

/// One payment, its far side and the adapter.
#[derive(Clone)]
pub struct Bench {
    pub gateway: Arc<dyn Gateway>,
    /// The same account where nobody listens.
    pub unreachable: Arc<dyn Gateway>,
    pub clock: Clock,
    pub amount: Money,
    far: Shared,
    script: Arc<Mutex<Script>>,
}

type Shared = Arc<Mutex<dyn FarSide>>;

#[derive(Default)]
struct Script {
    faults: Vec<(Call, Fault)>,
    counts: BTreeMap<Call, usize>,
}

/// How long a test's client waits.
const PATIENCE: Duration = Duration::from_millis(700);
/// One for all: each would read the machine's roots anew.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| call::client_within(PATIENCE).unwrap());
pub const START_S: i64 = 1_795_000_000;

pub fn money(code: &str, minor: i64) -> Money {
    Money::from_minor(minor, Currency::find(code).unwrap())
}

/// Where the far side listens is known before it is built: it writes its own addresses into its answers.
pub fn open<F: FarSide + 'static>(
    name: &str,
    amount: Money,
    trust: Trust,
    build: impl FnOnce(String, Clock) -> (F, AccountSettings),
) -> Bench {
    let clock = Clock::fixed(DateTime::from_timestamp(START_S, 0).unwrap());
    let context = Context {
        http: HTTP.clone().into(),
        clock: clock.clone(),
        ids: IdSource::seeded(clock.clone(), 7),
        trust,
    };
    let script = Arc::new(Mutex::new(Script::default()));
    let slot: Arc<Mutex<Option<Shared>>> = Arc::default();
    let (scripted, reached) = (script.clone(), slot.clone());
    let address = line::listen(Arc::new(Mutex::new(move |request: Request| {
        let far = reached.lock().unwrap().clone().unwrap();
        let mut far = far.lock().unwrap();
        respond(&mut *far, &scripted, &request)
    })));
    // A mount prefix, as in our own sandbox: paths are signed without it.
    let base = format!("http://{address}/mount/{name}");
    let (far, account) = build(base, clock.clone());
    let far: Shared = Arc::new(Mutex::new(far));
    *slot.lock().unwrap() = Some(far.clone());
    let mut nowhere = account.clone();
    nowhere.public.insert("base_url".into(), format!("http://{}", line::nobody()).into());
    Bench {
        gateway: registry::build(name, &account, &context).unwrap(),
        unreachable: registry::build(name, &nowhere, &context).unwrap(),
        clock,
        amount,
        far,
        script,
    }
}

fn respond(far: &mut dyn FarSide, script: &Mutex<Script>, request: &Request) -> Outcome {
    let call = far.call(request);
    let fault = {
        let mut script = script.lock().unwrap();
        *script.counts.entry(call).or_default() += 1;
        let place = script.faults.iter().position(|(at, _)| *at == call);
        place.map(|place| script.faults.remove(place).1)
    };
    match fault {
        None => Outcome::Answer(far.answer(request)),
        Some(Fault::LostOnTheWay) => Outcome::BreakOff,
        Some(Fault::Refused(reply)) => Outcome::Answer(reply),
        Some(after) => {
            let answer = far.answer(request);
            match after {
                Fault::TooSlow => Outcome::Hang,
                Fault::Instead(reply) => Outcome::Answer(reply),
                Fault::CutShort => Outcome::CutShort(answer),
                _ => Outcome::BreakOff,
            }
        }
    }
}

impl Bench {
    pub fn far(&self) -> MutexGuard<'_, dyn FarSide + 'static> {
        self.far.lock().unwrap()
    }

    /// The next such call goes wrong.
    pub fn fault(&self, call: Call, fault: Fault) {
        self.script.lock().unwrap().faults.push((call, fault));
    }

    /// How often the far side was called.
    pub fn count(&self, call: Call) -> usize {
        self.script.lock().unwrap().counts.get(&call).copied().unwrap_or(0)
    }

    pub fn left_out(&self, case: &str) -> Option<&'static str> {
        self.far().left_out(case)
    }

    pub fn nothing_was_wrong_with_the_requests(&self) {
        let complaints = self.far().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    pub fn request(&self) -> PaymentRequest {
        let ids = IdSource::seeded(self.clock.clone(), 42);
        let payment: straits::ids::PaymentId = ids.mint();
        PaymentRequest {
            payment,
            request_ref: PAYMENT_REF.into(),
            gateway_ref: None,
            amount: self.amount,
            method: None,
            description: "Order 4711, two lanterns".into(),
            return_url: "http://127.0.0.1:9/v1/returns/gateway".into(),
            created_at: DateTime::from_timestamp(START_S, 0).unwrap(),
        }
    }

    pub async fn create(&self) -> Result<(PaymentRequest, PaymentSession), GatewayError> {
        let mut request = self.request();
        let session = self.gateway.create_payment(&request).await?;
        request.gateway_ref.clone_from(&session.gateway_ref);
        if let NextAction::Redirect { url } = &session.next_action {
            self.far().browse(url);
        }
        Ok((request, session))
    }

    /// Created and agreed to; the browser came back.
    pub async fn agreed(&self) -> (PaymentRequest, GatewaySecrets) {
        let (request, session) = self.create().await.unwrap();
        let parameters = ReturnParameters(self.far().approve());
        let secrets = self.gateway.accept_return(&request, &session.secrets, &parameters).unwrap();
        (request, secrets.unwrap_or(session.secrets))
    }

    /// Created, agreed to and taken.
    pub async fn taken(&self) -> (PaymentRequest, GatewaySecrets, String) {
        let (mut request, mut secrets) = self.agreed().await;
        let completed = self.gateway.complete_payment(&request, &secrets).await.unwrap();
        if let Some(kept) = completed.secrets {
            secrets = kept;
        }
        request.gateway_ref = completed.report.gateway_ref.clone().or(request.gateway_ref);
        let ReportKind::Captured(capture) = completed.report.kind else { panic!("{:?}", completed.report) };
        (request, secrets, capture.capture_ref)
    }

    pub async fn query(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        self.gateway.query_payment(request, secrets).await
    }

    pub fn refund(&self, number: u32, capture_ref: &str, amount: Money) -> RefundRequest {
        let ids = IdSource::seeded(self.clock.clone(), 43);
        RefundRequest {
            refund: ids.mint(),
            request_ref: format!("ref_01kaw0000000000000000000{number:02}"),
            refund_ref: None,
            capture_ref: capture_ref.into(),
            amount,
            reason: "one lantern was broken".into(),
        }
    }

    pub fn notice(&self, notice: Notice) -> Owned {
        self.far().notice(notice, self.clock.wall())
    }
}

pub const PAYMENT_REF: &str = "pay_01kaw000000000000000000001";

impl Owned {
    pub fn raw(&self, received_at: DateTime<Utc>) -> RawNotification<'_> {
        RawNotification {
            method: &self.method,
            path_and_query: &self.path,
            headers: &self.headers,
            body: &self.body,
            received_at,
        }
    }
}

/// A report in one word, with what came beside it.
pub fn told(report: &PaymentReport) -> String {
    let mut words = report.kind.as_str().to_owned();
    for money in &report.money {
        words.push_str(match money {
            MoneyReport::Held { .. } => "+held",
            MoneyReport::Released { .. } => "+released",
            MoneyReport::Reversed { .. } => "+reversed",
            MoneyReport::Fee { .. } => "+fee",
        });
    }
    words
}

pub fn refund_told(report: &RefundReport) -> &'static str {
    match report.status {
        RefundStatus::Pending => "pending",
        RefundStatus::Succeeded => "succeeded",
        RefundStatus::Failed { .. } => "failed",
        RefundStatus::AwaitingFunds => "awaiting_funds",
        RefundStatus::Unknown { .. } => "unknown",
    }
}

pub fn captured(report: &PaymentReport) -> &straits::domain::orders::Capture {
    match &report.kind {
        ReportKind::Captured(capture) => capture,
        other => panic!("{other:?}"),
    }
}

pub fn is_unknown<T: std::fmt::Debug>(result: &Result<T, GatewayError>) -> bool {
    matches!(result, Err(GatewayError::OutcomeUnknown(_)))
}

pub fn is_not_sent<T: std::fmt::Debug>(result: &Result<T, GatewayError>) -> bool {
    matches!(result, Err(GatewayError::NotSent(_)))
}
