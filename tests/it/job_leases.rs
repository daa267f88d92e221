//! Leases with fencing: who slept past one writes nothing, who works keeps it; and jobs that do not succeed are seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use straits::clock::Clock;
use straits::domain::orders::Holder;
use straits::ids::{EventId, IdSource, MerchantId};
use straits::jobs::{Duty, Jobs, Misfire, Pace, Task, Timetable};
use straits::store::jobs::{Job, JobStanding};
use straits::store::outbox::Event;
use straits::store::{Change, CommitError, Store};
use tokio::sync::Notify;

use crate::engines::{TestDatabase, on_each_engine};

/// What happened to each run's business rows.
type Wrote = Arc<std::sync::Mutex<Vec<Result<(), CommitError>>>>;

/// Writes a business row, and may fall asleep before it does.
#[derive(Debug, Clone)]
struct Telling {
    merchant: MerchantId,
    ids: IdSource,
    clock: Clock,
    /// The first run sleeps until it is woken.
    sleeps: bool,
    runs: Arc<AtomicUsize>,
    asleep: Arc<Notify>,
    wake: Arc<Notify>,
    wrote: Wrote,
}

impl Telling {
    fn row(&self) -> Change {
        let event = Event {
            id: self.ids.mint::<EventId>(),
            merchant: self.merchant,
            kind: "test.told".into(),
            subject: "job".into(),
            data: serde_json::json!({}),
            created_at: self.clock.now(),
        };
        let mut change = Change::new();
        change.tell(&event);
        change
    }
}

#[async_trait]
impl Duty for Telling {
    fn kind(&self) -> &'static str {
        "telling"
    }

    async fn work(&self, task: &Task) -> Result<(), String> {
        if self.runs.fetch_add(1, Ordering::SeqCst) == 0 && self.sleeps {
            self.asleep.notify_one();
            self.wake.notified().await;
        }
        let outcome = task.finish(self.row()).await.map(|_| ());
        self.wrote.lock().unwrap().push(outcome.clone());
        outcome.map_err(|error| error.to_string())
    }
}

struct Bench {
    store: Store,
    clock: Clock,
    ids: IdSource,
    duty: Telling,
}

impl Bench {
    async fn on(database: &TestDatabase, sleeps: bool) -> Bench {
        let (store, clock) = (database.open().await, database.clock.clone());
        let ids = IdSource::random(clock.clone());
        let duty = Telling {
            merchant: ids.mint(),
            ids: ids.clone(),
            clock: clock.clone(),
            sleeps,
            runs: Arc::default(),
            asleep: Arc::default(),
            wake: Arc::default(),
            wrote: Arc::default(),
        };
        Bench { store, clock, ids, duty }
    }

    /// A program that believes others may be alive.
    fn program(&self, duty: Arc<dyn Duty>) -> Jobs {
        let holder = Holder { boot: self.ids.mint(), alone: false };
        Jobs::new(self.store.clone(), self.clock.clone(), self.ids.clone(), holder, vec![duty])
    }

    fn telling(&self) -> Jobs {
        self.program(Arc::new(self.duty.clone()))
    }

    async fn ask(&self, kind: &str) -> Job {
        let job = Job::new(self.ids.mint(), kind, self.clock.now());
        let mut change = Change::new();
        change.insert_job(&job);
        self.store.commit(change).await.unwrap();
        job
    }

