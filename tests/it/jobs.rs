//! Which flow runs when: order, leases, takeover, repetition, and the test clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use straits::clock::Clock;
use straits::domain::orders::Holder;
use straits::ids::IdSource;
use straits::jobs::{Duty, Jobs, Pace};
use straits::store::jobs::Job;
use straits::store::{Change, Engine, Store};

use crate::engines::{TestDatabase, on_each_engine};

/// What ran, and when.
type Ran = Arc<Mutex<Vec<(String, DateTime<Utc>)>>>;

/// Notes when it ran and with what.
#[derive(Debug)]
struct Noting {
    kind: &'static str,
    pace: Pace,
    clock: Clock,
    ran: Ran,
    fails: bool,
}

#[async_trait]
impl Duty for Noting {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    async fn run(&self, payload: &str) -> Result<(), String> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.ran.lock().unwrap().push((format!("{}{payload}", self.kind), self.clock.now()));
        if self.fails { Err("it does not work".into()) } else { Ok(()) }
    }
}

struct Bench {
    store: Store,
    clock: Clock,
    ids: IdSource,
    ran: Ran,
}

impl Bench {
    async fn on(database: &TestDatabase) -> Bench {
        let clock = database.clock.clone();
        let ids = IdSource::random(clock.clone());
        Bench { store: database.open().await, clock, ids, ran: Arc::default() }
    }

