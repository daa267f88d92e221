//! An amount divided into items of one route so that their fees, before each is rounded, come to least.
//!
//! What a division costs depends on how many items stand in each tier and on the sum of each tier's items, for a tier is a
//! straight line. So the numbers of items are what is sought; with them given, the sums are filled where a step costs least,
//! and all items but one can stand at the ends of tiers.
//!
//! Bounded from below by the line under all tiers that passes through the average item: no division costs less than that
//! line times the items, and each item of a tier adds at least what the tier lies above it. Numbers that add up to less than
//! is missing to the best division known are all tried, those of the last two tiers by halving: what remains is convex. What
//! divisions cost is a multiple of what all figures are multiples of, so that less than that cannot be missing.
//!
//! Tiers that are alike for their amounts leave the bound no grip: then combinations are counted and the search ends at
//! [`COMBINATIONS`] with the best it has come to. A count, not a clock, so that the same request gives the same plan.

use super::tiers::{Tier, Tiers, digits};

/// More items are not reckoned with.
pub const MOST: i64 = 1_000;
/// Where the number of items counts by itself, so many numbers from the fewest on are divided by themselves.
pub const EACH: i64 = 32;
/// More combinations of numbers of items are not looked at in one search.
pub const COMBINATIONS: u32 = 2_048;
/// Nor more than this where one price takes many searches.
const OF_MANY: u32 = 256;

/// Items of each tier: how many, and their sum in steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    items: Vec<(Tier, i64, i64)>,
}

/// What else the number of items decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Nothing.
    Alone,
    /// Batches, or how much the account is debited: what correspondents take is not.
    Coupled { deducted: bool },
}

impl Division {
    /// Equal items, the largest first: how many, of how many minor units. In each tier full ones and a rest, or all alike.
    pub fn shape(&self, alike: bool, step: i64) -> Vec<(i64, i64)> {
        let mut shape = Vec::new();
        for (tier, count, sum) in &self.items {
            let (first, span) = (tier.first, tier.last - tier.first);
            let over = sum - first * count;
            let (size, full, part) = match alike || span == 0 {
                true => (sum / count, sum % count, 0),
                false => (first, over / span, over % span),
            };
            let large = if alike { size + 1 } else { tier.last };
            let partial = i64::from(part > 0);
            shape.extend([(full, large), (partial, first + part), (count - full - partial, size)]);
        }
        shape.retain(|(count, _)| *count > 0);
        shape.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        shape.iter_mut().for_each(|(_, size)| *size *= step);
        shape
    }
}

/// The divisions of an amount that are of use: the fewest items first, each later one cheaper than those before it (or,
/// where correspondents' deductions are not debited, taking less from the account). The last one is the cheapest there is,
/// as far as that many combinations tell.
/// None where there is no division, or the fewest items are more than are reckoned with.
pub fn divisions(tiers: &Tiers, steps: i64, counts: Counts) -> Vec<Division> {
    let last = tiers.rows.last().map_or(0, |row| row.last);
    let fewest = if last == 0 { i64::MAX } else { steps / last + i64::from(steps % last != 0) };
    let smallest = tiers.rows.first().map_or(0, |row| row.first);
    if fewest > MOST || fewest * smallest > steps {
        return Vec::new();
    }
    let rows = tiers.rows.iter().map(|row| Tier { fixed: row.fixed + tiers.lifting, ..*row });
    let rows: Vec<Tier> = rows.collect();
    let mut found: Vec<(i64, i128, Division)> = Vec::new();
    if let Counts::Coupled { deducted } = counts {
        let lifting = if deducted { tiers.lifting } else { 0 };
        for count in fewest..=MOST.min(fewest + EACH - 1).min(steps / smallest) {
            let covered = found.iter().map(|(own, cost, _)| cost + lifting * i128::from(count - own)).min();
            found.extend(least(&rows, count, steps, covered, OF_MANY));
        }
    }
    let known = found.iter().map(|(_, cost, _)| *cost).min();
    found.extend(up_to_most(rows, steps, known, COMBINATIONS));
    found.into_iter().map(|(.., division)| division).collect()
}

