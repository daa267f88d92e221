//! Prices at the top of the bound: the linear program behind it, by the simplex method. Each supplier takes one of its ways, each
//! resource is had at one of its points; a few of them in parts. Its basis is no larger than the number of resources, since each
//! supplier's own row is kept aside by a way that stands for it (generalized upper bounds).
//!
//! In whole parts of a unit, rounded: whatever comes out are prices, and what they prove is computed from them exactly.

use super::dual::{MOST, Scope, bound, reduced};
use super::problem::Problem;

/// Parts of a unit.
const UNIT: i128 = 1 << UNIT_DIGITS;
const UNIT_DIGITS: u32 = 40;
/// No figure is above this, so that products and their sums stay within 128 bits.
const FAR: i128 = 1 << 60;
/// No amount is more than so many of the largest use, and no supply need be.
const WIDE: i128 = UNIT << 16;
/// Less is nothing.
const NOTHING: i128 = 1 << 12;
/// More resources than that are left to other methods.
const MOST_ROWS: usize = 40;
/// How far prices may move at first, of what moves a choice by what is missing, and by how much more then.
const NEAR: i128 = UNIT / 8;
const FURTHER: i128 = 8;

/// One way of a supplier, a point of a resource, or a row's own: more of it than there is, or less.
#[derive(Debug, Clone)]
struct Column {
    set: Option<usize>,
    cost: i128,
    uses: Uses,
}

/// Up to three rows, in place.
#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    count: usize,
    each: [(usize, i128); 3],
}

impl std::ops::Deref for Uses {
    type Target = [(usize, i128)];

    fn deref(&self) -> &[(usize, i128)] {
        &self.each[..self.count]
    }
}

impl FromIterator<(usize, i128)> for Uses {
    fn from_iter<I: IntoIterator<Item = (usize, i128)>>(uses: I) -> Uses {
        let mut all = Uses::default();
        for one in uses.into_iter().take(3) {
            (all.each[all.count], all.count) = (one, all.count + 1);
        }
        all
    }
}

struct Program {
    columns: Vec<Column>,
    /// Where each set's columns begin, and the end.
    sets: Vec<usize>,
    /// The column that stands for each set.
    keys: Vec<usize>,
    /// What each row's basic column is, at which level, and the inverse of all of them.
    basic: Vec<usize>,
    level: Vec<i128>,
    inverse: Vec<Vec<i128>>,
}

fn times(one: i128, two: i128) -> i128 {
    (one * two) >> UNIT_DIGITS
}

/// Whether a problem is not too large for it.
pub fn takes(problem: &Problem) -> bool {
    problem.resources.len() <= MOST_ROWS
}

/// Raises the bound towards a goal, in so many exchanges at most; prices are never left worse than they were.
pub fn raise(problem: &Problem, scope: &Scope, prices: &mut Vec<i128>, goal: i128, mut exchanges: usize) {
    let (mut lower, _) = bound(problem, scope, prices);
    let mut reach = NEAR;
    while lower < goal && exchanges > 0 {
        let Some(rows) = Rows::new(problem, scope, prices, goal.saturating_sub(lower)) else { return };
        let mut program = rows.program(problem, scope, reach);
        let Some(moved) = program.solve(&mut exchanges) else { return };
        let held = program.is_held(reach);
        let at = rows.prices(problem, prices, &moved);
        let (reached, _) = bound(problem, scope, &at);
        if reached > lower {
            (lower, *prices) = (reached, at);
        } else if !held {
            return;
        }
        if !held {
            return;
        }
        reach = reach.saturating_mul(FURTHER).min(FAR / 4);
    }
}

/// The resources that somebody uses.
struct Rows<'a> {
    prices: &'a [i128],
    missing: i128,
    resources: Vec<usize>,
    row_of: Vec<Option<usize>>,
    /// The largest use: what a row's unit is.
    largest: Vec<i128>,
}

