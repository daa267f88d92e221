//! Facts of money beside captures and refunds: booked once, under the gateway's own id, however often they are told.

use chrono::TimeDelta;
use straits::domain::findings::{Action, FindingKind};
use straits::domain::orders::MoneyReport;
use straits::domain::reconciliation::{BillKind, BillLine};

use super::bills::{day, line, movement, noon, run, told};
use super::one;
use super::world::{Setup, World, money};
use crate::engines::on_each_engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_moves_money_aside_and_a_release_brings_it_back() {
    on_each_engine("a_hold_moves_money_aside_and_a_release_brings_it_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "held").await;
        let free = world.standing().await;
        let (reference, reason, amount) = ("H-1".to_owned(), "reserve".to_owned(), money("5.00", "USD"));
        let held = MoneyReport::Held { reference, amount, reason, at: database.clock.now() };
        world.far.tell_money(payment, held);
        world.hear(payment).await;
        world.sync(payment).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("1120[paypal,reserve] USD").map(String::as_str), Some("5.00"));
        assert_eq!(standing.get("1110[paypal] USD").map(String::as_str), Some("90.10"));
        let finding = world.finding(FindingKind::GatewayHold).await;
        assert_eq!(finding.amount, Some(amount));
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        let (reference, reason) = ("H-1".to_owned(), "reserve".to_owned());
        world.far.tell_money(
            payment,
            MoneyReport::Released { reference, amount, reason, at: database.clock.now() },
        );
        world.sync(payment).await;
        world.sync(payment).await;
        assert_eq!(world.standing().await, free);
        assert!(world.findings().await.is_empty(), "a decided finding stays decided");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_waits_for_no_person_once_every_hold_has_ended() {
    on_each_engine("a_share_waits_for_no_person_once_every_hold_has_ended", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "let-go").await;
        let free = world.standing().await;
        let at = database.clock.now();
        let holds = [("H-1", "review", "5.00"), ("H-2", "reserve", "3.00")];
        let holds = holds.map(|(reference, reason, amount)| {
            (reference.to_owned(), reason.to_owned(), money(amount, "USD"))
        });
        for (reference, reason, amount) in holds.clone() {
            world.far.tell_money(payment, MoneyReport::Held { reference, amount, reason, at });
        }
        world.sync(payment).await;
        database.tick(TimeDelta::days(1));
        for (ended, (reference, reason, amount)) in holds.into_iter().enumerate() {
            // One that still stands keeps both questions open, and the share pending.
            assert_eq!(world.findings().await.len(), 2, "{ended}");
            assert_eq!(world.releasing.release_due().await.unwrap(), 0, "{ended}");
            world.far.tell_money(payment, MoneyReport::Released { reference, amount, reason, at });
            world.sync(payment).await;
            world.sync(payment).await;
        }
        assert_eq!(world.standing().await, free);
        assert!(world.findings().await.is_empty());
        assert_eq!(world.releasing.release_due().await.unwrap(), 1);
        let (events, _) = store.events(world.merchant.id, None, None, 50).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.kind == "finding.repaired").count(), 2);
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// The same by a bill, which tells the end of a hold under a name of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_waits_for_no_person_once_a_bill_ends_its_hold() {
    on_each_engine("a_share_waits_for_no_person_once_a_bill_ends_its_hold", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "billed").await;
        let about = |reference: &str, kind: BillKind, amount: &str, ahead: i64| {
            let mut facts = movement(reference, kind, amount).into_facts();
            facts.related_ref = Some("CAP-billed".into());
            facts.at = noon() + TimeDelta::days(ahead);
            BillLine::try_new(facts).unwrap()
        };
        world.far.bill(line("billed", |_| {}));
        world.far.bill(about("H-1", BillKind::Hold, "-20.00", 0));
        run(&world, day()).await;
        assert_eq!(world.finding(FindingKind::GatewayHold).await.payment, Some(payment.to_string()));
        database.tick(TimeDelta::days(1));
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);
        world.far.bill(about("H-1R", BillKind::HoldReleased, "20.00", 1));
        let (_, items) = run(&world, day() + TimeDelta::days(1)).await;
        assert_eq!(told(&items), [("release", "flagged")]);
        assert!(world.findings().await.is_empty());
        assert_eq!(world.releasing.release_due().await.unwrap(), 1);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_is_in_suspense_until_two_users_bear_it() {
    on_each_engine("a_reversal_is_in_suspense_until_two_users_bear_it", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "reversed").await;
        let (at, amount) = (database.clock.now(), money("100.00", "USD"));
        world.far.tell_money(payment, MoneyReport::Reversed { reference: "V-1".into(), amount, at });
        world.far.tell_money(
            payment,
            MoneyReport::Fee { reference: "F-1".into(), amount: money("20.00", "USD"), at },
        );
        world.sync(payment).await;
        world.sync(payment).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[paypal] USD").map(String::as_str), Some("100.00"));
        assert_eq!(standing.get("1110[paypal] USD").map(String::as_str), Some("-24.90"));
        assert_eq!(standing.get("5000[paypal] USD").map(String::as_str), Some("24.90"));
        world.verified().await;
        let finding = world.finding(FindingKind::Reversed).await;
        world.resolve(&finding, Action::Adopt).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("5030 USD").map(String::as_str), Some("100.00"));
        assert!(!standing.contains_key("2900[paypal] USD"));
        let fee = world.finding(FindingKind::UnexplainedFee).await;
        world.word(world.maker, &fee, Action::Dismiss).await.unwrap();
        assert!(world.findings().await.is_empty());
        world.verified().await;
        store.close().await;
    })
    .await;
}
