//! A far side in memory that is told, payment by payment, what it took, and pays back as it is told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::BufRead;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use straits::clock::{Clock, from_micros};
use straits::domain::disputes::{DisputeMovement, DisputeReport, DisputeState, Evidence, MovementKind};
use straits::domain::orders::{
    Capture, Exchanged, MoneyReport, PaymentReport, RefundReport, RefundStatus, ReportKind,
};
use straits::domain::reconciliation::BillLine;
use straits::gateways::bills::{BillError, BillLines, BillPage, Bills, Bookmark, Way, bounds};
use straits::gateways::{
    About, AccountSettings, BuildError, Completed, Context, Descriptor, Disputes, Gateway, GatewayError,
    GatewaySecrets, NextAction, Notification, NotificationError, PaymentRequest, PaymentSession,
    RawNotification, RefundRequest, Refunds, Reply, ReturnParameters, Unchargeable,
};
use straits::ids::PaymentId;
use straits::money::{Currency, Money};
use tokio::sync::Notify;

/// How a call to pay back goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pays {
    /// It never arrives, and we do not know that.
    LostBefore,
    /// It pays, and the answer is lost.
    LostAfter,
    /// It never left us.
    NotSent,
    /// It takes the refund and pays later.
    Later,
    /// Its balance is too small.
    Short,
    /// A definite no.
    Refused(&'static str),
}

#[derive(Debug)]
struct FarPayment {
    report: ReportKind,
    takes: Option<Capture>,
    elsewhere: Vec<RefundReport>,
    money: Vec<MoneyReport>,
}

#[derive(Debug, Default)]
struct State {
    payments: HashMap<String, FarPayment>,
    /// By our reference, each with the payment it belongs to.
    refunds: BTreeMap<String, (String, RefundReport)>,
    plan: VecDeque<Pays>,
    /// By its own id.
    disputes: BTreeMap<String, DisputeReport>,
    /// The answer to the next thing we say in a dispute is lost: after it arrived, or before.
    loses: Option<bool>,
    said: usize,
    fee_returned: Option<Money>,
    calls: usize,
    /// What it changes for every refund.
    exchanged: Option<Exchanged>,
    /// What the far side bills, by day.
    bill: Vec<BillLine>,
    /// The bill breaks off behind its first page.
    bill_breaks: bool,
    /// What it says stands on the account; without it, nothing. An error: it does not answer.
    balances: Option<Result<Vec<Money>, ()>>,
    /// It answers no question.
    silent: bool,
    /// Its answers name no refund that we did not ask about by name.
    lists_no_refunds: bool,
    /// Its bills name captures by other ids.
    renames: bool,
    /// What it was asked or told to do, in order.
    asked: Vec<&'static str>,
    /// What the answer to the next refund waits for.
    gate: Option<Arc<Notify>>,
}

/// The far side.
#[derive(Debug, Default)]
pub struct Far(Mutex<State>);

impl Far {
    /// The shopper agrees, and completing the payment will take this.
    pub fn approve(&self, id: PaymentId, capture: Capture) {
        let mut state = self.0.lock().unwrap();
        let payment = state.payments.get_mut(&id.to_string()).unwrap();
        payment.report = ReportKind::Authorised { amount: None };
        payment.takes = Some(capture);
    }

    /// From now on it says this.
    pub fn say(&self, id: PaymentId, report: ReportKind) {
        self.0.lock().unwrap().payments.get_mut(&id.to_string()).unwrap().report = report;
    }

    /// Somebody paid back at the far side itself.
    pub fn refund_elsewhere(&self, id: PaymentId, refund_ref: &str, amount: Money) {
        let report = RefundReport {
            refund_ref: refund_ref.into(),
            request_ref: None,
            amount,
            fee_returned: None,
            exchanged: None,
            status: RefundStatus::Succeeded,
            at: from_micros(1_795_000_000_000_000),
        };
        self.0.lock().unwrap().payments.get_mut(&id.to_string()).unwrap().elsewhere.push(report);
    }

    /// From now on it changes this for every refund, and says so.
    pub fn exchanges(&self, exchanged: Option<Exchanged>) {
        self.0.lock().unwrap().exchanged = exchanged;
    }

    /// From now on its answers about payments name no refunds.
    pub fn list_no_refunds(&self) {
        self.0.lock().unwrap().lists_no_refunds = true;
    }

