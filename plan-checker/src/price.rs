//! One alternative, priced again from the tariff.

use crate::Refusal;
use crate::certificate::{Alternative, Bearer, Body, FeeOf, Supplier, Tariff};
use crate::exact::{add, ceiling, decimal, multiply, power, rounded, value, weight};

/// Refuses an alternative whose figures are not what the tariff makes of them.
pub fn check(body: &Body, supplier: &Supplier, one: &Alternative) -> Result<(), Refusal> {
    let Some(route) = one.route else { return unpaid(body, supplier, one) };
    let tariff = body.routes.get(route).ok_or_else(|| Refusal::wrong("route", format!("{route} is none")))?;
    if one.items.is_empty() {
        // Nothing could be sent: it may only be listed as ruled out.
        let nothing = one.ruled_out.is_some() && one.fee.0 == 0 && one.debit.0 == 0;
        let cost = add(body.unpaid.0, supplier.later.0)?;
        return if nothing { stated("cost", one.cost.0, cost) } else { Err(Refusal::wrong("items", "none")) };
    }
    if tariff.target != supplier.currency {
        return Err(Refusal::wrong("route", format!("{} does not pay {}", tariff.name, supplier.currency)));
    }
    let bearer = supplier.bearer.unwrap_or(tariff.bearer);
    if bearer == Bearer::Creditor && tariff.source != tariff.target {
        return Err(Refusal::wrong("bearer", "a fee inside the balance needs one currency"));
    }
    // What is owed by the day on which it is paid.
    let owed = match (&one.waits, &one.all) {
        (None, None) => supplier.net.0,
        (Some(_), Some(all)) if all.0 >= supplier.net.0 => all.0,
        _ => {
            return Err(Refusal::wrong(
                "all",
                "what waits says what it pays then, at least what is owed now",
            ));
        }
    };
    let step = tariff.step.0;
    if step < 1 {
        return Err(Refusal::wrong("step", "below 1"));
    }
    let (mut sent, mut fees, mut sold, mut pieces) = (0_i128, 0_i128, 0_i128, 0_i128);
    let mut inside = 0_i128;
    for (times, amount) in &one.items {
        let (times, amount) = (i128::from(*times), amount.0);
        if times == 0
            || amount < tariff.minimum_item.0.max(1)
            || tariff.maximum_item.is_some_and(|most| amount > most.0)
            || amount % step != 0
        {
            return Err(Refusal::wrong(
                "items",
                format!("an item of {amount} is outside {}'s limits or steps", tariff.name),
            ));
        }
        let base = if tariff.source == tariff.target && tariff.spread_bps == 0 {
            amount
        } else {
            converted(body, tariff, amount)?
        };
        let own = match tariff.fee_of {
            FeeOf::Sent => fee(tariff, base)?,
            // Of the gross: one item of all that is owed.
            FeeOf::Gross if times == 1 && one.items.len() == 1 => fee(tariff, owed)?,
            FeeOf::Gross => return Err(Refusal::wrong("items", "a fee of the gross is for a single item")),
        };
        sent = add(sent, multiply(times, amount)?)?;
        sold = add(sold, multiply(times, base)?)?;
        fees = add(fees, multiply(times, own)?)?;
        inside = add(inside, multiply(times, add(amount, own)?)?)?;
        pieces = add(pieces, times)?;
    }
    stated("fee", one.fee.0, fees)?;
    let lifting = multiply(tariff.lifting.0, pieces)?;
    let ours = if bearer == Bearer::Debtor { lifting } else { 0 };
    let debit = add(add(sold, fees)?, ours)?;
    stated("debit", one.debit.0, debit)?;
    let paid = value(body, &tariff.source, add(debit, lifting - ours)?)?;
    let own = paid - value(body, &tariff.target, sent)?;
    match bearer {
        Bearer::Creditor => {
            // The largest amount that its fee leaves room for: one step more per item would not fit.
            if inside > owed || !tight(tariff, one, owed - inside)? {
                return Err(Refusal::wrong("items", format!("{inside} with fees, of {owed} owed")));
            }
        }
        // What the rail does not carry stays owed.
        Bearer::Debtor | Bearer::Shared => stated("items", sent, owed - owed % step)?,
    }
    // What comes later is sent with what waits, and its cost is in this one's.
    let later = if one.waits.is_some() { 0 } else { supplier.later.0 };
    stated("cost", one.cost.0, add(own, later)?)
}

