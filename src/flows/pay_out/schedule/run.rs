//! What is done when a date of a schedule has come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::access::Actor;
use crate::domain::payouts::PayoutPlan;
use crate::domain::treasury::{Due, PayoutSchedule, RunOutcome, ScheduleRun, ScheduleState};
use crate::flows::pay_out::{PayOutError, PayingOut, PlanInput};
use crate::ids::PayoutScheduleId;
use crate::store::jobs::Job;
use crate::store::{Change, Versioned};

/// The job that drafts for one date of a schedule.
pub const RUN_SCHEDULE: &str = "run_payout_schedule";

impl PayingOut {
    /// What is to be written for a date that has come, to be written with its job's end; nothing where another program
    /// has, or where the schedule has other dates by now.
    ///
    /// # Errors
    /// [`PayOutError`]: try again.
    pub async fn run_schedule(&self, payload: &str) -> Result<Change, PayOutError> {
        self.turned(payload, None).await
    }

    /// The same for a date that was tried often enough: it failed, which is told and stands with the schedule, and the
    /// schedule goes on to its next date.
    ///
    /// # Errors
    /// [`PayOutError`]: try again.
    pub async fn pass_schedule(&self, payload: &str, why: &str) -> Result<Change, PayOutError> {
        self.turned(payload, Some(why)).await
    }

    async fn turned(&self, payload: &str, given_up: Option<&str>) -> Result<Change, PayOutError> {
        let mut change = Change::new();
        let Some((id, due)) = read_payload(payload) else { return Ok(change) };
        let Some(Versioned { value: before, version }) = self.0.store.payout_schedule(id).await? else {
            return Ok(change);
        };
        let Some(due) = before.next().filter(|next| next.at == due) else { return Ok(change) };
        let now = self.0.clock.now();
        if let Some(why) = before.terms.timing.closed_since(&self.0.tables.holidays, due.date) {
            let next = before.terms.timing.next(&self.0.tables.holidays, due.at);
            let schedule = PayoutSchedule { state: ScheduleState::Active { next }, ..before };
            if self.0.store.payout_schedule_run(id, due).await?.is_none() {
                let outcome = RunOutcome::NothingDue { why };
                change.note_schedule_run(&schedule, &ScheduleRun { due, outcome, at: now });
            }
            change.update_payout_schedule(&schedule, version);
            self.ask_for_next(&mut change, &schedule);
            return Ok(change);
        }
        let turn = before.turn(&self.0.tables.holidays, due, now);
        let state = ScheduleState::Active { next: turn.next };
        let schedule = PayoutSchedule { state, ..before };
        let mut drafted = None;
        if let Some(due) = turn.plan
            && self.0.store.payout_schedule_run(id, due).await?.is_none()
        {
            let outcome = match given_up {
                Some(why) => self.failed(&mut change, &schedule, due, why.to_owned()),
                None => self.drafted(&mut change, &schedule, due).await?,
            };
            change.note_schedule_run(&schedule, &ScheduleRun { due, outcome: outcome.clone(), at: now });
            drafted = Some(outcome);
        }
        for due in turn.passed {
            if self.0.store.payout_schedule_run(id, due).await?.is_none() {
                let outcome = schedule.passed(drafted.as_ref());
                let data = json!({
                    "id": id, "object": "payout_schedule", "date": due.date, "outcome": outcome.as_str(),
                    "plan": outcome.plan(),
                });
                if !matches!(outcome, RunOutcome::NothingDue { .. }) {
                    let subject = id.to_string();
                    let (change, merchant) = (&mut change, schedule.merchant);
                    self.0.settlements.tell(change, merchant, "payout_schedule.missed", &subject, data);
                }
                change.note_schedule_run(&schedule, &ScheduleRun { due, outcome, at: now });
            }
        }
        change.update_payout_schedule(&schedule, version);
        self.ask_for_next(&mut change, &schedule);
        Ok(change)
    }

