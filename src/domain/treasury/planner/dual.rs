//! Prices of scarce money and batch places, and the lower bound that they prove.
//!
//! With a price on each resource suppliers are independent: each takes its cheapest choice at those prices. Whatever
//! the prices, the sum is below every plan's cost; the best prices are found one by one, by bisection on whole numbers.

use super::problem::{Choice, Problem};

/// What a node of the search still allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Modes of each resource, from … to.
    pub modes: Vec<(usize, usize)>,
    /// Choices of each supplier, by bits.
    pub allowed: Vec<u64>,
}

impl Scope {
    pub fn whole(problem: &Problem) -> Scope {
        Scope {
            modes: problem.resources.iter().map(super::problem::Resource::all).collect(),
            allowed: problem.suppliers.iter().map(|choices| mask(choices.len())).collect(),
        }
    }
}

/// The first `count` bits.
pub fn mask(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// A choice's cost at prices.
pub fn reduced(choice: &Choice, prices: &[i128]) -> i128 {
    choice.uses.iter().fold(choice.cost, |cost, (resource, amount)| {
        cost.saturating_add(prices[*resource].saturating_mul(i128::from(*amount)))
    })
}

/// The cheapest allowed choice at prices; the first of equals.
pub fn cheapest(choices: &[Choice], allowed: u64, prices: &[i128]) -> (i128, usize) {
    let allowed = choices.iter().enumerate().filter(|(index, _)| allowed >> index & 1 == 1);
    allowed.map(|(index, choice)| (reduced(choice, prices), index)).min().unwrap_or((i128::MAX / 4, 0))
}

/// The bound, and who takes what at these prices.
pub fn bound(problem: &Problem, scope: &Scope, prices: &[i128]) -> (i128, Vec<usize>) {
    let mut total = 0_i128;
    let mut chosen = Vec::with_capacity(problem.suppliers.len());
    for (choices, allowed) in problem.suppliers.iter().zip(&scope.allowed) {
        let (cost, index) = cheapest(choices, *allowed, prices);
        total = total.saturating_add(cost);
        chosen.push(index);
    }
    for ((resource, modes), price) in problem.resources.iter().zip(&scope.modes).zip(prices) {
        total = total.saturating_add(resource.dual(*price, *modes).0);
    }
    (total, chosen)
}

/// Who uses which resource: made once per problem.
pub fn users(problem: &Problem) -> Vec<Vec<usize>> {
    let mut users = vec![Vec::new(); problem.resources.len()];
    for (supplier, choices) in problem.suppliers.iter().enumerate() {
        for choice in choices {
            for (resource, _) in &choice.uses {
                if users[*resource].last() != Some(&supplier) {
                    users[*resource].push(supplier);
                }
            }
        }
    }
    users
}

/// Raises the bound: each price in turn to where supply meets use, then all scarce money's together (where two accounts
/// are short neither price alone drives anybody out of both), until a round gains nothing.
pub fn ascend(problem: &Problem, users: &[Vec<usize>], scope: &Scope, prices: &mut Vec<i128>, rounds: usize) {
    if prices.is_empty() {
        return;
    }
    for _ in 0..rounds {
        let before = bound(problem, scope, prices).0;
        for resource in 0..prices.len() {
            prices[resource] = settle(problem, &users[resource], scope, prices, resource);
        }
        if prices.len() > 1 {
            together(problem, scope, prices);
        }
        if bound(problem, scope, prices).0 <= before {
            break;
        }
    }
}

/// Moves all prices by one step in proportion to their weights, up or down, as far as the bound rises.
fn together(problem: &Problem, scope: &Scope, prices: &mut Vec<i128>) {
    let moved = |step: i128| -> Vec<i128> {
        let each = problem.resources.iter().zip(prices.iter());
        each.map(|(resource, price)| (price + step.saturating_mul(resource.weight) / FINE).clamp(0, MOST))
            .collect()
    };
    let value = |step: i128| bound(problem, scope, &moved(step)).0;
    let here = value(0);
    let mut best = (here, 0_i128);
    for sign in [1_i128, -1] {
        let mut step = sign;
        // Steps of sixteen until the bound falls, then the top between the last three by thirds.
        let mut last = here;
        while step.abs() < FINE * FINE * FINE {
            let next = value(step);
            if next < last {
                break;
            }
            (last, step) = (next, step * 16);
        }
        let (mut low, mut high) = (step / 256, step);
        while (high - low).abs() > 2 {
            let third = (high - low) / 3;
            let (one, two) = (low + third, high - third);
            if third == 0 {
                break;
            }
            if value(one) < value(two) { low = one } else { high = two }
        }
        for step in [low, (low + high) / 2, high] {
            let reached = value(step);
            if reached > best.0 {
                best = (reached, step);
            }
        }
    }
    if best.1 != 0 {
        *prices = moved(best.1);
    }
}

/// A joint step is this part of a weight.
const FINE: i128 = 1_000_000;

/// Steps along what is overdrawn and what is left over, as long as they are while the goal (a plan's cost) is far and
/// shorter where they overshoot; keeps the best prices met.
pub fn step(problem: &Problem, scope: &Scope, prices: &mut Vec<i128>, goal: i128, steps: usize) {
    let mut at = prices.clone();
    let mut best = bound(problem, scope, prices).0;
    let (mut length, mut idle) = (LONGEST, 0);
    for _ in 0..steps {
        let (value, chosen) = bound(problem, scope, &at);
        if value > best {
            (best, idle) = (value, 0);
            prices.clone_from(&at);
        } else {
            idle += 1;
            if idle > 6 {
                (length, idle) = (length / 2, 0);
                at.clone_from(prices);
            }
        }
        let used = problem.used(&chosen);
        let over = problem.resources.iter().enumerate().map(|(index, resource)| {
            let supply = resource.dual(at[index], scope.modes[index]).1;
            let over = i128::from(used[index]) - i128::from(supply);
            // What is left over of what costs nothing pulls nowhere.
            if over < 0 && at[index] == 0 { 0 } else { (over * resource.weight) / 1_000_000_000 }
        });
        let over: Vec<i128> = over.collect();
        let square: i128 =
            over.iter().fold(0, |sum: i128, over| sum.saturating_add(over.saturating_mul(*over)));
        let missing = (goal - value).clamp(0, 1_000_000_000_000_000_000);
        if square == 0 || length == 0 || missing == 0 {
            break;
        }
        for (index, over) in over.iter().enumerate() {
            let weight = problem.resources[index].weight;
            let along = (missing / 1_000).saturating_mul(weight).saturating_mul(*over) / square.max(1);
            at[index] = (at[index] + along.saturating_mul(length) / LONGEST / 1_000_000).clamp(0, MOST);
        }
    }
}

/// Lengths of steps are parts of this.
const LONGEST: i128 = 1_024;

/// The best price of one resource, the others as they are.
fn settle(problem: &Problem, users: &[usize], scope: &Scope, prices: &[i128], resource: usize) -> i128 {
    let mut others = prices.to_vec();
    others[resource] = 0;
    // Per user: the cheapest way around, and the ways through, at the other prices.
    let mut lines: Vec<(i128, i64)> = Vec::new();
    let mut starts: Vec<usize> = Vec::with_capacity(users.len() + 1);
    for supplier in users {
        starts.push(lines.len());
        let mut around: Option<i128> = None;
        for (index, choice) in problem.suppliers[*supplier].iter().enumerate() {
            if scope.allowed[*supplier] >> index & 1 == 0 {
                continue;
            }
            let cost = reduced(choice, &others);
            match choice.uses.iter().find(|(used, _)| *used == resource) {
                Some((_, amount)) => lines.push((cost, *amount)),
                None => around = Some(around.map_or(cost, |least| least.min(cost))),
            }
        }
        lines.extend(around.map(|cost| (cost, 0)));
    }
    starts.push(lines.len());
    let (own, modes) = (&problem.resources[resource], scope.modes[resource]);
    let value = |price: i128| {
        let (mut total, mut used) = (0_i128, 0_i128);
        for range in starts.windows(2) {
            let ways = lines[range[0]..range[1]].iter();
            let least = ways.map(|(cost, amount)| {
                (cost.saturating_add(price.saturating_mul(i128::from(*amount))), *amount)
            });
            if let Some((cost, amount)) = least.min() {
                total = total.saturating_add(cost);
                used += i128::from(amount);
            }
        }
        let (dual, supply) = own.dual(price, modes);
        (total.saturating_add(dual), used > i128::from(supply))
    };
    if !value(0).1 {
        return 0;
    }
    let (mut low, mut high) = (0_i128, own.weight.max(1));
    while value(high).1 && high < MOST {
        (low, high) = (high, high.saturating_mul(16));
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if value(middle).1 { low = middle } else { high = middle }
    }
    if value(low).0 > value(high).0 { low } else { high }
}

/// No price is above this: at 10^14 minor units it stays within 128 bits.
const MOST: i128 = 100_000_000_000_000_000_000_000;
