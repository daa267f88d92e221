//! One part: its plan is feasible, costs what it says, and its tree proves its bound.

use crate::Refusal;
use crate::certificate::{Body, Node, Part, Resource, Supplier, Whole};
use crate::exact::{add, ceiling, multiply, value, weight};
use crate::price;

/// What a part comes to.
pub struct Proven {
    pub cost: i128,
    pub bound: i128,
    pub unpaid: usize,
    pub ruled_out: usize,
    /// What it shares among its suppliers, by name.
    pub resources: Vec<String>,
}

/// Ways to have a resource: each a row of (supply, cost), straight in between.
type Modes = Vec<Vec<(i128, i128)>>;

/// What a node still allows.
#[derive(Clone)]
struct Scope {
    modes: Vec<(usize, usize)>,
    taken: Vec<Option<usize>>,
    left: Vec<Vec<usize>>,
}

pub fn check(body: &Body, part: &Part) -> Result<Proven, Refusal> {
    let mut ruled_out = 0;
    for supplier in &part.suppliers {
        let within = |refusal| match refusal {
            Refusal::Wrong { place, what } => {
                Refusal::wrong(format!("{} ({}), {place}", supplier.supplier, supplier.currency), what)
            }
            other => other,
        };
        for one in &supplier.alternatives {
            price::check(body, supplier, one).map_err(within)?;
            ruled_out += usize::from(one.ruled_out.is_some());
            reasons(supplier, one).map_err(within)?;
        }
        account_of_each(body, part, supplier).map_err(within)?;
    }
    let (mut used, mut most) = (vec![0_i128; part.resources.len()], vec![0_i128; part.resources.len()]);
    let (mut cost, mut unpaid) = (0_i128, 0);
    for supplier in &part.suppliers {
        let chosen = supplier.alternatives.get(supplier.chosen);
        let chosen = chosen.filter(|one| one.ruled_out.is_none());
        let chosen =
            chosen.ok_or_else(|| Refusal::wrong(&supplier.supplier, "what is chosen is no choice"))?;
        cost = add(cost, chosen.cost.0)?;
        unpaid += usize::from(chosen.route.is_none());
        for (resource, total) in used.iter_mut().enumerate() {
            *total = add(*total, uses(part, supplier, supplier.chosen, resource)?)?;
        }
        for (resource, total) in most.iter_mut().enumerate() {
            let mut largest = 0;
            for place in choices(supplier) {
                largest = largest.max(uses(part, supplier, place, resource)?);
            }
            *total = add(*total, largest)?;
        }
    }
    let mut modes = Vec::new();
    for (resource, most) in part.resources.iter().zip(&most) {
        modes.push(ways(body, resource, *most)?);
    }
    for ((modes, used), resource) in modes.iter().zip(&used).zip(&part.resources) {
        let costs = modes.iter().filter_map(|points| cost_at(points, *used));
        let least = costs
            .min()
            .ok_or_else(|| Refusal::wrong(name(body, resource), format!("{used} is more than there is")))?;
        cost = add(cost, least)?;
    }
    if cost != part.cost.0 {
        return Err(Refusal::wrong("cost", format!("stated {}, comes to {cost}", part.cost.0)));
    }
    let bound = tree(part, &modes)?.min(cost);
    if bound != part.bound.0 {
        return Err(Refusal::wrong("bound", format!("stated {}, comes to {bound}", part.bound.0)));
    }
    let resources = part.resources.iter().map(|resource| name(body, resource)).collect();
    Ok(Proven { cost, bound, unpaid, ruled_out, resources })
}

/// Why an alternative was not taken must be so.
fn reasons(supplier: &Supplier, one: &crate::certificate::Alternative) -> Result<(), Refusal> {
    let chosen =
        supplier.alternatives.get(supplier.chosen).ok_or_else(|| Refusal::wrong("chosen", "none"))?;
    let holds = match one.not_taken.as_deref() {
        None => true,
        Some("dearer") => one.cost >= chosen.cost,
        Some("dearer_at_prices") => one.cost < chosen.cost,
        Some(_) => false,
    };
    if holds { Ok(()) } else { Err(Refusal::wrong("not_taken", "the reason does not hold")) }
}

