//! A pair's past: one rate for each day that was published, and how much it moved.
//!
//! Both legs of a day are of that day, and of one source where one has both: the source with the most days, the better
//! ranked among equals, so that a running source of last week does not stand in for the ECB's years. Where no source has
//! both, each leg comes from a source of its own and days that one of them lacks are left out: the hours between the two
//! publications are then in the moves, as they are in the rate that is quoted. A pegged currency has its anchor's history
//! times the peg.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;

use super::series::Series;
use super::snapshot::divided;
use super::{Book, RateBook};
use crate::domain::fx::{MarketRate, Move, Publication, Quotient, Volatility, VolatilitySettings};
use crate::money::{Currency, Rate};

/// In so many of a source's newest publications a pair must be.
const RECENT: usize = 22;

impl RateBook {
    /// The newest `days` days on or before `until` that have both legs, oldest first. Empty where a currency has no
    /// source, and within one currency.
    pub fn daily(
        &self,
        base: Currency,
        quote: Currency,
        until: NaiveDate,
        days: usize,
    ) -> Vec<(NaiveDate, Rate)> {
        if base == quote {
            return Vec::new();
        }
        let book = self.book.load();
        let of_one = |series: &Series| -> Vec<(NaiveDate, Rate)> {
            let day = |publication: Arc<Publication>| {
                let rate = cross(&book, (&publication, base), (&publication, quote))?;
                Some((publication.day(), rate))
            };
            // What a source gave up a month ago is no history of today's rate.
            let newest = series.until(until).take(RECENT).find_map(day);
            newest.map_or_else(Vec::new, |_| series.until(until).filter_map(day).take(days).collect())
        };
        let mut found: Vec<(NaiveDate, Rate)> = Vec::new();
        for series in &book.series {
            let own = of_one(series);
            if own.len() > found.len() {
                found = own;
            }
        }
        if found.is_empty() {
            found = of_two(&book, base, quote, until, days);
        }
        found.reverse();
        found
    }

    /// The last day on which one source has both legs of a pair: of a currency that is no more, or that its source gave up,
    /// years ago.
    pub fn last_day(&self, base: Currency, quote: Currency) -> Option<NaiveDate> {
        let book = self.book.load();
        let has = |day: &Arc<Publication>| cross(&book, (day, base), (day, quote)).is_some();
        let last = |series: &Series| series.until(NaiveDate::MAX).find(has).map(|last| last.day());
        book.series.iter().filter_map(last).max()
    }
}

/// Each leg of the best ranked source that has it, newest first.
fn of_two(
    book: &Book,
    base: Currency,
    quote: Currency,
    until: NaiveDate,
    days: usize,
) -> Vec<(NaiveDate, Rate)> {
    let source = |currency| {
        let gives = |series: &&Series| {
            let newest = series.on(until).ok().flatten();
            newest.is_some_and(|newest| leg(book, &newest, currency).is_some())
        };
        book.series.iter().find(gives)
    };
    let (Some(one), Some(other)) = (source(base), source(quote)) else { return Vec::new() };
    // Shorter histories are read whole, longer ones as far as the shorter reaches.
    let others: BTreeMap<NaiveDate, Arc<Publication>> = other
        .until(until)
        .take(days.saturating_mul(2))
        .map(|publication| (publication.day(), publication))
        .collect();
    let Some(first) = others.keys().next().copied() else { return Vec::new() };
    let day = |publication: Arc<Publication>| {
        let second = others.get(&publication.day())?;
        Some((publication.day(), cross(book, (&publication, base), (second, quote))?))
    };
    one.until(until).take_while(|publication| publication.day() >= first).filter_map(day).take(days).collect()
}

/// A pair from a leg of each publication: one division. Two publications meet at the pivot.
fn cross(book: &Book, base: (&Publication, Currency), quote: (&Publication, Currency)) -> Option<Rate> {
    let (down, up) = (leg(book, base.0, base.1)?, leg(book, quote.0, quote.1)?);
    Rate::try_new(base.1, quote.1, divided(down.inverse().times(up)?)?).ok()
}

/// The pivot in a currency.
fn leg(book: &Book, publication: &Publication, currency: Currency) -> Option<Quotient> {
    match book.pegs.iter().find(|peg| peg.factor.quote() == currency) {
        Some(peg) => {
            let anchor = publication.from_pivot(super::snapshot::pivot(), peg.factor.base())?;
            anchor.times(Quotient::whole(peg.factor.value()))
        }
        None => publication.from_pivot(super::snapshot::pivot(), currency),
    }
}

/// The volatility of each pair, measured once for each hour of market time that its rate is of.
#[derive(Debug)]
pub struct Volatilities {
    settings: VolatilitySettings,
    known: Mutex<HashMap<(Currency, Currency), Known>>,
}

/// What was measured, as of the hour of a rate's market time, and whether all history was at hand then.
type Known = ((i64, bool), Option<Volatility>);

impl Volatilities {
    /// None measured yet.
    pub fn new(settings: VolatilitySettings) -> Volatilities {
        Volatilities { settings, known: Mutex::default() }
    }

    /// Of a pair, from what was published up to the market time of its rate; `None` with too little history. The first
    /// question after a publication costs some hundred divisions, every later one a look-up.
    pub fn of(&self, rates: &RateBook, market: &MarketRate) -> Option<Volatility> {
        let pair = (market.rate.base(), market.rate.quote());
        if pair.0 == pair.1 {
            return None;
        }
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // To the hour: between a currency and its fixed anchor the market's time is the moment of asking.
        let until = (market.as_of.timestamp().div_euclid(3_600), rates.knows_the_past());
        let remembered = known().get(&pair).copied();
        if let Some((_, found)) = remembered.filter(|(of, _)| *of == until) {
            return found;
        }
        let days = usize::from(self.settings.history_moves) + 1;
        let history = rates.daily(pair.0, pair.1, market.as_of.date_naive(), days);
        let found = Volatility::of(&Move::all(&history), &self.settings);
        known().insert(pair, (until, found));
        found
    }
}
