//! From who would take what at some prices to a plan that can be carried out: moves, then exchanges of two, each only
//! where the exact total falls.

use super::dual::{Scope, reduced};
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
    let mut used = problem.used(assignment);
    let all: Vec<(usize, usize)> = problem.resources.iter().map(super::problem::Resource::all).collect();
    for _ in 0..rounds {
        let mut gained = false;
        for supplier in 0..assignment.len() {
            gained |= move_one(problem, scope, &all, assignment, &mut used, supplier);
        }
        if !gained && exchanges > 0 {
            exchanges -= 1;
            gained = exchange(problem, scope, prices, &all, assignment, &mut used);
        }
        if !gained {
            break;
        }
    }
}

/// What the total changes by when some uses go and others come.
fn change(problem: &Problem, all: &[(usize, usize)], used: &[i64], moves: &[(usize, i64)]) -> i128 {
    let mut total = 0_i128;
    for (place, (resource, _)) in moves.iter().enumerate() {
        if moves[..place].iter().any(|(earlier, _)| earlier == resource) {
            continue;
        }
        let by: i64 = moves.iter().filter(|(other, _)| other == resource).map(|(_, by)| by).sum();
        if by != 0 {
            let own = &problem.resources[*resource];
            let (before, after) = (used[*resource], used[*resource] + by);
            total = total.saturating_add(own.cost(after, all[*resource]) - own.cost(before, all[*resource]));
        }
    }
    total
}

fn moves(problem: &Problem, supplier: usize, from: usize, to: usize, into: &mut Vec<(usize, i64)>) -> i128 {
    let choices = &problem.suppliers[supplier];
    into.extend(choices[from].uses.iter().map(|(resource, amount)| (*resource, -amount)));
    into.extend(choices[to].uses.iter().copied());
    choices[to].cost - choices[from].cost
}

fn apply(used: &mut [i64], moves: &[(usize, i64)]) {
    for (resource, by) in moves {
        used[*resource] += by;
    }
}

fn move_one(
    problem: &Problem,
    scope: &Scope,
    all: &[(usize, usize)],
    assignment: &mut [usize],
    used: &mut [i64],
    supplier: usize,
) -> bool {
    let from = assignment[supplier];
    let (mut best, mut best_moves) = ((0_i128, from), Vec::new());
    for to in 0..problem.suppliers[supplier].len() {
        if to == from || scope.allowed[supplier] >> to & 1 == 0 {
            continue;
        }
        let mut steps = Vec::with_capacity(4);
        let own = moves(problem, supplier, from, to, &mut steps);
        let total = own.saturating_add(change(problem, all, used, &steps));
        if total < best.0 {
            (best, best_moves) = ((total, to), steps);
        }
    }
    apply(used, &best_moves);
    assignment[supplier] = best.1;
    best.0 < 0
}

/// About so many pairs are tried in one round.
const PAIRS: usize = 1_500_000;

/// Two suppliers change at once: one leaves what another enters.
fn exchange(
    problem: &Problem,
    scope: &Scope,
    prices: &[i128],
    all: &[(usize, usize)],
    assignment: &mut [usize],
    used: &mut [i64],
) -> bool {
    let mut gained = false;
    // What each supplier could do instead: the few cheapest at the prices.
    let few = if assignment.len() <= 24 { 64 } else { 3 };
    let ways = problem.suppliers.iter().zip(&scope.allowed).map(|(choices, allowed)| {
        let open = (0..choices.len()).filter(|to| allowed >> to & 1 == 1);
        let mut open: Vec<usize> = open.collect();
        open.sort_by_key(|to| (reduced(&choices[*to], prices), *to));
        open.truncate(few);
        open
    });
    let ways: Vec<Vec<usize>> = ways.collect();
    // Those that share money stand beside one another; in large problems only neighbours are tried.
    let mut order: Vec<usize> = (0..assignment.len()).collect();
    let group = |supplier: usize| problem.suppliers[supplier].first().and_then(|choice| choice.uses.first());
    order.sort_by_key(|supplier| (group(*supplier).map(|(resource, _)| *resource), *supplier));
    let window = (PAIRS / assignment.len().max(1)).max(8);
    for (place, one) in order.iter().enumerate() {
        let one = *one;
        for to_one in &ways[one] {
            if *to_one == assignment[one] {
                continue;
            }
            let mut first = Vec::with_capacity(8);
            let cost_one = moves(problem, one, assignment[one], *to_one, &mut first);
            if first.is_empty() {
                continue;
            }
            let mut done = false;
            for two in order[place + 1..].iter().take(window) {
                let two = *two;
                for to_two in &ways[two] {
                    if *to_two == assignment[two] {
                        continue;
                    }
                    let mut steps = first.clone();
                    let cost_two = moves(problem, two, assignment[two], *to_two, &mut steps);
                    let shared = steps[first.len()..]
                        .iter()
                        .any(|(other, _)| first.iter().any(|(own, _)| own == other));
                    if !shared {
                        continue;
                    }
                    let total = (cost_one + cost_two).saturating_add(change(problem, all, used, &steps));
                    if total < 0 {
                        apply(used, &steps);
                        (assignment[one], assignment[two]) = (*to_one, *to_two);
                        (gained, done) = (true, true);
                        break;
                    }
                }
                if done {
                    break;
                }
            }
            if done {
                break;
            }
        }
    }
    gained
}
