//! What is done now and then, and how often it comes round.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::task::Task;
use super::timetable::Timetable;

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
    async fn run(&self, _payload: &str) -> Result<(), String> {
        Err(format!("`{}` is only done under its lease", self.kind()))
    }

    /// Does it under its lease. A duty that writes rows of its own does so through the task, so that a holder that slept
    /// past its lease writes nothing.
    ///
    /// # Errors
    /// As [`Duty::run`].
    async fn work(&self, task: &Task) -> Result<(), String> {
        self.run(task.payload()).await
    }

    /// What is done when a program starts, lease or no lease: a sweep sweeps, what comes round otherwise waits for its
    /// moment.
    ///
    /// # Errors
    /// As [`Duty::run`].
    async fn at_start(&self) -> Result<(), String> {
        if matches!(self.pace(), Pace::Sweep(_)) { self.run("").await } else { Ok(()) }
    }

    /// The parts of it that go round by themselves, each with a row and a lease of its own; its name is the payload.
    fn lanes(&self) -> Vec<String> {
        vec![String::new()]
    }

    /// When there is something to do in a lane, for [`Pace::WhenDue`]; `None`: nothing.
    ///
    /// # Errors
    /// Why that is not known.
    async fn due(&self, _lane: &str) -> Result<Option<DateTime<Utc>>, String> {
        Ok(None)
    }

    /// Until when a lane is left alone, for [`Pace::WhenDue`]: written into its row, so that every program leaves it alone.
    fn rest(&self, _lane: &str) -> Option<DateTime<Utc>> {
        None
    }
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
    /// By the clock on the wall.
    Cron(Timetable),
    /// Whenever [`Duty::due`] says so.
    WhenDue,
}
