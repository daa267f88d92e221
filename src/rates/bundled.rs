//! The sets that are compiled in: `config/fx/`. See the sources and licences in its README.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use fx_providers::{Code, Kind, Quoted, RateSet, Schedule, ecb, recorded};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::RatesError;
use super::snapshot::{Peg, Published, Series, evidence};
use crate::money::{Currency, Rate};

const ECB: &str = include_str!("../../config/fx/ecb-rates-3y.csv");
const CC0: &str = include_str!("../../config/fx/cc0-rates.csv");
const PEGS: &str = include_str!("../../config/fx/pegs.toml");

/// When the files were read from their sources (2026-10-31 and 2026-09-29, 12:00 UTC).
const ECB_FETCHED_AT: i64 = 1_793_448_000;
const CC0_FETCHED_AT: i64 = 1_790_683_200;

/// The CC0 set's name in answers.
pub(super) const CC0_NAME: &str = "fawazahmed0";

/// By rank: the ECB, then the CC0 set.
pub(super) fn series() -> Result<Vec<Series>, RatesError> {
    Ok(vec![
        read(ecb::NAME, "ecb-rates-3y.csv", ECB, ECB_FETCHED_AT, ecb::rate_set)?,
        read(CC0_NAME, "cc0-rates.csv", CC0, CC0_FETCHED_AT, cc0_set)?,
    ])
}

fn read(
    provider: &'static str,
    file: &'static str,
    text: &str,
    fetched_at: i64,
    dating: recorded::Dating,
) -> Result<Series, RatesError> {
    let fetched_at = DateTime::from_timestamp(fetched_at, 0).unwrap_or_default();
    let sets = recorded::read(text, fetched_at, dating)
        .map_err(|error| RatesError::Bundled { file, why: error.to_string() })?;
    let proof: Arc<str> = evidence(text.as_bytes()).into();
    let published = |set| Arc::new(Published { set, evidence: proof.clone() });
    Ok(Series::new(provider, sets.into_iter().map(published)))
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
