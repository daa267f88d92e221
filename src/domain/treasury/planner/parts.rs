//! Suppliers that share no account and no batch do not know of one another: the problem falls into parts, each with a
//! proof of its own.

use super::super::request::{PlanError, PlanRequest};
use super::super::value::Cost;
use super::alternatives::Alternative;
use super::problem::{Choice, Problem};
use super::resource::{Refill, Resource};
use crate::money::Currency;

/// One payable that is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its place in the request.
    pub payable: usize,
    /// Its alternatives, ruled out or not.
    pub alternatives: Vec<Alternative>,
    /// The alternatives that are choices, in the order of the problem's: not ruled out, and none needless beside another.
    pub choices: Vec<usize>,
    /// What its later part costs where waiting is possible.
    pub later: i128,
    /// The rail account that its terms name, where its account has several of that rail: the place of the first payable
    /// that names it.
    pub through: Option<usize>,
}

impl Candidate {
    /// Its alternatives that are not ruled out.
    pub fn open(&self) -> impl Iterator<Item = &Alternative> {
        self.alternatives.iter().filter(|one| one.ruled_out.is_none())
    }
}

/// What a resource of a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// An account, by its place among the funds.
    Account(usize),
    /// Batches: of one route, out of one account, over one rail account. Each is a call and pays its fee.
    Batches { route: usize, account: usize, through: Option<usize> },
}

/// A part: candidates, what they share, and the integers.
#[derive(Debug, Clone)]
pub struct Part {
    pub candidates: Vec<Candidate>,
    pub shared: Vec<Shared>,
    /// What each candidate is paid in: a currency's suppliers stand by themselves once shared money has a price.
    pub currencies: Vec<Currency>,
    pub problem: Problem,
}

impl Part {
    /// The currencies in their order, and the place of each candidate's among them.
    pub fn groups(&self) -> Vec<usize> {
        let order = self.order();
        self.currencies.iter().map(|own| order.binary_search(own).unwrap_or(0)).collect()
    }

