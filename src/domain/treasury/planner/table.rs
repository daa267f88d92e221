//! What any plan adds to the bound at the least, with one account's money and up to two counts kept as they are and the rest
//! at its prices: a table over classes of money, supplier by supplier. Prices alone let a fraction of a payment fill an
//! account; here whole ones must.
//!
//! Classes and counts lie on rings: what goes beyond the end comes in at the other, which only makes more seem possible. A
//! payment is counted in whole classes, and what that leaves aside is taken off its cost at what idle money costs: rounded
//! down, no plan is made dearer than it is; rounded up, what is found can be paid.

use super::dual::{Scope, cheapest, reduced};
use super::problem::Problem;
use super::resource::Counted;

/// Over what a table goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    pub account: usize,
    /// Counts, and how many numbers of each are told apart.
    pub counts: Vec<(usize, usize)>,
    /// Minor units of a class, and how many classes there are.
    pub width: i64,
    pub classes: usize,
}

/// A way of a supplier beside the cheapest: classes, counts (as rotations), cost, and its place.
struct Step {
    class: usize,
    counts: [usize; 2],
    cost: i32,
    choice: usize,
}

/// A table that is made.
pub struct Table<'a> {
    problem: &'a Problem,
    scope: &'a Scope,
    prices: &'a [i128],
    over: Over,
    taken: Vec<usize>,
    used: Vec<i64>,
    rows: Vec<(usize, Vec<Step>)>,
    /// Costs are in units of 2 to this, rounded down.
    shift: u32,
}

/// Not to be reached.
const FAR: i32 = i32::MAX / 2;
/// Digits of the room in a table's costs.
const DIGITS: u32 = 27;
/// Room beyond which a table is of no use.
const MOST_ROOM: i128 = 1 << 52;
/// How many numbers of the account's own heads are told apart, and of another count: many small payments more or less take
/// little money, and must not be mistaken for none.
const NUMBERS: (usize, usize) = (16, 4);

impl Over {
    /// Over an account, in so many entries; none where its money is had in several ways.
    pub fn new(
        problem: &Problem,
        scope: &Scope,
        prices: &[i128],
        used: &[i64],
        account: usize,
        entries: usize,
    ) -> Option<Over> {
        let (money, (from, to)) = (&problem.resources[account], scope.modes[account]);
        if !money.is_money() || from != to {
            return None;
        }
        let counted = |one: &usize| {
            let (own, modes) = (&problem.resources[*one], scope.modes[*one]);
            let at = usize::try_from(used[*one]).unwrap_or(0);
            own.counts().is_some() && (prices[*one] != 0 || at < modes.0 || at > modes.1)
        };
        let mut counts: Vec<usize> = (0..problem.resources.len()).filter(counted).collect();
        // The account's own, then those whose price is highest.
        let own = |one: &usize| problem.resources[*one].counts() == Some(Counted::Heads { account });
        counts.sort_by_key(|one| (!own(one), std::cmp::Reverse(prices[*one].abs()), *one));
        counts.truncate(2);
        let numbers = |one: usize| (one, if own(&one) { NUMBERS.0 } else { NUMBERS.1 });
        let counts: Vec<(usize, usize)> = counts.into_iter().map(numbers).collect();
        let classes = counts.iter().fold(entries, |classes, (_, numbers)| classes / numbers);
        let uses = problem.suppliers.iter().flatten().map(|choice| choice.uses.of(account));
        let largest = (0..problem.suppliers.len())
            .filter(|one| scope.open(problem, *one).nth(1).is_some())
            .flat_map(|one| scope.open(problem, one).map(|(_, choice)| choice.uses.of(account)))
            .max()
            .unwrap_or_else(|| uses.max().unwrap_or(0));
        let (_, supply) = money.dual(prices[account], (from, to));
        let range = (supply - used[account]).saturating_abs().saturating_add(largest);
        let width = (range / i64::try_from(classes).ok()?).saturating_add(1);
        Some(Over { account, counts, width, classes })
    }
}

impl Over {
    /// The same where resources have other places.
    pub fn moved(self, places: &[usize]) -> Over {
        let counts = self.counts.into_iter().map(|(one, numbers)| (places[one], numbers)).collect();
        Over { account: places[self.account], counts, ..self }
    }
}

