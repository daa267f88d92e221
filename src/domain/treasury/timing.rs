//! On which days a plan is due by itself: a cron expression in a zone, and what holidays do to it.
//!
//! At most one plan a day: minute and hour are one number each. Where clocks are put forward, a time that is left out comes
//! at the first moment after the gap; where they are put back, a time that comes twice is the first of the two.

use std::str::FromStr;

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use serde::{Deserialize, Serialize};
use strsim::levenshtein;

use crate::money::Currency;

use super::calendar::Calendars;

/// How far a date is moved at most; longer closures leave it out.
const MOVED_AT_MOST: i64 = 31;
/// How far dates are looked for.
const HORIZON: TimeDelta = TimeDelta::days(10 * 366);
/// Longer than clocks are ever put forward at once: islands have left out a day.
const GAP_MINUTES: i64 = 25 * 60;

/// When plans are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Timing {
    cron: String,
    /// Day, month and weekday of it, at midnight.
    days: String,
    time: NaiveTime,
    zone: Tz,
    holidays: Holidays,
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    cron: String,
    zone: String,
    holidays: Holidays,
}

/// What becomes of a date on which payments do not run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holidays {
    /// What becomes of it.
    pub rule: HolidayRule,
    /// Whose payment systems have to be open: their weekends and holidays count.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub currencies: Vec<Currency>,
}

/// What becomes of a date on which payments do not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolidayRule {
    /// A plan is made all the same.
    #[default]
    Ignore,
    /// None is made for it.
    Skip,
    /// It is made on the last good day before.
    Before,
    /// It is made on the first good day after.
    After,
}

/// A date of a schedule and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// The day by the expression.
    pub wanted: NaiveDate,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A plan is due; on another day than wanted where `moved` says why.
    Runs {
        /// When.
        due: Due,
        /// Why it is another day.
        moved: Option<String>,
    },
    /// None is.
    Skipped {
        /// Why.
        why: String,
    },
}

/// The moment at which a plan is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The day in the schedule's zone; a schedule has one plan a day at most.
    pub date: NaiveDate,
    /// The moment.
    pub at: DateTime<Utc>,
}

/// Why there are no such dates: what, where, and how it is put right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// Not five fields.
    #[error(
        "`{cron}` has {found} fields; write minute, hour, day, month, weekday, such as `0 15 * * 5` for Fridays at 15:00"
    )]
    Fields {
        /// The expression.
        cron: String,
        /// How many it has.
        found: usize,
    },
    /// More than one moment of a day.
    #[error("{field} `{text}`: a schedule makes one plan a day; write one number from 0 to {most}")]
    NotOneMoment {
        /// `minute`, `hour`.
        field: &'static str,
        /// What stands there.
        text: String,
        /// The last that there is.
        most: u32,
    },
    /// A field that says nothing.
    #[error("{field} `{text}` cannot be read ({why}); write {shape}")]
    Field {
        /// `day`, `month`, `weekday`.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        why: String,
        /// What may stand there.
        shape: &'static str,
    },
    /// No day is ever like that.
    #[error(
        "no day of the next ten years fits `{0}`, or every one is left out as a holiday; change day, month or weekday, or the holiday rule"
    )]
    Never(String),
    /// No zone.
    #[error("`{zone}` is no time zone of the IANA database; {}", near.as_ref().map_or("write one such as `Asia/Singapore`".to_owned(), |near| format!("did you mean `{near}`?")))]
    Zone {
        /// What stands there.
        zone: String,
        /// What is written nearly so.
        near: Option<&'static str>,
    },
    /// Holidays of nobody.
    #[error(
        "holidays count and no currency is named; name whose payment systems have to be open, such as [\"SGD\",\"USD\"], or leave `holidays` out"
    )]
    NoCurrencies,
}

impl TimingError {
    /// Where.
    pub fn place(&self) -> &'static str {
        match self {
            TimingError::Zone { .. } => "zone",
            TimingError::NoCurrencies => "holidays.currencies",
            _ => "cron",
        }
    }
}

