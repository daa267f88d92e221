//! A job at work: its lease, kept alive while it works, and the fence around what it writes.
//!
//! Every write through [`Task::commit`] requires that the job's row still has the version under which the lease is held.
//! Whoever slept past the lease finds that another program has raised it, and nothing of the change is written.
//! [`Task::finish`] writes the job's own end in the same change: the work and its mark stand together or not at all.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::RwLock;

use crate::clock::Clock;
use crate::flows::pay::Commits;
use crate::store::jobs::{JOB, Job};
use crate::store::{Change, CommitError, Committed, Store, Versioned};

use super::LEASE;
use super::plan::Plan;

/// How often a holder at work renews its lease.
const RENEWAL: Duration = Duration::from_secs(5);

/// A job at work.
#[derive(Debug)]
pub struct Task {
    store: Store,
    clock: Clock,
    payload: String,
    plan: Plan,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    job: Job,
    version: i64,
    finished: bool,
}

impl Task {
    pub(super) fn new(store: Store, clock: Clock, leased: Versioned<Job>, plan: Plan) -> Task {
        let Versioned { value: job, version } = leased;
        let payload = job.payload.clone();
        let held = RwLock::new(Held { job, version, finished: false });
        Task { store, clock, payload, plan, held }
    }

    /// What the job row says: with what, or which lane.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// How often it failed before.
    pub async fn failures(&self) -> i64 {
        self.held.read().await.job.attempts
    }

    /// Writes a change while the lease is held.
    ///
    /// # Errors
    /// [`CommitError::LostUpdate`] of `job` when it is not held any more; nothing was written.
    pub async fn commit(&self, mut change: Change) -> Result<Committed, CommitError> {
        // Shared among the work's own writes; a renewal waits for them, because it moves what they require.
        let held = self.held.read().await;
        change.require(&JOB, held.job.id, held.version);
        self.store.commit(change).await
    }

    /// Writes the last change of the work together with the job's end.
    ///
    /// # Errors
    /// As [`Task::commit`].
    pub async fn finish(&self, mut change: Change) -> Result<Committed, CommitError> {
        let mut held = self.held.write().await;
        let after = self.plan.after(held.job.clone(), &Ok(()), self.clock.now());
        change.update_job(&after, held.version);
        let committed = self.store.commit(change).await?;
        held.finished = true;
        Ok(committed)
    }

    /// Keeps the lease alive; resolves when it is lost.
    pub(super) async fn keep_alive(&self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let mut held = self.held.write().await;
            if held.finished {
                continue;
            }
            let mut renewed = held.job.clone();
            let Some((owner, until)) = renewed.lease else { return };
            renewed.lease = Some((owner, until.max(self.clock.now() + LEASE)));
            let mut change = Change::new();
            change.update_job(&renewed, held.version);
            match self.store.commit(change).await {
                Ok(_) => (held.job, held.version) = (renewed, held.version + 1),
                Err(CommitError::LostUpdate { .. }) => return,
                Err(error) => tracing::warn!(kind = renewed.kind, %error, "a job's lease was not renewed"),
            }
        }
    }

    /// Waits while a write of its own is under way, a renewal's too.
    pub(super) async fn at_rest(&self) {
        drop(self.held.write().await);
    }

    /// The job as it is held, unless the work has written its end itself.
    pub(super) fn unfinished(self) -> Option<Versioned<Job>> {
        let Held { job, version, finished } = self.held.into_inner();
        (!finished).then_some(Versioned { value: job, version })
    }
}

#[async_trait]
impl Commits for Task {
    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        Task::commit(self, change).await
    }
}
