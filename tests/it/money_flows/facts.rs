//! Facts of money beside captures and refunds: booked once, under the gateway's own id, however often they are told.

use straits::domain::findings::{Action, FindingKind};
use straits::domain::orders::MoneyReport;

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
