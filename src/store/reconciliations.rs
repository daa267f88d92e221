//! Runs of a bill against the books, what they found, and what waits for a later bill.

mod booked;
mod fees;
mod pool;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::any::AnyRow;

use crate::ids::{GatewayAccountId, MerchantId, ReconciliationId};

use super::row::Row;
use super::{Change, Column, Log, Seek, Store, StoreError, Table, Value, Versioned};

pub use booked::Booked;
pub use fees::DayFees;
pub use pool::Pooled;

/// Runs.
pub static RECONCILIATION: Table = Table {
    name: "reconciliation",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("gateway_account_id"),
        Column::text("gateway_account"),
        Column::text("gateway"),
        Column::text("source"),
        Column::text("first_day"),
        Column::text("last_day"),
        Column::text("state"),
        Column::text("detail"),
        Column::text("bill_sha256"),
        Column::int("lines"),
        Column::int("matched"),
        Column::int("repaired"),
        Column::int("open"),
        Column::text("by_kind"),
        Column::text("drift"),
        Column::int("started_at"),
        Column::int("ended_at"),
        Column::int("dry_run"),
    ],
    unique: &[],
};

/// What a run found; never changed.
pub static RECONCILIATION_ITEM: Log = Log {
    name: "reconciliation_item",
    columns: &[
        Column::text("reconciliation_id"),
        Column::int("position"),
        Column::text("merchant_id"),
        Column::text("kind"),
        Column::text("grade"),
        Column::text("finding_id"),
        Column::text("body"),
    ],
    unique: &[&[0, 1]],
};

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: ReconciliationId,
    /// Whose book.
    pub merchant: MerchantId,
    /// Which account.
    pub account: GatewayAccountId,
    /// Its name, the ledger's dimension.
    pub account_name: String,
    /// The gateway.
    pub gateway: String,
    /// `pull` or `file`.
    pub source: String,
    /// The bill's days in the gateway's zone, once known.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// Why it failed.
    pub detail: Option<String>,
    /// SHA-256 of a file.
    pub bill_sha256: Option<String>,
    /// Lines read.
    pub lines: i64,
    /// Lines that agree.
    pub matched: i64,
    /// Differences repaired.
    pub repaired: i64,
    /// Differences that wait.
    pub open: i64,
    /// How many of each kind, JSON.
    pub by_kind: String,
    /// What the gateway charged in the bill's months so far, learned, JSON.
    pub drift: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether it only says what differs.
    pub dry_run: bool,
}

/// One thing a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunItem {
    /// Its place in the run, from 1.
    pub position: i64,
    /// What does not agree.
    pub kind: String,
    /// How sure the repair is.
    pub grade: String,
    /// The finding that waits, where one does.
    pub finding: Option<String>,
    /// Evidence and repair, JSON.
    pub body: String,
}

impl Change {
    /// Writes a run that begins.
    pub fn insert_reconciliation(&mut self, run: &Run) -> &mut Change {
        let mut values = vec![
            Value::text(run.id),
            Value::text(run.merchant),
            Value::text(run.account),
            run.account_name.as_str().into(),
            run.gateway.as_str().into(),
            run.source.as_str().into(),
        ];
        values.extend(changing(run).into_iter().map(|(_, value)| value));
        values.push(run.dry_run.into());
        self.insert(&RECONCILIATION, values)
    }

    /// Writes how far a run is.
    pub fn update_reconciliation(&mut self, run: &Versioned<Run>) -> &mut Change {
        self.update(&RECONCILIATION, run.value.id, run.version, changing(&run.value))
    }

    /// Writes what a run found.
    pub fn find_in_reconciliation(&mut self, run: &Run, item: &RunItem) -> &mut Change {
        self.append(
            &RECONCILIATION_ITEM,
            vec![
                Value::text(run.id),
                item.position.into(),
                Value::text(run.merchant),
                item.kind.as_str().into(),
                item.grade.as_str().into(),
                item.finding.clone().into(),
                item.body.as_str().into(),
            ],
        )
    }
}

/// Days that a run was of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaysTried {
    /// The first.
    pub first: NaiveDate,
    /// The last.
    pub last: NaiveDate,
    /// Whether they were reconciled.
    pub done: bool,
    /// When the run began.
    pub started_at: DateTime<Utc>,
}

impl DaysTried {
    /// Whether all of a day that ended then was reconciled: a file that was brought before has not all of it.
    pub fn has_all_of(&self, day: NaiveDate, ended: DateTime<Utc>) -> bool {
        self.done && (self.first..=self.last).contains(&day) && self.started_at >= ended
    }
}

