//! Days that are good in two currencies, cut-offs, and the expected value date: expected, never promised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use serde::{Deserialize, Serialize};

use crate::money::Currency;

use super::route::Route;

/// The bank holidays of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Whose payment system closes.
    pub currency: Currency,
    /// The first day that the list covers.
    pub from: NaiveDate,
    /// The last one; later days are good by weekday only, and the plan says so.
    pub until: NaiveDate,
    /// Days without payments.
    pub holidays: BTreeSet<NaiveDate>,
    /// Weekend days on which payments run all the same (China's shifted days).
    #[serde(default)]
    pub working: BTreeSet<NaiveDate>,
    /// Where the days come from.
    pub source: String,
    /// `published`, `sample`, `unverified`.
    pub trust: String,
}

/// Calendars by currency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calendars {
    version: String,
    calendars: BTreeMap<Currency, Calendar>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(default)]
    calendar: Vec<Calendar>,
}

/// Calendars that are refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub struct CalendarError {
    /// The file.
    pub file: String,
    /// The calendar, the key and why.
    pub why: String,
}

/// When an item would be in the supplier's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueDate {
    /// The day on which the rail takes it.
    pub instructed: NaiveDate,
    /// The day on which it is expected to be there.
    pub value: NaiveDate,
    /// Whether both calendars cover these days.
    pub covered: bool,
}

static SHIPPED: LazyLock<Calendars> = LazyLock::new(|| {
    // A test proves that the compiled-in file reads.
    Calendars::read("config/holidays.toml", include_str!("../../../config/holidays.toml")).unwrap_or_default()
});

impl Calendars {
    /// The calendars compiled into the program.
    pub fn shipped() -> &'static Calendars {
        &SHIPPED
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn read(file: &str, text: &str) -> Result<Calendars, CalendarError> {
        let refuse = |why: String| CalendarError { file: file.to_owned(), why };
        let read: File = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let mut calendars = BTreeMap::new();
        for calendar in read.calendar {
            let currency = calendar.currency;
            let named = |key: &str, why: &str| refuse(format!("calendar {currency}, key `{key}`: {why}"));
            if calendar.until < calendar.from {
                return Err(named("until", "it ends before it begins"));
            }
            let within = |day: &&NaiveDate| **day < calendar.from || **day > calendar.until;
            if let Some(day) = calendar.holidays.iter().chain(&calendar.working).find(within) {
                return Err(named("holidays", &format!("{day} is outside from … until")));
            }
            if calendar.source.trim().is_empty() || calendar.trust.trim().is_empty() {
                return Err(named("source", "source and trust must not be empty"));
            }
            if calendars.insert(currency, calendar).is_some() {
                return Err(named("currency", "there are two calendars of it"));
            }
        }
        Ok(Calendars { version: read.version, calendars })
    }

    /// Printed on every plan.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether payments in a currency run on a day; a currency without a calendar closes on weekends only.
    pub fn is_good(&self, currency: Currency, day: NaiveDate) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        match self.calendars.get(&currency) {
            Some(calendar) => {
                !calendar.holidays.contains(&day) && (!weekend || calendar.working.contains(&day))
            }
            None => !weekend,
        }
    }

    /// Whether a currency's calendar says anything of a day.
    pub fn covers(&self, currency: Currency, day: NaiveDate) -> bool {
        self.calendars.get(&currency).is_some_and(|calendar| calendar.from <= day && day <= calendar.until)
    }

    /// The first day from `day` on that is good in both; `None` where a year has none.
    pub fn next_good(&self, pair: [Currency; 2], day: NaiveDate) -> Option<NaiveDate> {
        day.iter_days().take(366).find(|day| pair.iter().all(|currency| self.is_good(*currency, *day)))
    }

    /// When a route takes an item handed over at `now`, and when it is expected to be there: after the cut-off, on
    /// the next day; settling counts days good in both currencies.
    pub fn value_date(&self, route: &Route, now: DateTime<Utc>) -> Option<ValueDate> {
        let pair = [route.source_currency, route.target_currency];
        let local = now.with_timezone(&route.zone);
        let first = local.date_naive();
        let first = if local.time() > route.cut_off { first.succ_opt()? } else { first };
        let instructed = self.next_good(pair, first)?;
        let mut value = instructed;
        for _ in 0..route.days {
            value = self.next_good(pair, value.succ_opt()?)?;
        }
        let covered = pair.iter().all(|currency| self.covers(*currency, value));
        Some(ValueDate { instructed, value, covered })
    }
}
