//! The one door: preconditions, races, floors, repeated facts, and what a broken COMMIT leaves behind.

use std::sync::Arc;
use std::sync::Mutex;

use sqlx::Row;
use straits::domain::ledger::Layer;
use straits::store::{
    Change, CommitError, CommitFault, CommitFaults, Committed, SETTING, Store, StoreOptions, VerifyOptions,
};

use crate::books::{Book, posting, sgd};
use crate::engines::{TestDatabase, on_each_engine};

/// Queues all before it waits for any: they meet in one batch, or in the next.
async fn commit_together(
    store: &Store,
    changes: impl IntoIterator<Item = Change>,
) -> Vec<Result<Committed, CommitError>> {
    futures_util::future::join_all(changes.into_iter().map(|change| store.commit(change))).await
}

fn setting(key: &str, value: &str) -> Change {
    let mut change = Change::new();
    change.set_setting(key, value, None);
    change
}

async fn count(database: &TestDatabase, table: &'static str) -> i64 {
    let mut connection = database.connect().await;
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
}

async fn assert_verified(store: &Store) {
    let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
    assert!(verification.ok(), "{:#?}", verification.checks);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_tasks_racing_on_one_row_exactly_one_wins() {
    on_each_engine("race on one row", async |database| {
        let store = database.open().await;
        store.commit(setting("prize", "nobody")).await.unwrap();
        let before = store.setting("prize").await.unwrap().unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (store, before) = (store.clone(), before.clone());
                tokio::spawn(async move {
                    let mut change = Change::new();
                    change.set_setting("prize", task, Some(&before));
                    (task, store.commit(change).await)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (task, Ok(_)) => winners.push(task),
                (_, Err(error)) => {
                    assert_eq!(error, CommitError::LostUpdate { table: "setting", key: "prize".into() });
                }
            }
        }
        let after = store.setting("prize").await.unwrap().unwrap();
        assert_eq!(winners.len(), 1);
        assert_eq!((after.value, after.version), (winners[0].to_string(), before.version + 1));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_race_on_one_row_and_one_wins() {
    on_each_engine("race of two writers", async |database| {
        let stores = [database.open().await, database.open().await];
        stores[0].commit(setting("prize", "nobody")).await.unwrap();
        for round in 0..10 {
            let before = stores[0].setting("prize").await.unwrap().unwrap();
            let attempts = stores.iter().map(|store| {
                let mut change = Change::new();
                change.set_setting("prize", round, Some(&before));
                store.commit(change)
            });
            let outcomes = futures_util::future::join_all(attempts).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        }
        for store in stores {
            store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requirement_on_a_row_that_was_only_read_is_kept() {
    on_each_engine("requirements", async |database| {
        let store = database.open().await;
        store.commit(setting("rule", "one")).await.unwrap();
        let depends_on = |version, key: &str| {
            let mut change = setting(key, "done");
            change.require(&SETTING, "rule", version);
            change
        };
        let mut moves = Change::new();
        let before = store.setting("rule").await.unwrap().unwrap();
        moves.set_setting("rule", "two", Some(&before));
        let missing = {
            let mut change = setting("e", "done");
            change.require(&SETTING, "no such rule", 1);
            change
        };
        let outcomes = commit_together(
            &store,
            [depends_on(1, "a"), moves, depends_on(1, "b"), depends_on(2, "c"), missing],
        )
        .await;
        assert!(outcomes[0].is_ok() && outcomes[1].is_ok(), "{outcomes:?}");
        let lost = |key: &str| CommitError::LostUpdate { table: "setting", key: key.into() };
        assert_eq!(outcomes[2].as_ref().unwrap_err(), &lost("rule"));
        assert_eq!(outcomes[4].as_ref().unwrap_err(), &lost("no such rule"));
        assert!(store.setting("b").await.unwrap().is_none());
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_change_is_left_out_and_the_rest_of_its_batch_commits() {
    on_each_engine("one bad change", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        store.commit(setting("taken", "by somebody")).await.unwrap();
        let both = |key: &str, source: &str| {
            let mut change = setting(key, "mine");
            change.post(book.earned(0, source, sgd(100)));
            change
        };
        let outcomes = commit_together(
            &store,
            [both("x", "one"), both("taken", "two"), both("x", "three"), both("y", "four")],
        )
        .await;
        let lost = |key: &str| CommitError::LostUpdate { table: "setting", key: key.into() };
        assert!(outcomes[0].is_ok() && outcomes[3].is_ok(), "{outcomes:?}");
        assert_eq!(outcomes[1].as_ref().unwrap_err(), &lost("taken"));
        assert_eq!(outcomes[2].as_ref().unwrap_err(), &lost("x"));
        let balances = store.ledger_balances_of(book.merchant, &book.suppliers[0].to_string()).await.unwrap();
        assert_eq!(balances.len(), 1);
        assert_eq!(
            (balances[0].shown(), balances[0].entries, balances[0].layer),
            (sgd(200), 2, Layer::Posted)
        );
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_the_database_refuses_fails_alone() {
    static STRICT: straits::store::Log = straits::store::Log {
        name: "strict_log",
        columns: &[straits::store::Column { name: "amount", kind: straits::store::Kind::Int }],
        unique: &[],
    };
    on_each_engine("a refused row", async |database| {
        let store = database.open().await;
        let mut connection = database.connect().await;
        sqlx::raw_sql("CREATE TABLE strict_log (amount BIGINT NOT NULL CHECK (amount > 0))")
            .execute(&mut connection)
            .await
            .unwrap();
        let amount = |amount: i64| {
            let mut change = Change::new();
            change.append(&STRICT, vec![amount.into()]);
            change
        };
        let outcomes = commit_together(&store, [3, -1, 5, 0, 7].map(amount)).await;
        let fate: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(fate, [true, false, true, false, true]);
        assert!(matches!(outcomes[1], Err(CommitError::Unavailable(_))), "{:?}", outcomes[1]);
        let sum: i64 = sqlx::query("SELECT CAST(SUM(amount) AS BIGINT) FROM strict_log")
            .fetch_one(&mut connection)
            .await
            .unwrap()
            .get(0);
        assert_eq!(sum, 15);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_holds_change_by_change_within_one_batch() {
    on_each_engine("floor in a batch", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        store.commit(posting(book.earned(0, "start", sgd(100)))).await.unwrap();
        let back =
            |(place, minor): (usize, i64)| posting(book.taken_back(0, &format!("{place}"), sgd(minor)));
        let outcomes = commit_together(&store, [60, 60, 40, 1].into_iter().enumerate().map(back)).await;
        let floor = |minor| CommitError::BelowFloor { account: book.pending(0), balance: sgd(minor) };
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
        assert_eq!(outcomes[1].as_ref().unwrap_err(), &floor(-20));
        assert_eq!(outcomes[3].as_ref().unwrap_err(), &floor(-1));
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_read_where_the_whole_change_ends() {
    on_each_engine("floor of a change", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        let mut change = Change::new();
        change.post(book.taken_back(0, "first out", sgd(70)));
        change.post(book.earned(0, "then in", sgd(70)));
        store.commit(change).await.unwrap();
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fact_is_booked_once_however_often_it_comes() {
    on_each_engine("one fact", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 2);
        let same = || posting(book.earned(0, "capture 1", sgd(100)));
        let mut outcomes = commit_together(&store, (0..50).map(|_| same())).await;
        outcomes.push(store.commit(same()).await);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let booked = CommitError::AlreadyBooked { event: "split", fact: "capture 1".into() };
        assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|error| *error == booked));
        // Twice within one change is as wrong.
        let mut twice = Change::new();
        twice.post(book.earned(0, "capture 2", sgd(1))).post(book.earned(1, "capture 2", sgd(1)));
        assert!(matches!(store.commit(twice).await, Err(CommitError::AlreadyBooked { .. })));
        assert_eq!(count(database, "ledger_transaction").await, 1);
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_opened_once_by_racing_writers() {
    on_each_engine("account creation", async |database| {
        let stores = [database.open().await, database.open().await];
        let book = Book::new(&database.clock, 8);
        let changes = (0..64).map(|place| {
            let source = format!("capture {place}");
            stores[place % 2].commit(posting(book.earned(place % 8, &source, sgd(10))))
        });
        let outcomes = futures_util::future::join_all(changes).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(count(database, "ledger_account").await, 9);
        assert_verified(&stores[0]).await;
        for store in stores {
            store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_beyond_the_ledger_is_refused() {
    on_each_engine("overflow", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        store.commit(posting(book.earned(0, "most", sgd(i64::MAX - 1)))).await.unwrap();
        let outcome = store.commit(posting(book.earned(0, "more", sgd(2)))).await;
        assert!(matches!(outcome, Err(CommitError::TooLarge { .. })), "{outcome:?}");
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}

#[derive(Debug)]
struct Faults(Mutex<Vec<Option<CommitFault>>>);

impl CommitFaults for Faults {
    fn next(&self) -> Option<CommitFault> {
        self.0.lock().unwrap().pop().flatten()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_commit_is_looked_up_and_never_doubled_or_lost() {
    use CommitFault::{LostAfter, LostBefore};
    on_each_engine("commit faults", async |database| {
        let book = Book::new(&database.clock, 1);
        let plans: [&[Option<CommitFault>]; 5] = [
            &[Some(LostBefore)],
            &[Some(LostAfter)],
            &[Some(LostBefore), Some(LostAfter)],
            &[Some(LostBefore), Some(LostBefore), None, Some(LostAfter), Some(LostBefore)],
            &[],
        ];
        for (round, plan) in plans.iter().enumerate() {
            let faults = Faults(Mutex::new(plan.iter().rev().copied().collect()));
            let options = StoreOptions { faults: Some(Arc::new(faults)), ..database.options() };
            let store = Store::open(&options).await.unwrap();
            let changes = (0..20).map(|place| {
                let source = format!("round {round} capture {place}");
                let mut change = setting(&source, "seen");
                change.post(book.earned(0, &source, sgd(100)));
                change
            });
            let outcomes = commit_together(&store, changes).await;
            assert!(outcomes.iter().all(Result::is_ok), "{plan:?}: {outcomes:?}");
            let balances =
                store.ledger_balances_of(book.merchant, &book.suppliers[0].to_string()).await.unwrap();
            let expected = 20 * (round as i64 + 1);
            assert_eq!(
                (balances[0].shown(), balances[0].entries),
                (sgd(100 * expected), expected),
                "{plan:?}"
            );
            assert_verified(&store).await;
            store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_stands_is_an_error_and_nothing_is_written() {
    on_each_engine("commit never stands", async |database| {
        let book = Book::new(&database.clock, 1);
        let faults = Faults(Mutex::new(vec![Some(CommitFault::LostBefore); 5]));
        let options = StoreOptions { faults: Some(Arc::new(faults)), ..database.options() };
        let store = Store::open(&options).await.unwrap();
        let outcome = store.commit(posting(book.earned(0, "capture", sgd(100)))).await;
        assert!(matches!(outcome, Err(CommitError::Unavailable(_))), "{outcome:?}");
        assert_eq!(count(database, "ledger_transaction").await, 0);
        // The writer recovers by itself.
        store.commit(posting(book.earned(0, "capture", sgd(100)))).await.unwrap();
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_and_a_closed_store_says_so() {
    on_each_engine("busy", async |database| {
        let options = StoreOptions { queue: 2, batch_cap: 1, ..database.options() };
        let store = Store::open(&options).await.unwrap();
        let outcomes = commit_together(&store, (0..40).map(|place| setting(&format!("{place}"), "x"))).await;
        let busy = outcomes.iter().filter(|outcome| **outcome == Err(CommitError::Busy)).count();
        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(busy > 0 && done >= 2 && busy + done == 40, "{outcomes:?}");
        // What was taken before the close is finished.
        let (late, ()) = tokio::join!(store.commit(setting("late", "x")), store.close());
        assert!(late.is_ok(), "{late:?}");
        assert!(matches!(store.commit(setting("too late", "x")).await, Err(CommitError::Unavailable(_))));
        let again = database.open().await;
        assert_eq!(again.setting("late").await.unwrap().unwrap().value, "x");
        again.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_time_never_goes_back() {
    on_each_engine("time", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        database.tick(chrono::TimeDelta::days(1));
        let first = store.commit(posting(book.earned(0, "a", sgd(1)))).await.unwrap();
        store.close().await;
        // Another process, whose clock is a day behind.
        let behind = straits::clock::Clock::fixed(database.clock.wall());
        let options = StoreOptions { clock: behind, ..database.options() };
        let store = Store::open(&options).await.unwrap();
        let second = store.commit(posting(book.earned(0, "b", sgd(1)))).await.unwrap();
        assert!(second.recorded_at >= first.recorded_at);
        assert_verified(&store).await;
        store.close().await;
    })
    .await;
}
