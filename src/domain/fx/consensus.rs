//! What several sources together say of one currency, and what became of each of them.
//!
//! Pure: observations against the pivot in, one judgement out. Running (`mid`) sources come before references.
//!
//! | fresh running sources | who answers |
//! |---|---|
//! | four or more | the median; whoever is further from it than the class allows is outvoted, and the median is taken again |
//! | one to three | the one ranked first; another that differs raises an alarm, for among three nobody can be proved wrong |
//! | none | the reference source ranked first; references are never averaged |
//!
//! The median of an even number is that one of the two middle ones which more sources stand near to, else the better
//! ranked: the accepted rate is always a number that somebody published, with its evidence, and does not depend on the
//! order of the observations. The deviation that rejects is the upper of the two middle ones, so that more than half are
//! kept: but then two liars of four are kept with the honest two, however far off. Where at least half stand together
//! within the class's floor around the median, whoever stands further off than that floor, and in smaller company, is
//! outvoted as well; half are always kept.
//!
//! A rate that jumps further from the last accepted one than its class allows is held back until a second source agrees
//! or the source repeats it in a newer publication while nobody who published since stands by the last one; the next in
//! rank answers, else the last known good. A jump beyond `absurd_bps` (a unit error, an inverted pair) is never believed
//! on one source's word. A running source whose numbers stand still while two others move is frozen and has no vote. A
//! rate of zero has none either.
//!
//! A fresh reference is a voice against a majority of running sources that stands further from it than its class jumps:
//! with three or more of them, where the sources that stand by the reference and itself are at least as many, the others
//! are outvoted. Where all the market went, nobody stands by yesterday's reference, and the alarm is on the reference.
//! References are ranked and not averaged; but of four or more fresh ones, gap fillers among them, whoever stands further
//! from what most of them say than honest ones do that were drawn with that time between them is outvoted, and of fewer
//! those that stand further from the one that answers raise the alarm. Where nobody is fresh, the old ones are held
//! against one another in the same way before the newest of them answers.

/// How far two numbers are apart.
mod distance;
/// What old numbers have to say.
mod silent;
/// What is heard, and what becomes of it.
mod verdict;
/// A reference against a majority.
mod witness;

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{PairClass, RateKind};

pub use distance::{LooksLike, bps};
use distance::{beyond, looks_like};
pub use verdict::{Accepted, Held, Judgement, LastGood, Observation, Standing, Verdict};

/// Running sources needed to reject one.
pub const QUORUM: usize = 4;

/// What is judged by: the currency's class, what was accepted and held before, and the moment.
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// The limits.
    pub class: &'a PairClass,
    /// The rate accepted last, if any.
    pub last: Option<LastGood>,
    /// What was held back at the judgement before.
    pub held: &'a [Held],
    /// Now.
    pub now: DateTime<Utc>,
}

impl Bench<'_> {
    /// Judges one currency.
    pub fn judge(&self, observations: &[Observation]) -> Judgement {
        let mut hearing =
            Hearing { bench: self, observations, standings: vec![Standing::Outranked; observations.len()] };
        hearing.dismiss();
        hearing.heed_the_silent();
        let candidates = hearing.candidates();
        let accepted = hearing.first_believed(&candidates);
        let accepted = accepted.or_else(|| hearing.newest_stale());
        let reference = match accepted {
            Some(index) => {
                hearing.standings[index] = Standing::Used;
                observations[index].value
            }
            None => self.last.map(|last| last.value),
        };
        hearing.alarm(accepted, &candidates);
        let deviation = |observation: &Observation| bps(observation.value?, reference?);
        let verdicts = observations.iter().zip(&hearing.standings);
        let verdicts = verdicts.map(|(observation, standing)| Verdict {
            standing: *standing,
            deviation_bps: deviation(observation),
        });
        Judgement {
            verdicts: verdicts.collect(),
            accepted: match (accepted, self.last) {
                (Some(index), _) => Accepted::Source(index),
                (None, Some(_)) => Accepted::LastKnownGood,
                (None, None) => Accepted::Nothing,
            },
        }
    }
}

