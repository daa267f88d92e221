//! Schedules: drafts that are made by themselves, one for each date, whoever is faster.
//!
//! A date that has come is one job. What it does is one change: the date's row, the plan, the schedule's next date with its
//! job, and the job's own end; of two programs at one date one finds the row there and writes nothing. A draft waits for
//! its two persons like any other; its makers are those of the schedule.

mod redate;
mod run;
mod view;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::treasury::{
    Calendars, Holidays, MisfireRule, NamedTopUp, PayoutSchedule, ScheduleState, ScheduleTerms, Timing,
    TimingError,
};
use crate::ids::{MerchantId, PayoutScheduleId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money};
use crate::store::{Change, Versioned};

use super::edit::{Edit, given};
use super::plan::bounded;
use super::top_ups::by_pot;
use super::waiting::bounded_wait;
use super::{PayOutError, PayingOut};

pub use run::RUN_SCHEDULE;
use view::{RUNS, dates};

/// A schedule to be saved: `{"name","cron","zone",…}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Fridays", "cron": "0 15 * * 5", "zone": "Asia/Singapore", "holidays": {"rule": "after", "currencies": ["SGD"]}, "minimum": [{"amount": "50.00", "currency": "USD"}], "misfire": "once"}))]
pub struct ScheduleInput {
    /// For people.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Minute, hour, day, month, weekday; minute and hour are one number each: a schedule makes one plan a day at most.
    /// Where day and weekday are both restricted, either is enough.
    #[schema(max_length = 200)]
    pub cron: String,
    /// A time zone of the IANA database.
    #[schema(max_length = 64)]
    pub zone: String,
    /// What becomes of dates on which payments do not run; without it nothing.
    #[serde(default)]
    pub holidays: Holidays,
    /// What becomes of dates that were missed while no program ran; without it one plan makes up for all.
    #[serde(default)]
    pub misfire: MisfireRule,
    /// Less than this waits for a later date, by currency; a supplier's own minimum counts where it is higher.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub minimum: Vec<Money>,
    /// Only these, each once; without it everybody.
    #[schema(min_items = 1, max_items = 1000)]
    #[serde(default)]
    pub suppliers: Option<Vec<SupplierId>>,
    /// Only in these, each once; without it in each.
    #[schema(min_items = 1, max_items = 50)]
    #[serde(default)]
    pub currencies: Option<Vec<Currency>>,
    /// Only over this one; without it over the cheapest for each.
    #[serde(default)]
    pub rail_account: Option<RailAccountId>,
    /// Ways to add to paying accounts, as for a plan.
    #[schema(max_items = 200)]
    #[serde(default)]
    pub top_ups: Vec<NamedTopUp>,
    /// So many days suppliers with a payment term may wait, as for a plan.
    #[schema(maximum = 31)]
    #[serde(default)]
    pub max_wait_days: u32,
}

/// What is changed of a schedule; what is left out stays, `null` takes a limit away and is refused elsewhere.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"paused": true}))]
pub struct SchedulePatch {
    /// For people.
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub name: Option<String>,
    /// As for a new one.
    #[schema(max_length = 200, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub cron: Option<String>,
    /// As for a new one.
    #[schema(max_length = 64, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub zone: Option<String>,
    /// As for a new one.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub holidays: Option<Holidays>,
    /// As for a new one.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub misfire: Option<MisfireRule>,
    /// All of them; `null`: none from now on.
    #[schema(max_items = 50, value_type = Option<Vec<Money>>)]
    #[serde(default)]
    pub minimum: Edit<Vec<Money>>,
    /// All of them; `null`: everybody from now on.
    #[schema(min_items = 1, max_items = 1000, value_type = Option<Vec<SupplierId>>)]
    #[serde(default)]
    pub suppliers: Edit<Vec<SupplierId>>,
    /// All of them; `null`: each from now on.
    #[schema(min_items = 1, max_items = 50, value_type = Option<Vec<Currency>>)]
    #[serde(default)]
    pub currencies: Edit<Vec<Currency>>,
    /// Only over this one; `null`: over the cheapest from now on.
    #[schema(value_type = Option<RailAccountId>)]
    #[serde(default)]
    pub rail_account: Edit<RailAccountId>,
    /// All of them; `null`: none from now on.
    #[schema(max_items = 200, value_type = Option<Vec<NamedTopUp>>)]
    #[serde(default)]
    pub top_ups: Edit<Vec<NamedTopUp>>,
    /// As for a new one.
    #[schema(maximum = 31, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub max_wait_days: Option<u32>,
    /// `true`: no plans until it goes on; what goes by meanwhile is not made up for.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "given")]
    pub paused: Option<bool>,
}

