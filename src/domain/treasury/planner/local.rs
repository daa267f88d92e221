//! From who would take what at some prices to a plan that can be carried out: moves, then exchanges of two, each only
//! where the exact total falls, or where it stays and less is taken beyond what lies on the accounts.

use super::dual::{Scope, cheapest, reduced};
use super::problem::Problem;

/// Improves an assignment within a scope as long as single moves pay, and so many rounds of exchanges.
pub fn improve(
    problem: &Problem,
    scope: &Scope,
    prices: &[i128],
    assignment: &mut [usize],
    rounds: usize,
    mut exchanges: usize,
) {
    let ways = ways(problem, scope, prices);
    // Whoever is nearest to another way moves first.
    let mut order: Vec<usize> = (0..assignment.len()).filter(|one| ways[*one].1.len() > 1).collect();
    order.sort_by_key(|supplier| (ways[*supplier].0, *supplier));
    let mut search = Search { problem, used: problem.used(assignment), assignment };
    let pairs = if exchanges > 1 { PAIRS.0 } else { PAIRS.1 };
    for _ in 0..rounds {
        let mut gained = false;
        for supplier in &order {
            gained |= search.move_one(scope, *supplier);
        }
        if !gained && exchanges > 0 {
            exchanges -= 1;
            gained = search.exchange(&order, &ways, pairs);
        }
        if !gained {
            break;
        }
    }
}

/// Of plans that cost the same, one that asks for no more money while some lies idle.
pub fn settle(problem: &Problem, assignment: &mut [usize]) {
    let (scope, free) = (Scope::whole(problem), vec![0; problem.resources.len()]);
    let exchanges = if assignment.len() <= super::MIDDLE { 6 } else { 0 };
    improve(problem, &scope, &free, assignment, 12, exchanges);
}

/// How much dearer a supplier's second way is at the prices, and its few cheapest ways.
type Ways = (i128, Vec<usize>);

fn ways(problem: &Problem, scope: &Scope, prices: &[i128]) -> Vec<Ways> {
    let few = if problem.suppliers.len() <= 24 { 64 } else { 4 };
    let each = (0..problem.suppliers.len()).map(|supplier| {
        let (least, _) = cheapest(problem, scope, supplier, prices);
        let open = scope.open(problem, supplier);
        let priced = open.map(|(to, choice)| (reduced(choice, prices) - least, to));
        let mut priced: Vec<(i128, usize)> = priced.collect();
        priced.sort_unstable();
        priced.truncate(few);
        (priced.get(1).map_or(i128::MAX, |second| second.0), priced.into_iter().map(|(_, to)| to).collect())
    });
    each.collect()
}

/// What goes and what comes, resource by resource.
#[derive(Clone, Copy, Default)]
struct Steps {
    count: usize,
    each: [(u32, i64); 12],
}

impl Steps {
    fn add(&mut self, resource: u32, by: i64) {
        match self.each[..self.count].iter_mut().find(|(other, _)| *other == resource) {
            Some((_, sum)) => *sum += by,
            // Two suppliers leave and enter three resources each, at most.
            None if self.count < 12 => {
                self.each[self.count] = (resource, by);
                self.count += 1;
            }
            None => {}
        }
    }

    fn all(&self) -> &[(u32, i64)] {
        &self.each[..self.count]
    }
}

/// About so many pairs are tried in one round: of several, and of one alone.
const PAIRS: (usize, usize) = (500_000, 100_000);

struct Search<'a> {
    problem: &'a Problem,
    used: Vec<i64>,
    assignment: &'a mut [usize],
}

impl Search<'_> {
    /// Adds a change of one supplier to steps; tells its own cost.
    fn turn(&self, supplier: usize, to: usize, steps: &mut Steps) -> i128 {
        let choices = &self.problem.suppliers[supplier];
        let from = &choices[self.assignment[supplier]];
        for (resource, amount) in from.uses.iter() {
            steps.add(*resource, -amount);
        }
        for (resource, amount) in choices[to].uses.iter() {
            steps.add(*resource, *amount);
        }
        choices[to].cost - from.cost
    }

    /// What the resources' costs change by, and what is taken beyond what they hold.
    fn change(&self, steps: &Steps) -> (i128, i128) {
        let (mut total, mut beyond) = (0_i128, 0_i128);
        for (resource, by) in steps.all().iter().filter(|(_, by)| *by != 0) {
            let own = &self.problem.resources[*resource as usize];
            let before = self.used[*resource as usize];
            total = total
                .saturating_add(own.cost(before + by, own.all()).saturating_sub(own.cost(before, own.all())));
            beyond = beyond.saturating_add(own.beyond(before + by).saturating_sub(own.beyond(before)));
        }
        (total, beyond)
    }

    fn apply(&mut self, steps: &Steps) {
        for (resource, by) in steps.all() {
            self.used[*resource as usize] += by;
        }
    }

    fn move_one(&mut self, scope: &Scope, supplier: usize) -> bool {
        let from = self.assignment[supplier];
        let mut best = ((0_i128, 0_i128), from, Steps::default());
        for (to, _) in scope.open(self.problem, supplier) {
            if to == from {
                continue;
            }
            let mut steps = Steps::default();
            let own = self.turn(supplier, to, &mut steps);
            let (change, beyond) = self.change(&steps);
            let total = (own.saturating_add(change), beyond);
            if total < best.0 {
                best = (total, to, steps);
            }
        }
        self.apply(&best.2);
        self.assignment[supplier] = best.1;
        best.0 < (0, 0)
    }

    /// Two suppliers change at once: one leaves what another enters.
    fn exchange(&mut self, order: &[usize], ways: &[Ways], pairs: usize) -> bool {
        let mut gained = false;
        let window = (pairs / order.len().max(1)).max(8);
        for (place, one) in order.iter().enumerate() {
            let partners = &order[place + 1..];
            gained |= self.exchange_one(*one, &partners[..partners.len().min(window)], ways);
        }
        gained
    }

    fn exchange_one(&mut self, one: usize, partners: &[usize], ways: &[Ways]) -> bool {
        for to_one in ways[one].1.iter().filter(|to| **to != self.assignment[one]) {
            let mut first = Steps::default();
            let cost_one = self.turn(one, *to_one, &mut first);
            for two in partners {
                for to_two in ways[*two].1.iter().filter(|to| **to != self.assignment[*two]) {
                    let mut steps = first;
                    let cost_two = self.turn(*two, *to_two, &mut steps);
                    let (change, beyond) = self.change(&steps);
                    if ((cost_one + cost_two).saturating_add(change), beyond) < (0, 0) {
                        self.apply(&steps);
                        (self.assignment[one], self.assignment[*two]) = (*to_one, *to_two);
                        return true;
                    }
                }
            }
        }
        false
    }
}
