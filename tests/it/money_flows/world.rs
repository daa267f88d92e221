//! A merchant with a real book, real fee rules and a real money side, a far side in memory and a bank that quotes when
//! it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use fx_providers::{
    Answer, Code, Kind, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};
use secrecy::SecretString;
use serde_json::json;
use straits::clock::Clock;
use straits::domain::access::Hand;
use straits::domain::disputes::{Dispute, DisputeMovement, DisputeReport, DisputeState, MovementKind};
use straits::domain::fees::FeeBook;
use straits::domain::findings::{Action, Finding, FindingKind, Wish};
use straits::domain::fx::FxSettings;
use straits::domain::journals::{Journal, Template};
use straits::domain::ledger::{AccountBalance, Direction, Layer, PostedTransaction};
use straits::domain::merchants::{
    AvailableWhen, FeeOwner, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role,
    SettlementMode, Supplier,
};
use straits::domain::orders::refund::Refund;
use straits::domain::orders::{Capture, Holder, Payment};
use straits::domain::periods::CloseLimits;
use straits::domain::refunds::Allocation;
use straits::domain::withholding::TaxRules;
use straits::flows::client_money::ClientMoneyCheck;
use straits::flows::close_period::ClosePeriod;
use straits::flows::deliver::Delivering;
use straits::flows::deposits::Deposits;
use straits::flows::dispute::Disputing;
use straits::flows::findings::{ResolveError, Resolving};
use straits::flows::fx_book::FxBook;
use straits::flows::issue_statement::Statements;
use straits::flows::journals::{JournalFlowError, Journals};
use straits::flows::pay::{Accounts, OpenAccount, Parts, Pay, Price, Start};
use straits::flows::reconcile::{self, Reconciling};
use straits::flows::refund::{self, RefundFlowError, RefundInput, Refunding};
use straits::flows::release::Releasing;
use straits::flows::settle::{self, Settlements};
use straits::flows::withholding::Withholding;
use straits::gateways::RawNotification;
use straits::ids::{IdSource, PaymentId, SupplierId, UserId};
use straits::money::{Currency, Money, Rate};
use straits::rates::RateBook;
use straits::store::findings::FindingFilter;
use straits::store::merchants::StoredGatewayAccount;
use straits::store::{Change, Engine, Seek, Store, TransactionFilter, VerifyOptions};
use straits::vault::Vault;

use super::far::{Far, FarGateway};
use crate::pay_world::OneQuote;

pub fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, Currency::find(currency).unwrap()).unwrap()
}

/// A capture as PayPal tells it.
pub fn taken(capture_ref: &str, amount: &str, currency: &str, fee: &str) -> Capture {
    Capture {
        capture_ref: capture_ref.into(),
        amount: money(amount, currency),
        fee: Some(money(fee, currency)),
        receivable: None,
        payer_country: None,
        at: straits::clock::from_micros(1_795_000_000_000_000),
    }
}

/// The same, converted by the gateway.
pub fn converted(capture: Capture, received: Money, rate: &str) -> Capture {
    let rate = Rate::parse(capture.amount.currency(), received.currency(), rate).unwrap();
    Capture { receivable: Some((received, rate)), ..capture }
}

/// Euro rates of a bank that says nothing until it is told.
#[derive(Debug, Default)]
pub struct Bank(Mutex<Vec<(&'static str, &'static str)>>);

#[async_trait]
impl RateSource for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    async fn fetch(
        &self,
        _: Window,
        _: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let rates: BTreeMap<_, _> = self
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|(code, rate)| (Code::parse(code).unwrap(), rate.parse().unwrap()))
            .collect();
        let set = RateSet {
            provider: "bank",
            base: Code::EUR,
            quoted: Quoted::UnitsPerBase,
            as_of: now,
            published_at: now,
            fetched_at: now,
            kind: Kind::Reference,
            schedule: Schedule::NextAt(now + TimeDelta::days(1)),
            rates,
        };
        Ok(Answer::Sets { sets: vec![set], body: b"as told".to_vec(), validator: None, notices: Vec::new() })
    }
}

/// What a story may choose.
pub struct Setup {
    pub recognise: Recognise,
    pub unreturned_fee: Option<FeeOwner>,
    pub holds: &'static [&'static str],
    pub fees: FeeBook,
    /// What is withheld from suppliers.
    pub withholding: TaxRules,
    /// Where suppliers are.
    pub country: &'static str,
    /// The merchant's zone.
    pub zone: chrono_tz::Tz,
    /// The currency each supplier settles in: A, then B.
    pub suppliers: [&'static str; 2],
    /// What the gateway account is besides.
    pub account: fn(&mut GatewayAccount),
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            recognise: Recognise::Capture,
            unreturned_fee: None,
            holds: &[],
            fees: FeeBook::shipped().clone(),
            withholding: TaxRules::default(),
            country: "SG",
            zone: chrono_tz::UTC,
            suppliers: ["USD", "USD"],
            account: |_| {},
        }
    }
}

