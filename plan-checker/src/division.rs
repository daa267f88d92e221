//! Whether an amount divided otherwise into items of the same route would cost less than what is listed, each item's fee
//! before it is rounded.
//!
//! | what | promised, and looked for here |
//! |---|---|
//! | the cheapest | nothing into up to 1,000 items costs less than the cheapest one listed |
//! | each number of items | where a route's batches cost something, or deductions on the way are not debited: nothing into the fewest items, or one more, … up to 31 more, is better than each one listed of as few items |
//! | how far | 1,024 combinations of numbers of items in a search, 128 where each number of items has one: a search that is not over by then refuses nothing |
//! | not looked at | fees inside the amount; amounts of more than 1,000 items of the route's largest; figures whose digits together are beyond 112 binary ones |
//!
//! Within a span of amounts the fee is a straight line, so that a division's cost is told by how many items stand in each
//! span and what they sum to. With the numbers given, the rest goes where a step costs least. A number of items is passed
//! over only where a line below all spans shows that it cannot be enough, with what all figures are multiples of.
//!
//! The planner looks at twice as many combinations before it gives up, so that it is seldom refused for what it did not find
//! itself: seen on random tariffs, not proven, since the two go about it in ways of their own.

use crate::Refusal;
use crate::certificate::{Alternative, Bearer, Body, FeeOf, Supplier, Tariff};
use crate::exact::{add, ceiling, decimal, multiply, power, weight};

const MOST: i128 = 1_000;
const EACH: i128 = 32;
/// So many combinations are looked at in one search, and where there is one for each number of items.
const COMBINATIONS: u32 = 1_024;
const OF_EACH: u32 = 128;

/// Items of `from` to `to` steps cost `flat`, and `slope` for each step.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i128,
    to: i128,
    flat: i128,
    slope: i128,
}

impl Span {
    fn cost(&self, steps: i128) -> i128 {
        self.flat + self.slope * steps
    }
}

/// A division that is listed.
struct Listed {
    items: i128,
    cost: i128,
}

/// Refuses a supplier one of whose routes could be paid over in cheaper items.
pub fn check(body: &Body, supplier: &Supplier) -> Result<(), Refusal> {
    let open = |one: &&Alternative| one.ruled_out.is_none() && one.route.is_some();
    let mut done: Vec<&Alternative> = Vec::new();
    let alike = |one: &Alternative, two: &Alternative| {
        let when = (&one.waits, one.all) == (&two.waits, two.all);
        when && (one.route, one.account, &one.payee) == (two.route, two.account, &two.payee)
    };
    for one in supplier.alternatives.iter().filter(open) {
        if done.iter().any(|before| alike(before, one)) {
            continue;
        }
        done.push(one);
        let listed: Vec<&Alternative> =
            supplier.alternatives.iter().filter(open).filter(|two| alike(one, two)).collect();
        let Some(tariff) = one.route.and_then(|route| body.routes.get(route)) else { continue };
        route(body, supplier, tariff, &listed)?;
    }
    Ok(())
}

