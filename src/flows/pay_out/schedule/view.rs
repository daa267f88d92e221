//! Schedules as the API answers them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::treasury::{Calendars, Fate, PayoutSchedule, ScheduleRun, Timing};
use crate::flows::pay_out::{PayOutError, PayingOut};
use crate::ids::{MerchantId, PayoutScheduleId};

use super::Done;

/// Dates shown before and after saving.
const SHOWN: usize = 5;
/// Dates left out on the way to these that are shown.
const LOOKED_AT: usize = 400;
/// Past dates shown with a schedule.
pub(super) const RUNS: u32 = 20;

impl PayingOut {
    /// A schedule of this merchant with its next dates and what came of the last ones.
    ///
    /// # Errors
    /// [`PayOutError::Unknown`].
    pub async fn show_schedule(
        &self,
        merchant: MerchantId,
        id: PayoutScheduleId,
    ) -> Result<Value, PayOutError> {
        let schedule = self.loaded(merchant, id).await?.value;
        let mut view = self.schedule_view(&schedule);
        let runs = self.0.store.payout_schedule_runs(id, RUNS).await?;
        if let Some(object) = view.as_object_mut() {
            let active = schedule.next().is_some();
            let (timing, now) = (&schedule.terms.timing, self.0.clock.now());
            let done = runs.iter().map(|run| run.due.date).collect();
            let dates = if active { dates(timing, &self.0.tables.holidays, now, &done) } else { vec![] };
            object.insert("dates".to_owned(), json!(dates));
            object.insert("runs".to_owned(), runs.iter().map(run_view).collect());
        }
        Ok(view)
    }

    /// A schedule, as lists show it.
    pub fn schedule_view(&self, schedule: &PayoutSchedule) -> Value {
        let terms = &schedule.terms;
        json!({
            "id": schedule.id, "object": "payout_schedule", "state": schedule.state.as_str(),
            "name": terms.name, "cron": terms.timing.cron(), "zone": terms.timing.zone().name(),
            "holidays": terms.timing.holidays(), "misfire": terms.misfire, "minimum": terms.minimum,
            "suppliers": terms.suppliers, "currencies": terms.currencies, "rail_account": terms.rail_account,
            "top_ups": terms.top_ups, "max_wait_days": terms.max_wait_days,
            "made_by": schedule.makers, "next": schedule.next().map(|due| due.at),
            "created_at": schedule.created_at,
        })
    }
}

/// The next dates on which a plan is made, and between them those that are left out.
pub(super) fn dates(timing: &Timing, calendars: &Calendars, now: DateTime<Utc>, done: &Done) -> Vec<Value> {
    let (mut rows, mut runs) = (vec![], 0);
    for dated in timing.dates(calendars, now).take(LOOKED_AT) {
        let wanted = dated.wanted;
        let (outcome, due, why) = match dated.fate {
            Fate::Runs { due, .. } if done.contains(&due.date) => {
                ("skipped", None, Some("this day's turn is over: a schedule makes one plan a day".to_owned()))
            }
            Fate::Runs { due, moved: None } => ("planned", Some(due), None),
            Fate::Runs { due, moved } => ("moved", Some(due), moved),
            Fate::Skipped { why } => ("skipped", None, Some(why)),
        };
        runs += usize::from(due.is_some());
        let local = due.map(|due| due.at.with_timezone(&timing.zone()).to_rfc3339());
        rows.push(json!({
            "wanted": wanted, "outcome": outcome, "date": due.map(|due| due.date),
            "at": due.map(|due| due.at), "local": local, "why": why,
            "covered": timing.is_covered(calendars, due.map_or(wanted, |due| due.date)),
        }));
        if runs == SHOWN {
            break;
        }
    }
    rows
}

fn run_view(run: &ScheduleRun) -> Value {
    json!({
        "date": run.due.date, "due": run.due.at, "outcome": run.outcome.as_str(), "plan": run.outcome.plan(),
        "why": run.outcome.why(), "at": run.at,
    })
}
