//! Prices of scarce money and batch places, and the lower bound that they prove.
//!
//! With a price on each resource suppliers are independent: each takes its cheapest choice at those prices. Whatever
//! the prices, the sum is below every plan's cost. Along any line of prices the sum is concave and made of straight
//! pieces, so its top is found by tangents, on whole numbers.

use std::collections::BTreeMap;

use super::problem::{Choice, Problem};
use super::resource::{Counted, Resource};

/// What a node of the search still allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Modes of each resource, from … to.
    pub modes: Vec<(usize, usize)>,
    /// What is left of their choices to suppliers that were branched on; to the others all are.
    narrowed: BTreeMap<usize, Left>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Left {
    taken: Option<usize>,
    without: Vec<usize>,
}

impl Scope {
    pub fn whole(problem: &Problem) -> Scope {
        Scope { modes: problem.resources.iter().map(Resource::all).collect(), narrowed: BTreeMap::new() }
    }

    /// Such modes, and every choice.
    pub fn of_modes(modes: Vec<(usize, usize)>) -> Scope {
        Scope { modes, narrowed: BTreeMap::new() }
    }

    /// The choices that are left to a supplier.
    pub fn open<'a>(
        &'a self,
        problem: &'a Problem,
        supplier: usize,
    ) -> impl Iterator<Item = (usize, &'a Choice)> {
        let left = self.narrowed.get(&supplier);
        let is_left = move |choice: usize| {
            left.is_none_or(|left| {
                left.taken.is_none_or(|taken| taken == choice) && !left.without.contains(&choice)
            })
        };
        problem.suppliers[supplier].iter().enumerate().filter(move |(choice, _)| is_left(*choice))
    }

    /// The supplier takes this one.
    pub fn take(&mut self, supplier: usize, choice: usize) {
        self.narrowed.entry(supplier).or_default().taken = Some(choice);
    }

    /// The supplier does not.
    pub fn leave(&mut self, supplier: usize, choice: usize) {
        self.narrowed.entry(supplier).or_default().without.push(choice);
    }

    /// Whether a choice is left to a supplier, and others beside it.
    pub fn divides(&self, problem: &Problem, supplier: usize, choice: usize) -> bool {
        let left: Vec<usize> = self.open(problem, supplier).map(|(one, _)| one).collect();
        left.len() > 1 && left.contains(&choice)
    }

    /// The same for some resources and suppliers alone, in their order.
    pub fn of(&self, resources: &[usize], suppliers: &[usize]) -> Scope {
        let narrowed = suppliers.iter().enumerate();
        let narrowed = narrowed.filter_map(|(own, one)| Some((own, self.narrowed.get(one)?.clone())));
        Scope { modes: resources.iter().map(|one| self.modes[*one]).collect(), narrowed: narrowed.collect() }
    }

    /// The same with other modes.
    pub fn with_modes(&self, modes: Vec<(usize, usize)>) -> Scope {
        Scope { modes, narrowed: self.narrowed.clone() }
    }
}

/// A choice's cost at prices.
pub fn reduced(choice: &Choice, prices: &[i128]) -> i128 {
    choice.uses.iter().fold(choice.cost, |cost, (resource, amount)| {
        cost.saturating_add(prices[*resource as usize].saturating_mul(i128::from(*amount)))
    })
}

/// A supplier's cheapest open choice at prices; the first of equals.
pub fn cheapest(problem: &Problem, scope: &Scope, supplier: usize, prices: &[i128]) -> (i128, usize) {
    let priced = scope.open(problem, supplier).map(|(index, choice)| (reduced(choice, prices), index));
    priced.min().unwrap_or((i128::MAX / 4, 0))
}

/// The bound, and who takes what at these prices.
pub fn bound(problem: &Problem, scope: &Scope, prices: &[i128]) -> (i128, Vec<usize>) {
    let mut total = 0_i128;
    let mut chosen = Vec::with_capacity(problem.suppliers.len());
    for supplier in 0..problem.suppliers.len() {
        let (cost, index) = cheapest(problem, scope, supplier, prices);
        total = total.saturating_add(cost);
        chosen.push(index);
    }
    (total.saturating_add(supplied(problem, scope, prices)), chosen)
}

/// What supply costs less what it is priced at, at the least.
pub fn supplied(problem: &Problem, scope: &Scope, prices: &[i128]) -> i128 {
    let each = problem.resources.iter().zip(&scope.modes).zip(prices);
    each.fold(0, |total: i128, ((resource, modes), price)| {
        total.saturating_add(resource.dual(*price, *modes).0)
    })
}

/// Lines of prices along which the bound is raised, and who is moved by each: made once per problem.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    /// How far each price moves by one step.
    along: Vec<(usize, i128)>,
    /// Suppliers with a choice that uses any of them.
    users: Vec<usize>,
    /// Where the last is a count of suppliers: turned about one of them, the price of being counted against that of money.
    turned: bool,
}

