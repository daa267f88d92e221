//! The rate book: sources, judgement, snapshot, cross rates, history.
//!
//! Every source has a task of its own, a pace, a circuit breaker and a last good answer. After each answer, and when
//! one goes stale, every currency is judged anew ([`consensus`](crate::domain::fx::consensus)) against the pivot (EUR)
//! and the result replaces the snapshot. A snapshot never changes: readers take it from an `ArcSwap`, so that a thousand
//! prices of one answer rest on one set of rates and no read ever waits for a source. A source that cannot be reached is
//! reported, and the last good set stays. A cross is one division at use.
//!
//! | clock | decides |
//! |---|---|
//! | `as_of`, the market's | whether a reference rate is stale: its successor is overdue, or it is too old for any calendar |
//! | `fetched_at`, ours | whether a running source is stale: two of its intervals went by |
//!
//! `moka` only makes several questions to one source into one; how long an answer stands is decided here.

/// The ECB's whole history, compiled in.
mod archive;
/// When a source is left alone.
mod breaker;
/// The sets that are compiled in.
mod bundled;
/// How long an answer stays what it is.
mod due;
/// A pair's past.
mod history;
/// From publications to a snapshot.
mod judging;
/// One live source.
mod live;
/// From what a source answers to our own words.
mod publish;
/// What is kept in the database.
mod record;
/// Asking the live sources.
mod refresh;
/// The sources of `fx-providers` by their names in the settings.
mod registry;
/// How the sources are doing.
mod report;
/// What one source has published.
mod series;
/// One consistent set of rates.
mod snapshot;
/// Whose turn it is to ask.
mod turns;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use fx_providers::{RateSource, SourceError};
use moka::future::Cache;

use crate::clock::Clock;
use crate::domain::fx::{FxSettings, MarketRate, Publication, SourceName, Thresholds, ThresholdsError};
use crate::ids::{BootId, IdSource};
use crate::money::{Currency, Rate};
use crate::store::{Store, StoreError};

pub use breaker::Breaker;
pub use history::Volatilities;
use judging::{Judging, Standpoint};
use live::Live;
pub use report::{Outvoted, SourceReport, word};
use series::{Freshness, Series};
use snapshot::Peg;
pub use snapshot::Snapshot;

/// The shipped reference rates of every other currency in `to`, at mid: what a far side reckons with.
///
/// # Errors
/// [`RatesError::Bundled`]; a test excludes it.
pub fn shipped_into(to: Currency) -> Result<Vec<Rate>, RatesError> {
    bundled::into(to)
}