/// The cheapest division of an amount that is one of many tried: fewer combinations are looked at.
pub fn cheapest(tiers: &Tiers, steps: i64) -> Option<Division> {
    let rows = tiers.rows.iter().map(|row| Tier { fixed: row.fixed + tiers.lifting, ..*row });
    let rows: Vec<Tier> = rows.collect();
    if rows.is_empty() || steps < 1 {
        return None;
    }
    up_to_most(rows, steps, None, OF_MANY).map(|(.., division)| division)
}

/// Up to the most items: what is not sent is an item of nothing.
fn up_to_most(
    mut rows: Vec<Tier>,
    steps: i64,
    known: Option<i128>,
    combinations: u32,
) -> Option<(i64, i128, Division)> {
    let full = full(&rows, steps).filter(|(_, cost, _)| known.is_none_or(|known| *cost < known));
    let known = full.as_ref().map(|(_, cost, _)| *cost).or(known);
    rows.push(Tier { first: 0, last: 0, fixed: 0, each: 0 });
    least(&rows, MOST, steps, known, combinations).or(full)
}

/// Full items and a rest: of what costs as much none has fewer items.
fn full(rows: &[Tier], steps: i64) -> Option<(i64, i128, Division)> {
    let top = rows.last().filter(|top| top.last > 0)?;
    let (whole, rest) = ((steps - 1) / top.last, (steps - 1) % top.last + 1);
    let of_rest = rows.iter().find(|row| row.first <= rest && rest <= row.last)?;
    let items = match of_rest == top {
        true => vec![(*top, whole + 1, steps)],
        false => vec![(*top, whole, steps - rest), (*of_rest, 1, rest)],
    };
    let items: Vec<(Tier, i64, i64)> = items.into_iter().filter(|(_, count, _)| *count > 0).collect();
    let cost = top.at(top.last) * i128::from(whole) + of_rest.at(rest);
    (whole < MOST).then_some((whole + 1, cost, Division { items }))
}

/// The cheapest division into so many items, where it costs less than what is known; of equals the fewest items.
fn least(
    rows: &[Tier],
    count: i64,
    steps: i64,
    known: Option<i128>,
    combinations: u32,
) -> Option<(i64, i128, Division)> {
    // Finer than the figures are, so that slopes lose little when they are cut to whole ones, and items are counted.
    let most = rows.iter().map(|row| row.fixed * i128::from(MOST) + row.each * i128::from(steps)).sum();
    let fine = 122_u32.saturating_sub(digits(most) + digits(i128::from(steps))).clamp(10, 60);
    let item = |row: &Tier| i128::from(row.last > 0);
    let finer = rows.iter().map(|row| Tier {
        fixed: (row.fixed << fine) + item(row),
        each: row.each << fine,
        ..*row
    });
    let finer: Vec<Tier> = finer.collect();
    let line = Line::under(&finer, count, steps);
    let mut order: Vec<(i128, usize)> = (0..rows.len()).map(|row| (line.above(&finer[row]), row)).collect();
    order.sort_by_key(|(above, row)| (std::cmp::Reverse(*above), *row));
    let mut search = Search {
        rows: order.iter().map(|(_, row)| finer[*row]).collect(),
        above: order.iter().map(|(above, _)| *above).collect(),
        cheapest_step: Vec::new(),
        steps,
        counts: vec![0; rows.len()],
        bound: line.bound(count, steps),
        whole: rows.iter().fold(0, |all, row| divisor(divisor(all, row.fixed), row.each)),
        fine,
        fewest: match rows
            .iter()
            .map(|row| (row.first, row.last))
            .fold((i64::MAX, 1), |(least, most), row| (least.min(row.0), most.max(row.1)))
        {
            (0, most) => steps / most + i64::from(steps % most != 0),
            _ => count,
        },
        best: i128::MAX,
        enough: i128::MAX,
        left: combinations,
        found: None,
    };
    // As many items cost less only where they do before they are counted.
    if let Some(known) = known {
        search.improve(known << fine);
    }
    search.cheapest_step = (0..rows.len()).collect();
    search.cheapest_step.sort_by_key(|row| search.rows[*row].each);
    search.rest(0, count, 0);
    let counts = search.found.clone()?;
    let sums = search.sums(&counts)?;
    let items =
        counts.iter().zip(&sums).zip(&order).map(|((count, sum), (_, row))| (rows[*row], *count, *sum));
    let items: Vec<(Tier, i64, i64)> = items.filter(|(row, count, _)| row.last > 0 && *count > 0).collect();
    let of =
        |(row, count, sum): &(Tier, i64, i64)| row.fixed * i128::from(*count) + row.each * i128::from(*sum);
    Some((items.iter().map(|(_, count, _)| count).sum(), items.iter().map(of).sum(), Division { items }))
}

