//! What the benches have in common: databases to write into, what a settlement writes, what the machine can do.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use straits::clock::Clock;
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::domain::orders::{Customer, Payment, PaymentState, ReportSource, Taken, TimelineEntry};
use straits::ids::{GatewayAccountId, IdSource, MerchantId, PaymentId, SupplierId};
use straits::money::{Currency, Money};
use straits::store::inbox::{Notice, Settled};
use straits::store::outbox::Event;
use straits::store::settlements::SettlementRecord;
use straits::store::{Change, Environment, StoreOptions};

/// A database for one run; it goes away with it.
pub struct Database {
    pub name: &'static str,
    pub url: String,
    admin: Option<String>,
    pub folder: tempfile::TempDir,
}

impl Database {
    pub fn sqlite() -> Database {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/straits.db", folder.path().display());
        Database { name: "SQLite", url, admin: None, folder }
    }

    /// On the server that `STRAITS_TEST_POSTGRES` names.
    pub async fn postgres() -> Option<Database> {
        let admin = std::env::var("STRAITS_TEST_POSTGRES").ok()?;
        sqlx::any::install_default_drivers();
        let name =
            format!("straits_bench_{}_{}", std::process::id(), Clock::system().wall().timestamp_micros());
        let mut connection = AnyConnection::connect(&admin).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let mut url = url::Url::parse(&admin).unwrap();
        url.set_path(&name);
        let folder = tempfile::tempdir().unwrap();
        Some(Database { name: "PostgreSQL", url: url.to_string(), admin: Some(admin), folder })
    }

    pub fn options(&self) -> StoreOptions {
        let clock = Clock::system();
        let ids = IdSource::random(clock.clone());
        StoreOptions::new(self.url.clone(), Environment::Test, clock, ids)
    }

    pub async fn remove(self) {
        let Some(admin) = self.admin else { return };
        let name = self.url.rsplit('/').next().unwrap().to_owned();
        let mut connection = AnyConnection::connect(&admin).await.unwrap();
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
}

/// A merchant that sells for a thousand suppliers through one gateway account.
pub struct World {
    pub ids: IdSource,
    pub clock: Clock,
    pub merchant: MerchantId,
    pub account: GatewayAccountId,
    pub suppliers: Vec<SupplierId>,
}

impl World {
    pub fn new(suppliers: usize) -> World {
        let clock = Clock::system();
        let ids = IdSource::random(clock.clone());
        World {
            merchant: ids.mint(),
            account: ids.mint(),
            suppliers: (0..suppliers).map(|_| ids.mint()).collect(),
            ids,
            clock,
        }
    }

    /// Two of the suppliers, any.
    pub fn two_suppliers(&self) -> [SupplierId; 2] {
        let [a, b, c, d] = self.ids.random_bytes::<4>().map(usize::from);
        let first = (a << 8 | b) % self.suppliers.len();
        let second = (first + 1 + (c << 8 | d) % (self.suppliers.len() - 1)) % self.suppliers.len();
        [self.suppliers[first], self.suppliers[second]]
    }

    /// A payment under way at the gateway.
    pub fn payment(&self) -> Payment {
        let now = self.clock.now();
        let id: PaymentId = self.ids.mint();
        Payment {
            id,
            merchant: self.merchant,
            order_ref: format!("order-{id}"),
            amount: sgd(20_000),
            quote: None,
            gateway: "paypal".into(),
            account: self.account,
            method: None,
            gateway_ref: Some(format!("5O190127TN364715T-{id}")),
            terms: serde_json::json!({
                "splits": [
                    { "supplier": self.suppliers[0], "share": { "percent": "60" } },
                    { "supplier": self.suppliers[1], "share": { "remainder": true } },
                ],
                "platform_fee": { "percent": "5" },
            }),
            customer: Customer { reference: Some("shopper 4711".into()), ..Customer::default() },
            payer_country: None,
            return_url: Some("https://shop.example/thanks".into()),
            metadata: serde_json::json!({}),
            next_action: Some(
                serde_json::json!({ "type": "redirect", "url": "https://gateway.example/5O19" }),
            ),
            secrets: None,
            state: PaymentState::Pending { reason: "APPROVED".into(), expected: None },
            disputed: false,
            created_at: now,
            expires_at: now + chrono::TimeDelta::hours(3),
            updated_at: now,
        }
    }

