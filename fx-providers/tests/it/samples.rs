//! A good answer of every source, in the shape its documentation gives, and when it was read.

use chrono::{DateTime, Utc};
use fx_providers::catalog::{ALL, Entry, find};

/// After all samples: the evening of Friday 2026-10-30.
pub const READ_AT: &str = "2026-10-30T20:00:00Z";

/// The key of every keyed source in these tests; `&` has to be escaped in a query.
pub const KEY: &str = "s3cr3t&key";

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Name, answer.
pub const SAMPLES: [(&str, &str); 13] = [
    ("ecb", include_str!("../../fixtures/ecb-eurofxref-hist-3days.xml")),
    ("frankfurter", include_str!("../../fixtures/frankfurter-v2-rates.json")),
    ("open-er-api", include_str!("../../fixtures/open-er-api-latest.json")),
    ("exchangerate-api", include_str!("../../fixtures/exchangerate-api-v6-latest.json")),
    ("fawazahmed0", include_str!("../../fixtures/fawazahmed0-usd-2026-09-29.min.json")),
    ("openexchangerates", include_str!("../../fixtures/openexchangerates-latest.json")),
    ("fixer", include_str!("../../fixtures/fixer-latest.json")),
    ("currencylayer", include_str!("../../fixtures/currencylayer-live.json")),
    ("wise", include_str!("../../fixtures/wise-rates.json")),
    ("currencybeacon", include_str!("../../fixtures/currencybeacon-latest.json")),
    ("bnm", include_str!("../../fixtures/bnm-session.json")),
    ("bot", include_str!("../../fixtures/bot-daily-average.json")),
    ("file", include_str!("../../fixtures/file-rates.csv")),
];

/// Every source of the catalogue with its sample.
pub fn all() -> impl Iterator<Item = (&'static Entry, &'static str)> {
    assert_eq!(SAMPLES.len(), ALL.len(), "a source without a sample");
    SAMPLES.iter().map(|(name, sample)| (find(name).unwrap(), *sample))
}
