//! Several currencies that share money (dollars that buy all of them): at prices of what they share each stands by
//! itself, and is solved and proven by itself. A tree over everything at once would have to multiply each currency's
//! ways to be funded with every other's; this way they add up.
//!
//! | step | what |
//! |---|---|
//! | prices | of everything at once, then again with each account's top-ups and each route's batches as the best plan has them |
//! | currencies | each solved at the prices of what is shared; together they are a plan once repaired |
//! | proof | a tree over how shared money is topped up; at each leaf its prices, and a tree for each currency |

use super::dual::{Lines, Scope, bound};
use super::local::improve;
use super::problem::{Choice, Problem};
use super::search::{self, Limits, Node, Solution};
use super::simplex;
use super::tried::try_out;

/// Rounds of prices, currencies, repair.
const ROUNDS: usize = 2;
/// Up to so many suppliers, plans across currencies are tried out, so many of them.
const TRIED_AS_ONE: usize = 2_000;
const TRIES: usize = 30_000;
/// And in one currency beside the others.
const BESIDE: usize = 200_000;
/// Turns of prices at a leaf; one where there are more suppliers.
const TURNS: usize = 4;
/// Nodes above the currencies.
const ABOVE: usize = 24;

/// A currency by itself, at prices of what it shares.
#[derive(Debug, Clone)]
struct Block {
    members: Vec<usize>,
    /// Resources of its own.
    own: Vec<usize>,
}

struct Apart<'a> {
    problem: &'a Problem,
    lines: Lines,
    shared: Vec<usize>,
    blocks: Vec<Block>,
    limits: Limits,
    best: Vec<usize>,
    cost: i128,
}

/// Solves a part whose suppliers belong to groups (each paid in one currency); `as_one`: how hard to search it as one.
pub fn solve(problem: &Problem, groups: &[usize], limits: Limits, as_one: Limits) -> Solution {
    let whole = Scope::whole(problem);
    let free = vec![0; problem.resources.len()];
    let (shared, blocks) = blocks(problem, groups);
    let lines = Lines::new(problem, &[(0..problem.resources.len()).collect(), shared.clone()]);
    if blocks.len() < 2 || problem.suppliers.len() <= super::TO_THE_UNIT {
        return search::solve(problem, &lines, whole, free, None, as_one);
    }
    let mut prices = free;
    lines.ascend(problem, &whole, &mut prices, 8, limits.within);
    let (_, best) = bound(problem, &whole, &prices);
    let cost = problem.cost(&best);
    let mut apart = Apart { problem, lines, shared, blocks, limits, best, cost };
    apart.repair(&whole, &prices, apart.best.clone());
    for _ in 0..ROUNDS {
        let before = apart.cost;
        let quick = Limits { nodes: 30, tries: 20_000, shown: false, ..limits };
        apart.blocks_at(&whole, &prices, quick);
        let fixed = apart.as_in(&apart.best, &whole);
        apart.lines.ascend(problem, &fixed, &mut prices, 8, limits.within / 8);
        let (_, chosen) = bound(problem, &fixed, &prices);
        apart.repair(&whole, &prices, chosen);
        if apart.cost >= before {
            break;
        }
    }
    if problem.suppliers.len() > super::MIDDLE || !simplex::takes(problem) {
        return apart.proven(&whole, &prices);
    }
    // At a price of what is shared, money that one currency leaves and another lacks is paid for twice, and a payment that
    // stays out is one in parts: the search over everything at once knows neither loss, as far as it reaches.
    let known = apart.best.clone();
    let at_once = search::solve(problem, &apart.lines, whole.clone(), prices.clone(), Some(&known), as_one);
    if at_once.bound >= at_once.cost - limits.within {
        return at_once;
    }
    apart.keep(at_once.assignment.clone(), at_once.cost);
    at_once.or(apart.proven(&whole, &prices))
}