/// One posting as the scenario file writes it: side, account, amount, currency.
pub type Line = (String, String, String, String);

pub struct World {
    pub store: Store,
    pub clock: Clock,
    pub ids: IdSource,
    pub far: Arc<Far>,
    pub merchant: Merchant,
    pub suppliers: [SupplierId; 2],
    pub maker: UserId,
    pub checker: UserId,
    pub pay: Pay,
    pub settlements: Settlements,
    pub refunding: Refunding,
    pub resolving: Resolving,
    pub disputing: Disputing,
    pub client_money: ClientMoneyCheck,
    pub journals: Journals,
    pub close_period: ClosePeriod,
    pub delivering: Delivering,
    pub reconciling: Reconciling,
    pub statements: Statements,
    pub deposits: Deposits,
    pub fx_book: FxBook,
    pub releasing: Releasing,
    pub withholding: Withholding,
    pub vault: Vault,
    pub account: GatewayAccount,
    bank: Arc<Bank>,
    pub rates: Arc<RateBook>,
}

impl World {
    pub async fn on(store: &Store, clock: &Clock, setup: Setup) -> World {
        let (store, clock) = (store.clone(), clock.clone());
        let ids = IdSource::random(clock.clone());
        let merchant = Merchant {
            id: ids.mint(),
            name: "Straits Traders".into(),
            role: Role::Agent,
            zone: setup.zone,
            recognise: setup.recognise,
            return_origins: vec![],
            tax_jurisdiction: "SG".into(),
            tax_number: None,
        };
        let mut account = GatewayAccount {
            id: ids.mint(),
            merchant: merchant.id,
            gateway: "paypal".into(),
            name: "paypal".into(),
            funds_flow: FundsFlow::PlatformCollects,
            recharge: Recharge::Actual,
            unreturned_fee: setup.unreturned_fee,
            available_when: AvailableWhen::GatewayAvailable,
            fx_point: FxPoint::Capture,
            settlement: SettlementMode::NetAtCapture,
            holds: setup.holds.iter().map(|code| Currency::find(code).unwrap()).collect(),
        };
        (setup.account)(&mut account);
        let suppliers: [SupplierId; 2] = [ids.mint(), ids.mint()];
        let mut change = Change::new();
        change.insert_merchant(&merchant, clock.now());
        let stored =
            StoredGatewayAccount { account: account.clone(), public: serde_json::Map::new(), sealed: vec![] };
        change.insert_gateway_account(&stored, clock.now());
        for ((id, name), currency) in suppliers.into_iter().zip(["A", "B"]).zip(setup.suppliers) {
            let supplier = Supplier {
                id,
                merchant: merchant.id,
                name: name.into(),
                country: setup.country.into(),
                currency: Currency::find(currency).unwrap(),
                tax_number: None,
                contacts: Default::default(),
            };
            change.insert_supplier(&supplier, clock.now());
        }
        store.commit(change).await.unwrap();
        let bank = Arc::new(Bank::default());
        let settings = FxSettings { sources: vec![], ..FxSettings::default() };
        let rates = RateBook::with_live(&settings, vec![bank.clone()], clock.clone(), ids.clone()).unwrap();
        let rates = Arc::new(rates);
        let withholding = Withholding {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            rules: Arc::new(setup.withholding),
        };
        let settlements = Settlements::new(settle::Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            rates: rates.clone(),
            fees: setup.fees,
            fee_tolerance: "5".parse().unwrap(),
            allow_stale_reference: false,
            withholding: withholding.clone(),
        });
        let far = Arc::new(Far::default());
        let holder = Holder { boot: ids.mint(), alone: store.engine() == Engine::Sqlite };
        let gateway = FarGateway { far: far.clone(), name: account.name.clone(), clock: clock.clone() };
        let open = OpenAccount {
            account: account.clone(),
            gateway: Arc::new(gateway),
            available: Default::default(),
        };
        let quote = OneQuote { id: ids.mint(), used_by: Mutex::default(), expires_at: clock.now() };
        let vault = Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap();
        let pay = Pay::new(Parts::new(
            store.clone(),
            clock.clone(),
            ids.clone(),
            vault.clone(),
            Accounts::new(vec![open]),
            Arc::new(settlements.clone()),
            Arc::new(quote),
            holder,
            "https://pay.example".into(),
            false,
        ));
        let refunding = Refunding::new(refund::Parts {
            store: store.clone(),
            ids: ids.clone(),
            pay: pay.clone(),
            settlements: settlements.clone(),
            holder,
            clock: clock.clone(),
        });
        let deposits = Deposits { store: store.clone(), ids: ids.clone(), clock: clock.clone() };
        let fx_book = FxBook {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            rates: rates.clone(),
            deposits: deposits.clone(),
        };
        let resolving = Resolving {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            pay: pay.clone(),
            settlements: settlements.clone(),
            refunding: refunding.clone(),
            deposits: deposits.clone(),
        };
        let releasing = Releasing {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            accounts: pay.accounts().clone(),
            withholding: withholding.clone(),
            settlements: settlements.clone(),
        };
        let disputing = Disputing {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            pay: pay.clone(),
            settlements: settlements.clone(),
        };
        let client_money = ClientMoneyCheck { store: store.clone(), ids: ids.clone(), clock: clock.clone() };
        let journals = Journals { store: store.clone(), ids: ids.clone(), clock: clock.clone() };
        let reconciling = Reconciling::new(reconcile::Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            pay: pay.clone(),
            settlements: settlements.clone(),
            refunding: refunding.clone(),
            deposits: deposits.clone(),
            folder: std::env::temp_dir().join("straits-bills"),
        });
        let close_period = ClosePeriod {
            reconciling: reconciling.clone(),
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            statements: Statements::new(store.clone(), clock.clone(), ids.clone()),
            client_money: client_money.clone(),
            limits: CloseLimits { unexplained_minor: 0, transit_days: 3, open_findings: 0 },
        };
        let delivering =
            Delivering { store: store.clone(), ids: ids.clone(), clock: clock.clone(), pay: pay.clone() };
        let statements = Statements::new(store.clone(), clock.clone(), ids.clone());
        let (maker, checker) = (ids.mint(), ids.mint());
        World {
            store,
            clock,
            ids,
            far,
            merchant,
            suppliers,
            maker,
            checker,
            pay,
            settlements,
            refunding,
            resolving,
            disputing,
            client_money,
            journals,
            close_period,
            delivering,
            reconciling,
            statements,
            deposits,
            fx_book,
            releasing,
            withholding,
            vault,
            account,
            bank,
            rates,
        }
    }

    /// The bank quotes, one euro against each of these.
    pub async fn quote(&self, rates: &[(&'static str, &'static str)]) {
        *self.bank.0.lock().unwrap() = rates.to_vec();
        assert!(self.rates.refresh().await);
    }

    /// Starts a payment; suppliers in the terms are letters.
    pub async fn start(&self, order_ref: &str, amount: Money, terms: &str) -> PaymentId {
        self.start_by(None, order_ref, amount, terms).await
    }

    /// The same by a method of the gateway.
    pub async fn start_by(
        &self,
        method: Option<&str>,
        order_ref: &str,
        amount: Money,
        terms: &str,
    ) -> PaymentId {
        let mut terms = terms.to_owned();
        for (letter, id) in ["A", "B"].into_iter().zip(self.suppliers) {
            terms = terms.replace(&format!("\"{letter}\""), &format!("\"{id}\""));
        }
        let start = Start {
            id: self.ids.mint(),
            order_ref: order_ref.into(),
            price: Price::Amount(amount),
            gateway: self.account.gateway.clone(),
            method: method.map(str::to_owned),
            terms: serde_json::from_str(&terms).unwrap(),
            customer: Default::default(),
            return_url: None,
            metadata: json!({}),
        };
        self.pay.start(&self.merchant, start, Change::new()).await.unwrap().id
    }

    /// A payment from its start to the far side's notice that it took this.
    pub async fn paid(&self, order_ref: &str, amount: Money, terms: &str, capture: Capture) -> PaymentId {
        let id = self.start(order_ref, amount, terms).await;
        self.far.approve(id, capture);
        self.hear(id).await;
        id
    }

    /// The far side has news about a payment.
    pub async fn hear(&self, payment: PaymentId) {
        let nonce: PaymentId = self.ids.mint();
        let body = json!({ "payment": payment, "nonce": nonce }).to_string();
        let raw = RawNotification {
            method: "POST",
            path_and_query: "/v1/notifications/paypal",
            headers: &[],
            body: body.as_bytes(),
            received_at: self.clock.wall(),
        };
        assert_eq!(self.pay.hear(&self.account.gateway, None, &raw).await.unwrap().reply.status, 200);
    }

    /// The far side has news about a dispute.
    pub async fn hear_dispute(&self, report: DisputeReport) {
        let (dispute, nonce) = (report.gateway_ref.clone(), self.ids.mint::<PaymentId>());
        self.far.tell_dispute(report);
        let body = json!({ "dispute": dispute, "nonce": nonce }).to_string();
        let raw = RawNotification {
            method: "POST",
            path_and_query: "/v1/notifications/paypal",
            headers: &[],
            body: body.as_bytes(),
            received_at: self.clock.wall(),
        };
        assert_eq!(self.pay.hear("paypal", None, &raw).await.unwrap().reply.status, 200);
    }

    /// The dispute about a payment; the only one.
    pub async fn dispute(&self, payment: PaymentId) -> Dispute {
        let mut disputes = self.store.disputes_of(payment).await.unwrap();
        assert_eq!(disputes.len(), 1);
        disputes.remove(0).value
    }

    /// The maker drafts a journal; suppliers in the template are letters.
    pub async fn draft(&self, template: &str, value_date: Option<&str>) -> Result<Journal, JournalFlowError> {
        let mut text = template.to_owned();
        for (letter, id) in ["A", "B"].into_iter().zip(self.suppliers) {
            text = text.replace(&format!("\"{letter}\""), &format!("\"{id}\""));
        }
        let template: Template = serde_json::from_str(&text).unwrap();
        let (id, date) = (self.ids.mint(), value_date.map(|date| date.parse().unwrap()));
        let merchant = self.merchant.id;
        self.journals.draft(merchant, self.maker, id, &template, "by hand", date, Change::new()).await
    }

    /// A user's word on a draft.
    pub async fn decide(
        &self,
        user: UserId,
        journal: &Journal,
        yes: bool,
    ) -> Result<Journal, JournalFlowError> {
        self.journals.decide(self.merchant.id, Hand::own(user), journal.id, yes, Change::new()).await
    }

    /// Drafted and booked.
    pub async fn booked(&self, template: &str) -> Journal {
        let journal = self.draft(template, None).await.unwrap();
        self.decide(self.checker, &journal, true).await.unwrap()
    }

    pub async fn sync(&self, payment: PaymentId) {
        self.pay.sync(self.merchant.id, payment).await.unwrap();
    }

    pub async fn payment(&self, id: PaymentId) -> Payment {
        self.store.payment(id).await.unwrap().unwrap().value
    }

    pub async fn state(&self, id: PaymentId) -> &'static str {
        self.payment(id).await.state.as_str()
    }

    /// Asks for a refund.
    pub async fn refund(&self, payment: PaymentId, input: &str) -> Result<Refund, RefundFlowError> {
        let mut input = input.to_owned();
        for (letter, id) in ["A", "B"].into_iter().zip(self.suppliers) {
            input = input.replace(&format!("\"{letter}\""), &format!("\"{id}\""));
        }
        let input: RefundInput = serde_json::from_str(&input).unwrap();
        let id = self.ids.mint();
        self.refunding.request(self.merchant.id, payment, id, &input, Change::new()).await
    }

    /// The findings that stand open.
    pub async fn findings(&self) -> Vec<Finding> {
        let all =
            self.store.findings(self.merchant.id, FindingFilter::default(), Seek::Start, 100).await.unwrap();
        all.into_iter().filter(|finding| finding.state.as_str() != "resolved").collect()
    }

    pub async fn finding(&self, kind: FindingKind) -> Finding {
        let findings = self.findings().await;
        findings.iter().find(|finding| finding.kind == kind).unwrap_or_else(|| panic!("{findings:?}")).clone()
    }

    /// One user's word.
    pub async fn word(
        &self,
        user: UserId,
        finding: &Finding,
        action: Action,
    ) -> Result<Finding, ResolveError> {
        self.word_in_parts(user, finding, action, &[]).await
    }

    /// One user's word on how it is divided.
    pub async fn word_in_parts(
        &self,
        user: UserId,
        finding: &Finding,
        action: Action,
        parts: &[Allocation],
    ) -> Result<Finding, ResolveError> {
        self.wish(user, finding, Wish { allocation: parts, ..action.into() }).await
    }

    /// One user's word, whatever it names.
    pub async fn wish(
        &self,
        user: UserId,
        finding: &Finding,
        wish: Wish<'_>,
    ) -> Result<Finding, ResolveError> {
        let (merchant, hand) = (self.merchant.id, Hand::own(user));
        self.resolving.resolve(merchant, hand, finding.id, wish, "looked at it", Change::new()).await
    }

    /// Both users give the money to a payment.
    pub async fn give(&self, finding: &Finding, payment: PaymentId) -> Result<Finding, ResolveError> {
        let wish = Wish { payment: Some(payment), ..Action::Adopt.into() };
        let proposed = self.wish(self.maker, finding, wish).await?;
        assert_eq!(proposed.state.as_str(), "proposed");
        self.word(self.checker, finding, Action::Adopt).await
    }

    /// Both users agree.
    pub async fn resolve(&self, finding: &Finding, action: Action) -> Finding {
        let proposed = self.word(self.maker, finding, action).await.unwrap();
        assert_eq!(proposed.state.as_str(), "proposed");
        self.word(self.checker, finding, action).await.unwrap()
    }

    /// Every transaction, oldest first.
    pub async fn transactions(&self) -> Vec<PostedTransaction> {
        let filter = TransactionFilter { limit: 200, ..TransactionFilter::default() };
        let mut posted = self.store.ledger_transactions(self.merchant.id, &filter).await.unwrap();
        assert!(posted.len() < 200);
        posted.reverse();
        posted
    }

    /// Every account of the book.
    pub async fn balances(&self) -> Vec<AccountBalance> {
        let all = self.store.ledger_accounts(self.merchant.id, Seek::Start, 500).await.unwrap();
        all.into_iter().filter(|row| row.layer == Layer::Posted).collect()
    }

    /// Accounts that are not at zero: `2100[A] USD` and debits less credits.
    pub async fn standing(&self) -> BTreeMap<String, String> {
        let rows = self.balances().await;
        let rows = rows.iter().filter(|row| !row.debit_minus_credit.is_zero());
        rows.map(|row| {
            let balance = row.debit_minus_credit;
            (
                format!("{} {}", self.lettered(&row.account.to_string()), balance.currency()),
                balance.amount().to_string(),
            )
        })
        .collect()
    }

    /// The accounts stand like this, and all others at zero.
    pub async fn stands(&self, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(account, balance)| ((*account).into(), (*balance).into())).collect();
        assert_eq!(self.standing().await, expected);
    }

    /// Suppliers by their letters.
    pub fn lettered(&self, text: &str) -> String {
        let named = text.replace(&self.suppliers[0].to_string(), "A");
        named.replace(&self.suppliers[1].to_string(), "B")
    }

    pub fn lines(&self, transaction: &PostedTransaction) -> Vec<Line> {
        let line = |entry: &straits::domain::ledger::PostedEntry| {
            let side = if entry.direction == Direction::Debit { "Dr" } else { "Cr" };
            let account = self.lettered(&entry.account.to_string());
            let amount = entry.amount;
            (side.into(), account, amount.amount().to_string(), amount.currency().code().into())
        };
        let mut lines: Vec<Line> = transaction.entries.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// `verify --full` finds nothing.
    pub async fn verified(&self) {
        let options = VerifyOptions { full: true, expected: None };
        let verification = self.store.verify(&options).await.unwrap();
        let faults: Vec<_> = verification.checks.iter().filter(|check| !check.ok).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

/// A complaint about a capture, as the far side first tells it: nothing held, nothing taken.
pub fn complaint(payment: PaymentId, capture_ref: &str, amount: Money, at: DateTime<Utc>) -> DisputeReport {
    DisputeReport {
        gateway_ref: format!("PP-D-{capture_ref}"),
        capture_ref: capture_ref.into(),
        request_ref: Some(payment.to_string()),
        amount,
        reason: "MERCHANDISE_OR_SERVICE_NOT_RECEIVED".into(),
        stage: Some("INQUIRY".into()),
        state: Some(DisputeState::NeedsResponse),
        word: "WAITING_FOR_SELLER_RESPONSE".into(),
        deadline: Some(at + TimeDelta::days(10)),
        held: false,
        movements: vec![],
        answers: vec![],
        opened_at: at,
        updated_at: at,
    }
}

/// The same, with a movement more.
pub fn moved(report: &DisputeReport, kind: MovementKind, amount: Money) -> DisputeReport {
    let mut report = report.clone();
    report.updated_at += TimeDelta::seconds(1);
    report.movements.push(DisputeMovement { kind, amount, at: report.updated_at });
    report
}

/// The same, decided.
pub fn decided(report: &DisputeReport, state: DisputeState) -> DisputeReport {
    let updated_at = report.updated_at + TimeDelta::seconds(1);
    DisputeReport { state: Some(state), word: "RESOLVED".into(), held: false, updated_at, ..report.clone() }
}
