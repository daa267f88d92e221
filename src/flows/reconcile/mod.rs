//! A gateway's bill against the books.
//!
//! ```text
//! bill (pulled or handed in) ─► lines ─┐
//!                                      ├─► Matching (pure) ─► differences ─► the gateway is asked ─► the one door
//! entries on 1110|1100 ─► facts ───────┘                                                          └─► suspense + finding
//! ```
//!
//! The bill is read whole before anything follows from a line of it. A repair is a report through the same door as every
//! other, or a posting of its own under the gateway's reference; nothing is edited, and a bill may come twice. What two
//! channels of the gateway say (bill and query) is repaired at once; what only one says stands in suspense with its
//! finding, so that the gateway's balance is always what the books have there plus suspense. Nothing here pays out.

mod asking;
mod balances;
mod batch;
mod bill;
mod books;
mod compared;
mod converted;
mod days;
mod differs;
mod dry_run;
mod error;
mod fees;
mod gathered;
mod late;
mod lists;
mod lost;
mod moved;
mod paid;
mod repair;
mod sent_otherwise;
mod turns;
mod view;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::clock::Clock;
use crate::crash::{Point, point};
use crate::domain::reconciliation::{Difference, Grade, Outcome};
use crate::gateways::GatewayError;
use crate::gateways::bills::bounds;
use crate::ids::{IdSource, ReconciliationId};
use crate::store::reconciliations::{Run, RunItem};
use crate::store::{Change, CommitError, Store, Versioned};

use super::deposits::Deposits;
use super::pay::{OpenAccount, Pay, PayError};
use super::refund::Refunding;
use super::settle::Settlements;
use compared::Compared;
use late::COMPLETE;
use turns::Turns;

pub use balances::LastCompared;
pub use error::ReconcileError;
pub use view::{BookedView, Evidence, FeeTermsView, ItemView, LearnedFee, LineView, RunView};

/// Items written at a time.
const PAGE: usize = 200;
/// Questions without an answer until a run gives up.
const SILENCES: usize = 3;

/// The flow; clones share it.
#[derive(Debug, Clone)]
pub struct Reconciling(Arc<Parts>, Arc<Turns>);

/// What it works with.
#[derive(Debug)]
pub struct Parts {
    /// Reads, and the one writer.
    pub store: Store,
    /// Business time.
    pub clock: Clock,
    /// Ids.
    pub ids: IdSource,
    /// Payments and gateway accounts.
    pub pay: Pay,
    /// The money side.
    pub settlements: Settlements,
    /// Refunds.
    pub refunding: Refunding,
    /// The gateways' payouts.
    pub deposits: Deposits,
    /// Where bills lie while they are read.
    pub folder: PathBuf,
}

/// Where the bill comes from.
#[derive(Debug, Clone)]
pub enum Bill {
    /// The gateway is asked for a day.
    Day(NaiveDate),
    /// A file that a person brought; it is removed when it was read.
    File {
        /// Where it lies.
        path: PathBuf,
        /// SHA-256 of its bytes.
        sha256: String,
    },
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Each difference is asked about, and repaired, set aside or left to a person.
    Settle,
    /// Each difference is listed, and nothing follows from it: a dry run.
    DryRun,
}

/// What became of one difference.
#[derive(Debug)]
struct Found {
    kind: &'static str,
    grade: Grade,
    finding: Option<String>,
    evidence: view::Evidence,
}

impl Reconciling {
    /// The flow over its parts.
    pub fn new(parts: Parts) -> Reconciling {
        Reconciling(Arc::new(parts), Arc::default())
    }

    /// Where a bill that is handed in lies until it was read.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`] when the folder cannot be made.
    pub fn file_for(&self, id: impl std::fmt::Display) -> Result<PathBuf, ReconcileError> {
        std::fs::create_dir_all(&self.0.folder).map_err(ReconcileError::unavailable)?;
        Ok(self.0.folder.join(format!("{id}.bill")))
    }

    /// Writes a run down; [`Reconciling::carry_out`] does it.
    ///
    /// # Errors
    /// [`ReconcileError`]; [`ReconcileError::Unfinished`] for a day whose bill is not complete yet.
    pub async fn begin(
        &self,
        id: ReconciliationId,
        open: &OpenAccount,
        bill: &Bill,
        purpose: Purpose,
        extra: Change,
    ) -> Result<Versioned<Run>, ReconcileError> {
        if let (Some(bills), Bill::Day(day)) = (open.gateway.bills(), bill) {
            let complete = bounds(*day, bills.zone()).1 + COMPLETE;
            if self.now() < complete {
                return Err(ReconcileError::Unfinished { day: *day, complete });
            }
        }
        self.note(id, open, bill, purpose, extra).await
    }

