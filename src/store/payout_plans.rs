//! Plans of payouts, and the approvals they stand on.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::payouts::{PayoutPlan, PlanDocument};
use crate::domain::treasury::Due;
use crate::ids::{MerchantId, PayoutScheduleId, PlanId, UserId};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Log, Seek, Store, StoreError, Table, Value, Versioned};

/// Plans; one for each moment of a schedule.
pub static PAYOUT_PLAN: Table = Table {
    name: "payout_plan",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("state"),
        Column::text("decision"),
        Column::text("document"),
        Column::text("certificate"),
        Column::text("hash"),
        Column::text("schedule_id"),
        Column::int("due_at"),
        Column::text("made_by"),
        Column::int("created_at"),
    ],
    unique: &[&[7, 8]],
};

/// Who approved what, a row for each maker. The table itself refuses a maker's own.
pub static PAYOUT_APPROVAL: Log = Log {
    name: "payout_approval",
    columns: &[
        Column::text("plan_id"),
        Column::text("hash"),
        Column::text("maker"),
        Column::text("checker"),
        Column::text("merchant_id"),
        Column::int("at"),
    ],
    unique: &[],
};

impl Change {
    /// A new plan, with what proves it.
    pub fn insert_payout_plan(&mut self, plan: &PayoutPlan, certificate: &str) -> &mut Change {
        self.insert_plan(plan, certificate, None)
    }

    /// The plan of a schedule's date: the table takes one for each.
    pub fn insert_scheduled_plan(
        &mut self,
        plan: &PayoutPlan,
        certificate: &str,
        schedule: PayoutScheduleId,
        due: Due,
    ) -> &mut Change {
        self.insert_plan(plan, certificate, Some((schedule, due)))
    }

    fn insert_plan(
        &mut self,
        plan: &PayoutPlan,
        certificate: &str,
        of: Option<(PayoutScheduleId, Due)>,
    ) -> &mut Change {
        self.insert(
            &PAYOUT_PLAN,
            vec![
                Value::text(plan.id),
                Value::text(plan.merchant),
                plan.state.as_str().into(),
                json(&plan.state),
                json(&plan.document),
                certificate.into(),
                plan.hash.as_str().into(),
                of.map(|(schedule, _)| Value::text(schedule)).into(),
                of.map(|(_, due)| due.at).into(),
                json(&plan.makers),
                plan.created_at.into(),
            ],
        )
    }

    /// How far a plan is now. Its content is written where it was edited.
    pub fn update_payout_plan(&mut self, plan: &PayoutPlan, before: &Versioned<PayoutPlan>) -> &mut Change {
        let mut set = vec![("state", plan.state.as_str().into()), ("decision", json(&plan.state))];
        if plan.hash != before.value.hash {
            set.push(("document", json(&plan.document)));
            set.push(("hash", plan.hash.as_str().into()));
            set.push(("made_by", json(&plan.makers)));
        }
        self.update(&PAYOUT_PLAN, plan.id, before.version, set)
    }

    /// Writes down on whose word a plan is scheduled, against each of its makers and whoever submitted it.
    pub fn approve_payout_plan(&mut self, plan: &PayoutPlan, others: &[UserId]) -> &mut Change {
        let Some(approval) = plan.state.approval() else { return self };
        for maker in others {
            self.append(
                &PAYOUT_APPROVAL,
                vec![
                    Value::text(plan.id),
                    approval.hash.as_str().into(),
                    Value::text(maker),
                    Value::text(approval.by),
                    Value::text(plan.merchant),
                    approval.at.into(),
                ],
            );
        }
        self
    }
}

/// What a plan is read from; its certificate is long and read by itself.
const COLUMNS: &str =
    "id, merchant_id, state, decision, document, hash, schedule_id, made_by, created_at, version";

impl Store {
    /// One plan, whoever's it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_plan(&self, id: PlanId) -> Result<Option<Versioned<PayoutPlan>>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM payout_plan WHERE id = $1");
        self.one(sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()), read).await
    }

    /// A plan's certificate, byte by byte as it was written with the plan.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_certificate(&self, id: PlanId) -> Result<Option<String>, StoreError> {
        let query = sqlx::query("SELECT certificate FROM payout_plan WHERE id = $1").bind(id.to_string());
        self.one(query, |row| Row::of("payout_plan", row).text("certificate")).await
    }

    /// A merchant's plans by id, in reading order; in one state where it is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payout_plans(
        &self,
        merchant: MerchantId,
        state: Option<&str>,
        seek: Seek<PlanId>,
        limit: u32,
    ) -> Result<Vec<PayoutPlan>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "AND id > $3 ORDER BY id LIMIT $4",
            true => "AND id < $3 ORDER BY id DESC LIMIT $4",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM payout_plan WHERE merchant_id = $1 AND ($2 = '' OR state = $2) {sql}"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(merchant.to_string())
            .bind(state.unwrap_or_default())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|plan| plan.value)).await
    }

    /// Plans whose calls are being made, by id after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn executing_payout_plans(
        &self,
        after: Option<PlanId>,
        limit: u32,
    ) -> Result<Vec<Versioned<PayoutPlan>>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM payout_plan WHERE state = 'executing' AND id > $1 ORDER BY id LIMIT $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, read).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<PayoutPlan>, StoreError> {
    let row = Row::of("payout_plan", row);
    let document: PlanDocument = row.json("document")?;
    row.versioned(PayoutPlan {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        document,
        hash: row.text("hash")?,
        state: row.json("decision")?,
        makers: row.optional_json("made_by")?.unwrap_or_default(),
        schedule: row.optional("schedule_id")?,
        created_at: row.time("created_at")?,
    })
}
