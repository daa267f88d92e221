//! One process over a database and a far side that both outlive it, with the real flows and the real money side.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;
use straits::banks::camt053;
use straits::clock::{Clock, from_micros};
use straits::domain::fees::FeeBook;
use straits::domain::fx::FxSettings;
use straits::domain::merchants::{
    AvailableWhen, BankAccount, BankAccountKind, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge,
    Recognise, Role, SettlementMode, Supplier,
};
use straits::domain::orders::{Holder, Ladders};
use straits::domain::treasury::Tables;
use straits::domain::withholding::{TaxRules, TaxTable};
use straits::flows::catch_up::CatchingUp;
use straits::flows::deliver::Delivering;
use straits::flows::deposits::{Deposits, StatementFile};
use straits::flows::onboard::seal_details;
use straits::flows::pay::{Accounts, OpenAccount, Parts, Pay, PayError, PaymentView, Price, Start};
use straits::flows::pay_out::{self, PayingOut};
use straits::flows::reconcile::{self, Reconciling};
use straits::flows::refund::{self, Refunding};
use straits::flows::settle::{self, Settlements};
use straits::flows::webhooks::{self, Door, NewEndpoint, Reach, SystemNames, Webhooks};
use straits::flows::withholding::Withholding;
use straits::gateways::{Payouts, RawNotification, ReturnParameters};
use straits::ids::{IdSource, PaymentId, RefundId, SupplierId};
use straits::jobs::{Jobs, payment_duties};
use straits::money::Currency;
use straits::rates::RateBook;
use straits::store::bank_accounts::StoredBankAccount;
use straits::store::findings::FindingFilter;
use straits::store::merchants::StoredGatewayAccount;
use straits::store::outbox::EventReader;
use straits::store::{Change, Engine, Seek, Store, TransactionFilter, VerifyOptions};
use straits::vault::Vault;

use super::ear::Ear;
use super::far::{Far, FarGateway, usd};
use crate::engines::TestDatabase;
use crate::pay_out::far::FarRail;
use crate::pay_out::world::rules;
use crate::pay_world::OneQuote;

/// What outlives a process besides the database.
#[derive(Clone)]
pub struct Ground {
    pub far: Arc<Far>,
    pub merchant: Merchant,
    pub supplier: SupplierId,
    /// What is withheld from it.
    pub withholding: TaxRules,
    /// In the order of their making, whichever process makes them.
    ids: IdSource,
    account: GatewayAccount,
    pub ear: Arc<Ear>,
    pub rail: Arc<FarRail>,
    /// Where bills lie while they are read.
    folder: Arc<tempfile::TempDir>,
}

impl Ground {
    /// A merchant with one account and one supplier, who recognises revenue on delivery.
    pub async fn lay(store: &Store, clock: &Clock, ids: &IdSource) -> Ground {
        let merchant = Merchant {
            id: ids.mint(),
            name: "Straits Traders".into(),
            role: Role::Agent,
            zone: chrono_tz::UTC,
            recognise: Recognise::Delivered,
            return_origins: vec![],
            tax_jurisdiction: "SG".into(),
            tax_number: None,
        };
        let account = GatewayAccount {
            id: ids.mint(),
            merchant: merchant.id,
            gateway: "paypal".into(),
            name: "paypal".into(),
            funds_flow: FundsFlow::PlatformCollects,
            recharge: Recharge::Actual,
            unreturned_fee: None,
            available_when: AvailableWhen::GatewayAvailable,
            fx_point: FxPoint::Capture,
            settlement: SettlementMode::NetAtCapture,
            holds: vec![],
        };
        let supplier = Supplier {
            id: ids.mint(),
            merchant: merchant.id,
            name: "A".into(),
            country: "PH".into(),
            currency: Currency::find("USD").unwrap(),
            tax_number: None,
            contacts: Default::default(),
        };
        let stored =
            StoredGatewayAccount { account: account.clone(), public: serde_json::Map::new(), sealed: vec![] };
        let mut change = Change::new();
        change.insert_merchant(&merchant, clock.now());
        change.insert_gateway_account(&stored, clock.now());
        change.insert_supplier(&supplier, clock.now());
        store.commit(change).await.unwrap();
        Ground {
            far: Arc::default(),
            supplier: supplier.id,
            withholding: TaxRules::appointed(TaxTable::shipped(), &["BIR".to_owned()]).unwrap(),
            ids: ids.clone(),
            merchant,
            account,
            ear: Arc::new(Ear::open()),
            rail: FarRail::new(clock, 10),
            folder: Arc::new(tempfile::tempdir().unwrap()),
        }
    }
}

