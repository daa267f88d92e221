//! What each supplier can do and what each resource costs, as numbers.

use crate::Refusal;
use crate::certificate::{Alternative, Body, Part, Resource, Supplier};
use crate::exact::{add, ceiling, count, multiply, value, weight};

/// An alternative that is a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its place among the supplier's alternatives.
    pub place: usize,
    pub cost: i128,
    /// (resource, how much).
    pub uses: Vec<(usize, i128)>,
}

/// How a resource can be had, by modes; a range of them is (from, to).
pub enum Supply {
    /// Each a row of (supply, cost), straight in between.
    Modes(Vec<Vec<(i128, i128)>>),
    /// How many suppliers draw on an account, or are left unpaid: each number is a mode and costs nothing.
    Count { most: usize },
}

impl Supply {
    pub fn count(&self) -> usize {
        match self {
            Supply::Modes(modes) => modes.len(),
            Supply::Count { most } => most + 1,
        }
    }

    /// What a use costs in the cheapest of some modes; none where they do not allow it.
    pub fn cost(&self, (from, to): (usize, usize), used: i128) -> Result<Option<i128>, Refusal> {
        match self {
            Supply::Modes(modes) => {
                Ok(modes[from..=to].iter().filter_map(|points| cost_in(points, used)).min())
            }
            Supply::Count { .. } => Ok((count(from)? <= used && used <= count(to)?).then_some(0)),
        }
    }

    /// What supply costs less what it is priced at, at the least, and the supply where that is.
    pub fn least(&self, (from, to): (usize, usize), price: i128) -> Result<(i128, i128), Refusal> {
        let points: Vec<(i128, i128)> = match self {
            Supply::Modes(modes) => modes[from..=to].iter().flatten().copied().collect(),
            Supply::Count { .. } => vec![(count(from)?, 0), (count(to)?, 0)],
        };
        let mut least: Option<(i128, i128)> = None;
        for (supply, cost) in points {
            let own = (add(cost, -multiply(price, supply)?)?, supply);
            least = Some(least.map_or(own, |least| least.min(own)));
        }
        Ok(least.unwrap_or((0, 0)))
    }

    pub fn is_count(&self) -> bool {
        matches!(self, Supply::Count { .. })
    }
}

/// A part as numbers.
pub struct Numbers {
    /// What each supplier can do, without what is needless.
    pub ways: Vec<Vec<Way>>,
    /// How each resource can be had.
    pub supply: Vec<Supply>,
}

impl Numbers {
    /// The largest number of which every plan's cost is a whole multiple: it divides what each way costs, what each way to
    /// have a resource costs at first, and each unit beyond.
    pub fn grain(&self) -> i128 {
        let mut grain = 0;
        for way in self.ways.iter().flatten() {
            grain = common(grain, way.cost);
        }
        for supply in &self.supply {
            let Supply::Modes(modes) = supply else { continue };
            for points in modes {
                grain = points.first().map_or(grain, |first| common(grain, first.1));
                for pair in points.windows(2) {
                    grain = common(grain, (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0).max(1));
                }
            }
        }
        grain.max(1)
    }
}

fn common(one: i128, two: i128) -> i128 {
    if two == 0 { one.abs() } else { common(two, one % two) }
}

impl Way {
    pub fn of(&self, resource: usize) -> i128 {
        self.uses.iter().filter(|(other, _)| *other == resource).map(|(_, amount)| amount).sum()
    }

    /// Another is as cheap and takes as little of everything.
    fn needless_beside(&self, other: &Way) -> bool {
        other.cost <= self.cost && other.uses.iter().all(|(resource, amount)| *amount <= self.of(*resource))
    }
}

pub fn numbers(body: &Body, part: &Part) -> Result<Numbers, Refusal> {
    let mut most = vec![0_i128; part.resources.len()];
    let mut ways = Vec::with_capacity(part.suppliers.len());
    for supplier in &part.suppliers {
        let all = all_ways(part, supplier)?;
        let needless = |place: &usize| {
            all.iter().enumerate().any(|(other, beside)| {
                let own = &all[*place];
                // Nothing is needless beside leaving the supplier unpaid: that is counted.
                other != *place
                    && supplier.alternatives[beside.place].route.is_some()
                    && own.needless_beside(beside)
                    && (other < *place || !beside.needless_beside(own))
            })
        };
        let kept: Vec<Way> =
            (0..all.len()).filter(|place| !needless(place)).map(|place| all[place].clone()).collect();
        let used = kept.iter().flat_map(|way| way.uses.iter().map(|(resource, _)| *resource));
        let mut used: Vec<usize> = used.collect();
        used.sort_unstable();
        used.dedup();
        for resource in used {
            let largest = kept.iter().map(|way| way.of(resource)).max().unwrap_or(0);
            most[resource] = add(most[resource], largest)?;
        }
        ways.push(kept);
    }
    let mut supply = Vec::new();
    for (place, (resource, most)) in part.resources.iter().zip(&most).enumerate() {
        supply.push(match resource {
            Resource::Heads { .. } | Resource::Unpaid { .. } => {
                if !counts_once(part, place) {
                    return Err(Refusal::wrong("resource", "a count of nothing, or counted twice"));
                }
                let most = usize::try_from(*most)
                    .map_err(|_| Refusal::wrong("resource", "too many to be counted"))?;
                Supply::Count { most }
            }
            _ => Supply::Modes(modes(body, part, resource, *most)?),
        });
    }
    Ok(Numbers { ways, supply })
}

