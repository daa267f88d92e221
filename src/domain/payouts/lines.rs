//! The planner's choice as lines of a plan: one for each item that is sent, in the batch that it is sent with.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::treasury::{self, Bearer, Plan, PlanError, PlanRequest, Route};
use crate::ids::{RailAccountId, SupplierAccountId};
use crate::money::{Currency, Money, MoneyError};

use super::asked::{Asked, offer_of};
use super::document::{Line, Next};
use super::offer::Offer;
use super::payable::{Excluded, Payable, Payee};
use super::payout::FeeBearer;
use super::proof::{BatchFee, Pot};
use super::top_up::{TopUps, ToppedUp};

/// The lines, in the order of the batches that they are sent with.
///
/// # Errors
/// [`PlanError`] where a sum does not fit.
pub fn lines(
    request: &PlanRequest,
    asked: &BTreeMap<(&str, Currency), &Asked<'_>>,
    offers: &[Offer],
    plan: &Plan,
) -> Result<Vec<Line>, PlanError> {
    let (mut lines, mut limits) = (Vec::new(), BTreeMap::new());
    for chosen in &plan.lines {
        let lost = |what: &str| PlanError::Request { place: chosen.supplier.clone(), why: what.to_owned() };
        let place = (chosen.supplier.as_str(), chosen.net.currency());
        let asked = asked.get(&place).ok_or_else(|| lost("it was not asked for"))?;
        let offer = offer(offers, asked.payable, &chosen.account, &chosen.rail);
        let route = request.routes.on(&chosen.route, chosen.instructed);
        let payee: Option<SupplierAccountId> = chosen.payee.parse().ok();
        let payee = asked.payable.payees.iter().find(|one| Some(one.account.id) == payee);
        let (offer, payee, route) = offer
            .zip(payee)
            .zip(route)
            .map(|((offer, payee), route)| (offer, payee, route))
            .ok_or_else(|| lost("its account, route or payee is gone"))?;
        let next = chosen.next.as_ref().and_then(|next| {
            let rail = &request.routes.routes.iter().find(|route| route.name == next.route)?.rail;
            Some(Next {
                rail_account: self::offer(offers, asked.payable, &next.account, rail)?.account.id,
                route: next.route.clone(),
                cost: next.cost.money(plan.totals.home),
                difference: next.difference,
            })
        });
        let most = route.batch_size.and_then(|size| usize::try_from(size).ok());
        limits.insert(route.name.clone(), (most, route.batch_limit()));
        items(&mut lines, chosen, asked.payable, payee, offer, route, next)?;
    }
    in_batches(&mut lines, &limits)?;
    Ok(lines)
}

/// One line for each item; the first one bears what is set against debts and withheld.
fn items(
    lines: &mut Vec<Line>,
    chosen: &treasury::Line,
    payable: &Payable,
    payee: &Payee,
    offer: &Offer,
    route: &Route,
    next: Option<Next>,
) -> Result<(), PlanError> {
    let zero = Money::zero(chosen.net.currency());
    let bearer = match chosen.bearer {
        Bearer::Debtor => FeeBearer::Platform,
        Bearer::Creditor => FeeBearer::Supplier,
        Bearer::Shared => FeeBearer::Shared,
    };
    let mut left = chosen.net;
    for (place, amount) in chosen.items.iter().copied().enumerate() {
        let (first, last) = (place == 0, place + 1 == chosen.items.len());
        let base = match chosen.items.len() {
            1 if bearer == FeeBearer::Supplier && route.fee_of == treasury::FeeBase::Gross => chosen.net,
            _ => amount,
        };
        let fee = route.fee(base)?;
        let net = match bearer {
            FeeBearer::Platform | FeeBearer::Shared => amount,
            FeeBearer::Supplier if last && route.step() == 1 => {
                whole(left, amount.checked_add(fee)?, chosen.items.len())
            }
            FeeBearer::Supplier => amount.checked_add(fee)?,
        };
        left = left.checked_sub(net)?;
        let (withholding, debt) = if first { (chosen.withholding, chosen.debt) } else { (zero, zero) };
        let taxes = if first { payable.taxes.clone() } else { vec![] };
        let set_off = if first { payable.set_off.clone() } else { vec![] };
        lines.push(Line {
            supplier: payable.supplier,
            name: payable.name.clone(),
            account: payee.account.id,
            account_hint: payee.account.hint.clone(),
            rail_account: offer.account.id,
            rail: offer.account.rail.clone(),
            route: route.name.clone(),
            trust: route.trust.clone(),
            batch: 0,
            gross: net.checked_add(debt)?.checked_add(withholding)?,
            withholding,
            taxes,
            debt,
            set_off,
            net,
            amount,
            borne: net.checked_sub(amount)?,
            fee,
            lifting: route.lifting(),
            bearer,
            capped: chosen.net != payable.net,
            purpose: payable.terms.purpose.clone(),
            town: payable.terms.town.clone(),
            expected: chosen.expected,
            late: chosen.late,
            calendar_covers: chosen.calendar_covers,
            next: next.clone().filter(|_| first),
        });
    }
    Ok(())
}

/// What leaves the balance with the last item: all that is left, where no more than rounding left it over, at most a minor
/// unit of each item; the payee bears it as well. What is left because no item could carry it stays the payee's.
fn whole(left: Money, least: Money, items: usize) -> Money {
    let over = left.minor() - least.minor();
    if i64::try_from(items).is_ok_and(|items| over <= items) { left } else { least }
}

