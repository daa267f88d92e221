//! Days and hours: when the euro area's payment system is open, and so when the ECB publishes; when the market is closed.
//!
//! Closed on Saturdays, Sundays, New Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December (ECB, long-term
//! calendar of 14 December 2000). The longest closure is Easter: from Thursday's rates to Tuesday's.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;
use chrono_tz::Europe::Berlin;
use chrono_tz::Tz;

/// Whether the ECB publishes on this date.
pub fn is_target_day(date: NaiveDate) -> bool {
    let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    let fixed = matches!((date.month(), date.day()), (1 | 5, 1) | (12, 25 | 26));
    let from_easter = easter(date.year()).map(|sunday| date.signed_duration_since(sunday).num_days());
    !weekend && !fixed && !matches!(from_easter, Some(-2 | 1))
}

/// The first TARGET day after `date`.
pub fn next_target_day(date: NaiveDate) -> NaiveDate {
    // The longest closure leaves four days out; the fallback is only for the calendar's own end.
    date.iter_days().skip(1).take(14).find(|&day| is_target_day(day)).unwrap_or(date + Days::new(1))
}

/// A time of day in Frankfurt as a point in time. The hours used here never fall into a clock change.
pub fn frankfurt(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    local(Berlin, date, hour, minute)
}

/// A time of day somewhere as a point in time; where the clocks are put back, the earlier one.
pub fn local(zone: Tz, date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN));
    zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

/// The first day from Monday to Friday after `date`; holidays are not known here.
pub fn next_weekday(date: NaiveDate) -> NaiveDate {
    let work = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    date.iter_days().skip(1).take(3).find(work).unwrap_or(date + Days::new(1))
}

/// The market's time at `at`: while it is closed, from Friday 17:00 to Sunday 17:00 in New York, sources go on printing
/// new timestamps over Friday's numbers, and the numbers stay as old as Friday's close.
pub fn market_time(at: DateTime<Utc>) -> DateTime<Utc> {
    let there = at.with_timezone(&New_York);
    let closing = NaiveTime::from_hms_opt(17, 0, 0).unwrap_or(NaiveTime::MIN);
    let since_friday = match there.weekday() {
        Weekday::Fri if there.time() >= closing => 0,
        Weekday::Sat => 1,
        Weekday::Sun if there.time() < closing => 2,
        _ => return at,
    };
    local(New_York, there.date_naive() - Days::new(since_friday), 17, 0)
}

/// Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher).
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let correction = (8 * century + 13) / 25;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let shift = (golden + 11 * epact + 22 * weekday) / 451;
    let count = epact + weekday - 7 * shift + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(count / 31).ok()?, u32::try_from(count % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_sundays() {
        for text in
            ["2000-04-23", "2008-03-23", "2011-04-24", "2024-03-31", "2025-04-20", "2026-04-05", "2038-04-25"]
        {
            assert_eq!(easter(day(text).year()), Some(day(text)));
        }
    }

    #[test]
    fn the_next_publication_skips_weekends_and_holidays() {
        for (from, to) in [
            ("2026-10-29", "2026-10-30"),
            ("2026-10-30", "2026-11-02"),
            ("2026-04-02", "2026-04-07"),
            ("2024-12-24", "2024-12-27"),
            ("2025-12-31", "2026-01-02"),
            ("2026-04-30", "2026-05-04"),
        ] {
            assert_eq!(next_target_day(day(from)), day(to), "{from}");
        }
    }

    #[test]
    fn a_weekend_is_as_old_as_its_friday() {
        for (at, market) in [
            ("2026-10-30T20:59:59Z", "2026-10-30T20:59:59Z"),
            ("2026-10-30T21:30:00Z", "2026-10-30T21:00:00Z"),
            ("2026-10-31T12:00:00Z", "2026-10-30T21:00:00Z"),
            // New York's clocks went back in this night.
            ("2026-11-01T21:59:59Z", "2026-10-30T21:00:00Z"),
            ("2026-11-01T22:00:00Z", "2026-11-01T22:00:00Z"),
            ("2026-01-03T00:00:00Z", "2026-01-02T22:00:00Z"),
            ("2026-09-29T05:00:00Z", "2026-09-29T05:00:00Z"),
        ] {
            assert_eq!(market_time(at.parse().unwrap()), market.parse::<DateTime<Utc>>().unwrap(), "{at}");
        }
        assert_eq!(next_weekday(day("2026-10-30")), day("2026-11-02"));
        assert_eq!(next_weekday(day("2026-10-29")), day("2026-10-30"));
    }

    #[test]
    fn frankfurt_knows_summer_time() {
        assert_eq!(frankfurt(day("2026-07-01"), 14, 15).to_rfc3339(), "2026-07-01T12:15:00+00:00");
        assert_eq!(frankfurt(day("2026-10-30"), 14, 15).to_rfc3339(), "2026-10-30T13:15:00+00:00");
    }
}