    async fn note(
        &self,
        id: ReconciliationId,
        open: &OpenAccount,
        bill: &Bill,
        purpose: Purpose,
        extra: Change,
    ) -> Result<Versioned<Run>, ReconcileError> {
        if open.gateway.bills().is_none() {
            return Err(ReconcileError::NoBills(open.account.gateway.clone()));
        }
        let (source, sha256) = match bill {
            Bill::Day(_) => ("pull", None),
            Bill::File { sha256, .. } => ("file", Some(sha256.clone())),
        };
        let days = match bill {
            Bill::Day(day) => Some((*day, *day)),
            Bill::File { .. } => None,
        };
        let run = Run {
            id,
            merchant: open.account.merchant,
            account: open.account.id,
            account_name: open.account.name.clone(),
            gateway: open.account.gateway.clone(),
            source: source.to_owned(),
            days,
            state: "running".to_owned(),
            detail: None,
            bill_sha256: sha256,
            lines: 0,
            matched: 0,
            repaired: 0,
            open: 0,
            by_kind: "{}".to_owned(),
            drift: "[]".to_owned(),
            started_at: self.0.clock.now(),
            ended_at: None,
            dry_run: purpose == Purpose::DryRun,
        };
        let mut change = extra;
        change.insert_reconciliation(&run);
        self.commit(change).await?;
        Ok(Versioned { value: run, version: 1 })
    }

    /// Reads the bill, matches it, repairs what may be repaired, and writes down what was found. A bill that is none
    /// fails the run, and nothing follows from it.
    pub async fn carry_out(&self, run: Versioned<Run>, open: Arc<OpenAccount>, bill: Bill) -> Run {
        self.carry(run, open, bill).await.0
    }

    /// The same, with why it failed.
    async fn carry(
        &self,
        run: Versioned<Run>,
        open: Arc<OpenAccount>,
        bill: Bill,
    ) -> (Run, Option<ReconcileError>) {
        point(Point::ReconcileKept).await;
        let ended = {
            let _turn = self.1.of(open.account.id).await;
            match run.value.dry_run {
                true => self.list_differences(&run, &open, &bill).await,
                false => self.work(&run, &open, &bill).await,
            }
        };
        if let Bill::File { path, .. } = &bill {
            let removed = tokio::fs::remove_file(path).await;
            removed
                .unwrap_or_else(|error| tracing::warn!(%error, "a bill that was read could not be removed"));
        }
        let (mut after, why) = match ended {
            Ok(after) => (after, None),
            Err(error) => {
                tracing::warn!(run = %run.value.id, %error, "a bill was not reconciled");
                let (state, detail) = ("failed".to_owned(), Some(error.to_string()));
                (Run { state, detail, ..run.value.clone() }, Some(error))
            }
        };
        after.ended_at = Some(self.0.clock.now());
        let mut change = Change::new();
        change.update_reconciliation(&Versioned { value: after.clone(), version: run.version });
        if let Err(error) = self.commit(change).await {
            tracing::error!(run = %run.value.id, %error, "the end of a reconciliation could not be written");
        }
        (after, why)
    }

    /// Both at once: the daily duty, which knows of itself that the day is over.
    ///
    /// # Errors
    /// [`ReconcileError`].
    pub async fn day(&self, open: Arc<OpenAccount>, day: NaiveDate) -> Result<Run, ReconcileError> {
        Ok(self.day_with_reason(open, day).await?.0)
    }

    async fn day_with_reason(
        &self,
        open: Arc<OpenAccount>,
        day: NaiveDate,
    ) -> Result<(Run, Option<ReconcileError>), ReconcileError> {
        let bill = Bill::Day(day);
        let run = self.note(self.0.ids.mint(), &open, &bill, Purpose::Settle, Change::new()).await?;
        Ok(self.carry(run, open, bill).await)
    }

