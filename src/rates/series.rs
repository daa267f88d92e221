//! What one source has published, as far as this process knows it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::{RatesError, archive};
use crate::domain::fx::{Due, FxSettings, Publication, week};

/// How long what a source said of a currency stands, although it speaks of others since.
pub(super) const RECENT_DAYS: i64 = 7;

/// All publications of one source, the last of each day (UTC) of market time. Cheap to copy.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub source: Arc<str>,
    /// Whether the compiled-in history of the ECB stands behind it.
    archived: bool,
    days: Arc<BTreeMap<NaiveDate, Arc<Publication>>>,
    /// Since when the newest numbers are the same, by our clock.
    unchanged_since: Option<DateTime<Utc>>,
}

impl Series {
    pub fn empty(source: &str, archived: bool) -> Series {
        Series { source: source.into(), archived, days: Arc::default(), unchanged_since: None }
    }

    /// A day that is published again (a correction, a running source) replaces the first. One that is older than the
    /// newest fills a gap and changes nothing else.
    pub fn insert(&mut self, publication: Arc<Publication>) {
        let newest = self.newest();
        if newest.is_none_or(|newest| newest.as_of <= publication.as_of) {
            let same = newest.is_some_and(|newest| newest.same_numbers(&publication));
            if !same || self.unchanged_since.is_none() {
                self.unchanged_since = Some(publication.fetched_at);
            }
        }
        let held = self.days.get(&publication.day());
        if held.is_none_or(|held| held.as_of <= publication.as_of) {
            Arc::make_mut(&mut self.days).insert(publication.day(), publication);
        }
    }

    /// The newest answer was confirmed: the same numbers, read anew.
    pub fn confirm(&mut self, now: DateTime<Utc>) {
        if let Some(newest) = self.newest() {
            let again = Publication { fetched_at: now, ..Publication::clone(newest) };
            self.insert(Arc::new(again));
        }
    }

    pub fn newest(&self) -> Option<&Arc<Publication>> {
        self.days.last_key_value().map(|(_, publication)| publication)
    }

    /// What was published last on or before a day, and in the week before it, newest first: a source may date each
    /// currency by itself, so that the newest publication has not all of them.
    pub fn recent(&self, date: NaiveDate) -> Result<Vec<Arc<Publication>>, RatesError> {
        let Some(last) = self.on(date)? else { return Ok(Vec::new()) };
        let week = last.day() - TimeDelta::days(RECENT_DAYS)..last.day();
        let before = self.days.range(week).rev().map(|(_, publication)| publication.clone());
        Ok([last].into_iter().chain(before).collect())
    }

    /// The same for a day of the past, with each currency's last word of the compiled-in history, however long before: it
    /// may have paused for years.
    pub fn last_words(&self, date: NaiveDate) -> Result<Vec<Arc<Publication>>, RatesError> {
        let mut words = self.recent(date)?;
        if self.archived {
            let known: BTreeSet<NaiveDate> = words.iter().map(|word| word.day()).collect();
            let older = archive::last_words(date)?.into_iter().map(Arc::new);
            words.extend(older.filter(|word| !known.contains(&word.day())));
            words.sort_by_key(|word| Reverse(word.as_of));
        }
        Ok(words)
    }

    /// The day of the oldest publication.
    pub fn first_day(&self) -> Result<Option<NaiveDate>, RatesError> {
        let archived = if self.archived { archive::first_day()? } else { None };
        Ok(self.days.first_key_value().map(|(day, _)| *day).into_iter().chain(archived).min())
    }

    pub fn unchanged_since(&self) -> Option<DateTime<Utc>> {
        self.unchanged_since
    }

    /// Whether a publication says what is not known yet. Of a running source the first of each hour is news, so that a
    /// year of it can be kept.
    pub fn is_news(&self, publication: &Publication) -> bool {
        let known = self.on(publication.day()).ok().flatten();
        let Some(known) = known.filter(|known| known.day() == publication.day()) else { return true };
        let hour = |publication: &Publication| publication.as_of.timestamp().div_euclid(3_600);
        let settled = matches!(publication.due, Due::Every(_)) && hour(&known) == hour(publication);
        !settled && !known.same_numbers(publication)
    }

    /// Publications kept in the database, of whatever day; where a later one of the day is known, that stays.
    pub fn fill(&mut self, kept: impl IntoIterator<Item = Arc<Publication>>) {
        let days = Arc::make_mut(&mut self.days);
        for publication in kept {
            let day = publication.day();
            if days.get(&day).is_none_or(|held| held.as_of < publication.as_of) {
                days.insert(day, publication);
            }
        }
    }

    /// Publications on or before a day, newest first.
    pub fn until(&self, date: NaiveDate) -> impl Iterator<Item = Arc<Publication>> {
        let on = |day: NaiveDate| self.on(day).ok().flatten();
        std::iter::successors(on(date), move |later| on(later.day().pred_opt()?))
    }

    /// The last publication on or before a day.
    pub fn on(&self, date: NaiveDate) -> Result<Option<Arc<Publication>>, RatesError> {
        let held = self.days.range(..=date).next_back().map(|(_, publication)| publication.clone());
        if !self.archived || held.as_ref().is_some_and(|held| held.day() == date) {
            return Ok(held);
        }
        let archived = archive::on(date)?.map(Arc::new);
        Ok(match (held, archived) {
            (Some(held), Some(archived)) if held.day() < archived.day() => Some(archived),
            (held, archived) => held.or(archived),
        })
    }
}

/// Open market time that a running source's numbers may be old by their own word, at least: hourly ones are an hour and
/// what their publication takes.
const RUNNING_AGE: TimeDelta = TimeDelta::minutes(90);

/// When a rate counts as stale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    grace: TimeDelta,
    /// Calendar days after its own that a rate is good for.
    reference_max_age: Days,
    /// The least time that a running source's numbers stand.
    at_least: TimeDelta,
}

impl From<&FxSettings> for Freshness {
    fn from(settings: &FxSettings) -> Freshness {
        Freshness {
            grace: TimeDelta::hours(i64::from(settings.publication_grace_h)),
            reference_max_age: Days::new(u64::from(settings.reference_max_age_d)),
            at_least: TimeDelta::zero(),
        }
    }
}

impl Freshness {
    /// For a past day: what a running source said on it stands to its end, for not everything it said is kept.
    pub fn of_a_day(self) -> Freshness {
        Freshness { at_least: TimeDelta::days(1), ..self }
    }

    /// Whether newer numbers should have been there at `at`.
    pub fn stale(self, publication: &Publication, at: DateTime<Utc>) -> bool {
        at > self.good_until(publication)
    }

    /// The last moment at which they need not have been. The market's clock ends every rate at the age limit: a source
    /// that answers punctually with last week's numbers is old too. That limit is days of the calendar, to the end of the
    /// last (UTC): what is drawn at noon before Easter is followed in the afternoon of the fifth day, not at its noon. Before that a daily reference ends when its
    /// successor is overdue; a running source after two of its intervals, by our clock and by the market's, in which
    /// closed time does not count.
    pub fn good_until(self, publication: &Publication) -> DateTime<Utc> {
        let renewed = match publication.due {
            Due::NextAt(next) => next + self.grace,
            Due::Every(interval) => {
                let span = (interval * 2).max(self.at_least);
                let market = week::after_open(publication.as_of, span.max(RUNNING_AGE));
                (publication.fetched_at + span).min(market)
            }
        };
        let last = publication.as_of.date_naive() + self.reference_max_age;
        let end = (last + Days::new(1)).and_time(NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1);
        renewed.min(end)
    }
}
