//! What old numbers have to say: of those who fell silent a while ago, who answers where nobody is fresh, and what they
//! know of the one who is.

use std::cmp::Reverse;

use chrono::TimeDelta;

use super::{Hearing, QUORUM, Standing, beyond, looks_like};
use crate::domain::fx::RateKind;

impl Hearing<'_> {
    /// Those who should have had a newer number, by rank.
    fn silent(&self) -> Vec<usize> {
        self.by_rank(|standing| standing == Standing::Stale)
    }

    fn by_rank(&self, wanted: impl Fn(Standing) -> bool) -> Vec<usize> {
        let all = 0..self.observations.len();
        let mut found: Vec<usize> = all.filter(|&index| wanted(self.standings[index])).collect();
        found.sort_by_key(|&index| self.observations[index].rank);
        found
    }

    /// Whether two numbers are of one day.
    pub(super) fn same_day(&self, one: usize, other: usize) -> bool {
        (self.observations[one].as_of - self.observations[other].as_of).abs() <= TimeDelta::days(1)
    }

    /// A fresh number that stands alone loses its vote where as many as it takes to reject anybody, itself counted, have
    /// fallen silent within a day of it, stand together and are all too far from it: that they are silent makes it no
    /// truer.
    pub(super) fn heed_the_silent(&mut self) {
        let alarm_bps = self.bench.class.alarm_bps;
        let fresh: Vec<usize> =
            [RateKind::Mid, RateKind::Reference].into_iter().flat_map(|kind| self.open(kind)).collect();
        for &index in &fresh {
            let seconds =
                |&other: &usize| other != index && !beyond(self.value(other), self.value(index), alarm_bps);
            if fresh.iter().any(seconds) {
                continue;
            }
            let of_the_day: Vec<usize> =
                self.silent().into_iter().filter(|&other| self.same_day(index, other)).collect();
            let beside = |one: usize| -> Vec<usize> {
                let near = |other: &usize| !beyond(self.value(*other), self.value(one), alarm_bps);
                of_the_day.iter().copied().filter(near).collect()
            };
            let together = of_the_day.iter().map(|&one| beside(one)).max_by_key(Vec::len).unwrap_or_default();
            // Two halves prove nothing: those who stand by it are counted with it.
            let for_it = |other: &usize| !beyond(self.value(*other), self.value(index), alarm_bps);
            if together.len() <= 1 + of_the_day.iter().filter(|other| for_it(other)).count() {
                continue;
            }
            let against = together.iter().all(|&one| self.apart(index, one).0);
            if let (Some(&one), true) = (together.first(), against && together.len() + 1 >= QUORUM) {
                let limit_bps = self.apart(index, one).1;
                let looks_like = looks_like(self.value(index), self.value(one), alarm_bps);
                self.standings[index] = Standing::Outvoted { limit_bps, looks_like };
            }
        }
    }

    /// With nobody fresh: of the old ones that are no older than what is known already, the one ranked first among those
    /// of the newest one's day, for a second more is no reason to believe a liar. Of four or more of a day, one that is
    /// held back among them, whoever most of them contradict is none of them.
    pub(super) fn newest_stale(&mut self) -> Option<usize> {
        let mut voices =
            self.by_rank(|standing| matches!(standing, Standing::Stale | Standing::HeldBack { .. }));
        let as_of = |index: &usize| self.observations[*index].as_of;
        let newest = voices.iter().copied().max_by_key(as_of)?;
        voices.retain(|&index| self.same_day(index, newest));
        self.outvote_strangers(&voices);

        let known = |index: &usize| self.bench.last.is_none_or(|last| as_of(index) >= last.as_of);
        let mut old: Vec<usize> = self.silent().into_iter().filter(known).collect();
        let newest = old.iter().copied().max_by_key(as_of)?;
        old.sort_by_key(|&index| {
            let own = &self.observations[index];
            // None sorts first.
            let before = (!self.same_day(index, newest)).then_some(Reverse(own.as_of));
            (own.fills_gaps, before, own.rank)
        });
        old.into_iter().find(|&index| self.jump(index).is_none())
    }

    /// The old numbers of the day that are too far from an old one that answers, or from what is known where none does.
    pub(super) fn alarm_among_silent(&mut self, accepted: Option<usize>) {
        let answering = accepted.map(|index| (self.value(index), self.observations[index].as_of));
        let Some((value, as_of)) = answering.or(self.bench.last.map(|last| (last.value, last.as_of))) else {
            return;
        };
        for index in self.silent() {
            let own = self.observations[index].as_of;
            let (between, limit_bps) = ((own - as_of).abs(), self.bench.class.reference_within(own, as_of));
            if between <= TimeDelta::days(1) && beyond(self.value(index), value, limit_bps) {
                self.standings[index] = Standing::Disagrees { limit_bps };
            }
        }
    }
}

#[cfg(test)]
mod tests;