/// The rail account that is meant by a pot and a rail: the supplier's own, else the oldest.
fn offer<'a>(offers: &'a [Offer], payable: &Payable, pot: &str, rail: &str) -> Option<&'a Offer> {
    let meant = |offer: &&Offer| offer.pot == pot && offer.account.rail == rail;
    let own = offers.iter().filter(meant).find(|offer| Some(offer.account.id) == payable.terms.rail);
    own.or_else(|| offer_of(offers, pot, rail))
}

/// By route: how many items, and what amount, one batch takes.
type Limits = BTreeMap<String, (Option<usize>, Option<Money>)>;

/// Numbers the batches: of one rail account and one route, at most as many as the route takes together, and as much.
fn in_batches(lines: &mut [Line], limits: &Limits) -> Result<(), MoneyError> {
    lines.sort_by(|one, two| (one.rail_account, &one.route).cmp(&(two.rail_account, &two.route)));
    let (mut number, mut within, mut whole) = (0, 0, None);
    for place in 0..lines.len() {
        let of = |line: &Line| (line.rail_account, line.route.clone());
        let (size, most) = limits.get(&lines[place].route).copied().unwrap_or_default();
        let amount = lines[place].amount;
        let other = place == 0 || of(&lines[place]) != of(&lines[place - 1]);
        let with: Money = if other {
            amount
        } else {
            amount.checked_add(whole.unwrap_or(Money::zero(amount.currency())))?
        };
        let begins = other || Some(within) == size || most.is_some_and(|most| with.minor() > most.minor());
        (number, within) = if begins { (number + 1, 1) } else { (number, within + 1) };
        whole = Some(if begins { amount } else { with });
        lines[place].batch = number;
    }
    Ok(())
}

/// The money behind the rail accounts that lines are paid over, and how pots with `named` ways are topped up.
pub fn pots(offers: &[Offer], lines: &[Line], named: &TopUps, plan: &Plan) -> Vec<Pot> {
    let used: BTreeSet<RailAccountId> = lines.iter().map(|line| line.rail_account).collect();
    let mut pots: Vec<Pot> = Vec::new();
    for offer in offers.iter().filter(|offer| used.contains(&offer.account.id)) {
        let Some(drawn) = plan.accounts.iter().find(|drawn| drawn.account == offer.pot) else { continue };
        match pots.iter_mut().find(|pot| pot.account == offer.pot) {
            Some(pot) => pot.rail_accounts.push(offer.account.id),
            None => pots.push(Pot {
                account: offer.pot.clone(),
                rail_accounts: vec![offer.account.id],
                held: offer.held,
                by: drawn.by,
                top_ups: match named.contains_key(&offer.pot) {
                    true => drawn.top_ups.iter().map(|one| ToppedUp::of(one, plan.totals.home)).collect(),
                    false => vec![],
                },
                batch_fees: vec![],
            }),
        }
    }
    for pot in &mut pots {
        pot.batch_fees = batch_fees(pot, lines, plan);
    }
    pots
}

/// What the calls out of a pot cost by themselves.
fn batch_fees(pot: &Pot, lines: &[Line], plan: &Plan) -> Vec<BatchFee> {
    let own = plan.batches.iter().filter(|batch| batch.account == pot.account && batch.fee.is_positive());
    let by_route: BTreeMap<&str, Money> = own.map(|batch| (batch.route.as_str(), batch.fee)).collect();
    let drawn = lines.iter().filter(|line| pot.rail_accounts.contains(&line.rail_account));
    let fees: BTreeMap<usize, Money> =
        drawn.filter_map(|line| Some((line.batch, *by_route.get(line.route.as_str())?))).collect();
    fees.into_iter().map(|(batch, fee)| BatchFee { batch, fee }).collect()
}

/// Why the planner pays a supplier nothing, in the words of the office.
pub fn excluded(payable: &Payable, left_out: &treasury::Excluded) -> Excluded {
    let why = if left_out.reason == "no_funds" {
        format!("{}: the ways that the plan names do not suffice", left_out.detail)
    } else if left_out.reason == "waits" {
        format!("it waits {}, with what is released to it by then", left_out.detail)
    } else if left_out.reason != "no_route" {
        left_out.detail.clone()
    } else if payable.payees.iter().any(|payee| !payee.in_bank_letters) {
        "banks carry Latin letters only: add an account with its holder's name as the bank writes it, and the town in \
         Latin letters"
            .to_owned()
    } else {
        format!("no rail reaches an account of it with {}: {}", payable.net, left_out.detail)
    };
    payable.excluded(&left_out.reason, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rounding_leaves_over_is_borne() {
        let usd = |minor| Money::from_minor(minor, Currency::known("USD"));
        for (left, least, items, leaves) in [
            (980, 980, 1, 980),
            (981, 980, 1, 981),
            (983, 980, 3, 983),
            // Two items of 100.00 at 10.00 each of 222.00: 2.00 cannot be sent and is no fee.
            (11_200, 11_000, 2, 11_000),
            // 9.51 below a threshold that the amount with its fee does not reach.
            (101_000, 100_049, 1, 100_049),
        ] {
            assert_eq!(whole(usd(left), usd(least), items), usd(leaves), "{left} {least} {items}");
        }
    }
}
