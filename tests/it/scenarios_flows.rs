//! Stories of `tests/scenarios/postings.json`, told by the flows themselves: a payment is started, a far side takes
//! the money and says so, the shopper's money is divided, delivered, sent back. What the ledger then holds is compared
//! posting by posting and balance by balance, on both engines.
//!
//! A story that begins in the middle is first brought there by the flows (a refund needs a payment that was settled).
//! What its start rows differ by is loaded through the writer as one event `opening` against the account
//! `9000[opening]`, which no shipped chart has.

use std::collections::BTreeMap;

use serde_json::Value;
use straits::domain::disputes::{DisputeState, MovementKind};
use straits::domain::findings::{Action, FindingKind};
use straits::domain::ledger::{Account, AccountCode, Chart, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::domain::merchants::{BankAccountKind, FeeOwner, Recognise};
use straits::flows::fx_book::NewPlace;
use straits::ids::PaymentId;
use straits::money::{Currency, Money};
use straits::store::{Change, Store};

use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::fx;
use crate::money_flows::world::{Line, Setup, World, complaint, converted, decided, money, moved, taken};

/// The account that only these tests know.
pub const OPENING: &str = r#"
    [[account]]
    code = 9000
    name = "opening"
    class = "position"
    normal = "either"
    may_go_negative = true
    per = ["story"]
    meaning = "what a story's first balances stand against"
"#;

const J01: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;
const J03: &str = r#"{"items":[{"ref":"a","amount":{"amount":"150.00","currency":"SGD"},"supplier":"A"},
    {"ref":"b","amount":{"amount":"100.00","currency":"SGD"},"supplier":"B"}],
    "platform_fee":{"percent":"12","tax":"9"}}"#;
const J06: &str = r#"{"splits":[{"supplier":"A","share":{"percent":"90","of":"received"}}]}"#;

