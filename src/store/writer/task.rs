//! The writer's task: takes batches off the queue, and sees each one through to a certain outcome.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::crash::{Point, is_scheduled, point};
use crate::domain::ledger::BlockHash;
use crate::ids::{BatchId, IdSource};
use crate::store::{Change, CommitError, Engine, Value};

use super::batch::{self, Outcomes, Stamp, Written};
use super::books::AccountKey;
use super::failure::{Failure, classify, is_contention};
use super::session::Session;
use super::statement::on;
use super::{CommitFault, CommitFaults, Message, WriterOptions, tables};

/// A batch that takes longer hangs on a dead connection.
const STALL: Duration = Duration::from_secs(20);
/// How often a batch is tried before its callers hear that the database is unavailable.
const TRIES: u32 = 5;
/// How often it is tried while another program holds SQLite's one lock: each time waits for it five seconds.
const TRIES_LOCKED: u32 = 2;
/// How long the writer looks for the outcome of a COMMIT before it says that it does not know.
const PATIENCE: Duration = Duration::from_secs(30);
/// Remembered account ids; beyond it the memory starts anew.
const KNOWN_LIMIT: usize = 200_000;

/// The writer's state between batches.
#[derive(Debug)]
pub(super) struct Task {
    engine: Engine,
    name: String,
    target: SecretString,
    clock: Clock,
    ids: IdSource,
    batch_cap: usize,
    portable: bool,
    faults: Option<Arc<dyn CommitFaults>>,
    session: Option<Session>,
    well: Arc<AtomicBool>,
    known: HashMap<AccountKey, i64>,
}

impl Task {
    /// Connects, and makes the head row and the writer's own row if they are missing.
    pub async fn start(options: WriterOptions) -> Result<Task, sqlx::Error> {
        let mut session =
            Session::open(options.target.expose_secret(), options.engine, options.portable).await?;
        let mut tries = 1;
        while let Err(error) = Task::first_rows(&mut session, &options).await {
            let code = error.as_database_error().and_then(|error| error.code());
            if tries >= TRIES || !code.is_some_and(|code| is_contention(&code)) {
                return Err(error);
            }
            session.run("ROLLBACK").await?;
            tokio::time::sleep(Duration::from_millis(20) * tries).await;
            tries += 1;
        }
        Ok(Task {
            engine: options.engine,
            name: options.name,
            target: options.target,
            clock: options.clock,
            ids: options.ids,
            batch_cap: options.batch_cap,
            portable: options.portable,
            faults: options.faults,
            session: Some(session),
            well: options.well,
            known: HashMap::new(),
        })
    }

    /// The head row and the writer's own, if they are missing.
    async fn first_rows(session: &mut Session, options: &WriterOptions) -> Result<(), sqlx::Error> {
        session.run(options.engine.begin()).await?;
        let now = options.clock.now().timestamp_micros();
        let genesis = Value::Bytes(BlockHash::GENESIS.as_bytes().to_vec());
        let head = vec![1.into(), 0.into(), genesis, 0.into(), 0.into(), 0.into()];
        session.insert_missing(&tables::NEW_HEAD, head).await.map_err(|failed| failed.error)?;
        let writer = vec![options.name.as_str().into(), "".into(), now.into()];
        session.insert_missing(&tables::NEW_WRITER, writer).await.map_err(|failed| failed.error)?;
        session.run("COMMIT").await
    }

