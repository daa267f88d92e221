//! What a fresh reference has to say about running sources. It is a day old at most and nobody deals at it, so that it
//! cannot answer for them; but three that lie alike are a majority of five, and it knows better.

use super::{Hearing, Observation, QUORUM, Standing};
use super::{beyond, looks_like};
use crate::domain::fx::RateKind;

impl Hearing<'_> {
    /// The first ranked fresh reference.
    fn reference(&self) -> Option<&Observation> {
        let fresh = self.open(RateKind::Reference).into_iter().map(|index| &self.observations[index]);
        fresh.into_iter().find(|reference| !reference.fills_gaps)
    }

    /// Whether a number is further from a reference than the currency moves in the time between them, and what is
    /// allowed.
    fn strays(&self, index: usize, reference: &Observation) -> (bool, u32) {
        let limit_bps = self.bench.class.jump_within(self.observations[index].as_of - reference.as_of);
        (reference.value.is_some_and(|value| beyond(self.value(index), value, limit_bps)), limit_bps)
    }

    /// The running sources without those that a fresh reference and as many of them speak against.
    pub(super) fn stand_by_reference(&mut self, running: &[usize]) -> Vec<usize> {
        let Some(reference) = self.reference().cloned() else { return running.to_vec() };
        let (far, near): (Vec<usize>, Vec<usize>) =
            running.iter().partition(|&&index| self.strays(index, &reference).0);
        // Itself is one voice: with it there are as many as it takes to reject anybody.
        if running.len() + 1 < QUORUM || near.is_empty() || near.len() + 1 < far.len() {
            return running.to_vec();
        }
        for index in far {
            let limit_bps = self.strays(index, &reference).1;
            let near_to = reference.value.unwrap_or_default();
            let looks_like = looks_like(self.value(index), near_to, self.bench.class.alarm_bps);
            self.standings[index] = Standing::Outvoted { limit_bps, looks_like };
        }
        near
    }

    /// Of four or more fresh references, those that are too far from most of the others lose their vote.
    pub(super) fn elect_references(&mut self) {
        let voices = self.open(RateKind::Reference);
        self.outvote_strangers(&voices);
    }

    /// Of four or more voices about one time, those lose their vote that are too far from the largest camp, where that is
    /// at least half of them and no other is as large.
    pub(super) fn outvote_strangers(&mut self, voices: &[usize]) {
        if voices.len() < QUORUM {
            return;
        }
        let near = |one: usize, other: usize| !self.apart(one, other).0;
        let company = |one: usize| voices.iter().filter(|&&other| near(one, other)).count();
        let largest = voices.iter().map(|&one| company(one)).max().unwrap_or(0);
        let leads = |one: usize| company(one) == largest;
        let Some(middle) = voices.iter().copied().find(|&one| leads(one)) else { return };
        let most = |one: usize| 2 * company(one) > voices.len();
        // Two halves that stand against one another prove nothing.
        let one_camp = || voices.iter().all(|&one| !leads(one) || near(one, middle));
        if !most(middle) && (2 * largest < voices.len() || !one_camp()) {
            return;
        }
        let stranger = |one: &usize| !leads(*one) && !most(*one) && !near(*one, middle);
        for index in voices.iter().copied().filter(stranger).collect::<Vec<_>>() {
            let limit_bps = self.apart(index, middle).1;
            let looks_like = looks_like(self.value(index), self.value(middle), self.bench.class.alarm_bps);
            self.standings[index] = Standing::Outvoted { limit_bps, looks_like };
        }
    }

    /// Whether two numbers are further from each other than honest ones are that were drawn with this time between them,
    /// and what is allowed.
    pub(super) fn apart(&self, one: usize, other: usize) -> (bool, u32) {
        let [first, second] = [one, other].map(|index| self.observations[index].as_of);
        let limit_bps = self.bench.class.reference_within(first, second);
        (beyond(self.value(one), self.value(other), limit_bps), limit_bps)
    }

    /// Fresh references too far from the reference that answers: too few to say who is wrong, but somebody should look.
    pub(super) fn alarm_among_references(&mut self, answering: usize) {
        if self.observations[answering].kind != RateKind::Reference || !self.observations[answering].fresh {
            return;
        }
        for index in self.open(RateKind::Reference) {
            if let (true, limit_bps) = self.apart(index, answering) {
                self.standings[index] = Standing::Disagrees { limit_bps };
            }
        }
    }

    /// Where the market left a fresh reference behind, or all running sources lie alike, somebody should look.
    pub(super) fn alarm_of_reference(&mut self, answering: usize) {
        if self.observations[answering].kind != RateKind::Mid {
            return;
        }
        let Some(reference) = self.reference() else { return };
        let (strays, limit_bps) = self.strays(answering, reference);
        let place = self.observations.iter().position(|one| one.rank == reference.rank);
        if let (true, Some(place)) = (strays, place) {
            self.standings[place] = Standing::Disagrees { limit_bps };
        }
    }
}

#[cfg(test)]
mod tests;