/// What several groups use, and each group by itself.
fn blocks(problem: &Problem, groups: &[usize]) -> (Vec<usize>, Vec<Block>) {
    let count = groups.iter().max().map_or(0, |most| most + 1);
    let mut blocks = vec![Block { members: Vec::new(), own: Vec::new() }; count];
    let mut user: Vec<Option<usize>> = vec![None; problem.resources.len()];
    let mut is_shared = vec![false; problem.resources.len()];
    for (supplier, (choices, group)) in problem.suppliers.iter().zip(groups).enumerate() {
        blocks[*group].members.push(supplier);
        for (resource, _) in choices.iter().flat_map(|choice| choice.uses.iter()) {
            let resource = *resource as usize;
            is_shared[resource] |= user[resource].is_some_and(|user| user != *group);
            user[resource] = Some(*group);
        }
    }
    for (resource, user) in user.iter().enumerate() {
        // What nobody uses costs nothing wherever it is counted.
        match user {
            Some(group) if !is_shared[resource] => blocks[*group].own.push(resource),
            Some(_) => {}
            None => is_shared[resource] = true,
        }
    }
    ((0..problem.resources.len()).filter(|one| is_shared[*one]).collect(), blocks)
}

impl Block {
    /// Its problem: what is shared is in the costs, at its prices.
    fn problem(&self, whole: &Problem, prices: &[i128]) -> Problem {
        let mut place = vec![u32::MAX; whole.resources.len()];
        for (own, resource) in self.own.iter().enumerate() {
            place[*resource] = u32::try_from(own).unwrap_or(u32::MAX);
        }
        let at_prices = |choice: &Choice| {
            let shared = choice.uses.iter().filter(|(one, _)| place[*one as usize] == u32::MAX);
            let paid = shared.map(|(one, amount)| prices[*one as usize].saturating_mul(i128::from(*amount)));
            let own = choice.uses.iter().filter(|(one, _)| place[*one as usize] != u32::MAX);
            Choice {
                cost: paid.fold(choice.cost, i128::saturating_add),
                uses: own.map(|(one, amount)| (place[*one as usize], *amount)).collect(),
            }
        };
        Problem {
            suppliers: self
                .members
                .iter()
                .map(|supplier| whole.suppliers[*supplier].iter().map(at_prices).collect())
                .collect(),
            resources: self.own.iter().map(|one| whole.resources[*one].moved(&place)).collect(),
        }
    }

    /// Its problem beside a plan of the others: what they leave of what is shared.
    fn beside(&self, whole: &Problem, shared: &[usize], plan: &[usize]) -> Problem {
        let mut others = whole.used(plan);
        for supplier in &self.members {
            for (resource, amount) in whole.suppliers[*supplier][plan[*supplier]].uses.iter() {
                others[*resource as usize] -= amount;
            }
        }
        let money = shared.iter().filter(|one| whole.resources[**one].counts().is_none());
        let listed: Vec<usize> = self.own.iter().chain(money).copied().collect();
        let mut place = vec![u32::MAX; whole.resources.len()];
        for (own, resource) in listed.iter().enumerate() {
            place[*resource] = u32::try_from(own).unwrap_or(u32::MAX);
        }
        let kept = |choice: &Choice| {
            let uses = choice.uses.iter().filter(|(one, _)| place[*one as usize] != u32::MAX);
            Choice {
                cost: choice.cost,
                uses: uses.map(|(one, amount)| (place[*one as usize], *amount)).collect(),
            }
        };
        let left = |one: &usize| whole.resources[*one].moved(&place).beside(others[*one]);
        Problem {
            suppliers: self
                .members
                .iter()
                .map(|supplier| whole.suppliers[*supplier].iter().map(kept).collect())
                .collect(),
            resources: listed.iter().map(left).collect(),
        }
    }

    fn scope(&self, whole: &Scope) -> Scope {
        whole.of(&self.own, &self.members)
    }
}

