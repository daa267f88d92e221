//! Answers about schedules of payouts.

use chrono::{DateTime, NaiveDate, Utc};
use utoipa::ToSchema;

use crate::domain::treasury::{Holidays, MisfireRule, NamedTopUp};
use crate::ids::{PayoutScheduleId, PlanId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money};

use super::{ScheduleDateWord, ScheduleObject, SchedulePreviewObject, ScheduleRunWord, ScheduleStateWord};

/// A schedule, without its dates.
#[derive(Debug, ToSchema)]
pub struct PayoutSchedule {
    id: PayoutScheduleId,
    #[schema(inline)]
    object: ScheduleObject,
    state: ScheduleStateWord,
    name: String,
    cron: String,
    zone: String,
    holidays: Holidays,
    misfire: MisfireRule,
    minimum: Vec<Money>,
    #[schema(required)]
    suppliers: Option<Vec<SupplierId>>,
    #[schema(required)]
    currencies: Option<Vec<Currency>>,
    #[schema(required)]
    rail_account: Option<RailAccountId>,
    /// Ways to add to paying accounts.
    top_ups: Vec<NamedTopUp>,
    /// So many days suppliers with a payment term may wait.
    max_wait_days: u32,
    /// Everybody who gave it its content; none of them approves its plans.
    made_by: Vec<UserId>,
    /// When its next plan is made.
    #[schema(required)]
    next: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// A schedule with its dates.
#[derive(Debug, ToSchema)]
pub struct PayoutScheduleDetail {
    id: PayoutScheduleId,
    #[schema(inline)]
    object: ScheduleObject,
    state: ScheduleStateWord,
    name: String,
    cron: String,
    zone: String,
    holidays: Holidays,
    misfire: MisfireRule,
    minimum: Vec<Money>,
    #[schema(required)]
    suppliers: Option<Vec<SupplierId>>,
    #[schema(required)]
    currencies: Option<Vec<Currency>>,
    #[schema(required)]
    rail_account: Option<RailAccountId>,
    /// Ways to add to paying accounts.
    top_ups: Vec<NamedTopUp>,
    /// So many days suppliers with a payment term may wait.
    max_wait_days: u32,
    /// Everybody who gave it its content; none of them approves its plans.
    made_by: Vec<UserId>,
    /// When its next plan is made.
    #[schema(required)]
    next: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// The next five on which a plan is made, and those left out before them.
    dates: Vec<ScheduleDate>,
    /// What came of the last twenty, the latest first.
    runs: Vec<PayoutScheduleRun>,
}

/// The dates of a schedule that is not saved.
#[derive(Debug, ToSchema)]
pub struct PayoutSchedulePreview {
    #[schema(inline)]
    object: SchedulePreviewObject,
    /// The next five on which a plan is made, and those left out before them.
    dates: Vec<ScheduleDate>,
}

/// A date of a schedule.
#[derive(Debug, ToSchema)]
pub struct ScheduleDate {
    /// The day by the expression.
    wanted: NaiveDate,
    outcome: ScheduleDateWord,
    /// The day on which a plan is made.
    #[schema(required)]
    date: Option<NaiveDate>,
    /// The moment.
    #[schema(required)]
    at: Option<DateTime<Utc>>,
    /// The same by the clock of its zone.
    #[schema(required)]
    local: Option<String>,
    /// Why it is moved or skipped.
    #[schema(required)]
    why: Option<String>,
    /// Whether the calendars of its currencies say anything of that day; if not, only weekends are known.
    covered: bool,
}

/// What came of a date.
#[derive(Debug, ToSchema)]
pub struct PayoutScheduleRun {
    /// The day.
    date: NaiveDate,
    /// The moment at which it was due.
    due: DateTime<Utc>,
    outcome: ScheduleRunWord,
    /// The plan that came of it, or makes up for it.
    #[schema(required)]
    plan: Option<PlanId>,
    /// Why there is none.
    #[schema(required)]
    why: Option<String>,
    /// When that was decided.
    at: DateTime<Utc>,
}
