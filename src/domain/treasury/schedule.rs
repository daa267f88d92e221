//! A schedule of payouts: when a draft is made by itself, of what, and what becomes of dates that were missed.
//!
//! A schedule makes drafts, nothing more: its makers are the makers of each, and another user approves. One plan for each
//! date, whoever was faster.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{MerchantId, PayoutScheduleId, PlanId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money};

use super::calendar::Calendars;
use super::named::NamedTopUp;
use super::timing::{Due, Fate, Timing};

/// A date that is longer ago was missed.
const PUNCTUAL: TimeDelta = TimeDelta::minutes(15);
/// So many dates are settled at once; more than a year of days.
const AT_ONCE: usize = 400;

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutSchedule {
    /// Its id.
    pub id: PayoutScheduleId,
    /// Whose.
    pub merchant: MerchantId,
    /// What it says.
    pub terms: ScheduleTerms,
    /// Everybody who gave it its content: the makers of its plans.
    pub makers: Vec<UserId>,
    /// Whether it runs.
    pub state: ScheduleState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What a schedule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleTerms {
    /// For people.
    pub name: String,
    /// When.
    pub timing: Timing,
    /// What becomes of dates that were missed.
    pub misfire: MisfireRule,
    /// Less than this waits, by currency.
    pub minimum: Vec<Money>,
    /// Only these suppliers.
    pub suppliers: Option<Vec<SupplierId>>,
    /// Only in these currencies.
    pub currencies: Option<Vec<Currency>>,
    /// Only over this account.
    pub rail_account: Option<RailAccountId>,
    /// Ways to add to paying accounts.
    #[serde(default)]
    pub top_ups: Vec<NamedTopUp>,
    /// So many days suppliers may wait.
    #[serde(default)]
    pub max_wait_days: u32,
}

/// What becomes of dates at which no program was there to act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MisfireRule {
    /// However many were missed, one plan made now makes up for them.
    #[default]
    Once,
    /// What is missed is missed.
    Skip,
    /// A plan for each, one after the other.
    Each,
}

/// Whether a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ScheduleState {
    /// It does.
    Active {
        /// Its next date; none where the calendar has no more.
        next: Option<Due>,
    },
    /// Not now; dates that go by are left out.
    Paused {
        /// Who.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Never again.
    Deleted {
        /// Who.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl ScheduleState {
    /// Every word.
    pub const WORDS: [&str; 3] = ["active", "paused", "deleted"];

    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            ScheduleState::Active { .. } => "active",
            ScheduleState::Paused { .. } => "paused",
            ScheduleState::Deleted { .. } => "deleted",
        }
    }
}

/// What came of a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRun {
    /// The date.
    pub due: Due,
    /// What came of it.
    pub outcome: RunOutcome,
    /// When that was decided.
    pub at: DateTime<Utc>,
}

/// What came of a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome {
    /// A plan was made for it.
    Drafted {
        /// The plan.
        plan: PlanId,
    },
    /// It was missed, and a later date's plan makes up for it.
    MadeUp {
        /// That plan.
        plan: PlanId,
    },
    /// Nobody could be paid: there is no plan.
    NothingDue {
        /// How many balances were left out, and why.
        why: String,
    },
    /// It was missed and is left out.
    Missed,
    /// No plan could be made.
    Failed {
        /// Why.
        why: String,
    },
}

impl RunOutcome {
    /// Every word.
    pub const WORDS: [&str; 5] = ["drafted", "made_up", "nothing_due", "missed", "failed"];

    /// The word of the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            RunOutcome::Drafted { .. } => "drafted",
            RunOutcome::MadeUp { .. } => "made_up",
            RunOutcome::NothingDue { .. } => "nothing_due",
            RunOutcome::Missed => "missed",
            RunOutcome::Failed { .. } => "failed",
        }
    }

    /// The plan that came of it.
    pub fn plan(&self) -> Option<PlanId> {
        match self {
            RunOutcome::Drafted { plan } | RunOutcome::MadeUp { plan } => Some(*plan),
            RunOutcome::NothingDue { .. } | RunOutcome::Missed | RunOutcome::Failed { .. } => None,
        }
    }

    /// Why there is none.
    pub fn why(&self) -> Option<&str> {
        match self {
            RunOutcome::NothingDue { why } | RunOutcome::Failed { why } => Some(why),
            RunOutcome::Drafted { .. } | RunOutcome::MadeUp { .. } | RunOutcome::Missed => None,
        }
    }
}

