//! The one door for every write of the process.
//!
//! Callers queue; one task owns the one writing connection, takes whatever waits (up to the batch cap, without waiting
//! for more), and writes it in one transaction. While it commits, the next batch fills up. Durability costs one flush
//! per batch, not per change, and nothing is answered before it is durable.
//!
//! - A change whose precondition fails is left out; the others of its batch commit.
//! - An error before COMMIT rolls back; the changes run again one by one, so that only the guilty one fails.
//! - An error *on* COMMIT leaves the outcome open: the writer reconnects, waits behind the head row's lock for the old
//!   transaction to end, and looks for its batch: present means success, absent means run again.

mod batch;
mod books;
mod failure;
mod guards;
mod places;
mod portable;
mod postgres;
mod session;
mod statement;
mod tables;
mod task;
mod trail;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::ids::IdSource;

use super::{Change, CommitError, Committed, Engine};

pub(super) use failure::is_contention;

/// What a test lets happen to a COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// The connection breaks before the server hears it.
    LostBefore,
    /// The connection breaks after the server has done it.
    LostAfter,
}

/// Decides which COMMIT goes wrong; the recovery cannot be tested otherwise.
pub trait CommitFaults: Send + Sync + fmt::Debug {
    /// Asked before each COMMIT of the writer.
    fn next(&self) -> Option<CommitFault>;
}

/// What the writer's task needs.
#[derive(Debug)]
pub(super) struct WriterOptions {
    pub engine: Engine,
    pub name: String,
    pub target: SecretString,
    pub clock: Clock,
    pub ids: IdSource,
    pub batch_cap: usize,
    pub queue: usize,
    pub portable: bool,
    pub faults: Option<Arc<dyn CommitFaults>>,
    /// Whether the last batch came through; the task says so.
    pub well: Arc<AtomicBool>,
}

/// A message to the task.
#[derive(Debug)]
enum Message {
    Commit(Change, oneshot::Sender<Result<Committed, CommitError>>),
    Close,
}

/// The handle; clones feed the same task.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    well: Arc<AtomicBool>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    /// Connects and starts the task.
    pub async fn start(options: WriterOptions) -> Result<Writer, sqlx::Error> {
        let (queue, messages) = mpsc::channel(options.queue);
        let well = Arc::clone(&options.well);
        let task = task::Task::start(options).await?;
        let task = Arc::new(Mutex::new(Some(tokio::spawn(task.run(messages)))));
        Ok(Writer { queue, well, task })
    }

    /// Queues a change and waits for its outcome.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send(Message::Commit(change, answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Unavailable("the store is closed".into()),
        })?;
        outcome.await.unwrap_or_else(|_| Err(CommitError::Unknown("the writer ended".into())))
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether the database took the last batch.
    pub fn is_well(&self) -> bool {
        self.well.load(Ordering::SeqCst)
    }

    /// Whether changes are taken.
    pub fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Resolves when changes are taken no more: the task was told to close, or ended by a fault.
    pub async fn ended(&self) {
        self.queue.closed().await;
    }

    /// Lets the task finish what waits.
    pub async fn close(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return };
        if self.queue.send(Message::Close).await.is_ok() && task.await.is_err() {
            tracing::error!("the writer ended by a fault");
        }
    }
}