impl<'a> Rows<'a> {
    fn new(problem: &Problem, scope: &Scope, prices: &'a [i128], missing: i128) -> Option<Rows<'a>> {
        let mut most = vec![0_i128; problem.resources.len()];
        for supplier in 0..problem.suppliers.len() {
            for (resource, amount) in scope.open(problem, supplier).flat_map(|(_, way)| way.uses.iter()) {
                let most = &mut most[*resource as usize];
                *most = (*most).max(i128::from(*amount));
            }
        }
        let resources: Vec<usize> = (0..most.len()).filter(|one| most[*one] > 0).collect();
        let mut row_of = vec![None; most.len()];
        for (row, one) in resources.iter().enumerate() {
            row_of[*one] = Some(row);
        }
        let largest = resources.iter().map(|one| most[*one]).collect();
        (resources.len() <= MOST_ROWS).then_some(Rows { prices, missing, resources, row_of, largest })
    }

    /// A cost in parts of what is missing.
    fn cost(&self, cost: i128) -> i128 {
        cost.checked_mul(UNIT).map_or(FAR / 4, |parts| parts / self.missing).min(FAR / 4)
    }

    fn amount(&self, row: usize, amount: i64) -> i128 {
        (i128::from(amount) * UNIT / self.largest[row]).clamp(-WIDE, WIDE)
    }

    /// What a price at a row is, in parts of what moves a choice by what is missing.
    fn price(&self, row: usize) -> i128 {
        self.cost(self.prices[self.resources[row]].saturating_mul(self.largest[row]))
    }

    fn program(&self, problem: &Problem, scope: &Scope, reach: i128) -> Program {
        let rows = self.resources.len();
        let mut columns: Vec<Column> = Vec::new();
        let (mut sets, mut keys, mut over) = (vec![0], Vec::new(), vec![0_i128; rows]);
        let mut ways: Vec<(i128, Uses)> = Vec::new();
        let mut add = |ways: &mut Vec<(i128, Uses)>| {
            let Some(least) = ways.iter().map(|(cost, _)| *cost).min() else { return };
            let key = ways.iter().position(|(cost, _)| *cost == least).unwrap_or(0);
            for (row, amount) in ways[key].1.iter() {
                over[*row] += amount;
            }
            if ways.len() > 1 {
                let set = Some(keys.len());
                keys.push(columns.len() + key);
                columns.extend(ways.drain(..).map(|(cost, uses)| Column {
                    set,
                    cost: self.cost(cost.saturating_sub(least)),
                    uses,
                }));
                sets.push(columns.len());
            }
        };
        for supplier in 0..problem.suppliers.len() {
            ways.clear();
            ways.extend(scope.open(problem, supplier).map(|(_, way)| {
                let uses = way.uses.iter().filter_map(|(one, amount)| {
                    let row = self.row_of[*one as usize]?;
                    Some((row, self.amount(row, *amount)))
                });
                (reduced(way, self.prices), uses.collect())
            }));
            add(&mut ways);
        }
        for (row, one) in self.resources.iter().enumerate() {
            ways.clear();
            ways.extend(problem.resources[*one].points(scope.modes[*one]).into_iter().map(
                |(supply, cost)| {
                    let cost = cost.saturating_sub(self.prices[*one].saturating_mul(i128::from(supply)));
                    (cost, [(row, -self.amount(row, supply))].into_iter().collect())
                },
            ));
            add(&mut ways);
        }
        let own = columns.len();
        for row in 0..rows {
            // A price of money or batches falls to nothing, no further.
            let counts = problem.resources[self.resources[row]].counts().is_some();
            let down = if counts { reach } else { self.price(row).min(reach) };
            columns.push(Column { set: None, cost: reach, uses: [(row, -UNIT)].into_iter().collect() });
            columns.push(Column { set: None, cost: down, uses: [(row, UNIT)].into_iter().collect() });
        }
        let short = |row: usize| over[row] > 0;
        let inverse = (0..rows).map(|row| {
            let mut line = vec![0; rows];
            line[row] = if short(row) { -UNIT } else { UNIT };
            line
        });
        Program {
            inverse: inverse.collect(),
            basic: (0..rows).map(|row| own + 2 * row + usize::from(!short(row))).collect(),
            level: over.iter().map(|over| over.abs()).collect(),
            columns,
            sets,
            keys,
        }
    }

    fn prices(&self, problem: &Problem, prices: &[i128], moved: &[i128]) -> Vec<i128> {
        let mut at = prices.to_vec();
        for (row, one) in self.resources.iter().enumerate() {
            let by = moved[row].checked_mul(self.missing).map_or(0, |by| by / self.largest[row] / UNIT);
            let least = if problem.resources[*one].counts().is_some() { -MOST } else { 0 };
            at[*one] = at[*one].saturating_add(by).clamp(least, MOST);
        }
        at
    }
}

impl Program {
    /// The prices at its top, as far as so many exchanges lead; none where figures are beyond what is reckoned with.
    fn solve(&mut self, exchanges: &mut usize) -> Option<Vec<i128>> {
        loop {
            let prices = self.prices();
            if prices.iter().any(|price| price.abs() > FAR) {
                return None;
            }
            let entering = self.entering(&prices);
            let Some(entering) = entering.filter(|_| *exchanges > 0) else { return Some(prices) };
            *exchanges -= 1;
            self.enter(entering)?;
        }
    }

