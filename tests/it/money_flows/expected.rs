//! Money on its way: in the pending layer while the gateway has taken and not credited it, gone from it exactly once,
//! and never part of what is posted.

use straits::domain::findings::{Action, FindingKind};
use straits::domain::ledger::{JournalEvent, Layer};
use straits::domain::orders::ReportKind;
use straits::flows::issue_statement::StatementQuery;
use straits::ids::PaymentId;
use straits::store::{AsOf, Change, Seek, VerifyOptions};

use super::ONE;
use super::world::{Setup, World, money, taken};
use crate::engines::on_each_engine;

fn waits(reason: &str, amount: &str) -> ReportKind {
    ReportKind::Pending { reason: reason.into(), expected: Some(money(amount, "USD")), person_by: None }
}

/// Approved, and the capture comes back as pending.
async fn pending(world: &World, order: &str) -> PaymentId {
    let id = world.start(order, money("100.00", "USD"), ONE).await;
    world.far.say(id, ReportKind::Authorised { amount: None });
    world.hear(id).await;
    assert_eq!(world.state(id).await, "authorized");
    world.far.say(id, waits("ECHECK", "100.00"));
    world.hear(id).await;
    assert_eq!(world.state(id).await, "pending");
    id
}

/// What stands in the pending layer: account and minor units, debit less credit.
async fn expected(world: &World) -> Vec<(String, i64)> {
    let all = world.store.ledger_accounts(world.merchant.id, Seek::Start, 500).await.unwrap();
    let all = all.into_iter().filter(|row| row.layer == Layer::Pending && !row.debit_minus_credit.is_zero());
    all.map(|row| (row.account.to_string(), row.debit_minus_credit.minor())).collect()
}

fn on_its_way() -> Vec<(String, i64)> {
    vec![("1110[paypal]".into(), 10_000), ("2000[paypal]".into(), -10_000)]
}

async fn booked(world: &World, event: JournalEvent) -> usize {
    world.transactions().await.iter().filter(|row| row.event == event).count()
}

