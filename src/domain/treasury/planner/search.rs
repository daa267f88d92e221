//! Branch and bound: the node with the lowest bound first, branching on how a resource is had (which top-ups, how many
//! batches); what prices then leave open is tried out, and where that is too much, single suppliers are branched on.
//! What is left is the proof: a tree whose leaves cover every plan, each with the prices that bound it.

mod probe;
mod rounds;
mod tables;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::value::UNITS;
use super::dual::{Lines, Scope, bound};
use super::local::improve;
use super::pack::pack;
use super::problem::Problem;
use super::resource::Counted;
use super::simplex::raise;
use super::split::{Split, gaps, split_modes};
use super::table::Over;
use super::tried::try_out;
use rounds::to_the_end;

/// A node of the proof; children by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Modes up to `at`, and those above.
    Modes { resource: usize, at: usize, low: usize, high: usize },
    /// The supplier takes the choice, or does not.
    Choice { supplier: usize, choice: usize, take: usize, leave: usize },
    /// At these prices of what several currencies share, each currency stands by itself: its node, in their order.
    Apart { prices: Vec<(usize, i128)>, blocks: Vec<usize>, bound: i128 },
    /// Whatever by itself makes a plan at least so dear at these prices is left out of the rest: ways of suppliers, and modes at
    /// either end of a range.
    Narrow { prices: Vec<i128>, at_least: i128, rest: usize },
    /// Nothing below is cheaper than the bound that these prices prove, or than `at_least`: by a table, else with all departures
    /// tried.
    Leaf { prices: Vec<i128>, bound: i128, at_least: Option<i128>, table: Option<Over> },
}

impl Node {
    /// The same with its children so many places further on.
    pub fn moved(self, by: usize) -> Node {
        match self {
            Node::Modes { resource, at, low, high } => {
                Node::Modes { resource, at, low: low + by, high: high + by }
            }
            Node::Choice { supplier, choice, take, leave } => {
                Node::Choice { supplier, choice, take: take + by, leave: leave + by }
            }
            Node::Apart { prices, blocks, bound } => {
                Node::Apart { prices, blocks: blocks.into_iter().map(|one| one + by).collect(), bound }
            }
            Node::Narrow { prices, at_least, rest } => Node::Narrow { prices, at_least, rest: rest + by },
            leaf @ Node::Leaf { .. } => leaf,
        }
    }
}

/// The best plan found, and the proof of how far it can be from the best there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    pub assignment: Vec<usize>,
    pub cost: i128,
    pub bound: i128,
    /// The first is the root.
    pub nodes: Vec<Node>,
    /// Prices of everything at once, and what they prove by themselves.
    pub prices: Vec<i128>,
    pub root: i128,
}

impl Solution {
    /// Of two the better proof, with the better plan.
    pub fn or(self, other: Solution) -> Solution {
        let (mut best, plan) = if other.bound > self.bound { (other, self) } else { (self, other) };
        if plan.cost < best.cost {
            (best.assignment, best.cost) = (plan.assignment, plan.cost);
        }
        best.bound = best.bound.min(best.cost);
        best
    }
}

/// How hard to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes of the tree.
    pub nodes: usize,
    /// Plans tried in all.
    pub tries: usize,
    /// Entries of tables looked at in all.
    pub work: usize,
    /// A plan proven to be this near to the best is near enough.
    pub within: i128,
    /// Rather: near enough that both are shown alike.
    pub shown: bool,
    /// And then the last unit is sought with a share of the effort, one of so many.
    pub again: usize,
}

impl Limits {
    /// One of so many equal shares of the effort.
    pub fn part(self, of: usize) -> Limits {
        Limits { nodes: self.nodes / of, tries: self.tries / of, work: self.work / of, ..self }
    }

    /// Less is not worth another round of prices.
    fn worth(&self) -> i128 {
        if self.shown { UNITS / 8 } else { self.within / 4 }
    }

    /// How far below a plan's cost a bound may be.
    fn slack(&self, cost: i128) -> i128 {
        if self.shown { (cost + UNITS / 2).rem_euclid(UNITS) } else { self.within }
    }
}

/// Up to so many suppliers, all their pairs are tried in exchanges, and single ones branched on.
const MIDDLE: usize = 600;
/// Tries at one node.
const TRIES: usize = 50_000;
/// At first.
const LITTLE: usize = 2_000;
/// Up to so many suppliers a node is tried for a little before it is branched on: ways to fund accounts that are much alike
/// multiply, the few plans that prices leave open do not.
const FEW: usize = super::TO_THE_UNIT;
/// Tries before branching, at the root and below it.
const AT_FIRST: (usize, usize) = (20_000, 1_000);

