//! Suppliers that share no account and no batch do not know of one another: the problem falls into parts, each with a
//! proof of its own.

use super::super::request::{PlanError, PlanRequest};
use super::super::value::Cost;
use super::alternatives::Alternative;
use super::problem::{Choice, Problem, Refill, Resource};

/// One payable that is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its place in the request.
    pub payable: usize,
    /// Its alternatives, ruled out or not.
    pub alternatives: Vec<Alternative>,
    /// The alternatives that are choices, in the order of the problem's.
    pub choices: Vec<usize>,
    /// What its later part costs where waiting is possible.
    pub later: i128,
}

/// What a resource of a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// An account, by its place among the funds.
    Account(usize),
    /// A route's batches, by its place in the table.
    Batches(usize),
}

/// A part: candidates, what they share, and the integers.
#[derive(Debug, Clone)]
pub struct Part {
    pub candidates: Vec<Candidate>,
    pub shared: Vec<Shared>,
    pub problem: Problem,
}

/// The top-ups of an account as integers.
pub fn refills(request: &PlanRequest, account: usize) -> Result<Vec<Refill>, PlanError> {
    let funds = &request.funds[account];
    let each = funds.top_ups.iter().map(|top_up| {
        let fixed = top_up.fixed.map_or(Ok(Cost(0)), |fixed| request.mids.value(fixed))?;
        let per_unit = request.mids.points(funds.available.currency(), top_up.spread_bps)?;
        Ok(Refill { fixed: fixed.0, per_unit, limit: top_up.limit.minor() })
    });
    each.collect()
}

fn shares(request: &PlanRequest, alternative: &Alternative) -> Vec<(Shared, i64)> {
    if alternative.waits_until.is_some() {
        return Vec::new();
    }
    let account = alternative.account.map(|account| (Shared::Account(account), alternative.debit));
    let batches = alternative.route.filter(|route| {
        let route = &request.routes.routes[*route];
        route.fee_of_batch().is_positive()
    });
    let batches = batches.map(|route| (Shared::Batches(route), i64::from(alternative.count())));
    account.into_iter().chain(batches).collect()
}

/// Falls apart along what is shared; parts in the order of their first payable.
pub fn parts(request: &PlanRequest, candidates: Vec<Candidate>) -> Result<Vec<Part>, PlanError> {
    let accounts = request.funds.len();
    let place = |shared: Shared| match shared {
        Shared::Account(account) => account,
        Shared::Batches(route) => accounts + route,
    };
    let mut leader: Vec<usize> = (0..accounts + request.routes.routes.len() + candidates.len()).collect();
    fn find(leader: &mut [usize], mut one: usize) -> usize {
        while leader[one] != one {
            leader[one] = leader[leader[one]];
            one = leader[one];
        }
        one
    }
    let first = accounts + request.routes.routes.len();
    for (index, candidate) in candidates.iter().enumerate() {
        for choice in &candidate.choices {
            for (shared, _) in shares(request, &candidate.alternatives[*choice]) {
                let (one, two) = (find(&mut leader, first + index), find(&mut leader, place(shared)));
                leader[one.max(two)] = one.min(two);
            }
        }
    }
    let mut groups: std::collections::BTreeMap<usize, (usize, Vec<Candidate>)> =
        std::collections::BTreeMap::new();
    for (index, candidate) in candidates.into_iter().enumerate() {
        let root = find(&mut leader, first + index);
        groups.entry(root).or_insert_with(|| (index, Vec::new())).1.push(candidate);
    }
    let mut groups: Vec<(usize, Vec<Candidate>)> = groups.into_values().collect();
    groups.sort_by_key(|(index, _)| *index);
    groups.into_iter().map(|(_, candidates)| part(request, candidates)).collect()
}

fn part(request: &PlanRequest, candidates: Vec<Candidate>) -> Result<Part, PlanError> {
    let mut most: std::collections::BTreeMap<Shared, i64> = std::collections::BTreeMap::new();
    for candidate in &candidates {
        let mut own: std::collections::BTreeMap<Shared, i64> = std::collections::BTreeMap::new();
        for choice in &candidate.choices {
            for (shared, amount) in shares(request, &candidate.alternatives[*choice]) {
                let largest = own.entry(shared).or_insert(0);
                *largest = amount.max(*largest);
            }
        }
        for (shared, amount) in own {
            let sum = most.entry(shared).or_insert(0);
            *sum = sum.saturating_add(amount);
        }
    }
    let shared: Vec<Shared> = most.keys().copied().collect();
    let mut resources = Vec::new();
    for (one, items) in &most {
        resources.push(match one {
            Shared::Account(account) => {
                let available = request.funds[*account].available;
                let (top, bottom) = request.mids.weight(available.currency())?;
                Resource::account(available.minor().max(0), top / bottom, &refills(request, *account)?)
            }
            Shared::Batches(route) => {
                let route = &request.routes.routes[*route];
                let Cost(fee) = request.mids.value(route.fee_of_batch())?;
                Resource::batches(route.batch_size.map_or(i64::from(u32::MAX), i64::from), fee, *items)
            }
        });
    }
    let suppliers = candidates.iter().map(|candidate| {
        let choices = candidate.choices.iter().map(|choice| {
            let alternative = &candidate.alternatives[*choice];
            let uses = shares(request, alternative).into_iter().map(|(one, amount)| {
                // Every shared thing was listed above.
                (shared.binary_search(&one).unwrap_or(0), amount)
            });
            Choice { cost: alternative.cost, uses: uses.collect() }
        });
        choices.collect()
    });
    let problem = Problem { suppliers: suppliers.collect(), resources };
    Ok(Part { candidates, shared, problem })
}