impl Lines {
    /// Each price by itself, and those of the accounts of each set together: where two are short neither price alone
    /// drives anybody out of both.
    pub fn new(problem: &Problem, together: &[Vec<usize>]) -> Lines {
        let mut users = vec![Vec::new(); problem.resources.len()];
        for (supplier, choices) in problem.suppliers.iter().enumerate() {
            for (resource, _) in choices.iter().flat_map(|choice| choice.uses.iter()) {
                let own: &mut Vec<usize> = &mut users[*resource as usize];
                if own.last() != Some(&supplier) {
                    own.push(supplier);
                }
            }
        }
        let single = users.iter().enumerate().filter(|(_, users)| !users.is_empty());
        let mut lines: Vec<Line> = single
            .map(|(one, users)| Line { along: vec![(one, 1)], users: users.clone(), turned: false })
            .collect();
        let fine = |one: usize| (one, (problem.resources[one].weight >> FINE).max(1));
        // A price of batches or counts raised with it would take back what that of money gains.
        let money = |set: &Vec<usize>| -> Vec<usize> {
            set.iter().copied().filter(|one| problem.resources[*one].is_money()).collect()
        };
        let sets = std::collections::BTreeSet::from_iter(together.iter().map(money));
        let of_any = |set: &[usize]| {
            let all = set.iter().flat_map(|one| users[*one].iter().copied());
            Vec::from_iter(all.collect::<std::collections::BTreeSet<usize>>())
        };
        for set in sets.iter().filter(|set| set.len() > 1) {
            let along = set.iter().copied().map(fine).collect();
            lines.push(Line { along, users: of_any(set), turned: false });
        }
        // Nobody is in two batches or two numbers at once: where all that there are together are too few, or too many, no price
        // of one of them tells.
        for counted in [false, true] {
            let alike = (0..problem.resources.len()).filter(|one| {
                let own = &problem.resources[*one];
                !own.is_money() && own.counts().is_some() == counted && !users[*one].is_empty()
            });
            let alike: Vec<usize> = alike.collect();
            let step = alike.iter().map(|one| fine(*one).1).min().unwrap_or(1);
            if alike.len() > 1 {
                let along = alike.iter().map(|one| (*one, step)).collect();
                lines.push(Line { along, users: of_any(&alike), turned: false });
            }
        }
        for (count, resource) in problem.resources.iter().enumerate() {
            let (money, users) = match resource.counts() {
                None => continue,
                Some(Counted::Heads { account }) => (vec![(account, -1)], of_any(&[account, count])),
                Some(Counted::Unpaid { .. }) => {
                    let accounts =
                        (0..problem.resources.len()).filter(|one| problem.resources[*one].is_money());
                    (accounts.map(fine).collect(), (0..problem.suppliers.len()).collect())
                }
            };
            let along = money.into_iter().chain([(count, 1)]).collect();
            lines.push(Line { along, users, turned: true });
        }
        Lines { lines }
    }

    /// Raises the bound along each line in turn until a round gains nothing worth having.
    pub fn ascend(&self, problem: &Problem, scope: &Scope, prices: &mut [i128], rounds: usize, worth: i128) {
        for _ in 0..rounds {
            let mut gained = 0_i128;
            for line in &self.lines {
                if line.turned {
                    for pivot in line.pivots(problem, scope, prices) {
                        let mut along = line.along.clone();
                        along.last_mut().into_iter().for_each(|(_, step)| *step = pivot);
                        gained = gained.saturating_add(line.climb(&along, problem, scope, prices));
                    }
                } else {
                    gained = gained.saturating_add(line.climb(&line.along, problem, scope, prices));
                }
            }
            if gained <= worth {
                break;
            }
        }
    }
}

/// Joint steps are of a weight's 2^-20th.
const FINE: u32 = 20;
/// No price is above this: at 10^14 minor units it stays within 128 bits.
pub const MOST: i128 = 100_000_000_000_000_000_000_000;
/// Tangents after which a line's top is near enough.
const TANGENTS: usize = 48;

/// A place on a line: the bound there and how fast it still rises.
#[derive(Debug, Clone, Copy)]
struct Spot {
    at: i128,
    value: i128,
    rise: i128,
}

impl Line {
    /// Steps of the count's price at which somebody stays as near to being counted as it is: of those who are, or nearly
    /// are, the three nearest to the other side.
    fn pivots(&self, problem: &Problem, scope: &Scope, prices: &[i128]) -> Vec<i128> {
        let Some(((count, _), money)) = self.along.split_last() else { return Vec::new() };
        if scope.modes[*count] == problem.resources[*count].all() {
            // Any number is allowed: it has no price.
            return Vec::new();
        }
        let along = |choice: &Choice| -> i128 {
            money.iter().map(|(one, step)| step * i128::from(choice.uses.of(*one))).sum()
        };
        let mut nearest: Vec<(i128, i128)> = Vec::new();
        for supplier in &self.users {
            let (mut counted, mut other) = (None::<(i128, i128)>, None::<(i128, i128)>);
            for (_, choice) in scope.open(problem, *supplier) {
                let side = if choice.uses.of(*count) > 0 { &mut counted } else { &mut other };
                let own = (reduced(choice, prices), along(choice));
                *side = Some(side.map_or(own, |least| least.min(own)));
            }
            if let (Some(counted), Some(other)) = (counted, other) {
                nearest.push(((counted.0 - other.0).abs(), other.1 - counted.1));
            }
        }
        nearest.sort_unstable();
        let mut pivots: Vec<i128> =
            nearest.iter().map(|(_, step)| *step).filter(|step| *step > 0).take(3).collect();
        pivots.dedup();
        pivots
    }

