//! The matrix.

use std::collections::BTreeMap;

use straits::crash::{Point, install};

use super::house::{Ground, House};
use super::operations::{Operation, Subject};
use super::watch::Watch;
use crate::engines::TestDatabase;

/// How often each cell was hit.
type Hits = BTreeMap<(Point, Operation), usize>;

#[test]
fn a_death_anywhere_is_survived_on_sqlite() {
    let hits = each_operation(|| Some(TestDatabase::sqlite()));
    print("SQLite", &hits);
}

#[test]
fn a_death_anywhere_is_survived_on_postgres() {
    if std::env::var("STRAITS_TEST_POSTGRES").is_err() {
        println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    }
    let hits = each_operation(|| alone(TestDatabase::postgres(false)));
    print("PostgreSQL", &hits);
}

#[test]
fn every_point_is_on_the_way_of_some_operation() {
    for point in Point::ALL {
        let writers = matches!(point, Point::CommitPending | Point::CommitDone);
        let passed = writers || Operation::ALL.iter().any(|operation| operation.passes().contains(point));
        assert!(passed, "{}", point.as_str());
    }
}

/// A life of its own: one thread, and when it ends everything that ran on it is gone.
fn alone<T>(life: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(life)
}

fn each_operation(database: impl Fn() -> Option<TestDatabase> + Sync) -> Hits {
    let mut hits = Hits::new();
    std::thread::scope(|scope| {
        let halves = [&Operation::ALL[..4], &Operation::ALL[4..]];
        let halves = halves.map(|half| {
            let database = &database;
            scope.spawn(move || {
                half.iter().flat_map(|operation| deaths(*operation, &database().unwrap())).collect::<Hits>()
            })
        });
        for half in halves {
            hits.extend(half.join().unwrap());
        }
    });
    hits
}

/// Every death of one operation.
fn deaths(operation: Operation, database: &TestDatabase) -> Hits {
    let passed = undisturbed(operation, database);
    let expected: Vec<Point> = passed.keys().copied().collect();
    let mut listed = [operation.passes(), &[Point::CommitPending, Point::CommitDone]].concat();
    listed.sort();
    assert_eq!(expected, listed, "{operation:?} passes other points than are listed");
    let mut hits = Hits::new();
    for (point, times) in passed {
        for nth in 1..=times {
            let Some((ground, subject)) = dies(operation, database, (point, nth)) else { continue };
            survives(operation, database, &ground, subject, (point, nth));
            *hits.entry((point, operation)).or_default() += 1;
        }
        assert!(hits.contains_key(&(point, operation)), "{operation:?} never died at {}", point.as_str());
    }
    hits
}

/// It runs to its end: what it passes, and that it does what it should.
fn undisturbed(operation: Operation, database: &TestDatabase) -> BTreeMap<Point, u32> {
    let watch = Watch::new();
    let _installed = install(watch.clone());
    let (seen, ground, subject) = alone(async {
        let house = House::found(database).await;
        let subject = operation.prepare(&house).await;
        watch.begin(None);
        operation.act(&house, subject).await;
        let seen = watch.seen();
        house.store.close().await;
        (seen, house.ground.clone(), subject)
    });
    survives(operation, database, &ground, subject, (Point::CommitDone, 0));
    seen
}

/// It runs until it dies. `None` when this time it did not come by so often.
fn dies(operation: Operation, database: &TestDatabase, at: (Point, u32)) -> Option<(Ground, Subject)> {
    let watch = Watch::new();
    let _installed = install(watch.clone());
    alone(async {
        let house = House::found(database).await;
        let subject = operation.prepare(&house).await;
        watch.begin(Some(at));
        let died = tokio::select! {
            biased;
            () = watch.death() => true,
            () = operation.act(&house, subject) => false,
        };
        let ground = house.ground.clone();
        if !died {
            house.store.close().await;
        }
        died.then_some((ground, subject))
    })
}

/// The next process takes over, twice: the second time there is nothing left to do.
fn survives(
    operation: Operation,
    database: &TestDatabase,
    ground: &Ground,
    subject: Subject,
    (point, nth): (Point, u32),
) {
    let told = format!("{operation:?} died at {} ({nth}) on {:?}", point.as_str(), database.engine());
    let told = Told(Some(told));
    alone(async {
        let house = House::again(database, ground).await;
        operation.recover(&house, subject).await;
        operation.judge(&house, subject).await;
        house.verified().await;
        let moved = ground.far.truth().moved.clone();
        house.recover().await;
        let (after, repeats) = {
            let truth = ground.far.truth();
            (truth.moved.clone(), truth.repeats.clone())
        };
        assert_eq!(after, moved, "a second round moved money");
        assert!(repeats.is_empty(), "what was done was asked for again: {repeats:?}");
        assert_eq!(house.store.unknown_intents().await.unwrap(), 0);
        assert_eq!(house.store.waiting_notices().await.unwrap(), 0);
        house.store.close().await;
    });
    told.disarm();
}

/// Says which death it was when a check fails.
struct Told(Option<String>);

impl Told {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(told) = &self.0 {
            eprintln!("{told}");
        }
    }
}

fn print(engine: &str, hits: &Hits) {
    let columns: Vec<String> = Operation::ALL.iter().map(|operation| format!("{operation:?}")).collect();
    println!(
        "deaths on {engine}\n{:<20}{}",
        "",
        columns.iter().map(|name| format!("{name:>10}")).collect::<String>()
    );
    for point in Point::ALL {
        let cells = Operation::ALL.map(|operation| match hits.get(&(*point, operation)) {
            Some(times) => format!("{times:>10}"),
            None => format!("{:>10}", "·"),
        });
        println!("{:<20}{}", point.as_str(), cells.concat());
    }
    println!("{} deaths in {} cells", hits.values().sum::<usize>(), hits.len());
}