/// Why there is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatesError {
    /// No source has the currency, on that day.
    #[error("no source has a rate for {0}")]
    NoRate(Currency),
    /// Nobody knows tomorrow's rates.
    #[error("{0} has not come yet")]
    Future(NaiveDate),
    /// A day before anything was published.
    #[error("there are no rates of {date}; the first are of {first}")]
    BeforeFirst {
        /// What was asked.
        date: NaiveDate,
        /// The first day that has any.
        first: NaiveDate,
    },
    /// A rate out of range.
    #[error(transparent)]
    Rate(#[from] crate::money::RateError),
    /// What is compiled in cannot be read; a test excludes it.
    #[error("the bundled {file} cannot be read: {why}")]
    Bundled {
        /// The file.
        file: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The thresholds that are compiled in cannot be read; a test excludes it.
    #[error(transparent)]
    Thresholds(#[from] ThresholdsError),
    /// A configured source cannot be opened.
    #[error("{why}: see [fx] of the settings, or leave `{name}` out of fx.sources")]
    Setup {
        /// Its name.
        name: &'static str,
        /// What it lacks, or does not take.
        why: String,
    },
    /// A source gave no rates; the last good ones stay.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The source failed too often and is not asked for a while.
    #[error("{0} failed too often and is left alone for a while")]
    LeftAlone(&'static str),
}

/// All rates the process knows.
#[derive(Debug)]
pub struct RateBook {
    book: ArcSwap<Book>,
    /// Held while the book is replaced, never over an await.
    pen: Mutex<()>,
    live: Vec<Live>,
    /// Questions under way, by source.
    flights: Cache<&'static str, Result<(), RatesError>>,
    freshness: Freshness,
    thresholds: Arc<Thresholds>,
    store: Option<Store>,
    /// Whether the first answers are still coming in.
    gathering: AtomicBool,
    /// Whether what was kept is at hand, all of it.
    recalled: AtomicBool,
    clock: Clock,
    /// This run, to the others' eyes.
    boot: BootId,
    ids: IdSource,
}

/// One state of the book; replaced as a whole.
#[derive(Debug)]
struct Book {
    /// By rank.
    series: Vec<Series>,
    pegs: Arc<[Peg]>,
    latest: Arc<Snapshot>,
}

impl RateBook {
    /// Opens the book with the configured sources. Reads what is compiled in, calls nobody.
    ///
    /// # Errors
    /// [`RatesError::Bundled`], [`RatesError::Thresholds`], [`RatesError::Setup`].
    pub fn open(settings: &FxSettings, clock: Clock, ids: IdSource) -> Result<RateBook, RatesError> {
        RateBook::with_live(settings, registry::sources(settings)?, clock, ids)
    }

    /// Opens the book with these live sources, in rank order, before what is compiled in.
    ///
    /// # Errors
    /// [`RatesError::Bundled`], [`RatesError::Thresholds`].
    pub fn with_live(
        settings: &FxSettings,
        live: Vec<Arc<dyn RateSource>>,
        clock: Clock,
        ids: IdSource,
    ) -> Result<RateBook, RatesError> {
        let mut bundled = match settings.sources.contains(&SourceName::Bundled) {
            true => bundled::series()?,
            false => Vec::new(),
        };
        let mut series: Vec<Series> = Vec::new();
        for source in &live {
            let own = bundled.iter().position(|series| &*series.source == source.name());
            series.push(own.map_or_else(|| Series::empty(source.name(), false), |own| bundled.remove(own)));
        }
        series.append(&mut bundled);
        let (pegs, freshness) = (Arc::<[Peg]>::from(bundled::pegs()?), Freshness::from(settings));
        let thresholds = settings.thresholds.clone().map_or_else(Thresholds::shipped, Ok)?;
        let judging =
            Judging { pegs: &pegs, freshness, thresholds: &thresholds, now: clock.now(), previous: None };
        let latest = Arc::new(judging.snapshot(ids.mint(), &judging::newest(&series)));
        Ok(RateBook {
            book: ArcSwap::from_pointee(Book { series, pegs, latest }),
            pen: Mutex::default(),
            live: live.into_iter().map(Live::new).collect(),
            flights: Cache::new(64),
            freshness,
            thresholds,
            store: None,
            gathering: AtomicBool::new(false),
            recalled: AtomicBool::new(false),
            clock,
            boot: ids.mint(),
            ids,
        })
    }

    /// Keeps what is published in a database, and knows again what it kept before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept_in(mut self, store: Store) -> Result<RateBook, StoreError> {
        self.store = Some(store);
        self.recall_recent().await?;
        Ok(self)
    }

    /// The newest rates, as one set that does not change.
    pub fn latest(&self) -> Arc<Snapshot> {
        let book = self.book.load();
        if !book.latest.is_overdue(self.clock.now()) {
            return book.latest.clone();
        }
        drop(book);
        // A source has gone stale since: judged in place, without asking anybody.
        self.judge_anew();
        self.book.load().latest.clone()
    }

    /// The newest rate of a pair.
    ///
    /// # Errors
    /// [`RatesError::NoRate`].
    pub fn mid(&self, base: Currency, quote: Currency) -> Result<MarketRate, RatesError> {
        self.mid_of(&self.latest(), base, quote)
    }

    /// A pair of a snapshot taken before. Where it is stale the sources are asked for newer ones, which nobody waits
    /// for.
    ///
    /// # Errors
    /// [`RatesError::NoRate`].
    pub fn mid_of(
        &self,
        snapshot: &Snapshot,
        base: Currency,
        quote: Currency,
    ) -> Result<MarketRate, RatesError> {
        let market = snapshot.market(base, quote, self.clock.now(), self.freshness)?;
        if market.stale {
            self.wish();
        }
        Ok(market)
    }

    /// The rates of a day: each source's last word of each currency on or before it, judged as they stood at that day's
    /// end; stale and age are as they were then. A currency that was no more on that day has none.
    ///
    /// # Errors
    /// [`RatesError::Future`], [`RatesError::BeforeFirst`].
    pub fn on(&self, date: NaiveDate) -> Result<DayRates, RatesError> {
        let now = self.clock.now();
        if date > now.date_naive() {
            return Err(RatesError::Future(date));
        }
        let end = (date + Days::new(1)).and_time(NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1);
        let at = end.min(now);
        let book = self.book.load();
        let mut standing = Vec::with_capacity(book.series.len());
        for series in &book.series {
            let publications = series.last_words(date)?;
            if !publications.is_empty() {
                standing.push(Standpoint { publications, unchanged_since: at });
            }
        }
        if standing.is_empty() {
            let firsts = book.series.iter().map(Series::first_day).collect::<Result<Vec<_>, _>>()?;
            if let Some(first) = firsts.into_iter().flatten().min() {
                return Err(RatesError::BeforeFirst { date, first });
            }
        }
        let (freshness, thresholds) = (self.freshness.of_a_day(), &*self.thresholds);
        let judging = Judging { pegs: &book.pegs, freshness, thresholds, now: at, previous: None };
        let snapshot = Arc::new(judging.snapshot(self.ids.mint(), &standing));
        Ok(DayRates { snapshot, at, freshness })
    }

    /// The rates as they stand now, asked like those of a day.
    pub fn now(&self) -> DayRates {
        DayRates { snapshot: self.latest(), at: self.clock.now(), freshness: self.freshness }
    }

    fn pen(&self) -> MutexGuard<'_, ()> {
        self.pen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newest(&self, source: &str) -> Option<Arc<Publication>> {
        let book = self.book.load();
        book.series.iter().find(|series| &*series.source == source).and_then(Series::newest).cloned()
    }

    /// Judges again what is there already.
    fn judge_anew(&self) {
        let _pen = self.pen();
        let series = self.book.load().series.clone();
        self.replace(series);
    }

    /// Takes publications of a source into the book, oldest first. Those that say something new come back.
    fn take_over(&self, source: &str, published: Vec<Arc<Publication>>) -> Vec<Arc<Publication>> {
        let _pen = self.pen();
        let mut series = self.book.load().series.clone();
        let mut news = Vec::new();
        if let Some(own) = series.iter_mut().find(|series| &*series.source == source) {
            for publication in published {
                if own.is_news(&publication) {
                    news.push(publication.clone());
                }
                own.insert(publication);
            }
        }
        self.replace(series);
        news
    }

    /// The newest answer of a source still stands.
    fn confirm(&self, source: &str, now: DateTime<Utc>) {
        let _pen = self.pen();
        let mut series = self.book.load().series.clone();
        series.iter_mut().filter(|series| &*series.source == source).for_each(|own| own.confirm(now));
        self.replace(series);
    }

    /// Judges every currency and puts the result in place of the book. Whoever calls holds the pen.
    fn replace(&self, series: Vec<Series>) {
        if self.gathering.load(Ordering::SeqCst) {
            let held = self.book.load_full();
            let (pegs, latest) = (held.pegs.clone(), held.latest.clone());
            return self.book.store(Arc::new(Book { series, pegs, latest }));
        }
        self.replace_as_of(series, self.clock.now());
    }

    fn replace_as_of(&self, series: Vec<Series>, now: DateTime<Utc>) {
        let held = self.book.load_full();
        let (freshness, thresholds) = (self.freshness, &*self.thresholds);
        let judging = Judging { pegs: &held.pegs, freshness, thresholds, now, previous: Some(&held.latest) };
        let latest = Arc::new(judging.snapshot(self.ids.mint(), &judging::newest(&series)));
        report::tell_changes(&held.latest, &latest);
        self.book.store(Arc::new(Book { series, pegs: held.pegs.clone(), latest }));
    }
}

/// The rates of one moment.
#[derive(Debug, Clone)]
pub struct DayRates {
    snapshot: Arc<Snapshot>,
    at: DateTime<Utc>,
    freshness: Freshness,
}

impl DayRates {
    /// A pair.
    ///
    /// # Errors
    /// [`RatesError::NoRate`].
    pub fn mid(&self, base: Currency, quote: Currency) -> Result<MarketRate, RatesError> {
        match [base, quote].into_iter().find(|currency| self.snapshot.has_paused(*currency)) {
            Some(paused) => Err(RatesError::NoRate(paused)),
            None => self.last_word(base, quote),
        }
    }

    /// The same of whatever was said last, years ago maybe: for whoever asks what was said, never to value anything by.
    ///
    /// # Errors
    /// [`RatesError::NoRate`].
    pub fn last_word(&self, base: Currency, quote: Currency) -> Result<MarketRate, RatesError> {
        self.snapshot.market(base, quote, self.at, self.freshness)
    }

    /// Every currency that has a rate, but for those whose source has spoken of others for more than a week since: a rate
    /// that is years old is for whoever asks for it by name.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.snapshot.currencies().filter(|currency| !self.snapshot.has_paused(*currency))
    }

    /// Whether newer numbers of a currency are there and not believed.
    pub fn is_held(&self, currency: Currency) -> bool {
        self.snapshot.is_held(currency)
    }
}

#[cfg(test)]
mod tests;
