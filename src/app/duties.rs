//! What is done by the clock: what money flows left for later, and the watch over the books.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::clock::Clock;
use crate::domain::access::Actor;
use crate::domain::ledger::ChainHead;
use crate::flows::catch_up::CatchingUp;
use crate::flows::client_money::ClientMoneyCheck;
use crate::flows::dispute::Disputing;
use crate::flows::pay::Commits;
use crate::flows::pay_out::PayingOut;
use crate::flows::reconcile::Reconciling;
use crate::flows::refund::Refunding;
use crate::flows::release::Releasing;
use crate::flows::settle::Settlements;
use crate::flows::webhooks::Webhooks;
use crate::ids::IdSource;
use crate::jobs::{Duty, Misfire, Pace, Task, Timetable, TimetableError};
use crate::store::retention::{CLAIMS_KEPT, DELIVERIES_KEPT, DONE_JOBS_KEPT};
use crate::store::{Change, CommitError, Store, VerifyOptions};

/// Sends and asks about refunds whose end is not known, every two minutes.
#[derive(Debug)]
pub struct SendRefunds(pub Refunding);

#[async_trait]
impl Duty for SendRefunds {
    fn kind(&self) -> &'static str {
        "send_refunds"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(2))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.recover().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Sends webhooks that are due, every minute. In life a loop of its own does that sooner; this is for the test clock, on
/// whose way from retry to retry it lies. A slow receiver is not waited for.
#[derive(Debug)]
pub struct TellWebhooks(pub Webhooks);

impl TellWebhooks {
    const PATIENCE: Duration = Duration::from_secs(2);
}

#[async_trait]
impl Duty for TellWebhooks {
    fn kind(&self) -> &'static str {
        "tell_webhooks"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(1))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.run_due(TellWebhooks::PATIENCE).await.map_err(|error| error.to_string())
    }
}

/// Asks about disputes, looks for answers whose end nobody knows, watches deadlines, every ten minutes.
#[derive(Debug)]
pub struct AskDisputes(pub Disputing);

#[async_trait]
impl Duty for AskDisputes {
    fn kind(&self) -> &'static str {
        "ask_disputes"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(10))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        let words = |error: crate::flows::dispute::DisputeFlowError| error.to_string();
        self.0.ask_all().await.map_err(words)?;
        self.0.recover().await.map_err(words)?;
        self.0.watch_deadlines().await.map(|_| ()).map_err(words)
    }
}

/// Asks every gateway for the bills of late, once a day, and holds them against the books.
#[derive(Debug)]
pub struct ReconcileBills(pub Reconciling, pub PayingOut);

#[async_trait]
impl Duty for ReconcileBills {
    fn kind(&self) -> &'static str {
        "reconcile_bills"
    }

    fn pace(&self) -> Pace {
        Pace::Each(TimeDelta::days(1))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        // None of them waits for the other's trouble: what failed is told as the job's, and tried again.
        let ended = [
            self.0.give_up_lost().await.map(|_| ()).map_err(|error| error.to_string()),
            self.0.days_of_late().await.map(|_| ()).map_err(|error| error.to_string()),
            // What came back meanwhile is in the gateway's balance.
            self.1.ask_all().await.map(|_| ()).map_err(|error| error.to_string()),
            self.0.balances().await.map(|_| ()).map_err(|error| error.to_string()),
        ];
        let in_the_way: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
        if in_the_way.is_empty() { Ok(()) } else { Err(in_the_way.join("; ")) }
    }
}

/// Looks every ten minutes whose business day has begun, and makes payable what may be paid.
#[derive(Debug)]
pub struct ReleaseShares(pub Releasing);

#[async_trait]
impl Duty for ReleaseShares {
    fn kind(&self) -> &'static str {
        "release_shares"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(10))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.release_due().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Whether what is held for others covers what is owed to them, once a day; `straits_client_money_short` says what is
/// missing, in minor units.
#[derive(Debug)]
pub struct CheckClientMoney(pub ClientMoneyCheck);

#[async_trait]
impl Duty for CheckClientMoney {
    fn kind(&self) -> &'static str {
        "check_client_money"
    }

    fn pace(&self) -> Pace {
        Pace::Each(TimeDelta::days(1))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.check_all().await.map_err(|error| error.to_string())
    }
}

/// After a restore, asks what has happened since; until that is known nothing is sent.
#[derive(Debug)]
pub struct CatchUp(pub CatchingUp);

#[async_trait]
impl Duty for CatchUp {
    fn kind(&self) -> &'static str {
        "catch_up"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::seconds(30))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.go_on().await.map_err(|error| error.to_string())
    }
}

/// Converts shares that waited for a rate, every ten minutes.
#[derive(Debug)]
pub struct ConvertWaiting(pub Settlements);