impl From<TimingError> for PayOutError {
    fn from(error: TimingError) -> PayOutError {
        PayOutError::Refused { param: error.place(), why: error.to_string() }
    }
}

impl PayingOut {
    /// The next dates of a schedule that is not saved.
    ///
    /// # Errors
    /// [`PayOutError::Refused`], with the place.
    pub async fn preview_schedule(
        &self,
        merchant: MerchantId,
        input: &ScheduleInput,
    ) -> Result<Value, PayOutError> {
        let (terms, now) = (self.checked(merchant, input.clone()).await?, self.0.clock.now());
        // What saving would refuse.
        let holidays = &self.0.tables.holidays;
        let none = Done::default();
        active(&terms.timing, holidays, now, &none)?;
        let dates = dates(&terms.timing, holidays, now, &none);
        Ok(json!({"object": "payout_schedule_preview", "dates": dates}))
    }

    /// Saves a schedule, with `extra`; `user` is the maker of its plans.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn schedule(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: PayoutScheduleId,
        input: &ScheduleInput,
        extra: Change,
    ) -> Result<PayoutSchedule, PayOutError> {
        let (terms, created_at) = (self.checked(merchant, input.clone()).await?, self.0.clock.now());
        let state = active(&terms.timing, &self.0.tables.holidays, created_at, &Done::default())?;
        let schedule = PayoutSchedule { id, merchant, terms, makers: vec![user], state, created_at };
        let mut change = extra;
        change.insert_payout_schedule(&schedule);
        self.ask_for_next(&mut change, &schedule);
        self.0.store.commit(change).await?;
        Ok(schedule)
    }

    /// Changes, pauses or resumes a schedule, with `extra`. Whoever changes what it pays or when is one of its makers.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn reschedule(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: PayoutScheduleId,
        patch: &SchedulePatch,
        extra: Change,
    ) -> Result<PayoutSchedule, PayOutError> {
        let Versioned { value: before, version } = self.loaded(merchant, id).await?;
        if matches!(before.state, ScheduleState::Deleted { .. }) {
            return Err(PayOutError::Unknown("payout schedule"));
        }
        let now = self.0.clock.now();
        let terms = self.fitting(merchant, patched(&before.terms, patch)).await?;
        // Ways to add that it keeps are looked at by its plans: where an account is gone, it can be paused all the same.
        if patch.top_ups != Edit::Kept {
            self.addable(merchant, &terms.top_ups).await?;
        }
        let mut schedule = PayoutSchedule { terms, ..before.clone() };
        let renamed = ScheduleTerms { name: schedule.terms.name.clone(), ..before.terms.clone() };
        if schedule.terms != renamed && !schedule.makers.contains(&user) {
            schedule.makers.push(user);
        }
        let rests = matches!(before.state, ScheduleState::Paused { .. });
        schedule.state = match (patch.paused.unwrap_or(rests), rests) {
            (true, true) => before.state.clone(),
            (true, false) => ScheduleState::Paused { by: user, at: now },
            // What is due and not yet done stays due, unless it is to be done at other times.
            (false, false) if schedule.terms.timing == before.terms.timing => before.state.clone(),
            (false, _) => {
                active(&schedule.terms.timing, &self.0.tables.holidays, now, &self.done(id).await?)?
            }
        };
        let mut change = extra;
        change.update_payout_schedule(&schedule, version);
        if schedule.state != before.state {
            self.ask_for_next(&mut change, &schedule);
        }
        self.0.store.commit(change).await?;
        Ok(schedule)
    }

    /// Ends a schedule, with `extra`; its plans stay.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn end_schedule(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: PayoutScheduleId,
        extra: Change,
    ) -> Result<PayoutSchedule, PayOutError> {
        let Versioned { value: before, version } = self.loaded(merchant, id).await?;
        if matches!(before.state, ScheduleState::Deleted { .. }) {
            return Ok(before);
        }
        let state = ScheduleState::Deleted { by: user, at: self.0.clock.now() };
        let schedule = PayoutSchedule { state, ..before };
        let mut change = extra;
        change.update_payout_schedule(&schedule, version);
        self.0.store.commit(change).await?;
        Ok(schedule)
    }

    /// The last of its days whose turn is over; those before them lie behind us.
    async fn done(&self, id: PayoutScheduleId) -> Result<Done, PayOutError> {
        let runs = self.0.store.payout_schedule_runs(id, RUNS).await?;
        Ok(runs.iter().map(|run| run.due.date).collect())
    }

    async fn loaded(
        &self,
        merchant: MerchantId,
        id: PayoutScheduleId,
    ) -> Result<Versioned<PayoutSchedule>, PayOutError> {
        let found = self.0.store.payout_schedule(id).await?;
        found.filter(|found| found.value.merchant == merchant).ok_or(PayOutError::Unknown("payout schedule"))
    }

    /// What is asked for, where it fits.
    async fn checked(
        &self,
        merchant: MerchantId,
        input: ScheduleInput,
    ) -> Result<ScheduleTerms, PayOutError> {
        let terms = self.fitting(merchant, input).await?;
        self.addable(merchant, &terms.top_ups).await?;
        Ok(terms)
    }

    /// The ways to add, where each adds to an account that can be paid over.
    async fn addable(&self, merchant: MerchantId, top_ups: &[NamedTopUp]) -> Result<(), PayOutError> {
        if !top_ups.is_empty() {
            by_pot(top_ups, &self.offers(merchant).await?)?;
        }
        Ok(())
    }

    /// What is asked for but for its ways to add, where it fits.
    async fn fitting(
        &self,
        merchant: MerchantId,
        input: ScheduleInput,
    ) -> Result<ScheduleTerms, PayOutError> {
        let name = input.name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            let why = "a name has 1 to 100 characters".to_owned();
            return Err(PayOutError::Refused { param: "name", why });
        }
        let timing = Timing::new(&input.cron, &input.zone, input.holidays)?;
        bounded(input.suppliers.as_deref(), input.currencies.as_deref(), &input.minimum)?;
        if let Some(rail) = input.rail_account
            && self.0.store.rail_account(merchant, rail).await?.is_none()
        {
            let why = format!("there is no rail account {rail}");
            return Err(PayOutError::Refused { param: "rail_account", why });
        }
        bounded_wait(input.max_wait_days)?;
        for supplier in input.suppliers.iter().flatten() {
            if self.0.store.supplier(merchant, *supplier).await?.is_none() {
                let why = format!("there is no supplier {supplier}");
                return Err(PayOutError::Refused { param: "suppliers", why });
            }
        }
        Ok(ScheduleTerms {
            name: name.to_owned(),
            timing,
            misfire: input.misfire,
            minimum: input.minimum,
            suppliers: input.suppliers,
            currencies: input.currencies,
            rail_account: input.rail_account,
            top_ups: input.top_ups,
            max_wait_days: input.max_wait_days,
        })
    }
}

