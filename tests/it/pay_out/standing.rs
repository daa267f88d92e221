//! What can be paid and what cannot yet: reserves with their days, and batches that only two persons can end.

use chrono::TimeDelta;
use serde_json::json;
use straits::domain::findings::{Action, Finding, FindingKind, FindingState};
use straits::domain::ledger::AccountCode;
use straits::domain::orders::{MoneyReport, Outcome};
use straits::domain::payouts::{PayoutBatch, PayoutStatus};
use straits::flows::pay_out::{PayOutError, Word};
use straits::ids::PlanId;
use straits::store::outbox::EventReader;
use straits::store::{Change, Seek};

use super::far::Goes;
use super::money;
use super::world::{From, Treasury};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World, taken};
use crate::scenarios_flows::Telling;

const J01: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;

/// J23, our side of it: 10 % of 85.10 for 90 days.
#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_is_kept_back_until_its_day() {
    on_each_engine("reserves", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let supplier = treasury.supplier("A");
        treasury.payee(supplier).await;
        treasury.terms(supplier, r#"{"reserve":{"percent":"10","days":90}}"#).await;
        let capture = taken("CAP-1", "100.00", "USD", "4.90");
        treasury.world.paid("o-1", money("100.00", "USD"), J01, capture).await;
        database.tick(TimeDelta::days(1));
        let day = (database.clock.now() + TimeDelta::days(90)).date_naive();
        for _ in 0..2 {
            treasury.world.releasing.release_due().await.unwrap();
            let standing = treasury.world.standing().await;
            let of = |account: &str| standing.get(account).cloned().unwrap_or_default();
            assert_eq!(of(&format!("2120[A,{day}] USD")), "-8.51", "{standing:?}");
            assert_eq!((of("2110[A] USD"), of("2100[A] USD")), ("-76.59".into(), String::new()));
        }
        let plan = treasury.draft().await;
        assert_eq!(plan.document.lines[0].net, money("76.59", "USD"), "what is kept back is not paid");
        database.tick(TimeDelta::days(89));
        treasury.world.releasing.release_due().await.unwrap();
        assert!(treasury.world.standing().await.contains_key(&format!("2120[A,{day}] USD")));
        database.tick(TimeDelta::days(1));
        for _ in 0..2 {
            treasury.world.releasing.release_due().await.unwrap();
        }
        let standing = treasury.world.standing().await;
        assert_eq!(standing.get("2110[A] USD").map(String::as_str), Some("-85.10"), "{standing:?}");
        assert!(!standing.keys().any(|account| account.starts_with("2120")));
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// J23 whole: our reserve, and the gateway's beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reserves_of_ours_and_of_the_gateway_are_booked_as_told() {
    on_each_engine("J23", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        treasury.terms(treasury.supplier("A"), r#"{"reserve":{"percent":"10","days":90}}"#).await;
        let capture = taken("CAP-1", "100.00", "USD", "4.90");
        let payment = treasury.world.paid("o-1", money("100.00", "USD"), J01, capture).await;
        database.tick(TimeDelta::days(1));
        let mut telling = Telling::opened("J23", treasury.world).await;
        let day = (database.clock.now() + TimeDelta::days(90)).date_naive();
        let dated = telling.story.to_string().replace("d90", &day.to_string());
        telling.story = serde_json::from_str(&dated).unwrap();

        let world = &telling.world;
        world.releasing.release_due().await.unwrap();
        let (amount, at) = (money("5.00", "USD"), database.clock.now());
        let (reference, reason) = ("H-1".to_owned(), "reserve".to_owned());
        world.far.tell_money(payment, MoneyReport::Held { reference, amount, reason, at });
        world.sync(payment).await;
        database.tick(TimeDelta::days(90));
        world.releasing.release_due().await.unwrap();
        let (reference, reason) = ("H-1".to_owned(), "reserve".to_owned());
        world.far.tell_money(payment, MoneyReport::Released { reference, amount, reason, at });
        world.sync(payment).await;
        telling.told().await;
        store.close().await;
    })
    .await;
}

/// Paid out but for the reserve; then the shopper sends the goods back.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_taken_from_the_reserve_before_it_becomes_a_debt() {
    on_each_engine("refund from reserve", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let supplier = treasury.supplier("A");
        treasury.payee(supplier).await;
        treasury.terms(supplier, r#"{"reserve":{"percent":"10","days":90}}"#).await;
        let mut payments = vec![];
        for (order, capture) in [("o-1", "CAP-1"), ("o-2", "CAP-2")] {
            let capture = taken(capture, "100.00", "USD", "4.90");
            payments.push(treasury.world.paid(order, money("100.00", "USD"), J01, capture).await);
            database.tick(TimeDelta::days(1));
            treasury.world.releasing.release_due().await.unwrap();
        }
        let days = [90, 89].map(|days| (database.clock.now() + TimeDelta::days(days)).date_naive());
        let [later, sooner] = days.map(|day| format!("2120[A,{day}] USD"));
        let plan = treasury.sent().await;
        treasury.works(plan).await;
        let of =
            async |account: &str| treasury.world.standing().await.get(account).cloned().unwrap_or_default();
        assert_eq!((of(&sooner).await, of(&later).await), ("-8.51".into(), "-8.51".into()));

        let part = r#"{"amount":{"amount":"12.00","currency":"USD"}}"#;
        treasury.world.refund(payments[0], part).await.unwrap();
        // 10.21 of the share and 0.59 of the fee that PayPal keeps: all of the sooner one, the rest of the later one.
        assert_eq!((of(&sooner).await, of(&later).await), (String::new(), "-6.22".into()));
        assert_eq!(of("1200[A] USD").await, "");
        treasury.world.refund(payments[1], "{}").await.unwrap();
        assert_eq!(of(&later).await, "");
        assert_eq!(of("1200[A] USD").await, "83.78");
        // On their days nothing is left to be released.
        database.tick(TimeDelta::days(91));
        treasury.world.releasing.release_due().await.unwrap();
        assert_eq!(of("2110[A] USD").await, "");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_end_what_the_rail_never_took() {
    on_each_engine("never taken", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let suppliers = treasury.crowd(2, "100.00").await;
        treasury.rail.plan(&[Goes::LostBefore]);
        let plan = treasury.executing().await;
        treasury.paying.carry_out(plan).await.unwrap_err();
        database.tick(TimeDelta::hours(2));
        treasury.paying.recover().await.unwrap();
        let finding = treasury.world.finding(FindingKind::PayoutUnknown).await;
        let (maker, checker) = (treasury.world.maker, treasury.world.checker);
        assert!(treasury.world.word(maker, &finding, Action::Dismiss).await.is_err());
        treasury.world.word(maker, &finding, Action::Adopt).await.unwrap();
        let finding = treasury.world.finding(FindingKind::PayoutUnknown).await;
        assert!(treasury.world.word(maker, &finding, Action::Adopt).await.is_err(), "not the same user");
        treasury.world.word(checker, &finding, Action::Adopt).await.unwrap();
        treasury.paying.recover().await.unwrap();
        assert_eq!((treasury.state(plan).await, treasury.rail.calls()), ("partially_failed", 1));
        let standing = treasury.world.standing().await;
        for supplier in &suppliers {
            assert_eq!(standing.get(&format!("2110[{supplier}] USD")).map(String::as_str), Some("-100.00"));
        }
        // They can be paid by a new plan, under new references.
        let plan = treasury.sent().await;
        treasury.works(plan).await;
        assert_eq!(treasury.state(plan).await, "completed");
        treasury.once(plan).await;
        store.close().await;
    })
    .await;
}

/// A call whose answer was lost, and a rail that says nothing of it.
async fn silent_after(treasury: &Treasury) -> PlanId {
    treasury.crowd(1, "100.00").await;
    treasury.rail.plan(&[Goes::LostAfter]);
    let plan = treasury.executing().await;
    treasury.paying.carry_out(plan).await.unwrap_err();
    treasury.rail.silent(true);
    treasury.world.clock.advance(TimeDelta::hours(2));
    treasury.paying.recover().await.unwrap();
    treasury.world.finding(FindingKind::PayoutUnknown).await;
    plan
}

/// The rail paid what two persons say it never took, and its notice says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_rail_says_against_two_persons_is_told() {
    on_each_engine("taken after all", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let plan = silent_after(&treasury).await;
        let finding = treasury.world.finding(FindingKind::PayoutUnknown).await;
        treasury.world.resolve(&finding, Action::Adopt).await;
        assert_eq!(treasury.states(plan).await, [("failed", 1)].into());
        let payout = treasury.payout(plan).await;
        treasury.rail.silent(false);
        treasury.rail.say(payout.id, PayoutStatus::Paid { debited: money("100.00", "USD") }, None);
        let asked = treasury.rail.questions();
        treasury.paying.ask(payout.batch).await.unwrap();
        assert_eq!(treasury.rail.questions(), asked, "nobody has named it");

        // As a notice of the rail's does, before it has the batch asked about.
        let before = treasury.world.standing().await;
        let batch = store.payout_batch(payout.batch).await.unwrap().unwrap();
        let mut change = Change::new();
        let named = PayoutBatch { rail_ref: Some("B-1".to_owned()), ..batch.value };
        change.update_payout_batch(&named, batch.version);
        store.commit(change).await.unwrap();
        for _ in 0..2 {
            treasury.paying.ask(payout.batch).await.unwrap();
            let [told] = treasury.world.findings().await.try_into().unwrap();
            assert_eq!((told.kind, &told.fact), (FindingKind::PayoutDiffers, &payout.id.to_string()));
            assert!(told.detail.contains("`failed` here and the rail now says paid"), "{}", told.detail);
        }
        let batch = store.payout_batch(payout.batch).await.unwrap().unwrap().value;
        assert_eq!(batch.outcome, Outcome::Refused, "as they ended it");
        assert_eq!(treasury.states(plan).await, [("failed", 1)].into());
        assert_eq!(treasury.world.standing().await, before);
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rail_answers_for_after_all_needs_no_person() {
    on_each_engine("unknown no more", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let plan = silent_after(&treasury).await;
        treasury.rail.silent(false);
        let payout = treasury.payout(plan).await;
        treasury.rail.say(payout.id, PayoutStatus::Paid { debited: money("100.00", "USD") }, None);
        treasury.paying.ask(payout.batch).await.unwrap();
        assert_eq!(treasury.states(plan).await, [("paid", 1)].into());
        let batch = store.payout_batch(payout.batch).await.unwrap().unwrap().value;
        assert_eq!(batch.outcome, Outcome::Done);
        assert_eq!(treasury.world.findings().await.len(), 0);
        treasury.once(plan).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_account_is_told_with_the_one_before() {
    on_each_engine("account changed", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let supplier = treasury.supplier("A");
        let (first, second) = (treasury.payee(supplier).await, treasury.payee(supplier).await);
        let merchant = treasury.world.merchant.id;
        let told = store.events_from(merchant, EventReader::Office, Seek::Start, 10).await.unwrap();
        let told: Vec<_> =
            told.iter().filter(|event| event.kind == "supplier.payout_account.changed").collect();
        assert_eq!(told.len(), 1, "the first account changes nothing");
        let data = &told[0].data;
        assert_eq!(data["account"]["id"], second.id.to_string());
        assert_eq!(data["before"][0]["id"], first.id.to_string());
        assert!(!data.to_string().contains("payee@"), "numbers stay sealed: {data}");
        store.close().await;
    })
    .await;
}

/// A backup of before the payout is put back: what it says is still to be paid may have been.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_a_restore_is_not_paid_by_a_machine() {
    on_each_engine("payouts restored", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 1).await;
        treasury.crowd(2, "100.00").await;
        // One is approved and not begun, of the other a batch is written down and not sent.
        let waiting = treasury.executing().await;
        treasury.rail.plan(&[Goes::NotSent, Goes::NotSent]);
        let _ = treasury.paying.carry_out(waiting).await;
        let calls = treasury.rail.calls();
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, treasury.join("late").await, "50.00").await;
        let plan = treasury.draft().await;
        treasury.approved(&plan).await;
        let now = database.clock.now();
        let restored = serde_json::json!({"phase": "done", "taken_at": now, "restored_at": now, "head": ""});
        let mut change = Change::new();
        change.set_setting("restored", restored.to_string(), None);
        store.commit(change).await.unwrap();
        let refused = treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Unseen { .. }), "{refused}");
        let asked = treasury.world.finding(FindingKind::ActionNeeded).await;
        treasury.world.word(treasury.world.maker, &asked, Action::Dismiss).await.unwrap();
        treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        for _ in 0..3 {
            database.tick(TimeDelta::hours(1));
            let _ = treasury.paying.carry_out(plan.id).await;
            treasury.paying.recover().await.unwrap();
        }
        assert_eq!(treasury.rail.calls(), calls, "nothing was sent");
        assert!(treasury.payouts(plan.id).await.is_empty(), "nothing more was written down");
        assert_eq!(treasury.states(waiting).await.get("unknown"), Some(&2));
        let kinds: Vec<FindingKind> = treasury.world.findings().await.iter().map(|one| one.kind).collect();
        assert!(kinds.contains(&FindingKind::ActionNeeded) && kinds.contains(&FindingKind::PayoutUnknown));
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// The books of before a payout owe it still. Drafted, approved and executed anew it would be paid twice.
#[tokio::test(flavor = "multi_thread")]
async fn whom_a_lost_day_has_paid_is_not_paid_again() {
    on_each_engine("payouts unseen", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        treasury.crowd(2, "50.00").await;
        let now = database.clock.now();
        let restored =
            json!({"phase": "done", "taken_at": now - TimeDelta::hours(5), "restored_at": now, "head": ""});
        let mut change = Change::new();
        change.set_setting("restored", restored.to_string(), None);
        store.commit(change).await.unwrap();
        database.tick(TimeDelta::hours(1));
        let plan = treasury.draft().await;
        assert_eq!(plan.document.lines.len(), 2, "nothing here tells of what was paid");
        treasury.approved(&plan).await;
        let execute = || treasury.say(treasury.world.maker, plan.id, Word::Execute);
        let unseen = async || match execute().await {
            Err(PayOutError::Unseen { finding, .. }) => finding,
            other => panic!("{other:?}"),
        };
        let asked = unseen().await;
        assert_eq!(unseen().await, asked, "asked once");
        assert_eq!(treasury.world.finding(FindingKind::ActionNeeded).await.id, asked);
        // What is found at the place since then goes before any word.
        let told = Finding {
            id: treasury.world.ids.mint(),
            merchant: treasury.world.merchant.id,
            kind: FindingKind::StatementGap,
            gateway_account: treasury.world.account.name.clone(),
            payment: None,
            fact: "PAYOUT-1".into(),
            amount: None,
            detail: "lines are missing".into(),
            state: FindingState::Open,
            opened_at: database.clock.now(),
        };
        let mut change = Change::new();
        change.open_finding(&told);
        store.commit(change).await.unwrap();
        assert_eq!(unseen().await, told.id);
        treasury.world.word(treasury.world.maker, &told, Action::Dismiss).await.unwrap();
        assert_eq!(unseen().await, asked);
        let asked = treasury.world.finding(FindingKind::ActionNeeded).await;
        treasury.world.word(treasury.world.checker, &asked, Action::Dismiss).await.unwrap();
        assert_eq!(treasury.rail.calls(), 0, "nothing was sent before");
        execute().await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        treasury.works(plan.id).await;
        assert_eq!(treasury.state(plan.id).await, "completed");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}