impl Apart<'_> {
    /// Solves every currency at prices, makes one plan of them, and repairs it.
    fn blocks_at(&mut self, scope: &Scope, prices: &[i128], limits: Limits) -> Vec<Solution> {
        let solved = self.blocks.iter().map(|block| {
            let problem = block.problem(self.problem, prices);
            let lines = Lines::new(&problem, &[(0..problem.resources.len()).collect()]);
            let own = block.own.iter().map(|one| prices[*one]).collect();
            search::solve(&problem, &lines, block.scope(scope), own, None, limits)
        });
        let solved: Vec<Solution> = solved.collect();
        let plan = self.together(&solved);
        self.repair(scope, prices, plan);
        solved
    }

    /// The currencies' plans as one.
    fn together(&self, solved: &[Solution]) -> Vec<usize> {
        let mut plan = self.best.clone();
        for (block, solution) in self.blocks.iter().zip(solved) {
            for (supplier, choice) in block.members.iter().zip(&solution.assignment) {
                plan[*supplier] = *choice;
            }
        }
        plan
    }

    fn repair(&mut self, scope: &Scope, prices: &[i128], mut plan: Vec<usize>) {
        let exchanges = if self.problem.suppliers.len() <= TRIED_AS_ONE { 2 } else { 1 };
        improve(self.problem, scope, prices, &mut plan, 12, exchanges);
        let cost = self.problem.cost(&plan);
        self.keep(plan, cost);
    }

    fn keep(&mut self, plan: Vec<usize>, cost: i128) {
        if cost < self.cost || (cost == self.cost && plan < self.best) {
            (self.best, self.cost) = (plan, cost);
        }
    }

    /// Every resource had as a plan has it, as far as the scope allows; heads are not counted.
    fn as_in(&self, plan: &[usize], scope: &Scope) -> Scope {
        let used = self.problem.used(plan);
        let modes = self.problem.resources.iter().zip(&used).zip(&scope.modes).map(|((own, used), modes)| {
            let mode = own.mode(*used).clamp(modes.0, modes.1);
            if own.counts().is_some() { *modes } else { (mode, mode) }
        });
        scope.with_modes(modes.collect())
    }

    /// The tree above the currencies: how shared money is had.
    fn proven(&mut self, whole: &Scope, prices: &[i128]) -> Solution {
        let mut nodes = vec![Node::Leaf { prices: Vec::new(), bound: 0, at_least: None, table: None }];
        let root = bound(self.problem, whole, prices).0;
        let mut open = vec![(0_usize, whole.clone(), prices.to_vec())];
        let mut lowest = i128::MAX;
        while let Some((place, scope, mut prices)) = open.pop() {
            self.lines.ascend(self.problem, &scope, &mut prices, 4, self.limits.within / 4);
            let (lower, _) = bound(self.problem, &scope, &prices);
            if lower >= self.cost - self.limits.within {
                nodes[place] = Node::Leaf { prices, bound: lower, at_least: None, table: None };
                lowest = lowest.min(lower);
                continue;
            }
            let used = self.problem.used(&self.best);
            let money = self.shared.iter().filter(|one| self.problem.resources[**one].counts().is_none());
            let several = money.clone().find(|one| scope.modes[**one].0 < scope.modes[**one].1);
            if let Some(resource) = several
                && nodes.len() < ABOVE
            {
                let (low, high) = scope.modes[*resource];
                let wanted = self.problem.resources[*resource].mode(used[*resource]);
                let at = if wanted > low && wanted <= high { wanted - 1 } else { low };
                let (mut one, mut two) = (scope.clone(), scope);
                one.modes[*resource].1 = at;
                two.modes[*resource].0 = at + 1;
                let (low, high) = (nodes.len(), nodes.len() + 1);
                let empty = || Node::Leaf { prices: Vec::new(), bound: 0, at_least: None, table: None };
                nodes.extend([empty(), empty()]);
                nodes[place] = Node::Modes { resource: *resource, at, low, high };
                // The side of the best plan first: what it finds closes the other sooner.
                let (own, other) = ((high, two, prices.clone()), (low, one, prices));
                open.extend(if wanted > at { [other, own] } else { [own, other] });
                continue;
            }
            let bound = self.blocks_apart(&scope, prices, place, &mut nodes);
            lowest = lowest.min(bound);
        }
        let (cost, bound) = (self.cost, lowest.max(root).min(self.cost));
        Solution { assignment: self.best.clone(), cost, bound, nodes, prices: prices.to_vec(), root }
    }

    /// A leaf of the tree above: prices of what is shared, a tree for each currency. Prices are found with everything
    /// had as the best plan has it, then as the currencies would have it at these prices.
    fn blocks_apart(
        &mut self,
        scope: &Scope,
        mut prices: Vec<i128>,
        place: usize,
        nodes: &mut Vec<Node>,
    ) -> i128 {
        let mut as_in = self.best.clone();
        let mut best: Option<(i128, Vec<i128>, Vec<Solution>)> = None;
        let turns = if self.problem.suppliers.len() <= TRIED_AS_ONE { TURNS } else { 1 };
        for _ in 0..turns {
            let fixed = self.as_in(&as_in, scope);
            self.lines.ascend(self.problem, &fixed, &mut prices, 20, self.limits.within / 100);
            if best.is_none() {
                self.try_as_one(&fixed, &prices);
                self.beside_one_another(&prices);
            }
            let share = i128::try_from(self.blocks.len()).unwrap_or(1);
            // All of their tables together, at all leaves, are within what is looked at to check them.
            let work = self.limits.work / 2 / self.blocks.len().max(1);
            let limits = Limits { within: self.limits.within / share / 2, work, shown: false, ..self.limits };
            let solved = self.blocks_at(scope, &prices, limits);
            let bound =
                solved.iter().fold(self.supplied(scope, &prices), |sum, one| sum.saturating_add(one.bound));
            as_in = self.together(&solved);
            if best.as_ref().is_some_and(|(before, ..)| bound <= *before) {
                break;
            }
            best = Some((bound, prices.clone(), solved));
            if bound >= self.cost - self.limits.within {
                break;
            }
        }
        self.limits.work /= 2;
        let (bound, prices, solved) = best.unwrap_or((i128::MIN / 4, prices, Vec::new()));
        let mut roots = Vec::new();
        for (block, solution) in self.blocks.iter().zip(solved) {
            let first = nodes.len();
            roots.push(first);
            nodes.extend(solution.nodes.into_iter().map(|node| block.moved(node, first)));
        }
        let at_prices = self.shared.iter().map(|one| (*one, prices[*one])).collect();
        nodes[place] = Node::Apart { prices: at_prices, blocks: roots, bound };
        bound
    }

    /// What shared supply costs less what it is priced at.
    fn supplied(&self, scope: &Scope, prices: &[i128]) -> i128 {
        let each = self
            .shared
            .iter()
            .map(|one| self.problem.resources[*one].dual(prices[*one], scope.modes[*one]).0);
        each.fold(0, i128::saturating_add)
    }

    /// Solves each currency again beside what the others have of shared money, where it is small.
    fn beside_one_another(&mut self, prices: &[i128]) {
        for block in self.blocks.clone() {
            if block.members.len() > super::MIDDLE {
                continue;
            }
            let problem = block.beside(self.problem, &self.shared, &self.best);
            let lines = Lines::new(&problem, &[(0..problem.resources.len()).collect()]);
            let money = self.shared.iter().filter(|one| self.problem.resources[**one].counts().is_none());
            let own = block.own.iter().chain(money).map(|one| prices[*one]).collect();
            let limits = Limits { nodes: 60, tries: BESIDE, shown: false, ..self.limits };
            let solution = search::solve(&problem, &lines, Scope::whole(&problem), own, None, limits);
            let plan = self.together_with(&block, &solution);
            let cost = self.problem.cost(&plan);
            self.keep(plan, cost);
        }
    }

    fn together_with(&self, block: &Block, solution: &Solution) -> Vec<usize> {
        let mut plan = self.best.clone();
        for (supplier, choice) in block.members.iter().zip(&solution.assignment) {
            plan[*supplier] = *choice;
        }
        plan
    }

    /// Tries plans across currencies, where they are not too many.
    fn try_as_one(&mut self, fixed: &Scope, prices: &[i128]) {
        if self.problem.suppliers.len() <= TRIED_AS_ONE {
            let (lower, _) = bound(self.problem, fixed, prices);
            let tried = try_out(self.problem, fixed, prices, lower, self.cost, self.limits.within, TRIES);
            if let Some((cost, found)) = tried.found {
                self.keep(found, cost);
            }
        }
    }
}

impl Block {
    /// A node of its own tree as one of the whole's.
    fn moved(&self, node: Node, by: usize) -> Node {
        match node.moved(by) {
            Node::Modes { resource, at, low, high } => {
                Node::Modes { resource: self.own[resource], at, low, high }
            }
            Node::Choice { supplier, choice, take, leave } => {
                Node::Choice { supplier: self.members[supplier], choice, take, leave }
            }
            Node::Leaf { prices, bound, at_least, table: Some(over) } => {
                let over = over.moved(&self.own);
                Node::Leaf { prices, bound, at_least, table: Some(over) }
            }
            // Prices are of the block's own resources, in their order.
            other => other,
        }
    }
}
