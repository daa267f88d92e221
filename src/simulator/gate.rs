//! The gate: where whoever runs in the simulated process stops and waits to be let on.
//!
//! One action is on at a time. It runs until it comes to a crash point, puts a request to a gateway, has to wait for a
//! lock or ends; then the schedule decides who is next. Nothing else runs meanwhile, so that the same seed gives the same
//! order. The writer's two points do not stop (others would queue behind it unseen): there it only lives or dies.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::oneshot;

use crate::crash::{Point, Schedule, Verdict};
use crate::gateways::transport::{Broken, Carried, Line};

/// Turns of the thread in which those who were woken come to the gate.
const SETTLES: u32 = 2;

/// What an action comes to in the end, in words for the trace.
pub(super) type Work = Pin<Box<dyn Future<Output = Ended>>>;

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// In words.
    pub words: String,
    /// A notice was taken.
    pub accepted: bool,
}

/// Where somebody waits.
#[derive(Debug)]
pub(super) enum Parked {
    /// At a crash point.
    Point(Point, oneshot::Sender<Verdict>),
    /// With a request to a gateway in hand.
    Sent(Box<reqwest::Request>, oneshot::Sender<Result<Carried, Broken>>),
    /// With a gateway's answer on its way.
    Answered(Result<Carried, Broken>, oneshot::Sender<Result<Carried, Broken>>),
    /// Behind a lock they have waited for.
    Resumed(oneshot::Sender<()>),
}

/// Why an action that was on is not any more.
#[derive(Debug)]
pub(super) enum Stop {
    /// It waits at the gate.
    Parked,
    /// It waits for a lock another holds.
    Blocked,
    /// It ended.
    Ended(Ended),
    /// The process died.
    Dead(Point),
}

#[derive(Debug)]
struct Inner {
    dice: StdRng,
    /// Of a million times at the writer's points.
    deaths_per_million: u32,
    on: u64,
    waker: Option<Waker>,
    parked: BTreeMap<u64, Parked>,
    blocked: BTreeSet<u64>,
    dead: Option<Point>,
    commits: u64,
}

/// The gate; clones share it. Installed as the thread's schedule and as the adapters' line.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Mutex<Inner>>);

impl Gate {
    pub(super) fn new(seed: u64) -> Gate {
        Gate(Arc::new(Mutex::new(Inner {
            dice: StdRng::seed_from_u64(seed),
            deaths_per_million: 0,
            on: 0,
            waker: None,
            parked: BTreeMap::new(),
            blocked: BTreeSet::new(),
            dead: None,
            commits: 0,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new process: nobody waits, nobody is dead.
    pub(super) fn begin(&self) {
        let mut inner = self.inner();
        inner.parked.clear();
        inner.blocked.clear();
        inner.dead = None;
        inner.waker = None;
    }

    /// How often the writer dies at one of its points.
    pub(super) fn writer_dies(&self, per_million: u32) {
        self.inner().deaths_per_million = per_million;
    }

    /// Transactions committed so far.
    pub(super) fn commits(&self) -> u64 {
        self.inner().commits
    }

    /// Where this action waits; taken by whoever lets it on.
    pub(super) fn take(&self, who: u64) -> Option<Parked> {
        self.inner().parked.remove(&who)
    }

    /// Puts it back, with an answer on its way perhaps.
    pub(super) fn put(&self, who: u64, parked: Parked) {
        self.inner().parked.insert(who, parked);
    }

    /// Runs `work` until it stops.
    pub(super) async fn run(&self, who: u64, work: &mut Work) -> Stop {
        self.inner().on = who;
        let stop = poll_fn(|context| {
            self.inner().waker = Some(context.waker().clone());
            let polled = work.as_mut().poll(context);
            let inner = self.inner();
            match (inner.dead, polled) {
                (Some(point), _) => Poll::Ready(Stop::Dead(point)),
                (None, Poll::Ready(ended)) => Poll::Ready(Stop::Ended(ended)),
                _ if inner.parked.contains_key(&who) => Poll::Ready(Stop::Parked),
                _ if inner.blocked.contains(&who) => Poll::Ready(Stop::Blocked),
                _ => Poll::Pending,
            }
        })
        .await;
        // Whoever was woken by a lock let go comes to the gate now, not whenever the thread has time for them.
        for _ in 0..SETTLES {
            tokio::task::yield_now().await;
        }
        stop
    }

    fn park(&self, who: Option<u64>, parked: Parked) {
        let mut inner = self.inner();
        let who = who.unwrap_or(inner.on);
        inner.parked.insert(who, parked);
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
    }

    fn writer_at(&self, point: Point) -> Verdict {
        let mut inner = self.inner();
        if point == Point::CommitDone {
            inner.commits += 1;
        }
        let roll = inner.dice.random_range(0..1_000_000);
        if roll >= inner.deaths_per_million {
            return Verdict::GoOn;
        }
        inner.dead = Some(point);
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
        Verdict::Die
    }
}

#[async_trait]
impl Schedule for Gate {
    async fn reach(&self, point: Point) -> Verdict {
        if matches!(point, Point::CommitPending | Point::CommitDone) {
            return self.writer_at(point);
        }
        let (go, wait) = oneshot::channel();
        self.park(None, Parked::Point(point, go));
        wait.await.unwrap_or(Verdict::Die)
    }

    fn waits(&self) -> u64 {
        let mut inner = self.inner();
        let who = inner.on;
        inner.blocked.insert(who);
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
        who
    }

    async fn resumes(&self, who: u64) {
        self.inner().blocked.remove(&who);
        let (go, wait) = oneshot::channel();
        self.park(Some(who), Parked::Resumed(go));
        let _ = wait.await;
    }
}

#[async_trait]
impl Line for Gate {
    async fn carry(&self, request: reqwest::Request) -> Result<Carried, Broken> {
        let (go, wait) = oneshot::channel();
        self.park(None, Parked::Sent(Box::new(request), go));
        wait.await.unwrap_or_else(|_| Err(Broken::Unanswered("the process is gone".into())))
    }
}