fn route(body: &Body, supplier: &Supplier, tariff: &Tariff, listed: &[&Alternative]) -> Result<(), Refusal> {
    let bearer = supplier.bearer.unwrap_or(tariff.bearer);
    if bearer == Bearer::Creditor || tariff.fee_of == FeeOf::Gross {
        return Ok(());
    }
    // Without bands a larger item costs no more for its amount.
    if tariff.bands.is_empty() && listed.iter().any(|one| matches!(one.items[..], [(1, _)])) {
        return Ok(());
    }
    let owed = listed.first().and_then(|one| one.all).map_or(supplier.net.0, |all| all.0);
    let steps = owed / tariff.step.0;
    let Some((spans, whole)) = spans(body, tariff, steps) else { return Ok(()) };
    let (Some(least), Some(most)) = (spans.first(), spans.last()) else { return Ok(()) };
    let fewest = ceiling(steps, most.to);
    if fewest > MOST {
        return Ok(());
    }
    let lifting = multiply(tariff.lifting.0, whole)?;
    let mut known = Vec::new();
    for one in listed {
        let mut own = Listed { items: 0, cost: 0 };
        for (times, amount) in &one.items {
            let size = amount.0 / tariff.step.0;
            let span = spans.iter().find(|span| span.from <= size && size <= span.to);
            let span = span.ok_or_else(|| Refusal::wrong("items", "of an amount that the route has not"))?;
            let each = add(span.cost(size), lifting)?;
            own.items = add(own.items, i128::from(*times))?;
            own.cost = add(own.cost, multiply(each, i128::from(*times))?)?;
        }
        known.push(own);
    }
    if known.iter().any(|one| one.items == 1) && one_item(&spans, steps) {
        return Ok(());
    }
    let spans = spans.iter().map(|span| Ok(Span { flat: add(span.flat, lifting)?, ..*span }));
    let spans: Vec<Span> = spans.collect::<Result<_, Refusal>>()?;
    let refused = |items: &str| {
        Err(Refusal::wrong("items", format!("{} has a cheaper division into {items} items", tariff.name)))
    };
    let deducted = if bearer == Bearer::Debtor { 0 } else { lifting };
    if tariff.batch_fee.0 > 0 || deducted > 0 {
        for items in fewest..=MOST.min(fewest + EACH - 1).min(steps / least.from) {
            let of = known.iter().filter(|one| one.items <= items);
            let of = of.map(|one| add(one.cost, multiply(deducted, items - one.items)?));
            let of = of.collect::<Result<Vec<i128>, Refusal>>()?.into_iter().min().unwrap_or(i128::MAX);
            if undercut(&spans, items, steps, of, OF_EACH)? {
                return refused(&items.to_string());
            }
        }
    }
    let cheapest = known.iter().map(|one| one.cost).min().unwrap_or(i128::MAX);
    // Fewer items are items of nothing besides.
    let nothing = Span { from: 0, to: 0, flat: 0, slope: 0 };
    let spans: Vec<Span> = spans.into_iter().chain([nothing]).collect();
    if undercut(&spans, MOST, steps, cheapest, COMBINATIONS)? { refused("other") } else { Ok(()) }
}

/// The spans of a tariff up to an amount, and by how much a minor unit is multiplied to make all figures whole.
fn spans(body: &Body, tariff: &Tariff, steps: i128) -> Option<(Vec<Span>, i128)> {
    let step = tariff.step.0;
    let (first, last) = (
        ceiling(tariff.minimum_item.0.max(1), step),
        tariff.maximum_item.map_or(steps, |most| steps.min(most.0 / step)),
    );
    // What is sold for a minor unit: exactly, and in at least nine digits.
    let exact =
        if tariff.source == tariff.target && tariff.spread_bps == 0 { (1, 1) } else { sold(body, tariff)? };
    let mut rate = (exact.0 / exact.1, 1);
    while exact != (1, 1) && rate.0 < 100_000_000 {
        rate.1 = i128::checked_mul(rate.1, 10)?;
        rate.0 = exact.0.checked_mul(rate.1)? / exact.1;
    }
    if exact == (1, 1) {
        rate = (1, 1);
    }
    let mut prices =
        vec![(0, tariff.fixed.0, decimal(&tariff.percent).ok()?, tariff.minimum.map_or(0, |own| own.0))];
    for band in &tariff.bands {
        prices.push((band.from.0, band.fixed.0, decimal(&band.percent).ok()?, 0));
    }
    let decimals = 2 + prices.iter().map(|(_, _, (_, places), _)| *places).max()?;
    let whole = power(decimals).ok()?.checked_mul(rate.1)?;
    let starts = |from: i128| -> Option<i128> {
        // More than `from - 1` is sold for it.
        Some(if from > 0 { (from - 1).checked_mul(exact.1)? / exact.0 / step + 1 } else { 1 })
    };
    let mut spans: Vec<Span> = Vec::new();
    for (place, (from, fixed, (percent, places), minimum)) in prices.iter().enumerate() {
        let begin = starts(*from)?.max(first);
        let end = match prices.get(place + 1) {
            Some((next, ..)) => last.min(starts(*next)? - 1),
            None => last,
        };
        let slope = percent
            .checked_mul(power(decimals - 2 - places).ok()?)?
            .checked_mul(rate.0)?
            .checked_mul(step)?;
        let (fixed, minimum) = (fixed.checked_mul(whole)?, minimum.checked_mul(whole)?);
        let cap = tariff.cap.map_or(Some(i128::MAX), |cap| cap.0.checked_mul(whole))?;
        // Up to which amount the least fee holds, and up to which the line lies below the cap.
        let below = |level: i128| match level.saturating_sub(fixed) {
            room if slope > 0 => (room - 1).div_euclid(slope).min(end),
            room if room > 0 => end,
            _ => begin - 1,
        };
        let flat = below(minimum.min(cap)).max(begin - 1);
        let rising = below(cap).max(flat);
        for span in [
            Span { from: begin, to: flat, flat: minimum.min(cap), slope: 0 },
            Span { from: flat + 1, to: rising, flat: fixed, slope },
            Span { from: rising + 1, to: end, flat: cap, slope: 0 },
        ] {
            if span.from <= span.to {
                spans.push(span);
            }
        }
    }
    let largest = |of: fn(&Span) -> i128| spans.iter().map(of).max().unwrap_or(0);
    let fixed =
        largest(|span| span.flat).checked_add(tariff.lifting.0.checked_mul(whole)?)?.checked_mul(MOST)?;
    let total = fixed.checked_add(largest(|span| span.slope).checked_mul(steps)?)?;
    let digits = |number: i128| 128 - number.leading_zeros();
    (digits(total) + digits(steps) <= 112).then_some((spans, whole))
}