fn story(id: &str) -> Value {
    let file: Value = serde_json::from_str(include_str!("../scenarios/postings.json")).unwrap();
    let stories = file["scenarios"].as_array().unwrap();
    stories.iter().find(|story| story["id"] == id).unwrap().clone()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

/// One story being told.
pub struct Telling {
    pub story: Value,
    pub world: World,
    /// How many transactions came before it.
    pub before: usize,
}

impl Telling {
    /// From the beginning.
    fn of(id: &str, world: World) -> Telling {
        let story = story(id);
        assert!(story["start"].as_array().unwrap().is_empty(), "{id} begins with balances");
        Telling { story, world, before: 0 }
    }

    /// From the story's own start rows, whatever the flows have booked so far.
    pub async fn opened(id: &str, world: World) -> Telling {
        let mut telling = Telling { story: story(id), world, before: 0 };
        telling.open().await;
        telling.before = telling.world.transactions().await.len();
        telling
    }

    /// Own money, which a story spends without saying where it came from.
    fn own_funds(&mut self, account: &str, currency: &str, amount: &str) {
        let row = serde_json::json!({"account": account, "currency": currency, "debit_minus_credit": amount});
        self.story["start"].as_array_mut().unwrap().push(row);
    }

    async fn open(&self) {
        Chart::know_beside(OPENING).unwrap();
        let mut wanted: BTreeMap<(Account, Currency), i64> = BTreeMap::new();
        for row in self.world.balances().await {
            let balance = row.debit_minus_credit;
            wanted.insert((row.account, balance.currency()), -balance.minor());
        }
        for row in self.story["start"].as_array().unwrap() {
            let balance = money(&text(row, "debit_minus_credit"), &text(row, "currency"));
            let place = (self.account(&text(row, "account")), balance.currency());
            *wanted.entry(place).or_default() += balance.minor();
        }
        let mut rest: BTreeMap<Currency, i64> = BTreeMap::new();
        for ((_, currency), minor) in &wanted {
            *rest.entry(*currency).or_default() -= minor;
        }
        let against = Account::new(AccountCode::find(9000).unwrap(), Owner::of("opening"));
        wanted.extend(rest.into_iter().map(|(currency, minor)| ((against.clone(), currency), minor)));
        let postings: Vec<Posting> = wanted
            .into_iter()
            .filter(|(_, minor)| *minor != 0)
            .map(|((account, currency), minor)| {
                let amount = Money::from_minor(minor.abs(), currency);
                if minor > 0 { Posting::debit(account, amount) } else { Posting::credit(account, amount) }
            })
            .collect();
        if postings.is_empty() {
            return;
        }
        let (id, merchant, at) = (self.world.ids.mint(), self.world.merchant.id, self.world.clock.now());
        let source = text(&self.story, "id");
        let event = JournalEvent::Opening;
        let opening = LedgerTransaction::try_new(id, merchant, event, &source, at, postings).unwrap();
        let mut change = Change::new();
        change.post(opening);
        self.world.store.commit(change).await.unwrap();
    }

    /// `2100[A]`.
    fn account(&self, text: &str) -> Account {
        let (code, owner) = text.split_once('[').map_or((text, ""), |(code, owner)| (code, owner));
        let owner = match owner.trim_end_matches(']') {
            "" => Owner::none(),
            "A" => Owner::of(self.world.suppliers[0]),
            "B" => Owner::of(self.world.suppliers[1]),
            other => Owner::of(other),
        };
        Account::new(AccountCode::find(code.parse().unwrap()).unwrap(), owner)
    }

    /// The books hold the story, the whole story and nothing but the story.
    pub async fn told(&self) {
        let id = text(&self.story, "id");
        let posted = self.world.transactions().await;
        let posted: Vec<Vec<Line>> =
            posted[self.before..].iter().map(|transaction| self.world.lines(transaction)).collect();
        let expected: Vec<Vec<Line>> = self.story["transactions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|transaction| {
                let rows = transaction["lines"].as_array().unwrap().iter();
                let mut rows: Vec<Line> = rows
                    .map(|row| {
                        (text(row, "side"), text(row, "account"), text(row, "amount"), text(row, "currency"))
                    })
                    .collect();
                rows.sort();
                rows
            })
            .collect();
        for (at, (posted, expected)) in posted.iter().zip(&expected).enumerate() {
            assert_eq!(posted, expected, "{id}: transaction {}", at + 1);
        }
        assert_eq!(posted.len(), expected.len(), "{id}: {posted:#?}");
        let standing = self.world.standing().await;
        for row in self.story["end"].as_array().unwrap() {
            let place = format!("{} {}", text(row, "account"), text(row, "currency"));
            let balance = standing.get(&place).cloned().unwrap_or_else(|| "0".into());
            assert_eq!(balance, text(row, "debit_minus_credit"), "{id}: {place}");
        }
        self.world.verified().await;
    }
}

/// A world of its own on the test's database.
async fn world(store: &Store, database: &TestDatabase, setup: Setup) -> World {
    World::on(store, &database.clock, setup).await
}

async fn j01(world: &World) -> PaymentId {
    world.paid("order-1", money("100.00", "USD"), J01, taken("CAP-1", "100.00", "USD", "4.90")).await
}

async fn j03(world: &World) -> PaymentId {
    world.paid("order-3", money("250.00", "SGD"), J03, taken("CAP-3", "250.00", "SGD", "9.75")).await
}

