//! A pair's past, and how much it moved: from the history that is compiled in.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use straits::clock::Clock;
use straits::domain::fx::VolatilitySettings;
use straits::ids::IdSource;
use straits::money::Currency;
use straits::rates::{RateBook, Volatilities};

use crate::prices::bundled;

fn book() -> RateBook {
    let clock = Clock::fixed("2026-10-30T17:00:00Z".parse().unwrap());
    RateBook::open(&bundled(), clock.clone(), IdSource::seeded(clock, 1)).unwrap()
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
    assert_eq!(daily("USD", "KES", "2026-10-30", 250).len(), 0, "no source has it");
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
}
