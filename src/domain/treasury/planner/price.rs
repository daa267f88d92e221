//! What an amount costs on a route, to the minor unit, and into which items it is divided.

use crate::money::{Money, MoneyError};

use super::super::request::{PlanError, PlanRequest};
use super::super::route::{Bearer, FeeBase, Route};
use super::super::value::Cost;
use super::alternatives::Alternative;
use super::division::{Counts, cheapest, divisions};
use super::tiers::Tiers;

/// The ways to divide an amount into items of a route, the fewest items first. None where the route's limits or its bearer
/// do not allow it. `bearer`: by the supplier's terms, else the route's own.
///
/// | what | promise |
/// |---|---|
/// | fee outside the amount | no division into up to [`MOST`](super::division::MOST) items is cheaper before the fee of each item is rounded, as far as [`COMBINATIONS`](super::division::COMBINATIONS) of them tell; of more items, as few as the limit allows, full ones first or all alike |
/// | fee inside it | the one of which most arrives of those tried: one item, full ones first, all alike, the cheapest for the largest sum found that leaves room for its fees. Of equals the least debit: what is left stays owed. Proven where one item is within the limit and there are no bands |
/// | fee of the gross | one item |
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
    let asked = Asked { request, route, bearer, amount };
    let one = asked.shaped(&[(1, minor)])?;
    // Without bands a larger item never costs more for its amount: then no division is cheaper than one item, and of none
    // more arrives. A fee of the gross says nothing of how the gross would be divided.
    if (one.is_some() && route.bands.is_empty()) || route.fee_of == FeeBase::Gross {
        return Ok(one.into_iter().collect());
    }
    let steps = minor / step;
    let tiers = Tiers::of(request, route, steps);
    let few = |of: i64| -> Result<[Option<Alternative>; 2], PlanError> {
        let count = of / limit + i64::from(of % limit != 0);
        let (even, over) = (of / unit / count * unit, of / unit % count);
        let rest = of - (count - 1).saturating_mul(limit.min(of));
        let full = asked.shaped(&[(count - 1, limit), (1, rest)])?;
        Ok([full, asked.shaped(&[(over, even + unit), (count - over, even)])?])
    };
    if bearer == Bearer::Creditor {
        let tried = one.into_iter().chain(few(minor)?.into_iter().flatten());
        let tried = tried.chain(tiers.map_or(Ok(None), |tiers| asked.inside(&tiers, minor))?);
        let best =
            tried.max_by_key(|one| (one.sent() - one.lifting, -one.debit, std::cmp::Reverse(one.count())));
        return Ok(best.into_iter().collect());
    }
    if let Some(one) = &one
        && tiers.as_ref().is_some_and(|tiers| tiers.one_is_cheapest(steps))
    {
        return Ok(vec![one.clone()]);
    }
    let mut found = Vec::new();
    for division in tiers.map_or(Vec::new(), |tiers| divisions(&tiers, steps, counts(route, bearer))) {
        let [full, alike] = [false, true].map(|alike| asked.shaped(&division.shape(alike, step)));
        found.extend([full?, alike?].into_iter().flatten().min_by_key(|one| one.cost));
    }
    // What rounding makes cheaper still, and what is not reckoned with above.
    let few = few(minor)?.into_iter().flatten().min_by_key(|one| one.cost);
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

/// An amount on a route.
struct Asked<'a> {
    request: &'a PlanRequest,
    route: &'a Route,
    bearer: Bearer,
    amount: Money,
}

/// Equal items.
struct Items {
    count: i64,
    sent: Money,
    sold: Money,
    fee: Money,
}