/// Minor units of the source for one of the target, as a fraction.
fn sold(body: &Body, tariff: &Tariff) -> Option<(i128, i128)> {
    let (to, from) = (weight(body, &tariff.target).ok()?, weight(body, &tariff.source).ok()?);
    let shared = to.1.min(from.1);
    let top = to.0.checked_mul(from.1 / shared)?.checked_mul(10_000 + i128::from(tariff.spread_bps))?;
    Some((top, from.0.checked_mul(to.1 / shared)?.checked_mul(10_000)?))
}

/// No smaller item costs less for its amount than a single one does: then no division costs less than that.
fn one_item(spans: &[Span], steps: i128) -> bool {
    let Some(own) = spans.iter().find(|span| span.from <= steps && steps <= span.to) else { return false };
    let dearer = |span: &Span, end: i128| end > steps || span.cost(end) * steps >= own.cost(steps) * end;
    spans.iter().all(|span| dearer(span, span.from) && dearer(span, span.to))
}

/// Whether so many items can sum to an amount and cost less than a target; no where that many combinations do not tell.
fn undercut(
    spans: &[Span],
    items: i128,
    steps: i128,
    target: i128,
    combinations: u32,
) -> Result<bool, Refusal> {
    // All costs are multiples of this one; what is below the target is so by a multiple of it.
    let whole = spans.iter().fold(0, |all, span| divisor(divisor(all, span.flat), span.slope)).max(1);
    let target = if target == i128::MAX { target } else { add((target - 1).div_euclid(whole) * whole, 1)? };
    // Figures times 1,024 or more, so that slopes in whole numbers are fine.
    let digits = |number: i128| 128 - number.leading_zeros();
    let largest = spans.iter().map(|span| add(multiply(span.flat, MOST)?, multiply(span.slope, steps)?));
    let largest = largest.collect::<Result<Vec<i128>, Refusal>>()?.into_iter().max().unwrap_or(0);
    let fine = 1_i128 << 122_u32.saturating_sub(digits(largest) + digits(steps)).clamp(10, 60);
    let spans: Vec<Span> =
        spans.iter().map(|span| Span { flat: span.flat * fine, slope: span.slope * fine, ..*span }).collect();
    // Of all lines through two ends, less what keeps them below every span, the one that bounds the total best.
    let ends: Vec<(i128, i128)> =
        spans.iter().flat_map(|span| [span.from, span.to].map(|end| (end, span.cost(end)))).collect();
    let slopes = ends.iter().flat_map(|one| {
        let later = ends.iter().filter(|two| two.0 > one.0);
        later.map(|two| (two.1 - one.1).div_euclid(two.0 - one.0))
    });
    let mut line: Option<(i128, i128, i128)> = None;
    for slope in slopes.chain([0]) {
        let least = ends.iter().map(|(end, cost)| cost - slope * end).min().unwrap_or(0);
        let Ok(bound) = multiply(least, items).and_then(|all| add(all, multiply(slope, steps)?)) else {
            continue;
        };
        line = line.max(Some((bound, slope, least)));
    }
    let Some((bound, slope, least)) = line else { return Ok(false) };
    let over = |span: &Span| {
        [span.from, span.to].into_iter().map(|end| span.cost(end) - slope * end - least).min().unwrap_or(0)
    };
    let mut rows: Vec<(i128, Span)> = spans.iter().map(|span| (over(span), *span)).collect();
    rows.sort_by_key(|(over, span)| (-over, span.from));
    let room = if target == i128::MAX { i128::MAX } else { add(multiply(target, fine)?, -bound)? };
    let mut trial = Trial {
        rows: &rows,
        steps,
        room,
        target: target.saturating_mul(fine),
        left: combinations,
        found: false,
        bound,
    };
    trial.all(&mut vec![0; rows.len()], 0, items, 0)?;
    Ok(trial.found && trial.left > 0)
}