    async fn work(
        &self,
        run: &Versioned<Run>,
        open: &Arc<OpenAccount>,
        bill: &Bill,
    ) -> Result<Run, ReconcileError> {
        let bills =
            open.gateway.bills().ok_or_else(|| ReconcileError::NoBills(open.account.gateway.clone()))?;
        let zone = bills.zone();
        let days = self.days(open, bill).await?;
        let Some(days) = days else {
            let state = "done".to_owned();
            return Ok(Run { state, ..run.value.clone() });
        };
        self.hear_of_disputes(open, bounds(days.own.0, zone).0).await?;
        let compared = self.compared(open, bill, &days).await?;
        let Compared { days: (first, last), known, pricing, waiting, doubts, mut outcome, takings } =
            compared;
        let pool = self.pool_of(open, (first, last), &outcome, &waiting, &pricing.terms)?;
        let mut by_kind: BTreeMap<&'static str, i64> = BTreeMap::new();
        let (mut repaired, mut left) = (0, 0);
        let (mut silent, mut silences) = (None, 0);
        let mut change = Change::new();
        for (place, difference) in std::mem::take(&mut outcome.differences).into_iter().enumerate() {
            let found = if Reconciling::is_payout(&difference) {
                let Difference::MovedThere(line) = difference else { continue };
                let Some(found) = self.settled(open, line, &takings).await? else { continue };
                found
            } else {
                match self.settle_difference(open, difference, known).await {
                    // What it was about waits until the run is repeated; what can be settled without it, is.
                    Err(error @ ReconcileError::Silent { .. }) if silences < SILENCES => {
                        silences += 1;
                        silent.get_or_insert(error);
                        continue;
                    }
                    settled => settled?,
                }
            };
            point(Point::ReconcileSettled).await;
            *by_kind.entry(found.kind).or_default() += 1;
            if found.grade == Grade::Waits {
                left += 1
            } else {
                repaired += 1
            }
            change.find_in_reconciliation(&run.value, &item(place, found)?);
            if place % PAGE == PAGE - 1 {
                self.commit(std::mem::take(&mut change)).await?;
            }
        }
        self.commit(change).await?;
        if let Some(error) = silent {
            return Err(error);
        }
        point(Point::ReconcileFound).await;
        let fees = self.learn(open, (first, last), &outcome, &pricing.terms).await?;
        self.no_longer_missed(open, &outcome.elsewhere, &waiting).await?;
        self.no_longer_differs(doubts, &outcome.agreed).await?;
        // Last: a run that dies before it finds the same once more, and what was found is found once.
        self.pool(pool).await?;
        point(Point::ReconcilePooled).await;
        let drift = serde_json::to_string(&fees).map_err(ReconcileError::unavailable)?;
        let ended = ended(run, (first, last), &outcome, &by_kind)?;
        Ok(Run { repaired, open: left, drift, ..ended })
    }

    /// What disputes moved is booked under the dispute, not under the bill's names: it has to be known before the bill is
    /// held against the books, or it would be booked once more. An account that may not ask has no disputes booked.
    async fn hear_of_disputes(&self, open: &OpenAccount, since: DateTime<Utc>) -> Result<(), ReconcileError> {
        match self.0.pay.ask_changed_disputes(open, since).await {
            Ok(_) => Ok(()),
            Err(PayError::Gateway(GatewayError::Refused { code, .. })) => {
                tracing::warn!(account = open.account.name, code, "disputes cannot be asked for here");
                Ok(())
            }
            Err(error) => Err(ReconcileError::unavailable(error)),
        }
    }

    async fn commit(&self, change: Change) -> Result<(), ReconcileError> {
        if change.is_empty() {
            return Ok(());
        }
        self.0.store.commit(change).await.map(|_| ()).map_err(ReconcileError::from)
    }

    /// As [`Reconciling::commit`]; what was booked or opened before says nothing new.
    async fn commit_once(&self, change: Change) -> Result<(), ReconcileError> {
        if change.is_empty() {
            return Ok(());
        }
        match self.0.store.commit(change).await {
            Ok(_) | Err(CommitError::AlreadyBooked { .. } | CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }
}

/// A run whose bill was read: what was in it.
fn ended(
    run: &Versioned<Run>,
    days: (NaiveDate, NaiveDate),
    outcome: &Outcome,
    by_kind: &BTreeMap<&'static str, i64>,
) -> Result<Run, ReconcileError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Run {
        days: Some(days),
        state: "done".to_owned(),
        lines: number(outcome.lines),
        matched: number(outcome.matched),
        by_kind: serde_json::to_string(by_kind).map_err(ReconcileError::unavailable)?,
        ..run.value.clone()
    })
}

/// One thing that a run found, at its place, as it is written down.
fn item(place: usize, found: Found) -> Result<RunItem, ReconcileError> {
    Ok(RunItem {
        position: i64::try_from(place + 1).unwrap_or(i64::MAX),
        kind: found.kind.to_owned(),
        grade: found.grade.as_str().to_owned(),
        finding: found.finding,
        body: serde_json::to_string(&found.evidence).map_err(ReconcileError::unavailable)?,
    })
}