    /// Whether a row takes more than it is given at a price that may go no further.
    fn is_held(&self, reach: i128) -> bool {
        let held = |column: &Column| column.set.is_none() && column.cost == reach;
        self.basic.iter().zip(&self.level).any(|(one, level)| *level > NOTHING && held(&self.columns[*one]))
    }

    /// What a column costs over the one that stands for its set.
    fn cost(&self, column: usize) -> i128 {
        let own = &self.columns[column];
        own.cost - own.set.map_or(0, |set| self.columns[self.keys[set]].cost)
    }

    fn prices(&self) -> Vec<i128> {
        let mut prices = vec![0_i128; self.basic.len()];
        for (line, column) in self.inverse.iter().zip(&self.basic) {
            let cost = self.cost(*column);
            if cost != 0 {
                for (price, own) in prices.iter_mut().zip(line) {
                    *price -= times(cost, *own);
                }
            }
        }
        prices
    }

    /// The column that is cheapest against its set.
    fn entering(&self, prices: &[i128]) -> Option<usize> {
        let priced = |column: &Column| {
            column.uses.iter().fold(column.cost, |sum, (row, amount)| sum + times(prices[*row], *amount))
        };
        let mut best = (-NOTHING, None);
        for (set, ends) in self.sets.windows(2).enumerate() {
            let key = priced(&self.columns[self.keys[set]]);
            for place in ends[0]..ends[1] {
                let own = priced(&self.columns[place]) - key;
                if own < best.0 {
                    best = (own, Some(place));
                }
            }
        }
        for place in self.sets.last().copied().unwrap_or(0)..self.columns.len() {
            let own = priced(&self.columns[place]);
            if own < best.0 {
                best = (own, Some(place));
            }
        }
        best.1
    }

    /// By how much each basic column falls for a unit of one.
    fn falls(&self, column: usize) -> Vec<i128> {
        let own = &self.columns[column];
        let mut uses = own.uses.to_vec();
        if let Some(set) = own.set {
            uses.extend(self.columns[self.keys[set]].uses.iter().map(|(row, amount)| (*row, -amount)));
        }
        let fall = |line: &Vec<i128>| uses.iter().map(|(row, amount)| times(line[*row], *amount)).sum();
        self.inverse.iter().map(fall).collect()
    }

