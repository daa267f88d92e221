//! How the sources are doing: for `/v1/rates/sources`, readiness, metrics, `doctor` and the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::RateBook;
use super::breaker::Breaker;
use super::series::Series;
use super::snapshot::Snapshot;
use crate::domain::fx::RateKind;
use crate::domain::fx::consensus::{Standing, Verdict};
use crate::money::Currency;

/// How a source is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// The source.
    pub provider: String,
    /// Its place; 1 is the first.
    pub rank: usize,
    /// Whether it is asked over the network.
    pub live: bool,
    /// What its numbers claim to be, once there are some.
    pub kind: Option<RateKind>,
    /// The newest rates held of it, in market time.
    pub as_of: Option<DateTime<Utc>>,
    /// When they were read.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Whether newer ones should be there.
    pub stale: bool,
    /// Hash of the answer they came in.
    pub evidence: Option<String>,
    /// What went wrong at the last question, if it went wrong.
    pub error: Option<String>,
    /// When a question went wrong last, and how, whether or not others went well since.
    pub last_error: Option<(DateTime<Utc>, String)>,
    /// When it was asked last, when it answered last, when it is asked next.
    pub last_asked: Option<DateTime<Utc>>,
    /// When it answered last.
    pub last_answer: Option<DateTime<Utc>>,
    /// When it is asked next.
    pub next_ask: Option<DateTime<Utc>>,
    /// Its circuit breaker.
    pub breaker: Option<Breaker>,
    /// What it announces beside its rates.
    pub notices: Vec<String>,
    /// Currencies it has.
    pub offers: usize,
    /// Currencies whose accepted rate is its number.
    pub used: usize,
    /// Currencies where its number is not accepted, and why.
    pub outvoted: Vec<Outvoted>,
}

/// A number that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outvoted {
    /// The currency.
    pub currency: Currency,
    /// Its number: units for one of the pivot, divided once.
    pub value: Option<rust_decimal::Decimal>,
    /// What became of it, and how far it is from the accepted rate.
    pub verdict: Verdict,
}

impl RateBook {
    /// How every source is doing, by rank.
    pub fn report(&self) -> Vec<SourceReport> {
        let now = self.clock.now();
        let latest = self.latest();
        let book = self.book.load();
        let rows = book.series.iter().enumerate();
        rows.map(|(rank, series)| self.report_of(rank, series, &latest, now)).collect()
    }

    fn report_of(&self, rank: usize, series: &Series, latest: &Snapshot, now: DateTime<Utc>) -> SourceReport {
        let newest = series.newest();
        let live = self.live.iter().find(|live| live.name() == &*series.source);
        let state = live.map(|live| live.locked().clone());
        let judged = latest.judged_of(&series.source);
        let used = judged.iter().filter(|one| one.verdict.standing == Standing::Used).count();
        let offers = judged.len();
        SourceReport {
            provider: series.source.to_string(),
            rank: rank + 1,
            live: live.is_some(),
            kind: newest.map(|newest| newest.kind),
            as_of: newest.map(|newest| newest.as_of),
            fetched_at: newest.map(|newest| newest.fetched_at),
            stale: newest.is_none_or(|newest| self.freshness.stale(newest, now)),
            evidence: newest.map(|newest| newest.evidence.to_string()),
            error: state
                .as_ref()
                .filter(|state| state.failing)
                .and_then(|state| state.last_error.as_ref().map(|(_, error)| error.clone())),
            last_error: state.as_ref().and_then(|state| state.last_error.clone()),
            last_asked: state.as_ref().and_then(|state| state.last_asked),
            last_answer: state.as_ref().and_then(|state| state.last_answer),
            next_ask: state.as_ref().and_then(|state| state.next_ask),
            breaker: state.as_ref().map(|state| state.breaker),
            notices: state.map(|state| state.notices).unwrap_or_default(),
            offers,
            used,
            outvoted: judged.into_iter().filter(|one| is_trouble(one.verdict.standing)).collect(),
        }
    }
}

impl Snapshot {
    /// What became of a source's numbers, by currency.
    fn judged_of(&self, source: &str) -> Vec<Outvoted> {
        let of = |(currency, judged): (&Currency, &Vec<_>)| -> Option<Outvoted> {
            let judged: &Vec<(crate::domain::fx::consensus::Observation, Verdict)> = judged;
            let (observation, verdict) = judged.iter().find(|(one, _)| &*one.source == source)?;
            Some(Outvoted { currency: *currency, value: observation.value, verdict: *verdict })
        };
        self.verdicts.iter().filter_map(of).collect()
    }

    /// What is amiss, by source and kind of trouble: in how many currencies, and one of them.
    fn troubles(&self) -> BTreeMap<(Arc<str>, &'static str), (usize, Currency)> {
        let mut troubles = BTreeMap::new();
        for (currency, judged) in &self.verdicts {
            for (observation, verdict) in judged.iter().filter(|(_, verdict)| is_trouble(verdict.standing)) {
                let key = (observation.source.clone(), word(verdict.standing));
                troubles.entry(key).or_insert((0, *currency)).0 += 1;
            }
        }
        troubles
    }
}

/// The word for a standing, in answers and in the log.
pub fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Used => "used",
        Standing::Agreed => "agreed",
        Standing::Outranked => "outranked",
        Standing::Disagrees { .. } => "disagrees",
        Standing::Outvoted { .. } => "outvoted",
        Standing::HeldBack { .. } => "held_back",
        Standing::Frozen { .. } => "frozen",
        Standing::Stale => "stale",
        Standing::Refused => "refused",
    }
}

/// Whether somebody should hear of it. That a source is stale is said of the source as a whole.
fn is_trouble(standing: Standing) -> bool {
    !matches!(standing, Standing::Used | Standing::Agreed | Standing::Outranked | Standing::Stale)
}

/// Logs what is amiss in `after` and was not in `before`, and what is in order again: one line for each source.
pub(super) fn tell_changes(before: &Snapshot, after: &Snapshot) {
    let (old, new) = (before.troubles(), after.troubles());
    for ((source, what), (currencies, example)) in new.iter().filter(|(key, _)| !old.contains_key(key)) {
        tracing::warn!(%source, what, currencies, %example, "a source of rates is not believed");
    }
    for ((source, what), _) in old.iter().filter(|(key, _)| !new.contains_key(key)) {
        tracing::info!(%source, what, "a source of rates is believed again");
    }
}
