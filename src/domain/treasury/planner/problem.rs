//! The problem as integers: suppliers with choices, and resources that couple them.
//!
//! A resource is an account (its use: minor units) or a route's batches (its use: items). It can be had in *modes*: an
//! account with each set of top-ups, a route with each number of batches. A mode is a row of points (supply, cost),
//! between which cost is linear.

use super::alternatives::UNPAID;

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

/// A supply and what it costs.
pub type Point = (i64, i128);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    supply: Supply,
    /// Cost units of one unit of use: what prices are first tried at.
    pub weight: i128,
    /// What lies on an account; none for what is no money.
    held: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Supply {
    /// Each a row of points.
    Modes(Vec<Vec<Point>>),
    /// A number of suppliers, up to so many: costs nothing, and is counted so that it can be branched on. A few large
    /// payments and a balance seldom fit; how many there are says most of it.
    Count { of: Counted, most: usize },
}

/// Which suppliers are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Who draws on an account.
    Heads { account: usize },
    /// Who is left unpaid, of the suppliers of one currency, by its place in the order of the part's.
    Unpaid { currency: usize },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    pub suppliers: Vec<Vec<Choice>>,
    pub resources: Vec<Resource>,
}

/// A way to add to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refill {
    pub fixed: i128,
    pub per_unit: i128,
    pub limit: i64,
}

impl Resource {
    /// An account: every set of top-ups is a mode, numbered by its bits. Nobody can use more than `most`, so what could
    /// be had beyond it is no supply: a fixed cost spread over money that nobody needs would be no cost.
    pub fn account(available: i64, weight: i128, refills: &[Refill], most: i64) -> Resource {
        let modes = (0..1_usize << refills.len()).map(|set| {
            let (fixed, steps) = cheapest_first(refills, set);
            let mut points = vec![(available.min(most), fixed)];
            let (mut supply, mut cost) = (available, fixed);
            for (per_unit, limit) in steps {
                if supply >= most {
                    break;
                }
                let own = limit.min(most - supply);
                supply = supply.saturating_add(own);
                cost += per_unit * i128::from(own);
                points.push((supply, cost));
            }
            points
        });
        Resource { supply: Supply::Modes(modes.collect()), weight: weight.max(1), held: Some(available) }
    }

    /// Batches of a route: none, one, … up to what all items would take.
    pub fn batches(size: i64, fee: i128, most_items: i64) -> Resource {
        let most = most_items.div_euclid(size) + i64::from(most_items.rem_euclid(size) != 0);
        let modes = (0..=most)
            .map(|count| vec![(size.saturating_mul(count).min(most_items), fee * i128::from(count))]);
        Resource {
            supply: Supply::Modes(modes.collect()),
            weight: (fee / i128::from(size.min(most_items).max(1))).max(1),
            held: None,
        }
    }

    /// How many suppliers do something; `weight`: what prices are first tried at.
    pub fn count(of: Counted, most: usize, weight: i128) -> Resource {
        Resource { supply: Supply::Count { of, most }, weight: weight.max(1), held: None }
    }

    /// The same where accounts have other places.
    pub fn moved(&self, places: &[u32]) -> Resource {
        let mut moved = self.clone();
        if let Supply::Count { of: Counted::Heads { account }, .. } = &mut moved.supply {
            *account = places.get(*account).map_or(0, |place| *place as usize);
        }
        moved
    }

    /// What is left of it where others already use so much.
    pub fn beside(&self, others: i64) -> Resource {
        let mut left = self.clone();
        if let Supply::Modes(modes) = &mut left.supply {
            modes.iter_mut().flatten().for_each(|(supply, _)| *supply -= others);
        }
        left.held = left.held.map(|held| held.saturating_sub(others));
        left
    }

    /// Whether it is an account.
    pub fn is_money(&self) -> bool {
        self.held.is_some()
    }

    /// What it counts, where it is a number of suppliers.
    pub fn counts(&self) -> Option<Counted> {
        match self.supply {
            Supply::Count { of, .. } => Some(of),
            Supply::Modes(_) => None,
        }
    }

    /// How many of its modes there are.
    pub fn ways(&self) -> usize {
        match &self.supply {
            Supply::Modes(modes) => modes.len(),
            Supply::Count { most, .. } => most + 1,
        }
    }

    /// What a use costs in the cheapest mode of a range; beyond every supply, a price that drives it back.
    pub fn cost(&self, used: i64, modes: (usize, usize)) -> i128 {
        let away = |by: i128| (OVERDRAWN + self.weight).saturating_mul(by);
        let Supply::Modes(all) = &self.supply else {
            let (from, to) = (modes.0 as i128, modes.1 as i128);
            return away((from - i128::from(used)).max(i128::from(used) - to).max(0));
        };
        let costs = all[modes.0..=modes.1].iter().filter_map(|mode| cost_in(mode, used));
        costs.min().unwrap_or_else(|| {
            let most = all[modes.0..=modes.1].iter().map(|mode| last(mode).0).max().unwrap_or(0);
            away(i128::from(used) - i128::from(most))
        })
    }

