//! What an amount costs on a route, to the minor unit, and into which items it is divided.

use crate::money::{Money, MoneyError};

use super::super::request::{PlanError, PlanRequest};
use super::super::route::{Bearer, FeeBase, Route};
use super::super::value::Cost;
use super::alternatives::Alternative;
use super::division::{Counts, divisions};
use super::tiers::Tiers;

/// The ways to divide an amount into items of a route, the fewest items first: no division that is tried is cheaper than
/// one of them with as few items. None where the route's limits or its bearer do not allow it. `bearer`: by the supplier's
/// terms, else the route's own.
///
/// | what | promise |
/// |---|---|
/// | fee outside the amount | no division into up to [`MOST`](super::division::MOST) items is cheaper before the fee of each item is rounded |
/// | fee inside the amount, one item | the largest that the balance holds; where no band or limit divides it no division sends more |
/// | fee inside, several items; more items than that | as few as the limit allows: full ones first, or all alike |
pub fn price(
    request: &PlanRequest,
    route: &Route,
    bearer: Option<Bearer>,
    amount: Money,
) -> Result<Vec<Alternative>, PlanError> {
    let bearer = bearer.unwrap_or(route.bearer);
    if bearer == Bearer::Creditor && route.source_currency != route.target_currency {
        return Ok(Vec::new());
    }
    if !amount.is_positive() || route.target_currency != amount.currency() {
        return Ok(Vec::new());
    }
    let step = route.step();
    // A fee inside is taken from the whole; else what the rail does not carry stays owed.
    let unit = if bearer == Bearer::Creditor { 1 } else { step };
    let minor = amount.minor() - amount.minor() % unit;
    let limit = route.item_limit().map_or(i64::MAX, Money::minor);
    let limit = limit - limit % step;
    if minor == 0 || limit == 0 {
        return Ok(Vec::new());
    }
    let shaped = |shape: &[(i64, i64)]| price_shape(request, route, bearer, shape, amount);
    // Without bands a larger item never costs more for its amount, so that none is cheaper than one item.
    if minor <= limit && route.bands.is_empty() {
        return Ok(shaped(&[(1, minor)])?.into_iter().collect());
    }
    let mut found = Vec::new();
    if bearer != Bearer::Creditor {
        let steps = minor / step;
        let tiers = Tiers::of(request, route, steps);
        if minor <= limit && tiers.as_ref().is_some_and(|tiers| tiers.one_is_cheapest(steps)) {
            return Ok(shaped(&[(1, minor)])?.into_iter().collect());
        }
        let tried = tiers.map_or(Vec::new(), |tiers| divisions(&tiers, steps, counts(route, bearer)));
        for division in tried {
            let [full, alike] = [false, true].map(|alike| {
                let shape = division.shape(alike).into_iter().map(|(count, size)| (count, size * step));
                shaped(&shape.collect::<Vec<_>>())
            });
            found.extend(cheaper(full?, alike?));
        }
    }
    // What rounding makes cheaper still, and what is not reckoned with above.
    let count = minor / limit + i64::from(minor % limit != 0);
    let (even, over) = (minor / unit / count * unit, minor / unit % count);
    let full = shaped(&[(count - 1, limit), (1, minor - (count - 1).saturating_mul(limit.min(minor)))])?;
    let few = cheaper(full, shaped(&[(over, even + unit), (count - over, even)])?);
    found.extend(few.filter(|few| found.iter().all(|one| few.cost < one.cost)));
    Ok(found)
}

/// What the number of items decides besides the fees. What is deducted on the way is not debited, unless it is ours to bear.
fn counts(route: &Route, bearer: Bearer) -> Counts {
    let deducted = bearer != Bearer::Debtor && route.lifting().is_positive();
    match deducted || route.fee_of_batch().is_positive() {
        true => Counts::Coupled { deducted },
        false => Counts::Alone,
    }
}

fn cheaper(one: Option<Alternative>, two: Option<Alternative>) -> Option<Alternative> {
    one.into_iter().chain(two).min_by_key(|one| one.cost)
}

fn price_shape(
    request: &PlanRequest,
    route: &Route,
    bearer: Bearer,
    shape: &[(i64, i64)],
    amount: Money,
) -> Result<Option<Alternative>, PlanError> {
    let least = route.item_minimum().map_or(1, Money::minor);
    let (mut items, mut fee, mut base) = (Vec::new(), 0_i64, 0_i64);
    let mut pieces = 0_i64;
    // A fee of the gross says nothing of how the gross would be divided.
    if route.fee_of == FeeBase::Gross && shape.iter().map(|(count, _)| count).sum::<i64>() > 1 {
        return Ok(None);
    }
    for (times, share) in shape.iter().filter(|(times, _)| *times > 0) {
        let Ok(count) = u32::try_from(*times) else { return Ok(None) };
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
        items.push((count, sent.minor()));
        pieces += *times;
        fee = fee.saturating_add(own_fee.minor().saturating_mul(*times));
        base = base.saturating_add(sold.minor().saturating_mul(*times));
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
