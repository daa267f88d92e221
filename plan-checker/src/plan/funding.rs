//! What has to lie on each paying account: against the certificate, the lines, and the pots of the content that was approved.
//! What is shown of it is no part of that content; only its pots are.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Money, Served, same};
use crate::Refusal;
use crate::certificate::{Body, Resource};
use crate::exact::add;

/// As it is shown.
#[derive(Deserialize)]
pub(super) struct Need {
    pub(super) account: String,
    pub(super) rail_accounts: Vec<String>,
    needed: Money,
    batch_fees: Money,
    held: Money,
    missing: Money,
    by: String,
    #[serde(default)]
    top_ups: Vec<TopUp>,
}

/// As it was approved.
#[derive(Deserialize)]
pub(super) struct Pot {
    account: String,
    rail_accounts: Vec<String>,
    held: Money,
    by: String,
    /// Left out where there are none.
    #[serde(default)]
    top_ups: Vec<TopUp>,
}

#[derive(Deserialize)]
struct TopUp {
    from: String,
    amount: Money,
    sells: Money,
    cost: Money,
    by: String,
}

/// What an account holds is what the proof assumed; what it needs and lacks is what the lines come to; the rest was approved.
pub(super) fn check(body: &Body, served: &Served, need: &Need) -> Result<(), Refusal> {
    let all = body.parts.iter().flat_map(|part| &part.resources);
    let mut found = all.filter_map(|resource| match resource {
        Resource::Account { name, currency, available, top_ups } if *name == need.account => {
            Some((currency, available, top_ups))
        }
        _ => None,
    });
    let (currency, available, ways) =
        found.next_back().ok_or_else(|| Refusal::wrong("funding", "the certificate has no such account"))?;
    let held = need.held.minor(body, currency)?.max(0);
    same("held", held, available.0)?;
    let mut needed = 0;
    for line in served.lines.iter().filter(|line| need.rail_accounts.contains(&line.rail_account)) {
        for money in [&line.amount, &line.fee] {
            needed = add(needed, money.minor(body, currency)?)?;
        }
        if line.bearer == "platform" {
            needed = add(needed, line.lifting.minor(body, currency)?)?;
        }
    }
    let fees = batch_fees(body, served, need)?;
    same("batch_fees", need.batch_fees.minor(body, currency)?, fees)?;
    // Ways to add to an account are planned for what is paid, not for what calls cost by themselves.
    let lacking = add(needed, -held)?.max(0);
    let needed = add(needed, fees)?;
    same("needed", need.needed.minor(body, currency)?, needed)?;
    let missing = add(needed, -held)?.max(0);
    same("missing", need.missing.minor(body, currency)?, missing)?;
    let (mut added, mut limits) = (0, ways.iter().map(|way| way.limit.0));
    for one in &need.top_ups {
        let amount = one.amount.minor(body, currency)?;
        // In the order in which they were asked for; those that nothing is taken of are not named.
        if amount <= 0 || !limits.any(|limit| limit >= amount) {
            return Err(Refusal::wrong("top_ups", "more is added than the certificate has a way for"));
        }
        added = add(added, amount)?;
    }
    if !need.top_ups.is_empty() && !served.proof.of_draft {
        same("top_ups", added, lacking)?;
    }
    approved(served, need)
}

/// What the calls out of an account cost by themselves: as many as its lines name.
fn batch_fees(body: &Body, served: &Served, need: &Need) -> Result<i128, Refusal> {
    let drawn = served.lines.iter().filter(|line| need.rail_accounts.contains(&line.rail_account));
    let calls: BTreeSet<(usize, &str)> = drawn.map(|line| (line.batch, line.route.as_str())).collect();
    calls.into_iter().try_fold(0, |sum, (_, name)| {
        let tariff = body.routes.iter().find(|tariff| tariff.name == name);
        add(sum, tariff.map_or(0, |tariff| tariff.batch_fee.0))
    })
}

/// What is shown is what its pot says, each account once.
fn approved(served: &Served, need: &Need) -> Result<(), Refusal> {
    if served.funding.iter().filter(|other| other.account == need.account).count() > 1 {
        return Err(Refusal::wrong("funding", "the account is named twice"));
    }
    let pot = served.pots.iter().find(|pot| pot.account == need.account);
    let pot = pot.ok_or_else(|| Refusal::wrong("pots", "the approved content has no such account"))?;
    alike("rail_accounts", &need.rail_accounts, &pot.rail_accounts)?;
    alike("held", &need.held, &pot.held)?;
    alike("by", &need.by, &pot.by)?;
    alike("top_ups", &need.top_ups.len(), &pot.top_ups.len())?;
    for (place, (shown, own)) in need.top_ups.iter().zip(&pot.top_ups).enumerate() {
        let key = |name: &str| format!("top_ups[{place}].{name}");
        alike(&key("from"), &shown.from, &own.from)?;
        alike(&key("amount"), &shown.amount, &own.amount)?;
        alike(&key("sells"), &shown.sells, &own.sells)?;
        alike(&key("cost"), &shown.cost, &own.cost)?;
        alike(&key("by"), &shown.by, &own.by)?;
    }
    Ok(())
}

fn alike<T: PartialEq>(place: &str, shown: &T, approved: &T) -> Result<(), Refusal> {
    if shown == approved {
        return Ok(());
    }
    Err(Refusal::wrong(place, "what is shown is not what the approved content says of this account"))
}