/// Whether a count is of something, and no other of the same.
fn counts_once(part: &Part, place: usize) -> bool {
    let before = &part.resources[..place];
    match &part.resources[place] {
        Resource::Heads { account } => {
            matches!(part.resources.get(*account), Some(Resource::Account { .. }))
                && !before
                    .iter()
                    .any(|other| matches!(other, Resource::Heads { account: own } if own == account))
        }
        Resource::Unpaid { currency } => {
            !before.iter().any(|other| matches!(other, Resource::Unpaid { currency: own } if own == currency))
        }
        _ => false,
    }
}

/// Every alternative that is not ruled out.
fn all_ways(part: &Part, supplier: &Supplier) -> Result<Vec<Way>, Refusal> {
    let open = supplier.alternatives.iter().enumerate().filter(|(_, one)| one.ruled_out.is_none());
    open.map(|(place, one)| Ok(Way { place, cost: one.cost.0, uses: uses(part, supplier, place)? })).collect()
}

/// What an alternative takes of each resource.
pub fn uses(part: &Part, supplier: &Supplier, place: usize) -> Result<Vec<(usize, i128)>, Refusal> {
    let one = &supplier.alternatives[place];
    let mut uses = Vec::new();
    if one.waits.is_some() {
        return Ok(uses);
    }
    if let Some(account) = one.account {
        uses.push((account, one.debit.0));
    }
    if let Some(resource) = batches(part, supplier, one) {
        let items = one.items.iter().try_fold(0, |sum, (times, _)| add(sum, i128::from(*times)))?;
        uses.push((resource, items));
    }
    let drawn: Vec<usize> = uses.iter().filter(|(_, amount)| *amount > 0).map(|(one, _)| *one).collect();
    for (place, resource) in part.resources.iter().enumerate() {
        let counted = match resource {
            Resource::Heads { account } => drawn.contains(account),
            Resource::Unpaid { currency } => one.route.is_none() && supplier.currency == *currency,
            _ => false,
        };
        if counted {
            uses.push((place, 1));
        }
    }
    Ok(uses)
}

/// The batches that an alternative goes out in: those of its route, its account and its supplier's rail account.
pub fn batches(part: &Part, supplier: &Supplier, one: &Alternative) -> Option<usize> {
    part.resources.iter().position(|resource| match resource {
        Resource::Batches { route, account, through } => {
            one.route == Some(*route) && one.account == Some(*account) && supplier.through == *through
        }
        _ => false,
    })
}

pub fn name(body: &Body, part: &Part, resource: &Resource) -> String {
    match resource {
        Resource::Account { name, .. } => format!("account {name}"),
        Resource::Batches { route, account, through } => {
            let tariff = body.routes.get(*route).map_or("", |tariff| tariff.name.as_str());
            let account = match part.resources.get(*account) {
                Some(Resource::Account { name, .. }) => name.as_str(),
                _ => "no account",
            };
            let through = through.as_deref().unwrap_or("its own");
            format!("batches of {route} {tariff} out of {account} through {through}")
        }
        Resource::Heads { account } => format!("heads of account {account} of the part"),
        Resource::Unpaid { currency } => format!("suppliers of {currency} left unpaid"),
    }
}

/// Every way to have a resource, in the order in which the tree numbers them; supply that nobody could use is none.
fn modes(
    body: &Body,
    part: &Part,
    resource: &Resource,
    most: i128,
) -> Result<Vec<Vec<(i128, i128)>>, Refusal> {
    match resource {
        Resource::Account { currency, available, top_ups, .. } => {
            if available.0 < 0
                || top_ups.len() > 4
                || top_ups.iter().any(|one| one.limit.0 < 0 || one.fixed.0 < 0)
            {
                return Err(Refusal::wrong(
                    name(body, part, resource),
                    "available, limits and fixed costs are zero or more",
                ));
            }
            let (top, bottom) = weight(body, currency)?;
            let mut modes = Vec::new();
            for set in 0..1_usize << top_ups.len() {
                let (mut steps, mut cost) = (Vec::new(), 0);
                for (place, one) in top_ups.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1) {
                    cost = add(cost, value(body, currency, one.fixed.0)?)?;
                    let points = multiply(top, i128::from(one.spread_bps))?;
                    steps.push((ceiling(points, multiply(bottom, 10_000)?), place, one.limit.0));
                }
                steps.sort_unstable();
                let mut supply = available.0.min(most);
                let mut points = vec![(supply, cost)];
                for (each, _, limit) in steps {
                    if supply == most {
                        break;
                    }
                    let own = limit.min(most - supply);
                    supply = add(supply, own)?;
                    cost = add(cost, multiply(each, own)?)?;
                    points.push((supply, cost));
                }
                modes.push(points);
            }
            Ok(modes)
        }
        Resource::Batches { route, .. } => {
            let tariff =
                body.routes.get(*route).ok_or_else(|| Refusal::wrong("resource", "no such route"))?;
            let size = tariff.batch_size.map_or(i128::from(u32::MAX), i128::from);
            if size == 0 {
                return Err(Refusal::wrong("resource", "batches of nothing"));
            }
            let fee = value(body, &tariff.source, tariff.batch_fee.0)?;
            (0..=ceiling(most, size))
                .map(|count| Ok(vec![(multiply(size, count)?.min(most), multiply(fee, count)?)]))
                .collect()
        }
        Resource::Heads { .. } | Resource::Unpaid { .. } => Ok(Vec::new()),
    }
}

fn cost_in(points: &[(i128, i128)], used: i128) -> Option<i128> {
    let first = points.first()?;
    if used <= first.0 {
        return Some(first.1);
    }
    points.windows(2).find_map(|pair| {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        (used <= to).then(|| low + (high - low) / (to - from).max(1) * (used - from))
    })
}
