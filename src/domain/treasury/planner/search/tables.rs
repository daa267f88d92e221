//! Tables at a node of the search.

use super::{Node, Open, Search, Trial};
use crate::domain::treasury::planner::dual::{Scope, bound};
use crate::domain::treasury::planner::split::gaps;
use crate::domain::treasury::planner::table::{Over, Table};

impl Search<'_> {
    /// What whole payments make of one account's money at a time: plans, and what none costs less than.
    pub(super) fn tabulate(&mut self, mut open: Open) {
        let (problem, scope, prices) = (self.problem, open.scope.clone(), open.prices.clone());
        let (at_prices, taken) = bound(problem, &scope, &prices);
        let used = problem.used(&taken);
        let gaps = gaps(problem, &open, &used);
        let is_money = |one: &usize| problem.resources[*one].is_money();
        let short: Vec<usize> = gaps.iter().copied().filter(is_money).collect();
        let room = |search: &Self| search.cost - search.limits.slack(search.cost) - at_prices;
        for account in short.iter().copied().filter(|one| prices[*one] > 0).take(ACCOUNTS) {
            self.plans_of(&scope, &prices, account, room(self));
            for digits in DEARER {
                // Of ways that cost the same, those that take less of what else is short.
                let mut dearer = prices.clone();
                for other in short.iter().filter(|other| **other != account) {
                    dearer[*other] += (problem.resources[*other].weight >> digits).max(1);
                }
                if dearer != prices {
                    self.plans_of(&scope, &dearer, account, room(self));
                }
            }
            let room = room(self);
            for entries in [ENTRIES, 4 * ENTRIES] {
                let over = Over::new(problem, &scope, &prices, &used, account, entries);
                let table = over.and_then(|over| Table::new(problem, &scope, &prices, over, room, false));
                let Some(table) = table.filter(|table| table.work() <= self.work) else { break };
                self.work -= table.work();
                let least = table.least().min(room);
                if at_prices + least > open.lower {
                    open.lower = at_prices + least;
                    let (prices, at_least) = (prices.clone(), Some(open.lower));
                    self.nodes[open.node] =
                        Node::Leaf { prices, bound: at_prices, at_least, table: Some(table.over().clone()) };
                }
                // Where that is far from enough, a finer one is not worth it.
                if least >= room || least < room / 2 {
                    break;
                }
            }
        }
        open.tried = Trial::Table;
        self.keep_open(open);
    }

    /// Plans that a table over an account knows.
    fn plans_of(&mut self, scope: &Scope, prices: &[i128], account: usize, room: i128) -> Option<()> {
        let (_, taken) = bound(self.problem, scope, prices);
        let ways = (0..taken.len()).map(|one| scope.open(self.problem, one).count());
        let (open, ways) =
            ways.filter(|ways| *ways > 1).fold((0, 0), |(open, all), ways| (open + 1, all + ways));
        // Where there is little effort left, as coarse as that allows.
        let allowed = self.work / SHARE / ways.max(1);
        let entries = (REMEMBERED / open.max(1)).min(ENTRIES).min(allowed.max(ENTRIES / 16));
        let over = Over::new(self.problem, scope, prices, &self.problem.used(&taken), account, entries)?;
        let table = Table::new(self.problem, scope, prices, over, room, true)?;
        self.work = self.work.checked_sub(table.work())?;
        let mut plans = table.plans(PLANS);
        plans.sort_by_cached_key(|plan| self.problem.cost(plan));
        for plan in plans.into_iter().take(REPAIRED) {
            self.work = self.work.saturating_sub(OF_A_REPAIR);
            self.improve_from(scope, prices, plan, 6, 1);
        }
        Some(())
    }
}

/// Entries of a table, at first.
const ENTRIES: usize = 1 << 21;
/// Where plans are read from a table, entries of all suppliers: each is remembered in a byte.
const REMEMBERED: usize = 1 << 28;
/// What is looked at for that, of what may still be.
const SHARE: usize = 8;
/// Plans that are read from a table, and those of them, the cheapest, that are improved.
const PLANS: usize = 200;
const REPAIRED: usize = 2;
/// Entries that are looked at in the time of that.
const OF_A_REPAIR: usize = 100_000_000;
/// What else is short is made dearer by a weight's 2 to minus this.
const DEARER: [u32; 3] = [20, 17, 14];
/// At a node, of so many accounts.
const ACCOUNTS: usize = 2;
