//! A far side that outlives every process of ours: it keeps what it was asked and what it moved, and it notes whoever
//! asks twice for what was done already.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::TimeDelta;
use straits::clock::{Clock, from_micros};
use straits::domain::orders::{Capture, MoneyReport, PaymentReport, RefundReport, RefundStatus, ReportKind};
use straits::domain::reconciliation::{BillKind, BillLine, LineFacts, LineHash, LineStatus};
use straits::gateways::bills::{BillError, BillLines, BillPage, Bills, Bookmark, Way};
use straits::gateways::{
    About, AccountSettings, BuildError, Completed, Context, Descriptor, Gateway, GatewayError,
    GatewaySecrets, NextAction, Notification, NotificationError, PaymentRequest, PaymentSession,
    RawNotification, RefundRequest, Refunds, Reply, ReturnParameters, Unchargeable,
};
use straits::ids::PaymentId;
use straits::money::{Currency, Money};

pub fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

/// The far side's books.
#[derive(Debug, Default)]
pub struct Truth {
    payments: BTreeMap<String, FarPayment>,
    /// Money given back, by our reference or its own name.
    pub refunds: BTreeMap<String, RefundReport>,
    /// Which payment each is of.
    refund_of: BTreeMap<String, String>,
    /// Fees it charged apart.
    fees: Vec<(String, MoneyReport)>,
    /// Every movement it made, by name: `take pay_…`, `give ref_…`.
    pub moved: Vec<String>,
    /// Calls for what was done already.
    pub repeats: Vec<String>,
    /// What it was asked, in order: `create`, `query`, `complete`, `refund`, `query_refund`.
    pub asked: Vec<&'static str>,
    /// It will not have the shopper's money.
    pub refuses: bool,
    /// It answers no question.
    pub silent: bool,
    /// Of its questions about payments every so many-th stays without an answer.
    pub deaf: Option<usize>,
    /// Money on the account that is no payment's.
    pub strange: Option<Money>,
    /// So many calls for a refund never arrive, and we know it.
    pub unreachable: usize,
}

#[derive(Debug)]
struct FarPayment {
    amount: Money,
    report: ReportKind,
}

/// It, shared by every process that talks to it.
#[derive(Debug, Default)]
pub struct Far(Mutex<Truth>);

impl Far {
    pub fn truth(&self) -> MutexGuard<'_, Truth> {
        self.0.lock().unwrap()
    }

    pub fn knows(&self, id: PaymentId) -> bool {
        self.truth().payments.contains_key(&id.to_string())
    }

    /// The shopper agrees.
    pub fn approve(&self, id: PaymentId) {
        let mut truth = self.truth();
        truth.payments.get_mut(&id.to_string()).unwrap().report = ReportKind::Authorised { amount: None };
    }

    /// The shopper pays and the money is taken at once, without a call of ours.
    pub fn takes(&self, id: PaymentId) {
        let mut truth = self.truth();
        truth.moved.push(format!("take {id}"));
        let payment = truth.payments.get_mut(&id.to_string()).unwrap();
        payment.report = ReportKind::Captured(capture(&id.to_string(), payment.amount));
    }

    /// Somebody gives money back at the far side itself.
    pub fn gives_back_itself(&self, id: PaymentId, refund_ref: &str, amount: Money) {
        let report = RefundReport {
            refund_ref: refund_ref.into(),
            request_ref: None,
            amount,
            fee_returned: None,
            exchanged: None,
            status: RefundStatus::Succeeded,
            at: from_micros(1_795_000_000_000_000),
        };
        let mut truth = self.truth();
        truth.refund_of.insert(refund_ref.to_owned(), id.to_string());
        truth.refunds.insert(refund_ref.to_owned(), report);
    }

    /// It charges a fee apart from the capture.
    pub fn charges_apart(&self, id: PaymentId, amount: Money) {
        let at = from_micros(1_795_000_000_000_000);
        let fee = MoneyReport::Fee { reference: format!("FEE-{id}"), amount, at };
        self.truth().fees.push((id.to_string(), fee));
    }

    /// How often the money of a payment was taken.
    pub fn takings(&self, id: PaymentId) -> usize {
        let name = format!("take {id}");
        self.truth().moved.iter().filter(|moved| **moved == name).count()
    }

    /// How often a refund of ours was paid.
    pub fn givings(&self, reference: &str) -> usize {
        let name = format!("give {reference}");
        self.truth().moved.iter().filter(|moved| **moved == name).count()
    }
}

