//! Until when a gateway's takings count as a day's, and on which days they become spendable.
//!
//! What is taken behind the cut-off, or on a day on which a calendar closes, counts as the next good day's; what counts as a
//! day's is there from the beginning of the next good day on. By default there is neither: every day is good, and a day ends
//! with the merchant's own.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::domain::treasury::Calendars;
use crate::money::Currency;

use super::period::{first_instant, start_of_day};

/// When the takings of one gateway account become spendable.
#[derive(Debug, Clone, Default)]
pub struct Availability {
    cut_off: Option<(NaiveTime, Tz)>,
    days: Vec<Currency>,
    holidays: Calendars,
}

impl Availability {
    /// By a cut-off in its zone, and the calendars of some currencies.
    pub fn new(cut_off: Option<(NaiveTime, Tz)>, days: Vec<Currency>, holidays: Calendars) -> Availability {
        Availability { cut_off, days, holidays }
    }

    /// Reads a cut-off: `18:00 Asia/Singapore`.
    pub fn read_cut_off(text: &str) -> Option<(NaiveTime, Tz)> {
        let (time, zone) = text.trim().split_once(' ')?;
        Some((NaiveTime::parse_from_str(time, "%H:%M").ok()?, zone.trim().parse().ok()?))
    }

    /// What was taken before this moment is spendable at `now`; `zone` is the merchant's.
    pub fn taken_before(&self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let today = now.with_timezone(&zone).date_naive();
        self.on(today, zone).min(start_of_day(now, zone))
    }

    /// The days from `today` on at whose beginning more becomes spendable, each with the moment before which that was taken,
    /// until everything taken by `now` is.
    pub fn ahead(&self, now: DateTime<Utc>, zone: Tz) -> Vec<(NaiveDate, DateTime<Utc>)> {
        let today = now.with_timezone(&zone).date_naive();
        let (mut before, mut found) = (self.taken_before(now, zone), Vec::new());
        for day in today.iter_days().skip(1).take(LONGEST_REST) {
            let then = self.on(day, zone);
            if then > before {
                found.push((day, then));
                before = then;
            }
            if before > now {
                break;
            }
        }
        found
    }

    /// What was taken before this moment is spendable on a day.
    fn on(&self, day: NaiveDate, zone: Tz) -> DateTime<Utc> {
        let released = self.last_good(day);
        let counted = self.last_good(day_before(released));
        match self.cut_off {
            None => first_instant(counted.succ_opt().unwrap_or(counted), zone),
            Some((time, of)) => {
                let local = counted.and_time(time);
                // A clock that skips the hour is read as if it had not.
                of.from_local_datetime(&local).latest().map_or_else(|| local.and_utc(), |at| at.to_utc())
            }
        }
    }

    fn last_good(&self, day: NaiveDate) -> NaiveDate {
        let good = |day: &NaiveDate| self.days.iter().all(|currency| self.holidays.is_good(*currency, *day));
        let back = std::iter::successors(Some(day), |day| Some(day_before(*day)));
        back.take(LONGEST_REST).find(good).unwrap_or(day)
    }
}

/// Days without a good one that are looked past.
const LONGEST_REST: usize = 31;

fn day_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = Tz::Asia__Singapore;

    fn at(text: &str) -> DateTime<Utc> {
        let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        ZONE.from_local_datetime(&local).unwrap().to_utc()
    }

    /// The first day at whose beginning it is there.
    fn there(rules: &Availability, taken: &str) -> String {
        let taken = at(taken);
        let days = taken.with_timezone(&ZONE).date_naive().iter_days();
        let mut days = days.filter(|day| taken < rules.taken_before(first_instant(*day, ZONE), ZONE));
        let first = days.next().unwrap();
        let ahead = rules.ahead(taken, ZONE);
        let said = ahead.iter().find(|(_, before)| taken < *before).unwrap();
        assert_eq!(said.0, first, "what is said ahead comes true");
        first.to_string()
    }

    #[test]
    fn takings_become_spendable_by_cut_off_and_calendar() {
        let cut_off = Availability::read_cut_off("18:00 Asia/Singapore");
        let sgd = vec![Currency::known("SGD")];
        let rules = |cut_off, days| Availability::new(cut_off, days, Calendars::shipped().clone());
        let (neither, late, calm) = (rules(None, vec![]), rules(cut_off, vec![]), rules(None, sgd.clone()));
        let both = rules(cut_off, sgd);
        // 4 December 2026 is a Friday, Christmas another.
        for (taken, by_default, by_cut_off, by_days, by_both) in [
            ("2026-12-03 12:00", "2026-12-04", "2026-12-04", "2026-12-04", "2026-12-04"),
            ("2026-12-04 12:00", "2026-12-05", "2026-12-05", "2026-12-07", "2026-12-07"),
            ("2026-12-04 23:50", "2026-12-05", "2026-12-06", "2026-12-07", "2026-12-08"),
            ("2026-12-05 12:00", "2026-12-06", "2026-12-06", "2026-12-08", "2026-12-08"),
            ("2026-12-24 12:00", "2026-12-25", "2026-12-25", "2026-12-28", "2026-12-28"),
            ("2026-12-24 18:00", "2026-12-25", "2026-12-26", "2026-12-28", "2026-12-29"),
        ] {
            let seen = [&neither, &late, &calm, &both].map(|rules| there(rules, taken));
            assert_eq!(seen, [by_default, by_cut_off, by_days, by_both], "{taken}");
        }
    }

    #[test]
    fn a_cut_off_names_its_zone() {
        for bad in ["", "18:00", "25:00 UTC", "18:00 Nowhere/Land", "6pm UTC"] {
            assert_eq!(Availability::read_cut_off(bad), None, "{bad}");
        }
    }
}
