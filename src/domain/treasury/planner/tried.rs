//! What prices leave open is tried out. A plan that departs from who would take what at the prices costs at least the
//! bound, what each departure adds by itself, and what each resource loses (idle money has a price too); so all sets of
//! departures that come to less than is missing are tried, and nothing else can be cheaper.
//!
//! Resource by resource, those that few departures touch first: once all that touch one are settled its loss is known,
//! and most sets end there.

use super::dual::{Scope, cheapest, reduced};
use super::problem::Problem;
use super::reach::Reach;

/// What trying has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// No plan within the scope costs less.
    pub at_least: i128,
    /// The cheapest one met, where it is below the goal.
    pub found: Option<(i128, Vec<usize>)>,
    /// How many were tried.
    pub tries: usize,
}

/// A departure: the place in the order of the first resource it touches, what it adds at the prices, whose, to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Departure {
    stage: usize,
    adds: i128,
    supplier: usize,
    choice: usize,
}

/// Fewer tries for each departure are not worth the tables.
const EACH: usize = 8;
/// So many departures at once at most.
const DEEPEST: usize = 200;
/// Halvings of what is missing.
const STEPS: u32 = 10;

struct Trial<'a> {
    problem: &'a Problem,
    scope: &'a Scope,
    prices: &'a [i128],
    order: Vec<usize>,
    departures: Vec<Departure>,
    /// Where each stage's departures begin, and the end.
    starts: Vec<usize>,
    /// What each stage's departures can make of its resource's use.
    reaches: Vec<Option<Reach>>,
    taken: Vec<usize>,
    departed: Vec<bool>,
    depth: usize,
    used: Vec<i64>,
    left: usize,
    lower: i128,
    within: i128,
    /// Sets come to less than this over the bound.
    limit: i128,
    best: i128,
    found: Option<Vec<usize>>,
}

/// Tries within `tries`; `lower` is the bound that the prices prove in the scope; plans dearer than `goal` less `within`
/// are of no interest.
pub fn try_out(
    problem: &Problem,
    scope: &Scope,
    prices: &[i128],
    lower: i128,
    goal: i128,
    within: i128,
    tries: usize,
) -> Tried {
    let missing = goal.saturating_sub(lower);
    let (mut departures, mut taken) = (Vec::new(), Vec::with_capacity(problem.suppliers.len()));
    for supplier in 0..problem.suppliers.len() {
        let (least, chosen) = cheapest(problem, scope, supplier, prices);
        taken.push(chosen);
        let others = scope.open(problem, supplier).filter(|(choice, _)| *choice != chosen);
        departures.extend(others.filter_map(|(choice, one)| {
            let adds = reduced(one, prices).saturating_sub(least);
            (adds < missing).then_some(Departure { stage: 0, adds, supplier, choice })
        }));
    }
    let order = order(problem, &taken, &departures);
    if tries < EACH * departures.len() {
        return Tried { at_least: lower, found: None, tries: 0 };
    }
    let mut stage_of = vec![0; order.len()];
    for (stage, resource) in order.iter().enumerate() {
        stage_of[*resource] = stage;
    }
    for one in &mut departures {
        let touched = touched(problem, &taken, one).map(|resource| stage_of[resource]);
        one.stage = touched.min().unwrap_or(order.len().saturating_sub(1));
    }
    departures.sort_unstable();
    let starts = (0..=order.len()).map(|stage| departures.partition_point(|one| one.stage < stage));
    let mut trial = Trial {
        problem,
        scope,
        prices,
        starts: starts.collect(),
        reaches: Vec::new(),
        order,
        departures,
        departed: vec![false; taken.len()],
        depth: 0,
        used: problem.used(&taken),
        taken,
        left: tries,
        lower,
        within,
        limit: 0,
        best: goal,
        found: None,
    };
    trial.reaches = (0..trial.order.len()).map(|stage| trial.reach(stage)).collect();
    let mut at_least = lower;
    for part in 0..=STEPS {
        // First whatever is cheaper than the goal, for a while: each one found leaves less to be tried. Then half of
        // what is missing, three quarters, …, so that trying that must end early has shown something.
        let missing = trial.best.saturating_sub(lower).saturating_sub(within).max(0);
        let room = if part == 0 { missing } else { missing - (missing >> part) };
        let before = trial.left;
        let share = if part == 0 { before / 2 } else { before / 3 };
        (trial.limit, trial.left) = (room, share);
        let all = trial.stage(0, 0);
        trial.left += before - share;
        if all {
            at_least = at_least.max(lower.saturating_add(room).min(trial.best.saturating_sub(within)));
        }
        if (part > 0 && !all) || at_least >= trial.best.saturating_sub(within) {
            break;
        }
    }
    let spent = tries - trial.left;
    let found = trial.found.map(|found| (trial.best, found));
    Tried { at_least, found, tries: spent }
}

