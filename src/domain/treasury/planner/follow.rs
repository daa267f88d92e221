//! Prices of everything at once. Along single lines the bound stalls where two prices would have to move together; here all
//! move at once, each by what is used over what is supplied, by as much as would bring the bound to a known plan's cost were
//! it a plane (a subgradient's step by Polyak's rule), less wherever that gains nothing for a while.

use super::dual::{MOST, Scope, cheapest};
use super::problem::Problem;

/// Turns without a gain after which steps are halved.
const PATIENCE: usize = 12;
/// Halvings after which nothing more is to be had.
const HALVINGS: u32 = 9;

/// Raises the bound towards a plan's cost, in so many turns at most; prices are never left worse than they were.
pub fn follow(problem: &Problem, scope: &Scope, prices: &mut Vec<i128>, goal: i128, turns: usize) {
    let count = problem.resources.len();
    let mut at = prices.clone();
    let (mut best, mut idle, mut halved) = (i128::MIN, 0, 0_u32);
    let mut along = vec![0_i128; count];
    for _ in 0..turns {
        let (lower, over) = slope(problem, scope, &at);
        if lower > best {
            (best, idle) = (lower, 0);
            prices.clone_from(&at);
        } else {
            idle += 1;
            if idle == PATIENCE {
                (idle, halved) = (0, halved + 1);
                at.clone_from(prices);
                along.fill(0);
                continue;
            }
        }
        if best >= goal || halved > HALVINGS {
            break;
        }
        // What a price is moved by is in proportion to how large it is.
        let scale = |one: usize| problem.resources[one].step(prices[one]);
        let mut length = 0_i128;
        for (one, own) in along.iter_mut().enumerate() {
            // Some of the step before: it takes the edge off going to and fro.
            *own = i128::from(over[one]).saturating_mul(scale(one)).saturating_add(*own * 5 / 8);
            if at[one] == 0 && *own < 0 && problem.resources[one].counts().is_none() {
                *own = 0;
            }
            length = length.saturating_add(own.saturating_mul(*own));
        }
        if length == 0 || length == i128::MAX {
            break;
        }
        let missing = (goal - lower) >> halved;
        for (one, own) in along.iter().enumerate() {
            // Only money and batches are never rewarded.
            let least = if problem.resources[one].counts().is_some() { -MOST } else { 0 };
            let Some(by) = missing.checked_mul(*own) else { return };
            at[one] = at[one].saturating_add(by / (length / scale(one)).max(1)).clamp(least, MOST);
        }
    }
}

/// The bound, and by how much of each resource more is used than supplied there.
fn slope(problem: &Problem, scope: &Scope, prices: &[i128]) -> (i128, Vec<i64>) {
    let mut total = 0_i128;
    let mut over = vec![0_i64; prices.len()];
    for (one, resource) in problem.resources.iter().enumerate() {
        let (least, supply) = resource.dual(prices[one], scope.modes[one]);
        (total, over[one]) = (total.saturating_add(least), supply.saturating_neg());
    }
    for (supplier, choices) in problem.suppliers.iter().enumerate() {
        let (cost, choice) = cheapest(problem, scope, supplier, prices);
        total = total.saturating_add(cost);
        for (resource, amount) in choices[choice].uses.iter() {
            let over = &mut over[*resource as usize];
            *over = over.saturating_add(*amount);
        }
    }
    (total, over)
}