    /// What a use takes beyond what lies there, worth so much at mid. Of plans that cost the same the one is made that asks
    /// for least while other money lies idle.
    pub fn beyond(&self, used: i64) -> i128 {
        let beyond = self.held.map_or(0, |held| used.saturating_sub(held.max(0)).max(0));
        self.weight.saturating_mul(i128::from(beyond))
    }

    /// The cheapest mode for a use.
    pub fn mode(&self, used: i64) -> usize {
        let Supply::Modes(all) = &self.supply else { return usize::try_from(used).unwrap_or(0) };
        let costs = all.iter().enumerate().filter_map(|(mode, points)| Some((cost_in(points, used)?, mode)));
        costs.min().map_or(all.len() - 1, |(_, mode)| mode)
    }

    /// The least of cost − price × supply, and the supply where it is reached.
    pub fn dual(&self, price: i128, modes: (usize, usize)) -> (i128, i64) {
        let all = match &self.supply {
            Supply::Modes(all) => all,
            Supply::Count { .. } => {
                let count = if price > 0 { modes.1 } else { modes.0 };
                return (-price.saturating_mul(count as i128), i64::try_from(count).unwrap_or(i64::MAX));
            }
        };
        let points = all[modes.0..=modes.1].iter().flatten();
        points
            .map(|(supply, cost)| (cost.saturating_sub(price.saturating_mul(i128::from(*supply))), *supply))
            .min()
            .unwrap_or((0, 0))
    }

    pub fn all(&self) -> (usize, usize) {
        (0, self.ways().saturating_sub(1))
    }
}

/// Above any price that is ever asked for one unit, and above leaving a hundred thousand unpaid.
const OVERDRAWN: i128 = 1_000_000_000_000_000_000_000_000;

fn last(points: &[Point]) -> Point {
    points.last().copied().unwrap_or((0, 0))
}

fn cost_in(points: &[Point], used: i64) -> Option<i128> {
    let (mut before, mut at) = (*points.first()?, 0);
    if used <= before.0 {
        return Some(before.1);
    }
    while let Some(next) = points.get(at + 1) {
        if used <= next.0 {
            // The slope is the whole number of cost units from which the points were made.
            let slope = (next.1 - before.1) / i128::from((next.0 - before.0).max(1));
            return Some(before.1 + slope * i128::from(used - before.0));
        }
        (before, at) = (*next, at + 1);
    }
    None
}

/// What a row costs at first, and each unit of what follows.
fn steps(points: &[Point]) -> impl Iterator<Item = i128> {
    let each =
        points.windows(2).map(|pair| (pair[1].1 - pair[0].1) / i128::from((pair[1].0 - pair[0].0).max(1)));
    points.first().map(|first| first.1).into_iter().chain(each)
}

/// The greatest common divisor; of nothing and a number, that number.
fn divisor(one: i128, two: i128) -> i128 {
    let (mut one, mut two) = (one.abs(), two.abs());
    while two != 0 {
        (one, two) = (two, one % two);
    }
    one
}

/// The fixed costs of a set of refills, and its steps in the order in which they are used.
fn cheapest_first(refills: &[Refill], set: usize) -> (i128, Vec<(i128, i64)>) {
    let chosen = refills.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1);
    let mut steps: Vec<(i128, usize, i64)> =
        chosen.clone().map(|(index, refill)| (refill.per_unit, index, refill.limit)).collect();
    steps.sort_unstable();
    (
        chosen.map(|(_, refill)| refill.fixed).sum(),
        steps.into_iter().map(|(per, _, limit)| (per, limit)).collect(),
    )
}

/// How much of each refill a shortage takes in a mode.
pub fn drawn(refills: &[Refill], mode: usize, mut shortage: i64) -> Vec<i64> {
    let mut order: Vec<usize> = (0..refills.len()).filter(|index| mode >> index & 1 == 1).collect();
    order.sort_by_key(|index| (refills[*index].per_unit, *index));
    let mut drawn = vec![0; refills.len()];
    for index in order {
        drawn[index] = shortage.clamp(0, refills[index].limit);
        shortage -= drawn[index];
    }
    drawn
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
        let supplies = self.resources.iter().map(|resource| match &resource.supply {
            Supply::Modes(modes) => modes.iter().flat_map(|points| steps(points)).fold(0, divisor),
            Supply::Count { .. } => 0,
        });
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