/// The resources that a departure leaves or enters.
fn touched<'a>(
    problem: &'a Problem,
    taken: &[usize],
    one: &Departure,
) -> impl Iterator<Item = usize> + use<'a> {
    let choices = &problem.suppliers[one.supplier];
    let (from, to) = (&choices[taken[one.supplier]], &choices[one.choice]);
    from.uses.iter().chain(to.uses.iter()).map(|(resource, _)| *resource as usize)
}

/// Resources by how many departures touch them, few first.
fn order(problem: &Problem, taken: &[usize], departures: &[Departure]) -> Vec<usize> {
    let mut counts = vec![0_usize; problem.resources.len()];
    for resource in departures.iter().flat_map(|one| touched(problem, taken, one)) {
        counts[resource] += 1;
    }
    let mut order: Vec<usize> = (0..problem.resources.len()).collect();
    order.sort_by_key(|resource| (counts[*resource], *resource));
    order
}

impl Trial<'_> {
    /// Every set of departures of a stage and those behind it; false where the tries are used up. `spent`: what is lost
    /// and added so far.
    fn stage(&mut self, stage: usize, spent: i128) -> bool {
        if stage == self.order.len() {
            let total = self.lower.saturating_add(spent);
            if total < self.best {
                (self.best, self.found) = (total, Some(self.taken.clone()));
                // A cheaper plan leaves less to be tried.
                self.limit = self.limit.min(spent.saturating_sub(self.within).max(0));
            }
            return true;
        }
        self.sets(stage, self.starts[stage], spent)
    }

    fn sets(&mut self, stage: usize, from: usize, spent: i128) -> bool {
        let here = spent.saturating_add(self.loss(self.order[stage]));
        if here < self.limit && !self.stage(stage + 1, here) {
            return false;
        }
        for place in from..self.starts[stage + 1] {
            let one = self.departures[place];
            if !self.may(stage, place, spent) {
                break;
            }
            if spent.saturating_add(one.adds) >= self.limit {
                break;
            }
            if self.departed[one.supplier] {
                continue;
            }
            if self.left == 0 || self.depth == DEEPEST {
                return false;
            }
            (self.left, self.depth) = (self.left - 1, self.depth + 1);
            let before = self.taken[one.supplier];
            self.departed[one.supplier] = true;
            self.turn(one.supplier, one.choice);
            let whole = self.sets(stage, place + 1, spent + one.adds);
            self.turn(one.supplier, before);
            (self.departed[one.supplier], self.depth) = (false, self.depth - 1);
            if !whole {
                return false;
            }
        }
        true
    }

    /// A stage's table, where its resource is had in one way: then what it loses only grows to either side.
    fn reach(&self, stage: usize) -> Option<Reach> {
        let resource = self.order[stage];
        let (from, to) = self.scope.modes[resource];
        if from != to {
            return None;
        }
        let departures = &self.departures[self.starts[stage]..self.starts[stage + 1]];
        let moves = departures.iter().map(|one| {
            let choices = &self.problem.suppliers[one.supplier];
            let by =
                choices[one.choice].uses.of(resource) - choices[self.taken[one.supplier]].uses.of(resource);
            (one.adds, by)
        });
        let (_, supply) = self.problem.resources[resource].dual(self.prices[resource], (from, to));
        Reach::new(&moves.collect::<Vec<_>>(), self.used[resource] - supply, self.left)
    }

    /// Whether any set of a stage's departures from a place on, with one at least, could come to less than the limit.
    fn may(&self, stage: usize, place: usize, spent: i128) -> bool {
        let Some(reach) = &self.reaches[stage] else { return true };
        let resource = self.order[stage];
        let (own, modes) = (&self.problem.resources[resource], self.scope.modes[resource]);
        let (used, price) = (self.used[resource], self.prices[resource]);
        let (least, supply) = own.dual(price, modes);
        let loss = |shift: i64| {
            let used = used.saturating_add(shift);
            own.cost(used, modes).saturating_sub(price.saturating_mul(i128::from(used))).saturating_sub(least)
        };
        let aim = supply.saturating_sub(used);
        reach.allows(place - self.starts[stage], self.limit.saturating_sub(spent), aim, loss)
    }

    /// What a resource costs over what its price and the bound make of it.
    fn loss(&self, resource: usize) -> i128 {
        let (own, modes) = (&self.problem.resources[resource], self.scope.modes[resource]);
        let (used, price) = (self.used[resource], self.prices[resource]);
        let priced = price.saturating_mul(i128::from(used));
        own.cost(used, modes).saturating_sub(priced).saturating_sub(own.dual(price, modes).0)
    }

    fn turn(&mut self, supplier: usize, choice: usize) {
        let choices = &self.problem.suppliers[supplier];
        let (from, to) = (&choices[self.taken[supplier]], &choices[choice]);
        for (resource, amount) in from.uses.iter() {
            self.used[*resource as usize] -= amount;
        }
        for (resource, amount) in to.uses.iter() {
            self.used[*resource as usize] += amount;
        }
        self.taken[supplier] = choice;
    }
}
