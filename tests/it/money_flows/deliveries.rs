//! Commission that is earned when goods are delivered: once, and never what a refund took back before.

use straits::domain::disputes::{DisputeState, MovementKind};
use straits::domain::merchants::Recognise;
use straits::flows::deliver::DeliverError;
use straits::ids::PaymentId;
use straits::money::Money;
use straits::store::Change;

use super::far::Pays;
use super::world::{Setup, World, complaint, decided, money, moved};
use super::{one, two};
use crate::engines::on_each_engine;

fn deferred() -> Setup {
    Setup { recognise: Recognise::Delivered, suppliers: ["SGD", "SGD"], ..Setup::default() }
}

async fn deliver(world: &World, payment: PaymentId, items: &[&str]) -> Result<Money, DeliverError> {
    let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    let delivery = world.delivering.deliver(world.merchant.id, payment, &items, |_| Change::new()).await?;
    Ok(delivery.commission)
}

/// Deferred (2300) and earned (4000) commission.
async fn commission(world: &World) -> [String; 2] {
    let standing = world.standing().await;
    ["2300 SGD", "4000 SGD"].map(|account| standing.get(account).cloned().unwrap_or_else(|| "0".into()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_earn_each_item_once() {
    on_each_engine("deliveries_earn_each_item_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, deferred()).await;
        let payment = two(&world, "items").await;
        assert_eq!(commission(&world).await, ["-30.00", "0"]);
        assert!(matches!(deliver(&world, payment, &["c"]).await, Err(DeliverError::Refused(_))));
        assert_eq!(deliver(&world, payment, &["a"]).await.unwrap(), money("18.00", "SGD"));
        assert_eq!(deliver(&world, payment, &["a"]).await.unwrap(), money("0.00", "SGD"));
        assert_eq!(commission(&world).await, ["-12.00", "-18.00"]);
        assert_eq!(deliver(&world, payment, &[]).await.unwrap(), money("12.00", "SGD"));
        assert_eq!(deliver(&world, payment, &[]).await.unwrap(), money("0.00", "SGD"));
        assert_eq!(commission(&world).await, ["0", "-30.00"]);
        let open = world.start("open", money("1.00", "SGD"), "{}").await;
        assert!(matches!(deliver(&world, open, &[]).await, Err(DeliverError::NotSettled)));
        let other = World::on(&store, &database.clock, deferred()).await;
        assert!(matches!(deliver(&other, payment, &[]).await, Err(DeliverError::Unknown)));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_takes_what_is_deferred_before_what_is_earned() {
    on_each_engine("a_refund_takes_what_is_deferred_before_what_is_earned", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, deferred()).await;
        let payment = two(&world, "before").await;
        world.refund(payment, r#"{"items":["b"]}"#).await.unwrap();
        assert_eq!(commission(&world).await, ["-18.00", "0"]);
        assert_eq!(deliver(&world, payment, &[]).await.unwrap(), money("18.00", "SGD"));
        assert_eq!(commission(&world).await, ["0", "-18.00"]);
        let half = r#"{"allocation":[{"supplier":"A","amount":{"amount":"75.00","currency":"SGD"}}]}"#;
        world.refund(payment, half).await.unwrap();
        assert_eq!(commission(&world).await, ["0", "-9.00"]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_beside_a_refund_earns_nothing_twice() {
    on_each_engine("a_delivery_beside_a_refund_earns_nothing_twice", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, deferred()).await;
        // Deferred commission of others, so that no floor hides a mistake.
        two(&world, "others").await;
        for round in 1..=6 {
            let payment = two(&world, &format!("beside-{round}")).await;
            let (delivered, refunded) =
                tokio::join!(deliver(&world, payment, &[]), world.refund(payment, r#"{"items":["b"]}"#));
            delivered.unwrap();
            refunded.unwrap();
            deliver(&world, payment, &[]).await.unwrap();
            assert_eq!(commission(&world).await, ["-30.00".to_owned(), format!("-{}.00", 18 * round)]);
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dispute_took_before_the_delivery_is_not_earned() {
    on_each_engine("what_a_dispute_took_before_the_delivery_is_not_earned", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, deferred()).await;
        // Deferred commission of others, so that no floor hides a mistake.
        let other = two(&world, "others").await;
        let payment = two(&world, "lost").await;
        let whole = complaint(payment, "CAP-lost", money("250.00", "SGD"), world.clock.now());
        world.hear_dispute(moved(&whole, MovementKind::Taken, money("250.00", "SGD"))).await;
        assert_eq!(commission(&world).await, ["-30.00", "0"]);
        assert_eq!(deliver(&world, payment, &[]).await.unwrap(), money("0.00", "SGD"));
        assert_eq!(deliver(&world, other, &[]).await.unwrap(), money("30.00", "SGD"));
        assert_eq!(commission(&world).await, ["0", "-30.00"]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Nobody delivers them again: it is earned with what undoes the refund, and stays deferred where nothing was delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_fails_after_the_delivery_is_earned_after_all() {
    on_each_engine("a_refund_that_fails_after_the_delivery_is_earned_after_all", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, deferred()).await;
        let (whole, half) = (two(&world, "whole").await, two(&world, "half").await);
        let all: &[&str] = &[];
        for (payment, items) in [(whole, all), (half, &["a"][..])] {
            world.far.plan(&[Pays::Later]);
            world.refund(payment, r#"{"items":["b"]}"#).await.unwrap();
            assert_eq!(deliver(&world, payment, items).await.unwrap(), money("18.00", "SGD"));
            world.far.give_up("REFUND_FAILED");
            world.sync(payment).await;
            world.sync(payment).await;
            assert_eq!(deliver(&world, payment, items).await.unwrap(), money("0.00", "SGD"));
        }
        assert_eq!(commission(&world).await, ["-12.00", "-48.00"]);
        assert_eq!(deliver(&world, half, &["b"]).await.unwrap(), money("12.00", "SGD"));
        // It was earned: the next one takes it from there.
        world.refund(whole, r#"{"items":["b"]}"#).await.unwrap();
        assert_eq!(commission(&world).await, ["0", "-48.00"]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chargeback_that_comes_back_after_the_delivery_is_earned_after_all() {
    on_each_engine("a_chargeback_that_comes_back_after_the_delivery", async |database| {
        let store = database.open().await;
        let setup = Setup { recognise: Recognise::Delivered, ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        let payment = one(&world, "won").await;
        let usd = |amount: &str| money(amount, "USD");
        let earned = async || {
            let standing = world.standing().await;
            ["2300 USD", "4000 USD"].map(|place| standing.get(place).cloned().unwrap_or_else(|| "0".into()))
        };
        let told = complaint(payment, "CAP-won", usd("100.00"), world.clock.now());
        let taken = moved(&told, MovementKind::Taken, usd("100.00"));
        world.hear_dispute(taken.clone()).await;
        assert_eq!(deliver(&world, payment, &[]).await.unwrap(), usd("0.00"));
        let part = moved(&taken, MovementKind::Returned, usd("30.00"));
        world.hear_dispute(part.clone()).await;
        assert_eq!(earned().await, ["0", "-3.00"]);
        let rest = moved(&part, MovementKind::Returned, usd("70.00"));
        let won = decided(&rest, DisputeState::Won);
        for _ in 0..2 {
            world.hear_dispute(won.clone()).await;
            assert_eq!(earned().await, ["0", "-10.00"]);
        }
        assert_eq!(deliver(&world, payment, &[]).await.unwrap(), usd("0.00"));
        world.verified().await;
        store.close().await;
    })
    .await;
}