    /// Works until it is told to close and the queue is empty.
    pub async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut taken = Vec::with_capacity(self.batch_cap);
        while messages.recv_many(&mut taken, self.batch_cap).await > 0 {
            let mut changes = Vec::with_capacity(taken.len());
            let mut answers = Vec::with_capacity(taken.len());
            for message in taken.drain(..) {
                match message {
                    Message::Commit(change, answer) => {
                        changes.push(change);
                        answers.push(answer);
                    }
                    Message::Close => messages.close(),
                }
            }
            if changes.is_empty() {
                continue;
            }
            metrics::histogram!("straits_writer_batch_size").record(count(changes.len()));
            metrics::gauge!("straits_writer_queue").set(count(messages.len()));
            let outcomes = self.see_through(&changes).await;
            let away = |outcome: &Result<_, _>| {
                matches!(outcome, Err(CommitError::Unavailable(_) | CommitError::Unknown(_)))
            };
            self.well.store(!outcomes.iter().any(away), Ordering::SeqCst);
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that has gone away does not need to hear.
                let _ = answer.send(outcome);
            }
        }
        if let Some(session) = self.session.take()
            && let Err(error) = session.close().await
        {
            tracing::warn!(%error, "the writer's connection did not close cleanly");
        }
    }

    /// An outcome for every change.
    async fn see_through(&mut self, changes: &[Change]) -> Outcomes {
        match self.try_often(changes).await {
            Ok(outcomes) => outcomes,
            Err(Failure::Refused(refusal)) if changes.len() > 1 => {
                tracing::warn!(%refusal, changes = changes.len(), "a batch was refused: its changes run one by one");
                let mut outcomes = Vec::with_capacity(changes.len());
                for change in changes {
                    let single = std::slice::from_ref(change);
                    let outcome = match self.try_often(single).await {
                        Ok(single) => single,
                        Err(failure) => vec![Err(failure.into())],
                    };
                    outcomes.extend(outcome);
                }
                outcomes
            }
            Err(failure) => {
                tracing::error!(?failure, changes = changes.len(), "a batch failed");
                let error = CommitError::from(failure);
                changes.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    async fn try_often(&mut self, changes: &[Change]) -> Result<Outcomes, Failure> {
        let mut tries = 1;
        loop {
            let failure = match self.try_once(changes).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(failure) => failure,
            };
            let again = matches!(
                failure,
                Failure::Contended(_) | Failure::Disconnected(_) | Failure::NotCommitted(_)
            );
            let held_up = matches!(failure, Failure::Contended(_)) && self.engine == Engine::Sqlite;
            if !again || tries >= if held_up { TRIES_LOCKED } else { TRIES } {
                return Err(failure);
            }
            tracing::warn!(?failure, tries, "a batch is tried again");
            let pause = self.pause(tries);
            // Under a schedule nobody else is on who would be done by then, but for another program at SQLite's one lock.
            if held_up || !is_scheduled() {
                tokio::time::sleep(pause).await;
            }
            tries += 1;
        }
    }

    async fn try_once(&mut self, changes: &[Change]) -> Result<Outcomes, Failure> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect().await.map_err(Failure::Disconnected)?,
        };
        let stamp = Stamp {
            writer: self.name.clone(),
            batch: self.ids.mint::<BatchId>().to_string(),
            now: self.clock.now().timestamp_micros(),
        };
        let begin = self.engine.begin();
        let writing = async {
            session.run(begin).await.map_err(on("writer_batch"))?;
            batch::write(&mut session, changes, &stamp, &self.known).await
        };
        let written = tokio::time::timeout(STALL, writing).await;
        let written = match written {
            Ok(Ok(written)) => written,
            Err(_) => return Err(Failure::Disconnected(stalled())),
            Ok(Err(failed)) => {
                let failure = classify(self.engine, failed);
                // A connection that cannot even roll back is left behind, and so is one that does not write.
                let keep = session.run("ROLLBACK").await.is_ok();
                if keep && !matches!(failure, Failure::Disconnected(_)) {
                    self.session = Some(session);
                }
                return Err(failure);
            }
        };
        point(Point::CommitPending).await;
        let committed = self.commit(&mut session).await;
        point(Point::CommitDone).await;
        match committed {
            Ok(()) => self.session = Some(session),
            Err(error) => {
                drop(session);
                if !self.stands(&stamp.batch, &error).await? {
                    return Err(Failure::NotCommitted(error));
                }
            }
        }
        Ok(self.remember(written))
    }

    async fn commit(&mut self, session: &mut Session) -> Result<(), sqlx::Error> {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        match self.faults.as_ref().and_then(|faults| faults.next()) {
            None => {
                tokio::time::timeout(STALL, session.run("COMMIT")).await.unwrap_or_else(|_| Err(stalled()))
            }
            Some(CommitFault::LostBefore) => Err(lost()),
            Some(CommitFault::LostAfter) => session.run("COMMIT").await.and(Err(lost())),
        }
    }

    /// Whether the batch stands although its COMMIT failed.
    async fn stands(&mut self, batch: &str, error: &sqlx::Error) -> Result<bool, Failure> {
        tracing::warn!(%error, batch, "COMMIT failed: looking for the batch");
        let looking = async {
            let mut tries = 1;
            loop {
                match self.last_batch().await {
                    Ok(last) => return last.as_deref() == Some(batch),
                    Err(error) => tracing::warn!(%error, tries, "the outcome of a COMMIT is still open"),
                }
                tokio::time::sleep(self.pause(tries)).await;
                tries += 1;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.map_err(|_| Failure::Unknown(stalled()))
    }

    /// Behind the head row's lock no older transaction of ours is still under way.
    async fn last_batch(&mut self) -> Result<Option<String>, sqlx::Error> {
        let mut session = self.connect().await?;
        session.run(self.engine.begin()).await?;
        batch::lock_head(&mut session).await.map_err(|failed| failed.error)?;
        let key = vec![self.name.as_str().into()];
        let rows = session.look_up(&tables::LAST_BATCH, &[key]).await.map_err(|failed| failed.error)?;
        session.run("ROLLBACK").await?;
        self.session = Some(session);
        Ok(rows.into_iter().flatten().find_map(|value| match value {
            Value::Text(batch) => Some(batch),
            _ => None,
        }))
    }

    /// What was remembered of the database may be another one's now: a replica that took over, a restored backup.
    async fn connect(&mut self) -> Result<Session, sqlx::Error> {
        self.known.clear();
        let opening = Session::open(self.target.expose_secret(), self.engine, self.portable);
        tokio::time::timeout(STALL, opening).await.unwrap_or_else(|_| Err(stalled()))
    }

    /// 5 to 80 ms, growing, with jitter so that processes do not meet again.
    fn pause(&self, tries: u32) -> Duration {
        let most = 5_000_u64 << tries.min(4);
        let [share] = self.ids.random_bytes::<1>();
        Duration::from_micros(most / 2 + most / 2 * u64::from(share) / 255)
    }

    fn remember(&mut self, written: Written) -> Outcomes {
        if self.known.len() + written.accounts.len() > KNOWN_LIMIT {
            self.known.clear();
        }
        self.known.extend(written.accounts);
        written.outcomes
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn stalled() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}
