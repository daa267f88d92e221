//! What an item costs on a route as a function of its amount, before anything is rounded: straight lines with jumps.

use rust_decimal::Decimal;

use crate::money::Money;

use super::super::request::PlanRequest;
use super::super::route::Route;
use super::division::MOST;

/// Amounts between which the fee is a straight line, both ends included. Amounts are in steps of the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    pub first: i64,
    pub last: i64,
    /// Of each item.
    pub fixed: i128,
    /// Of each step.
    pub each: i128,
}

/// The tiers of a route, from its least item to its largest, in parts of a minor unit of the source currency that make
/// every figure whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    pub rows: Vec<Tier>,
    /// What correspondents take from an item.
    pub lifting: i128,
}

/// Digits of the rate at which percentages of what is sold are compared; thresholds are exact.
const RATE_DIGITS: i128 = 100_000_000;
/// A total, and an amount in steps, have so many binary digits together at most: more is not reckoned with.
const DIGITS: u32 = 112;

/// The rate and the parts that make it whole.
struct Scale {
    sold: (i128, i128),
    rate: (i128, i128),
    decimals: u32,
}

impl Tier {
    /// What an item costs.
    pub fn at(&self, steps: i64) -> i128 {
        self.fixed + self.each * i128::from(steps)
    }
}

impl Tiers {
    /// For items of an amount; none where a figure is beyond what is reckoned with.
    pub fn of(request: &PlanRequest, route: &Route, steps: i64) -> Option<Tiers> {
        let step = route.step();
        let least = route.item_minimum().map_or(1, Money::minor).max(1);
        let first = least / step + i64::from(least % step != 0);
        let last = route.item_limit().map_or(steps, |limit| steps.min(limit.minor() / step));
        let scale = Scale::of(request, route)?;
        let whole = 10_i128.pow(scale.decimals).checked_mul(scale.rate.1)?;
        let in_parts = |money: Money| whole.checked_mul(i128::from(money.minor()));
        let ceiling = match route.most_fee() {
            Some(cap) => in_parts(cap)?,
            None => i128::MAX,
        };
        let mut tiers = Tiers { rows: Vec::new(), lifting: in_parts(route.lifting())? };
        let prices = route.prices();
        for (place, price) in prices.iter().enumerate() {
            let from = scale.first(price.from, step)?.max(first);
            let until = prices.get(place + 1).map_or(Some(i64::MAX), |next| scale.first(next.from, step))?;
            let until = last.min(until - 1);
            let each = scale.each(price.percent, step)?;
            let line = Tier { first: from, last: until, fixed: in_parts(price.fixed)?, each };
            tiers.cut(line, in_parts(price.minimum)?.min(ceiling), ceiling);
        }
        let most = |of: fn(&Tier) -> i128| tiers.rows.iter().map(of).max().unwrap_or(0);
        let items = most(|row| row.fixed).checked_add(tiers.lifting)?.checked_mul(i128::from(MOST))?;
        let total = items.checked_add(most(|row| row.each).checked_mul(i128::from(steps))?)?;
        (digits(total) + digits(i128::from(steps)) <= DIGITS).then_some(tiers)
    }

    /// A line as it is between a least fee and the most.
    fn cut(&mut self, line: Tier, floor: i128, ceiling: i128) {
        let reaches = |level: i128| {
            let within = match level.saturating_sub(line.fixed) {
                missing if missing <= 0 => line.first,
                _ if line.each == 0 => i64::MAX,
                missing => i64::try_from(-(-missing).div_euclid(line.each)).unwrap_or(i64::MAX),
            };
            within.clamp(line.first, line.last.saturating_add(1).max(line.first))
        };
        let (rises, ends) = (reaches(floor), reaches(ceiling));
        for row in [
            Tier { last: rises - 1, fixed: floor, each: 0, ..line },
            Tier { first: rises, last: ends - 1, ..line },
            Tier { first: ends, fixed: ceiling, each: 0, ..line },
        ] {
            if row.first > row.last {
                continue;
            }
            match self.rows.last_mut() {
                Some(before) if (before.fixed, before.each) == (row.fixed, row.each) => {
                    before.last = row.last
                }
                _ => self.rows.push(row),
            }
        }
    }

    /// Whether one item costs no more than any division of its amount, whatever correspondents take: no item costs less for
    /// its amount. Of a line with a fixed part that is at its ends.
    pub fn one_is_cheapest(&self, steps: i64) -> bool {
        let Some(own) = self.rows.iter().find(|row| row.first <= steps && steps <= row.last) else {
            return false;
        };
        let (own, of) = (own.at(steps), i128::from(steps));
        let ends = self.rows.iter().flat_map(|row| [(row, row.first), (row, row.last)]);
        let mut ends = ends.filter(|(_, end)| *end <= steps);
        ends.all(|(row, end)| own * i128::from(end) <= row.at(end) * of)
    }
}

impl Scale {
    fn of(request: &PlanRequest, route: &Route) -> Option<Scale> {
        let converts = route.source_currency != route.target_currency || route.spread_bps > 0;
        let sold = if converts {
            request.mids.sold(route.target_currency, route.source_currency, route.spread_bps).ok()?
        } else {
            (1, 1)
        };
        let mut parts = 1_i128;
        let mut rate = sold.0;
        if converts {
            while sold.0.checked_mul(parts)? / sold.1 < RATE_DIGITS {
                parts = parts.checked_mul(10)?;
            }
            rate = sold.0.checked_mul(parts)? / sold.1;
        }
        let decimals = route.prices().iter().map(|price| price.percent.normalize().scale()).max();
        Some(Scale { sold, rate: (rate, parts), decimals: decimals.unwrap_or(0) + 2 })
    }

    /// The first number of steps for which so much is sold.
    fn first(&self, sold: Money, step: i64) -> Option<i64> {
        let below = i128::from(sold.minor() - 1).checked_mul(self.sold.1)?.div_euclid(self.sold.0);
        i64::try_from(below / i128::from(step) + 1).ok().map(|first| if sold.minor() > 0 { first } else { 1 })
    }

    /// What a percentage of a step is.
    fn each(&self, percent: Decimal, step: i64) -> Option<i128> {
        let percent = percent.normalize();
        let whole = percent.mantissa().checked_mul(10_i128.pow(self.decimals - 2 - percent.scale()))?;
        whole.checked_mul(self.rate.0)?.checked_mul(i128::from(step))
    }
}

/// Binary digits of a number from zero on.
pub fn digits(number: i128) -> u32 {
    128 - number.leading_zeros()
}
