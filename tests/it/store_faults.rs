//! The database goes away, or somebody stands in the way: writes wait, recover by themselves, and are never doubled.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use straits::store::{
    CommitError, CommitFault, CommitFaults, Engine, Store, StoreError, StoreOptions, VerifyOptions,
};

use crate::books::{Book, posting, sgd};
use crate::engines::{TestDatabase, on_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_waits_for_another_process_that_holds_the_lock() {
    on_each_engine("lock held", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        store.commit(posting(book.earned(0, "first", sgd(1)))).await.unwrap();
        let mut other = database.connect().await;
        let begin = match database.engine() {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN; SELECT seq FROM ledger_head WHERE id = 1 FOR UPDATE",
        };
        sqlx::raw_sql(begin).execute(&mut other).await.unwrap();
        let holding = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            // Reads work meanwhile.
            let balances = store.ledger_balances_of(book.merchant, "paypal").await.unwrap();
            assert_eq!(balances[0].shown(), sgd(1));
            sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(store.commit(posting(book.earned(0, "second", sgd(1)))), holding);
        outcome.unwrap();
        store.close().await;
    })
    .await;
}

/// Another program was stopped in the middle of a transaction: its lock outlasts a statement's time, and the change waits
/// it out instead of failing.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_outlasts_a_statement_is_waited_out() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("long lock: PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    let store = database.open().await;
    let book = Book::new(&database.clock, 1);
    store.commit(posting(book.earned(0, "first", sgd(1)))).await.unwrap();
    let mut other = database.connect().await;
    let stopped = "SET idle_in_transaction_session_timeout = '7s'; BEGIN; SELECT seq FROM ledger_head WHERE id = 1 FOR UPDATE";
    sqlx::raw_sql(stopped).execute(&mut other).await.unwrap();
    let begun = std::time::Instant::now();
    store.commit(posting(book.earned(0, "second", sgd(1)))).await.unwrap();
    assert!(begun.elapsed() > Duration::from_secs(5), "the first try ran out of time");
    let woken = sqlx::raw_sql("COMMIT").execute(&mut other).await;
    assert!(woken.is_err(), "the server has ended the one that slept");
    let balances = store.ledger_balances_of(book.merchant, "paypal").await.unwrap();
    assert_eq!(balances[0].shown(), sgd(2), "once each");
    store.close().await;
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_are_made_anew() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("ended connections: PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    let store = database.open().await;
    let book = Book::new(&database.clock, 3);
    let mut admin = AnyConnection::connect(&database.url).await.unwrap();
    let ending = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .execute(&mut admin)
            .await
            .unwrap();
        }
    };
    let writing = async {
        let mut outcomes = Vec::new();
        for place in 0..150 {
            let source = format!("{place}");
            outcomes
                .push((source.clone(), store.commit(posting(book.earned(place % 3, &source, sgd(1)))).await));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        outcomes
    };
    let (outcomes, ()) = tokio::join!(writing, ending);
    for (source, outcome) in &outcomes {
        assert!(outcome.is_ok(), "{source}: {outcome:?}");
    }
    let gateway = store.ledger_balances_of(book.merchant, "paypal").await.unwrap();
    assert_eq!((gateway[0].shown(), gateway[0].entries), (sgd(150), 150));
    let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
    assert!(verification.ok(), "{:#?}", verification.checks);
    store.close().await;
    drop(admin);
    database.drop_database().await;
}

/// Two programs that each hold what the other wants: the server ends this one's transaction, and the change is done anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_that_is_lost_is_tried_again() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("deadlock: PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    let store = database.open().await;
    let book = Book::new(&database.clock, 1);
    store.commit(posting(book.earned(0, "first", sgd(1)))).await.unwrap();
    let mut other = database.connect().await;
    // The other is the more patient one: whoever looks first loses.
    let holding = "SET deadlock_timeout = '30s'; BEGIN; LOCK TABLE ledger_entry IN EXCLUSIVE MODE";
    sqlx::raw_sql(holding).execute(&mut other).await.unwrap();
    let crossing = async {
        until(
            &database,
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger_entry'::regclass",
            1,
        )
        .await;
        let wanting = "SELECT seq FROM ledger_head WHERE id = 1 FOR UPDATE; ROLLBACK";
        sqlx::raw_sql(wanting).execute(&mut other).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(store.commit(posting(book.earned(0, "second", sgd(1)))), crossing);
    outcome.unwrap();
    let balances = store.ledger_balances_of(book.merchant, "paypal").await.unwrap();
    assert_eq!((balances[0].shown(), balances[0].entries), (sgd(2), 2), "once each");
    let told = "SELECT CAST(deadlocks AS BIGINT) FROM pg_stat_database WHERE datname = current_database()";
    until(&database, told, 1).await;
    store.close().await;
    drop(other);
    database.drop_database().await;
}

async fn count(database: &TestDatabase, question: &'static str) -> i64 {
    let mut looking = database.connect().await;
    sqlx::query_scalar(question).fetch_one(&mut looking).await.unwrap()
}

/// Waits until the server counts so many.
async fn until(database: &TestDatabase, question: &'static str, least: i64) {
    for _ in 0..200 {
        if count(database, question).await >= least {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not {least}: {question}");
}

/// In the middle of a batch's statements the database refuses one: nothing is half there, reads go on, and once it is
/// over the same store goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_halfway_leaves_nothing_and_passes() {
    let database = TestDatabase::sqlite();
    let store = database.open().await;
    let book = Book::new(&database.clock, 1);
    store.commit(posting(book.earned(0, "before", sgd(1)))).await.unwrap();
    let mut other = database.connect().await;
    // The accounts and the transaction are inserted by then.
    sqlx::raw_sql(
        "CREATE TRIGGER halfway BEFORE INSERT ON ledger_entry BEGIN
             SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    .execute(&mut other)
    .await
    .unwrap();
    let outcome = store.commit(posting(book.earned(0, "during", sgd(1)))).await;
    assert!(matches!(outcome, Err(CommitError::Unavailable(_))), "{outcome:?}");
    assert_eq!(store.ledger_balances_of(book.merchant, "paypal").await.unwrap()[0].shown(), sgd(1));
    sqlx::raw_sql("DROP TRIGGER halfway").execute(&mut other).await.unwrap();
    store.commit(posting(book.earned(0, "during", sgd(1)))).await.unwrap();
    let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
    assert!(verification.ok(), "{:#?}", verification.checks);
    store.close().await;
}

/// The writer's own task ends as by a fault of the program.
#[derive(Debug)]
struct Panics;

impl CommitFaults for Panics {
    fn next(&self) -> Option<CommitFault> {
        panic!("as by a fault of the writer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_ends_by_a_fault_is_noticed() {
    on_each_engine("a writer's end", async |database| {
        database.open().await.close().await;
        let options = StoreOptions { faults: Some(Arc::new(Panics)), ..database.options() };
        let store = Store::open(&options).await.unwrap();
        let book = Book::new(&database.clock, 1);
        let soon = tokio::time::timeout(Duration::from_millis(50), store.ended()).await;
        assert!(soon.is_err(), "it is well");
        let outcome = store.commit(posting(book.earned(0, "first", sgd(1)))).await;
        assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
        tokio::time::timeout(Duration::from_secs(10), store.ended()).await.unwrap();
        assert!(matches!(store.ping().await, Err(StoreError::Closed)));
        store.close().await;
    })
    .await;
}
