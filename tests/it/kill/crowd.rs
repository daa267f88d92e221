//! Many customers at once: they order, agree at the gateway's page, and now and then want some of it back. They repeat
//! what was not answered under the same key, as a merchant's shop does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use super::server::Client;

/// What the crowd was told; the truth is looked up elsewhere.
#[derive(Default)]
pub struct Told {
    /// Payments by id: each was answered with 201.
    pub payments: Mutex<BTreeMap<String, Value>>,
    /// Refunds by id, with the payment each is of.
    pub refunds: Mutex<BTreeMap<String, String>>,
    stop: AtomicBool,
    orders: AtomicUsize,
}

impl Told {
    /// No more orders; what is begun is ended.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Sends the crowd.
pub fn send(client: &Client, size: u64, seed: u64, supplier: &str) -> (Arc<Told>, tokio::task::JoinSet<()>) {
    let told = Arc::new(Told::default());
    let mut crowd = tokio::task::JoinSet::new();
    for nth in 0..size {
        let (client, told, supplier) = (client.clone(), told.clone(), supplier.to_owned());
        crowd.spawn(async move {
            let mut dice = StdRng::seed_from_u64(seed * 1_000 + nth);
            while !told.stop.load(Ordering::SeqCst) {
                order(&client, &told, &supplier, &mut dice).await;
            }
        });
    }
    (told, crowd)
}

async fn order(client: &Client, told: &Told, supplier: &str, dice: &mut StdRng) {
    let nth = told.orders.fetch_add(1, Ordering::SeqCst);
    let (gateway, currency) = if dice.random_bool(0.5) { ("paypal", "USD") } else { ("grabpay", "SGD") };
    let cents = dice.random_range(1_000..20_000);
    let body = json!({
        "order_ref": format!("order-{nth}"), "gateway": gateway,
        "amount": {"amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": currency},
        "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
    });
    let (status, payment) = client.insist("/v1/payments", &format!("order-{nth}"), &body).await;
    assert_eq!(status, 201, "{payment}");
    let id = payment["id"].as_str().unwrap().to_owned();
    told.payments.lock().unwrap().insert(id.clone(), payment);
    // The shopper presses the button once; whether the page heard it is the far side's to say.
    let button = json!({"shopper": "approve"});
    client.call(Method::POST, &format!("/v1/sandbox/payments/{id}"), "storefront", None, Some(button)).await;
    if dice.random_bool(0.4) {
        wants_back(client, told, &id, dice).await;
    }
}

/// Wants one dollar back as soon as the money is there.
async fn wants_back(client: &Client, told: &Told, id: &str, dice: &mut StdRng) {
    for _ in 0..20 {
        let (_, payment) = client.get("storefront", &format!("/v1/payments/{id}")).await;
        if payment["state"] == "captured" {
            let currency = &payment["amount"]["currency"];
            let body = json!({"amount": {"amount": "1.00", "currency": currency}, "reason": "one back"});
            let (status, refund) = client.insist(&format!("/v1/payments/{id}/refunds"), "back", &body).await;
            assert_eq!(status, 201, "{refund}");
            let refund = refund["id"].as_str().unwrap().to_owned();
            told.refunds.lock().unwrap().insert(refund, id.to_owned());
            return;
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(20..120))).await;
    }
}