    /// Everything that one captured and divided payment writes, in one change: the notice and that it was worked off,
    /// the payment's state, its timeline and order, the settlement with its lines, the event, and the three
    /// transactions of J01 (captured, gateway fee, split) over four hot accounts and two of the suppliers.
    pub fn settlement(&self, payment: &Payment) -> Change {
        let now = self.clock.now();
        let id = payment.id;
        let capture = format!("3C679366HH908993F-{id}");
        let notice = Notice {
            id: self.ids.mint(),
            gateway: "paypal".into(),
            body_sha256: format!("9f86d081884c7d659a2feaa0c55ad015-{id}"),
            merchant: self.merchant,
            account: self.account,
            event_ref: Some(format!("WH-{id}")),
            event_type: "PAYMENT.CAPTURE.COMPLETED".into(),
            request_ref: Some(id.to_string()),
            gateway_ref: Some(capture.clone()),
            dispute_ref: None,
            stated: None,
            received_at: now,
        };
        let headers =
            [("paypal-transmission-id".to_owned(), "69cd13f0-d67a-11e5-baa3-778b53f4ae55".to_owned())];
        let mut captured = payment.clone();
        captured.state = PaymentState::Captured {
            taken: Taken {
                capture_ref: capture.clone(),
                amount: payment.amount,
                at: now,
                late: false,
                received: None,
            },
        };
        captured.updated_at = now;
        let entry = TimelineEntry {
            id: self.ids.mint(),
            source: ReportSource::Callback,
            kind: "captured".into(),
            state: "captured".into(),
            evidence: notice.body_sha256.clone(),
            detail: serde_json::json!({ "amount": payment.amount, "capture_ref": capture }),
            at: now,
        };
        let suppliers = self.two_suppliers();
        let (lines, frozen) = document(suppliers);
        let record = SettlementRecord {
            id: self.ids.mint(),
            merchant: self.merchant,
            payment: id,
            gross: payment.amount,
            lines,
            frozen,
            waiting: None,
            delivered: "[]".into(),
            rates: "[]".into(),
            fee_version: "paypal-sg@2026-01-01, platform@1".into(),
            engine: "0.1.0".into(),
            created_at: now,
            released_at: None,
            released: vec![],
            inputs: None,
        };
        let event = Event {
            id: self.ids.mint(),
            merchant: self.merchant,
            kind: "payment.captured".into(),
            subject: id.to_string(),
            data: serde_json::json!({ "state": "captured", "amount": payment.amount }),
            created_at: now,
        };
        let mut change = Change::new();
        change
            .receive_notice(&notice, &headers, &[0x5a; 1_400])
            .settle_notice(notice.id, 1, Settled::Done, "captured", now)
            .update_payment(&captured, 1)
            .report_payment(&captured, &entry)
            .settle_order(&captured, now)
            .insert_settlement(&record)
            .tell(&event);
        for transaction in self.transactions(id, &capture, suppliers) {
            change.post(transaction);
        }
        change
    }