    /// From now on its bills name captures otherwise than its answers.
    pub fn rename_captures(&self) {
        self.0.lock().unwrap().renames = true;
    }

    /// Another fact of money comes with the next answers.
    pub fn tell_money(&self, id: PaymentId, report: MoneyReport) {
        self.0.lock().unwrap().payments.get_mut(&id.to_string()).unwrap().money.push(report);
    }

    /// A dispute stands like this from now on.
    pub fn tell_dispute(&self, report: DisputeReport) {
        self.0.lock().unwrap().disputes.insert(report.gateway_ref.clone(), report);
    }

    /// The answer to the next thing we say in a dispute is lost.
    pub fn loses_answer(&self, arrived: bool) {
        self.0.lock().unwrap().loses = Some(arrived);
    }

    /// How often we said something in a dispute.
    pub fn said(&self) -> usize {
        self.0.lock().unwrap().said
    }

    /// Something is said in a dispute.
    fn hear(&self, dispute: &str, change: impl FnOnce(&mut DisputeReport)) -> Result<(), GatewayError> {
        let mut state = self.0.lock().unwrap();
        state.said += 1;
        let loses = state.loses.take();
        if loses != Some(false) {
            change(state.disputes.get_mut(dispute).unwrap());
        }
        loses.map_or(Ok(()), |_| Err(GatewayError::OutcomeUnknown("no answer".into())))
    }

    /// The next refunds go like this, in turn; those after them go well.
    pub fn plan(&self, plan: &[Pays]) {
        self.0.lock().unwrap().plan.extend(plan);
    }

    /// The next refund is paid at once, and what we hear of the call comes when this is notified.
    pub fn holds_answer(&self) -> Arc<Notify> {
        self.0.lock().unwrap().gate.insert(Arc::default()).clone()
    }

    /// The next refund gives this much of the fee back.
    pub fn returns_fee(&self, fee: Money) {
        self.0.lock().unwrap().fee_returned = Some(fee);
    }

    /// Refunds under way are paid out.
    pub fn pay_out(&self) {
        for (_, refund) in self.0.lock().unwrap().refunds.values_mut() {
            refund.status = RefundStatus::Succeeded;
        }
    }

    /// Refunds under way come to nothing.
    pub fn give_up(&self, code: &str) {
        let mut state = self.0.lock().unwrap();
        let open = state.refunds.values_mut().filter(|(_, refund)| refund.status == RefundStatus::Pending);
        open.for_each(|(_, refund)| refund.status = RefundStatus::Failed { code: code.into() });
    }

    /// The far side bills this too.
    pub fn bill(&self, line: BillLine) {
        self.0.lock().unwrap().bill.push(line);
    }

    /// Its bill is written anew.
    pub fn bill_anew(&self) {
        self.0.lock().unwrap().bill.clear();
    }

    /// It answers no question from now on, or does.
    pub fn be_silent(&self, silent: bool) {
        self.0.lock().unwrap().silent = silent;
    }

    /// What it was asked or told to do since the last time, in order: `query…`, and everything else moves something.
    pub fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn question(&self, what: &'static str) -> Result<(), GatewayError> {
        let mut state = self.0.lock().unwrap();
        state.asked.push(what);
        let silent = || GatewayError::OutcomeUnknown("it does not answer".into());
        (!state.silent).then_some(()).ok_or_else(silent)
    }

    /// What it says stands on the account from now on, or that it does not answer.
    pub fn tell_balances(&self, balances: Result<Vec<Money>, ()>) {
        self.0.lock().unwrap().balances = Some(balances);
    }

    /// The next bills end in the middle, or do not.
    pub fn break_bills(&self, breaks: bool) {
        self.0.lock().unwrap().bill_breaks = breaks;
    }