    fn program(&self, duties: &[(&'static str, Pace, bool)]) -> Jobs {
        let duty = |&(kind, pace, fails): &(&'static str, Pace, bool)| -> Arc<dyn Duty> {
            Arc::new(Noting { kind, pace, clock: self.clock.clone(), ran: self.ran.clone(), fails })
        };
        let holder = Holder { boot: self.ids.mint(), alone: self.store.engine() == Engine::Sqlite };
        let duties = duties.iter().map(duty).collect();
        Jobs::new(self.store.clone(), self.clock.clone(), self.ids.clone(), holder, duties)
    }

    async fn ask(&self, kind: &str, payload: &str, after: TimeDelta) {
        let mut job = Job::new(self.ids.mint(), kind, self.clock.now() + after);
        job.payload = payload.to_owned();
        let mut change = Change::new();
        change.insert_job(&job);
        self.store.commit(change).await.unwrap();
    }

    /// What ran since the last look, with minutes since `from`.
    fn ran(&self, from: DateTime<Utc>) -> Vec<(String, i64)> {
        let ran = std::mem::take(&mut *self.ran.lock().unwrap());
        ran.into_iter().map(|(kind, at)| (kind, (at - from).num_minutes())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_runs_due_moments_in_order_and_answers_after_them() {
    on_each_engine("advance", async |database| {
        let bench = Bench::on(database).await;
        let from = bench.clock.now();
        let jobs = bench.program(&[
            ("once", Pace::WhenAsked, false),
            ("daily", Pace::Each(TimeDelta::days(1)), false),
            ("sweep", Pace::Sweep(TimeDelta::minutes(2)), false),
        ]);
        bench.ask("once", " late", TimeDelta::minutes(90)).await;
        bench.ask("once", " early", TimeDelta::minutes(30)).await;
        bench.ask("once", " beyond", TimeDelta::days(9)).await;
        jobs.advance(from + TimeDelta::days(2)).await.unwrap();
        assert_eq!(bench.clock.now(), from + TimeDelta::days(2));
        let day = 24 * 60;
        let (mut sweeps, others): (Vec<_>, Vec<_>) =
            bench.ran(from).into_iter().partition(|(kind, _)| kind == "sweep");
        sweeps.sort_by_key(|(_, at)| *at);
        let minutes: Vec<i64> = sweeps.into_iter().map(|(_, at)| at).collect();
        assert_eq!(minutes, [0, 2, 8, 32, 128, 512, 2_048, 2 * day]);
        assert_eq!(
            others,
            [
                ("daily".into(), 0),
                ("once early".into(), 30),
                ("once late".into(), 90),
                ("daily".into(), day),
                ("daily".into(), 2 * day),
            ]
        );
        assert_eq!(jobs.run_due(bench.clock.now()).await.unwrap(), 0, "nothing is left over");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_programs_one_does_each_job() {
    on_each_engine("two programs", async |database| {
        let bench = Bench::on(database).await;
        let from = bench.clock.now();
        // Two of one file never run; here both believe that the other may be alive.
        let duties = [("once", Pace::WhenAsked, false)];
        let alive = |_| {
            let holder = Holder { boot: bench.ids.mint(), alone: false };
            let duty: Arc<dyn Duty> = Arc::new(Noting {
                kind: duties[0].0,
                pace: duties[0].1,
                clock: bench.clock.clone(),
                ran: bench.ran.clone(),
                fails: false,
            });
            Jobs::new(bench.store.clone(), bench.clock.clone(), bench.ids.clone(), holder, vec![duty])
        };
        for nth in 0..20 {
            bench.ask("once", &format!(" {nth}"), TimeDelta::zero()).await;
        }
        let programs: Vec<Jobs> = (0..4).map(alive).collect();
        let counts = programs.iter().map(|jobs| jobs.run_due(bench.clock.now()));
        let counts: usize = futures_util::future::join_all(counts).await.into_iter().flatten().sum();
        let mut ran = bench.ran(from);
        ran.sort();
        ran.dedup();
        assert_eq!((counts, ran.len()), (20, 20), "each once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holders_job_is_taken_over() {
    on_each_engine("takeover", async |database| {
        let bench = Bench::on(database).await;
        let from = bench.clock.now();
        let mut job = Job::new(bench.ids.mint(), "once", from);
        job.lease = Some((bench.ids.mint(), from + TimeDelta::minutes(2)));
        let mut change = Change::new();
        change.insert_job(&job);
        bench.store.commit(change).await.unwrap();
        let jobs = bench.program(&[("once", Pace::WhenAsked, false)]);
        let at_once = jobs.run_due(bench.clock.now()).await.unwrap();
        assert_eq!(
            at_once,
            usize::from(bench.store.engine() == Engine::Sqlite),
            "nobody else can be alive there"
        );
        bench.clock.advance(TimeDelta::minutes(3));
        jobs.run_due(bench.clock.now()).await.unwrap();
        assert_eq!(bench.ran(from).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_is_tried_again_with_growing_patience_and_not_for_ever() {
    on_each_engine("failing", async |database| {
        let bench = Bench::on(database).await;
        let from = bench.clock.now();
        let jobs = bench.program(&[("broken", Pace::WhenAsked, true)]);
        bench.ask("broken", "", TimeDelta::zero()).await;
        jobs.advance(from + TimeDelta::days(2)).await.unwrap();
        let moments: Vec<i64> = bench.ran(from).into_iter().map(|(_, at)| at).collect();
        assert_eq!(moments.len(), 20, "{moments:?}");
        let gaps: Vec<i64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1] + 1), "{gaps:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_does_not_wait_for_the_leases_of_a_dead_run() {
    on_each_engine("start", async |database| {
        let bench = Bench::on(database).await;
        let from = bench.clock.now();
        let mut job = Job::new(bench.ids.mint(), "sweep", from);
        job.dedup = Some("sweep".into());
        job.lease = Some((bench.ids.mint(), from + TimeDelta::minutes(2)));
        let mut change = Change::new();
        change.insert_job(&job);
        bench.store.commit(change).await.unwrap();
        let jobs = bench.program(&[("sweep", Pace::Sweep(TimeDelta::minutes(2)), false)]);
        jobs.run(tokio::time::sleep(Duration::from_millis(300))).await;
        assert!(!bench.ran(from).is_empty());
    })
    .await;
}

/// Says that it began, and takes its time.
#[derive(Debug, Clone, Default)]
struct Slow {
    began: Arc<tokio::sync::Notify>,
    ended: Arc<std::sync::atomic::AtomicBool>,
}

#[async_trait]
impl Duty for Slow {
    fn kind(&self) -> &'static str {
        "slow"
    }

    async fn run(&self, _: &str) -> Result<(), String> {
        self.began.notify_one();
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.ended.store(true, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_what_is_under_way_come_to_its_end() {
    on_each_engine("stop", async |database| {
        let bench = Bench::on(database).await;
        let slow = Slow::default();
        let holder = Holder { boot: bench.ids.mint(), alone: true };
        let duties: Vec<Arc<dyn Duty>> = vec![Arc::new(slow.clone())];
        let jobs = Jobs::new(bench.store.clone(), bench.clock.clone(), bench.ids.clone(), holder, duties);
        bench.ask("slow", "", TimeDelta::zero()).await;
        jobs.run(slow.began.notified()).await;
        assert!(slow.ended.load(std::sync::atomic::Ordering::SeqCst), "it was broken off");
        assert_eq!(jobs.run_due(bench.clock.now()).await.unwrap(), 0, "and it is marked as done");
    })
    .await;
}

/// A newer program beside this one has asked for what this one does not know: it waits for the newer one, and nothing of
/// ours waits behind it.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_does_not_know_stands_in_nobodys_way() {
    on_each_engine("unknown kinds", async |database| {
        let bench = Bench::on(database).await;
        let from = bench.clock.now();
        let mut change = Change::new();
        for _ in 0..300 {
            change.insert_job(&Job::new(bench.ids.mint(), "of tomorrow", from - TimeDelta::days(1)));
        }
        bench.store.commit(change).await.unwrap();
        bench.ask("once", "", TimeDelta::zero()).await;
        let jobs = bench.program(&[("once", Pace::WhenAsked, false)]);
        assert_eq!(jobs.run_due(from).await.unwrap(), 1);
        assert_eq!(bench.ran(from).len(), 1);
    })
    .await;
}
