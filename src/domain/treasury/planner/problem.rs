//! The problem as integers: suppliers with choices, and resources that couple them.

use super::alternatives::UNPAID;
use super::resource::{Counted, Resource, divisor};

/// One way to treat one supplier. All costs are cost units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub cost: i128,
    /// (resource, how much): an account, its heads, a batch.
    pub uses: Uses,
}

/// Up to three uses, in place: there are some for each way of a hundred thousand suppliers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    count: u8,
    each: [(u32, i64); 3],
}

impl std::ops::Deref for Uses {
    type Target = [(u32, i64)];

    fn deref(&self) -> &[(u32, i64)] {
        &self.each[..usize::from(self.count)]
    }
}

impl FromIterator<(u32, i64)> for Uses {
    /// More than three are none that this trade knows; what is beyond them is left out.
    fn from_iter<I: IntoIterator<Item = (u32, i64)>>(uses: I) -> Uses {
        let mut all = Uses::default();
        for (place, one) in uses.into_iter().take(3).enumerate() {
            (all.each[place], all.count) = (one, all.count + 1);
        }
        all
    }
}

impl Uses {
    /// How much of a resource.
    pub fn of(&self, resource: usize) -> i64 {
        let found = self.iter().find(|(other, _)| *other as usize == resource);
        found.map_or(0, |(_, amount)| *amount)
    }
}

impl Choice {
    /// Whether another is as cheap and takes as little of everything: then this one is never needed.
    pub fn needless_beside(&self, other: &Choice) -> bool {
        other.cost <= self.cost
            && other.uses.iter().all(|(resource, amount)| *amount <= self.uses.of(*resource as usize))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    pub suppliers: Vec<Vec<Choice>>,
    pub resources: Vec<Resource>,
}

impl Problem {
    /// Counts the heads of each account with no more users than `most_users`.
    pub fn with_heads(mut self, accounts: &[bool], most_users: usize) -> Problem {
        let mut users = vec![0_usize; self.resources.len()];
        for choices in &self.suppliers {
            for (resource, own) in users.iter_mut().enumerate() {
                *own += usize::from(choices.iter().any(|choice| choice.uses.of(resource) > 0));
            }
        }
        let mut heads = vec![None; self.resources.len()];
        for (account, count) in users.into_iter().enumerate() {
            if accounts[account] && count > 1 && count <= most_users {
                heads[account] = u32::try_from(self.resources.len()).ok();
                let weight = self.resources[account].weight.saturating_mul(10_000);
                self.resources.push(Resource::count(Counted::Heads { account }, count, weight));
            }
        }
        for choice in self.suppliers.iter_mut().flatten() {
            let counted = choice.uses.iter().filter(|(_, amount)| *amount > 0);
            let counted =
                counted.filter_map(|(resource, _)| Some((heads.get(*resource as usize).copied()??, 1)));
            choice.uses = choice.uses.iter().copied().chain(counted.collect::<Vec<_>>()).collect();
        }
        self
    }

    /// Counts, for each currency with no more than `most_users` suppliers, who is left unpaid: money that is short by half a
    /// payment leaves out a whole one. `currency` and `unpaid` say of each supplier which is its currency and its choice.
    pub fn with_unpaid(mut self, currency: &[usize], unpaid: &[Option<usize>], most_users: usize) -> Problem {
        for own in 0..currency.iter().max().map_or(0, |most| most + 1) {
            let of = currency.iter().zip(unpaid).enumerate().filter(|(_, (other, _))| **other == own);
            let of: Vec<(usize, usize)> =
                of.filter_map(|(one, (_, unpaid))| Some((one, (*unpaid)?))).collect();
            let Ok(place) = u32::try_from(self.resources.len()) else { return self };
            if of.is_empty() || of.len() > most_users {
                continue;
            }
            self.resources.push(Resource::count(Counted::Unpaid { currency: own }, of.len(), UNPAID));
            for (supplier, choice) in of {
                self.suppliers[supplier][choice].uses = std::iter::once((place, 1)).collect();
            }
        }
        self
    }

    /// What every plan's cost is a whole multiple of: a bound is the next multiple. Where one currency is planned by itself
    /// that is a minor unit of it.
    pub fn grain(&self) -> i128 {
        let choices = self.suppliers.iter().flatten().map(|choice| choice.cost);
        let supplies = self.resources.iter().map(Resource::grain);
        choices.chain(supplies).fold(0, divisor).max(1)
    }

    /// The use of each resource under an assignment.
    pub fn used(&self, assignment: &[usize]) -> Vec<i64> {
        let mut used = vec![0_i64; self.resources.len()];
        for (choices, chosen) in self.suppliers.iter().zip(assignment) {
            for (resource, amount) in choices[*chosen].uses.iter() {
                let used = &mut used[*resource as usize];
                *used = used.saturating_add(*amount);
            }
        }
        used
    }

    /// What an assignment costs; a use that cannot be had costs without measure.
    pub fn cost(&self, assignment: &[usize]) -> i128 {
        let choices = self.suppliers.iter().zip(assignment).map(|(choices, chosen)| choices[*chosen].cost);
        let used = self.used(assignment);
        let resources =
            self.resources.iter().zip(used).map(|(resource, used)| resource.cost(used, resource.all()));
        resources.fold(choices.sum::<i128>(), i128::saturating_add)
    }
}
