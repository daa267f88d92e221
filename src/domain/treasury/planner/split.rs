//! Where a node is branched, and into what: who is left unpaid, how a resource is had, how many draw on an account, what
//! one supplier takes.

use std::cmp::Reverse;

use super::dual::{Scope, cheapest, reduced};
use super::problem::Problem;
use super::resource::Counted;
use super::search::{Node, Open};

/// Two halves that cover a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    Modes { resource: usize, at: usize },
    Choice { supplier: usize, choice: usize },
}

impl Split {
    pub fn scopes(self, scope: &Scope) -> [Scope; 2] {
        let (mut one, mut two) = (scope.clone(), scope.clone());
        match self {
            Split::Modes { resource, at } => {
                one.modes[resource].1 = at;
                two.modes[resource].0 = at + 1;
            }
            Split::Choice { supplier, choice } => {
                one.take(supplier, choice);
                two.leave(supplier, choice);
            }
        }
        [one, two]
    }

    /// Whether both halves of a scope hold something.
    pub fn divides(self, problem: &Problem, scope: &Scope) -> bool {
        match self {
            Split::Modes { resource, at } => scope.modes[resource].0 <= at && at < scope.modes[resource].1,
            Split::Choice { supplier, choice } => scope.divides(problem, supplier, choice),
        }
    }

    pub fn node(self, [one, two]: [usize; 2]) -> Node {
        match self {
            Split::Modes { resource, at } => Node::Modes { resource, at, low: one, high: two },
            Split::Choice { supplier, choice } => Node::Choice { supplier, choice, take: one, leave: two },
        }
    }
}

/// Where the bound and what its choices would really cost lie apart, furthest first.
pub fn gaps(problem: &Problem, open: &Open, used: &[i64]) -> Vec<usize> {
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
    gaps.into_iter().map(|(_, index)| index).collect()
}

/// Whether fewer can be left unpaid than the best plan leaves: first of all, since no fee outweighs it.
pub fn split_unpaid(problem: &Problem, open: &Open, best: &[i64]) -> Option<Split> {
    (0..problem.resources.len()).find_map(|resource| {
        let Some(Counted::Unpaid { .. }) = problem.resources[resource].counts() else { return None };
        let ((low, high), count) = (open.scope.modes[resource], usize::try_from(best[resource]).ok()?);
        (low < count && count <= high).then(|| Split::Modes { resource, at: count - 1 })
    })
}

/// How a resource is had, for the one whose bound is furthest from the truth: batches at the number in use, top-ups likewise.
pub fn split_modes(problem: &Problem, open: &Open, gaps: &[usize], used: &[i64]) -> Option<Split> {
    gaps.iter().find_map(|resource| ways_had(problem, open, *resource, used).into_iter().next())
}

/// The same for every resource, and at the first way as well.
pub fn splits_of_modes(problem: &Problem, open: &Open, used: &[i64]) -> Vec<Split> {
    (0..problem.resources.len()).flat_map(|resource| ways_had(problem, open, resource, used)).collect()
}

fn ways_had(problem: &Problem, open: &Open, resource: usize, used: &[i64]) -> Vec<Split> {
    let (low, high) = open.scope.modes[resource];
    if low == high || problem.resources[resource].counts().is_some() {
        return Vec::new();
    }
    let wanted = problem.resources[resource].mode(used[resource]);
    let at = if wanted > low && wanted <= high { wanted - 1 } else { low };
    let first = (at != low).then_some(low);
    [Some(at), first].into_iter().flatten().map(|at| Split::Modes { resource, at }).collect()
}

/// How many draw on an account that does not fit: as many as do at the prices, or fewer where that is too much.
pub fn splits_of_heads<'a>(
    problem: &'a Problem,
    open: &'a Open,
    gaps: &'a [usize],
    used: &'a [i64],
) -> impl Iterator<Item = Split> + 'a {
    gaps.iter().filter_map(|account| {
        let heads = problem
            .resources
            .iter()
            .position(|own| own.counts() == Some(Counted::Heads { account: *account }))?;
        let (low, high) = open.scope.modes[heads];
        let (_, supply) = problem.resources[*account].dual(open.prices[*account], open.scope.modes[*account]);
        let count = usize::try_from(used[heads]).unwrap_or(0);
        let at = if used[*account] > supply { fitting(count, supply, used[*account]) } else { count };
        (low < high).then(|| Split::Modes { resource: heads, at: at.clamp(low, high - 1) })
    })
}

/// Of so many who use so much together, how many a supply holds: one less at the least.
fn fitting(count: usize, supply: i64, used: i64) -> usize {
    let (supply, used) = (i128::from(supply.max(0)), i128::from(used.max(1)));
    let held = i128::try_from(count).unwrap_or(0) * supply / used;
    usize::try_from(held).unwrap_or(0).min(count.saturating_sub(1))
}

/// What single suppliers take, those first that are nearest to another choice for what does not fit; else the first who has
/// several.
pub fn splits_of_suppliers(problem: &Problem, open: &Open, gaps: &[usize], most: usize) -> Vec<Split> {
    let mut near: Vec<(Nearness, usize)> =
        gaps.iter().flat_map(|resource| nearest(problem, open, *resource, most)).collect();
    near.sort_unstable();
    near.dedup_by_key(|((_, _, supplier), _)| *supplier);
    let mut splits: Vec<Split> = Vec::new();
    for ((_, _, supplier), choice) in near {
        let split = Split::Choice { supplier, choice };
        if splits.len() < most && !splits.contains(&split) {
            splits.push(split);
        }
    }
    if splits.is_empty() {
        let several = |supplier: &usize| open.scope.open(problem, *supplier).nth(1).is_some();
        let first = (0..problem.suppliers.len()).find(several);
        splits.extend(first.map(|supplier| Split::Choice { supplier, choice: open.chosen[supplier] }));
    }
    splits
}

/// How much dearer, how large a change, which supplier.
type Nearness = (i128, Reverse<i64>, usize);

/// The suppliers nearest to another choice for the largest use of the resource.
fn nearest(problem: &Problem, parent: &Open, resource: usize, most: usize) -> Vec<(Nearness, usize)> {
    let mut near: Vec<(Nearness, usize)> = Vec::new();
    for (supplier, choices) in problem.suppliers.iter().enumerate() {
        let (least, chosen) = cheapest(problem, &parent.scope, supplier, &parent.prices);
        for (index, choice) in parent.scope.open(problem, supplier) {
            let apart = (choice.uses.of(resource) - choices[chosen].uses.of(resource)).abs();
            if index == chosen || apart == 0 {
                continue;
            }
            let dearer = reduced(choice, &parent.prices).saturating_sub(least);
            // Coarse steps, so that of near ties the one that moves most is decided first.
            near.push(((dearer / 1_000_000_000, Reverse(apart), supplier), chosen));
        }
    }
    near.sort_unstable();
    near.truncate(most);
    near
}