/// One judgement in the making.
struct Hearing<'a> {
    bench: &'a Bench<'a>,
    observations: &'a [Observation],
    standings: Vec<Standing>,
}

impl Hearing<'_> {
    /// Takes the vote from numbers that are none, that are old, or that stand still while two others move.
    fn dismiss(&mut self) {
        for (observation, standing) in self.observations.iter().zip(&mut self.standings) {
            match observation.value {
                Some(value) if value > Decimal::ZERO && value < Decimal::from(1_000_000_000_u32) => {
                    if !observation.fresh {
                        *standing = Standing::Stale;
                    }
                }
                _ => *standing = Standing::Refused,
            }
        }
        let running = self.open(RateKind::Mid);
        for &index in &running {
            let own = &self.observations[index];
            let patience = own.interval.unwrap_or_default() * self.intervals();
            let patience = patience.max(TimeDelta::hours(1));
            let moved =
                |other: &&usize| self.observations[**other].unchanged_since - own.unchanged_since >= patience;
            let still = self.bench.now - own.unchanged_since >= patience;
            if still && running.iter().filter(moved).count() >= 2 {
                self.standings[index] = Standing::Frozen { since: own.unchanged_since };
            }
        }
    }

    fn intervals(&self) -> i32 {
        i32::try_from(self.bench.class.frozen_intervals).unwrap_or(i32::MAX)
    }

    /// Sources of a kind that still have a vote, by rank.
    fn open(&self, kind: RateKind) -> Vec<usize> {
        let mut open: Vec<usize> = (0..self.observations.len())
            .filter(|&index| {
                self.observations[index].kind == kind && self.standings[index] == Standing::Outranked
            })
            .collect();
        open.sort_by_key(|&index| (self.observations[index].fills_gaps, self.observations[index].rank));
        open
    }

    /// Who may answer, best first.
    fn candidates(&mut self) -> Vec<usize> {
        let heard = self.open(RateKind::Mid);
        let mut running = self.stand_by_reference(&heard);
        if heard.len() >= QUORUM {
            running = self.elect(&running).into_iter().collect();
        }
        self.elect_references();
        let references = self.open(RateKind::Reference);
        // A gap filler is none where another reference source has the currency, be it old.
        let others = self.observations.iter().zip(&self.standings).any(|(other, standing)| {
            other.kind == RateKind::Reference && !other.fills_gaps && *standing != Standing::Refused
        });
        let fills = |index: &usize| !others || !self.observations[*index].fills_gaps;
        running.into_iter().chain(references.into_iter().filter(fills)).collect()
    }

    /// The median of four or more, without those that are too far from it.
    fn elect(&mut self, running: &[usize]) -> Option<usize> {
        let middle = self.middle(running)?;
        let center = self.value(middle);
        let mut deviations: Vec<Decimal> =
            running.iter().map(|&index| (self.value(index) - center).abs()).collect();
        deviations.sort_unstable();
        let deviation = deviations.get(deviations.len() / 2).copied()?;
        let class = self.bench.class;
        let by_deviation =
            bps(center + deviation * Decimal::from(class.mad_multiple), center).unwrap_or(i32::MAX);
        let limit_bps = class.floor_bps.max(u32::try_from(by_deviation).unwrap_or(0));
        let together = self.company(middle, running);
        let mut kept = Vec::with_capacity(running.len());
        for &index in running {
            let value = self.value(index);
            // Two that are wrong stretch what is usual among four; half of them standing together do not.
            let fewer = 2 * together >= running.len() && self.company(index, running) < together;
            let limit_bps = if fewer { class.floor_bps } else { limit_bps };
            if beyond(value, center, limit_bps) {
                let looks_like = looks_like(value, center, class.alarm_bps);
                self.standings[index] = Standing::Outvoted { limit_bps, looks_like };
            } else {
                self.standings[index] = Standing::Agreed;
                kept.push(index);
            }
        }
        self.middle(&kept)
    }

    /// How many stand within the class's floor around one, itself among them.
    fn company(&self, index: usize, among: &[usize]) -> usize {
        let (value, floor_bps) = (self.value(index), self.bench.class.floor_bps);
        among.iter().filter(|&&other| !beyond(self.value(other), value, floor_bps)).count()
    }

    /// The middle one; of two, the one in larger company, else the one ranked better.
    fn middle(&self, indices: &[usize]) -> Option<usize> {
        let mut sorted = indices.to_vec();
        sorted.sort_by_key(|&index| (self.value(index), self.observations[index].rank));
        let (upper, even) = (sorted.len() / 2, sorted.len().is_multiple_of(2));
        let lower = if even { upper.checked_sub(1)? } else { upper };
        [lower, upper]
            .into_iter()
            .filter_map(|place| sorted.get(place).copied())
            .min_by_key(|&index| (Reverse(self.company(index, indices)), self.observations[index].rank))
    }

    /// Only asked of observations that have one.
    fn value(&self, index: usize) -> Decimal {
        self.observations[index].value.unwrap_or_default()
    }

    /// The first candidate that does not jump, or whose jump is confirmed; the others before it are held back.
    fn first_believed(&mut self, candidates: &[usize]) -> Option<usize> {
        for &index in candidates {
            match self.jump(index) {
                None => return Some(index),
                Some(held) => self.standings[index] = held,
            }
        }
        None
    }

    /// Why an observation is not believed, if it is not.
    fn jump(&self, index: usize) -> Option<Standing> {
        let (class, last) = (self.bench.class, self.bench.last?);
        let (own, value) = (&self.observations[index], self.value(index));
        let limit_bps = class.jump_within(own.as_of - last.as_of);
        if !beyond(value, last.value, limit_bps) {
            return None;
        }
        let heard = |other: usize| {
            let standing = self.standings[other];
            let unheard = matches!(
                standing,
                Standing::Stale | Standing::Refused | Standing::Frozen { .. } | Standing::Outvoted { .. }
            );
            other != index && !unheard
        };
        let near = |other: usize, to: Decimal, within_bps: u32| {
            self.observations[other].value.is_some_and(|theirs| !beyond(theirs, to, within_bps))
        };
        let all = 0..self.observations.len();
        let seconded = all.clone().any(|other| heard(other) && near(other, value, class.alarm_bps));
        let before = self.bench.held.iter().find(|held| held.source == own.source);
        let before = before.filter(|held| !beyond(value, held.value, class.alarm_bps));
        let since = before.map_or(self.bench.now, |held| held.since);
        // Whoever has published since and stands by the last rate contradicts it, and so does who fell silent that day.
        let contradicted = all.clone().any(|other| {
            let theirs = self.observations[other].as_of;
            let silent = self.standings[other] == Standing::Stale && self.same_day(index, other);
            let speaks = (heard(other) && theirs > since) || (other != index && silent);
            speaks && near(other, last.value, class.jump_within(theirs - last.as_of))
        });
        let repeated = before.is_some_and(|held| {
            !contradicted
                && own.as_of > held.as_of
                && self.bench.now - since >= TimeDelta::minutes(i64::from(class.confirm_minutes))
                && !beyond(value, last.value, class.absurd_bps)
        });
        let looks_like = looks_like(value, last.value, class.alarm_bps);
        (!seconded && !repeated).then_some(Standing::HeldBack { limit_bps, since, looks_like })
    }

    /// Among two or three running sources, those that differ from the one that answers.
    fn alarm(&mut self, accepted: Option<usize>, candidates: &[usize]) {
        let Some(answering) = accepted.filter(|index| candidates.contains(index)) else {
            return self.alarm_among_silent(accepted);
        };
        let limit_bps = self.bench.class.alarm_bps;
        for index in self.open(RateKind::Mid) {
            self.standings[index] = match beyond(self.value(index), self.value(answering), limit_bps) {
                true => Standing::Disagrees { limit_bps },
                false => Standing::Agreed,
            };
        }
        self.alarm_of_reference(answering);
        self.alarm_among_references(answering);
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