/// What is to be done when a date has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// For this date a plan is made.
    pub plan: Option<Due>,
    /// These went by before it.
    pub passed: Vec<Due>,
    /// Then this one comes; with [`MisfireRule::Each`] it may have come already.
    pub next: Option<Due>,
}

impl PayoutSchedule {
    /// Its next date.
    pub fn next(&self) -> Option<Due> {
        match self.state {
            ScheduleState::Active { next } => next,
            ScheduleState::Paused { .. } | ScheduleState::Deleted { .. } => None,
        }
    }

    /// What is to be done at `now`, when `due` has come.
    pub fn turn(&self, calendars: &Calendars, due: Due, now: DateTime<Utc>) -> Turn {
        let after = |at: DateTime<Utc>| {
            self.terms.timing.dates(calendars, at).filter_map(|dated| match dated.fate {
                Fate::Runs { due, .. } => Some(due),
                Fate::Skipped { .. } => None,
            })
        };
        if self.terms.misfire == MisfireRule::Each {
            return Turn { plan: Some(due), passed: vec![], next: after(due.at).next() };
        }
        let mut passed = vec![due];
        passed.extend(after(due.at).take_while(|later| later.at <= now).take(AT_ONCE));
        let last = passed.last().copied().unwrap_or(due);
        let punctual = now - last.at <= PUNCTUAL;
        let plan = (punctual || self.terms.misfire == MisfireRule::Once).then_some(last);
        if plan.is_some() {
            passed.pop();
        }
        Turn { plan, passed, next: after(last.at).next() }
    }

    /// What becomes of a date that went by, where a later one's outcome is this.
    pub fn passed(&self, later: Option<&RunOutcome>) -> RunOutcome {
        match (self.terms.misfire, later) {
            (MisfireRule::Once, Some(RunOutcome::Drafted { plan })) => RunOutcome::MadeUp { plan: *plan },
            (MisfireRule::Once, Some(nothing @ RunOutcome::NothingDue { .. })) => nothing.clone(),
            _ => RunOutcome::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::timing::Holidays;
    use super::*;
    use crate::clock::Clock;
    use crate::ids::IdSource;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn schedule(misfire: MisfireRule) -> PayoutSchedule {
        let ids = IdSource::seeded(Clock::fixed(at("2026-11-01T00:00:00Z")), 4);
        let timing = Timing::new("0 9 * * *", "UTC", Holidays::default()).unwrap();
        let (name, minimum) = ("daily".to_owned(), vec![]);
        PayoutSchedule {
            id: ids.mint(),
            merchant: ids.mint(),
            terms: ScheduleTerms {
                name,
                timing,
                misfire,
                minimum,
                suppliers: None,
                currencies: None,
                rail_account: None,
                top_ups: vec![],
                max_wait_days: 0,
            },
            makers: vec![ids.mint()],
            state: ScheduleState::Active { next: None },
            created_at: at("2026-11-01T00:00:00Z"),
        }
    }

    /// The third of November was due, and the program comes back at a time.
    #[test]
    fn missed_dates_are_made_up_for_by_one_by_none_or_by_each() {
        let due = |day: u32| {
            let at = at(&format!("2026-11-{day:02}T09:00:00Z"));
            Due { date: at.date_naive(), at }
        };
        use MisfireRule::{Each, Once, Skip};
        type Row = (MisfireRule, &'static str, Option<u32>, &'static [u32], u32);
        let table: [Row; 10] = [
            (Once, "2026-11-03T09:00:01Z", Some(3), &[], 4),
            (Skip, "2026-11-03T09:00:01Z", Some(3), &[], 4),
            (Each, "2026-11-03T09:00:01Z", Some(3), &[], 4),
            (Skip, "2026-11-03T09:15:00Z", Some(3), &[], 4),
            (Skip, "2026-11-03T09:15:01Z", None, &[3], 4),
            (Once, "2026-11-03T23:00:00Z", Some(3), &[], 4),
            (Once, "2026-11-06T08:00:00Z", Some(5), &[3, 4], 6),
            (Skip, "2026-11-06T08:00:00Z", None, &[3, 4, 5], 6),
            (Skip, "2026-11-06T09:00:00Z", Some(6), &[3, 4, 5], 7),
            (Each, "2026-11-06T08:00:00Z", Some(3), &[], 4),
        ];
        for (misfire, now, plan, passed, next) in table {
            let turn = schedule(misfire).turn(Calendars::shipped(), due(3), at(now));
            let passed = passed.iter().map(|day| due(*day)).collect();
            let expected = Turn { plan: plan.map(due), passed, next: Some(due(next)) };
            assert_eq!(turn, expected, "{misfire:?} {now}");
        }
    }
}