fn capture(reference: &str, amount: Money) -> Capture {
    Capture {
        capture_ref: format!("CAP-{reference}"),
        amount,
        fee: Some(usd(490)),
        receivable: None,
        payer_country: None,
        at: from_micros(1_795_000_000_000_000),
    }
}

static DESCRIPTOR: Descriptor = Descriptor {
    name: "paypal",
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

/// One process's adapter to it.
#[derive(Debug)]
pub struct FarGateway {
    pub far: Arc<Far>,
    pub clock: Clock,
}

impl FarGateway {
    fn asked(&self, what: &'static str) -> MutexGuard<'_, Truth> {
        let mut truth = self.far.truth();
        truth.asked.push(what);
        truth
    }

    fn session(&self, reference: &str) -> PaymentSession {
        PaymentSession {
            gateway_ref: Some(format!("G-{reference}")),
            next_action: NextAction::Redirect { url: "https://far.example/approve".into() },
            secrets: GatewaySecrets(b"verifier".to_vec()),
            expires_at: self.clock.now() + TimeDelta::hours(1),
        }
    }

    fn report(truth: &Truth, reference: &str) -> PaymentReport {
        let Some(payment) = truth.payments.get(reference) else {
            return PaymentReport::of(ReportKind::NotFound);
        };
        PaymentReport {
            gateway_ref: Some(format!("G-{reference}")),
            request_ref: Some(reference.to_owned()),
            refunds: truth
                .refunds
                .iter()
                .filter(|(name, _)| truth.refund_of.get(*name).is_some_and(|of| of == reference))
                .map(|(_, refund)| refund.clone())
                .collect(),
            money: truth.fees.iter().filter(|(of, _)| of == reference).map(|(_, fee)| fee.clone()).collect(),
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
        "paypal"
    }

    fn check_amount(&self, _: Money) -> Result<(), Unchargeable> {
        Ok(())
    }

    fn currencies(&self) -> Vec<Currency> {
        vec![Currency::find("USD").unwrap()]
    }

    async fn create_payment(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        let mut truth = self.asked("create");
        let reference = request.request_ref.clone();
        if truth.payments.contains_key(&reference) {
            truth.repeats.push(format!("create {reference}"));
        }
        let fresh = FarPayment { amount: request.amount, report: ReportKind::RequiresAction };
        truth.payments.entry(reference.clone()).or_insert(fresh);
        Ok(self.session(&reference))
    }

    async fn session_again(&self, request: &PaymentRequest) -> Result<Option<PaymentSession>, GatewayError> {
        let known = self.far.truth().payments.contains_key(&request.request_ref);
        Ok(known.then(|| self.session(&request.request_ref)))
    }

    async fn query_payment(
        &self,
        request: &PaymentRequest,
        _: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        let truth = self.asked("query");
        let asked = truth.asked.iter().filter(|asked| **asked == "query").count();
        if truth.silent || truth.deaf.is_some_and(|each| asked.is_multiple_of(each)) {
            return Err(GatewayError::OutcomeUnknown("no answer".into()));
        }
        Ok(FarGateway::report(&truth, &request.request_ref))
    }

    fn accept_return(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
        _: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError> {
        Ok(Some(GatewaySecrets(b"verifier and code".to_vec())))
    }

    fn return_ref(&self, parameters: &ReturnParameters) -> Option<About> {
        let (_, state) = parameters.0.iter().find(|(name, _)| name == "state")?;
        Some(About::Payment { request_ref: Some(state.clone()), gateway_ref: None })
    }

    async fn prepare_completion(
        &self,
        _: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Option<GatewaySecrets>, GatewayError> {
        Ok((secrets.0 != b"token").then(|| GatewaySecrets(b"token".to_vec())))
    }

    async fn complete_payment(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Completed, GatewayError> {
        assert_eq!(secrets.0, b"token", "money is asked for with what was stored before");
        let mut truth = self.asked("complete");
        let reference = &request.request_ref;
        if truth.refuses {
            let (code, message) = ("DECLINED".to_owned(), "no".to_owned());
            return Err(GatewayError::Refused { code, message, retry_later: false });
        }
        let payment = truth.payments.get_mut(reference).unwrap();
        if matches!(payment.report, ReportKind::Authorised { .. }) {
            payment.report = ReportKind::Captured(capture(reference, payment.amount));
            truth.moved.push(format!("take {reference}"));
        } else {
            truth.repeats.push(format!("complete {reference}"));
        }
        Ok(Completed { report: FarGateway::report(&truth, reference), secrets: None })
    }

    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        let body: serde_json::Value = serde_json::from_slice(raw.body)
            .map_err(|error| NotificationError::Malformed(error.to_string()))?;
        let about =
            About::Payment { request_ref: body["payment"].as_str().map(str::to_owned), gateway_ref: None };
        Ok(Notification { event_ref: None, event_type: "NEWS".into(), about, stated: None })
    }

    fn reply(&self, accepted: bool) -> Reply {
        let (status, body) = if accepted { (200, "OK") } else { (401, "NO") };
        Reply { status, content_type: "text/plain", body: body.into() }
    }

    fn refunds(&self) -> Option<&dyn Refunds> {
        Some(self)
    }

    fn bills(&self) -> Option<&dyn Bills> {
        Some(self)
    }
}

#[async_trait]
impl Bills for FarGateway {
    fn zone(&self) -> chrono_tz::Tz {
        chrono_tz::UTC
    }

    fn way(&self) -> Way {
        Way::Pages
    }

    fn read<'a>(&'a self, _: Box<dyn std::io::BufRead + Send + 'a>) -> BillLines<'a> {
        Box::new(std::iter::once(Err(BillError::Absent)))
    }

    /// Everything that was ever taken, and what is strange.
    async fn page(&self, _: chrono::NaiveDate, _: Option<Bookmark>) -> Result<BillPage, BillError> {
        let truth = self.asked("bill");
        let taken = truth.payments.iter().filter_map(|(ours, payment)| match &payment.report {
            ReportKind::Captured(capture) => {
                Some(line(&capture.capture_ref, Some(ours), payment.amount, capture.fee))
            }
            _ => None,
        });
        let strange = truth.strange.iter().map(|amount| line("STRANGE", None, *amount, None));
        Ok(BillPage { lines: taken.chain(strange).collect(), next: None })
    }
}

fn line(gateway_ref: &str, ours: Option<&String>, gross: Money, fee: Option<Money>) -> BillLine {
    let hash = ring_of(gateway_ref);
    BillLine::try_new(LineFacts {
        gateway_ref: gateway_ref.to_owned(),
        related_ref: None,
        our_ref: ours.cloned(),
        payer_country: None,
        kind: BillKind::Payment,
        status: LineStatus::Settled,
        gross,
        fee: fee.unwrap_or(usd(0)),
        tax: usd(0),
        at: from_micros(1_795_000_000_000_000),
        account: "far".into(),
        hash,
    })
    .unwrap()
}

/// Another line, another hash; what a real one is of is the gateway's own bytes.
fn ring_of(text: &str) -> LineHash {
    let mut bytes = [0; 32];
    for (place, byte) in text.bytes().enumerate() {
        bytes[place % 32] ^= byte;
    }
    LineHash(bytes)
}

#[async_trait]
impl Refunds for FarGateway {
    fn tells_of_all(&self) -> bool {
        true
    }

    async fn refund(
        &self,
        payment: &PaymentRequest,
        _: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError> {
        let mut truth = self.asked("refund");
        if truth.unreachable > 0 {
            truth.unreachable -= 1;
            return Err(GatewayError::NotSent("no connection".into()));
        }
        let reference = &request.request_ref;
        if let Some(known) = truth.refunds.get(reference).cloned() {
            truth.repeats.push(format!("refund {reference}"));
            return Ok(known);
        }
        let report = RefundReport {
            refund_ref: format!("R-{reference}"),
            request_ref: Some(reference.clone()),
            amount: request.amount,
            fee_returned: None,
            exchanged: None,
            status: RefundStatus::Succeeded,
            at: self.clock.now(),
        };
        truth.moved.push(format!("give {reference}"));
        truth.refund_of.insert(reference.clone(), payment.request_ref.clone());
        truth.refunds.insert(reference.clone(), report.clone());
        Ok(report)
    }

    async fn query_refund(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<Option<RefundReport>, GatewayError> {
        let truth = self.asked("query_refund");
        if truth.silent {
            return Err(GatewayError::OutcomeUnknown("no answer".into()));
        }
        Ok(truth.refunds.get(&request.request_ref).cloned())
    }
}
