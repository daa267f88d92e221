//! When a job comes round again, decided after each run.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::jobs::Job;

use super::duty::Pace;
use super::timetable::Misfire;

/// A one-time job that failed this often waits for a person: it is due no more until somebody changes its row.
const TRIES: i64 = 20;
/// A moment of the clock that is longer ago was missed.
const PUNCTUAL: TimeDelta = TimeDelta::minutes(1);
/// Where an expression has no further moment.
const NEVER: TimeDelta = TimeDelta::days(36_500);

/// What decides when it comes again.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub pace: Pace,
    /// What the clock is being moved through; empty where it runs by itself.
    pub way: Range<DateTime<Utc>>,
    /// Whether a round found more than it could do, and until when it is left alone.
    pub more: bool,
    pub rest: Option<DateTime<Utc>>,
}

impl Plan {
    pub fn new(pace: Pace, way: Range<DateTime<Utc>>) -> Plan {
        Plan { pace, way, more: false, rest: None }
    }

    /// The first moment of a recurring duty. What makes up for missed moments by one run has missed them all so far.
    pub fn first(pace: Pace, now: DateTime<Utc>) -> DateTime<Utc> {
        match pace {
            Pace::Cron(timetable) if timetable.misfire() != Misfire::RunOnce => {
                timetable.next_after(now).unwrap_or(now + NEVER)
            }
            _ => now,
        }
    }

    /// Whether the moment has gone by unused and is not to be made up for.
    pub fn is_missed(&self, job: &Job, now: DateTime<Utc>) -> bool {
        let skips = matches!(self.pace, Pace::Cron(timetable) if timetable.misfire() == Misfire::Skip);
        skips && now - job.run_at > PUNCTUAL
    }

    /// The row after a run.
    pub fn after(&self, job: Job, outcome: &Result<(), String>, now: DateTime<Utc>) -> Job {
        let mut after = Job { lease: None, ..job };
        match (self.pace, outcome) {
            (Pace::WhenAsked, Ok(())) => after.done_at = Some(now),
            (Pace::WhenAsked, Err(_)) if after.attempts + 1 >= TRIES => after.done_at = Some(now),
            (Pace::WhenAsked, Err(_)) => after.run_at = now + backoff(after.attempts),
            // On the way to a later moment: four times as far as it has come, and there at last.
            (Pace::Sweep(every), _) if now + every < self.way.end => {
                after.run_at = self.way.end.min(now + every.max((now - self.way.start) * 3));
            }
            (Pace::Sweep(every), _) => after.run_at = now + every,
            (Pace::Each(every), _) => after.run_at += every,
            (Pace::Cron(timetable), _) => {
                let missed = match timetable.misfire() {
                    Misfire::RunAll => after.run_at,
                    Misfire::RunOnce | Misfire::Skip => after.run_at.max(now),
                };
                after.run_at = timetable.next_after(missed).unwrap_or(now + NEVER);
            }
            (Pace::WhenDue, Err(_)) => {
                after.run_at = now + backoff(after.attempts).min(TimeDelta::minutes(1))
            }
            (Pace::WhenDue, Ok(())) => {
                let far = if self.more { TimeDelta::zero() } else { now - self.way.start };
                let round = if now < self.way.end { self.way.end.min(now + far) } else { now };
                after.run_at = self.rest.map_or(round, |rest| rest.max(round));
            }
        }
        match outcome {
            Ok(()) => (after.attempts, after.last_error) = (0, None),
            Err(why) => {
                after.attempts += 1;
                after.last_error = Some(why.clone());
            }
        }
        after
    }
}

/// Seconds doubling from 2 to about half an hour.
fn backoff(attempts: i64) -> TimeDelta {
    TimeDelta::seconds(2_i64 << attempts.clamp(0, 10))
}

#[cfg(test)]
mod tests {
    use super::super::timetable::Timetable;
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    /// Three moments were missed while no program was there.
    #[test]
    fn missed_moments_are_made_up_for_once_each_or_not_at_all() {
        let start = from_micros(1_795_000_000_000_000);
        let hourly = |misfire| Pace::Cron(Timetable::new("0 * * * *", chrono_tz::UTC, misfire).unwrap());
        let first = Plan::first(hourly(Misfire::Skip), start);
        let back = first + TimeDelta::hours(3) + TimeDelta::minutes(20);
        let next = first + TimeDelta::hours(4);
        let table = [
            (Misfire::RunOnce, first, false, next),
            (Misfire::RunAll, first, false, first + TimeDelta::hours(1)),
            (Misfire::Skip, first, true, next),
            (Misfire::Skip, back - TimeDelta::seconds(59), false, next),
        ];
        for (misfire, run_at, missed, then) in table {
            let job = Job::new(IdSource::seeded(Clock::fixed(start), 1).mint(), "hourly", run_at);
            let plan = Plan::new(hourly(misfire), back..back);
            assert_eq!(plan.is_missed(&job, back), missed, "{misfire:?}");
            assert_eq!(plan.after(job, &Ok(()), back).run_at, then, "{misfire:?}");
        }
    }
}
