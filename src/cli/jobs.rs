//! `jobs list` and `jobs retry`: what the program does by itself, for whoever runs it.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::app::{Sources, open_store, restore_clock};
use crate::http::wire;
use crate::ids::JobId;
use crate::settings::Settings;
use crate::store::jobs::{Job, JobStanding};
use crate::store::{Change, CommitError, Store, Versioned};

use super::output::{Out, say, unless_unread};
use super::{CliError, Outcome};

/// At most so many are listed or tried again at once.
const MOST: u32 = 1_000;

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List jobs; exit code 1 when one of them is dead or fails again and again
    List {
        /// Only these
        #[arg(long, value_enum, default_value_t = Which::All)]
        state: Which,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Let jobs that were given up, or that wait after a failure, be tried again now
    Retry {
        /// The jobs
        #[arg(value_name = "JOB", required_unless_present = "dead")]
        ids: Vec<JobId>,
        /// Every one that was given up
        #[arg(long, conflicts_with = "ids")]
        dead: bool,
    },
}

/// Which jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Those that are not done, and those given up
    All,
    /// Given up
    Dead,
    /// Failing again and again
    Failing,
}

/// Carries it out.
///
/// # Errors
/// [`CliError`] in words.
pub async fn jobs(settings: Settings, command: JobsCommand) -> Result<Outcome, CliError> {
    let Sources { clock, ids } = Sources::system();
    let store = open_store(&settings, &clock, &ids).await?;
    restore_clock(&store, &clock).await?;
    let now = clock.now();
    let outcome = match command {
        JobsCommand::List { state, json } => list(&store, now, state, json).await,
        JobsCommand::Retry { ids, dead } => retry(&store, now, &ids, dead).await,
    };
    store.close().await;
    outcome
}

async fn list(
    store: &Store,
    now: chrono::DateTime<chrono::Utc>,
    which: Which,
    json: bool,
) -> Result<Outcome, CliError> {
    let mut found = store.failed_jobs(MOST).await.map_err(words)?;
    if which == Which::All {
        let open = store.open_jobs(MOST).await.map_err(words)?;
        found.extend(open.into_iter().filter(|job| job.value.last_error.is_none()));
    }
    let wanted = |standing| match which {
        Which::All => true,
        Which::Dead => standing == JobStanding::Dead,
        Which::Failing => standing == JobStanding::Failing,
    };
    let rows: Vec<(JobStanding, Job)> = found
        .into_iter()
        .map(|job| (job.value.standing(now), job.value))
        .filter(|(standing, _)| wanted(*standing))
        .collect();
    let mut out = Out::new();
    let told = if json {
        let rows: Vec<_> = rows.iter().map(|(standing, job)| shown(*standing, job)).collect();
        out.line(json!({ "jobs": rows }))
    } else {
        rows.iter().try_for_each(|(standing, job)| {
            let why = job.last_error.as_deref().map(|why| format!("  {why}")).unwrap_or_default();
            out.line(format_args!(
                "{}  {:<8} {:<20} {:<32} due {}  failed {} times{why}",
                job.id,
                standing.as_str(),
                job.kind,
                job.payload,
                wire::time(job.run_at),
                job.attempts
            ))
        })
    };
    unless_unread(told)?;
    let trouble =
        rows.iter().any(|(standing, _)| matches!(standing, JobStanding::Dead | JobStanding::Failing));
    Ok(if trouble { Outcome::FoundFaults } else { Outcome::Done })
}

fn shown(standing: JobStanding, job: &Job) -> serde_json::Value {
    json!({
        "id": job.id.to_string(), "kind": job.kind, "payload": job.payload, "state": standing.as_str(),
        "run_at": wire::time(job.run_at), "attempts": job.attempts, "last_error": job.last_error,
        "done_at": job.done_at.map(wire::time),
    })
}

async fn retry(
    store: &Store,
    now: chrono::DateTime<chrono::Utc>,
    ids: &[JobId],
    dead: bool,
) -> Result<Outcome, CliError> {
    let mut found: Vec<Versioned<Job>> = Vec::new();
    if dead {
        let failed = store.failed_jobs(MOST).await.map_err(words)?;
        found.extend(failed.into_iter().filter(|job| job.value.standing(now) == JobStanding::Dead));
    }
    for id in ids {
        let job = store.job(*id).await.map_err(words)?;
        let job = job.ok_or_else(|| CliError::Words(format!("there is no job {id}")))?;
        match job.value.standing(now) {
            JobStanding::Done => return Err(CliError::Words(format!("{id} is done; it is not done again"))),
            JobStanding::Running => return Err(CliError::Words(format!("{id} is at work just now"))),
            JobStanding::Dead | JobStanding::Failing | JobStanding::Waiting => found.push(job),
        }
    }
    for job in &found {
        let mut change = Change::new();
        change.update_job(&job.value.revived(now), job.version);
        store.commit(change).await.map_err(|error| match error {
            CommitError::LostUpdate { .. } => {
                CliError::Words(format!("{} was taken up meanwhile; look at it again", job.value.id))
            }
            other => words(other),
        })?;
    }
    say!("{} jobs are due now", found.len())?;
    Ok(Outcome::Done)
}

fn words(error: impl std::fmt::Display) -> CliError {
    CliError::Words(error.to_string())
}