    /// How often it was asked to pay back.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// What it really paid back, refund by refund, in minor units.
    pub fn paid_back(&self) -> Vec<i64> {
        let state = self.0.lock().unwrap();
        let paid = state.refunds.values().filter(|(_, refund)| refund.status == RefundStatus::Succeeded);
        paid.map(|(_, refund)| refund.amount.minor()).collect()
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

/// The adapter to the far side.
#[derive(Debug)]
pub struct FarGateway {
    pub far: Arc<Far>,
    pub name: String,
    pub clock: Clock,
}

impl FarGateway {
    fn report(&self, request: &PaymentRequest) -> PaymentReport {
        let state = self.far.0.lock().unwrap();
        let Some(payment) = state.payments.get(&request.request_ref) else {
            return PaymentReport::of(ReportKind::NotFound);
        };
        let own = state.refunds.values().filter(|(payment, _)| *payment == request.request_ref);
        let own = own.map(|(_, refund)| refund.clone());
        PaymentReport {
            gateway_ref: Some(format!("G-{}", request.request_ref)),
            request_ref: Some(request.request_ref.clone()),
            refunds: own
                .chain(payment.elsewhere.iter().cloned())
                .filter(|_| !state.lists_no_refunds)
                .collect(),
            money: payment.money.clone(),
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

    fn check_amount(&self, _: Money) -> Result<(), Unchargeable> {
        Ok(())
    }

    fn currencies(&self) -> Vec<Currency> {
        ["USD", "SGD"].map(|code| Currency::find(code).unwrap()).into()
    }

    async fn create_payment(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        let fresh =
            FarPayment { report: ReportKind::RequiresAction, takes: None, elsewhere: vec![], money: vec![] };
        self.far.0.lock().unwrap().payments.insert(request.request_ref.clone(), fresh);
        Ok(PaymentSession {
            gateway_ref: Some(format!("G-{}", request.request_ref)),
            next_action: NextAction::Redirect { url: "https://far.example/approve".into() },
            secrets: GatewaySecrets(b"verifier".to_vec()),
            expires_at: self.clock.now() + TimeDelta::hours(1),
        })
    }

    async fn query_payment(
        &self,
        request: &PaymentRequest,
        _: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        self.far.question("query_payment")?;
        Ok(self.report(request))
    }

    fn accept_return(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
        _: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError> {
        Ok(None)
    }

    fn return_ref(&self, _: &ReturnParameters) -> Option<About> {
        None
    }

    async fn complete_payment(
        &self,
        request: &PaymentRequest,
        _: &GatewaySecrets,
    ) -> Result<Completed, GatewayError> {
        {
            let mut state = self.far.0.lock().unwrap();
            state.asked.push("complete");
            let payment = state.payments.get_mut(&request.request_ref).unwrap();
            if let Some(capture) = payment.takes.take() {
                payment.report = ReportKind::Captured(capture);
            }
        }
        Ok(Completed { report: self.report(request), secrets: None })
    }

    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        let body: serde_json::Value = serde_json::from_slice(raw.body)
            .map_err(|error| NotificationError::Malformed(error.to_string()))?;
        if let Some(dispute) = body["dispute"].as_str() {
            let about = About::Dispute { dispute_ref: dispute.into() };
            return Ok(Notification { event_ref: None, event_type: "DISPUTE".into(), about, stated: None });
        }
        let about = About::Payment {
            request_ref: body["payment"].as_str().map(str::to_owned),
            gateway_ref: body["order"].as_str().map(str::to_owned),
        };
        Ok(Notification { event_ref: None, event_type: "NEWS".into(), about, stated: None })
    }

    fn reply(&self, accepted: bool) -> Reply {
        let (status, body) = if accepted { (200, "OK") } else { (401, "NO") };
        Reply { status, content_type: "text/plain", body: body.into() }
    }

    fn refunds(&self) -> Option<&dyn Refunds> {
        Some(self)
    }

    fn disputes(&self) -> Option<&dyn Disputes> {
        Some(self)
    }

    fn bills(&self) -> Option<&dyn Bills> {
        Some(self)
    }
}

#[async_trait]
impl Disputes for FarGateway {
    async fn query_dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, GatewayError> {
        self.far.question("query_dispute")?;
        Ok(self.far.0.lock().unwrap().disputes.get(dispute_ref).cloned())
    }

    async fn changed_since(&self, since: DateTime<Utc>) -> Result<Vec<String>, GatewayError> {
        let state = self.far.0.lock().unwrap();
        let changed = state.disputes.values().filter(|dispute| dispute.updated_at > since);
        Ok(changed.map(|dispute| dispute.gateway_ref.clone()).collect())
    }

    async fn provide_evidence(
        &self,
        dispute_ref: &str,
        reference: &str,
        evidence: &Evidence,
    ) -> Result<(), GatewayError> {
        self.far.0.lock().unwrap().asked.push("provide_evidence");
        let (notes, now) = (format!("{} [{reference}]", evidence.notes), self.clock.now());
        self.far.hear(dispute_ref, |dispute| {
            dispute.answers.push(notes);
            dispute.state = Some(DisputeState::UnderReview);
            dispute.updated_at = now;
        })
    }

    async fn accept_claim(&self, dispute_ref: &str, _: &str) -> Result<(), GatewayError> {
        let now = self.clock.now();
        self.far.hear(dispute_ref, |dispute| {
            dispute.state = Some(DisputeState::Accepted);
            dispute.held = false;
            let (kind, amount) = (MovementKind::Taken, dispute.amount);
            dispute.movements.push(DisputeMovement { kind, amount, at: now });
            dispute.updated_at = now;
        })
    }
}

#[async_trait]
impl Bills for FarGateway {
    fn zone(&self) -> Tz {
        Tz::UTC
    }

    fn way(&self) -> Way {
        Way::Pages
    }

    fn renames_captures(&self) -> bool {
        self.far.0.lock().unwrap().renames
    }

    /// Whatever the file says, it has every line that was billed.
    fn read<'a>(&'a self, _: Box<dyn BufRead + Send + 'a>) -> BillLines<'a> {
        let lines = self.far.0.lock().unwrap().bill.clone();
        Box::new(lines.into_iter().map(Ok))
    }

    async fn balances(&self) -> Result<Option<Vec<Money>>, GatewayError> {
        let told = self.far.0.lock().unwrap().balances.clone();
        told.transpose().map_err(|()| GatewayError::OutcomeUnknown("it does not answer".into()))
    }

    async fn page(&self, day: NaiveDate, _: Option<Bookmark>) -> Result<BillPage, BillError> {
        let state = self.far.0.lock().unwrap();
        if state.bill_breaks {
            return Err(BillError::Trailer("it ends in the middle".into()));
        }
        let (from, until) = bounds(day, Tz::UTC);
        let lines = state.bill.iter().filter(|line| (from..until).contains(&line.at)).cloned().collect();
        Ok(BillPage { lines, next: None })
    }
}

#[async_trait]
impl Refunds for FarGateway {
    fn tells_of_all(&self) -> bool {
        !self.far.0.lock().unwrap().lists_no_refunds
    }

    async fn refund(
        &self,
        payment: &PaymentRequest,
        _: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError> {
        let answer = self.pay_back(payment, request);
        let gate = self.far.0.lock().unwrap().gate.take();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        answer
    }

    async fn query_refund(
        &self,
        _: &PaymentRequest,
        _: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<Option<RefundReport>, GatewayError> {
        self.far.question("query_refund")?;
        let state = self.far.0.lock().unwrap();
        Ok(state.refunds.get(&request.request_ref).map(|(_, report)| report.clone()))
    }
}

impl FarGateway {
    fn pay_back(
        &self,
        payment: &PaymentRequest,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError> {
        let mut state = self.far.0.lock().unwrap();
        state.asked.push("refund");
        state.calls += 1;
        let way = state.plan.pop_front();
        let lost = || GatewayError::OutcomeUnknown("no answer".into());
        let known = state.refunds.get(&request.request_ref).map(|(_, known)| known.clone());
        let mut report = known.unwrap_or(RefundReport {
            refund_ref: format!("R-{}", request.request_ref),
            request_ref: Some(request.request_ref.clone()),
            amount: request.amount,
            fee_returned: state.fee_returned.take(),
            exchanged: state.exchanged,
            status: RefundStatus::Succeeded,
            at: self.clock.now(),
        });
        match way {
            Some(Pays::LostBefore) => return Err(lost()),
            Some(Pays::NotSent) => return Err(GatewayError::NotSent("no connection".into())),
            Some(Pays::Refused(code)) => {
                let (code, message) = (code.to_owned(), "no".to_owned());
                return Err(GatewayError::Refused { code, message, retry_later: false });
            }
            Some(Pays::Short) => return Ok(RefundReport { status: RefundStatus::AwaitingFunds, ..report }),
            Some(Pays::Later) => report.status = RefundStatus::Pending,
            Some(Pays::LostAfter) | None => {}
        }
        state.refunds.insert(request.request_ref.clone(), (payment.request_ref.clone(), report.clone()));
        if way == Some(Pays::LostAfter) { Err(lost()) } else { Ok(report) }
    }
}
