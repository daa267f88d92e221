//! The sets that are compiled in: `config/fx/`. See the sources and licences in its README.

use std::sync::Arc;

use chrono::DateTime;
use fx_providers::pegs::{self, PegTable};
use fx_providers::{Code, ecb, fawazahmed0, recorded};

use super::publish::{evidence, publication};
use super::series::Series;
use super::snapshot::Peg;
use super::{RatesError, archive};
use crate::money::{Currency, Rate};

const CC0: &str = include_str!("../../config/fx/cc0-rates.csv");
const PEGS: &str = include_str!("../../config/fx/pegs.toml");

/// When the file was read from its source (2026-09-29, 12:00 UTC).
const CC0_FETCHED_AT: i64 = 1_790_683_200;

/// By rank: the ECB, then the CC0 set, which answers only where no other reference source has a currency.
pub(super) fn series() -> Result<Vec<Series>, RatesError> {
    let mut ecb = Series::empty(ecb::NAME, true);
    ecb.insert(Arc::new(archive::newest()?));
    let fetched_at = DateTime::from_timestamp(CC0_FETCHED_AT, 0).unwrap_or_default();
    let refuse = |why: String| RatesError::Bundled { file: "cc0-rates.csv", why };
    let sets =
        recorded::read(CC0, fetched_at, fawazahmed0::rate_set).map_err(|error| refuse(error.to_string()))?;
    let proof: Arc<str> = evidence(CC0.as_bytes()).into();
    let mut cc0 = Series::empty(fawazahmed0::NAME, false);
    let published = sets.iter().filter_map(|set| publication(set, proof.clone()));
    published.for_each(|publication| cc0.insert(Arc::new(publication)));
    Ok(vec![ecb, cc0])
}

/// What the shipped reference rates make of every other currency in `to`, at mid; nothing for one that the ECB does not name.
///
/// # Errors
/// [`RatesError::Bundled`]; a test excludes it.
pub(super) fn into(to: Currency) -> Result<Vec<Rate>, RatesError> {
    let euro = archive::newest()?;
    let mut pivots = vec![Rate::identity(euro.base)];
    for (currency, value) in euro.rates.iter() {
        pivots.push(Rate::try_new(euro.base, *currency, *value)?);
    }
    let Some(target) = pivots.iter().copied().find(|pivot| pivot.quote() == to) else { return Ok(vec![]) };
    let others = pivots.into_iter().filter(|pivot| pivot.quote() != to);
    Ok(others.map(|pivot| Rate::cross(pivot, target)).collect::<Result<_, _>>()?)
}

/// The pegs; each keeps the hash of the file as its evidence.
pub(super) fn pegs() -> Result<Vec<Peg>, RatesError> {
    let refuse = |why: String| RatesError::Bundled { file: "pegs.toml", why };
    let table: PegTable = toml::from_str(PEGS).map_err(|error| refuse(error.to_string()))?;
    let proof: Arc<str> = evidence(PEGS.as_bytes()).into();
    let find = |code: Code| Currency::find(code.as_str()).map_err(|error| refuse(error.to_string()));
    let peg = |peg: &pegs::Peg| {
        let factor = Rate::try_new(find(peg.anchor)?, find(peg.currency)?, peg.rate)?;
        Ok(Peg { factor, since: peg.since, evidence: proof.clone() })
    };
    table.iter().map(peg).collect()
}