    async fn rows(&self) -> usize {
        self.store.events(self.duty.merchant, None, None, 100).await.unwrap().0.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_slept_past_the_lease_writes_neither_the_job_nor_its_rows() {
    on_each_engine("fencing", async |database| {
        let bench = Bench::on(database, true).await;
        bench.ask("telling").await;
        let (sleeper, other) = (bench.telling(), bench.telling());
        let now = bench.clock.now();
        let asleep = bench.duty.asleep.clone();
        let sleeping = tokio::spawn(async move { sleeper.run_due(now).await });
        asleep.notified().await;
        assert_eq!(other.run_due(bench.clock.now()).await.unwrap(), 0, "it is under its lease");
        bench.clock.advance(TimeDelta::seconds(21));
        assert_eq!(other.run_due(bench.clock.now()).await.unwrap(), 1, "the lease is over");
        bench.duty.wake.notify_one();
        sleeping.await.unwrap().unwrap();
        let wrote = std::mem::take(&mut *bench.duty.wrote.lock().unwrap());
        assert_eq!(wrote[0], Ok(()));
        assert!(
            matches!(wrote[1], Err(CommitError::LostUpdate { table: "job", .. })),
            "what the sleeper wrote: {wrote:?}"
        );
        assert_eq!(bench.rows().await, 1);
        assert_eq!(other.run_due(bench.clock.now()).await.unwrap(), 0, "done, and once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_and_its_end_are_one_change() {
    on_each_engine("finish", async |database| {
        let bench = Bench::on(database, false).await;
        let job = bench.ask("telling").await;
        bench.telling().run_due(bench.clock.now()).await.unwrap();
        let done = bench.store.job(job.id).await.unwrap().unwrap();
        // Inserted, leased, finished: nothing was written between the last two.
        assert_eq!((done.version, done.value.done_at), (3, Some(bench.clock.now())));
        assert_eq!((bench.rows().await, done.value.standing(bench.clock.now())), (1, JobStanding::Done));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_longer_than_a_lease_keeps_it() {
    let database = TestDatabase::sqlite();
    let bench = Bench::on(&database, true).await;
    bench.ask("telling").await;
    let (slow, other) = (bench.telling(), bench.telling());
    let (now, asleep) = (bench.clock.now(), bench.duty.asleep.clone());
    let working = tokio::spawn(async move { slow.run_due(now).await });
    asleep.notified().await;
    for _ in 0..2 {
        bench.clock.advance(TimeDelta::seconds(15));
        // It renews its lease every five seconds of the wall.
        tokio::time::sleep(Duration::from_millis(5_500)).await;
    }
    assert_eq!(other.run_due(bench.clock.now()).await.unwrap(), 0, "half a minute later it is still its");
    bench.duty.wake.notify_one();
    working.await.unwrap().unwrap();
    assert_eq!(bench.duty.wrote.lock().unwrap().as_slice(), [Ok(())], "under a lease that was renewed twice");
    assert_eq!(bench.rows().await, 1);
}

/// Notes its moments, and fails if it is told to.
#[derive(Debug, Clone)]
struct Noting {
    pace: Pace,
    clock: Clock,
    fails: bool,
    ran: Arc<std::sync::Mutex<Vec<DateTime<Utc>>>>,
}

#[async_trait]
impl Duty for Noting {
    fn kind(&self) -> &'static str {
        "noting"
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    async fn run(&self, _: &str) -> Result<(), String> {
        self.ran.lock().unwrap().push(self.clock.now());
        if self.fails { Err("it does not work".into()) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_missed_while_no_program_ran_are_made_up_for_as_the_timetable_says() {
    on_each_engine("misfire", async |database| {
        for (misfire, runs) in [(Misfire::RunOnce, 1), (Misfire::RunAll, 4), (Misfire::Skip, 0)] {
            let bench = Bench::on(database, false).await;
            let timetable = Timetable::new("0 * * * *", chrono_tz::Asia::Singapore, misfire).unwrap();
            let pace = Pace::Cron(timetable);
            let duty = Noting { pace, clock: bench.clock.clone(), fails: false, ran: Arc::default() };
            let jobs = bench.program(Arc::new(duty.clone()));
            // What was never done is made up for at once by the policy that makes up by one run.
            jobs.run_due(bench.clock.now()).await.unwrap();
            let at_once = std::mem::take(&mut *duty.ran.lock().unwrap()).len();
            assert_eq!(at_once, usize::from(misfire == Misfire::RunOnce), "{misfire:?}");
            let first = timetable.next_after(bench.clock.now()).unwrap();
            bench.clock.advance_to(first + TimeDelta::minutes(200)).unwrap();
            while jobs.run_due(bench.clock.now()).await.unwrap() > 0 {}
            assert_eq!(duty.ran.lock().unwrap().len(), runs, "{misfire:?}");
            // From here on it is punctual whatever it was.
            jobs.advance(first + TimeDelta::hours(6)).await.unwrap();
            let ran = duty.ran.lock().unwrap().clone();
            let hours = [4, 5, 6].map(|hour| first + TimeDelta::hours(hour));
            assert_eq!(ran[runs..], hours, "{misfire:?}");
            let row = bench.store.job_named("noting").await.unwrap().unwrap();
            let mut change = Change::new();
            change.update_job(&Job { done_at: Some(bench.clock.now()), ..row.value }, row.version);
            bench.store.commit(change).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_succeed_is_seen_and_can_be_tried_again() {
    on_each_engine("dead", async |database| {
        let bench = Bench::on(database, false).await;
        let clock = bench.clock.clone();
        let broken = Noting { pace: Pace::WhenAsked, clock: clock.clone(), fails: true, ran: Arc::default() };
        let job = bench.ask("noting").await;
        let jobs = bench.program(Arc::new(broken));
        jobs.advance(clock.now() + TimeDelta::days(2)).await.unwrap();
        let standing = bench.store.standing().await.unwrap();
        assert_eq!((standing.jobs_dead, standing.jobs_failing), (1, 0));
        let dead = bench.store.failed_jobs(10).await.unwrap().remove(0);
        assert_eq!((dead.value.id, dead.value.standing(clock.now())), (job.id, JobStanding::Dead));
        // The cause is mended, a person tries it again.
        let mut change = Change::new();
        change.update_job(&dead.value.revived(clock.now()), dead.version);
        bench.store.commit(change).await.unwrap();
        let mended =
            Noting { pace: Pace::WhenAsked, clock: clock.clone(), fails: false, ran: Arc::default() };
        assert_eq!(bench.program(Arc::new(mended)).run_due(clock.now()).await.unwrap(), 1);
        assert_eq!(bench.store.standing().await.unwrap().jobs_dead, 0);
        // A recurring duty that never succeeds is not given up, and seen.
        let sweep = Pace::Sweep(TimeDelta::minutes(2));
        let broken = Noting { pace: sweep, clock: clock.clone(), fails: true, ran: Arc::default() };
        bench.program(Arc::new(broken)).advance(clock.now() + TimeDelta::hours(1)).await.unwrap();
        let standing = bench.store.standing().await.unwrap();
        assert_eq!((standing.jobs_dead, standing.jobs_failing), (0, 1));
    })
    .await;
}

/// What a person sees and does at the command line.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_lists_what_was_given_up_and_has_it_tried_again() {
    let database = TestDatabase::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(&database, false).await;
    let mut job = bench.ask("noting").await;
    (job.done_at, job.last_error, job.attempts) =
        (Some(bench.clock.now()), Some("no such account".into()), 20);
    let mut change = Change::new();
    change.update_job(&job, 1);
    bench.store.commit(change).await.unwrap();
    bench.store.close().await;
    let run = |arguments: &[&str]| {
        let output = crate::program::run(folder.path(), &[("DATABASE_URL", &database.url)], arguments);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, listed, told) = run(&["jobs", "list", "--state", "dead", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!((code, listed["jobs"][0]["id"].as_str()), (Some(1), Some(job.id.to_string().as_str())));
    assert_eq!(listed["jobs"][0]["last_error"], "no such account");
    let (code, text, _) = run(&["jobs", "list"]);
    assert!(code == Some(1) && text.contains("dead") && text.contains("no such account"), "{text}");
    let (code, _, told) = run(&["jobs", "retry", &job.id.to_string().replace("job_", "job_0")]);
    assert!(code == Some(2) && told.contains("26 characters"), "{told}");
    assert_eq!(run(&["jobs", "retry", "--dead"]).1, "1 jobs are due now\n");
    let (code, text, _) = run(&["jobs", "list"]);
    assert!(code == Some(0) && text.contains("waiting"), "{text}");
}
