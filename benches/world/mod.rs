//! What the benches have in common: databases to write into, what a settlement writes, what the machine can do.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use straits::clock::Clock;
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::ids::{IdSource, MerchantId, NoticeId, PaymentId, SettlementId, SupplierId};
use straits::money::{Currency, Money};
use straits::store::inbox::INBOX;
use straits::store::outbox::EVENT;
use straits::store::payments::{PAYMENT, PAYMENT_REPORT};
use straits::store::settlements::SETTLEMENT;
use straits::store::{Change, Environment, StoreOptions, Value};

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
    pub suppliers: Vec<SupplierId>,
}

impl World {
    pub fn new(suppliers: usize) -> World {
        let clock = Clock::system();
        let ids = IdSource::random(clock.clone());
        World { merchant: ids.mint(), suppliers: (0..suppliers).map(|_| ids.mint()).collect(), ids, clock }
    }

    /// Two of the suppliers, any.
    pub fn two_suppliers(&self) -> [SupplierId; 2] {
        let [a, b, c, d] = self.ids.random_bytes::<4>().map(usize::from);
        let first = (a << 8 | b) % self.suppliers.len();
        let second = (first + 1 + (c << 8 | d) % (self.suppliers.len() - 1)) % self.suppliers.len();
        [self.suppliers[first], self.suppliers[second]]
    }

    /// The payment that a settlement is of, as `created` leaves it.
    pub fn payment(&self, payment: PaymentId) -> Change {
        let now = self.clock.now();
        let mut change = Change::new();
        change.insert(
            &PAYMENT,
            vec![
                Value::text(payment),
                Value::text(self.merchant),
                Value::text(format_args!("order-{payment}")),
                Value::text(format_args!("order-{payment}")),
                20_000.into(),
                "SGD".into(),
                Value::Null,
                "paypal".into(),
                "gwa_01kawd3z5c00g40r40m30e209g".into(),
                Value::Null,
                Value::text(payment),
                Value::text(format_args!("5O190127TN364715T-{payment}")),
                "pending".into(),
                r#"{"state":"pending"}"#.into(),
                true.into(),
                false.into(),
                false.into(),
                Value::Null,
                Value::Null,
                0.into(),
                r#"{"splits":[{"supplier":"sup_01kawd3z5c00g40r40m30e209g","share":{"percent":"60"}},{"supplier":"sup_01kawd3z5c00g40r40m30e209h","share":{"remainder":true}}],"platform_fee":{"percent":"5"}}"#.into(),
                r#"{"ip":"203.0.113.9"}"#.into(),
                "https://shop.example/thanks".into(),
                "{}".into(),
                r#"{"type":"redirect","url":"https://gateway.example/checkoutnow?token=5O190127TN364715T"}"#.into(),
                Value::Null,
                now.into(),
                now.into(),
                now.into(),
            ],
        );
        change
    }

    /// Everything that one captured and divided payment writes, in one change: the notice and that it was worked off,
    /// the payment's state, its timeline, the settlement with its lines, the event, and the three transactions of
    /// J01 (captured, gateway fee, split) over four hot accounts and two of the suppliers.
    pub fn settlement(&self, payment: PaymentId) -> Change {
        let now = self.clock.now();
        let notice: NoticeId = self.ids.mint();
        let capture = format!("3C679366HH908993F-{payment}");
        let mut change = Change::new();
        change.insert(
            &INBOX,
            vec![
                Value::text(notice),
                "paypal".into(),
                Value::text(format_args!("9f86d081884c7d659a2feaa0c55ad015-{payment}")),
                Value::text(self.merchant),
                "gwa_01kawd3z5c00g40r40m30e209g".into(),
                Value::text(format_args!("WH-{payment}")),
                "PAYMENT.CAPTURE.COMPLETED".into(),
                Value::text(payment),
                capture.as_str().into(),
                r#"{"paypal-transmission-id":"69cd13f0-d67a-11e5-baa3-778b53f4ae55"}"#.into(),
                Value::Bytes(vec![0x5a; 1_400]),
                "received".into(),
                Value::Null,
                now.into(),
                Value::Null,
            ],
        );
        change.update(&INBOX, notice, 1, vec![("state", "applied".into()), ("settled_at", now.into())]);
        change.update(
            &PAYMENT,
            payment,
            1,
            vec![
                ("gateway_ref", capture.as_str().into()),
                ("state", "captured".into()),
                (
                    "state_detail",
                    r#"{"state":"captured","amount":{"amount":"200.00","currency":"SGD"}}"#.into(),
                ),
                ("is_open", false.into()),
                ("capture_ref", capture.as_str().into()),
                ("captured_at", now.into()),
                ("updated_at", now.into()),
            ],
        );
        change.append(
            &PAYMENT_REPORT,
            vec![
                Value::text(self.ids.mint::<NoticeId>()),
                Value::text(self.merchant),
                Value::text(payment),
                "callback".into(),
                "captured".into(),
                "captured".into(),
                Value::text(notice),
                "{}".into(),
                now.into(),
            ],
        );
        change.insert(
            &SETTLEMENT,
            vec![
                Value::text(self.ids.mint::<SettlementId>()),
                Value::text(self.merchant),
                Value::text(payment),
                20_000.into(),
                "SGD".into(),
                LINES.into(),
                LINES.into(),
                Value::Null,
                "[]".into(),
                "paypal-sg@2026-01-01:4f2a".into(),
                "0.1.0".into(),
                now.into(),
            ],
        );
        change.append(
            &EVENT,
            vec![
                Value::text(self.ids.mint::<NoticeId>()),
                Value::text(self.merchant),
                "payment.captured".into(),
                Value::text(payment),
                r#"{"state":"captured","amount":{"amount":"200.00","currency":"SGD"}}"#.into(),
                now.into(),
            ],
        );
        for transaction in self.transactions(payment, &capture) {
            change.post(transaction);
        }
        change
    }

    /// J01: captured, fee charged, split.
    pub fn transactions(&self, payment: PaymentId, capture: &str) -> [LedgerTransaction; 3] {
        let gateway = |code| Account::new(code, Owner::of("paypal"));
        let [first, second] = self.two_suppliers();
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

const LINES: &str = r#"[{"kind":"gateway_fee","to":"paypal","amount":{"amount":"9.30","currency":"SGD"},"rule":"paypal-sg","rule_version":"2026-01-01","explain":"4.4 % x 200.00 + 0.50 = 9.30"},{"kind":"share","to":"sup_01kawd3z5c00g40r40m30e209g","amount":{"amount":"114.00","currency":"SGD"},"rule":"split","rule_version":"1","explain":"60 % x 190.00"},{"kind":"share","to":"sup_01kawd3z5c00g40r40m30e209h","amount":{"amount":"76.00","currency":"SGD"},"rule":"split","rule_version":"1","explain":"remainder"},{"kind":"platform_fee","to":"platform","amount":{"amount":"0.70","currency":"SGD"},"rule":"platform","rule_version":"1","explain":"5 % x 200.00 - 9.30"}]"#;

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