/// A running process.
pub struct House {
    pub store: Store,
    pub clock: Clock,
    pub ids: IdSource,
    pub ground: Ground,
    pub pay: Pay,
    pub refunding: Refunding,
    pub delivering: Delivering,
    pub jobs: Jobs,
    pub reconciling: Reconciling,
    pub webhooks: Webhooks,
    pub paying_out: PayingOut,
    pub deposits: Deposits,
    pub vault: Vault,
}

impl House {
    /// The first process on a ground of its own.
    pub async fn found(database: &TestDatabase) -> House {
        let store = database.open().await;
        let ids = IdSource::random(database.clock.clone());
        let ground = Ground::lay(&store, &database.clock, &ids).await;
        House::over(store, database.clock.clone(), ids, ground)
    }

    /// The process after one that died. Beside PostgreSQL another instance could still be alive: there the leases of the
    /// dead one have to run out first.
    pub async fn again(database: &TestDatabase, ground: &Ground) -> House {
        if database.engine() == Engine::Postgres {
            database.tick(TimeDelta::minutes(3));
        }
        House::over(database.open().await, database.clock.clone(), ground.ids.clone(), ground.clone())
    }

    pub fn over(store: Store, clock: Clock, ids: IdSource, ground: Ground) -> House {
        let settings = FxSettings { sources: vec![], ..FxSettings::default() };
        let rates = Arc::new(RateBook::with_live(&settings, vec![], clock.clone(), ids.clone()).unwrap());
        let withholding = Withholding {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            rules: Arc::new(ground.withholding.clone()),
        };
        let settlements = Settlements::new(settle::Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            rates: rates.clone(),
            fees: FeeBook::shipped().clone(),
            fee_tolerance: "5".parse().unwrap(),
            allow_stale_reference: false,
            withholding: withholding.clone(),
        });
        let holder = Holder { boot: ids.mint(), alone: store.engine() == Engine::Sqlite };
        let gateway = FarGateway { far: ground.far.clone(), clock: clock.clone() };
        let open = OpenAccount {
            account: ground.account.clone(),
            gateway: Arc::new(gateway),
            available: Default::default(),
        };
        let quote = OneQuote { id: ids.mint(), used_by: Mutex::default(), expires_at: clock.now() };
        let mut parts = Parts::new(
            store.clone(),
            clock.clone(),
            ids.clone(),
            Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap(),
            Accounts::new(vec![open]),
            Arc::new(settlements.clone()),
            Arc::new(quote),
            holder,
            "https://pay.example".into(),
            false,
        );
        parts.ladders = Arc::new(Ladders::shipped().unwrap());
        let pay = Pay::new(parts);
        let webhooks = Webhooks::new(webhooks::Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            vault: Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap(),
            holder,
            door: Door::open(
                Reach { loopback: true, ports: vec![443] },
                Arc::new(SystemNames),
                Duration::from_secs(5),
                vec![],
            )
            .unwrap(),
        });
        let refunding = Refunding::new(refund::Parts {
            store: store.clone(),
            ids: ids.clone(),
            pay: pay.clone(),
            settlements: settlements.clone(),
            holder,
            clock: clock.clone(),
        });
        let deposits = Deposits { store: store.clone(), ids: ids.clone(), clock: clock.clone() };
        let reconciling = Reconciling::new(reconcile::Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            pay: pay.clone(),
            settlements: settlements.clone(),
            refunding: refunding.clone(),
            deposits: deposits.clone(),
            folder: ground.folder.path().to_owned(),
        });
        let delivering =
            Delivering { store: store.clone(), ids: ids.clone(), clock: clock.clone(), pay: pay.clone() };
        let jobs = Jobs::new(store.clone(), clock.clone(), ids.clone(), holder, payment_duties(&pay));
        let rail: Arc<dyn Payouts> = ground.rail.clone();
        let paying_out = PayingOut::new(pay_out::Parts {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            vault: Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap(),
            pay: pay.clone(),
            settlements,
            holder,
            rates,
            tables: Arc::new(Tables::shipped()),
            rules: rules(),
            withholding,
            debtor_address: Default::default(),
            rails: BTreeMap::from([("paypal_payouts".to_owned(), rail)]),
        });
        let vault = Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap();
        House {
            paying_out,
            deposits,
            vault,
            store,
            clock,
            ids,
            ground,
            pay,
            refunding,
            delivering,
            jobs,
            reconciling,
            webhooks,
        }
    }

    /// Asks for USD 100.00, of which the supplier gets all but the platform's tenth and the fee.
    pub async fn start(&self, id: PaymentId, order_ref: &str) -> Result<PaymentView, PayError> {
        let terms = json!({
            "splits": [{"supplier": self.ground.supplier, "share": {"remainder": true}}],
            "fee_bearer": "suppliers", "platform_fee": {"percent": "10"},
        });
        let start = Start {
            id,
            order_ref: order_ref.into(),
            price: Price::Amount(usd(10_000)),
            gateway: "paypal".into(),
            method: None,
            terms,
            customer: Default::default(),
            return_url: None,
            metadata: json!({}),
        };
        self.pay.start(&self.ground.merchant, start, Change::new()).await
    }

    /// A payment the shopper agreed to.
    pub async fn approved(&self) -> PaymentId {
        let id = self.ids.mint();
        self.start(id, &format!("order-{id}")).await.unwrap();
        self.ground.far.approve(id);
        id
    }

    /// A payment whose money was taken and divided.
    pub async fn captured(&self) -> PaymentId {
        let id = self.approved().await;
        self.come_back(id).await;
        assert_eq!(self.state(id).await, "captured");
        id
    }

    pub async fn come_back(&self, payment: PaymentId) {
        let parameters = ReturnParameters(vec![("state".into(), payment.to_string())]);
        self.pay.come_back("paypal", &parameters).await.unwrap();
    }

    /// The far side's notice about a payment; the same each time.
    pub async fn hear(&self, payment: PaymentId) {
        let body = json!({ "payment": payment }).to_string();
        let raw = RawNotification {
            method: "POST",
            path_and_query: "/v1/notifications/paypal",
            headers: &[],
            body: body.as_bytes(),
            received_at: self.clock.wall(),
        };
        assert_eq!(self.pay.hear("paypal", None, &raw).await.unwrap().reply.status, 200);
    }

    pub async fn refund(&self, payment: PaymentId, id: RefundId) {
        let input =
            serde_json::from_value(json!({"amount": {"amount": "40.00", "currency": "USD"}})).unwrap();
        self.refunding.request(self.ground.merchant.id, payment, id, &input, Change::new()).await.unwrap();
    }

    /// What a restored database has before it.
    pub fn catching_up(&self) -> CatchingUp {
        CatchingUp { store: self.store.clone(), pay: self.pay.clone(), refunding: self.refunding.clone() }
    }

    /// What a start does about everything that was left open.
    pub async fn recover(&self) {
        self.pay.recover().await.unwrap();
        self.refunding.recover().await.unwrap();
        self.paying_out.recover().await.unwrap();
    }

    /// The bill of the day on which the far side takes everything is read.
    pub async fn reconcile(&self) {
        let open = self.pay.accounts().find(self.ground.account.id).unwrap();
        let day = from_micros(1_795_000_000_000_000).date_naive();
        let run = self.reconciling.day(open, day).await.unwrap();
        assert_eq!((run.state.as_str(), run.detail), ("done", None));
    }

    /// The merchant has an account at a bank.
    pub async fn banks(&self) {
        let account = BankAccount {
            id: self.ids.mint(),
            merchant: self.ground.merchant.id,
            name: "dbs".into(),
            kind: BankAccountKind::Client,
            currency: "SGD".parse().unwrap(),
            country: "SG".into(),
            address: None,
            bic: None,
            hint: "2345".into(),
            sweeps: vec![],
            created_at: self.clock.now(),
        };
        let number = "0039012345".to_owned();
        let sealed = seal_details(&self.vault, account.id, &number.into(), None).unwrap();
        let mut change = Change::new();
        change.insert_bank_account(&StoredBankAccount { account, sealed });
        self.store.commit(change).await.unwrap();
    }

    /// A statement of three credits, two of them alike.
    pub async fn read_statement(&self) {
        let entry = |amount: &str| {
            format!(
                "<Ntry><Amt Ccy=\"SGD\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
                 <BookgDt><Dt>2026-11-18</Dt></BookgDt></Ntry>"
            )
        };
        let text = format!(
            "<Document><BkToCstmrStmt><Stmt><Id>J1</Id><Acct><Id><Othr><Id>0039012345</Id></Othr></Id>\
             <Ccy>SGD</Ccy></Acct>{}{}{}</Stmt></BkToCstmrStmt></Document>",
            entry("20.00"),
            entry("20.00"),
            entry("5.00")
        );
        let read = camt053::read(text.as_bytes()).unwrap();
        let file = StatementFile::new("camt053", text.as_bytes(), read, None);
        let merchant = self.ground.merchant.id;
        let read = self.deposits.read_statements(&self.vault, merchant, &file, Change::new()).await.unwrap();
        assert!(read.iter().all(|statement| statement.read_at.is_some()));
    }

    /// Each line of it was taken once, and each is asked about.
    pub async fn statement_is_read(&self) {
        let read = self.store.bank_statements(self.ground.merchant.id, Seek::Start, 10).await.unwrap();
        let [statement] = read.as_slice() else { panic!("{read:?}") };
        assert!(statement.read_at.is_some());
        let lines = self.store.bank_lines_of(statement.id, 10).await.unwrap();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(self.findings().await, ["bank_unexplained"; 3]);
        self.read_statement().await;
        assert_eq!(self.store.bank_lines_of(statement.id, 10).await.unwrap().len(), 3);
    }

    /// The merchant wants to hear of everything.
    pub async fn listens(&self) {
        let (id, url) = (self.ids.mint(), self.ground.ear.url.clone());
        let new = NewEndpoint { id, url, description: String::new(), events: vec![] };
        self.webhooks.create(self.ground.merchant.id, new, Change::new()).await.unwrap();
    }

    /// Everything that is due is told.
    pub async fn tell(&self) {
        self.webhooks.run_due(Duration::from_secs(20)).await.unwrap();
    }

    /// How many events there are of this merchant.
    pub async fn events(&self) -> usize {
        self.store
            .events_from(self.ground.merchant.id, EventReader::Office, Seek::Start, 100)
            .await
            .unwrap()
            .len()
    }

    /// The kinds of this merchant's findings.
    pub async fn findings(&self) -> Vec<&'static str> {
        let found = self
            .store
            .findings(self.ground.merchant.id, FindingFilter::default(), Seek::Start, 100)
            .await
            .unwrap();
        found.iter().map(|finding| finding.kind.as_str()).collect()
    }

    /// How often the merchant's ledger holds an event.
    pub async fn booked_in_all(&self, event: &str) -> usize {
        let filter = TransactionFilter { limit: 100, ..TransactionFilter::default() };
        let posted = self.store.ledger_transactions(self.ground.merchant.id, &filter).await.unwrap();
        posted.iter().filter(|transaction| transaction.event.to_string() == event).count()
    }

    pub async fn state(&self, id: PaymentId) -> &'static str {
        self.store.payment(id).await.unwrap().unwrap().value.state.as_str()
    }

    /// The words a payment's timeline says of its state, none a step back.
    pub async fn never_goes_back(&self, payment: PaymentId) {
        const ORDER: [&[&str]; 7] = [
            &["created"],
            &["requires_action"],
            &["pending"],
            &["authorized"],
            &["captured", "failed", "cancelled", "expired"],
            &["partially_refunded"],
            &["refunded"],
        ];
        let told = self.store.timeline(payment).await.unwrap();
        let rank = |state: &str| ORDER.iter().position(|rank| rank.contains(&state)).unwrap();
        let ranks: Vec<usize> = told.iter().map(|entry| rank(&entry.state)).collect();
        assert!(ranks.is_sorted(), "{:?}", told.iter().map(|entry| &entry.state).collect::<Vec<_>>());
    }

    /// How often the ledger holds an event about a payment.
    pub async fn booked(&self, payment: PaymentId, event: &str) -> usize {
        let filter = TransactionFilter {
            subject: Some(payment.to_string()),
            limit: 100,
            ..TransactionFilter::default()
        };
        let posted = self.store.ledger_transactions(self.ground.merchant.id, &filter).await.unwrap();
        posted.iter().filter(|transaction| transaction.event.to_string() == event).count()
    }

    /// Every sum, balance and block.
    pub async fn verified(&self) {
        let options = VerifyOptions { full: true, expected: None };
        let seen = self.store.verify(&options).await.unwrap();
        let faults: Vec<_> = seen.checks.iter().filter(|check| !check.ok).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