/// Days of a schedule whose turn is over: each has one.
type Done = BTreeSet<NaiveDate>;

fn active(
    timing: &Timing,
    holidays: &Calendars,
    now: DateTime<Utc>,
    done: &Done,
) -> Result<ScheduleState, PayOutError> {
    let mut next = timing.next(holidays, now);
    while let Some(due) = next.filter(|due| done.contains(&due.date)) {
        next = timing.next(holidays, due.at);
    }
    let next = next.ok_or_else(|| TimingError::Never(timing.cron().to_owned()))?;
    Ok(ScheduleState::Active { next: Some(next) })
}

fn patched(before: &ScheduleTerms, patch: &SchedulePatch) -> ScheduleInput {
    let (before, timing, patch) = (before.clone(), before.timing.clone(), patch.clone());
    ScheduleInput {
        name: patch.name.unwrap_or(before.name),
        cron: patch.cron.unwrap_or_else(|| timing.cron().to_owned()),
        zone: patch.zone.unwrap_or_else(|| timing.zone().name().to_owned()),
        holidays: patch.holidays.unwrap_or_else(|| timing.holidays().clone()),
        misfire: patch.misfire.unwrap_or(before.misfire),
        minimum: patch.minimum.over(Some(before.minimum)).unwrap_or_default(),
        suppliers: patch.suppliers.over(before.suppliers),
        currencies: patch.currencies.over(before.currencies),
        rail_account: patch.rail_account.over(before.rail_account),
        top_ups: patch.top_ups.over(Some(before.top_ups)).unwrap_or_default(),
        max_wait_days: patch.max_wait_days.unwrap_or(before.max_wait_days),
    }
}