fn two_in_sgd() -> Setup {
    Setup { recognise: Recognise::Delivered, suppliers: ["SGD", "SGD"], ..Setup::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_are_divided_as_told() {
    on_each_engine("captures_are_divided_as_told", async |database| {
        let store = database.open().await;
        let j01_world = world(&store, database, Setup::default()).await;
        j01(&j01_world).await;
        Telling::of("J01", j01_world).told().await;

        let j03_world = world(&store, database, two_in_sgd()).await;
        let payment = j03(&j03_world).await;
        let merchant = j03_world.merchant.id;
        j03_world.delivering.deliver(merchant, payment, &[], |_| Change::new()).await.unwrap();
        Telling::of("J03", j03_world).told().await;

        let j06_world = world(&store, database, Setup { holds: &["EUR"], ..Setup::default() }).await;
        let capture = converted(taken("CAP-6", "100.00", "USD", "3.49"), money("86.86", "EUR"), "0.90");
        j06_world.paid("order-6", money("100.00", "USD"), J06, capture).await;
        Telling::of("J06", j06_world).told().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_is_converted_as_told_once_there_is_a_rate() {
    on_each_engine("a_share_is_converted_as_told_once_there_is_a_rate", async |database| {
        let store = database.open().await;
        let world = world(&store, database, Setup { suppliers: ["CNY", "USD"], ..Setup::default() }).await;
        j01(&world).await;
        let telling = Telling::opened("J04", world).await;
        assert_eq!(telling.world.settlements.convert_waiting().await.unwrap(), 0);
        telling.world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        assert_eq!(telling.world.settlements.convert_waiting().await.unwrap(), 1);
        telling.told().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_are_booked_as_told() {
    on_each_engine("refunds_are_booked_as_told", async |database| {
        let store = database.open().await;
        let platform = Setup { unreturned_fee: Some(FeeOwner::Platform), ..Setup::default() };
        for (id, setup, input) in [
            ("J10", Setup::default(), "{}"),
            ("J11", platform, "{}"),
            ("J12", Setup::default(), r#"{"amount":{"amount":"40.00","currency":"USD"}}"#),
        ] {
            let world = world(&store, database, setup).await;
            let payment = j01(&world).await;
            let telling = Telling::opened(id, world).await;
            let refund = telling.world.refund(payment, input).await.unwrap();
            assert_eq!(refund.state.as_str(), "succeeded", "{id}");
            telling.told().await;
        }
        let world = world(&store, database, two_in_sgd()).await;
        let payment = j03(&world).await;
        world.delivering.deliver(world.merchant.id, payment, &[], |_| Change::new()).await.unwrap();
        let telling = Telling::opened("J31", world).await;
        telling.world.refund(payment, r#"{"items":["b"]}"#).await.unwrap();
        telling.told().await;
        assert_eq!(telling.world.state(payment).await, "partially_refunded");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_without_an_entitlement_goes_back_as_told() {
    on_each_engine("money_without_an_entitlement_goes_back_as_told", async |database| {
        let store = database.open().await;
        let j26 = world(&store, database, Setup::default()).await;
        let payment =
            j26.paid("order-26", money("100.00", "USD"), J01, taken("CAP-26", "10.00", "USD", "0.94")).await;
        assert_eq!(j26.state(payment).await, "in_review");
        let finding = j26.finding(FindingKind::AmountDiffers).await;
        j26.resolve(&finding, Action::SendBack).await;
        assert_eq!(j26.state(payment).await, "cancelled");
        Telling::of("J26", j26).told().await;

        let j27 = world(&store, database, Setup::default()).await;
        // The order was begun once before, called off, and paid by a second payment; then the first one is paid too.
        let first = j27.start("order-1", money("100.00", "USD"), J01).await;
        j27.pay.cancel(j27.merchant.id, first, Change::new()).await.unwrap();
        j01(&j27).await;
        let telling = Telling::opened("J27", j27).await;
        let world = &telling.world;
        let second = taken("CAP-27", "100.00", "USD", "4.90");
        world.far.say(first, straits::domain::orders::ReportKind::Captured(second));
        world.hear(first).await;
        let finding = world.finding(FindingKind::DoublePayment).await;
        world.resolve(&finding, Action::SendBack).await;
        telling.told().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disputes_hold_take_and_give_back_as_told() {
    on_each_engine("disputes_hold_take_and_give_back_as_told", async |database| {
        let store = database.open().await;
        let hundred = money("100.00", "USD");
        let now = database.clock.now();

        for ends in [DisputeState::Won, DisputeState::PaidByGateway] {
            let j15 = world(&store, database, Setup::default()).await;
            let payment = j01(&j15).await;
            let telling = Telling::opened("J15", j15).await;
            let mut held = complaint(payment, "CAP-1", hundred, now);
            held.held = true;
            telling.world.hear_dispute(held.clone()).await;
            assert!(telling.world.payment(payment).await.disputed);
            telling.world.hear_dispute(decided(&held, ends)).await;
            telling.told().await;
            assert!(!telling.world.payment(payment).await.disputed);
            assert_eq!(telling.world.state(payment).await, "captured");
        }

        let j16 = world(&store, database, Setup::default()).await;
        let payment = j01(&j16).await;
        let telling = Telling::opened("J16", j16).await;
        let taken = moved(&complaint(payment, "CAP-1", hundred, now), MovementKind::Taken, hundred);
        let charged = moved(&taken, MovementKind::Fee, money("20.00", "USD"));
        telling.world.hear_dispute(charged.clone()).await;
        // The same again, and an answer that was overtaken.
        telling.world.hear_dispute(charged.clone()).await;
        telling.world.hear_dispute(taken).await;
        telling.told().await;

        let telling = Telling::opened("J17", telling.world).await;
        let won = decided(&moved(&charged, MovementKind::Returned, hundred), DisputeState::Won);
        telling.world.hear_dispute(won.clone()).await;
        telling.world.hear_dispute(won).await;
        telling.told().await;
        store.close().await;
    })
    .await;
}

/// J16, written off as in J25 and won after all, at once or in parts: the loss comes in, no supplier is paid twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_win_after_a_write_off_brings_the_loss_back() {
    on_each_engine("a_win_after_a_write_off_brings_the_loss_back", async |database| {
        let store = database.open().await;
        for parts in [&["100.00"][..], &["40.00", "60.00"]] {
            let world = world(&store, database, Setup::default()).await;
            let payment = j01(&world).await;
            let telling = Telling::opened("J16", world).await;
            let (now, hundred) = (database.clock.now(), money("100.00", "USD"));
            let taken = moved(&complaint(payment, "CAP-1", hundred, now), MovementKind::Taken, hundred);
            let mut report = moved(&taken, MovementKind::Fee, money("20.00", "USD"));
            telling.world.hear_dispute(report.clone()).await;
            telling.told().await;
            let world = &telling.world;
            let debt = r#"{"amount":"110.00","currency":"USD"}"#;
            world.booked(&format!(r#"{{"template":"write_off","supplier":"A","amount":{debt}}}"#)).await;
            let mut seen = vec![];
            for part in parts {
                report = moved(&report, MovementKind::Returned, money(part, "USD"));
                world.hear_dispute(report.clone()).await;
                let standing = world.standing().await;
                let of = |account: &str| standing.get(account).cloned().unwrap_or_default();
                assert_eq!((of("1200[A] USD"), of("2110[A] USD")), (String::new(), String::new()));
                seen.push(of("5060[A] USD"));
            }
            let expected = if parts.len() == 1 { vec!["20.00"] } else { vec!["74.00", "20.00"] };
            assert_eq!(seen, expected);
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debt_is_allowed_for_and_written_off_as_told() {
    on_each_engine("a_debt_is_allowed_for_and_written_off_as_told", async |database| {
        let store = database.open().await;
        let telling = Telling::opened("J25", world(&store, database, Setup::default()).await).await;
        let usd = |amount: &str| format!(r#"{{"amount":"{amount}","currency":"USD"}}"#);
        for template in [
            format!(r#"{{"template":"top_up","bank":"usd","amount":{}}}"#, usd("90.00")),
            format!(r#"{{"template":"allowance","supplier":"A","amount":{}}}"#, usd("45.00")),
            format!(r#"{{"template":"write_off","supplier":"A","amount":{}}}"#, usd("90.00")),
            format!(r#"{{"template":"recovery","supplier":"A","bank":"usd","amount":{}}}"#, usd("10.00")),
        ] {
            telling.world.booked(&template).await;
        }
        telling.told().await;
        store.close().await;
    })
    .await;
}

/// J14's own beginning: the order of J04 was converted, sold at the market and released.
async fn sold_and_released(world: &World, database: &TestDatabase) -> PaymentId {
    world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
    let payment = j01(world).await;
    let mut sale = fx::deal(world, money("85.10", "USD"), money("605.49", "CNY"), "FX-1");
    sale.paid_from = fx::paypal();
    fx::record(world, &sale).await.unwrap();
    database.tick(chrono::TimeDelta::days(2));
    assert_eq!(world.releasing.release_due().await.unwrap(), 1);
    payment
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn market_deals_close_positions_as_told() {
    on_each_engine("market_deals_close_positions_as_told", async |database| {
        let store = database.open().await;
        let j05 = world(&store, database, fx::in_yuan()).await;
        let client = fx::bank(&j05, BankAccountKind::Client, "cny", "CNY").await;
        let own = fx::bank(&j05, BankAccountKind::Own, "cny", "CNY").await;
        let mut telling = Telling { story: story("J05"), world: j05, before: 0 };
        telling.own_funds("1000[cny]", "CNY", "100.00");
        telling.open().await;
        telling.before = telling.world.transactions().await.len();
        let world = &telling.world;
        let sent = fx::withdrawn(world, "WD-1", money("85.10", "USD")).await;
        let mut sale = fx::deal(world, money("85.10", "USD"), money("605.49", "CNY"), "FX-1");
        sale.paid_from = vec![fx::leg(NewPlace::GatewaySettlement(sent), None)];
        sale.paid_into = vec![fx::leg(NewPlace::BankAccount(client), None)];
        sale.charge = Some(fx::leg(NewPlace::BankAccount(own), Some(money("2.00", "CNY"))));
        fx::record(world, &sale).await.unwrap();
        let sent = store.gateway_settlement(world.merchant.id, sent).await.unwrap().unwrap().value;
        assert_eq!(sent.state.as_str(), "received");
        telling.told().await;

        let j14 = self::world(&store, database, fx::in_yuan()).await;
        let client = fx::bank(&j14, BankAccountKind::Client, "cny", "CNY").await;
        let own = fx::bank(&j14, BankAccountKind::Own, "cny", "CNY").await;
        let payment = sold_and_released(&j14, database).await;
        let telling = Telling::opened("J14", j14).await;
        let world = &telling.world;
        world.refund(payment, "{}").await.unwrap();
        let mut purchase = fx::deal(world, money("612.72", "CNY"), money("85.10", "USD"), "FX-2");
        purchase.paid_from = vec![
            fx::leg(NewPlace::BankAccount(client), Some(money("602.88", "CNY"))),
            fx::leg(NewPlace::BankAccount(own), None),
        ];
        purchase.paid_into = fx::paypal();
        let bought = fx::record(world, &purchase).await.unwrap();
        telling.told().await;
        let (_, closings) = world.fx_book.deal(world.merchant.id, bought.id).await.unwrap();
        assert_eq!(closings.len(), 1);
        assert_eq!(closings[0].realized, money("6.81", "CNY").negated());
        assert_eq!(closings[0].closing.subject, Some(payment.to_string()));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revaluation_posts_nothing_as_told() {
    on_each_engine("a_revaluation_posts_nothing_as_told", async |database| {
        let store = database.open().await;
        let telling = Telling::opened("J30", world(&store, database, Setup::default()).await).await;
        let world = &telling.world;
        world.quote(&[("USD", "1"), ("CNY", "7.05")]).await;
        let (now, lots) = world.fx_book.exposure(world.merchant.id).await.unwrap();
        let closing = world.fx_book.revalue(world.merchant.id, None).await.unwrap();
        for positions in [&now, &closing.positions] {
            let [position] = positions.as_slice() else { panic!("{positions:?}") };
            assert_eq!(position.exposure.base, money("1000.00", "USD"));
            assert_eq!(position.exposure.average_cost().unwrap().to_string(), "7.1");
            assert_eq!(position.unrealized, Some(money("50.00", "CNY").negated()));
        }
        assert_eq!(lots.len(), 1);
        telling.told().await;
        store.close().await;
    })
    .await;
}