/// What a run writes at its end, in the order of the columns.
fn changing(run: &Run) -> Vec<(&'static str, Value)> {
    let (first, last) = run.days.unzip();
    vec![
        ("first_day", first.map(Value::text).into()),
        ("last_day", last.map(Value::text).into()),
        ("state", run.state.as_str().into()),
        ("detail", run.detail.clone().into()),
        ("bill_sha256", run.bill_sha256.clone().into()),
        ("lines", run.lines.into()),
        ("matched", run.matched.into()),
        ("repaired", run.repaired.into()),
        ("open", run.open.into()),
        ("by_kind", run.by_kind.as_str().into()),
        ("drift", run.drift.as_str().into()),
        ("started_at", run.started_at.into()),
        ("ended_at", run.ended_at.into()),
    ]
}

impl Store {
    /// One run of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reconciliation(
        &self,
        merchant: MerchantId,
        id: ReconciliationId,
    ) -> Result<Option<Versioned<Run>>, StoreError> {
        let query = sqlx::query("SELECT * FROM reconciliation WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// Whether an account's day was reconciled by a run that began after its end: a file that was brought before has not all
    /// of it, and a dry run has reconciled nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reconciled(
        &self,
        account: GatewayAccountId,
        day: NaiveDate,
        ended: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM reconciliation WHERE gateway_account_id = $1 AND first_day <= $2 AND last_day >= $2
             AND state = 'done' AND dry_run = 0 AND started_at >= $3 LIMIT 1",
        )
        .bind(account.to_string())
        .bind(day.to_string())
        .bind(ended.timestamp_micros());
        Ok(self.one(query, read).await?.is_some())
    }

    /// The runs of an account that reach past `since`, as far as they are known to be of certain days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn days_tried(
        &self,
        account: GatewayAccountId,
        since: NaiveDate,
    ) -> Result<Vec<DaysTried>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM reconciliation
             WHERE gateway_account_id = $1 AND last_day >= $2 AND state IN ('done', 'failed') AND dry_run = 0
             ORDER BY id",
        )
        .bind(account.to_string())
        .bind(since.to_string());
        let runs = self.all(query, read).await?;
        let tried = |run: Versioned<Run>| {
            let (first, last) = run.value.days?;
            let done = run.value.state == "done";
            Some(DaysTried { first, last, done, started_at: run.value.started_at })
        };
        Ok(runs.into_iter().filter_map(tried).collect())
    }

    /// Runs of every merchant that began before a moment and have not ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn running_reconciliations(
        &self,
        before: DateTime<Utc>,
    ) -> Result<Vec<Versioned<Run>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM reconciliation WHERE state = 'running' AND started_at < $1 ORDER BY id",
        )
        .bind(before.timestamp_micros());
        self.all(query, read).await
    }

    /// A merchant's runs, newest last, in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reconciliations(
        &self,
        merchant: MerchantId,
        seek: Seek<ReconciliationId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM reconciliation WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => {
                "SELECT * FROM reconciliation WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|run| run.value)).await
    }

    /// What a run found, behind a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reconciliation_items(
        &self,
        id: ReconciliationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<RunItem>, StoreError> {
        let query = sqlx::query(
            "SELECT reconciliation_id, position, kind, grade, finding_id, body FROM reconciliation_item
             WHERE reconciliation_id = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(id.to_string())
        .bind(after)
        .bind(i64::from(limit));
        self.all(query, |row| {
            let row = Row::of("reconciliation_item", row);
            Ok(RunItem {
                position: row.int("position")?,
                kind: row.text("kind")?,
                grade: row.text("grade")?,
                finding: row.optional_text("finding_id")?,
                body: row.text("body")?,
            })
        })
        .await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Run>, StoreError> {
    let row = Row::of("reconciliation", row);
    let (first, last): (Option<NaiveDate>, _) = (row.optional("first_day")?, row.optional("last_day")?);
    row.versioned(Run {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        account: row.parse("gateway_account_id")?,
        account_name: row.text("gateway_account")?,
        gateway: row.text("gateway")?,
        source: row.text("source")?,
        days: first.zip(last),
        state: row.text("state")?,
        detail: row.optional_text("detail")?,
        bill_sha256: row.optional_text("bill_sha256")?,
        lines: row.int("lines")?,
        matched: row.int("matched")?,
        repaired: row.int("repaired")?,
        open: row.int("open")?,
        by_kind: row.text("by_kind")?,
        drift: row.text("drift")?,
        started_at: row.time("started_at")?,
        ended_at: row.optional_time("ended_at")?,
        dry_run: row.flag("dry_run")?,
    })
}
