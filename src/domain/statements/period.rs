//! A period of booking dates in a merchant's zone, and the instants it covers.
//!
//! A day begins at its first instant: where a change of the clocks leaves midnight out, that is the moment after the
//! gap; where midnight comes twice, the first of them. Days follow one another without gap or overlap, so that every
//! instant has exactly one booking date, on days of 23, 25 and 24½ hours too.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Booking dates `from` to `to`, both included, in `zone`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: NaiveDate,
    to: NaiveDate,
    zone: Tz,
    begins_at: DateTime<Utc>,
    ends_before: DateTime<Utc>,
}

/// Why two dates are no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The end lies before the beginning.
    #[error("the period ends on {to}, before it begins on {from}")]
    Backwards {
        /// The first date.
        from: NaiveDate,
        /// The last date.
        to: NaiveDate,
    },
    /// Outside the years that are booked.
    #[error("{0} is outside the years 1970 to 9998")]
    OutOfRange(NaiveDate),
}

impl Period {
    /// The day that has `at` in it.
    pub fn day_of(at: DateTime<Utc>, zone: Tz) -> Period {
        let date = date_of(at, zone);
        let (begins_at, ends_before) = (first_instant(date, zone), first_instant(next_day(date), zone));
        Period { from: date, to: date, zone, begins_at, ends_before }
    }

    /// A period; `to` may lie in the future.
    ///
    /// # Errors
    /// [`PeriodError`].
    ///
    /// ```
    /// use straits::domain::statements::Period;
    /// let (first, last) = ("2026-03-01".parse()?, "2026-03-31".parse()?);
    /// let march = Period::try_new(first, last, chrono_tz::Asia::Singapore)?;
    /// assert_eq!(march.begins_at().to_rfc3339(), "2026-02-28T16:00:00+00:00");
    /// let refusal = Period::try_new(last, first, chrono_tz::UTC).unwrap_err();
    /// assert_eq!(refusal.to_string(), "the period ends on 2026-03-01, before it begins on 2026-03-31");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_new(from: NaiveDate, to: NaiveDate, zone: Tz) -> Result<Period, PeriodError> {
        for date in [from, to] {
            if !(1970..=9998).contains(&date.year()) {
                return Err(PeriodError::OutOfRange(date));
            }
        }
        if to < from {
            return Err(PeriodError::Backwards { from, to });
        }
        let (begins_at, ends_before) = (first_instant(from, zone), first_instant(next_day(to), zone));
        Ok(Period { from, to, zone, begins_at, ends_before })
    }

    /// The first booking date.
    pub fn from(self) -> NaiveDate {
        self.from
    }

    /// The last booking date.
    pub fn to(self) -> NaiveDate {
        self.to
    }

    /// The zone of the dates.
    pub fn zone(self) -> Tz {
        self.zone
    }

    /// The first instant of the period.
    pub fn begins_at(self) -> DateTime<Utc> {
        self.begins_at
    }

    /// The first instant after the period.
    pub fn ends_before(self) -> DateTime<Utc> {
        self.ends_before
    }

    /// Whether `at` is booked within the period.
    pub fn contains(self, at: DateTime<Utc>) -> bool {
        self.begins_at <= at && at < self.ends_before
    }

    /// The booking date of an instant in the period's zone.
    pub fn date_of(self, at: DateTime<Utc>) -> NaiveDate {
        date_of(at, self.zone)
    }
}

/// The date of an instant in a zone: the day that has begun and whose next has not.
pub(super) fn date_of(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    let local = at.with_timezone(&zone).date_naive();
    let next = next_day(local);
    // Clocks that go back over midnight show the old date again after the new day has begun.
    if first_instant(next, zone) <= at { next } else { local }
}

fn next_day(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(date)
}

/// The first instant of the business day that `at` lies in.
pub fn start_of_day(at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    first_instant(date_of(at, zone), zone)
}

