//! Branch and bound: the node with the lowest bound first, branching on how a resource is had (which top-ups, how many
//! batches), then on single suppliers. What is left is the proof: a tree whose leaves cover every plan, each with the
//! prices that bound it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::dual::{Scope, ascend, bound, cheapest, reduced, step, users};
use super::local::improve;
use super::problem::Problem;

/// A node of the proof; children by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Modes up to `at`, and those above.
    Modes { resource: usize, at: usize, low: usize, high: usize },
    /// The supplier takes the choice, or does not.
    Choice { supplier: usize, choice: usize, take: usize, leave: usize },
    /// Nothing below is cheaper than the bound that these prices prove.
    Leaf { prices: Vec<i128> },
}

/// The best plan found, and the proof of how far it can be from the best there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    pub assignment: Vec<usize>,
    pub cost: i128,
    pub bound: i128,
    pub nodes: Vec<Node>,
    /// Prices at the root.
    pub prices: Vec<i128>,
}

/// At so many nodes exchanges are tried.
const EXCHANGED: usize = 60;
/// Up to so many, exchanges are tried at the root.
const MIDDLE: usize = 600;

#[derive(Debug)]
struct Open {
    node: usize,
    scope: Scope,
    prices: Vec<i128>,
    chosen: Vec<usize>,
    bound: i128,
}

/// Solves a part. `within`: a plan proven to be this near to the best is near enough.
pub fn solve(problem: &Problem, most_nodes: usize, within: i128) -> Solution {
    let users = users(problem);
    let count = problem.suppliers.len();
    // How often prices are raised and plans improved: at the root by moves and by exchanges, then at each node.
    let (rounds, local, exchanges, steps) = match count {
        ..=24 => (12, 30, 30, 60),
        25..=MIDDLE => (12, 30, 6, 150),
        _ => (4, 6, 1, 60),
    };
    let (node_rounds, node_steps, node_local, node_exchanges) = match count {
        ..=24 => (3, 0, 4, 4),
        25..=MIDDLE => (1, 12, 6, 3),
        _ => (1, 8, 2, 0),
    };
    let whole = Scope::whole(problem);
    let mut prices = vec![0; problem.resources.len()];
    ascend(problem, &users, &whole, &mut prices, rounds);
    let start = |prices: &[i128]| {
        let (lowest, chosen) = bound(problem, &whole, prices);
        let mut plan = chosen.clone();
        improve(problem, &whole, prices, &mut plan, local, exchanges);
        (lowest, chosen, plan)
    };
    let (_, _, mut best) = start(&prices);
    let mut cost = problem.cost(&best);
    // A second start, from everybody's own cheapest.
    let free = vec![0; prices.len()];
    keep(problem, &mut best, &mut cost, start(&free).2);
    for _ in 0..2 {
        step(problem, &whole, &mut prices, cost, steps);
        ascend(problem, &users, &whole, &mut prices, 2);
        keep(problem, &mut best, &mut cost, start(&prices).2);
    }
    let (lowest, chosen, _) = start(&prices);

    let root = prices.clone();
    let mut nodes = vec![Node::Leaf { prices: prices.clone() }];
    let mut heap = BinaryHeap::new();
    let mut open = vec![Some(Open { node: 0, scope: whole, prices, chosen, bound: lowest })];
    heap.push(Reverse((lowest, 0_usize)));
    let mut proven = cost;
    while let Some(Reverse((lower, place))) = heap.pop() {
        if lower >= cost - within || nodes.len() + 2 > most_nodes {
            proven = proven.min(lower);
            break;
        }
        let Some(parent) = open[place].take() else { continue };
        let Some(split) = branch(problem, &parent) else {
            // Its choices cost what its bound says: nothing below is cheaper.
            proven = proven.min(lower);
            continue;
        };
        let children = split.scopes(&parent.scope).map(|scope| {
            let mut prices = parent.prices.clone();
            ascend(problem, &users, &scope, &mut prices, node_rounds);
            step(problem, &scope, &mut prices, cost, node_steps);
            let (mut lower, mut chosen) = bound(problem, &scope, &prices);
            if lower < parent.bound {
                let inherited = bound(problem, &scope, &parent.prices);
                if inherited.0 > lower {
                    (lower, chosen) = inherited;
                    prices.clone_from(&parent.prices);
                }
            }
            let mut tried = chosen.clone();
            let exchanges = if nodes.len() < EXCHANGED { node_exchanges } else { 0 };
            improve(problem, &scope, &prices, &mut tried, node_local, exchanges);
            keep(problem, &mut best, &mut cost, tried);
            let node = nodes.len();
            nodes.push(Node::Leaf { prices: prices.clone() });
            if lower < cost - within {
                heap.push(Reverse((lower, open.len())));
                open.push(Some(Open { node, scope, prices, chosen, bound: lower }));
            } else {
                proven = proven.min(lower);
            }
            node
        });
        nodes[parent.node] = split.node(children);
    }
    Solution { assignment: best, cost, bound: proven.min(cost), nodes, prices: root }
}