    /// Its currencies, each once, in their order.
    pub fn order(&self) -> Vec<Currency> {
        let each: std::collections::BTreeSet<Currency> = self.currencies.iter().copied().collect();
        each.into_iter().collect()
    }
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

fn shares(request: &PlanRequest, candidate: &Candidate, choice: usize) -> Vec<(Shared, i64)> {
    let alternative = &candidate.alternatives[choice];
    let (None, Some(account)) = (alternative.waits_until, alternative.account) else { return Vec::new() };
    let money = (Shared::Account(account), alternative.debit);
    let batched = |route: &usize| request.routes.routes[*route].fee_of_batch().is_positive();
    let batches = alternative.route.filter(batched).map(|route| {
        let through = candidate.through;
        (Shared::Batches { route, account, through }, i64::from(alternative.count()))
    });
    std::iter::once(money).chain(batches).collect()
}

/// Falls apart along what is shared; parts in the order of their first payable.
pub fn parts(request: &PlanRequest, candidates: Vec<Candidate>) -> Result<Vec<Part>, PlanError> {
    let accounts = request.funds.len();
    let mut leader: Vec<usize> = (0..accounts + candidates.len()).collect();
    fn find(leader: &mut [usize], mut one: usize) -> usize {
        while leader[one] != one {
            leader[one] = leader[leader[one]];
            one = leader[one];
        }
        one
    }
    for (index, candidate) in candidates.iter().enumerate() {
        for choice in &candidate.choices {
            for (shared, _) in shares(request, candidate, *choice) {
                // Whoever shares batches shares the account that they are paid from.
                let Shared::Account(account) = shared else { continue };
                let (one, two) = (find(&mut leader, accounts + index), find(&mut leader, account));
                leader[one.max(two)] = one.min(two);
            }
        }
    }
    let mut groups: std::collections::BTreeMap<usize, (usize, Vec<Candidate>)> =
        std::collections::BTreeMap::new();
    for (index, candidate) in candidates.into_iter().enumerate() {
        let root = find(&mut leader, accounts + index);
        groups.entry(root).or_insert_with(|| (index, Vec::new())).1.push(candidate);
    }
    let mut groups: Vec<(usize, Vec<Candidate>)> = groups.into_values().collect();
    groups.sort_by_key(|(index, _)| *index);
    groups.into_iter().map(|(_, candidates)| part(request, candidates)).collect()
}

fn part(request: &PlanRequest, mut candidates: Vec<Candidate>) -> Result<Part, PlanError> {
    let open = candidates.iter().flat_map(|candidate| {
        candidate.choices.iter().flat_map(move |choice| shares(request, candidate, *choice))
    });
    let listed: std::collections::BTreeSet<Shared> = open.map(|(one, _)| one).collect();
    let shared: Vec<Shared> = listed.into_iter().collect();
    let mut most = vec![0_i64; shared.len()];
    let mut suppliers = Vec::with_capacity(candidates.len());
    let mut currencies = Vec::with_capacity(candidates.len());
    for candidate in &mut candidates {
        let priced = |choice: usize| {
            let alternative = &candidate.alternatives[choice];
            let uses = shares(request, candidate, choice).into_iter().map(|(one, amount)| {
                // Every shared thing was listed above.
                (u32::try_from(shared.binary_search(&one).unwrap_or(0)).unwrap_or(0), amount)
            });
            Choice { cost: alternative.cost, uses: uses.collect() }
        };
        let choices: Vec<Choice> = candidate.choices.iter().map(|choice| priced(*choice)).collect();
        let unpaid = |place: usize| candidate.alternatives[candidate.choices[place]].is_unpaid();
        let kept = needed(&choices, unpaid);
        let choices: Vec<Choice> = kept.iter().map(|place| choices[*place]).collect();
        candidate.choices = kept.into_iter().map(|place| candidate.choices[place]).collect();
        let mut used: Vec<u32> =
            choices.iter().flat_map(|one| one.uses.iter().map(|(one, _)| *one)).collect();
        used.sort_unstable();
        used.dedup();
        for resource in used {
            let largest = choices.iter().map(|one| one.uses.of(resource as usize)).max().unwrap_or(0);
            most[resource as usize] = most[resource as usize].saturating_add(largest);
        }
        suppliers.push(choices);
        currencies.push(request.payables[candidate.payable].gross.currency());
    }
    let mut resources = Vec::new();
    for (one, most) in shared.iter().zip(most) {
        resources.push(match one {
            Shared::Account(account) => {
                let available = request.funds[*account].available;
                let (top, bottom) = request.mids.weight(available.currency())?;
                let refills = refills(request, *account)?;
                Resource::account(available.minor().max(0), top / bottom, &refills, most)
            }
            Shared::Batches { route, .. } => {
                let route = &request.routes.routes[*route];
                let Cost(fee) = request.mids.value(route.fee_of_batch())?;
                Resource::batches(route.batch_size.map_or(i64::from(u32::MAX), i64::from), fee, most)
            }
        });
    }
    let accounts: Vec<bool> = shared.iter().map(|one| matches!(one, Shared::Account(_))).collect();
    let problem = Problem { suppliers, resources }.with_heads(&accounts, super::MIDDLE);
    let unpaid = candidates.iter().map(|candidate| {
        candidate.choices.iter().position(|choice| candidate.alternatives[*choice].is_unpaid())
    });
    let unpaid: Vec<Option<usize>> = unpaid.collect();
    let mut part = Part { candidates, shared, currencies, problem };
    part.problem = std::mem::take(&mut part.problem).with_unpaid(&part.groups(), &unpaid, super::MIDDLE);
    Ok(part)
}

/// Without those beside which another is as cheap and takes as little; of equals the first stays. Who is left unpaid is
/// counted, so that no way is needless beside that.
fn needed(choices: &[Choice], unpaid: impl Fn(usize) -> bool) -> Vec<usize> {
    let needless = |place: &usize| {
        choices.iter().enumerate().any(|(other, beside)| {
            other != *place
                && !unpaid(other)
                && choices[*place].needless_beside(beside)
                && (other < *place || !beside.needless_beside(&choices[*place]))
        })
    };
    (0..choices.len()).filter(|place| !needless(place)).collect()
}
