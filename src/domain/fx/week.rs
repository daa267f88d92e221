//! The week of the foreign exchange market: open from Sunday 17:00 to Friday 17:00, New York time.
//!
//! Between two European fixings on weekdays, a Friday's and a Monday's included, the market is open for exactly 24
//! hours: open time is counted in weekdays. National holidays close banks, not the market.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;

/// Whether nobody deals at `at`. The closing moment itself is closed, the opening one open.
pub fn is_closed(at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&New_York);
    let evening = local.time() >= bell();
    match local.weekday() {
        Weekday::Fri => evening,
        Weekday::Sat => true,
        Weekday::Sun => !evening,
        _ => false,
    }
}

/// Whether any moment from `from` to `until` is closed.
pub fn meets_closed(from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
    is_closed(from) || next_close(from).is_none_or(|close| close <= until)
}

/// Weekdays after `from` up to and including `to`: the days of open market between two fixings; at least one.
pub fn open_days(from: NaiveDate, to: NaiveDate) -> u32 {
    let days = (to - from).num_days().max(0);
    let whole = days / 7 * 5;
    let rest = (0..days % 7).filter(|back| {
        let day = to - TimeDelta::days(*back);
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
    });
    u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(u32::try_from(rest.count()).unwrap_or(0)).max(1)
}

/// The moment at which the market has been open for `span` since `from`: closed time does not count.
pub fn after_open(from: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    let (mut at, mut left) = (from, span);
    loop {
        let Some(bell) = next_bell(at) else { return at + left };
        if !is_closed(at) {
            if bell - at >= left {
                return at + left;
            }
            left -= bell - at;
        }
        at = bell;
    }
}

fn bell() -> NaiveTime {
    NaiveTime::from_hms_opt(17, 0, 0).unwrap_or(NaiveTime::MIN)
}

/// The next moment after `from` at which the market closes or opens.
pub fn next_bell(from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    [next_close(from), next(from, Weekday::Sun)].into_iter().flatten().min()
}

fn next_close(from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    next(from, Weekday::Fri)
}

/// The bell of the first such day after `from`. New York's clocks change on Sunday nights, so the moment is one and only.
fn next(from: DateTime<Utc>, day: Weekday) -> Option<DateTime<Utc>> {
    let local = from.with_timezone(&New_York).date_naive();
    let ahead = (day.num_days_from_monday() + 7 - local.weekday().num_days_from_monday()) % 7;
    let bell_in = |days: u32| {
        let date = local.checked_add_days(Days::new(u64::from(days)))?;
        Some(New_York.from_local_datetime(&date.and_time(bell())).earliest()?.with_timezone(&Utc))
    };
    [ahead, ahead + 7].into_iter().filter_map(bell_in).find(|bell| *bell > from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_bells_follow_new_yorks_clock() {
        for (moment, closed) in [
            // Summer time: 17:00 is 21:00 UTC. The clocks go back on Sunday 2026-11-01, forward on 2026-03-08.
            ("2026-10-30T20:59:59.999999Z", false),
            ("2026-10-30T21:00:00Z", true),
            ("2026-10-31T12:00:00Z", true),
            ("2026-11-01T21:59:59Z", true),
            ("2026-11-01T22:00:00Z", false),
            ("2026-11-06T21:59:59Z", false),
            ("2026-11-06T22:00:00Z", true),
            ("2026-03-06T21:59:59Z", false),
            ("2026-03-06T22:00:00Z", true),
            ("2026-03-08T20:59:59Z", true),
            ("2026-03-08T21:00:00Z", false),
            ("2026-11-04T03:00:00Z", false),
        ] {
            assert_eq!(is_closed(at(moment)), closed, "{moment}");
        }
    }

    #[test]
    fn the_next_bell_is_the_close_on_weekdays_and_the_opening_at_weekends() {
        for (from, bell) in [
            ("2026-10-28T12:00:00Z", "2026-10-30T21:00:00Z"),
            ("2026-10-30T21:00:00Z", "2026-11-01T22:00:00Z"),
            ("2026-11-01T22:00:00Z", "2026-11-06T22:00:00Z"),
        ] {
            assert_eq!(next_bell(at(from)), Some(at(bell)), "{from}");
        }
    }

    #[test]
    fn closed_time_is_no_age() {
        for (from, minutes, end) in [
            ("2026-10-28T12:00:00Z", 90, "2026-10-28T13:30:00Z"),
            ("2026-10-30T20:00:00Z", 60, "2026-10-30T21:00:00Z"),
            ("2026-10-30T20:00:00Z", 90, "2026-11-01T22:30:00Z"),
            ("2026-10-31T20:00:00Z", 90, "2026-11-01T23:30:00Z"),
            ("2026-10-30T20:00:00Z", 60 * 24 * 5 + 90, "2026-11-08T22:30:00Z"),
        ] {
            assert_eq!(after_open(at(from), TimeDelta::minutes(minutes)), at(end), "{from} {minutes}");
        }
    }

    #[test]
    fn a_promise_may_run_into_the_closed_time() {
        for (from, hours, meets) in [
            ("2026-10-29T20:00:00Z", 24, false),
            ("2026-10-30T12:00:00Z", 1, false),
            ("2026-10-30T12:00:00Z", 24, true),
            ("2026-10-30T20:00:00Z", 1, true),
            ("2026-11-01T21:30:00Z", 1, true),
            ("2026-11-01T22:00:00Z", 24, false),
            ("2026-11-02T12:00:00Z", 24 * 5, true),
        ] {
            assert_eq!(meets_closed(at(from), at(from) + TimeDelta::hours(hours)), meets, "{from} {hours}");
        }
    }

    #[test]
    fn open_time_is_counted_in_weekdays() {
        for (from, to, days) in [
            ("2026-10-29", "2026-10-30", 1),
            ("2026-10-30", "2026-11-02", 1),
            // Easter: Thursday to Tuesday.
            ("2026-04-02", "2026-04-07", 3),
            ("2026-10-30", "2026-11-30", 21),
            ("2026-10-30", "2026-10-31", 1),
            ("2026-10-30", "2026-10-30", 1),
        ] {
            assert_eq!(open_days(from.parse().unwrap(), to.parse().unwrap()), days, "{from} {to}");
        }
    }
}
