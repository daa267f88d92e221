//! `kill -9` of the real program under load, at random moments: every payment the far side approved is captured in the
//! end, none twice, every refund goes out once, and the books verify.
//!
//! What happened is read from the far sides' own book, not from ours. `STRAITS_KILLS` names the number of kills per
//! engine (3), `STRAITS_KILL_SEED` repeats one sequence.

mod crowd;
#[cfg(feature = "crash-points")]
mod points;
pub mod server;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::engines::TestDatabase;
use crate::far_book;
use server::{Client, Server};

/// Customers at once.
const CROWD: u64 = 12;
/// How long after the last start everything may take to settle.
const PATIENCE: Duration = Duration::from_secs(25);
/// The same after a row of deaths, whose last leases may have begun late.
#[cfg(feature = "crash-points")]
const LONGER: Duration = Duration::from_secs(50);

#[tokio::test(flavor = "multi_thread")]
async fn every_approved_payment_survives_kills_on_sqlite() {
    survives(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_approved_payment_survives_kills_on_postgres() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    survives(Some(database.url.clone())).await;
    database.drop_database().await;
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn survives(database: Option<String>) {
    let seed = number("STRAITS_KILL_SEED", 1);
    let mut dice = StdRng::seed_from_u64(seed);
    let mut server = Server::start(database).await;
    let supplier = server.sandbox["supplier_id"].as_str().unwrap().to_owned();
    let (told, mut crowd) = crowd::send(&server.client(), CROWD, seed, &supplier);
    for _ in 0..number("STRAITS_KILLS", 3) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(400..1_600))).await;
        server.kill();
        server.boot().await;
    }
    ends_well(&server, &told, &mut crowd, (PATIENCE, &format!("seed {seed}"))).await;
}

/// After the last start: the crowd comes to its end, everything settles, and the far sides' truth is ours.
async fn ends_well(
    server: &Server,
    told: &crowd::Told,
    crowd: &mut tokio::task::JoinSet<()>,
    (patience, what): (Duration, &str),
) {
    let begun = Instant::now();
    told.stop();
    while let Some(customer) = crowd.join_next().await {
        customer.unwrap();
    }
    let far = settled(server, told, begun, patience).await;
    judge(server, told, &far).await;
    let took = begun.elapsed().as_secs_f32();
    println!(
        "{what}: {} payments, {} charged, {} refunds, settled {took:.1} s after the last start",
        told.payments.lock().unwrap().len(),
        far.charges.len(),
        far.refunds.len()
    );
}

/// What the far sides say: by our references.
#[derive(Default)]
struct Far {
    /// Payments whose shopper agreed.
    approved: Vec<String>,
    /// Charges per payment.
    charges: BTreeMap<String, usize>,
    /// Refunds per reference of ours.
    refunds: BTreeMap<String, usize>,
}

impl Far {
    async fn read(server: &Server) -> Far {
        let mut far = Far::default();
        for (kind, body) in far_book::records(server.folder()).await {
            let named = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
            match kind.as_str() {
                "paypal.order" if ["APPROVED", "COMPLETED"].contains(&body["status"].as_str().unwrap()) => {
                    far.approved.push(named("reference"));
                }
                "paypal.capture" => *far.charges.entry(named("custom_id")).or_default() += 1,
                "paypal.refund" => *far.refunds.entry(named("custom_id")).or_default() += 1,
                "grabpay.charge" => {
                    if body["state"].get("Captured").is_some() {
                        *far.charges.entry(named("partner_tx_id")).or_default() += 1;
                    }
                    if body["state"].get("Captured").or(body["state"].get("Authorised")).is_some() {
                        far.approved.push(named("partner_tx_id"));
                    }
                }
                "grabpay.refund" => *far.refunds.entry(named("partner_tx_id")).or_default() += 1,
                _ => {}
            }
        }
        far
    }
}

/// Waits until nothing approved waits for its money and no refund is under way.
async fn settled(server: &Server, told: &crowd::Told, begun: Instant, patience: Duration) -> Far {
    let client = server.client();
    loop {
        let far = Far::read(server).await;
        let ours = ours(&client).await;
        let waiting: Vec<_> =
            far.approved.iter().filter(|id| !ours.get(*id).is_some_and(is_captured)).collect();
        let under_way = refunds_under_way(&client, told).await;
        if waiting.is_empty() && under_way.is_empty() {
            // Read once more: what was under way while it was read the first time is in it now.
            return Far::read(server).await;
        }
        let states = waiting.iter().map(|id| format!("{id} {}", ours[*id]["state"]));
        let states: Vec<_> = states.chain(under_way).collect();
        assert!(begun.elapsed() < patience, "approved and not captured: {states:#?}\n{}", server.tail());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn refunds_under_way(client: &Client, told: &crowd::Told) -> Vec<String> {
    let refunds = told.refunds.lock().unwrap().clone();
    let mut under_way = Vec::new();
    for id in refunds.keys() {
        let (_, refund) = client.get("storefront", &format!("/v1/refunds/{id}")).await;
        if refund["state"] == "pending" {
            under_way.push(format!("{id} pending"));
        }
    }
    under_way
}

fn is_captured(payment: &Value) -> bool {
    ["captured", "partially_refunded", "refunded"].contains(&payment["state"].as_str().unwrap())
}

/// Every payment of ours by its id.
async fn ours(client: &Client) -> BTreeMap<String, Value> {
    let (mut all, mut after) = (BTreeMap::new(), String::new());
    loop {
        let (status, page) = client.get("storefront", &format!("/v1/payments?limit=100{after}")).await;
        assert_eq!(status, 200, "{page}");
        let payments = page["data"].as_array().unwrap();
        for payment in payments {
            let id = payment["id"].as_str().unwrap();
            after = format!("&starting_after={id}");
            all.insert(id.to_owned(), payment.clone());
        }
        if page["has_more"] == false {
            return all;
        }
    }
}

async fn judge(server: &Server, told: &crowd::Told, far: &Far) {
    let client = server.client();
    let ours = ours(&client).await;
    let told_of = told.payments.lock().unwrap().clone();
    for id in told_of.keys() {
        assert!(ours.contains_key(id), "{id} was answered and is gone");
    }
    assert_eq!(ours.len(), told_of.len(), "an order has one payment, however often it was asked for");
    for (id, payment) in &ours {
        let charges = far.charges.get(id).copied().unwrap_or(0);
        assert!(charges <= 1, "{id} was charged {charges} times");
        assert_eq!(is_captured(payment), charges == 1, "{id}: {}", payment["state"]);
        let (_, page) =
            client.get("finance", &format!("/v1/ledger/transactions?subject={id}&limit=100")).await;
        let booked = page["data"].as_array().unwrap().iter();
        let booked = booked.filter(|transaction| transaction["event"] == "captured").count();
        assert_eq!(booked, charges, "{id} is booked {booked} times");
    }
    for (reference, times) in &far.refunds {
        assert_eq!(*times, 1, "{reference} went out more than once");
    }
    let refunds = told.refunds.lock().unwrap().clone();
    for (id, payment) in &refunds {
        let (_, refund) = client.get("storefront", &format!("/v1/refunds/{id}")).await;
        let state = refund["state"].as_str().unwrap().to_owned();
        assert_eq!(state == "succeeded", far.refunds.contains_key(id), "{id} of {payment}: {state}");
    }
    let (_, verified) = client.get("finance", "/v1/ledger/verify").await;
    assert_eq!(verified["ok"], true, "{verified:#}");
}