impl Timing {
    /// By a cron expression (minute, hour, day, month, weekday) in a zone.
    ///
    /// # Errors
    /// [`TimingError`].
    pub fn new(cron: &str, zone: &str, holidays: Holidays) -> Result<Timing, TimingError> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(TimingError::Fields { cron: cron.to_owned(), found: fields.len() });
        };
        let (minute, hour) = (one("minute", minute, 59)?, one("hour", hour, 23)?);
        let read = |text: String| Cron::from_str(&text).map_err(|error| error.to_string());
        for (field, text, alone, shape) in [
            (
                "day",
                day,
                format!("0 0 {day} * *"),
                "1 to 31, `L` for the last one, `*`, or a list such as `1,15`",
            ),
            (
                "month",
                month,
                format!("0 0 * {month} *"),
                "1 to 12, `JAN` to `DEC`, `*`, or a list such as `3,6,9,12`",
            ),
            (
                "weekday",
                weekday,
                format!("0 0 * * {weekday}"),
                "0 to 6 from Sunday on, `SUN` to `SAT`, `*`, or a list such as `1,5`",
            ),
        ] {
            read(alone).map_err(|why| TimingError::Field { field, text: text.to_owned(), why, shape })?;
        }
        let days = format!("0 0 {day} {month} {weekday}");
        read(days.clone()).map_err(|_| TimingError::Never(cron.to_owned()))?;
        let zone = Tz::from_str(zone)
            .map_err(|_| TimingError::Zone { zone: zone.to_owned(), near: nearly(zone) })?;
        if holidays.rule != HolidayRule::Ignore && holidays.currencies.is_empty() {
            return Err(TimingError::NoCurrencies);
        }
        let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
        Ok(Timing { cron: fields.join(" "), days, time, zone, holidays })
    }

    /// The expression.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// Where its clock hangs.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// What holidays do to it.
    pub fn holidays(&self) -> &Holidays {
        &self.holidays
    }

    /// Dates after a moment, in their order, those that are left out among them.
    pub fn dates<'a>(
        &'a self,
        calendars: &'a Calendars,
        after: DateTime<Utc>,
    ) -> impl Iterator<Item = Dated> + 'a {
        let (from, until) = (after - TimeDelta::days(MOVED_AT_MOST + 2), after + HORIZON);
        let mut before: Option<NaiveDate> = None;
        let days = Cron::from_str(&self.days).ok().into_iter();
        days.flat_map(move |days| days.iter_after(from))
            .take_while(move |midnight| *midnight < until)
            .filter_map(move |midnight| {
                let wanted = midnight.date_naive();
                let dated = Dated { wanted, fate: self.fate(calendars, wanted, &mut before)? };
                let at = match &dated.fate {
                    Fate::Runs { due, .. } => due.at,
                    Fate::Skipped { .. } => self.moment(wanted)?,
                };
                (at > after).then_some(dated)
            })
    }

    /// The first moment after another at which a plan is due.
    pub fn next(&self, calendars: &Calendars, after: DateTime<Utc>) -> Option<Due> {
        self.dates(calendars, after).find_map(|dated| match dated.fate {
            Fate::Runs { due, .. } => Some(due),
            Fate::Skipped { .. } => None,
        })
    }

    /// Whether the calendars that count say anything of a day; beyond them only weekends are known.
    pub fn is_covered(&self, calendars: &Calendars, day: NaiveDate) -> bool {
        self.holidays.rule == HolidayRule::Ignore
            || self.holidays.currencies.iter().all(|currency| calendars.covers(*currency, day))
    }

    /// Why nothing is due any more on a date that once was, by calendars that name it closed since. What would have come
    /// before it is past by then: it stays.
    pub fn closed_since(&self, calendars: &Calendars, date: NaiveDate) -> Option<String> {
        self.closed(calendars, date).filter(|_| self.holidays.rule != HolidayRule::Before)
    }

    fn fate(&self, calendars: &Calendars, wanted: NaiveDate, before: &mut Option<NaiveDate>) -> Option<Fate> {
        let good = |day: &NaiveDate| self.closed(calendars, *day).is_none();
        let closed = self.closed(calendars, wanted);
        let days = || 1..=MOVED_AT_MOST;
        let date = match (&closed, self.holidays.rule) {
            (None, _) | (_, HolidayRule::Ignore) => Some(wanted),
            (_, HolidayRule::Skip) => None,
            (_, HolidayRule::Before) => days().map(|by| wanted - TimeDelta::days(by)).find(good),
            (_, HolidayRule::After) => days().map(|by| wanted + TimeDelta::days(by)).find(good),
        };
        let Some(date) = date else {
            let why = closed.unwrap_or_default();
            return Some(Fate::Skipped { why });
        };
        if before.is_some_and(|before| before >= date) {
            let why = format!("another plan of this schedule is due on {date} already");
            return Some(Fate::Skipped { why });
        }
        *before = Some(date);
        let moved = closed.filter(|_| date != wanted);
        Some(Fate::Runs { due: Due { date, at: self.moment(date)? }, moved })
    }

    /// Why payments do not run on a day.
    fn closed(&self, calendars: &Calendars, day: NaiveDate) -> Option<String> {
        if self.holidays.rule == HolidayRule::Ignore {
            return None;
        }
        let closed = self.holidays.currencies.iter().find(|currency| !calendars.is_good(**currency, day))?;
        Some(match day.weekday() {
            Weekday::Sat | Weekday::Sun => format!("{day} is a weekend day in {closed}"),
            _ => format!("{day} is a holiday in {closed}"),
        })
    }

    fn moment(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let wanted = day.and_time(self.time);
        let found = match self.zone.from_local_datetime(&wanted) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at),
            LocalResult::None => (1..=GAP_MINUTES).find_map(|minute| {
                self.zone.from_local_datetime(&(wanted + TimeDelta::minutes(minute))).earliest()
            }),
        };
        found.map(|at| at.with_timezone(&Utc))
    }
}

fn one(field: &'static str, text: &str, most: u32) -> Result<u32, TimingError> {
    let refused = || TimingError::NotOneMoment { field, text: text.to_owned(), most };
    let digits = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most).ok_or_else(refused)
}

/// The zone that is written most like a text that is none.
fn nearly(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase().replace(' ', "_");
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        levenshtein(&name, &lower).min(levenshtein(&city(&name), &city(&lower)) + 1)
    };
    let nearest = TZ_VARIANTS.iter().map(|zone| (distance(zone.name()), zone.name())).min()?;
    (text.len() > 3 && nearest.0 <= 3).then_some(nearest.1)
}

impl TryFrom<Written> for Timing {
    type Error = TimingError;

    fn try_from(written: Written) -> Result<Timing, TimingError> {
        Timing::new(&written.cron, &written.zone, written.holidays)
    }
}

impl From<Timing> for Written {
    fn from(timing: Timing) -> Written {
        let zone = timing.zone.name().to_owned();
        Written { cron: timing.cron, zone, holidays: timing.holidays }
    }
}

#[cfg(test)]
mod tests;
