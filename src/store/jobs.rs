//! Jobs: what is to be done when. Written and finished inside changes, so that a job exists exactly if what asked for
//! it happened.
//!
//! As with intents the row's version is the fencing token. A job is leased by writing its owner and term under the
//! version it was read at: of two that try, one hears `LostUpdate`.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use crate::ids::{BootId, JobId};

use super::row::Row;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// One row per job.
pub static JOB: Table = Table {
    name: "job",
    columns: &[
        Column::text("id"),
        Column::text("kind"),
        Column::text("dedup"),
        Column::text("payload"),
        Column::int("run_at"),
        Column::text("lease_owner"),
        Column::int("lease_until"),
        Column::int("attempts"),
        Column::text("last_error"),
        Column::int("done_at"),
    ],
    unique: &[&[2]],
};

/// So many failures in a row are no passing trouble.
const FAILING: i64 = 3;

/// How a job stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStanding {
    /// Done, and well.
    Done,
    /// Given up: it waits for a person.
    Dead,
    /// It failed several times in a row and is tried again.
    Failing,
    /// Somebody is at it.
    Running,
    /// It waits for its time.
    Waiting,
}

impl JobStanding {
    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            JobStanding::Done => "done",
            JobStanding::Dead => "dead",
            JobStanding::Failing => "failing",
            JobStanding::Running => "running",
            JobStanding::Waiting => "waiting",
        }
    }
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What to do.
    pub kind: String,
    /// Another job of this name is refused until this one is done.
    pub dedup: Option<String>,
    /// With what.
    pub payload: String,
    /// When it is due, in business time.
    pub run_at: DateTime<Utc>,
    /// Who is at it.
    pub lease: Option<(BootId, DateTime<Utc>)>,
    /// How often it failed since it last succeeded.
    pub attempts: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
}

impl Job {
    /// A job that is due at `run_at`.
    pub fn new(id: JobId, kind: &str, run_at: DateTime<Utc>) -> Job {
        Job {
            id,
            kind: kind.to_owned(),
            dedup: None,
            payload: String::new(),
            run_at,
            lease: None,
            attempts: 0,
            last_error: None,
            done_at: None,
        }
    }
}

impl Job {
    /// How it stands.
    pub fn standing(&self, now: DateTime<Utc>) -> JobStanding {
        match (self.done_at, &self.last_error) {
            (Some(_), Some(_)) => JobStanding::Dead,
            (Some(_), None) => JobStanding::Done,
            (None, Some(_)) if self.attempts >= FAILING => JobStanding::Failing,
            (None, _) if self.lease.is_some_and(|(_, until)| now < until) => JobStanding::Running,
            (None, _) => JobStanding::Waiting,
        }
    }

    /// The same job, due at `now`, with its tries before it. Why it failed stays written until it succeeds.
    pub fn revived(&self, now: DateTime<Utc>) -> Job {
        Job { run_at: now, lease: None, attempts: 0, done_at: None, ..self.clone() }
    }
}

impl Change {
    /// Adds a job.
    pub fn insert_job(&mut self, job: &Job) -> &mut Change {
        self.insert(
            &JOB,
            vec![
                Value::text(job.id),
                job.kind.as_str().into(),
                job.dedup.clone().into(),
                job.payload.as_str().into(),
                job.run_at.into(),
                job.lease.map(|(owner, _)| Value::text(owner)).into(),
                job.lease.map(|(_, until)| until).into(),
                job.attempts.into(),
                job.last_error.clone().into(),
                job.done_at.into(),
            ],
        )
    }

    /// Writes a lease, a next time or an end. A job that is done frees its name.
    pub fn update_job(&mut self, job: &Job, version: i64) -> &mut Change {
        let mut set = vec![
            ("run_at", job.run_at.into()),
            ("lease_owner", job.lease.map(|(owner, _)| Value::text(owner)).into()),
            ("lease_until", job.lease.map(|(_, until)| until).into()),
            ("attempts", job.attempts.into()),
            ("last_error", job.last_error.clone().into()),
            ("done_at", job.done_at.into()),
        ];
        if job.done_at.is_some() {
            set.push(("dedup", Value::Null));
        }
        self.update(&JOB, job.id, version, set)
    }
}

