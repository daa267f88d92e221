//! Reading the bill into the matching, wherever it comes from.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::domain::reconciliation::{Fact, Key, Matching};
use crate::flows::pay::OpenAccount;
use crate::gateways::bills::{BillError, Bills, Way};
use crate::ids::ReconciliationId;

use super::batch::Takings;
use super::days::Days;
use super::{Bill, ReconcileError, Reconciling};

impl Reconciling {
    /// The days of the bill in the gateway's zone; a file is read once for it, to its trailer. `None`: it has no line.
    pub(super) async fn days(
        &self,
        open: &Arc<OpenAccount>,
        bill: &Bill,
    ) -> Result<Option<Days>, ReconcileError> {
        let Bill::File { path, .. } = bill else {
            let Bill::Day(day) = bill else { return Ok(None) };
            return Ok(Some(Days::one(*day)));
        };
        let (open, path) = (open.clone(), path.clone());
        on_a_thread(move || {
            let bills = open.gateway.bills().ok_or_else(|| no_bills(&open))?;
            let zone = bills.zone();
            let mut lines: BTreeMap<NaiveDate, u64> = BTreeMap::new();
            for line in bills.read(Box::new(BufReader::new(open_file(&path)?))) {
                *lines.entry(line?.at.with_timezone(&zone).date_naive()).or_default() += 1;
            }
            Days::of_lines(&lines)
        })
        .await
    }

    /// Every line, matched; `watched` are references of which it is asked whether they agree.
    pub(super) async fn matched(
        &self,
        open: &Arc<OpenAccount>,
        bill: &Bill,
        facts: Vec<Fact>,
        watched: HashSet<Key>,
    ) -> Result<(Matching, Takings), ReconcileError> {
        let bills = open.gateway.bills().ok_or_else(|| no_bills(open))?;
        match bill {
            Bill::File { path, .. } => read_file(open.clone(), path.clone(), facts, watched).await,
            Bill::Day(day) => match bills.way() {
                Way::ByHand => Err(ReconcileError::ByHand(open.account.name.clone())),
                Way::File => {
                    let path = self.file_for(self.0.ids.mint::<ReconciliationId>())?;
                    let fetched = fetch(open, *day, &path).await;
                    let matching = match fetched {
                        Ok(()) => read_file(open.clone(), path.clone(), facts, watched).await,
                        Err(error) => Err(error),
                    };
                    let removed = tokio::fs::remove_file(&path).await;
                    removed.unwrap_or_else(|error| tracing::warn!(%error, "a bill could not be removed"));
                    matching
                }
                Way::Pages => {
                    let (mut matching, mut takings) = empty(open, bills, facts, watched);
                    let mut from = None;
                    loop {
                        let page = bills.page(*day, from).await?;
                        for line in page.lines {
                            takings.take(&line);
                            matching.line(line)?;
                        }
                        from = page.next;
                        if from.is_none() {
                            return Ok((matching, takings));
                        }
                    }
                }
            },
        }
    }
}

/// Before the first line.
fn empty(
    open: &OpenAccount,
    bills: &dyn Bills,
    facts: Vec<Fact>,
    watched: HashSet<Key>,
) -> (Matching, Takings) {
    let mode = open.account.settlement;
    let matching = Matching::new(facts, bills.zone()).renaming_captures(bills.renames_captures());
    (matching.settled_by(mode).watching(watched), Takings::of(mode))
}

async fn fetch(open: &OpenAccount, day: NaiveDate, path: &Path) -> Result<(), ReconcileError> {
    let bills = open.gateway.bills().ok_or_else(|| no_bills(open))?;
    let mut file = tokio::fs::File::create(path).await.map_err(ReconcileError::unavailable)?;
    bills.download(day, &mut file).await?;
    Ok(())
}

async fn read_file(
    open: Arc<OpenAccount>,
    path: PathBuf,
    facts: Vec<Fact>,
    watched: HashSet<Key>,
) -> Result<(Matching, Takings), ReconcileError> {
    on_a_thread(move || {
        let bills = open.gateway.bills().ok_or_else(|| no_bills(&open))?;
        let (mut matching, mut takings) = empty(&open, bills, facts, watched);
        for line in bills.read(Box::new(BufReader::new(open_file(&path)?))) {
            let line = line?;
            takings.take(&line);
            matching.line(line)?;
        }
        Ok((matching, takings))
    })
    .await
}

/// On a thread that may wait for the disk.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReconcileError> + Send + 'static,
) -> Result<T, ReconcileError> {
    tokio::task::spawn_blocking(work).await.map_err(ReconcileError::unavailable)?
}

fn open_file(path: &Path) -> Result<File, ReconcileError> {
    File::open(path).map_err(|error| BillError::Broken(error.to_string()).into())
}

fn no_bills(open: &OpenAccount) -> ReconcileError {
    ReconcileError::NoBills(open.account.gateway.clone())
}