impl Asked<'_> {
    /// Priced as so many items of so many minor units, fees inside or not.
    fn shaped(&self, shape: &[(i64, i64)]) -> Result<Option<Alternative>, PlanError> {
        let route = self.route;
        let items = shape.iter().filter(|(count, _)| *count > 0).map(|(count, share)| {
            let (count, share) = (*count, Money::from_minor(*share, self.amount.currency()));
            Ok(match self.bearer {
                Bearer::Creditor => {
                    let sent = inside(route, share, route.step())?;
                    let base = if route.fee_of == FeeBase::Gross { share } else { sent };
                    Items { count, sent, sold: sent, fee: route.fee(base)? }
                }
                Bearer::Debtor | Bearer::Shared => {
                    let sold = self.request.mids.sell(share, route.source_currency, route.spread_bps)?;
                    Items { count, sent: share, sold, fee: route.fee(sold)? }
                }
            })
        });
        self.sum(items.collect::<Result<_, PlanError>>()?)
    }

    /// With the fees inside: the cheapest items for the largest sum that, with their fees, is within the amount. What fees
    /// leave of a sum that is too large is tried next, and where that leads nowhere new what lies half way.
    fn inside(&self, tiers: &Tiers, minor: i64) -> Result<Option<Alternative>, PlanError> {
        let step = self.route.step();
        let mut best: Option<Alternative> = None;
        let (mut fits, mut beyond, mut sent) = (0, minor / step + 1, minor / step);
        for _ in 0..ROUNDS {
            let priced = self.cheapest(tiers, sent)?;
            let after = priced.as_ref().map(|priced| (minor - priced.fee).div_euclid(step));
            match priced.filter(|priced| priced.debit <= minor) {
                Some(priced) => (fits, best) = (sent, Some(priced)),
                None => beyond = sent,
            }
            if after == Some(fits) && best.is_some() && sent == fits || beyond - fits <= 1 {
                break;
            }
            let half = fits + (beyond - fits) / 2;
            sent = after.filter(|after| fits < *after && *after < beyond).unwrap_or(half);
        }
        Ok(best)
    }

    fn cheapest(&self, tiers: &Tiers, steps: i64) -> Result<Option<Alternative>, PlanError> {
        let step = self.route.step();
        let Some(division) = cheapest(tiers, steps) else { return Ok(None) };
        let items = division.shape(false, step).into_iter().map(|(count, share)| {
            let sent = Money::from_minor(share, self.amount.currency());
            Ok(Items { count, sent, sold: sent, fee: self.route.fee(sent)? })
        });
        self.sum(items.collect::<Result<_, PlanError>>()?)
    }

    fn sum(&self, each: Vec<Items>) -> Result<Option<Alternative>, PlanError> {
        let route = self.route;
        let least = route.item_minimum().map_or(1, Money::minor).max(1);
        let most = route.item_limit().map_or(i64::MAX, Money::minor);
        let (mut items, mut fee, mut base, mut pieces) = (Vec::new(), 0_i64, 0_i64, 0_i64);
        for own in each {
            let Ok(count) = u32::try_from(own.count) else { return Ok(None) };
            if own.sent.minor() < least || own.sent.minor() > most {
                return Ok(None);
            }
            items.push((count, own.sent.minor()));
            pieces += own.count;
            fee = fee.saturating_add(own.fee.minor().saturating_mul(own.count));
            base = base.saturating_add(own.sold.minor().saturating_mul(own.count));
        }
        let lifting = route.lifting().minor().saturating_mul(pieces);
        let ours = if self.bearer == Bearer::Debtor { lifting } else { 0 };
        let debit = base.saturating_add(fee).saturating_add(ours);
        let all = Money::from_minor(debit.saturating_add(lifting - ours), route.source_currency);
        let sent: i64 = items.iter().map(|(count, amount)| i64::from(*count) * amount).sum();
        let Cost(paid) = self.request.mids.value(all)?;
        let Cost(arrives) = self.request.mids.value(Money::from_minor(sent, self.amount.currency()))?;
        Ok(Some(Alternative { items, fee, lifting, debit, cost: paid - arrives, ..Alternative::unpaid(0) }))
    }
}

/// How often a sum that leaves room for its own fees is looked for.
const ROUNDS: usize = 64;

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