/// The greatest number that divides both; none of them is below zero.
fn divisor(one: i128, two: i128) -> i128 {
    if two == 0 { one } else { divisor(two, one % two) }
}

struct Trial<'a> {
    /// How far each span lies over the line, those furthest first.
    rows: &'a [(i128, Span)],
    steps: i128,
    room: i128,
    target: i128,
    /// How many combinations are looked at yet.
    left: u32,
    found: bool,
    bound: i128,
}

impl Trial<'_> {
    /// All of them, though one is found: whether they are too many is a matter of the tariff, not of where one lies. After
    /// one only cheaper ones are of interest.
    fn all(&mut self, items: &mut Vec<i128>, at: usize, left: i128, spent: i128) -> Result<(), Refusal> {
        self.left = self.left.saturating_sub(1);
        if at + 2 < self.rows.len() {
            for own in 0..=left {
                let spent = add(spent, multiply(self.rows[at].0, own)?)?;
                if self.left == 0 || spent >= self.room || own * self.rows[at].1.from > self.steps {
                    break;
                }
                items[at] = own;
                self.all(items, at + 1, left - own, spent)?;
            }
            items[at] = 0;
            return Ok(());
        }
        if at + 1 == self.rows.len() {
            items[at] = left;
            let filled = self.filled(items);
            self.note(&filled);
            return Ok(());
        }
        // What two spans cost together falls and then rises with the items of the first: by halves to where it turns.
        let first_is_larger =
            self.rows[at].1.from + self.rows[at].1.to > self.rows[at + 1].1.from + self.rows[at + 1].1.to;
        let mut split = |own: i128| {
            (items[at], items[at + 1]) = (own, left - own);
            self.filled(items)
        };
        let (mut low, mut high) = (0, left);
        while low < high {
            let middle = (low + high) / 2;
            let further = match (split(middle), split(middle + 1)) {
                (Filled::Costs(here), Filled::Costs(next)) => next < here,
                (Filled::TooLittle, _) => first_is_larger,
                (Filled::TooMuch, _) => !first_is_larger,
                (Filled::Costs(_), _) => false,
            };
            if further { low = middle + 1 } else { high = middle }
        }
        let filled = split(low);
        self.note(&filled);
        Ok(())
    }

    fn note(&mut self, filled: &Filled) {
        if let Filled::Costs(cost) = filled
            && *cost < self.target
        {
            self.found = true;
            (self.target, self.room) = (*cost, *cost - self.bound);
        }
    }

    /// The cheapest way for these numbers of items to sum to the amount.
    fn filled(&self, items: &[i128]) -> Filled {
        let each = || self.rows.iter().map(|(_, span)| span).zip(items);
        let mut left = self.steps - each().map(|(span, items)| span.from * items).sum::<i128>();
        if left < 0 {
            return Filled::TooMuch;
        }
        let mut cost: i128 = each().map(|(span, items)| span.cost(span.from) * items).sum();
        let mut room: Vec<(i128, i128)> =
            each().map(|(span, items)| (span.slope, (span.to - span.from) * items)).collect();
        room.sort_unstable();
        for (slope, room) in room {
            let own = left.min(room);
            (cost, left) = (cost + slope * own, left - own);
        }
        if left > 0 { Filled::TooLittle } else { Filled::Costs(cost) }
    }
}

enum Filled {
    /// Even the largest items come to less than the amount.
    TooLittle,
    /// Even the smallest come to more.
    TooMuch,
    Costs(i128),
}
