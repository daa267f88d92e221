//! Which flow runs when: leased job rows.
//!
//! A [`Duty`] says what is to be done; a row of `job` says when, and who is at it. Rows are written and finished inside
//! changes, so a job exists exactly if what asked for it happened. Of two programs on one database one gets the lease;
//! the other hears `LostUpdate`. The row's version is the fencing token: a holder that slept past its lease cannot
//! finish the job. On SQLite, where no other program can be at work, a starting one takes over every earlier lease.
//!
//! Due times are business time. [`Jobs::advance`] moves the test clock through the due moments in order, one by one, so
//! that a day's jobs see a day's hours. A recurring duty that only looks for what is left over ([`Pace::Sweep`]) is not
//! run for each missed moment of it: its rounds double their distance on the way, so that what must be seen within
//! minutes is, and a year costs no more than a score of rounds.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::crash::{Point, point};
use crate::domain::orders::Holder;
use crate::flows::pay::Pay;
use crate::ids::IdSource;
use crate::store::jobs::Job;
use crate::store::{Change, CommitError, Store, StoreError, Versioned};

/// How long a job may take before another may try.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// When, after a start, the sweeps go round besides their pace: at once, when the leases of a dead run's calls have ended,
/// and once more for what was in the way.
const EARLY: [Duration; 3] = [Duration::ZERO, Duration::from_secs(11), Duration::from_secs(30)];
/// How often the loop looks for due jobs.
const LOOK: Duration = Duration::from_secs(1);
/// A one-time job that failed this often waits for a person: it is due no more until somebody changes its row.
const TRIES: i64 = 20;

/// Something that is done now and then, or when a job row asks for it.
#[async_trait]
pub trait Duty: Send + Sync + Debug {
    /// The word in job rows.
    fn kind(&self) -> &'static str;

    /// How often it comes round by itself.
    fn pace(&self) -> Pace {
        Pace::WhenAsked
    }

    /// Does it. What it does must be safe to do twice.
    ///
    /// # Errors
    /// Why it failed, for the row and the log; it is tried again.
    async fn run(&self, payload: &str) -> Result<(), String>;
}

/// How often a duty comes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Only when a job row asks for it.
    WhenAsked,
    /// At intervals; each looks for whatever is left over, so missed moments need no run of their own.
    Sweep(TimeDelta),
    /// At intervals, each moment in its turn.
    Each(TimeDelta),
}

/// The duties of one program; clones share them.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    clock: Clock,
    ids: IdSource,
    holder: Holder,
    duties: Vec<Arc<dyn Duty>>,
    /// One round at a time: the loop and an advance of the clock do not interleave.
    round: tokio::sync::Mutex<()>,
}

impl Jobs {
    /// The duties of this program.
    pub fn new(
        store: Store,
        clock: Clock,
        ids: IdSource,
        holder: Holder,
        duties: Vec<Arc<dyn Duty>>,
    ) -> Jobs {
        let round = tokio::sync::Mutex::new(());
        Jobs(Arc::new(Parts { store, clock, ids, holder, duties, round }))
    }

