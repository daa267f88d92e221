//! From what every source published to one snapshot: each currency judged, pegs last and over all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fx_providers::fawazahmed0;

use super::series::{Freshness, RECENT_DAYS, Series};
use super::snapshot::{Leg, Peg, REST, Snapshot, pivot};
use crate::domain::fx::consensus::{Accepted, Bench, Held, LastGood, Observation, Standing, Verdict};
use crate::domain::fx::{Due, Publication, Thresholds};
use crate::ids::RateSetId;
use crate::money::Currency;

/// Days that the last known good rate of a currency stands in although nobody offers it any more.
const CARRIED_DAYS: i64 = 14;

/// What is judged by.
pub(super) struct Judging<'a> {
    pub pegs: &'a [Peg],
    pub freshness: Freshness,
    pub thresholds: &'a Thresholds,
    /// Now, or the end of a past day.
    pub now: DateTime<Utc>,
    /// What was accepted before; a past day has nothing before it.
    pub previous: Option<&'a Snapshot>,
}

/// What a source says at the moment, by rank: of each currency its last word.
pub(super) struct Standpoint {
    /// Newest first.
    pub publications: Vec<Arc<Publication>>,
    pub unchanged_since: DateTime<Utc>,
}

impl Standpoint {
    /// Whether others were published for more than a week since: such a word answers only where nobody else does.
    fn has_paused(&self, publication: &Publication) -> bool {
        let newest = self.publications.first().map_or(publication.as_of, |newest| newest.as_of);
        newest - publication.as_of > TimeDelta::days(RECENT_DAYS)
    }

    /// The newest publication that has a currency.
    fn of(&self, currency: Currency) -> Option<&Arc<Publication>> {
        self.publications.iter().find(|publication| publication.from_base(currency).is_some())
    }
}

/// What a currency fixed to the pivot itself hangs on: no number is asked of it, only that rates are there at all.
fn pivot_leg(peg: &Peg, standing: &[Standpoint]) -> Option<Leg> {
    let mut published = standing.iter().flat_map(|one| &one.publications);
    let there = published.find(|publication| publication.base == pivot())?;
    let leg = Leg { publication: there.clone(), peg: None, held: false };
    (peg.factor.base() == pivot()).then_some(leg)
}

impl Judging<'_> {
    /// Builds the snapshot of what stands.
    pub fn snapshot(&self, id: RateSetId, standing: &[Standpoint]) -> Snapshot {
        let published = || standing.iter().flat_map(|one| &one.publications);
        let today = self.now.date_naive();
        let lives = |currency: &Currency| currency.last_day().is_none_or(|last| today <= last);
        let offered: BTreeSet<Currency> = published()
            .flat_map(|publication| publication.currencies())
            .filter(|currency| *currency != pivot() && lives(currency))
            .collect();
        let (mut legs, mut verdicts) = (BTreeMap::new(), BTreeMap::new());
        for currency in offered {
            let (leg, judged) = self.judge(currency, standing);
            verdicts.insert(currency, judged);
            leg.map(|leg| legs.insert(currency, leg));
        }
        for (currency, leg) in self.previous.iter().flat_map(|previous| &previous.legs) {
            let carried = self.now - leg.publication.as_of <= TimeDelta::days(CARRIED_DAYS);
            if carried && lives(currency) && leg.peg.is_none() && !legs.contains_key(currency) {
                legs.insert(*currency, Leg { held: true, ..leg.clone() });
            }
        }
        let holds = |peg: &&Peg| peg.since.is_none_or(|since| since <= today);
        for peg in self.pegs.iter().filter(holds) {
            let Some(anchor) = legs.get(&peg.factor.base()).cloned().or_else(|| pivot_leg(peg, standing))
            else {
                continue;
            };
            let leg = Leg { peg: Some(peg.clone()), ..anchor };
            legs.insert(peg.factor.quote(), leg);
            verdicts.remove(&peg.factor.quote());
        }
        let ends = published().map(|publication| self.freshness.good_until(publication));
        let until = ends.filter(|end| *end >= self.now).min().map(|end| end.max(self.now + REST));
        Snapshot { id, legs, verdicts, until }
    }

    fn judge(
        &self,
        currency: Currency,
        standing: &[Standpoint],
    ) -> (Option<Leg>, Vec<(Observation, Verdict)>) {
        let before =
            self.previous.and_then(|previous| previous.legs.get(&currency)).filter(|leg| leg.peg.is_none());
        let observed: Vec<(&Arc<Publication>, Observation)> = standing
            .iter()
            .enumerate()
            .filter_map(|(rank, one)| {
                let publication = one.of(currency)?;
                let mut observed = self.observe(currency, rank, publication, one.unchanged_since);
                observed.fills_gaps |= one.has_paused(publication);
                Some((publication, observed))
            })
            .collect();
        let observations: Vec<Observation> =
            observed.iter().map(|(_, observation)| observation.clone()).collect();
        let Some(class) = self.thresholds.of(currency) else { return (None, Vec::new()) };
        let held = self.previous.map(|previous| held(previous.judged(currency))).unwrap_or_default();
        let last = before.and_then(|leg| {
            let value = leg.quotient(currency)?.value()?;
            Some(LastGood { value, as_of: leg.publication.as_of })
        });
        let judgement = Bench { class, last, held: &held, now: self.now }.judge(&observations);
        let leg = match judgement.accepted {
            Accepted::Source(index) => observed.get(index).map(|(publication, _)| Leg {
                publication: (*publication).clone(),
                peg: None,
                held: false,
            }),
            Accepted::LastKnownGood => before.map(|leg| Leg { held: true, ..leg.clone() }),
            Accepted::Nothing => None,
        };
        (leg, observations.into_iter().zip(judgement.verdicts).collect())
    }

    fn observe(
        &self,
        currency: Currency,
        rank: usize,
        publication: &Publication,
        unchanged_since: DateTime<Utc>,
    ) -> Observation {
        Observation {
            source: publication.source.clone(),
            rank,
            kind: publication.kind,
            fills_gaps: &*publication.source == fawazahmed0::NAME,
            value: publication.from_pivot(pivot(), currency).and_then(|quotient| quotient.value()),
            as_of: publication.as_of,
            fresh: !self.freshness.stale(publication, self.now),
            unchanged_since,
            interval: match publication.due {
                Due::Every(interval) => Some(interval),
                Due::NextAt(_) => None,
            },
        }
    }
}

/// What stands now.
pub(super) fn newest(series: &[Series]) -> Vec<Standpoint> {
    let standpoint = |series: &Series| {
        let newest = series.newest()?;
        let unchanged_since = series.unchanged_since().unwrap_or(newest.fetched_at);
        // What is in memory: the archive is older.
        let publications = series.recent(newest.day()).unwrap_or_else(|_| vec![newest.clone()]);
        Some(Standpoint { publications, unchanged_since })
    };
    series.iter().filter_map(standpoint).collect()
}

/// What was held back at a judgement, for the next one.
fn held(judged: &[(Observation, Verdict)]) -> Vec<Held> {
    let held = |(observation, verdict): &(Observation, Verdict)| match verdict.standing {
        Standing::HeldBack { since, .. } => Some(Held {
            source: observation.source.clone(),
            value: observation.value?,
            as_of: observation.as_of,
            since,
        }),
        _ => None,
    };
    judged.iter().filter_map(held).collect()
}
