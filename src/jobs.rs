//! Which flow runs when: leased job rows.
//!
//! A [`Duty`] says what is to be done; a row of `job` says when, and who is at it. Rows are written and finished inside
//! changes, so a job exists exactly if what asked for it happened. Of two programs on one database one gets the lease;
//! the other hears `LostUpdate`. The row's version is the fencing token: a holder at work renews its lease every few
//! seconds, one that slept past it can neither finish the job nor write what it was about to ([`Task`]). On SQLite, where
//! no other program can be at work, a starting one takes over every earlier lease.
//!
//! Due times are business time. [`Jobs::advance`] moves the test clock through the due moments in order, one by one, so
//! that a day's jobs see a day's hours. A recurring duty that only looks for what is left over ([`Pace::Sweep`]) is not
//! run for each missed moment of it: each of its rounds is four times as far along the way as the one before, so that what
//! must be seen within minutes is, and a year costs no more than a dozen rounds. What is due by its own rows
//! ([`Pace::WhenDue`]) goes twice as far each time. Only a test clock is moved so: what has its day (a deadline's warning) may
//! be seen later than that day where it moves by weeks at once.

mod duty;
mod payments;
mod plan;
mod task;
mod timetable;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::crash::{Point, point};
use crate::domain::orders::Holder;
use crate::ids::IdSource;
use crate::store::jobs::Job;
use crate::store::{Change, CommitError, Store, StoreError, Versioned};

pub use duty::{Duty, Pace};
pub use payments::{AskOpenPayments, ClimbLadders, DrainInbox, payment_duties};
use plan::Plan;
pub use task::Task;
pub use timetable::{Misfire, Timetable, TimetableError};