    /// J01: captured, fee charged, split.
    pub fn transactions(
        &self,
        payment: PaymentId,
        capture: &str,
        [first, second]: [SupplierId; 2],
    ) -> [LedgerTransaction; 3] {
        let gateway = |code| Account::new(code, Owner::of("paypal"));
        let pending = |supplier| Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier));
        let commission = Account::new(AccountCode::REVENUE_COMMISSION, Owner::none());
        let posts = [
            (
                JournalEvent::Captured,
                vec![
                    Posting::debit(gateway(AccountCode::GATEWAY_BALANCE), sgd(20_000)),
                    Posting::credit(gateway(AccountCode::ORDER_CLEARING), sgd(20_000)),
                ],
            ),
            (
                JournalEvent::FeeCharged,
                vec![
                    Posting::debit(gateway(AccountCode::COST_GATEWAY_FEE), sgd(930)),
                    Posting::credit(gateway(AccountCode::GATEWAY_BALANCE), sgd(930)),
                ],
            ),
            (
                JournalEvent::Split,
                vec![
                    Posting::debit(gateway(AccountCode::ORDER_CLEARING), sgd(20_000)),
                    Posting::credit(pending(first), sgd(11_400)),
                    Posting::credit(pending(second), sgd(7_600)),
                    Posting::credit(commission, sgd(1_000)),
                ],
            ),
        ];
        posts.map(|(event, postings)| {
            let now = self.clock.now();
            LedgerTransaction::try_new(self.ids.mint(), self.merchant, event, capture, now, postings)
                .unwrap()
                .about(payment)
        })
    }
}

/// What one settlement's document says: its lines, and the numbers it froze. Verification holds both against the books.
fn document([first, second]: [SupplierId; 2]) -> (String, String) {
    let sgd = |amount: &str| format!(r#"{{"amount":"{amount}","currency":"SGD"}}"#);
    let line = |kind: &str, to: &str, amount: &str, rule: &str, version: &str, explain: &str| {
        format!(
            r#"{{"kind":"{kind}","to":"{to}","amount":{},"rule":"{rule}","rule_version":"{version}","explain":"{explain}"}}"#,
            sgd(amount)
        )
    };
    let (first, second) = (first.to_string(), second.to_string());
    let lines = [
        line("gateway_fee", "paypal", "9.30", "paypal-sg", "2026-01-01", "4.4 % × 200.00 + 0.50 = 9.30"),
        line("share", &first, "114.00", "split", "1", "60 % × 190.00"),
        line("share", &second, "76.00", "split", "1", "remainder"),
        line("platform_fee", "platform", "0.70", "platform", "1", "5 % × 200.00 - 9.30"),
    ];
    let lines = format!("[{}]", lines.join(","));
    let part = |supplier: &str, charged: &str, absorbed: &str, share: &str, commission: &str| {
        format!(
            r#"{{"supplier":"{supplier}","charged":{},"fee_borne":{},"fee_absorbed":{},"share":{},"commission":{},"tax":{}}}"#,
            sgd(charged),
            sgd("0.00"),
            sgd(absorbed),
            sgd(share),
            sgd(commission),
            sgd("0.00")
        )
    };
    let parts =
        [part(&first, "120.00", "5.58", "114.00", "6.00"), part(&second, "80.00", "3.72", "76.00", "4.00")];
    let frozen = format!(
        r#"{{"gross":{},"lines":{lines},"parts":[{}],"fee":{},"fee_tax":{},"fee_expected":{},"fee_accrued":false,"fee_bearer":"platform","role":"agent","recognise":"capture","jurisdiction":"SG","engine":"0.1.0"}}"#,
        sgd("200.00"),
        parts.join(","),
        sgd("9.30"),
        sgd("0.00"),
        sgd("9.30")
    );
    (lines, frozen)
}

pub fn sgd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("SGD").unwrap())
}

/// How often a second this disk makes one written page durable.
pub fn flushes_per_second(folder: &std::path::Path) -> u64 {
    let mut file = fs::File::create(folder.join("flush")).unwrap();
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_millis(500) {
        file.write_all(&[0x5a; 4_096]).unwrap();
        file.sync_data().unwrap();
        count += 2;
    }
    count
}

/// Processor time of this process so far.
pub fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // The kernel counts in hundredths of a second.
    Duration::from_millis(ticks * 10)
}

/// Anonymous memory of this process, in KiB.
pub fn anonymous_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The time below which `share` hundredths of the measurements lie.
pub fn percentile(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
