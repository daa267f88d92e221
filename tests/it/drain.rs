//! SIGTERM in the middle of the rush: no new connections, whoever was at work is answered, the program ends by itself, and
//! nothing is half there for the next one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::engines::TestDatabase;
use crate::kill::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_at_work_is_answered_on_sqlite() {
    drains(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_at_work_is_answered_on_postgres() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    drains(Some(database.url.clone())).await;
    database.drop_database().await;
}

async fn drains(database: Option<String>) {
    let mut server = Server::start(database).await;
    let (stop, orders) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut shoppers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (client, stop, orders) = (server.client(), stop.clone(), orders.clone());
        shoppers.spawn(async move {
            let mut said = BTreeMap::new();
            while !stop.load(Ordering::SeqCst) {
                let name = format!("order-{}", orders.fetch_add(1, Ordering::SeqCst));
                let body = json!({
                    "order_ref": name, "gateway": "paypal", "amount": {"amount": "10.00", "currency": "SGD"},
                });
                let post = reqwest::Method::POST;
                let path = "/v1/payments";
                let (status, told) = client.call(post, path, "storefront", Some(&name), Some(body)).await;
                said.insert(name, (status, told["state"].clone()));
            }
            said
        });
    }
    while orders.load(Ordering::SeqCst) < 60 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    let ended = server.terminate();
    let took = begun.elapsed();
    stop.store(true, Ordering::SeqCst);
    assert!(ended.success(), "{ended}\n{}", server.tail());
    assert!(took < Duration::from_secs(15), "{took:?}");
    let mut said = BTreeMap::new();
    while let Some(shopper) = shoppers.join_next().await {
        said.extend(shopper.unwrap());
    }
    let answered = said.values().filter(|(status, _)| *status == 201).count();
    assert!(answered > 30, "{said:?}");
    // An answer is a payment or a clear no; nobody hears of a fault of ours.
    assert!(said.values().all(|(status, _)| matches!(status, 201 | 503 | 0)), "{said:?}");

    server.boot().await;
    let client = server.client();
    let (mut there, mut after) = (BTreeMap::new(), String::new());
    loop {
        let (_, page) = client.get("storefront", &format!("/v1/payments?limit=100{after}")).await;
        for payment in page["data"].as_array().unwrap() {
            after = format!("&starting_after={}", payment["id"].as_str().unwrap());
            there.insert(payment["order_ref"].as_str().unwrap().to_owned(), payment["state"].clone());
        }
        if page["has_more"] == false {
            break;
        }
    }
    for (name, (status, told)) in &said {
        match (status, there.get(name)) {
            // The sandbox's far sides end with the program: an opening that does not reach them any more has failed,
            // and says so.
            (201, Some(state)) => assert_eq!(state, told, "{name} is not what was said"),
            (201, None) => panic!("{name} was answered and is gone"),
            (_, Some(state)) => panic!("{name} is {state} and nobody was told"),
            (_, None) => {}
        }
    }
    let (_, verified) = client.get("finance", "/v1/ledger/verify").await;
    assert_eq!(verified["ok"], true, "{verified:#}");
    println!("{answered} answered, {} not, ended after {took:?}", said.len() - answered);
}
