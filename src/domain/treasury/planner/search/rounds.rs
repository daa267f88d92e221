//! The search over what a known plan leaves open, again wherever a cheaper one leaves less.

use super::{EXCHANGES, FOLLOWED, Limits, Node, Open, Search, Solution, Trial};
use crate::domain::treasury::planner::core::Core;
use crate::domain::treasury::planner::dual::{Lines, Scope, bound};
use crate::domain::treasury::planner::follow::follow;
use crate::domain::treasury::planner::pack::pack;
use crate::domain::treasury::planner::problem::Problem;
use crate::domain::treasury::planner::simplex::raise;

/// Times that what a plan leaves open is searched anew.
const ROUNDS: usize = 3;

/// Until the bound is shown as the cost is, and then with some effort to the last unit.
pub(super) fn to_the_end(
    problem: &Problem,
    scope: Scope,
    prices: Vec<i128>,
    (best, cost): (Vec<usize>, i128),
    limits: Limits,
) -> Solution {
    let (root, _) = bound(problem, &scope, &prices);
    let first = if root >= cost - limits.slack(cost) {
        let leaf = Node::Leaf { prices: prices.clone(), bound: root, at_least: None, table: None };
        Solution { assignment: best, cost, bound: root, nodes: vec![leaf], prices: prices.clone(), root }
    } else {
        narrowed(problem, scope.clone(), prices.clone(), (best, cost), limits)
    };
    // Where the effort has not brought that to its end, no less of it brings the last unit.
    let (near, exact) = (first.cost - limits.slack(first.cost), first.cost - limits.within);
    if !limits.shown || first.bound >= exact || first.bound < near {
        return first;
    }
    let limits = Limits { shown: false, ..limits.part(limits.again) };
    let again = narrowed(problem, scope, prices, (first.assignment.clone(), first.cost), limits);
    if again.bound > first.bound {
        return again;
    }
    Solution { assignment: again.assignment, cost: again.cost, ..first }
}

/// The same over what a known plan leaves open: for a while, then, with whatever was found, to the end.
fn narrowed(
    problem: &Problem,
    scope: Scope,
    prices: Vec<i128>,
    (mut best, mut cost): (Vec<usize>, i128),
    mut limits: Limits,
) -> Solution {
    let (root, _) = bound(problem, &scope, &prices);
    let mut found = true;
    for round in 0..ROUNDS {
        let last = round + 1 == ROUNDS || !found;
        let at_least = cost - limits.slack(cost);
        let core = Core::new(problem, &scope, &prices, at_least);
        let lines = Lines::new(&core.problem, &[(0..problem.resources.len()).collect()]);
        let mut own = prices.clone();
        follow(&core.problem, &core.scope, &mut own, cost, FOLLOWED);
        lines.ascend(&core.problem, &core.scope, &mut own, 30, limits.worth());
        raise(&core.problem, &core.scope, &mut own, cost, EXCHANGES);
        let (lower, chosen) = bound(&core.problem, &core.scope, &own);
        let start = core.part(&best).unwrap_or_else(|| chosen.clone());
        let share = if last { limits } else { limits.part(8) };
        let mut search = Search::new(&core.problem, &lines, share, start, cost);
        let scope = core.scope.clone();
        let packed = pack(&core.problem, &scope, &own);
        search.improve_from(&scope, &own, packed, 30, 6);
        search.add(Open { node: 0, scope, prices: own, chosen, lower, tried: Trial::None, shown: 0 });
        search.run();
        found = search.cost < cost;
        if found {
            (best, cost) = (core.whole(&search.best), search.cost);
        }
        let proven = search.proven.min(at_least);
        if last || proven >= cost - limits.slack(cost) {
            let rest = search.nodes.into_iter().map(|node| core.moved(node, 1));
            let first = Node::Narrow { prices: prices.clone(), at_least, rest: 1 };
            let nodes = std::iter::once(first).chain(rest).collect();
            return Solution {
                assignment: best,
                cost,
                bound: proven.max(root).min(cost),
                nodes,
                prices,
                root,
            };
        }
        limits.nodes -= search.nodes.len().min(limits.nodes / 2);
        limits.tries = limits.tries.saturating_sub(share.tries - search.tries);
        limits.work = limits.work.saturating_sub(share.work - search.work);
    }
    unreachable!()
}