impl<'a> Table<'a> {
    /// Of ways that add less than `room`; none where that is beyond its numbers. `up`: classes are rounded upwards.
    pub fn new(
        problem: &'a Problem,
        scope: &'a Scope,
        prices: &'a [i128],
        over: Over,
        room: i128,
        up: bool,
    ) -> Option<Table<'a>> {
        if !(1..MOST_ROOM).contains(&room) {
            return None;
        }
        let shift = (128 - room.leading_zeros()).saturating_sub(DIGITS);
        let taken: Vec<usize> =
            (0..problem.suppliers.len()).map(|one| cheapest(problem, scope, one, prices).1).collect();
        let mut table = Table {
            problem,
            scope,
            prices,
            used: problem.used(&taken),
            taken,
            over,
            rows: Vec::new(),
            shift,
        };
        let slope = table.slope();
        // What rounding takes off must not add up to more than the table's numbers hold.
        let off = slope
            .checked_mul(i128::from(table.over.width))?
            .checked_mul(i128::try_from(problem.suppliers.len()).ok()?)?;
        if off >> shift >= i128::from(FAR / 2) {
            return None;
        }
        let classes = i64::try_from(table.over.classes).ok()?;
        for (supplier, choices) in problem.suppliers.iter().enumerate() {
            let from = &choices[table.taken[supplier]];
            let least = reduced(from, prices);
            let mut steps = Vec::new();
            for (choice, to) in scope.open(problem, supplier).filter(|(one, _)| *one != table.taken[supplier])
            {
                let by = to.uses.of(table.over.account) - from.uses.of(table.over.account);
                let mut counts = [0; 2];
                for ((one, numbers), turn) in table.over.counts.iter().zip(&mut counts) {
                    let by = to.uses.of(*one) - from.uses.of(*one);
                    *turn = usize::try_from(by.rem_euclid(i64::try_from(*numbers).ok()?)).ok()?;
                }
                let adds = reduced(to, prices).saturating_sub(least);
                if adds >= room || (by == 0 && counts == [0; 2]) {
                    continue;
                }
                let width = table.over.width;
                let class = if up { -(-by).div_euclid(width) } else { by.div_euclid(width) };
                let cost = adds.checked_sub(slope.checked_mul(i128::from(by - class * width))?)?;
                let class = usize::try_from(class.rem_euclid(classes)).ok()?;
                steps.push(Step { class, counts, cost: i32::try_from(cost >> shift).ok()?, choice });
            }
            if !steps.is_empty() {
                table.rows.push((supplier, steps));
            }
        }
        Some(table)
    }

    pub fn over(&self) -> &Over {
        &self.over
    }

    /// About how many numbers are looked at.
    pub fn work(&self) -> usize {
        self.rows.iter().map(|(_, steps)| steps.len() + 1).sum::<usize>().saturating_mul(self.entries())
    }

    fn entries(&self) -> usize {
        self.over.counts.iter().fold(self.over.classes, |all, (_, numbers)| all * numbers)
    }

    /// What a minor unit costs that lies idle beside the supply where nothing is lost.
    fn slope(&self) -> i128 {
        let (_, supply) = self.supply();
        self.lost(self.over.account, supply.saturating_sub(1))
    }

    fn supply(&self) -> (i128, i64) {
        let one = self.over.account;
        self.problem.resources[one].dual(self.prices[one], self.scope.modes[one])
    }

    /// What a use loses of a resource over what the bound has of it.
    fn lost(&self, one: usize, used: i64) -> i128 {
        let (own, modes, price) = (&self.problem.resources[one], self.scope.modes[one], self.prices[one]);
        own.cost(used, modes)
            .saturating_sub(price.saturating_mul(i128::from(used)))
            .saturating_sub(own.dual(price, modes).0)
    }

    /// The least that is added and lost, less what rounding by another hand may make of it: no plan of the scope costs less
    /// than the bound and this.
    pub fn least(&self) -> i128 {
        let mut now = self.empty();
        let mut next = now.clone();
        for (_, steps) in &self.rows {
            next.copy_from_slice(&now);
            for step in steps {
                self.take(step, &now, &mut next, |_| {});
            }
            std::mem::swap(&mut now, &mut next);
        }
        let mut least = MOST_ROOM;
        self.each(&now, |all, _| least = least.min(all));
        (least - (i128::try_from(self.rows.len()).unwrap_or(0) << self.shift)).max(0)
    }

    /// The plans behind its cheapest entries, so many at most; where classes are rounded upwards the account's money holds.
    pub fn plans(&self, most: usize) -> Vec<Vec<usize>> {
        let entries = self.entries();
        let mut now = self.empty();
        let mut next = now.clone();
        let mut taken = vec![0_u8; entries * self.rows.len()];
        for ((_, steps), taken) in self.rows.iter().zip(taken.chunks_exact_mut(entries)) {
            next.copy_from_slice(&now);
            for (step, number) in steps.iter().zip(1_u8..) {
                self.take(step, &now, &mut next, |place| taken[place] = number);
            }
            std::mem::swap(&mut now, &mut next);
        }
        let mut cheap: Vec<(i128, usize)> = Vec::new();
        self.each(&now, |all, place| cheap.push((all, place)));
        let most = most.min(cheap.len());
        if most < cheap.len() {
            cheap.select_nth_unstable(most);
            cheap.truncate(most);
        }
        cheap.sort_unstable();
        let plans = cheap.into_iter().map(|(_, mut place)| {
            let mut plan = self.taken.clone();
            for ((supplier, steps), taken) in self.rows.iter().zip(taken.chunks_exact(entries)).rev() {
                if let Some(step) = usize::from(taken[place]).checked_sub(1).map(|number| &steps[number]) {
                    plan[*supplier] = step.choice;
                    place = self.before(place, step);
                }
            }
            plan
        });
        plans.collect()
    }

    fn empty(&self) -> Vec<i32> {
        let mut none = vec![FAR; self.entries()];
        none[0] = 0;
        none
    }

    /// One step from every entry; tells of each that it makes cheaper.
    fn take(&self, step: &Step, now: &[i32], next: &mut [i32], mut cheaper: impl FnMut(usize)) {
        let classes = self.over.classes;
        for (block, own) in next.chunks_exact_mut(classes).enumerate() {
            let from = self.block_before(block, step.counts);
            let from = &now[from * classes..(from + 1) * classes];
            let (ahead, turned) = from.split_at(classes - step.class);
            let (first, last) = own.split_at_mut(step.class);
            for (start, own, from) in [(0, first, turned), (step.class, last, ahead)] {
                for (place, (own, from)) in own.iter_mut().zip(from).enumerate() {
                    let cost = from + step.cost;
                    let less = cost < *own;
                    *own = if less { cost } else { *own };
                    if less {
                        cheaper(block * classes + start + place);
                    }
                }
            }
        }
    }

    fn block_before(&self, block: usize, turns: [usize; 2]) -> usize {
        let numbers = |place: usize| self.over.counts.get(place).map_or(1, |(_, numbers)| *numbers);
        let (one, two) = (block / numbers(1), block % numbers(1));
        let back = |at: usize, turn: usize, of: usize| (at + of - turn) % of;
        back(one, turns[0], numbers(0)) * numbers(1) + back(two, turns[1], numbers(1))
    }

    fn before(&self, place: usize, step: &Step) -> usize {
        let classes = self.over.classes;
        self.block_before(place / classes, step.counts) * classes
            + (place % classes + classes - step.class) % classes
    }

    /// Each entry that can be reached, with what its money and counts lose.
    fn each(&self, now: &[i32], mut seen: impl FnMut(i128, usize)) {
        let money: Vec<i128> = (0..self.over.classes).map(|class| self.money(class)).collect();
        let second = self.over.counts.get(1).map_or(1, |(_, numbers)| *numbers);
        for (block, entries) in now.chunks_exact(self.over.classes).enumerate() {
            let counted = self.over.counts.iter().zip([block / second, block % second]);
            let counted =
                counted.fold(0_i128, |sum, (count, turn)| sum.saturating_add(self.counted(*count, turn)));
            for (class, (cost, money)) in
                entries.iter().zip(&money).enumerate().filter(|(_, (cost, _))| **cost < FAR / 2)
            {
                let all = (i128::from(*cost) << self.shift).saturating_add(*money).saturating_add(counted);
                seen(all, block * self.over.classes + class);
            }
        }
    }

    /// What money loses at a class: of all uses that fall there, the least.
    fn money(&self, class: usize) -> i128 {
        let (width, (_, supply)) = (self.over.width, self.supply());
        let (slope, used) = (self.slope(), self.used[self.over.account]);
        let (class, classes) =
            (i64::try_from(class).unwrap_or(0), i64::try_from(self.over.classes).unwrap_or(1));
        // The last class that leaves money idle or none, and the one after it.
        let last = (supply - used).div_euclid(width);
        let below = last - (last - class).rem_euclid(classes);
        let idle = slope.saturating_mul(i128::from(supply - used - below * width));
        idle.min(self.lost(self.over.account, used + (below + classes) * width))
    }

    /// What a count loses at one of the numbers that are told apart.
    fn counted(&self, (one, numbers): (usize, usize), turn: usize) -> i128 {
        let (turn, numbers) = (i64::try_from(turn).unwrap_or(0), i64::try_from(numbers).unwrap_or(1));
        let most = i64::try_from(self.rows.len()).unwrap_or(0);
        let first = -most + (turn + most).rem_euclid(numbers);
        let uses = (0..=2 * most / numbers).map(|place| first + place * numbers);
        uses.map(|by| self.lost(one, self.used[one] + by)).min().unwrap_or(0)
    }
}
