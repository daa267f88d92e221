//! What couples suppliers. A resource is an account (its use: minor units), a route's batches (its use: items) or a number
//! of suppliers. It can be had in *modes*: an account with each set of top-ups, a route with each number of batches. A mode
//! of an account is a row of points (supply, cost), between which cost is linear.

/// A supply, what it costs, and what each unit beyond it costs up to the next.
type Point = (i64, i128, i128);

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
    /// Calls of so many items at most, each at a fee, for so many items in all, of which others already take some.
    Batches { size: i64, fee: i128, items: i64, others: i64 },
}

/// Which suppliers are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Who draws on an account.
    Heads { account: usize },
    /// Who is left unpaid, of the suppliers of one currency, by its place in the order of the part's.
    Unpaid { currency: usize },
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
            let mut points = vec![(available.min(most), fixed, 0)];
            let (mut supply, mut cost) = (available, fixed);
            for (per_unit, limit) in steps {
                if supply >= most {
                    break;
                }
                let own = limit.min(most - supply);
                supply = supply.saturating_add(own);
                cost += per_unit * i128::from(own);
                points.last_mut().into_iter().for_each(|(.., each)| *each = per_unit);
                points.push((supply, cost, 0));
            }
            points
        });
        Resource { supply: Supply::Modes(modes.collect()), weight: weight.max(1), held: Some(available) }
    }

    /// Batches of a route: none, one, … up to what all items would take.
    pub fn batches(size: i64, fee: i128, most_items: i64) -> Resource {
        Resource {
            supply: Supply::Batches { size, fee, items: most_items, others: 0 },
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
    pub fn beside(&self, more: i64) -> Resource {
        let mut left = self.clone();
        match &mut left.supply {
            Supply::Modes(modes) => modes.iter_mut().flatten().for_each(|(supply, ..)| *supply -= more),
            Supply::Batches { others, .. } => *others += more,
            Supply::Count { .. } => {}
        }
        left.held = left.held.map(|held| held.saturating_sub(more));
        left
    }

    /// By about how much a price is moved at a time.
    pub fn step(&self, price: i128) -> i128 {
        let least = match &self.supply {
            Supply::Modes(_) => self.weight >> 10,
            Supply::Batches { .. } => self.weight >> 2,
            Supply::Count { .. } => self.weight >> 14,
        };
        least.max(price.abs() >> 4).max(1)
    }

    /// Whether it is an account.
    pub fn is_money(&self) -> bool {
        self.held.is_some()
    }

    /// What it counts, where it is a number of suppliers.
    pub fn counts(&self) -> Option<Counted> {
        match self.supply {
            Supply::Count { of, .. } => Some(of),
            Supply::Modes(_) | Supply::Batches { .. } => None,
        }
    }

    /// How many of its modes there are.
    pub fn ways(&self) -> usize {
        match &self.supply {
            Supply::Modes(modes) => modes.len(),
            Supply::Count { most, .. } => most + 1,
            Supply::Batches { size, items, .. } => batches(*items, *size) + 1,
        }
    }

    /// What a use costs in the cheapest mode of a range; beyond every supply, a price that drives it back.
    pub fn cost(&self, used: i64, modes: (usize, usize)) -> i128 {
        let away = |by: i128| (OVERDRAWN + self.weight).saturating_mul(by);
        match &self.supply {
            Supply::Modes(all) => {
                let costs = all[modes.0..=modes.1].iter().filter_map(|mode| cost_in(mode, used));
                costs.min().unwrap_or_else(|| {
                    let most = all[modes.0..=modes.1].iter().map(|mode| last(mode).0).max().unwrap_or(0);
                    away(i128::from(used) - i128::from(most))
                })
            }
            Supply::Count { .. } => {
                let (from, to) = (modes.0 as i128, modes.1 as i128);
                away((from - i128::from(used)).max(i128::from(used) - to).max(0))
            }
            Supply::Batches { size, fee, others, .. } => {
                let needed = batches(used + others, *size).max(modes.0);
                if needed <= modes.1 {
                    return fee * needed as i128;
                }
                away(i128::from(used) - i128::from(self.full(modes.1)))
            }
        }
    }

    /// What so many batches hold beside what others take; of what is no batch nothing.
    fn full(&self, count: usize) -> i64 {
        let Supply::Batches { size, items, others, .. } = &self.supply else { return 0 };
        size.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)).min(*items) - others
    }

    /// What a use takes beyond what lies there, worth so much at mid. Of plans that cost the same the one is made that asks
    /// for least while other money lies idle.
    pub fn beyond(&self, used: i64) -> i128 {
        let beyond = self.held.map_or(0, |held| used.saturating_sub(held.max(0)).max(0));
        self.weight.saturating_mul(i128::from(beyond))
    }

    /// The cheapest mode for a use.
    pub fn mode(&self, used: i64) -> usize {
        match &self.supply {
            Supply::Modes(all) => {
                let costs =
                    all.iter().enumerate().filter_map(|(mode, points)| Some((cost_in(points, used)?, mode)));
                costs.min().map_or(all.len() - 1, |(_, mode)| mode)
            }
            Supply::Count { .. } => places(used),
            Supply::Batches { size, others, .. } => batches(used + others, *size).min(self.ways() - 1),
        }
    }

    /// The least of cost − price × supply, and the supply where it is reached.
    pub fn dual(&self, price: i128, modes: (usize, usize)) -> (i128, i64) {
        let at =
            |supply: i64, cost: i128| (cost.saturating_sub(price.saturating_mul(i128::from(supply))), supply);
        let least = match &self.supply {
            Supply::Modes(all) => {
                all[modes.0..=modes.1].iter().flatten().map(|(supply, cost, _)| at(*supply, *cost)).min()
            }
            Supply::Count { .. } => {
                let count = if price > 0 { modes.1 } else { modes.0 };
                return at(i64::try_from(count).unwrap_or(i64::MAX), 0);
            }
            // A straight line but for the last, which may not be full.
            Supply::Batches { fee, .. } => [modes.0, modes.1.saturating_sub(1).max(modes.0), modes.1]
                .into_iter()
                .map(|count| at(self.full(count), fee * count as i128))
                .min(),
        };
        least.unwrap_or((0, 0))
    }

    /// Supplies and their costs between which a range of its modes lies.
    pub fn points(&self, modes: (usize, usize)) -> Vec<(i64, i128)> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        match &self.supply {
            Supply::Modes(all) => {
                all[modes.0..=modes.1].iter().flatten().map(|(supply, cost, _)| (*supply, *cost)).collect()
            }
            Supply::Count { .. } => vec![(count(modes.0), 0), (count(modes.1), 0)],
            Supply::Batches { fee, .. } => [modes.0, modes.1.saturating_sub(1).max(modes.0), modes.1]
                .into_iter()
                .map(|count| (self.full(count), fee * count as i128))
                .collect(),
        }
    }

    /// What every cost of it is a whole multiple of; of what costs nothing, nothing.
    pub fn grain(&self) -> i128 {
        match &self.supply {
            Supply::Modes(modes) => modes.iter().flat_map(|points| steps(points)).fold(0, divisor),
            Supply::Batches { fee, .. } if self.ways() > 1 => *fee,
            Supply::Batches { .. } | Supply::Count { .. } => 0,
        }
    }

    pub fn all(&self) -> (usize, usize) {
        (0, self.ways().saturating_sub(1))
    }
}

/// Above any price that is ever asked for one unit, and above leaving a hundred thousand unpaid.
const OVERDRAWN: i128 = 1_000_000_000_000_000_000_000_000;

fn places(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// How many batches so many items take.
fn batches(items: i64, size: i64) -> usize {
    places(items.div_euclid(size) + i64::from(items.rem_euclid(size) != 0))
}

fn last(points: &[Point]) -> Point {
    points.last().copied().unwrap_or((0, 0, 0))
}

fn cost_in(points: &[Point], used: i64) -> Option<i128> {
    let (mut before, mut at) = (*points.first()?, 0);
    if used <= before.0 {
        return Some(before.1);
    }
    while let Some(next) = points.get(at + 1) {
        if used <= next.0 {
            return Some(before.1 + before.2 * i128::from(used - before.0));
        }
        (before, at) = (*next, at + 1);
    }
    None
}

/// What a row costs at first, and each unit of what follows.
fn steps(points: &[Point]) -> impl Iterator<Item = i128> {
    points.first().map(|first| first.1).into_iter().chain(points.iter().map(|point| point.2))
}

/// The greatest common divisor; of nothing and a number, that number.
pub fn divisor(one: i128, two: i128) -> i128 {
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
