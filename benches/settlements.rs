//! What group commit is worth: settlements a second through the writer, 64 callers, batches of up to 256 against one
//! transaction for each change, on each engine at hand. Every answer is durable in both.
//!
//! `cargo bench --bench settlements`; PostgreSQL takes part when `STRAITS_TEST_POSTGRES` is set. Trust the ratios, not
//! the figures: the machine is shared.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection, Row};
use straits::domain::orders::Payment;
use straits::ids::PaymentId;
use straits::store::{Change, Store, StoreOptions, VerifyOptions};

use world::{Database, World, flushes_per_second, percentile, processor_time};

const CALLERS: usize = 64;

struct Measured {
    per_second: u64,
    median: Duration,
    slow: Duration,
    batches: i64,
    settlements: usize,
    processor: Duration,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    println!(
        "| engine | batch cap | settlements/s | p50 us | p99 us | flushes/settlement | program CPU us |"
    );
    println!("|---|---|---|---|---|---|---|");
    ratio("SQLite", false).await;
    if std::env::var("STRAITS_TEST_POSTGRES").is_ok() {
        ratio("PostgreSQL", false).await;
        ratio("PostgreSQL, portable statements", true).await;
    } else {
        println!("PostgreSQL skipped: STRAITS_TEST_POSTGRES is not set");
    }
}

async fn ratio(name: &str, portable: bool) {
    let mut rates = Vec::new();
    for (cap, settlements) in [(1, 2_000), (256, 12_000)] {
        let database = match name {
            "SQLite" => Database::sqlite(),
            _ => Database::postgres().await.unwrap(),
        };
        let options = StoreOptions { batch_cap: cap, portable_writer: portable, ..database.options() };
        let measured = measure(&database, &options, settlements).await;
        let flushes = measured.batches * 1_000 / measured.settlements as i64;
        println!(
            "| {name} | {cap} | {} | {} | {} | {}.{:03} | {} |",
            measured.per_second,
            measured.median.as_micros(),
            measured.slow.as_micros(),
            flushes / 1_000,
            flushes % 1_000,
            measured.processor.as_micros() / measured.settlements as u128,
        );
        rates.push(measured.per_second);
        if cap != 1 {
            println!(
                "{name}: the disk makes {} pages durable a second",
                flushes_per_second(database.folder.path())
            );
        }
        database.remove().await;
    }
    println!("{name}: {}.{} times as many settlements/s", rates[1] / rates[0], rates[1] * 10 / rates[0] % 10);
}

async fn measure(database: &Database, options: &StoreOptions, settlements: usize) -> Measured {
    let world = Arc::new(World::new(1_000));
    let payments = prepare(options, &world, settlements).await;
    let store = Store::open(options).await.unwrap();
    let before = batches(database).await;
    let (begun, processor) = (Instant::now(), processor_time());
    let next = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, world) = (store.clone(), Arc::clone(&world));
            let (payments, next) = (Arc::clone(&payments), Arc::clone(&next));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while let Some(payment) = payments.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let change = world.settlement(payment);
                    let begun = Instant::now();
                    store.commit(change).await.unwrap();
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::with_capacity(settlements);
    for caller in callers {
        times.extend(caller.await.unwrap());
    }
    let took = begun.elapsed();
    let processor = processor_time() - processor;
    let batches = batches(database).await - before;
    let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
    assert!(verification.ok(), "{:#?}", verification.checks);
    store.close().await;
    Measured {
        per_second: (settlements as u128 * 1_000_000 / took.as_micros()) as u64,
        median: percentile(&mut times, 50),
        slow: percentile(&mut times, 99),
        batches,
        settlements,
        processor,
    }
}

/// Payments to settle, and the accounts of every supplier.
async fn prepare(options: &StoreOptions, world: &World, settlements: usize) -> Arc<Vec<Payment>> {
    let store = Store::open(&StoreOptions { batch_cap: 256, ..options.clone() }).await.unwrap();
    let payments: Vec<Payment> = (0..settlements).map(|_| world.payment()).collect();
    for some in payments.chunks(512) {
        let commits = some.iter().map(|payment| {
            let mut change = Change::new();
            change.insert_payment(payment);
            store.commit(change)
        });
        for outcome in futures_util::future::join_all(commits).await {
            outcome.unwrap();
        }
    }
    let opening = (0..4_000).map(|_| world.ids.mint::<PaymentId>()).collect::<Vec<_>>();
    for some in opening.chunks(256) {
        let commits = some.iter().map(|payment| {
            let mut change = Change::new();
            for transaction in
                world.transactions(*payment, &format!("opening {payment}"), world.two_suppliers())
            {
                change.post(transaction);
            }
            store.commit(change)
        });
        for outcome in futures_util::future::join_all(commits).await {
            outcome.unwrap();
        }
    }
    store.close().await;
    Arc::new(payments)
}

/// Every batch that posted something is a block, and costs one flush.
async fn batches(database: &Database) -> i64 {
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let row = sqlx::query("SELECT COUNT(*) FROM ledger_block").fetch_one(&mut connection).await.unwrap();
    row.get(0)
}