impl Store {
    /// Jobs of these kinds due by `until` that nobody holds, the earliest first. `alone`: leases of other runs are dead
    /// ones'. What a newer program beside this one is asked to do stands in nobody's way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_jobs(
        &self,
        kinds: &[&'static str],
        until: DateTime<Utc>,
        (boot, alone): (BootId, bool),
        limit: u32,
    ) -> Result<Vec<Versioned<Job>>, StoreError> {
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (0..kinds.len()).map(|place| format!("${}", place + 5)).collect();
        let sql = format!(
            "SELECT * FROM job WHERE done_at IS NULL AND run_at <= $1
                AND (lease_until IS NULL OR lease_until <= $1 OR ($2 = 1 AND lease_owner <> $3))
                AND kind IN ({})
             ORDER BY run_at, id LIMIT $4",
            places.join(", ")
        );
        // Only places of values are put into the text.
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(until.timestamp_micros())
            .bind(i64::from(alone))
            .bind(boot.to_string())
            .bind(i64::from(limit));
        let query = kinds.iter().fold(query, |query, kind| query.bind(*kind));
        let rows = query.fetch_all(self.reads()).await?;
        rows.iter().map(|row| read(&Row::of("job", row))).collect()
    }

    /// How many jobs were given up: done, and what went wrong last still stands there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_jobs(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM job WHERE done_at IS NOT NULL AND last_error IS NOT NULL",
        )
        .fetch_one(self.reads())
        .await?;
        Row::of("job", &row).int("n")
    }

    /// How many jobs fail again and again and are tried on: a recurring duty that never succeeds is one of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_failing_jobs(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM job
             WHERE last_error IS NOT NULL AND done_at IS NULL AND attempts >= $1",
        )
        .bind(FAILING)
        .fetch_one(self.reads())
        .await?;
        Row::of("job", &row).int("n")
    }

    /// Jobs whose last run failed, dead ones among them, by their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed_jobs(&self, limit: u32) -> Result<Vec<Versioned<Job>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM job WHERE last_error IS NOT NULL ORDER BY id LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await?;
        rows.iter().map(|row| read(&Row::of("job", row))).collect()
    }

    /// Jobs that are not done, the earliest due first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_jobs(&self, limit: u32) -> Result<Vec<Versioned<Job>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM job WHERE done_at IS NULL ORDER BY run_at, id LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await?;
        rows.iter().map(|row| read(&Row::of("job", row))).collect()
    }

    /// A job by its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError> {
        let row = sqlx::query("SELECT * FROM job WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| read(&Row::of("job", &row))).transpose()
    }

    /// A job that is not done, by its name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn job_named(&self, dedup: &str) -> Result<Option<Versioned<Job>>, StoreError> {
        let row = sqlx::query("SELECT * FROM job WHERE dedup = $1")
            .bind(dedup)
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| read(&Row::of("job", &row))).transpose()
    }
}

fn read(row: &Row<'_>) -> Result<Versioned<Job>, StoreError> {
    let lease = match (row.optional("lease_owner")?, row.optional_time("lease_until")?) {
        (Some(owner), Some(until)) => Some((owner, until)),
        _ => None,
    };
    let job = Job {
        id: row.parse("id")?,
        kind: row.text("kind")?,
        dedup: row.optional_text("dedup")?,
        payload: row.text("payload")?,
        run_at: row.time("run_at")?,
        lease,
        attempts: row.int("attempts")?,
        last_error: row.optional_text("last_error")?,
        done_at: row.optional_time("done_at")?,
    };
    row.versioned(job)
}