/// A choice that pays now draws on an account of its route's currency.
fn account_of_each(body: &Body, part: &Part, supplier: &Supplier) -> Result<(), Refusal> {
    for place in choices(supplier) {
        let one = &supplier.alternatives[place];
        let (Some(route), None) = (one.route, &one.waits) else { continue };
        let account = one.account.and_then(|account| part.resources.get(account));
        let fits = matches!(account, Some(Resource::Account { currency, .. }) if *currency == body.routes[route].source);
        if !fits {
            return Err(Refusal::wrong("account", "none, or of another currency"));
        }
        let batched = body.routes[route].batch_fee.0 > 0;
        let listed = part
            .resources
            .iter()
            .any(|resource| matches!(resource, Resource::Batches { route: own } if *own == route));
        if batched && !listed {
            return Err(Refusal::wrong(
                "batches",
                format!("the fee of {}'s batches is missing", body.routes[route].name),
            ));
        }
    }
    Ok(())
}

fn name(body: &Body, resource: &Resource) -> String {
    match resource {
        Resource::Account { name, .. } => format!("account {name}"),
        Resource::Batches { route } => {
            format!(
                "batches of {route} {}",
                body.routes.get(*route).map_or("", |tariff| tariff.name.as_str())
            )
        }
    }
}

fn choices(supplier: &Supplier) -> impl Iterator<Item = usize> + '_ {
    (0..supplier.alternatives.len()).filter(|place| supplier.alternatives[*place].ruled_out.is_none())
}

/// How much of a resource an alternative takes.
fn uses(part: &Part, supplier: &Supplier, place: usize, resource: usize) -> Result<i128, Refusal> {
    let one = &supplier.alternatives[place];
    if one.waits.is_some() {
        return Ok(0);
    }
    match &part.resources[resource] {
        Resource::Account { .. } => Ok(if one.account == Some(resource) { one.debit.0 } else { 0 }),
        Resource::Batches { route } if one.route == Some(*route) => {
            one.items.iter().try_fold(0, |sum, (times, _)| add(sum, i128::from(*times)))
        }
        Resource::Batches { .. } => Ok(0),
    }
}