/// The first instant of a date in a zone.
pub fn first_instant(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    // Gaps are minutes to hours; a zone that crossed the date line left out a whole day.
    let minutes = (0..=48 * 60).filter_map(|minute| midnight.checked_add_signed(TimeDelta::minutes(minute)));
    let first = minutes.filter_map(|local| zone.from_local_datetime(&local).earliest()).next();
    first.map_or_else(|| midnight.and_utc(), |instant| instant.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(date: &str, zone: Tz) -> Period {
        let date = date.parse().unwrap();
        Period::try_new(date, date, zone).unwrap()
    }

    fn half_hours(period: Period) -> i64 {
        (period.ends_before() - period.begins_at()).num_minutes() / 30
    }

    #[test]
    fn days_have_the_hours_their_zone_gives_them() {
        use chrono_tz::{America, Asia, Australia, Europe, Pacific, UTC};
        #[rustfmt::skip]
        let table = [
            (Europe::Berlin,        "2026-03-29", "2026-03-28T23:00:00+00:00", 46), // clocks forward at 02:00
            (Europe::Berlin,        "2026-10-25", "2026-10-24T22:00:00+00:00", 50), // back at 03:00
            (Australia::Lord_Howe,  "2026-04-05", "2026-04-04T13:00:00+00:00", 49), // back by half an hour
            (Asia::Singapore,       "2026-03-29", "2026-03-28T16:00:00+00:00", 48),
            (Asia::Singapore,       "2028-02-29", "2028-02-28T16:00:00+00:00", 48),
            (UTC,                   "2028-02-29", "2028-02-29T00:00:00+00:00", 48),
            (Asia::Kathmandu,       "2026-01-01", "2025-12-31T18:15:00+00:00", 48),
            (Asia::Beirut,          "2021-03-28", "2021-03-27T22:00:00+00:00", 46), // midnight is left out
            (America::Havana,       "2021-11-07", "2021-11-07T04:00:00+00:00", 50), // midnight comes twice
            (America::St_Johns,     "2010-11-07", "2010-11-07T02:30:00+00:00", 50), // back over midnight at 00:01
            (Pacific::Apia,         "2011-12-29", "2011-12-29T10:00:00+00:00", 48), // the 30th never was
            (Pacific::Apia,         "2011-12-30", "2011-12-30T10:00:00+00:00", 0),
        ];
        for (zone, date, begins, length) in table {
            let period = day(date, zone);
            assert_eq!(
                (period.begins_at().to_rfc3339().as_str(), half_hours(period)),
                (begins, length),
                "{zone} {date}"
            );
        }
    }

    #[test]
    fn an_instant_at_the_seam_has_one_date() {
        let zone = chrono_tz::America::St_Johns;
        let seventh = day("2010-11-07", zone);
        // 00:00:30 on the 7th, then clocks go back to 23:01 on the 6th: both belong to the 7th.
        for minutes in [0, 1, 30, 61, 120] {
            let at = seventh.begins_at() + TimeDelta::minutes(minutes);
            assert_eq!(seventh.date_of(at), seventh.from(), "{at}");
        }
        assert_eq!(
            seventh.date_of(seventh.begins_at() - TimeDelta::microseconds(1)).to_string(),
            "2010-11-06"
        );
        assert_eq!(seventh.date_of(seventh.ends_before()).to_string(), "2010-11-08");
    }

    #[test]
    fn refuses_dates_out_of_order_or_range() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (early, late) = (date("2026-02-01"), date("2026-01-31"));
        let backwards = PeriodError::Backwards { from: early, to: late };
        assert_eq!(Period::try_new(early, late, chrono_tz::UTC), Err(backwards));
        let far = date("9999-01-01");
        assert_eq!(Period::try_new(early, far, chrono_tz::UTC), Err(PeriodError::OutOfRange(far)));
        assert_eq!(
            Period::try_new(NaiveDate::MIN, late, chrono_tz::UTC),
            Err(PeriodError::OutOfRange(NaiveDate::MIN))
        );
    }

    proptest! {
        #[test]
        fn days_tile_the_time_line(seconds in 0_i64..4_000_000_000, index in 0_usize..chrono_tz::TZ_VARIANTS.len()) {
            let zone = chrono_tz::TZ_VARIANTS[index];
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let date = date_of(at, zone);
            let period = Period::try_new(date, date, zone).unwrap();
            prop_assert!(period.contains(at), "{zone} {at} {date}");
            let next = Period::try_new(next_day(date), next_day(date), zone).unwrap();
            prop_assert_eq!(period.ends_before(), next.begins_at());
        }
    }
}
