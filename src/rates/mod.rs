//! The rate book: sources, snapshot, cross rates, history.
//!
//! Reference sources are ranked, never averaged: the ECB for its currencies, the CC0 set only where the ECB has none,
//! a peg over both. All rates hang on one pivot (EUR) as published; a cross is one division at use. A snapshot never
//! changes: readers take it from an `ArcSwap`, so that a thousand prices of one answer rest on one set of rates and no
//! read ever waits for a source. Refreshing is a task of its own: a source that cannot be reached is reported, and the
//! last good set stays.
//!
//! | clock | decides |
//! |---|---|
//! | `as_of`, the market's | whether a reference rate is stale: its successor is overdue, or it is too old for any calendar |
//! | `fetched_at`, ours | whether a running source is stale: two of its intervals went by |

/// The sets that are compiled in.
mod bundled;
/// How long an answer stays what it is.
mod due;
/// Asking the live sources.
mod refresh;
/// One consistent set of rates.
mod snapshot;

use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use fx_providers::ecb::Ecb;
use fx_providers::http::Patience;
use fx_providers::{RateSource, SourceError};

use crate::clock::Clock;
use crate::domain::fx::{FxSettings, MarketRate, SourceName};
use crate::ids::IdSource;
use crate::money::Currency;

use refresh::Live;
pub use snapshot::Snapshot;
use snapshot::{Freshness, Peg, Series};

/// Why there is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatesError {
    /// No source has the currency, on that day.
    #[error("no source has a rate for {0}")]
    NoRate(Currency),
    /// Nobody knows tomorrow's rates.
    #[error("{0} has not come yet")]
    Future(NaiveDate),
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
    /// A source gave no rates; the last good ones stay.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// How a source is doing, for readiness, metrics and `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SourceReport {
    /// The provider.
    pub provider: String,
    /// Whether it is asked over the network.
    pub live: bool,
    /// The newest rates held of it, in market time.
    pub as_of: Option<DateTime<Utc>>,
    /// When they were read.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Whether newer ones should be there.
    pub stale: bool,
    /// What went wrong at the last question.
    pub error: Option<String>,
}

/// All rates the process knows.
#[derive(Debug)]
pub struct RateBook {
    book: ArcSwap<Book>,
    live: Vec<Live>,
    freshness: Freshness,
    clock: Clock,
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
    /// [`RatesError::Bundled`].
    pub fn open(settings: &FxSettings, clock: Clock, ids: IdSource) -> Result<RateBook, RatesError> {
        let mut live: Vec<Arc<dyn RateSource>> = Vec::new();
        if settings.sources.contains(&SourceName::Ecb) {
            live.push(Arc::new(match settings.ecb_base_url.as_deref().filter(|origin| !origin.is_empty()) {
                Some(origin) => Ecb::at(origin, Patience::default()),
                None => Ecb::new(),
            }));
        }
        RateBook::with_live(settings, live, clock, ids)
    }

    /// Opens the book with these live sources, in rank order, before what is compiled in.
    ///
    /// # Errors
    /// [`RatesError::Bundled`].
    pub fn with_live(
        settings: &FxSettings,
        live: Vec<Arc<dyn RateSource>>,
        clock: Clock,
        ids: IdSource,
    ) -> Result<RateBook, RatesError> {
        let bundled = settings.sources.contains(&SourceName::Bundled);
        let mut series = if bundled { bundled::series()? } else { Vec::new() };
        let unknown = |source: &&Arc<dyn RateSource>| series.iter().all(|own| own.provider != source.name());
        let fresh: Vec<Series> =
            live.iter().filter(unknown).map(|source| Series::empty(source.name())).collect();
        series.splice(0..0, fresh);
        let pegs: Arc<[Peg]> = bundled::pegs()?.into();
        let latest = Arc::new(Snapshot::build(ids.mint(), &series, &pegs, None)?);
        Ok(RateBook {
            book: ArcSwap::from_pointee(Book { series, pegs, latest }),
            live: live.into_iter().map(Live::new).collect(),
            freshness: Freshness::from(settings),
            clock,
            ids,
        })
    }

    /// The newest rates, as one set that does not change.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.book.load().latest.clone()
    }

    /// The newest rate of a pair.
    ///
    /// # Errors
    /// [`RatesError::NoRate`].
    pub fn mid(&self, base: Currency, quote: Currency) -> Result<MarketRate, RatesError> {
        self.latest().market(base, quote, self.clock.now(), self.freshness)
    }

    /// A pair of a snapshot taken before.
    ///
    /// # Errors
    /// [`RatesError::NoRate`].
    pub fn mid_of(
        &self,
        snapshot: &Snapshot,
        base: Currency,
        quote: Currency,
    ) -> Result<MarketRate, RatesError> {
        snapshot.market(base, quote, self.clock.now(), self.freshness)
    }

    /// The rates of a day: each source's last publication on or before it. Stale and age are as they were at that
    /// day's end.
    ///
    /// # Errors
    /// [`RatesError::Future`].
    pub fn on(&self, date: NaiveDate) -> Result<DayRates, RatesError> {
        let now = self.clock.now();
        if date > now.date_naive() {
            return Err(RatesError::Future(date));
        }
        let book = self.book.load();
        let snapshot = Arc::new(Snapshot::build(self.ids.mint(), &book.series, &book.pegs, Some(date))?);
        let end = (date + Days::new(1)).and_time(NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1);
        Ok(DayRates { snapshot, at: end.min(now), freshness: self.freshness })
    }

    /// The rates as they stand now, asked like those of a day.
    pub fn now(&self) -> DayRates {
        DayRates { snapshot: self.latest(), at: self.clock.now(), freshness: self.freshness }
    }

    /// How every source is doing.
    pub fn report(&self) -> Vec<SourceReport> {
        let now = self.clock.now();
        let book = self.book.load();
        let report = |series: &Series| {
            let newest = series.newest();
            let live = self.live.iter().find(|live| live.name() == series.provider);
            SourceReport {
                provider: series.provider.to_owned(),
                live: live.is_some(),
                as_of: newest.map(|published| published.set.as_of),
                fetched_at: newest.map(|published| published.set.fetched_at),
                stale: newest.is_none_or(|published| self.freshness.stale(&published.set, now)),
                error: live.and_then(Live::error),
            }
        };
        book.series.iter().map(report).collect()
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
        self.snapshot.market(base, quote, self.at, self.freshness)
    }

    /// Every currency that has a rate.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.snapshot.currencies()
    }
}

#[cfg(test)]
mod tests;
