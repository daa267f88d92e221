//! A leaf that claims more than its prices prove: every set of departures from the cheapest ways that could cost less is
//! tried. What a set costs is the bound, what each departure adds, and what each resource then costs over its price;
//! resource by resource, so that most sets end early.

use crate::Refusal;
use crate::exact::{add, multiply};
use crate::ring::Sieve;
use crate::tree::Leaf;
use crate::ways::{Numbers, Supply, Way};

/// Departures at once at most.
const DEEPEST: usize = 256;

/// What is open at a leaf.
pub struct Open<'a> {
    pub numbers: &'a Numbers,
    pub modes: &'a [(usize, usize)],
    /// Those whose costs are not priced above.
    pub resources: &'a [usize],
}

/// A resource at the prices.
pub struct Priced<'a> {
    pub resource: usize,
    pub supply: &'a Supply,
    pub modes: (usize, usize),
    price: i128,
    /// What the bound has of it, and the supply where that is.
    pub least: (i128, i128),
}

impl<'a> Priced<'a> {
    pub fn new(open: &Open<'a>, resource: usize, price: i128) -> Result<Priced<'a>, Refusal> {
        let (supply, modes) = (&open.numbers.supply[resource], open.modes[resource]);
        Ok(Priced { resource, supply, modes, price, least: supply.least(modes, price)? })
    }

    /// What it costs over its price and what the bound has of it; none where it cannot be had.
    pub fn loss(&self, used: i128) -> Result<Option<i128>, Refusal> {
        let Some(cost) = self.supply.cost(self.modes, used)? else { return Ok(None) };
        Ok(Some(add(add(cost, -multiply(self.price, used)?)?, -self.least.0)?))
    }
}

/// Departures that touch a resource and none that was settled before.
struct Stage<'a> {
    own: Priced<'a>,
    departures: Vec<(i128, usize, &'a Way)>,
    sieve: Option<Sieve>,
}

struct Trial<'a> {
    stages: Vec<Stage<'a>>,
    /// What each member takes where it does not depart.
    taken: Vec<&'a Way>,
    away: Vec<bool>,
    depth: usize,
    used: Vec<i128>,
    room: i128,
}

/// Refuses where any plan costs less than `at_least`.
pub fn try_all<'a>(open: &Open<'a>, leaf: Leaf<'a>, at_least: i128, tries: &mut u64) -> Result<(), Refusal> {
    let room = add(at_least, -leaf.bound)?;
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
        let (departing, rest): (Vec<_>, Vec<_>) =
            departures.into_iter().partition(|one| last || touches(one, *resource));
        departures = rest;
        let own = Priced::new(open, *resource, price[*resource])?;
        // Had in one way only, what it loses grows to either side.
        let sieve = if own.modes.0 == own.modes.1 {
            let step = |(adds, member, way): &(i128, usize, &Way)| {
                Ok((*adds, add(way.of(*resource), -taken[*member].of(*resource))?))
            };
            let steps = departing.iter().map(step).collect::<Result<Vec<_>, Refusal>>()?;
            Sieve::new(steps, add(own.least.1, -used[*resource])?)
        } else {
            None
        };
        stages.push(Stage { own, departures: departing, sieve });
    }
    if stages.is_empty() && !departures.is_empty() {
        return Err(Refusal::wrong("leaf", "nothing is shared, yet more is claimed than prices prove"));
    }
    let away = vec![false; taken.len()];
    Trial { stages, taken, away, depth: 0, used, room }.stage(0, 0, tries)
}

impl Trial<'_> {
    fn stage(&mut self, stage: usize, spent: i128, tries: &mut u64) -> Result<(), Refusal> {
        if stage == self.stages.len() {
            let what = format!("a plan is cheaper by {} than what is claimed", self.room - spent);
            return Err(Refusal::wrong("leaf", what));
        }
        self.sets(stage, 0, spent, tries)
    }

    fn sets(&mut self, stage: usize, from: usize, spent: i128, tries: &mut u64) -> Result<(), Refusal> {
        let own = &self.stages[stage].own;
        if let Some(lost) = own.loss(self.used[own.resource])? {
            let here = add(spent, lost)?;
            if here < self.room {
                self.stage(stage + 1, here, tries)?;
            }
        }
        for place in from..self.stages[stage].departures.len() {
            let (adds, member, way) = self.stages[stage].departures[place];
            let spent_then = add(spent, adds)?;
            if spent_then >= self.room {
                break;
            }
            if self.away[member] {
                continue;
            }
            if !self.may(stage, place, spent)? {
                break;
            }
            if *tries == 0 || self.depth == DEEPEST {
                return Err(Refusal::wrong(
                    "leaf",
                    "more would have to be tried than any honest proof needs",
                ));
            }
            *tries -= 1;
            self.turn(self.taken[member], way)?;
            (self.away[member], self.depth) = (true, self.depth + 1);
            self.sets(stage, place + 1, spent_then, tries)?;
            (self.away[member], self.depth) = (false, self.depth - 1);
            self.turn(way, self.taken[member])?;
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

    /// Whether any set of a stage's departures from a place on could come to less than the room.
    fn may(&mut self, stage: usize, place: usize, spent: i128) -> Result<bool, Refusal> {
        let Stage { own, sieve, .. } = &mut self.stages[stage];
        let Some(sieve) = sieve else { return Ok(true) };
        let aim = add(own.least.1, -self.used[own.resource])?;
        // What cannot be computed is beyond any plan.
        let loss = |away: i128| own.loss(own.least.1.saturating_add(away)).ok().flatten();
        Ok(sieve.may(place, self.room - spent, aim, loss))
    }
}
