//! One process over a database and a far side that both outlive it, with the real flows and the real money side.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;
use straits::clock::Clock;
use straits::domain::fees::FeeBook;
use straits::domain::fx::FxSettings;
use straits::domain::merchants::{
    AvailableWhen, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role, Supplier,
};
use straits::domain::orders::Holder;
use straits::flows::deliver::Delivering;
use straits::flows::pay::{Accounts, OpenAccount, Parts, Pay, PayError, PaymentView, Price, Start};
use straits::flows::refund::{self, Refunding};
use straits::flows::settle::{self, Settlements};
use straits::gateways::{RawNotification, ReturnParameters};
use straits::ids::{IdSource, PaymentId, RefundId, SupplierId};
use straits::jobs::{Jobs, payment_duties};
use straits::money::Currency;
use straits::rates::RateBook;
use straits::store::merchants::StoredGatewayAccount;
use straits::store::{Change, Engine, Store, TransactionFilter, VerifyOptions};
use straits::vault::Vault;

use super::far::{Far, FarGateway, usd};
use crate::engines::TestDatabase;
use crate::pay_world::OneQuote;

/// What outlives a process besides the database.
#[derive(Clone)]
pub struct Ground {
    pub far: Arc<Far>,
    pub merchant: Merchant,
    pub supplier: SupplierId,
    account: GatewayAccount,
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
            holds: vec![],
        };
        let supplier = Supplier {
            id: ids.mint(),
            merchant: merchant.id,
            name: "A".into(),
            country: "SG".into(),
            currency: Currency::find("USD").unwrap(),
        };
        let stored =
            StoredGatewayAccount { account: account.clone(), public: serde_json::Map::new(), sealed: vec![] };
        let mut change = Change::new();
        change.insert_merchant(&merchant, clock.now());
        change.insert_gateway_account(&stored, clock.now());
        change.insert_supplier(&supplier, clock.now());
        store.commit(change).await.unwrap();
        Ground { far: Arc::default(), supplier: supplier.id, merchant, account }
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
        let ids = IdSource::random(database.clock.clone());
        House::over(database.open().await, database.clock.clone(), ids, ground.clone())
    }

    pub fn over(store: Store, clock: Clock, ids: IdSource, ground: Ground) -> House {
        let settings = FxSettings { sources: vec![], ..FxSettings::default() };
        let rates = Arc::new(RateBook::with_live(&settings, vec![], clock.clone(), ids.clone()).unwrap());
        let settlements = Settlements::new(settle::Parts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            rates: rates.clone(),
            fees: FeeBook::shipped().clone(),
            allow_stale_reference: false,
        });
        let holder = Holder { boot: ids.mint(), alone: store.engine() == Engine::Sqlite };
        let gateway = FarGateway { far: ground.far.clone(), clock: clock.clone() };
        let open = OpenAccount { account: ground.account.clone(), gateway: Arc::new(gateway) };
        let quote = OneQuote { id: ids.mint(), used_by: Mutex::default(), expires_at: clock.now() };
        let pay = Pay::new(Parts::new(
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
        ));
        let refunding = Refunding::new(refund::Parts {
            store: store.clone(),
            ids: ids.clone(),
            pay: pay.clone(),
            settlements,
            rates,
            holder,
            clock: clock.clone(),
        });
        let delivering =
            Delivering { store: store.clone(), ids: ids.clone(), clock: clock.clone(), pay: pay.clone() };
        let jobs = Jobs::new(store.clone(), clock.clone(), ids.clone(), holder, payment_duties(&pay));
        House { store, clock, ids, ground, pay, refunding, delivering, jobs }
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

    /// What a start does about everything that was left open.
    pub async fn recover(&self) {
        self.pay.recover().await.unwrap();
        self.refunding.recover().await.unwrap();
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