/// Every way to have a resource, in the order in which the tree numbers them.
fn ways(body: &Body, resource: &Resource, most: i128) -> Result<Modes, Refusal> {
    match resource {
        Resource::Account { currency, available, top_ups, .. } => {
            if available.0 < 0
                || top_ups.len() > 4
                || top_ups.iter().any(|one| one.limit.0 < 0 || one.fixed.0 < 0)
            {
                return Err(Refusal::wrong(
                    name(body, resource),
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
                let mut supply = available.0;
                let mut points = vec![(supply, cost)];
                for (each, _, limit) in steps {
                    supply = add(supply, limit)?;
                    cost = add(cost, multiply(each, limit)?)?;
                    points.push((supply, cost));
                }
                modes.push(points);
            }
            Ok(modes)
        }
        Resource::Batches { route } => {
            let tariff =
                body.routes.get(*route).ok_or_else(|| Refusal::wrong("resource", "no such route"))?;
            let size = tariff.batch_size.map_or(i128::from(u32::MAX), i128::from);
            if size == 0 {
                return Err(Refusal::wrong("resource", "batches of nothing"));
            }
            let fee = value(body, &tariff.source, tariff.batch_fee.0)?;
            (0..=ceiling(most, size))
                .map(|count| Ok(vec![(multiply(size, count)?, multiply(fee, count)?)]))
                .collect()
        }
    }
}

/// What a use costs in one mode; none beyond its supply.
fn cost_at(points: &[(i128, i128)], used: i128) -> Option<i128> {
    let first = points.first()?;
    if used <= first.0 {
        return Some(first.1);
    }
    points.windows(2).find_map(|pair| {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        (used <= to).then(|| low + (high - low) / (to - from).max(1) * (used - from))
    })
}

/// The lowest bound of the leaves; every node but the root is the child of one other, so they cover every plan.
fn tree(part: &Part, modes: &[Modes]) -> Result<i128, Refusal> {
    let whole = Scope {
        modes: modes.iter().map(|modes| (0, modes.len() - 1)).collect(),
        taken: vec![None; part.suppliers.len()],
        left: vec![Vec::new(); part.suppliers.len()],
    };
    let mut lowest: Option<i128> = None;
    let mut seen = vec![false; part.nodes.len()];
    let mut open = vec![(0_usize, whole)];
    while let Some((place, scope)) = open.pop() {
        let wrong = |what: &str| Refusal::wrong(format!("node {place}"), what);
        let node = part.nodes.get(place).ok_or_else(|| wrong("it is none"))?;
        if std::mem::replace(&mut seen[place], true) {
            return Err(wrong("it stands twice in the tree"));
        }
        match node {
            Node::Leaf { prices } => {
                if place == 0 && *prices != part.prices {
                    return Err(wrong("the root's prices are stated twice and differ"));
                }
                let bound = leaf(part, modes, &scope, prices)?;
                lowest = Some(lowest.map_or(bound, |lowest| lowest.min(bound)));
            }
            Node::Modes { resource, at, low, high } => {
                let (from, to) = *scope.modes.get(*resource).ok_or_else(|| wrong("no such resource"))?;
                if *at < from || *at >= to {
                    return Err(wrong("it cuts outside what is allowed"));
                }
                let (mut one, mut two) = (scope.clone(), scope);
                one.modes[*resource].1 = *at;
                two.modes[*resource].0 = *at + 1;
                open.extend([(*low, one), (*high, two)]);
            }
            Node::Choice { supplier, choice, take, leave } => {
                let own = part.suppliers.get(*supplier).ok_or_else(|| wrong("no such supplier"))?;
                if !allowed(own, &scope, *supplier).any(|place| place == *choice) {
                    return Err(wrong("it branches on what is not allowed"));
                }
                let (mut one, mut two) = (scope.clone(), scope);
                one.taken[*supplier] = Some(*choice);
                two.left[*supplier].push(*choice);
                open.extend([(*take, one), (*leave, two)]);
            }
        }
    }
    if seen.iter().any(|seen| !seen) {
        return Err(Refusal::wrong("nodes", "some are not in the tree"));
    }
    // Above one leaf the root's prices prove a bound of their own.
    if part.nodes.len() > 1 {
        let whole = Scope {
            modes: modes.iter().map(|modes| (0, modes.len() - 1)).collect(),
            taken: vec![None; part.suppliers.len()],
            left: vec![Vec::new(); part.suppliers.len()],
        };
        let root = leaf(part, modes, &whole, &part.prices)?;
        if lowest.is_some_and(|lowest| lowest < root) {
            return Err(Refusal::wrong("nodes", "the leaves prove less than the root"));
        }
    }
    lowest.ok_or_else(|| Refusal::wrong("nodes", "no leaf"))
}

fn allowed<'a>(supplier: &'a Supplier, scope: &'a Scope, place: usize) -> impl Iterator<Item = usize> + 'a {
    let taken = scope.taken[place];
    let left = &scope.left[place];
    choices(supplier)
        .filter(move |choice| taken.is_none_or(|taken| taken == *choice) && !left.contains(choice))
}

/// What a leaf's prices prove; no allowed choice at all proves that nothing lies below.
fn leaf(part: &Part, modes: &[Modes], scope: &Scope, prices: &[Whole]) -> Result<i128, Refusal> {
    if prices.len() != part.resources.len() || prices.iter().any(|price| price.0 < 0) {
        return Err(Refusal::wrong("prices", "one of zero or more for each resource"));
    }
    let batches: Vec<(usize, usize)> = part
        .resources
        .iter()
        .enumerate()
        .filter_map(|(place, resource)| match resource {
            Resource::Batches { route } => Some((*route, place)),
            Resource::Account { .. } => None,
        })
        .collect();
    let mut bound = 0_i128;
    for (place, supplier) in part.suppliers.iter().enumerate() {
        let mut least: Option<i128> = None;
        for choice in allowed(supplier, scope, place) {
            let one = &supplier.alternatives[choice];
            let mut cost = one.cost.0;
            if one.waits.is_none() {
                if let Some(account) = one.account {
                    cost = add(cost, multiply(prices[account].0, one.debit.0)?)?;
                }
                if let Some((_, resource)) = batches.iter().find(|(route, _)| one.route == Some(*route)) {
                    let items = one.items.iter().map(|(times, _)| i128::from(*times)).sum::<i128>();
                    cost = add(cost, multiply(prices[*resource].0, items)?)?;
                }
            }
            least = Some(least.map_or(cost, |least| least.min(cost)));
        }
        bound = add(bound, least.ok_or_else(|| Refusal::wrong("leaf", "a supplier without a choice"))?)?;
    }
    for (resource, price) in prices.iter().enumerate() {
        let (from, to) = scope.modes[resource];
        let mut least: Option<i128> = None;
        for (supply, cost) in modes[resource][from..=to].iter().flatten() {
            let own = add(*cost, -multiply(price.0, *supply)?)?;
            least = Some(least.map_or(own, |least| least.min(own)));
        }
        bound = add(bound, least.unwrap_or(0))?;
    }
    Ok(bound)
}