async fn nothing_posted(world: &World) {
    world.stands(&[]).await;
    let trial = world.store.trial_balance(world.merchant.id, AsOf::Now).await.unwrap();
    assert!(trial.lines.iter().all(|line| line.layer == Layer::Pending), "{trial:?}");
    let balances = world.statements.balances(world.merchant.id, world.suppliers[0]).await.unwrap();
    assert!(balances.iter().all(|balance| balance.balance.is_zero()));
    let day = world.clock.now().date_naive();
    let query = StatementQuery {
        supplier: world.suppliers[0],
        currency: None,
        from: day,
        to: day,
        limit: None,
        after: None,
    };
    assert!(world.statements.statement(world.merchant.id, &query).await.unwrap().entries().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pending_is_expected_and_what_is_captured_is_posted() {
    on_each_engine("what_is_pending_is_expected", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = pending(&world, "echeck").await;
        assert_eq!(expected(&world).await, on_its_way());
        nothing_posted(&world).await;
        world.verified().await;
        // Told again, from every side and with another reason: once is enough.
        world.hear(payment).await;
        world.far.say(payment, waits("PENDING_REVIEW", "100.00"));
        world.hear(payment).await;
        world.sync(payment).await;
        assert_eq!(
            (expected(&world).await, booked(&world, JournalEvent::CaptureExpected).await),
            (on_its_way(), 1)
        );
        // The shopper has paid: it is neither called off nor taken again.
        let refused = world.pay.cancel(world.merchant.id, payment, Change::new()).await.unwrap_err();
        assert_eq!(refused.code(), "payment_not_cancellable");
        world.far.say(payment, ReportKind::Authorised { amount: None });
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "pending");

        world.far.say(payment, ReportKind::Captured(taken("CAP", "100.00", "USD", "4.90")));
        world.hear(payment).await;
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        assert!(expected(&world).await.is_empty());
        assert_eq!(booked(&world, JournalEvent::ExpectationEnded).await, 1);
        let standing = world.standing().await;
        assert_eq!(standing.get("2100[A] USD").map(String::as_str), Some("-85.10"));
        assert_eq!(standing.get("1110[paypal] USD").map(String::as_str), Some("95.10"));
        // A late word of what was before.
        world.far.say(payment, waits("ECHECK", "100.00"));
        world.hear(payment).await;
        assert_eq!((world.state(payment).await, world.standing().await), ("captured", standing));
        assert!(expected(&world).await.is_empty());
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_come_is_no_longer_expected() {
    on_each_engine("what_does_not_come_is_no_longer_expected", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let ends = [
            (ReportKind::Failed { code: "DENIED".into() }, "failed"),
            (ReportKind::Cancelled { code: "VOIDED".into() }, "cancelled"),
            (ReportKind::Expired, "expired"),
        ];
        for (place, (report, state)) in ends.into_iter().enumerate() {
            let payment = pending(&world, state).await;
            world.far.say(payment, report);
            world.hear(payment).await;
            world.hear(payment).await;
            assert_eq!(world.state(payment).await, state);
            assert!(expected(&world).await.is_empty(), "{state}");
            assert_eq!(booked(&world, JournalEvent::ExpectationEnded).await, place + 1);
            nothing_posted(&world).await;
            // Neither a late word of it nor its end comes twice.
            world.far.say(payment, waits("ECHECK", "100.00"));
            world.hear(payment).await;
            assert!(expected(&world).await.is_empty() && world.state(payment).await == state);
        }
        // And captured after all: late, posted, nothing expected.
        let payment = pending(&world, "late").await;
        world.far.say(payment, ReportKind::Failed { code: "DENIED".into() });
        world.hear(payment).await;
        world.far.say(payment, ReportKind::Captured(taken("CAP", "100.00", "USD", "4.90")));
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        assert!(expected(&world).await.is_empty());
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_amount_ends_what_was_expected() {
    on_each_engine("another_amount_ends_what_was_expected", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        // Promised wrongly: nothing is expected, a person looks.
        let wrong = world.start("promise", money("100.00", "USD"), ONE).await;
        world.far.say(wrong, waits("ECHECK", "10.00"));
        world.hear(wrong).await;
        assert_eq!(world.state(wrong).await, "in_review");
        assert!(expected(&world).await.is_empty());
        // Promised rightly and captured wrongly: what came stands in suspense, nothing more is expected.
        let payment = pending(&world, "capture").await;
        world.far.say(payment, ReportKind::Captured(taken("CAP", "10.00", "USD", "0.94")));
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "in_review");
        assert!(expected(&world).await.is_empty());
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-10.00"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_gateway_waits_for_is_found_once() {
    on_each_engine("whom_the_gateway_waits_for_is_found_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = pending(&world, "unilateral").await;
        assert!(world.findings().await.is_empty(), "an eCheck waits for its bank");
        let person_by = Some(world.clock.now() + chrono::TimeDelta::days(30));
        world.far.say(
            payment,
            ReportKind::Pending {
                reason: "UNILATERAL".into(),
                expected: Some(money("100.00", "USD")),
                person_by,
            },
        );
        for _ in 0..3 {
            world.hear(payment).await;
        }
        let finding = world.finding(FindingKind::ActionNeeded).await;
        assert!(finding.detail.contains("UNILATERAL") && finding.detail.contains("must not pay again"));
        assert_eq!((world.findings().await.len(), finding.payment.clone()), (1, Some(payment.to_string())));
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        world.hear(payment).await;
        assert!(world.findings().await.is_empty());
        assert_eq!(expected(&world).await, on_its_way());
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_names_what_is_expected_of_a_payment_that_ended() {
    on_each_engine("verify_names_what_is_expected", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = pending(&world, "left").await;
        let mut connection = database.connect().await;
        let sql = format!("UPDATE payment SET state = 'failed' WHERE id = '{payment}'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        let verification = store.verify(&VerifyOptions::default()).await.unwrap();
        let faults: Vec<_> = verification.checks.iter().filter(|check| !check.ok).collect();
        assert!(faults.len() == 1 && faults[0].name == "expected", "{faults:?}");
        assert!(faults[0].detail.contains(&payment.to_string()), "{faults:?}");
        store.close().await;
    })
    .await;
}