#[async_trait]
impl Duty for ConvertWaiting {
    fn kind(&self) -> &'static str {
        "convert_waiting"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(10))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.convert_waiting().await.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn work(&self, task: &Task) -> Result<(), String> {
        self.0.convert_waiting_through(task).await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Notes where the chain of the books stands, every hour, in the log and on every merchant's audit trail: against a head
/// noted elsewhere a tail that was cut off shows.
#[derive(Debug)]
pub struct NoteHead {
    /// The books.
    pub store: Store,
    /// Business time.
    pub clock: Clock,
    /// Ids of the lines.
    pub ids: IdSource,
    /// The head noted last by this process; one that stands still is not noted again.
    pub noted: Mutex<Option<ChainHead>>,
}

#[async_trait]
impl Duty for NoteHead {
    fn kind(&self) -> &'static str {
        "note_head"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::hours(1))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        // At a start, lease or no lease: into the log at least.
        let head = self.store.chain_head().await.map_err(|error| error.to_string())?;
        tracing::info!(seq = head.seq, hash = %head.hash, "the ledger's head");
        Ok(())
    }

    async fn work(&self, task: &Task) -> Result<(), String> {
        let head = self.store.chain_head().await.map_err(|error| error.to_string())?;
        tracing::info!(seq = head.seq, hash = %head.hash, "the ledger's head");
        for (merchant, trail) in self.store.audit_heads().await.map_err(|error| error.to_string())? {
            tracing::info!(merchant, head = %trail, "an audit trail's head");
        }
        let before = *self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if head.seq == 0 || before == Some(head) {
            return Ok(());
        }
        let mut change = Change::new();
        for merchant in self.store.merchants().await.map_err(|error| error.to_string())? {
            let actor = Actor::service(merchant.id, self.ids.mint());
            change.audit(actor.note(&self.ids, self.clock.now(), "ledger.head", head.seq, head.hash));
        }
        // Noted and marked as done together: of two programs one notes it.
        task.finish(change).await.map_err(|error| error.to_string())?;
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        Ok(())
    }
}

/// Goes over the books at a start and once a day in the quietest hour, from the last block verified; `straits_verify_ok`
/// says what came of it, of each program by itself.
#[derive(Debug)]
pub struct VerifyBooks {
    store: Store,
    timetable: Timetable,
}

impl VerifyBooks {
    /// At 03:17 UTC; days on which no program ran are made up for by one run.
    ///
    /// # Errors
    /// [`TimetableError`]; a start excludes it.
    pub fn daily(store: Store) -> Result<VerifyBooks, TimetableError> {
        let timetable = Timetable::new("17 3 * * *", chrono_tz::UTC, Misfire::RunOnce)?;
        Ok(VerifyBooks { store, timetable })
    }
}

#[async_trait]
impl Duty for VerifyBooks {
    fn kind(&self) -> &'static str {
        "verify_books"
    }

    fn pace(&self) -> Pace {
        Pace::Cron(self.timetable)
    }

    /// Whoever scrapes a program that was just started, or one beside the holder of the lease, is told too.
    async fn at_start(&self) -> Result<(), String> {
        self.run("").await
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        let verification =
            self.store.verify(&VerifyOptions::default()).await.map_err(|error| error.to_string())?;
        for check in verification.checks.iter().filter(|check| !check.ok) {
            tracing::error!(check = check.name, detail = check.detail, "the books contradict themselves");
        }
        Ok(())
    }
}

/// Removes, every hour, what is kept for a time only: claims of an `Idempotency-Key` and ended deliveries of webhooks after
/// thirty days, done jobs after seven. In batches, so that the writer is never held up; what one round leaves, the next one takes.
#[derive(Debug)]
pub struct RemoveOutdated {
    /// The rows.
    pub store: Store,
    /// Jobs are dated in business time, claims by the wall.
    pub clock: Clock,
}

impl RemoveOutdated {
    /// Rows of each table in one change.
    const BATCH: u32 = 500;
    /// Changes in one round.
    const BATCHES: usize = 40;

    /// Removes what is outdated, each batch as one change through `rows`.
    async fn remove(&self, rows: &dyn Commits) -> Result<(), String> {
        let words = |error: crate::store::StoreError| error.to_string();
        for _ in 0..RemoveOutdated::BATCHES {
            let claims = self.clock.wall() - CLAIMS_KEPT;
            let claims = self.store.outdated_claims(claims, RemoveOutdated::BATCH).await.map_err(words)?;
            let jobs = self.clock.now() - DONE_JOBS_KEPT;
            let jobs = self.store.outdated_jobs(jobs, RemoveOutdated::BATCH).await.map_err(words)?;
            let deliveries = self.clock.now() - DELIVERIES_KEPT;
            let deliveries =
                self.store.outdated_deliveries(deliveries, RemoveOutdated::BATCH).await.map_err(words)?;
            let mut change = Change::new();
            for row in claims.into_iter().chain(jobs).chain(deliveries) {
                change.remove(row);
            }
            if change.is_empty() {
                return Ok(());
            }
            match rows.commit(change).await {
                // Lost: another program was at it too, or has the lease now; then none of these is written either.
                Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Duty for RemoveOutdated {
    fn kind(&self) -> &'static str {
        "remove_outdated"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::hours(1))
    }

    /// It can wait for its lease.
    async fn at_start(&self) -> Result<(), String> {
        Ok(())
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.remove(&self.store).await
    }

    async fn work(&self, task: &Task) -> Result<(), String> {
        self.remove(task).await
    }
}
