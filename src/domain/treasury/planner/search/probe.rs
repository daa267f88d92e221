//! Where a node is branched: each likely split is tried a little, and the one taken whose halves both rise most.

use super::{EXCHANGES, FEW, LITTLE, Node, Open, Search, TRIES, Trial};
use crate::domain::treasury::planner::core::narrower;
use crate::domain::treasury::planner::dual::{Scope, bound};
use crate::domain::treasury::planner::simplex::raise;
use crate::domain::treasury::planner::split::{
    Split, gaps, split_unpaid, splits_of_heads, splits_of_modes, splits_of_suppliers,
};

/// A split, and prices to start from in its halves.
struct Probed {
    split: Split,
    prices: [Vec<i128>; 2],
    rise: [i128; 2],
}

impl Probed {
    /// Whether both halves are nearer to the end, or one of them by much.
    fn tells(&self) -> bool {
        let [one, two] = self.rise;
        one.min(two) >= WHOLE / 64 || one.max(two) >= WHOLE / 8
    }
}

/// Parts of what is missing.
const WHOLE: i128 = 1 << 40;
/// Suppliers on whom a node may be branched.
const SINGLE: usize = 6;
/// At the first nodes all is tried out that may be.
const FIRST: usize = 32;
/// Tries for each supplier, at first.
const OF_EACH: usize = 40;
/// Exchanges of the simplex method for each half.
const OF_A_HALF: usize = 60;

impl Search<'_> {
    /// A node is narrowed, and branched on how resources are had where that tells; else what its prices leave open is tried out,
    /// and where that is too much, it is branched on whatever tells most.
    pub(super) fn open_up(&mut self, parent: Open) {
        // What a trial has shown is said of the node as it is.
        let parent = if parent.tried == Trial::None { self.narrow(parent) } else { Some(parent) };
        let Some(parent) = parent else { return };
        let problem = self.problem;
        let few = problem.suppliers.len() <= FEW;
        let used = problem.used(&parent.chosen);
        if let Some(split) = split_unpaid(problem, &parent, &problem.used(&self.best)) {
            return self.branch(&parent, split, None);
        }
        let modes = splits_of_modes(problem, &parent, &used);
        let probed = self.probe(&parent, modes);
        if let Some(probed) = probed.filter(|probed| probed.tells()) {
            return self.branch(&parent, probed.split, Some(probed.prices));
        }
        let missing = (self.cost - self.limits.slack(self.cost)).saturating_sub(parent.lower);
        match parent.tried {
            Trial::None => {
                let little = LITTLE.max(problem.suppliers.len() * OF_EACH);
                return self.try_out(parent, little, Trial::Little);
            }
            // What a few tries have not brought half way many will seldom bring to the end.
            Trial::Little if few || parent.shown >= missing || parent.node < FIRST => {
                return self.try_out(parent, TRIES, Trial::Full);
            }
            Trial::Little | Trial::Full if self.work > 0 && missing < self.room - self.room / 16 => {
                self.room = missing;
                return self.tabulate(parent);
            }
            _ => {}
        }
        let Some(parent) = self.narrow(parent) else { return };
        let used = problem.used(&parent.chosen);
        let gaps = gaps(problem, &parent, &used);
        let modes = splits_of_modes(problem, &parent, &used);
        let heads = splits_of_heads(problem, &parent, &gaps, &used);
        let single = splits_of_suppliers(problem, &parent, &gaps, SINGLE);
        let splits: Vec<Split> = modes.into_iter().chain(heads).chain(single).collect();
        match self.probe(&parent, splits) {
            Some(probed) => self.branch(&parent, probed.split, Some(probed.prices)),
            None => self.proven = self.proven.min(parent.lower),
        }
    }

    /// A node without what makes a plan too dear at its prices; none where that closes it.
    fn narrow(&mut self, mut open: Open) -> Option<Open> {
        let at_least = self.cost - self.limits.slack(self.cost);
        let Some(scope) = narrower(self.problem, &open.scope, &open.prices, at_least) else {
            return Some(open);
        };
        let rest = self.nodes.len();
        self.nodes[open.node] = Node::Narrow { prices: open.prices.clone(), at_least, rest };
        self.proven = self.proven.min(at_least);
        (open.node, open.scope) = (rest, scope);
        raise(self.problem, &open.scope, &mut open.prices, self.cost, EXCHANGES);
        let (bound, chosen) = bound(self.problem, &open.scope, &open.prices);
        open.lower = bound;
        open.chosen = chosen;
        self.nodes.push(Node::Leaf { prices: open.prices.clone(), bound, at_least: None, table: None });
        if bound >= at_least {
            self.proven = self.proven.min(bound);
            return None;
        }
        Some(open)
    }

    /// The best of some splits. One that leaves a single half is best of all.
    fn probe(&self, open: &Open, splits: impl IntoIterator<Item = Split>) -> Option<Probed> {
        let mut best: Option<((i128, i128), Probed)> = None;
        for split in splits.into_iter().filter(|split| split.divides(self.problem, &open.scope)) {
            let [one, two] = split.scopes(&open.scope).map(|scope| self.rise(open, &scope));
            let rise = [one.0, two.0];
            let rank = ((rise[0] + 1) * (rise[1] + 1), rise[0].max(rise[1]));
            if best.as_ref().is_none_or(|(before, _)| rank > *before) {
                best = Some((rank, Probed { split, prices: [one.1, two.1], rise }));
            }
        }
        best.map(|(_, probed)| probed)
    }

    fn rise(&self, open: &Open, scope: &Scope) -> (i128, Vec<i128>) {
        let mut prices = open.prices.clone();
        let goal = self.cost - self.limits.slack(self.cost);
        raise(self.problem, scope, &mut prices, goal, OF_A_HALF);
        let (lower, _) = bound(self.problem, scope, &prices);
        let missing = goal.saturating_sub(open.lower).max(1);
        // Whatever is beyond reach is beyond 128 bits in parts.
        let gained = lower.saturating_sub(open.lower).clamp(0, missing);
        let parts =
            gained.checked_mul(WHOLE).map_or(gained / (missing / WHOLE).max(1), |parts| parts / missing);
        (parts, prices)
    }
}