/// How long after its last sign of life a holder is believed to be at work.
const LEASE: TimeDelta = TimeDelta::seconds(20);
/// When, after a start, the sweeps go round besides their pace: at once, when the leases of a dead run's calls have ended,
/// and once more for what was in the way.
const EARLY: [Duration; 3] = [Duration::ZERO, Duration::from_secs(11), Duration::from_secs(30)];
/// How often the loop looks for due jobs.
const LOOK: Duration = Duration::from_secs(1);
/// How long an advance of the clock waits for jobs that were under way.
const SETTLE: Duration = Duration::from_secs(5);
/// Due rows read at a time: far more than there are recurring duties.
const PAGE: u32 = 256;

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
    /// Recurring duties whose rows are known to be there.
    enrolled: Mutex<HashSet<String>>,
    /// One round at a time: the loop and an advance of the clock do not interleave.
    round: tokio::sync::Mutex<()>,
    /// Read by each job that the loop has set going.
    at_work: Arc<tokio::sync::RwLock<()>>,
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
        let (round, enrolled) = (tokio::sync::Mutex::new(()), Mutex::default());
        let at_work = Arc::default();
        Jobs(Arc::new(Parts { store, clock, ids, holder, duties, enrolled, round, at_work }))
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
        while let Some((_, job)) = self.next(now).await? {
            let Some(leased) = self.lease(job, now).await? else { continue };
            let jobs = self.clone();
            let at_work = self.0.at_work.clone().read_owned().await;
            under_way.spawn(async move {
                let _at_work = at_work;
                if let Err(error) = jobs.perform(leased, now..now).await {
                    tracing::warn!(%error, "a job was done and could not be marked so; it will be done again");
                }
            });
        }
        Ok(())
    }

    /// What each duty does at a start, lease or no lease.
    fn sweep(&self, under_way: &mut JoinSet<()>) {
        for duty in &self.0.duties {
            let duty = duty.clone();
            under_way.spawn(async move {
                if let Err(why) = duty.at_start().await {
                    tracing::warn!(
                        kind = duty.kind(),
                        why,
                        "what is done at the start failed; its next turn follows"
                    );
                }
            });
        }
    }

    /// Waits for what the loop has set going, no longer than [`SETTLE`]: what it leases is nobody else's to do.
    async fn settle(&self) {
        if tokio::time::timeout(SETTLE, self.0.at_work.write()).await.is_err() {
            tracing::debug!("a job that was under way still is; the clock does not wait for it");
        }
    }

    /// Runs every job due by `until`, one by one in order of their due times, and answers how many ran. What is under way
    /// comes to its end first.
    ///
    /// # Errors
    /// [`StoreError`] when the rows cannot be read.
    pub async fn run_due(&self, until: DateTime<Utc>) -> Result<usize, StoreError> {
        let _round = self.0.round.lock().await;
        self.settle().await;
        self.enroll().await?;
        let mut ran = 0;
        while let Some((_, job)) = self.next(until).await? {
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
        self.settle().await;
        self.enroll().await?;
        let since = self.0.clock.now();
        let mut ran = 0;
        while let Some((moment, job)) = self.next(until).await? {
            let moment = moment.max(self.0.clock.now());
            // It cannot lie behind: `moment` is at least now.
            let _ = self.0.clock.advance_to(moment);
            let Some(leased) = self.lease(job, until).await? else { continue };
            self.perform(leased, since..until).await?;
            ran += 1;
        }
        let _ = self.0.clock.advance_to(until.max(self.0.clock.now()));
        Ok(ran)
    }

    /// Sees to it that every recurring duty has its rows.
    async fn enroll(&self) -> Result<(), StoreError> {
        for duty in self.0.duties.iter().filter(|duty| duty.pace() != Pace::WhenAsked) {
            for lane in duty.lanes() {
                let name =
                    if lane.is_empty() { duty.kind().to_owned() } else { format!("{}:{lane}", duty.kind()) };
                if self.enrolled().contains(&name) {
                    continue;
                }
                if self.0.store.job_named(&name).await?.is_none() {
                    let first = Plan::first(duty.pace(), self.0.clock.now());
                    let mut job = Job::new(self.0.ids.mint(), duty.kind(), first);
                    (job.dedup, job.payload) = (Some(name.clone()), lane);
                    let mut change = Change::new();
                    change.insert_job(&job);
                    if let Err(error) = self.0.store.commit(change).await {
                        tracing::debug!(name, %error, "the job's row was not added; it may be there by now");
                        continue;
                    }
                }
                self.enrolled().insert(name);
            }
        }
        Ok(())
    }

    fn enrolled(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.enrolled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The job that is due first, by `until`, and when.
    async fn next(
        &self,
        until: DateTime<Utc>,
    ) -> Result<Option<(DateTime<Utc>, Versioned<Job>)>, StoreError> {
        let Holder { boot, alone } = self.0.holder;
        let mut first: Option<(DateTime<Utc>, Versioned<Job>)> = None;
        let kinds: Vec<&'static str> = self.0.duties.iter().map(|duty| duty.kind()).collect();
        for job in self.0.store.due_jobs(&kinds, until, (boot, alone), PAGE).await? {
            let Some(duty) = self.duty(&job.value.kind) else { continue };
            let mut moment = job.value.run_at;
            // In the order of their rows: no later one comes before this.
            if first.as_ref().is_some_and(|(first, _)| *first <= moment) {
                break;
            }
            if duty.pace() == Pace::WhenDue {
                match duty.due(&job.value.payload).await {
                    Ok(Some(due)) if due <= until => moment = moment.max(due),
                    Ok(_) => continue,
                    Err(why) => {
                        tracing::warn!(kind = job.value.kind, why, "what is due is not known");
                        continue;
                    }
                }
            }
            if first.as_ref().is_none_or(|(first, _)| moment < *first) {
                first = Some((moment, job));
            }
        }
        Ok(first)
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
        let Some(duty) = self.duty(&job.value.kind) else { return Ok(()) };
        let mut plan = Plan::new(duty.pace(), way);
        point(Point::JobLeased).await;
        let (kind, missed) = (job.value.kind.clone(), plan.is_missed(&job.value, self.0.clock.now()));
        let task = Task::new(self.0.store.clone(), self.0.clock.clone(), job, plan.clone());
        let outcome = if missed {
            tracing::info!(kind, "a moment was missed and is left out");
            Ok(())
        } else {
            let mut kept = std::pin::pin!(task.keep_alive());
            let outcome = tokio::select! {
                outcome = duty.work(&task) => Some(outcome),
                () = &mut kept => None,
            };
            // A renewal on its way to the database is written whatever becomes of it here: the end is written on top of it.
            let at_rest = tokio::select! {
                () = task.at_rest(), if outcome.is_some() => outcome,
                () = &mut kept, if outcome.is_some() => None,
                else => None,
            };
            let Some(outcome) = at_rest else {
                tracing::warn!(kind, "the lease of a job went to another program; it goes on there");
                return Ok(());
            };
            outcome
        };
        point(Point::JobDone).await;
        if let Err(why) = &outcome {
            tracing::warn!(kind, why, "a job failed");
        }
        let lane = task.payload().to_owned();
        let Some(Versioned { value: held, version }) = task.unfinished() else { return Ok(()) };
        let now = self.0.clock.now();
        if plan.pace == Pace::WhenDue {
            plan.rest = duty.rest(&lane);
            plan.more = duty.due(&lane).await.is_ok_and(|due| due.is_some_and(|due| due <= now));
        }
        let after = plan.after(held, &outcome, now);
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

fn unwritten(job: &Job, error: &CommitError) -> StoreError {
    StoreError::Unreadable { table: "job", key: job.id.to_string(), why: error.to_string() }
}