/// A line that no tier lies below.
struct Line {
    item: i128,
    step: i128,
}

impl Line {
    /// The one that bounds so many items of so many steps best, but for what is cut off its slope.
    fn under(rows: &[Tier], count: i64, steps: i64) -> Line {
        let ends: Vec<(i64, i128)> = rows
            .iter()
            .flat_map(|row| [(row.first, row.at(row.first)), (row.last, row.at(row.last))])
            .collect();
        let (mut lowest, mut step) = (None::<i128>, 0_i128);
        for (from, low) in ends.iter().filter(|(from, _)| from * count <= steps) {
            for (to, high) in ends.iter().filter(|(to, _)| to > from && to.saturating_mul(count) >= steps) {
                let slope = (high - low).div_euclid(i128::from(to - from));
                let here = low * i128::from(count) + slope * i128::from(steps - from * count);
                if lowest.is_none_or(|lowest| here < lowest) {
                    (lowest, step) = (Some(here), slope);
                }
            }
        }
        let item = ends.iter().map(|(end, cost)| cost - step * i128::from(*end)).min().unwrap_or(0);
        Line { item, step }
    }

    /// How far a tier lies above it at the least.
    fn above(&self, row: &Tier) -> i128 {
        let at = |end: i64| row.at(end) - self.item - self.step * i128::from(end);
        at(row.first).min(at(row.last))
    }

    fn bound(&self, count: i64, steps: i64) -> i128 {
        let items = self.item.saturating_mul(i128::from(count));
        items.saturating_add(self.step.saturating_mul(i128::from(steps)))
    }
}

/// Tiers, those furthest above the line first.
struct Search {
    rows: Vec<Tier>,
    above: Vec<i128>,
    cheapest_step: Vec<usize>,
    steps: i64,
    counts: Vec<i64>,
    bound: i128,
    /// What all figures are multiples of, and by how many binary digits they are finer here.
    whole: i128,
    fine: u32,
    fewest: i64,
    best: i128,
    /// From here on nothing is better than the best.
    enough: i128,
    /// How many combinations are looked at yet.
    left: u32,
    found: Option<Vec<i64>>,
}

impl Search {
    /// Every number of items of a tier and of those behind it; `spent`: how far those before it lie above the line.
    fn rest(&mut self, place: usize, left: i64, spent: i128) {
        let Some(combinations) = self.left.checked_sub(1) else { return };
        self.left = combinations;
        if place + 2 >= self.rows.len() {
            return self.last_two(place, left);
        }
        let before = self.rows.iter().zip(&self.counts).take(place).map(|(row, count)| row.first * count);
        let room = self.steps - before.sum::<i64>();
        for count in 0..=left {
            let spent = spent.saturating_add(self.above[place].saturating_mul(i128::from(count)));
            let dearer = self.bound.saturating_add(spent) >= self.enough;
            if dearer || self.left == 0 || self.rows[place].first * count > room {
                break;
            }
            self.counts[place] = count;
            self.rest(place + 1, left - count, spent);
        }
        self.counts[place] = 0;
    }

