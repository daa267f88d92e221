//! What prices leave open is tried out. A plan that departs from who would take what at the prices costs at least the
//! bound and what each departure adds by itself; so all sets of departures that add less than is missing are tried, with
//! their exact cost, and nothing else can be cheaper.

use super::dual::{Scope, cheapest, open, reduced};
use super::problem::Problem;

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

/// A departure: what it adds at the prices, whose, to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Departure {
    adds: i128,
    supplier: usize,
    choice: usize,
}

/// So many departures at once at most.
const DEEPEST: usize = 200;

struct Trial<'a> {
    problem: &'a Problem,
    scope: &'a Scope,
    departures: Vec<Departure>,
    /// Who takes what, and what that uses and costs without resources.
    taken: Vec<usize>,
    departed: Vec<bool>,
    used: Vec<i64>,
    own: i128,
    /// A resource's cost at its use.
    each: Vec<i128>,
    left: usize,
    /// Departures of a set add less than this.
    limit: i128,
    lower: i128,
    best: i128,
    found: Option<Vec<usize>>,
}

/// Tries within `tries`; `lower` is the bound that the prices prove in the scope, `goal` a cost that need not be beaten
/// from above: plans of `goal` and dearer are of no interest.
pub fn try_out(
    problem: &Problem,
    scope: &Scope,
    prices: &[i128],
    lower: i128,
    goal: i128,
    tries: usize,
) -> Tried {
    let mut departures = Vec::new();
    let mut taken = Vec::with_capacity(problem.suppliers.len());
    for (supplier, (choices, allowed)) in problem.suppliers.iter().zip(&scope.allowed).enumerate() {
        let (least, chosen) = cheapest(choices, *allowed, prices);
        taken.push(chosen);
        let others = open(choices, *allowed).filter(|(choice, _)| *choice != chosen);
        departures.extend(others.filter_map(|(choice, one)| {
            let adds = reduced(one, prices).saturating_sub(least);
            (adds < goal.saturating_sub(lower)).then_some(Departure { adds, supplier, choice })
        }));
    }
    departures.sort_unstable();
    let used = problem.used(&taken);
    let own = problem.suppliers.iter().zip(&taken).map(|(choices, chosen)| choices[*chosen].cost).sum();
    let each = problem.resources.iter().zip(&used).zip(&scope.modes);
    let each = each.map(|((resource, used), modes)| resource.cost(*used, *modes)).collect();
    let departed = vec![false; problem.suppliers.len()];
    let mut trial = Trial {
        problem,
        scope,
        departures,
        taken,
        departed,
        used,
        own,
        each,
        left: tries,
        limit: 0,
        lower,
        best: goal,
        found: None,
    };
    trial.weigh();
    let mut at_least = lower;
    // Wider and wider, so that trying that must end early has shown something.
    let mut width = ((goal.saturating_sub(lower)) >> 6).max(1);
    while at_least < trial.best {
        let width_now = width.min(trial.best.saturating_sub(lower));
        trial.limit = width_now;
        if !trial.depart(0, 0, 0) {
            break;
        }
        at_least = lower.saturating_add(width_now).min(trial.best);
        width = width.saturating_mul(2);
    }
    let spent = tries - trial.left;
    Tried { at_least, found: trial.found.map(|found| (trial.best, found)), tries: spent }
}

impl Trial<'_> {
    /// Compares what is taken with the best.
    fn weigh(&mut self) {
        let total = self.each.iter().fold(self.own, |sum, cost| sum.saturating_add(*cost));
        if total < self.best {
            (self.best, self.found) = (total, Some(self.taken.clone()));
            // A cheaper plan leaves less to be tried.
            self.limit = self.limit.min(total.saturating_sub(self.lower));
        }
    }

    /// Every set that adds departures from `from` on to those of now; false where the tries are used up.
    fn depart(&mut self, from: usize, added: i128, depth: usize) -> bool {
        for place in from..self.departures.len() {
            let one = self.departures[place];
            if added.saturating_add(one.adds) >= self.limit {
                break;
            }
            if self.departed[one.supplier] {
                continue;
            }
            if self.left == 0 || depth == DEEPEST {
                return false;
            }
            self.left -= 1;
            let before = self.taken[one.supplier];
            self.departed[one.supplier] = true;
            self.turn(one.supplier, one.choice);
            self.weigh();
            let whole = self.depart(place + 1, added + one.adds, depth + 1);
            self.turn(one.supplier, before);
            self.departed[one.supplier] = false;
            if !whole {
                return false;
            }
        }
        true
    }

    fn turn(&mut self, supplier: usize, choice: usize) {
        let choices = &self.problem.suppliers[supplier];
        let (from, to) = (&choices[self.taken[supplier]], &choices[choice]);
        self.own += to.cost - from.cost;
        for (resource, amount) in from.uses.iter() {
            self.used[*resource as usize] -= amount;
        }
        for (resource, amount) in to.uses.iter() {
            self.used[*resource as usize] += amount;
        }
        for (resource, _) in from.uses.iter().chain(to.uses.iter()) {
            let resource = *resource as usize;
            self.each[resource] =
                self.problem.resources[resource].cost(self.used[resource], self.scope.modes[resource]);
        }
        self.taken[supplier] = choice;
    }
}