fn keep(problem: &Problem, best: &mut Vec<usize>, cost: &mut i128, other: Vec<usize>) {
    let other_cost = problem.cost(&other);
    if other_cost < *cost || (other_cost == *cost && other < *best) {
        (*best, *cost) = (other, other_cost);
    }
}

#[derive(Debug, Clone, Copy)]
enum Split {
    Modes { resource: usize, at: usize },
    Choice { supplier: usize, choice: usize },
}

impl Split {
    fn scopes(self, scope: &Scope) -> [Scope; 2] {
        let (mut one, mut two) = (scope.clone(), scope.clone());
        match self {
            Split::Modes { resource, at } => {
                one.modes[resource].1 = at;
                two.modes[resource].0 = at + 1;
            }
            Split::Choice { supplier, choice } => {
                one.allowed[supplier] = 1 << choice;
                two.allowed[supplier] &= !(1 << choice);
            }
        }
        [one, two]
    }

    fn node(self, [one, two]: [usize; 2]) -> Node {
        match self {
            Split::Modes { resource, at } => Node::Modes { resource, at, low: one, high: two },
            Split::Choice { supplier, choice } => Node::Choice { supplier, choice, take: one, leave: two },
        }
    }
}

/// Where the bound and what its choices would really cost lie furthest apart.
fn branch(problem: &Problem, open: &Open) -> Option<Split> {
    let used = problem.used(&open.chosen);
    let gaps = problem.resources.iter().enumerate().map(|(index, resource)| {
        let modes = open.scope.modes[index];
        let price = open.prices[index];
        let (least, _) = resource.dual(price, modes);
        let really = resource.cost(used[index], modes);
        let assumed = price.saturating_mul(i128::from(used[index])).saturating_add(least);
        (really.saturating_sub(assumed), index)
    });
    let mut gaps: Vec<(i128, usize)> = gaps.filter(|(gap, _)| *gap > 0).collect();
    gaps.sort_by_key(|(gap, index)| (Reverse(*gap), *index));
    for (_, resource) in &gaps {
        let (low, high) = open.scope.modes[*resource];
        if low < high {
            // For batches the number in use is the natural cut; for top-ups the middle.
            let wanted = problem.resources[*resource].mode(used[*resource]);
            let at = if wanted > low && wanted <= high { wanted - 1 } else { low };
            return Some(Split::Modes { resource: *resource, at });
        }
    }
    gaps.iter()
        .find_map(|(_, resource)| supplier_to_split(problem, open, *resource))
        .or_else(|| gaps.first().and_then(|_| any_free(problem, open)))
}

/// How much dearer, how large a change, which supplier.
type Nearness = (i128, Reverse<i64>, usize);

/// The supplier nearest to another choice for the largest use of the resource.
fn supplier_to_split(problem: &Problem, open: &Open, resource: usize) -> Option<Split> {
    let use_of = |supplier: usize, choice: usize| {
        let uses = &problem.suppliers[supplier][choice].uses;
        uses.iter().find(|(other, _)| *other == resource).map_or(0, |(_, amount)| *amount)
    };
    let mut nearest: Option<(Nearness, usize)> = None;
    for (supplier, choices) in problem.suppliers.iter().enumerate() {
        let allowed = open.scope.allowed[supplier];
        if allowed.count_ones() < 2 {
            continue;
        }
        let (least, chosen) = cheapest(choices, allowed, &open.prices);
        for (index, choice) in choices.iter().enumerate() {
            let apart = (use_of(supplier, index) - use_of(supplier, chosen)).abs();
            if allowed >> index & 1 == 0 || index == chosen || apart == 0 {
                continue;
            }
            let dearer = reduced(choice, &open.prices).saturating_sub(least);
            // Coarse steps, so that of near ties the one that moves most is decided first.
            let key = (dearer / 1_000_000_000, Reverse(apart), supplier);
            if nearest.as_ref().is_none_or(|(best, _)| key < *best) {
                nearest = Some((key, chosen));
            }
        }
    }
    nearest.map(|((_, _, supplier), choice)| Split::Choice { supplier, choice })
}

fn any_free(problem: &Problem, open: &Open) -> Option<Split> {
    let free =
        (0..problem.suppliers.len()).find(|supplier| open.scope.allowed[*supplier].count_ones() > 1)?;
    Some(Split::Choice { supplier: free, choice: open.chosen[free] })
}