    /// A draft for one date, in `change`; what is refused is told and not tried again.
    async fn drafted(
        &self,
        change: &mut Change,
        schedule: &PayoutSchedule,
        due: Due,
    ) -> Result<RunOutcome, PayOutError> {
        let (terms, merchant, now) = (&schedule.terms, schedule.merchant, self.0.clock.now());
        let input = PlanInput {
            as_of: None,
            suppliers: terms.suppliers.clone(),
            currencies: terms.currencies.clone(),
            rail_account: terms.rail_account,
            minimum: Some(terms.minimum.clone()),
            top_ups: terms.top_ups.clone(),
            max_wait_days: terms.max_wait_days,
        };
        let actor = Actor::service(merchant, self.0.ids.mint());
        let note = |action: &str, subject: String, detail: String| {
            actor.note(&self.0.ids, now, action, subject, detail)
        };
        match self.composed(merchant, schedule.makers.clone(), self.0.ids.mint(), &input).await {
            Ok((plan, _)) if plan.document.lines.is_empty() => {
                let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
                for left_out in &plan.document.excluded {
                    *reasons.entry(left_out.reason.as_str()).or_default() += 1;
                }
                let reasons: Vec<String> =
                    reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
                let why = match reasons.is_empty() {
                    true => "nobody has anything to be paid".to_owned(),
                    false => format!("whoever has something to be paid is left out: {}", reasons.join(", ")),
                };
                Ok(RunOutcome::NothingDue { why })
            }
            Ok((plan, certificate)) => {
                let plan = PayoutPlan { schedule: Some(schedule.id), ..plan };
                change.insert_scheduled_plan(&plan, &certificate, schedule.id, due);
                let detail = format!("{} of {}", due.date, schedule.id);
                change.audit(note("payout_plan.drafted", plan.id.to_string(), detail));
                let data = json!({
                    "id": plan.id, "object": "payout_plan", "state": plan.state.as_str(), "hash": plan.hash,
                    "schedule": schedule.id, "date": due.date, "payouts": plan.document.lines.len(),
                });
                let subject = plan.id.to_string();
                self.0.settlements.tell(change, merchant, "payout_plan.drafted", &subject, data);
                Ok(RunOutcome::Drafted { plan: plan.id })
            }
            Err(PayOutError::Refused { why, .. } | PayOutError::RefusedAt { why, .. }) => {
                Ok(self.failed(change, schedule, due, why))
            }
            Err(error) => Err(error),
        }
    }

    /// A date without a plan, told and in the trail.
    fn failed(&self, change: &mut Change, schedule: &PayoutSchedule, due: Due, why: String) -> RunOutcome {
        let (merchant, subject) = (schedule.merchant, schedule.id.to_string());
        let actor = Actor::service(merchant, self.0.ids.mint());
        let now = self.0.clock.now();
        change.audit(actor.note(&self.0.ids, now, "payout_schedule.failed", &subject, &why));
        let data = json!({ "id": schedule.id, "object": "payout_schedule", "date": due.date, "why": why });
        self.0.settlements.tell(change, merchant, "payout_schedule.failed", &subject, data);
        RunOutcome::Failed { why }
    }

    /// The job for the next date. Jobs of dates that are no more find so and end.
    pub(super) fn ask_for_next(&self, change: &mut Change, schedule: &PayoutSchedule) {
        let Some(next) = schedule.next() else { return };
        let mut job = Job::new(self.0.ids.mint(), RUN_SCHEDULE, next.at);
        job.payload = format!("{} {}", schedule.id, next.at.timestamp_micros());
        change.insert_job(&job);
    }
}

fn read_payload(payload: &str) -> Option<(PayoutScheduleId, DateTime<Utc>)> {
    let (id, due) = payload.split_once(' ')?;
    Some((id.parse().ok()?, crate::clock::from_micros(due.parse().ok()?)))
}
