//! Times of the day by a cron expression in a zone, and what becomes of a moment that was missed.
//!
//! Where clocks are put forward, a time that is left out comes at the first moment after the gap; where they are put
//! back, a time that comes twice counts once, the first. An expression that repeats within the hour (`*/10 * * * *`) goes
//! on through both.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// Longer than clocks are ever put back at once.
const OVERLAP: TimeDelta = TimeDelta::hours(4);

/// When something is done by the clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timetable {
    cron: &'static str,
    zone: Tz,
    misfire: Misfire,
}

/// What becomes of moments at which no program was there to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfire {
    /// However many were missed, one run makes up for them.
    RunOnce,
    /// Each is made up for, in its turn.
    RunAll,
    /// What is missed is missed: the next moment is the next run.
    Skip,
}

/// A cron expression that is none, or that never comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{cron}` is no cron expression of minute, hour, day, month, weekday: {why}")]
pub struct TimetableError {
    cron: &'static str,
    why: String,
}

impl Timetable {
    /// By a cron expression (minute, hour, day, month, weekday) in a zone.
    ///
    /// # Errors
    /// [`TimetableError`].
    pub fn new(cron: &'static str, zone: Tz, misfire: Misfire) -> Result<Timetable, TimetableError> {
        match Cron::from_str(cron) {
            Ok(_) => Ok(Timetable { cron, zone, misfire }),
            Err(error) => Err(TimetableError { cron, why: error.to_string() }),
        }
    }

    /// What becomes of missed moments.
    pub fn misfire(&self) -> Misfire {
        self.misfire
    }

    /// The first moment after `after`; `None` when there is none (the 30th of February).
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let cron = Cron::from_str(self.cron).ok()?;
        // From before any overlap on, and the earliest that is really later: in a repeated hour the walk by the clock on
        // the wall is not a walk in time.
        let from = (after - OVERLAP).with_timezone(&self.zone);
        let mut best: Option<DateTime<Utc>> = None;
        for found in cron.iter_after(from) {
            let at = found.with_timezone(&Utc);
            if best.is_some_and(|best| at > best + OVERLAP) {
                break;
            }
            if at > after && best.is_none_or(|best| at < best) {
                best = Some(at);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn runs(cron: &'static str, zone: Tz, from: &str, count: usize) -> Vec<String> {
        let timetable = Timetable::new(cron, zone, Misfire::RunOnce).unwrap();
        let mut moment = at(from);
        let next = || {
            moment = timetable.next_after(moment)?;
            Some(moment.with_timezone(&zone).format("%m-%d %H:%M %:z").to_string())
        };
        std::iter::from_fn(next).take(count).collect()
    }

    #[test]
    fn a_time_that_is_left_out_comes_after_the_gap_and_one_that_comes_twice_comes_once() {
        let paris = Tz::Europe__Paris;
        assert_eq!(
            runs("30 2 * * *", paris, "2026-03-28T00:00:00Z", 3),
            ["03-28 02:30 +01:00", "03-29 03:00 +02:00", "03-30 02:30 +02:00"]
        );
        assert_eq!(
            runs("30 2 * * *", paris, "2026-10-24T00:00:00Z", 3),
            ["10-24 02:30 +02:00", "10-25 02:30 +02:00", "10-26 02:30 +01:00"]
        );
        // A program that starts in the second of the two hours has missed that day's moment and does not find it again.
        assert_eq!(runs("30 2 * * *", paris, "2026-10-25T01:10:00Z", 1), ["10-26 02:30 +01:00"]);
        // Half an hour on Lord Howe.
        assert_eq!(
            runs("45 1 * * *", Tz::Australia__Lord_Howe, "2026-04-03T20:00:00Z", 2),
            ["04-05 01:45 +11:00", "04-06 01:45 +10:30"]
        );
        // Midnight is left out in Beirut.
        assert_eq!(
            runs("0 0 * * *", Tz::Asia__Beirut, "2026-03-28T12:00:00Z", 2),
            ["03-29 01:00 +03:00", "03-30 00:00 +03:00"]
        );
    }

    #[test]
    fn what_repeats_within_the_hour_goes_on_through_gap_and_overlap_in_even_steps() {
        for from in ["2026-03-29T00:20:00Z", "2026-10-24T23:20:00Z"] {
            let timetable = Timetable::new("*/30 * * * *", Tz::Europe__Paris, Misfire::RunOnce).unwrap();
            let mut moment = timetable.next_after(at(from)).unwrap();
            for _ in 0..10 {
                let next = timetable.next_after(moment).unwrap();
                assert_eq!(next - moment, TimeDelta::minutes(30), "after {moment}");
                moment = next;
            }
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_and_what_never_comes_is_none() {
        for text in ["", "* * *", "61 * * * *", "every day"] {
            assert!(Timetable::new(text, Tz::UTC, Misfire::Skip).is_err(), "{text}");
        }
        let never = Timetable::new("0 0 30 2 *", Tz::UTC, Misfire::Skip);
        assert!(never.is_err() || never.unwrap().next_after(at("2026-01-01T00:00:00Z")).is_none());
    }
}
