//! One part: its plan is feasible, costs what it says, and its tree proves its bound.

use crate::Refusal;
use crate::certificate::{Body, Part, Resource, Supplier};
use crate::exact::{add, ceiling, multiply};
use crate::{division, price, tree, ways};

/// What a part comes to.
pub struct Proven {
    pub cost: i128,
    pub bound: i128,
    pub unpaid: usize,
    pub ruled_out: usize,
    /// What it shares among its suppliers, by name.
    pub resources: Vec<String>,
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
            day(body, one).map_err(within)?;
        }
        account_of_each(body, part, supplier).map_err(within)?;
        division::check(body, supplier).map_err(within)?;
    }
    let numbers = ways::numbers(body, part)?;
    let mut used = vec![0_i128; part.resources.len()];
    let (mut cost, mut unpaid) = (0_i128, 0);
    for supplier in &part.suppliers {
        let chosen = supplier.alternatives.get(supplier.chosen);
        let chosen = chosen.filter(|one| one.ruled_out.is_none());
        let chosen =
            chosen.ok_or_else(|| Refusal::wrong(&supplier.supplier, "what is chosen is no choice"))?;
        cost = add(cost, chosen.cost.0)?;
        unpaid += usize::from(chosen.route.is_none());
        for (resource, amount) in ways::uses(part, supplier, supplier.chosen)? {
            used[resource] = add(used[resource], amount)?;
        }
    }
    for ((supply, used), resource) in numbers.supply.iter().zip(&used).zip(&part.resources) {
        let least = supply.cost((0, supply.count() - 1), *used)?.ok_or_else(|| {
            Refusal::wrong(ways::name(body, part, resource), format!("{used} is more than there is"))
        })?;
        cost = add(cost, least)?;
    }
    if cost != part.cost.0 {
        return Err(Refusal::wrong("cost", format!("stated {}, comes to {cost}", part.cost.0)));
    }
    // Every plan's cost is a whole multiple of the grain, so the next one is a bound as well.
    let grain = numbers.grain();
    let bound = multiply(ceiling(tree::bound(part, &numbers)?, grain), grain)?.min(cost);
    if bound != part.bound.0 {
        return Err(Refusal::wrong("bound", format!("stated {}, comes to {bound}", part.bound.0)));
    }
    let own = part
        .resources
        .iter()
        .filter(|resource| !matches!(resource, Resource::Heads { .. } | Resource::Unpaid { .. }));
    let resources = own.map(|resource| ways::name(body, part, resource)).collect();
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

/// A price is one on the days on which it is in force, and no reason to leave a route out otherwise.
fn day(body: &Body, one: &crate::certificate::Alternative) -> Result<(), Refusal> {
    let Some(tariff) = one.route.and_then(|route| body.routes.get(route)) else { return Ok(()) };
    let in_force = one.instructed.as_ref().map(|day| tariff.in_force(day));
    let holds = match one.ruled_out.as_deref() {
        None => in_force == Some(true),
        Some("not_in_force") => in_force == Some(false),
        Some(_) => true,
    };
    if holds {
        return Ok(());
    }
    Err(Refusal::wrong("instructed", format!("whether {} is in force that day is told wrong", tariff.name)))
}

/// A choice that pays now draws on an account of its route's currency.
fn account_of_each(body: &Body, part: &Part, supplier: &Supplier) -> Result<(), Refusal> {
    for one in supplier.alternatives.iter().filter(|one| one.ruled_out.is_none()) {
        let (Some(route), None) = (one.route, &one.waits) else { continue };
        let account = one.account.and_then(|account| part.resources.get(account));
        let fits = matches!(account, Some(Resource::Account { currency, .. }) if *currency == body.routes[route].source);
        if !fits {
            return Err(Refusal::wrong("account", "none, or of another currency"));
        }
        let batched = body.routes[route].batch_fee.0 > 0;
        if batched && ways::batches(part, supplier, one).is_none() {
            return Err(Refusal::wrong(
                "batches",
                format!("the fee of {}'s batches is missing", body.routes[route].name),
            ));
        }
    }
    Ok(())
}
