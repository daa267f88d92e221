//! A pair's past: one rate for each day that was published, and how much it moved.
//!
//! Both legs of a day are of that day; a day that one of them lacks is left out. Where they come from two sources, as
//! USD/VND does, the hours between the two publications are in the moves, as they are in the rate that is quoted. A
//! pegged currency has its anchor's history times the peg.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use fx_providers::RateSet;

use super::snapshot::{Peg, Published, Series, pivot};
use super::{Book, RateBook};
use crate::domain::fx::{MarketRate, Move, Volatility, VolatilitySettings};
use crate::ids::RateSetId;
use crate::money::{Currency, Rate};

impl RateBook {
    /// The newest `days` days on or before `until` that have both legs, oldest first; each leg from the source that gives
    /// it now. Empty where a currency has no source, and within one currency.
    pub fn daily(
        &self,
        base: Currency,
        quote: Currency,
        until: NaiveDate,
        days: usize,
    ) -> Vec<(NaiveDate, Rate)> {
        let book = self.book.load();
        let source = |currency| {
            let gives = |series: &&Series| {
                series.until(until).next().is_some_and(|newest| leg(&book, &newest.set, currency).is_some())
            };
            book.series.iter().find(gives)
        };
        // The pivot is in every publication: the other leg decides which.
        let (one, other) = match (base == pivot(), quote == pivot()) {
            (true, _) => (source(quote), source(quote)),
            (_, true) => (source(base), source(base)),
            _ => (source(base), source(quote)),
        };
        let (Some(one), Some(other)) = (one.filter(|_| base != quote), other) else { return Vec::new() };
        let cross = |first: &Arc<Published>| {
            let day = first.set.as_of.date_naive();
            let second = if std::ptr::eq(one, other) { Some(first) } else { other.of(day) };
            let rate = Rate::cross(leg(&book, &first.set, base)?, leg(&book, &second?.set, quote)?);
            Some((day, rate.ok()?))
        };
        let mut found: Vec<(NaiveDate, Rate)> = one.until(until).filter_map(cross).take(days).collect();
        found.reverse();
        found
    }
}

/// The pivot in a currency.
fn leg(book: &Book, set: &RateSet, currency: Currency) -> Option<Rate> {
    if set.base.as_str() != pivot().code() {
        return None;
    }
    if currency == pivot() {
        return Some(Rate::identity(currency));
    }
    let published = |currency: Currency| {
        set.rates.iter().find_map(|(code, value)| (code.as_str() == currency.code()).then_some(*value))
    };
    let peg: Option<&Peg> = book.pegs.iter().find(|peg| peg.factor.quote() == currency);
    let value = match peg {
        Some(peg) if peg.factor.base() == pivot() => peg.factor.value(),
        Some(peg) => published(peg.factor.base())?.checked_mul(peg.factor.value())?,
        None => published(currency)?,
    };
    Rate::try_new(pivot(), currency, value).ok()
}

/// The volatility of each pair as of one snapshot, measured once.
#[derive(Debug)]
pub struct Volatilities {
    settings: VolatilitySettings,
    known: Mutex<Known>,
}

/// What was measured as of `snapshot`.
#[derive(Debug, Default)]
struct Known {
    snapshot: Option<RateSetId>,
    pairs: HashMap<(Currency, Currency), Option<Volatility>>,
}

impl Volatilities {
    /// None measured yet.
    pub fn new(settings: VolatilitySettings) -> Volatilities {
        Volatilities { settings, known: Mutex::default() }
    }

    /// Of a pair, from what was published up to the market time of its rate; `None` with too little history. The first
    /// question of a snapshot costs some two hundred divisions, every later one a look-up.
    pub fn of(&self, rates: &RateBook, market: &MarketRate) -> Option<Volatility> {
        let pair = (market.rate.base(), market.rate.quote());
        if let Some(found) = self.remembered(market.snapshot, pair) {
            return found;
        }
        let days = usize::from(self.settings.history_moves) + 1;
        let history = rates.daily(pair.0, pair.1, market.as_of.date_naive(), days);
        let found = Volatility::of(&Move::all(&history), &self.settings);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.snapshot == Some(market.snapshot) {
            known.pairs.insert(pair, found);
        }
        found
    }

