//! Commission that is earned when goods are delivered: once, and never what a refund took back before.

use straits::domain::merchants::Recognise;
use straits::flows::deliver::DeliverError;
use straits::ids::PaymentId;
use straits::money::Money;
use straits::store::Change;

use super::two;
use super::world::{Setup, World, money};
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