    /// Runs until `stop` resolves, then lets what is under way come to its end.
    ///
    /// A start does not wait for what the run before it left behind: its sweeps go round at once, and twice more within
    /// the time in which the leases of a dead run end ([`EARLY`]).
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut under_way = JoinSet::new();
        let rounds = async {
            let began = Instant::now();
            let mut early = EARLY.iter().peekable();
            loop {
                if early.next_if(|after| began.elapsed() >= **after).is_some() {
                    self.sweep(&mut under_way);
                }
                if let Err(error) = self.launch(&mut under_way).await {
                    tracing::warn!(%error, "no round of jobs; the next one follows");
                }
                while under_way.try_join_next().is_some() {}
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Leases every job that is due and sets it going; none waits for another.
    async fn launch(&self, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
        let _round = self.0.round.lock().await;
        self.enroll().await?;
        let now = self.0.clock.now();
        while let Some(job) = self.next(now).await? {
            let Some(leased) = self.lease(job, now).await? else { continue };
            let jobs = self.clone();
            under_way.spawn(async move {
                if let Err(error) = jobs.perform(leased, now..now).await {
                    tracing::warn!(%error, "a job was done and could not be marked so; it will be done again");
                }
            });
        }
        Ok(())
    }

    /// Every sweep once, lease or no lease.
    fn sweep(&self, under_way: &mut JoinSet<()>) {
        for duty in self.0.duties.iter().filter(|duty| matches!(duty.pace(), Pace::Sweep(_))) {
            let duty = duty.clone();
            under_way.spawn(async move {
                if let Err(why) = duty.run("").await {
                    tracing::warn!(
                        kind = duty.kind(),
                        why,
                        "a sweep at the start failed; the next one follows"
                    );
                }
            });
        }
    }

    /// Runs every job due by `until`, one by one in order of their due times, and answers how many ran.
    ///
    /// # Errors
    /// [`StoreError`] when the rows cannot be read.
    pub async fn run_due(&self, until: DateTime<Utc>) -> Result<usize, StoreError> {
        let _round = self.0.round.lock().await;
        self.enroll().await?;
        let mut ran = 0;
        while let Some(job) = self.next(until).await? {
            let Some(leased) = self.lease(job, until).await? else { continue };
            self.perform(leased, until..until).await?;
            ran += 1;
        }
        Ok(ran)
    }

    /// Moves the test clock to `until`, through the due moments in order; everything due by then has run when it
    /// answers.
    ///
    /// # Errors
    /// [`StoreError`] when the rows cannot be read; the clock then stands at the last moment reached.
    pub async fn advance(&self, until: DateTime<Utc>) -> Result<usize, StoreError> {
        let _round = self.0.round.lock().await;
        self.enroll().await?;
        let since = self.0.clock.now();
        let mut ran = 0;
        while let Some(job) = self.next(until).await? {
            let moment = job.value.run_at.max(self.0.clock.now());
            // It cannot lie behind: `moment` is at least now.
            let _ = self.0.clock.advance_to(moment);
            let Some(leased) = self.lease(job, until).await? else { continue };
            self.perform(leased, since..until).await?;
            ran += 1;
        }
        let _ = self.0.clock.advance_to(until.max(self.0.clock.now()));
        Ok(ran)
    }

    /// Sees to it that every recurring duty has its row.
    async fn enroll(&self) -> Result<(), StoreError> {
        for duty in self.0.duties.iter().filter(|duty| duty.pace() != Pace::WhenAsked) {
            if self.0.store.job_named(duty.kind()).await?.is_some() {
                continue;
            }
            let mut job = Job::new(self.0.ids.mint(), duty.kind(), self.0.clock.now());
            job.dedup = Some(duty.kind().to_owned());
            let mut change = Change::new();
            change.insert_job(&job);
            if let Err(error) = self.0.store.commit(change).await {
                tracing::debug!(kind = duty.kind(), %error, "the job's row was not added; it may be there by now");
            }
        }
        Ok(())
    }

    async fn next(&self, until: DateTime<Utc>) -> Result<Option<Versioned<Job>>, StoreError> {
        let Holder { boot, alone } = self.0.holder;
        let due = self.0.store.due_jobs(until, boot, alone, 64).await?;
        Ok(due.into_iter().find(|job| self.duty(&job.value.kind).is_some()))
    }

    fn duty(&self, kind: &str) -> Option<&Arc<dyn Duty>> {
        self.0.duties.iter().find(|duty| duty.kind() == kind)
    }

    /// Takes the lease of a job; `None` when another program was faster.
    async fn lease(
        &self,
        job: Versioned<Job>,
        until: DateTime<Utc>,
    ) -> Result<Option<Versioned<Job>>, StoreError> {
        let mut leased = job.value;
        leased.lease = Some((self.0.holder.boot, self.0.clock.now().max(until) + LEASE));
        let mut change = Change::new();
        change.update_job(&leased, job.version);
        match self.0.store.commit(change).await {
            Ok(_) => Ok(Some(Versioned { value: leased, version: job.version + 1 })),
            Err(CommitError::LostUpdate { .. }) => Ok(None),
            Err(error) => Err(unwritten(&leased, &error)),
        }
    }

    /// Does a leased job and writes what became of it. `way` is what the clock is being moved through; empty where it
    /// runs by itself.
    async fn perform(&self, job: Versioned<Job>, way: Range<DateTime<Utc>>) -> Result<(), StoreError> {
        let Versioned { value: leased, version } = job;
        let Some(duty) = self.duty(&leased.kind) else { return Ok(()) };
        point(Point::JobLeased).await;
        let outcome = duty.run(&leased.payload).await;
        point(Point::JobDone).await;
        let mut after = Job { lease: None, ..leased };
        let now = self.0.clock.now();
        match (duty.pace(), &outcome) {
            (Pace::WhenAsked, Ok(())) => after.done_at = Some(now),
            (Pace::WhenAsked, Err(_)) if after.attempts + 1 >= TRIES => after.done_at = Some(now),
            (Pace::WhenAsked, Err(_)) => after.run_at = now + backoff(after.attempts),
            // On the way to a later moment: as far again as it has come, and there at last.
            (Pace::Sweep(every), _) if now + every < way.end => {
                after.run_at = way.end.min(now + every.max(now - way.start));
            }
            (Pace::Sweep(every), _) => after.run_at = now + every,
            (Pace::Each(every), _) => after.run_at += every,
        }
        match outcome {
            Ok(()) => (after.attempts, after.last_error) = (0, None),
            Err(why) => {
                after.attempts += 1;
                tracing::warn!(kind = after.kind, attempts = after.attempts, why, "a job failed");
                after.last_error = Some(why);
            }
        }
        let mut change = Change::new();
        change.update_job(&after, version);
        match self.0.store.commit(change).await {
            // A lost update: the lease was taken over, its new holder finishes.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => {
                point(Point::JobFinished).await;
                Ok(())
            }
            Err(error) => Err(unwritten(&after, &error)),
        }
    }
}

/// Seconds doubling from 2 to about half an hour.
fn backoff(attempts: i64) -> TimeDelta {
    TimeDelta::seconds(2_i64 << attempts.clamp(0, 10))
}

fn unwritten(job: &Job, error: &CommitError) -> StoreError {
    StoreError::Unreadable { table: "job", key: job.id.to_string(), why: error.to_string() }
}

/// Asks about every payment whose end is not known, every two minutes.
#[derive(Debug)]
pub struct AskOpenPayments(pub Pay);

#[async_trait]
impl Duty for AskOpenPayments {
    fn kind(&self) -> &'static str {
        "ask_open_payments"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(2))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        let done = self.0.recover().await.map_err(|error| error.to_string())?;
        if done.asked > 0 {
            tracing::debug!(asked = done.asked, failed = done.failed, notices = done.notices, "asked");
        }
        Ok(())
    }
}

/// Works off notices that are kept and not settled, every fifteen seconds.
#[derive(Debug)]
pub struct DrainInbox(pub Pay);

#[async_trait]
impl Duty for DrainInbox {
    fn kind(&self) -> &'static str {
        "drain_inbox"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::seconds(15))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.drain().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The duties of the payment flow.
pub fn payment_duties(pay: &Pay) -> Vec<Arc<dyn Duty>> {
    vec![Arc::new(DrainInbox(pay.clone())), Arc::new(AskOpenPayments(pay.clone()))]
}