    /// What is known as of a snapshot; a new one forgets the old.
    fn remembered(&self, snapshot: RateSetId, pair: (Currency, Currency)) -> Option<Option<Volatility>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.snapshot != Some(snapshot) {
            *known = Known { snapshot: Some(snapshot), pairs: HashMap::new() };
        }
        known.pairs.get(&pair).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::clock::Clock;
    use crate::domain::fx::{FxSettings, SourceName};
    use crate::ids::IdSource;

    fn book() -> RateBook {
        let clock = Clock::fixed("2026-10-30T17:00:00Z".parse().unwrap());
        let settings = FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() };
        RateBook::open(&settings, clock.clone(), IdSource::seeded(clock, 1)).unwrap()
    }

    fn daily(base: &str, quote: &str, until: &str, days: usize) -> BTreeMap<NaiveDate, String> {
        let (base, quote) = (Currency::find(base).unwrap(), Currency::find(quote).unwrap());
        let history = book().daily(base, quote, until.parse().unwrap(), days);
        assert!(history.windows(2).all(|pair| pair[0].0 < pair[1].0), "oldest first");
        history.into_iter().map(|(day, rate)| (day, rate.value().to_string())).collect()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_pairs_days_are_those_of_its_source_and_nothing_later() {
        let euro = daily("EUR", "USD", "2026-10-30", 3);
        assert_eq!(
            euro.keys().copied().collect::<Vec<_>>(),
            [day("2026-10-28"), day("2026-10-29"), day("2026-10-30")]
        );
        assert_eq!(euro[&day("2026-10-30")], "1.1172");
        // Easter has no rates; what is asked up to Easter Monday ends on Maundy Thursday.
        let easter = daily("EUR", "USD", "2026-04-06", 2);
        assert_eq!(easter.keys().last(), Some(&day("2026-04-02")));
        assert_eq!(daily("USD", "THB", "2026-10-30", 250).len(), 250);
        assert_eq!(daily("USD", "USD", "2026-10-30", 250).len(), 0);
        assert_eq!(daily("USD", "PKR", "2026-10-30", 250).len(), 0, "no source has it");
    }

    #[test]
    fn a_cross_is_one_division_and_a_peg_moves_with_its_anchor() {
        let cross = daily("USD", "THB", "2026-10-30", 1_000);
        assert_eq!(cross[&day("2026-10-30")], "33.7298603651987111");
        let (bnd, sgd) = (daily("USD", "BND", "2026-10-30", 30), daily("USD", "SGD", "2026-10-30", 30));
        assert_eq!(bnd, sgd);
        let fixed = daily("SGD", "BND", "2026-10-30", 30);
        assert!(fixed.len() == 30 && fixed.values().all(|rate| rate == "1"), "{fixed:?}");
    }

    #[test]
    fn two_sources_meet_on_days_that_both_have() {
        let (cross, dollars, dong) = (
            daily("USD", "VND", "2026-10-30", 1_000),
            daily("EUR", "USD", "2026-10-30", 1_000),
            daily("EUR", "VND", "2026-10-30", 1_000),
        );
        let common = dong.keys().filter(|day| dollars.contains_key(day)).count();
        assert!(common > 100 && cross.len() == common, "{common} {}", cross.len());
    }

    #[test]
    fn a_wild_pair_is_told_from_a_calm_one_and_measured_once() {
        let book = book();
        let volatilities = Volatilities::new(VolatilitySettings::default());
        let of = |base: &str, quote: &str| {
            let (base, quote) = (Currency::find(base).unwrap(), Currency::find(quote).unwrap());
            volatilities.of(&book, &book.mid(base, quote).unwrap())
        };
        let (calm, wild) = (of("USD", "HKD").unwrap(), of("USD", "JPY").unwrap());
        assert!(wild.sigma > 3 * calm.sigma, "{calm:?} {wild:?}");
        assert_eq!((calm.moves, calm.until), (250, day("2026-10-30")));
        assert_eq!(of("SGD", "BND").map(|peg| peg.sigma), Some(0));
        assert_eq!(of("USD", "USD"), None);
        assert_eq!(of("USD", "JPY"), Some(wild));
        assert_eq!(volatilities.known.lock().unwrap().pairs.len(), 4);
    }
}