fn unpaid(body: &Body, supplier: &Supplier, one: &Alternative) -> Result<(), Refusal> {
    if !one.items.is_empty()
        || one.fee.0 != 0
        || one.debit.0 != 0
        || one.account.is_some()
        || one.waits.is_some()
    {
        return Err(Refusal::wrong("unpaid", "it sends something"));
    }
    stated("unpaid", one.cost.0, add(body.unpaid.0, supplier.later.0)?)
}

fn stated(what: &str, stated: i128, comes_to: i128) -> Result<(), Refusal> {
    if stated == comes_to {
        Ok(())
    } else {
        Err(Refusal::wrong(what, format!("stated {stated}, comes to {comes_to}")))
    }
}

/// Whether what is left over is too small to send more.
fn tight(tariff: &Tariff, one: &Alternative, left: i128) -> Result<bool, Refusal> {
    let step = tariff.step.0;
    if left == 0 || tariff.fee_of == FeeOf::Gross {
        return Ok(left < step);
    }
    let pieces = one.items.iter().map(|(times, _)| i128::from(*times)).sum::<i128>();
    // With several items their leftovers add up, and a band may part the amounts that they were tried at.
    if pieces > 1 && !tariff.bands.is_empty() {
        return Ok(true);
    }
    let by = multiply(step, if pieces == 1 { 1 } else { 4 * pieces })?;
    for (_, amount) in &one.items {
        let larger = add(amount.0, by)?;
        let (now, more) = (fee(tariff, amount.0)?, fee(tariff, larger)?);
        let within = tariff.maximum_item.is_none_or(|most| larger <= most.0);
        if within && add(by, more - now)? <= left && more >= now {
            return Ok(false);
        }
    }
    // Nor is there room for one more of the least.
    let least = multiply(ceiling(tariff.minimum_item.0.max(1), step), step)?;
    let another = add(add(least, fee(tariff, least)?)?, by)?;
    let may = tariff.bands.is_empty() && tariff.maximum_item.is_none_or(|most| least <= most.0);
    Ok(!may || another > left)
}

/// What is sold for an amount at mid and spread, upwards.
fn converted(body: &Body, tariff: &Tariff, amount: i128) -> Result<i128, Refusal> {
    let ((to_top, to_bottom), (from_top, from_bottom)) =
        (weight(body, &tariff.target)?, weight(body, &tariff.source)?);
    let shared = to_bottom.min(from_bottom);
    let top = multiply(
        multiply(amount, to_top)?,
        multiply(from_bottom / shared, 10_000 + i128::from(tariff.spread_bps))?,
    )?;
    let bottom = multiply(from_top, multiply(to_bottom / shared, 10_000)?)?;
    Ok(ceiling(top, bottom))
}

/// The fee of one item: fixed and percentage, the least, the most.
fn fee(tariff: &Tariff, base: i128) -> Result<i128, Refusal> {
    let band = tariff.bands.iter().rev().find(|band| base >= band.from.0);
    let (fixed, percent) =
        band.map_or((tariff.fixed.0, &tariff.percent), |band| (band.fixed.0, &band.percent));
    let (top, places) = decimal(percent)?;
    let part = rounded(multiply(base, top)?, power(places + 2)?, tariff.rounding);
    let mut fee = add(fixed, part)?;
    if let (None, Some(minimum)) = (band, tariff.minimum) {
        fee = fee.max(minimum.0);
    }
    Ok(tariff.cap.map_or(fee, |cap| fee.min(cap.0)))
}
