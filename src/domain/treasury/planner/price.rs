//! What an amount costs on a route, to the minor unit.

use crate::money::{Money, MoneyError};

use super::super::request::{PlanError, PlanRequest};
use super::super::route::{Bearer, FeeBase, Route};
use super::super::value::Cost;
use super::alternatives::Alternative;

/// The cheapest shape of an amount on a route: as few items as its limit allows, full ones first or all alike.
/// None where its limits or its bearer do not allow it. `bearer`: by the supplier's terms, else the route's own.
pub fn price(
    request: &PlanRequest,
    route: &Route,
    bearer: Option<Bearer>,
    amount: Money,
) -> Result<Option<Alternative>, PlanError> {
    let bearer = bearer.unwrap_or(route.bearer);
    if bearer == Bearer::Creditor && route.source_currency != route.target_currency {
        return Ok(None);
    }
    if !amount.is_positive() || route.target_currency != amount.currency() {
        return Ok(None);
    }
    let step = route.step();
    // A fee inside is taken from the whole; else what the rail does not carry stays owed.
    let unit = if bearer == Bearer::Creditor { 1 } else { step };
    let minor = amount.minor() - amount.minor() % unit;
    let limit = route.item_limit().map_or(i64::MAX, Money::minor);
    let limit = limit - limit % step;
    if minor == 0 || limit == 0 {
        return Ok(None);
    }
    let count = minor / limit + i64::from(minor % limit != 0);
    let Ok(pieces) = u32::try_from(count) else { return Ok(None) };
    let mut best: Option<Alternative> = None;
    let (even, over) = (minor / unit / count * unit, u32::try_from(minor / unit % count).unwrap_or(0));
    let shapes = [
        vec![(pieces - 1, limit), (1, minor - (count - 1).saturating_mul(limit.min(minor)))],
        vec![(over, even + unit), (pieces - over, even)],
    ];
    for shape in shapes {
        let shape: Vec<(u32, i64)> = shape.into_iter().filter(|(count, _)| *count > 0).collect();
        let Some(priced) = price_shape(request, route, bearer, &shape, amount)? else { continue };
        if best.as_ref().is_none_or(|best| priced.cost < best.cost) {
            best = Some(priced);
        }
    }
    Ok(best)
}

fn price_shape(
    request: &PlanRequest,
    route: &Route,
    bearer: Bearer,
    shape: &[(u32, i64)],
    amount: Money,
) -> Result<Option<Alternative>, PlanError> {
    let least = route.item_minimum().map_or(1, Money::minor);
    let (mut items, mut fee, mut base) = (Vec::new(), 0_i64, 0_i64);
    let mut pieces = 0_i64;
    // A fee of the gross says nothing of how the gross would be divided.
    if route.fee_of == FeeBase::Gross && shape.iter().map(|(count, _)| count).sum::<u32>() > 1 {
        return Ok(None);
    }
    for (count, share) in shape {
        let share = Money::from_minor(*share, amount.currency());
        let (sent, sold, own_fee) = match bearer {
            Bearer::Creditor => {
                let sent = inside(route, share, route.step())?;
                let own = if route.fee_of == FeeBase::Gross { route.fee(share)? } else { route.fee(sent)? };
                (sent, sent, own)
            }
            Bearer::Debtor | Bearer::Shared => {
                let sold = request.mids.sell(share, route.source_currency, route.spread_bps)?;
                (share, sold, route.fee(sold)?)
            }
        };
        if sent.minor() < least.max(1) {
            return Ok(None);
        }
        let times = i64::from(*count);
        items.push((*count, sent.minor()));
        pieces += times;
        fee = fee.saturating_add(own_fee.minor().saturating_mul(times));
        base = base.saturating_add(sold.minor().saturating_mul(times));
    }
    let lifting = route.lifting().minor().saturating_mul(pieces);
    let ours = if bearer == Bearer::Debtor { lifting } else { 0 };
    let debit = base.saturating_add(fee).saturating_add(ours);
    let all = Money::from_minor(debit.saturating_add(lifting - ours), route.source_currency);
    let sent: i64 = items.iter().map(|(count, amount)| i64::from(*count) * amount).sum();
    let Cost(paid) = request.mids.value(all)?;
    let Cost(arrives) = request.mids.value(Money::from_minor(sent, amount.currency()))?;
    Ok(Some(Alternative { items, fee, lifting, debit, cost: paid - arrives, ..Alternative::unpaid(0) }))
}

/// The largest amount in steps that, with its own fee, the balance holds (J19); with a fee of the gross, the rest (F15).
fn inside(route: &Route, balance: Money, step: i64) -> Result<Money, MoneyError> {
    let currency = balance.currency();
    let money = |steps: i64| Money::from_minor(steps * step, currency);
    if route.fee_of == FeeBase::Gross {
        let rest = balance.checked_sub(route.fee(balance)?)?;
        return Ok(money(rest.minor().div_euclid(step)));
    }
    let fits = |steps: i64| -> Result<bool, MoneyError> {
        let sent = money(steps);
        Ok(sent.checked_add(route.fee(sent)?)?.minor() <= balance.minor())
    };
    // Within a band the fee only grows; the highest band that fits has the largest amount.
    let mut top = balance.minor() / step;
    for band in route.bands.iter().rev() {
        let from = Money::parse(&band.from, currency)?.minor();
        let first = from / step + i64::from(from % step != 0);
        if first <= top && fits(first)? {
            return largest(first, top, &fits).map(money);
        }
        top = top.min((from - 1) / step);
    }
    if top < 0 || !fits(0)? {
        return Ok(Money::zero(currency));
    }
    largest(0, top, &fits).map(money)
}

fn largest(
    mut low: i64,
    mut high: i64,
    fits: &impl Fn(i64) -> Result<bool, MoneyError>,
) -> Result<i64, MoneyError> {
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle)? { low = middle } else { high = middle - 1 }
    }
    Ok(low)
}