/// Turns in which all prices move at once.
const FOLLOWED: usize = 600;
/// Exchanges of the simplex method at a node.
const EXCHANGES: usize = 400;

/// A node that is not closed yet.
#[derive(Debug)]
pub struct Open {
    node: usize,
    pub scope: Scope,
    pub prices: Vec<i128>,
    pub chosen: Vec<usize>,
    lower: i128,
    tried: Trial,
    /// What that has shown beyond the prices.
    shown: i128,
}

/// How far a node has been tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trial {
    None,
    Little,
    Full,
    Table,
}

struct Search<'a> {
    problem: &'a Problem,
    lines: &'a Lines,
    limits: Limits,
    tries: usize,
    /// Entries of tables that may still be looked at.
    work: usize,
    /// A table was of no use where so much was missing.
    room: i128,
    best: Vec<usize>,
    cost: i128,
    nodes: Vec<Node>,
    open: Vec<Option<Open>>,
    heap: BinaryHeap<Reverse<(i128, usize)>>,
    /// The least that closed leaves prove.
    proven: i128,
}

/// Solves a part within a scope, from prices to start with, and a plan where one is known.
pub fn solve(
    problem: &Problem,
    lines: &Lines,
    scope: Scope,
    mut prices: Vec<i128>,
    known: Option<&[usize]>,
    limits: Limits,
) -> Solution {
    let count = problem.suppliers.len();
    lines.ascend(problem, &scope, &mut prices, if count <= MIDDLE { 30 } else { 6 }, limits.worth());
    let (lower, chosen) = bound(problem, &scope, &prices);
    let (cost, root) = (problem.cost(&chosen), prices.clone());
    let mut search = Search::new(problem, lines, limits, chosen.clone(), cost);
    let (rounds, exchanges) = if count <= MIDDLE { (30, 6) } else { (6, 0) };
    search.improve_from(&scope, &prices, chosen.clone(), rounds, exchanges);
    if count <= MIDDLE {
        // A second start, from everybody's own cheapest.
        let free = vec![0; search.problem.resources.len()];
        let (_, cheap) = bound(problem, &scope, &free);
        search.improve_from(&scope, &free, cheap, rounds, exchanges);
    }
    if let Some(known) = known {
        search.keep(known.to_vec(), problem.cost(known));
    }
    if count > FEW && count <= MIDDLE && lower < search.cost - limits.within {
        let Search { best, cost, .. } = search;
        return to_the_end(problem, scope, prices, (best, cost), limits);
    }
    search.add(Open { node: 0, scope, prices, chosen, lower, tried: Trial::None, shown: 0 });
    search.run();
    let Search { best, cost, nodes, proven, .. } = search;
    Solution { assignment: best, cost, bound: proven.max(lower).min(cost), nodes, prices: root, root: lower }
}