    /// Goes to the top of the line; tells what was gained.
    fn climb(&self, along: &[(usize, i128)], problem: &Problem, scope: &Scope, prices: &mut [i128]) -> i128 {
        // Per user: what each choice costs at the prices as they are, and what a step adds to it.
        let mut ways: Vec<(i128, i128)> = Vec::with_capacity(self.users.len() * 6);
        let mut ends: Vec<usize> = Vec::with_capacity(self.users.len());
        for supplier in &self.users {
            let start = ways.len();
            let mut around: Option<i128> = None;
            for (_, choice) in scope.open(problem, *supplier) {
                let cost = reduced(choice, prices);
                let step = along.iter().fold(0_i128, |sum, (resource, weight)| {
                    sum + weight * i128::from(choice.uses.of(*resource))
                });
                if step == 0 {
                    around = Some(around.map_or(cost, |least| least.min(cost)));
                } else {
                    ways.push((cost, step));
                }
            }
            ways.extend(around.map(|cost| (cost, 0)));
            if ways.len() == start + 1 {
                // A single way neither leaves nor comes: it only counts.
                let only = ways[start];
                ways.truncate(start);
                if only.1 != 0 {
                    ways.push(only);
                }
            }
            if ways.len() > start {
                ends.push(ways.len());
            }
        }
        let spot = |at: i128| {
            let (mut value, mut rise, mut start) = (0_i128, 0_i128, 0);
            for end in &ends {
                let (mut least, mut own) = (i128::MAX, 0);
                for (cost, step) in &ways[start..*end] {
                    let cost = cost.saturating_add(at.saturating_mul(*step));
                    if cost < least {
                        (least, own) = (cost, *step);
                    }
                }
                (value, rise, start) = (value.saturating_add(least), rise.saturating_add(own), *end);
            }
            for (resource, weight) in along {
                let price = prices[*resource].saturating_add(at.saturating_mul(*weight));
                let (dual, supply) = problem.resources[*resource].dual(price, scope.modes[*resource]);
                value = value.saturating_add(dual);
                rise = rise.saturating_sub(weight.saturating_mul(i128::from(supply)));
            }
            Spot { at, value, rise }
        };
        let (mut floor, mut ceiling) = (-MOST, MOST);
        for (resource, weight) in along {
            // Money's price is zero or more; that of heads may be a reward.
            let least = if problem.resources[*resource].counts().is_some() { -MOST } else { 0 };
            let (down, up) = ((least - prices[*resource]) / weight, (MOST - prices[*resource]) / weight);
            (floor, ceiling) = (floor.max(down.min(up)), ceiling.min(down.max(up)));
        }
        let first = along.first().map_or(1, |(one, weight)| problem.resources[*one].weight / weight.abs());
        let here = spot(0);
        let top = top(here, floor.min(0), ceiling.max(0), (first / 4_096).max(1), spot);
        if top.value <= here.value {
            return 0;
        }
        for (resource, weight) in along {
            prices[*resource] += top.at * weight;
        }
        top.value - here.value
    }
}

/// The top of a concave row of straight pieces between two whole numbers.
fn top(here: Spot, floor: i128, ceiling: i128, first: i128, spot: impl Fn(i128) -> Spot) -> Spot {
    // Away from here, by steps that grow, until the other side falls.
    let up = here.rise > 0;
    let (end, sign) = if up { (ceiling, 1) } else { (floor, -1) };
    let (mut near, mut length) = (here, first);
    let far = loop {
        if near.at == end || near.rise == 0 {
            return near;
        }
        let next = near.at.saturating_add(sign * length).clamp(floor, ceiling);
        let next = spot(next);
        if (next.rise > 0) != up || next.rise == 0 {
            break next;
        }
        (near, length) = (next, length.saturating_mul(8));
    };
    let (mut low, mut high) = if up { (near, far) } else { (far, near) };
    for turn in 1..=TANGENTS {
        let width = high.at - low.at;
        if width <= 1 || low.rise == 0 || high.rise == 0 {
            break;
        }
        // Where the two tangents meet; now and then the middle, so that long rows of short pieces end too.
        let meet = high.rise.checked_mul(width).and_then(|fall| {
            Some(high.value.checked_sub(low.value)?.checked_sub(fall)? / low.rise.checked_sub(high.rise)?)
        });
        let step = meet.filter(|_| turn % 4 != 0).unwrap_or(width / 2).clamp(1, width - 1);
        let next = spot(low.at + step);
        if next.rise > 0 { low = next } else { high = next }
    }
    if low.value >= high.value { low } else { high }
}