    fn last_two(&mut self, place: usize, left: i64) {
        if place + 1 == self.rows.len() {
            self.counts[place] = left;
            return self.try_out();
        }
        let Some((mut low, mut high)) = self.fitting(place, left) else { return };
        while low < high {
            let middle = low + (high - low) / 2;
            match (self.cost(place, left, middle), self.cost(place, left, middle + 1)) {
                (Some(here), Some(next)) if next < here => low = middle + 1,
                _ => high = middle,
            }
        }
        self.counts[place] = low;
        self.counts[place + 1] = left - low;
        self.try_out();
    }

    /// Which numbers of the last tier but one leave the amount between what all items are at the least and at the most.
    fn fitting(&self, place: usize, left: i64) -> Option<(i64, i64)> {
        let (one, two) = (&self.rows[place], &self.rows[place + 1]);
        let sum = |of: fn(&Tier) -> i64| {
            let before = self.rows[..place].iter().zip(&self.counts).map(|(row, count)| of(row) * count);
            before.sum::<i64>() + of(two) * left
        };
        let (least, most) = (sum(|row| row.first), sum(|row| row.last));
        let (mut low, mut high) = (0, left);
        // Those for which `base` and so many times `slope` are no more than zero.
        for (base, slope) in
            [(least - self.steps, one.first - two.first), (self.steps - most, two.last - one.last)]
        {
            match slope {
                0 if base > 0 => return None,
                0 => {}
                slope if slope > 0 => high = high.min((-base).div_euclid(slope)),
                slope => low = low.max(-(-base).div_euclid(-slope)),
            }
        }
        (low <= high).then_some((low, high))
    }

    fn cost(&mut self, place: usize, left: i64, count: i64) -> Option<i128> {
        (self.counts[place], self.counts[place + 1]) = (count, left - count);
        let sums = self.sums(&self.counts)?;
        Some(self.comes_to(&sums))
    }

    fn comes_to(&self, sums: &[i64]) -> i128 {
        let each = self.rows.iter().zip(&self.counts).zip(sums);
        each.map(|((row, count), sum)| row.fixed * i128::from(*count) + row.each * i128::from(*sum)).sum()
    }

    fn try_out(&mut self) {
        let Some(sums) = self.sums(&self.counts) else { return };
        let cost = self.comes_to(&sums);
        if cost < self.best {
            self.found = Some(self.counts.clone());
            self.improve(cost);
        }
    }

    /// What is cheaper is so by a multiple of the whole, or has as much cost and fewer items: they are counted in the digits
    /// that are finer.
    fn improve(&mut self, cost: i128) {
        (self.best, self.enough) = (cost, cost);
        let (figures, items) = (cost >> self.fine, cost & ((1 << self.fine) - 1));
        if items <= i128::from(self.fewest) {
            self.enough = cost.min(
                (((figures - 1).div_euclid(self.whole.max(1)) * self.whole) << self.fine)
                    + i128::from(MOST)
                    + 1,
            );
        }
    }

    /// The sums of each tier's items, filled where a step costs least; none where the amount is beyond them.
    fn sums(&self, counts: &[i64]) -> Option<Vec<i64>> {
        let mut sums: Vec<i64> = self.rows.iter().zip(counts).map(|(row, count)| row.first * count).collect();
        let mut left = self.steps - sums.iter().sum::<i64>();
        for row in &self.cheapest_step {
            let room = (self.rows[*row].last - self.rows[*row].first) * counts[*row];
            let own = room.min(left.max(0));
            sums[*row] += own;
            left -= own;
        }
        (left == 0).then_some(sums)
    }
}

/// The greatest number that divides both; none of them is below zero.
fn divisor(one: i128, two: i128) -> i128 {
    if two == 0 { one } else { divisor(two, one % two) }
}
