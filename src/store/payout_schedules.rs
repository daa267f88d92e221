//! Schedules of payouts, and what came of each of their dates.

use sqlx::any::AnyRow;

use crate::domain::treasury::{Due, PayoutSchedule, ScheduleRun};
use crate::ids::{MerchantId, PayoutScheduleId};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Log, Seek, Store, StoreError, Table, Value, Versioned};

/// Schedules.
pub static PAYOUT_SCHEDULE: Table = Table {
    name: "payout_schedule",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("terms"),
        Column::text("makers"),
        Column::text("state"),
        Column::text("detail"),
        Column::int("created_at"),
    ],
    unique: &[],
};

/// A row for each date of a schedule that has come; the first one stands.
pub static PAYOUT_SCHEDULE_RUN: Log = Log {
    name: "payout_schedule_run",
    columns: &[
        Column::text("schedule_id"),
        Column::text("date"),
        Column::text("merchant_id"),
        Column::int("due_at"),
        Column::text("outcome"),
        Column::int("at"),
    ],
    unique: &[&[0, 1]],
};

impl Change {
    /// A new schedule.
    pub fn insert_payout_schedule(&mut self, schedule: &PayoutSchedule) -> &mut Change {
        self.insert(
            &PAYOUT_SCHEDULE,
            vec![
                Value::text(schedule.id),
                Value::text(schedule.merchant),
                json(&schedule.terms),
                json(&schedule.makers),
                schedule.state.as_str().into(),
                json(&schedule.state),
                schedule.created_at.into(),
            ],
        )
    }

    /// A schedule as it is now.
    pub fn update_payout_schedule(&mut self, schedule: &PayoutSchedule, version: i64) -> &mut Change {
        let set = vec![
            ("terms", json(&schedule.terms)),
            ("makers", json(&schedule.makers)),
            ("state", schedule.state.as_str().into()),
            ("detail", json(&schedule.state)),
        ];
        self.update(&PAYOUT_SCHEDULE, schedule.id, version, set)
    }

    /// What came of a date; the change is lost where another one said so before.
    pub fn note_schedule_run(&mut self, schedule: &PayoutSchedule, run: &ScheduleRun) -> &mut Change {
        self.append(
            &PAYOUT_SCHEDULE_RUN,
            vec![
                Value::text(schedule.id),
                Value::text(run.due.date),
                Value::text(schedule.merchant),
                run.due.at.into(),
                json(&run.outcome),
                run.at.into(),
            ],
        )
    }
}

impl Store {
    /// One schedule, whoever's it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_schedule(
        &self,
        id: PayoutScheduleId,
    ) -> Result<Option<Versioned<PayoutSchedule>>, StoreError> {
        let query = sqlx::query("SELECT * FROM payout_schedule WHERE id = $1").bind(id.to_string());
        self.one(query, read).await
    }

    /// A merchant's schedules by id, in reading order; in one state where it is named, else all that are not deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_schedules(
        &self,
        merchant: MerchantId,
        state: Option<&str>,
        seek: Seek<PayoutScheduleId>,
        limit: u32,
    ) -> Result<Vec<PayoutSchedule>, StoreError> {
        let sql = match seek.is_backwards() {
            false => {
                "SELECT * FROM payout_schedule WHERE merchant_id = $1
                   AND (($2 = '' AND state <> 'deleted') OR state = $2) AND id > $3 ORDER BY id LIMIT $4"
            }
            true => {
                "SELECT * FROM payout_schedule WHERE merchant_id = $1
                   AND (($2 = '' AND state <> 'deleted') OR state = $2) AND id < $3 ORDER BY id DESC LIMIT $4"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(state.unwrap_or_default())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|schedule| schedule.value)).await
    }

    /// What came of a schedule's dates, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_schedule_runs(
        &self,
        schedule: PayoutScheduleId,
        limit: u32,
    ) -> Result<Vec<ScheduleRun>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM payout_schedule_run WHERE schedule_id = $1 ORDER BY date DESC LIMIT $2",
        )
        .bind(schedule.to_string())
        .bind(i64::from(limit));
        self.all(query, read_run).await
    }

    /// What came of one date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_schedule_run(
        &self,
        schedule: PayoutScheduleId,
        due: Due,
    ) -> Result<Option<ScheduleRun>, StoreError> {
        let query = sqlx::query("SELECT * FROM payout_schedule_run WHERE schedule_id = $1 AND date = $2")
            .bind(schedule.to_string())
            .bind(due.date.to_string());
        self.one(query, read_run).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<PayoutSchedule>, StoreError> {
    let row = Row::of("payout_schedule", row);
    row.versioned(PayoutSchedule {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        terms: row.json("terms")?,
        makers: row.json("makers")?,
        state: row.json("detail")?,
        created_at: row.time("created_at")?,
    })
}

fn read_run(row: &AnyRow) -> Result<ScheduleRun, StoreError> {
    let row = Row::of("payout_schedule_run", row);
    let due = Due { date: row.parse("date")?, at: row.time("due_at")? };
    Ok(ScheduleRun { due, outcome: row.json("outcome")?, at: row.time("at")? })
}
