//! A leaf that claims more than its prices prove: every set of departures from the cheapest ways that could cost less is
//! tried. What a set costs is the bound, what each departure adds, and what each resource then costs over its price;
//! resource by resource, so that most sets end early.

use crate::Refusal;
use crate::exact::{add, multiply};
use crate::ring::Ring;
use crate::tree::Leaf;
use crate::ways::{Numbers, Way};

/// Departures at once at most.
const DEEPEST: usize = 256;

/// What is open at a leaf.
pub struct Open<'a> {
    pub numbers: &'a Numbers,
    pub modes: &'a [(usize, usize)],
    /// Those whose costs are not priced above.
    pub resources: &'a [usize],
}

/// Departures that touch a resource and none that was settled before.
struct Stage<'a> {
    resource: usize,
    departures: Vec<(i128, usize, &'a Way)>,
    ring: Option<Ring>,
}

struct Trial<'a, 'b> {
    open: &'b Open<'a>,
    stages: Vec<Stage<'a>>,
    price: Vec<i128>,
    taken: Vec<&'a Way>,
    away: Vec<usize>,
    used: Vec<i128>,
    room: i128,
}

/// Refuses where any plan costs less than `at_least`.
pub fn try_all<'a>(open: &Open<'a>, leaf: Leaf<'a>, at_least: i128, tries: &mut u64) -> Result<(), Refusal> {
    let room = at_least - leaf.bound;
    let Leaf { price, taken, mut departures, .. } = leaf;
    departures.retain(|(adds, ..)| *adds < room);
    departures.sort_by_key(|(adds, member, way)| (*adds, *member, way.place));
    let mut used = vec![0_i128; price.len()];
    for (resource, amount) in taken.iter().flat_map(|way| &way.uses) {
        used[*resource] = add(used[*resource], *amount)?;
    }
    let touches = |(_, member, way): &(i128, usize, &Way), resource: usize| {
        way.of(resource) != 0 || taken[*member].of(resource) != 0
    };
    let mut order: Vec<(usize, usize)> = open
        .resources
        .iter()
        .map(|resource| (departures.iter().filter(|one| touches(one, *resource)).count(), *resource))
        .collect();
    order.sort_unstable();
    let mut stages = Vec::new();
    for (place, (_, resource)) in order.iter().enumerate() {
        let last = place + 1 == order.len();
        let (own, rest): (Vec<_>, Vec<_>) =
            departures.into_iter().partition(|one| last || touches(one, *resource));
        departures = rest;
        let (from, to) = open.modes[*resource];
        let ring = if from == to && own.len() >= 10 {
            let steps: Vec<(i128, i128)> = own
                .iter()
                .map(|(adds, member, way)| (*adds, way.of(*resource) - taken[*member].of(*resource)))
                .collect();
            let aim = open.numbers.supply[*resource].least((from, to), price[*resource])?.1;
            Some(Ring::new(&steps, aim - used[*resource]))
        } else {
            None
        };
        stages.push(Stage { resource: *resource, departures: own, ring });
    }
    if stages.is_empty() && !departures.is_empty() {
        return Err(Refusal::wrong("leaf", "nothing is shared, yet more is claimed than prices prove"));
    }
    let mut trial = Trial { open, stages, price, taken, away: Vec::new(), used, room };
    trial.stage(0, 0, tries)
}

impl Trial<'_, '_> {
    fn stage(&mut self, stage: usize, spent: i128, tries: &mut u64) -> Result<(), Refusal> {
        if stage == self.stages.len() {
            let what = format!("a plan is cheaper by {} than what is claimed", self.room - spent);
            return Err(Refusal::wrong("leaf", what));
        }
        self.sets(stage, 0, spent, tries)
    }

    fn sets(&mut self, stage: usize, from: usize, spent: i128, tries: &mut u64) -> Result<(), Refusal> {
        let resource = self.stages[stage].resource;
        if let Some(lost) = self.loss(resource, self.used[resource])? {
            let here = add(spent, lost)?;
            if here < self.room {
                self.stage(stage + 1, here, tries)?;
            }
        }
        for place in from..self.stages[stage].departures.len() {
            let (adds, member, way) = self.stages[stage].departures[place];
            if add(spent, adds)? >= self.room || !self.may(stage, place, spent)? {
                break;
            }
            if self.away.contains(&member) {
                continue;
            }
            if *tries == 0 || self.away.len() == DEEPEST {
                return Err(Refusal::wrong(
                    "leaf",
                    "more would have to be tried than any honest proof needs",
                ));
            }
            *tries -= 1;
            let before = self.taken[member];
            self.turn(before, way)?;
            (self.taken[member], self.away) = (way, {
                let mut away = std::mem::take(&mut self.away);
                away.push(member);
                away
            });
            self.sets(stage, place + 1, spent + adds, tries)?;
            self.away.pop();
            self.taken[member] = before;
            self.turn(way, before)?;
        }
        Ok(())
    }

    fn turn(&mut self, from: &Way, to: &Way) -> Result<(), Refusal> {
        for (resource, amount) in &from.uses {
            self.used[*resource] = add(self.used[*resource], -*amount)?;
        }
        for (resource, amount) in &to.uses {
            self.used[*resource] = add(self.used[*resource], *amount)?;
        }
        Ok(())
    }

    /// What a resource costs over its price and what the bound has of it; none where it cannot be had.
    fn loss(&self, resource: usize, used: i128) -> Result<Option<i128>, Refusal> {
        let (supply, modes) = (&self.open.numbers.supply[resource], self.open.modes[resource]);
        let Some(cost) = supply.cost(modes, used)? else { return Ok(None) };
        let price = self.price[resource];
        Ok(Some(add(add(cost, -multiply(price, used)?)?, -supply.least(modes, price)?.0)?))
    }

    fn may(&self, stage: usize, place: usize, spent: i128) -> Result<bool, Refusal> {
        let stage = &self.stages[stage];
        let Some(ring) = &stage.ring else { return Ok(true) };
        let resource = stage.resource;
        let (supply, used) = (&self.open.numbers.supply[resource], self.used[resource]);
        let aim = supply.least(self.open.modes[resource], self.price[resource])?.1 - used;
        // What cannot be computed is beyond any plan.
        let loss = |shift: i128| self.loss(resource, used + shift).ok().flatten();
        Ok(ring.may(place, self.room - spent, aim, loss))
    }
}