impl<'a> Search<'a> {
    fn new(
        problem: &'a Problem,
        lines: &'a Lines,
        limits: Limits,
        best: Vec<usize>,
        cost: i128,
    ) -> Search<'a> {
        Search {
            problem,
            lines,
            limits,
            tries: limits.tries,
            work: limits.work,
            room: i128::MAX,
            best,
            cost,
            nodes: Vec::new(),
            open: Vec::new(),
            heap: BinaryHeap::new(),
            proven: i128::MAX,
        }
    }

    fn run(&mut self) {
        while let Some(Reverse((lower, place))) = self.heap.pop() {
            let enough = lower >= self.cost - self.limits.slack(self.cost);
            if enough || self.nodes.len() + 2 > self.limits.nodes {
                self.proven = self.proven.min(lower);
                break;
            }
            let Some(parent) = self.open[place].take() else { continue };
            let few = self.problem.suppliers.len() <= FEW;
            if parent.tried == Trial::None && few {
                let at_first = if parent.node == 0 { AT_FIRST.0 } else { AT_FIRST.1 };
                self.try_out(parent, at_first, Trial::Little);
            } else if self.problem.suppliers.len() <= MIDDLE {
                self.open_up(parent);
            } else {
                let used = self.problem.used(&parent.chosen);
                let gaps = gaps(self.problem, &parent, &used);
                match split_modes(self.problem, &parent, &gaps, &used) {
                    Some(split) => self.branch(&parent, split, None),
                    None => self.proven = self.proven.min(lower),
                }
            }
        }
    }

    /// A node and its leaf; what cannot be improved on is closed.
    fn add(&mut self, mut open: Open) {
        open.node = self.nodes.len();
        self.nodes.push(Node::Leaf {
            prices: open.prices.clone(),
            bound: open.lower,
            at_least: None,
            table: None,
        });
        self.keep_open(open);
    }

    fn keep_open(&mut self, open: Open) {
        if open.lower < self.cost - self.limits.slack(self.cost) {
            self.heap.push(Reverse((open.lower, self.open.len())));
            self.open.push(Some(open));
        } else {
            self.proven = self.proven.min(open.lower);
        }
    }

    fn try_out(&mut self, mut open: Open, most: usize, trial: Trial) {
        // What is left is shared among all nodes to come.
        let tries = most.min(self.tries / 4);
        let (problem, scope, prices) = (self.problem, &open.scope, &open.prices);
        // An earlier trial may have shown more than the prices do; what departs from them still counts from theirs.
        let (at_prices, _) = bound(problem, scope, prices);
        let tried =
            try_out(problem, scope, prices, at_prices, self.cost, self.limits.slack(self.cost), tries);
        self.tries -= tried.tries.min(self.tries);
        if let Some((cost, found)) = tried.found {
            // Within the scope's modes it costs so much; with all of them perhaps less.
            let free = self.problem.cost(&found);
            self.keep(found, free.min(cost));
        }
        open.shown = tried.at_least.saturating_sub(open.lower).max(0);
        if tried.at_least > open.lower {
            let (bound, at_least) = (at_prices, Some(tried.at_least));
            self.nodes[open.node] = Node::Leaf { prices: open.prices.clone(), bound, at_least, table: None };
            open.lower = tried.at_least;
        }
        open.tried = trial;
        self.keep_open(open);
    }

    fn branch(&mut self, parent: &Open, split: Split, prices: Option<[Vec<i128>; 2]>) {
        let count = self.problem.suppliers.len();
        let starts = prices.unwrap_or_else(|| [parent.prices.clone(), parent.prices.clone()]);
        let mut starts = starts.into_iter();
        let children = split.scopes(&parent.scope).map(|scope| {
            let rounds = if count <= MIDDLE { 6 } else { 3 };
            let from = |mut prices: Vec<i128>, rounds| {
                if count <= MIDDLE {
                    raise(self.problem, &scope, &mut prices, self.cost, EXCHANGES);
                    self.lines.ascend(self.problem, &scope, &mut prices, 1, self.limits.worth());
                } else {
                    self.lines.ascend(self.problem, &scope, &mut prices, rounds, self.limits.worth());
                }
                let (lower, chosen) = bound(self.problem, &scope, &prices);
                (lower, prices, chosen)
            };
            let mut best = from(starts.next().unwrap_or_else(|| parent.prices.clone()), rounds);
            if let Some(freed) = self.freed(&parent.scope, &scope) {
                best = best.max(from(freed, 30));
            }
            let (lower, prices, chosen) = best;
            let node = self.nodes.len();
            if lower < self.cost {
                let exchanges = usize::from(count <= MIDDLE && node < EXCHANGED);
                self.improve_from(&scope, &prices, chosen.clone(), 6, exchanges);
                if exchanges > 0 {
                    let packed = pack(self.problem, &scope, &prices);
                    self.improve_from(&scope, &prices, packed, 6, exchanges);
                }
            }
            self.add(Open { node, scope, prices, chosen, lower, tried: Trial::None, shown: 0 });
            node
        });
        self.nodes[parent.node] = split.node(children);
    }

    /// Prices to start from where more are now left unpaid for certain: that counts no more, and money need not be dear
    /// enough to leave them out.
    fn freed(&self, before: &Scope, now: &Scope) -> Option<Vec<i128>> {
        let mut prices = vec![0; self.problem.resources.len()];
        let mut any = false;
        for (one, resource) in self.problem.resources.iter().enumerate() {
            if matches!(resource.counts(), Some(Counted::Unpaid { .. })) && now.modes[one].0 > 0 {
                prices[one] = -resource.weight;
                any |= now.modes[one].0 > before.modes[one].0;
            }
        }
        any.then_some(prices)
    }

    fn improve_from(
        &mut self,
        scope: &Scope,
        prices: &[i128],
        mut plan: Vec<usize>,
        rounds: usize,
        exchanges: usize,
    ) {
        improve(self.problem, scope, prices, &mut plan, rounds, exchanges);
        let cost = self.problem.cost(&plan);
        self.keep(plan, cost);
    }

    fn keep(&mut self, plan: Vec<usize>, cost: i128) {
        if cost < self.cost || (cost == self.cost && plan < self.best) {
            (self.best, self.cost) = (plan, cost);
        }
    }
}

/// At so many nodes exchanges are tried.
const EXCHANGED: usize = 40;
