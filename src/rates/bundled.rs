//! The sets that are compiled in: `config/fx/`. See the sources and licences in its README.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use fx_providers::{Code, Kind, Quoted, RateSet, Schedule, ecb, recorded};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::publish::{evidence, publication};
use super::series::Series;
use super::snapshot::Peg;
use super::{RatesError, archive};
use crate::money::{Currency, Rate};

const CC0: &str = include_str!("../../config/fx/cc0-rates.csv");
const PEGS: &str = include_str!("../../config/fx/pegs.toml");

/// When the file was read from its source (2026-09-29, 12:00 UTC).
const CC0_FETCHED_AT: i64 = 1_790_683_200;

/// The CC0 set's name in answers; it answers only where no other reference source has a currency.
pub(super) const CC0_NAME: &str = "fawazahmed0";

/// By rank: the ECB, then the CC0 set.
pub(super) fn series() -> Result<Vec<Series>, RatesError> {
    let mut ecb = Series::empty(ecb::NAME, true);
    ecb.insert(Arc::new(archive::newest()?));
    let fetched_at = DateTime::from_timestamp(CC0_FETCHED_AT, 0).unwrap_or_default();
    let refuse = |why: String| RatesError::Bundled { file: "cc0-rates.csv", why };
    let sets = recorded::read(CC0, fetched_at, cc0_set).map_err(|error| refuse(error.to_string()))?;
    let proof: Arc<str> = evidence(CC0.as_bytes()).into();
    let mut cc0 = Series::empty(CC0_NAME, false);
    let published = sets.iter().filter_map(|set| publication(set, proof.clone()));
    published.for_each(|publication| cc0.insert(Arc::new(publication)));
    Ok(vec![ecb, cc0])
}

/// Published every morning by 10:00 UTC with the values of the evening before; weekends repeat Friday.
fn cc0_set(date: NaiveDate, rates: BTreeMap<Code, Decimal>, fetched_at: DateTime<Utc>) -> RateSet {
    let morning = |date: NaiveDate| date.and_hms_opt(10, 0, 0).unwrap_or_default().and_utc();
    RateSet {
        provider: CC0_NAME,
        base: Code::EUR,
        quoted: Quoted::UnitsPerBase,
        as_of: date.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc(),
        published_at: morning(date),
        fetched_at,
        kind: Kind::Reference,
        schedule: Schedule::NextAt(morning(date + Days::new(1))),
        rates,
    }
}

/// The pegs; each keeps the hash of the file as its evidence.
pub(super) fn pegs() -> Result<Vec<Peg>, RatesError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        peg: Vec<Row>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        currency: Currency,
        anchor: Currency,
        rate: String,
        #[expect(dead_code, reason = "read so that no peg stands without its authority")]
        authority: String,
    }
    let refuse = |why: String| RatesError::Bundled { file: "pegs.toml", why };
    let file: File = toml::from_str(PEGS).map_err(|error| refuse(error.to_string()))?;
    let proof: Arc<str> = evidence(PEGS.as_bytes()).into();
    file.peg
        .into_iter()
        .map(|row| {
            let factor = Rate::parse(row.anchor, row.currency, &row.rate)?;
            Ok(Peg { factor, evidence: proof.clone() })
        })
        .collect()
}
