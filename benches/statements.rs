//! What a statement costs at the end of five million entries: one page of fifty rows, and the export of a million.
//!
//! `cargo bench --bench statements`; PostgreSQL takes part when `STRAITS_TEST_POSTGRES` is set, and
//! `STRAITS_BENCH_ENTRIES` sets another size. The books are written by the writer itself and verified at the end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Place, Posting};
use straits::ids::{PaymentId, SupplierId};
use straits::store::{Change, Store, StoreOptions, VerifyOptions};

use world::{Database, World, anonymous_memory, percentile, sgd};

const SUPPLIERS: usize = 1_000;
/// Transactions in one change, and changes in one batch: bulk loading.
const IN_CHANGE: usize = 100;
const IN_BATCH: usize = 32;
const PAGES: usize = 3_000;

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let entries = std::env::var("STRAITS_BENCH_ENTRIES").ok().and_then(|number| number.parse().ok());
    let entries: usize = entries.unwrap_or(5_000_000);
    run(Database::sqlite(), entries).await;
    match Database::postgres().await {
        Some(database) => run(database, entries).await,
        None => println!("PostgreSQL skipped: STRAITS_TEST_POSTGRES is not set"),
    }
}

async fn run(database: Database, entries: usize) {
    let world = World::new(SUPPLIERS);
    let options = StoreOptions { batch_cap: IN_BATCH, ..database.options() };
    let store = Store::open(&options).await.unwrap();
    let begun = Instant::now();
    fill(&store, &world, entries).await;
    println!("{}: {entries} entries written in {} s", database.name, begun.elapsed().as_secs());
    pages(&store, &world, database.name).await;
    export(&store, &world, &database).await;
    let begun = Instant::now();
    let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
    assert!(verification.ok(), "{:#?}", verification.checks);
    println!("{}: the whole ledger verified in {} s", database.name, begun.elapsed().as_secs());
    store.close().await;
    database.remove().await;
}

/// Two entries for each sale. Two sales in five are of the first supplier, some of whose money moves on to available.
async fn fill(store: &Store, world: &World, entries: usize) {
    let mut sales = 0;
    while sales < entries / 2 {
        let changes = (0..2 * IN_BATCH).map(|_| {
            let mut change = Change::new();
            for _ in 0..IN_CHANGE {
                sales += 1;
                change.post(sale(world, sales));
            }
            store.commit(change)
        });
        let outcomes = futures_util::future::join_all(changes.collect::<Vec<_>>()).await;
        for outcome in outcomes {
            outcome.unwrap();
        }
    }
}

fn sale(world: &World, place: usize) -> LedgerTransaction {
    let account = |code, supplier: SupplierId| Account::new(code, Owner::of(supplier));
    let pending = AccountCode::SUPPLIER_PENDING;
    let supplier = if place % 5 < 2 { world.suppliers[0] } else { world.two_suppliers()[0] };
    let (event, postings) = if place % 50 == 1 {
        let moved = sgd(700);
        let available = account(AccountCode::SUPPLIER_AVAILABLE, supplier);
        (
            JournalEvent::Delivered,
            vec![Posting::debit(account(pending, supplier), moved), Posting::credit(available, moved)],
        )
    } else {
        let gateway = Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal"));
        let amount = sgd(1_000 + i64::try_from(place % 997).unwrap_or(0));
        (
            JournalEvent::Split,
            vec![Posting::debit(gateway, amount), Posting::credit(account(pending, supplier), amount)],
        )
    };
    let now = world.clock.now();
    let id = world.ids.mint();
    LedgerTransaction::try_new(id, world.merchant, event, format!("sale {place}"), now, postings)
        .unwrap()
        .about(world.ids.mint::<PaymentId>())
}

async fn accounts_of(store: &Store, world: &World, supplier: SupplierId) -> Vec<i64> {
    let balances = store.ledger_balances_of(world.merchant, &supplier.to_string()).await.unwrap();
    balances.iter().map(|balance| balance.id).collect()
}

/// Pages at random places: every other one of the first supplier, with a fifth of all entries, the rest of any.
async fn pages(store: &Store, world: &World, name: &str) {
    let upto = store.last_number_by(world.clock.now()).await.unwrap();
    let (mut pages, mut statements) = (Vec::new(), Vec::new());
    for round in 0..PAGES {
        let supplier = if round % 2 == 0 { world.suppliers[0] } else { world.two_suppliers()[0] };
        let place = Place::after(i64::from_le_bytes(world.ids.random_bytes()).rem_euclid(upto * 9 / 10));
        let begun = Instant::now();
        let accounts = accounts_of(store, world, supplier).await;
        let opening = store.standing_after(&accounts, place.number).await.unwrap();
        let reading = Instant::now();
        let page = store.account_entries(&accounts, place, upto, 50).await.unwrap();
        pages.push(reading.elapsed());
        statements.push(begun.elapsed());
        assert!(page.len() == 50 && opening <= 0, "{} entries, opening {opening}", page.len());
    }
    let shown = |times: &mut Vec<Duration>| {
        format!("p50 {} us, p99 {} us", percentile(times, 50).as_micros(), percentile(times, 99).as_micros())
    };
    println!("{name}: a page of 50 rows: {}", shown(&mut pages));
    println!("{name}: accounts, opening balance and page: {}", shown(&mut statements));
}

/// The first supplier's entries as CSV, with the memory it takes.
async fn export(store: &Store, world: &World, database: &Database) {
    let upto = store.last_number_by(world.clock.now()).await.unwrap();
    let accounts = accounts_of(store, world, world.suppliers[0]).await;
    let extent = store.extent(&accounts, 0, upto).await.unwrap();
    assert!(extent.foots());
    let file = std::fs::File::create(database.folder.path().join("export.csv")).unwrap();
    let mut csv = csv::Writer::from_writer(BufWriter::new(file));
    let (before, begun) = (anonymous_memory(), Instant::now());
    let (mut most, mut rows) = (before, 0_i64);
    let mut stream = std::pin::pin!(store.export_entries(accounts, 0, upto));
    while let Some(page) = stream.try_next().await.unwrap() {
        for entry in &page {
            let number = entry.place.number.to_string();
            let amount = entry.debit_minus_credit.negated().amount().to_string();
            let id = entry.transaction.to_string();
            let subject = entry.subject.as_deref().unwrap_or_default();
            let day = entry.recorded_at.date_naive().to_string();
            csv.write_record([&number, &day, &id, entry.event.as_str(), subject, &amount]).unwrap();
        }
        rows += i64::try_from(page.len()).unwrap();
        most = most.max(anonymous_memory());
    }
    csv.flush().unwrap();
    csv.into_inner().unwrap().flush().unwrap();
    assert_eq!(rows, extent.entries);
    let took = begun.elapsed();
    println!(
        "{}: {rows} rows exported in {} ms, {} rows/s, anonymous memory grew by {} KiB",
        database.name,
        took.as_millis(),
        u128::try_from(rows).unwrap() * 1_000 / took.as_millis().max(1),
        most - before
    );
}