    fn enter(&mut self, column: usize) -> Option<()> {
        let own = self.columns[column].set;
        let falls = self.falls(column);
        falls.iter().all(|fall| fall.abs() <= FAR).then_some(())?;
        // How far it may go until a basic column, or one that stands for a set, is at nothing.
        let mut first: Option<(i128, Leaving)> = None;
        let mut least = |far: i128, leaving: Leaving| {
            if first.as_ref().is_none_or(|(before, _)| far < *before) {
                first = Some((far, leaving));
            }
        };
        for (place, (level, fall)) in self.level.iter().zip(&falls).enumerate() {
            if *fall > NOTHING {
                least((level << UNIT_DIGITS) / fall, Leaving::Basic(place));
            }
        }
        let mut seen: Vec<usize> = own.into_iter().collect();
        seen.extend(self.basic.iter().filter_map(|one| self.columns[*one].set));
        seen.sort_unstable();
        seen.dedup();
        for set in seen {
            let of = |place: &usize| self.columns[self.basic[*place]].set == Some(set);
            let members: Vec<usize> = (0..self.basic.len()).filter(of).collect();
            let rest = UNIT - members.iter().map(|place| self.level[*place]).sum::<i128>();
            let entered = if own == Some(set) { UNIT } else { 0 };
            let fall = entered - members.iter().map(|place| falls[*place]).sum::<i128>();
            if fall > NOTHING {
                let rest = rest.max(0);
                least((rest << UNIT_DIGITS) / fall, Leaving::Key(set, members));
            }
        }
        let (far, leaving) = first.filter(|(far, _)| *far <= FAR)?;
        match leaving {
            Leaving::Basic(place) => self.pivot(place, column, &falls, far),
            Leaving::Key(set, members) => {
                let largest = members
                    .iter()
                    .copied()
                    .max_by_key(|place| (self.level[*place] - times(far, falls[*place]), *place));
                let Some(place) = largest else {
                    // It takes the place of the one that stood for the set.
                    for (level, fall) in self.level.iter_mut().zip(&falls) {
                        *level = (*level - times(far, *fall)).max(0);
                    }
                    self.keys[set] = column;
                    return Some(());
                };
                self.swap(set, place, &members);
                let falls = self.falls(column);
                let usable = falls[place].abs() > NOTHING && falls.iter().all(|fall| fall.abs() <= FAR);
                usable.then_some(())?;
                self.pivot(place, column, &falls, far)
            }
        }
    }

    /// A basic column stands for its set from now on, the one before is basic in its place.
    fn swap(&mut self, set: usize, place: usize, members: &[usize]) {
        let rest = UNIT - members.iter().map(|one| self.level[*one]).sum::<i128>();
        let line: Vec<i128> = (0..self.basic.len())
            .map(|row| -members.iter().map(|one| self.inverse[*one][row]).sum::<i128>())
            .collect();
        (self.inverse[place], self.level[place]) = (line, rest.max(0));
        std::mem::swap(&mut self.basic[place], &mut self.keys[set]);
    }

    fn pivot(&mut self, place: usize, column: usize, falls: &[i128], far: i128) -> Option<()> {
        let by = falls[place];
        let line: Vec<i128> = self.inverse[place].iter().map(|own| (own << UNIT_DIGITS) / by).collect();
        if line.iter().any(|own| own.abs() > FAR) {
            return None;
        }
        for (other, fall) in falls.iter().enumerate() {
            if other != place && *fall != 0 {
                for (own, from) in self.inverse[other].iter_mut().zip(&line) {
                    *own -= times(*fall, *from);
                    (own.abs() <= FAR).then_some(())?;
                }
                self.level[other] = (self.level[other] - times(far, *fall)).max(0);
            }
        }
        (self.inverse[place], self.level[place], self.basic[place]) = (line, far, column);
        Some(())
    }
}

enum Leaving {
    Basic(usize),
    /// The one that stands for a set, and the set's basic columns.
    Key(usize, Vec<usize>),
}

#[cfg(test)]
mod tests;
