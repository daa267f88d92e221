//! A leaf that claims more than its prices prove, by a table: what plans add at the least where one account's money and some
//! counts are kept as they are and all else is priced. Member by member, over classes of money and numbers of heads.
//!
//! Both are remainders, so that what is far apart may fall together, and a use is rounded down to whole classes: more seems
//! possible than is. What rounding takes off a use is taken off its cost, at what the account loses where that much lies idle.

use crate::Refusal;
use crate::certificate::{Table, Whole};
use crate::exact::{add, multiply};
use crate::tree::Leaf;
use crate::trial::{Open, Priced};
use crate::ways::Way;

/// Entries at most.
const MOST: usize = 1 << 23;
/// No cost in a table is above this: sums of them stay within 64 bits.
const ROOM: i128 = 1 << 52;
const FAR: i64 = i64::MAX / 4;

/// A way as the table sees it.
struct Step {
    money: usize,
    /// For each count, by how much, as a remainder.
    counts: Vec<usize>,
    cost: i64,
}

struct Laid<'a> {
    account: Priced<'a>,
    counts: Vec<(Priced<'a>, usize)>,
    width: i128,
    classes: usize,
    /// What a unit of idle money loses.
    idle: i128,
    /// Use of the account, and of each count, where nobody departs.
    used: i128,
    counted: Vec<i128>,
}

fn wrong(what: &str) -> Refusal {
    Refusal::wrong("table", what)
}

/// Refuses where a plan may cost less than `at_least` by what the table tells. `work`: how many entries may be looked at.
pub fn prove(
    open: &Open<'_>,
    leaf: &Leaf<'_>,
    table: &Table,
    at_least: i128,
    work: &mut u64,
) -> Result<(), Refusal> {
    let room = add(at_least, -leaf.bound)?;
    if room <= 0 || room >= ROOM {
        return Err(wrong("more is claimed than a table holds"));
    }
    let laid = Laid::new(open, leaf, table)?;
    let members = laid.steps(leaf, room)?;
    let size = laid.counts.iter().try_fold(laid.classes, |size, (_, numbers)| size.checked_mul(*numbers));
    let size = size.filter(|size| *size <= MOST).ok_or_else(|| wrong("too large"))?;
    let looked_at = members.iter().map(|steps| steps.len() + 1).sum::<usize>() as u64 * size as u64;
    *work = work.checked_sub(looked_at).ok_or_else(|| wrong("more than any honest proof looks at"))?;
    let mut now = vec![FAR; size];
    now[0] = 0;
    for steps in &members {
        let mut next = now.clone();
        for step in steps {
            laid.take(step, &now, &mut next);
        }
        now = next;
    }
    let most = members.len() as i128;
    for (row, costs) in now.chunks_exact(laid.classes).enumerate() {
        let counted = laid.lost_by_counts(row, most)?;
        for (class, cost) in costs.iter().enumerate() {
            let Some(counted) = counted else { break };
            let before = add(i128::from(*cost), counted)?;
            if before < room && add(before, laid.lost_by_money(class)?)? < room {
                return Err(Refusal::wrong("leaf", "its table proves less than it claims"));
            }
        }
    }
    Ok(())
}

impl<'a> Laid<'a> {
    fn new(open: &Open<'a>, leaf: &Leaf<'_>, table: &Table) -> Result<Laid<'a>, Refusal> {
        let listed = |resource: usize| open.resources.contains(&resource);
        let places: Vec<usize> = table.counts.iter().map(|(one, _)| *one).collect();
        let twice = places.iter().enumerate().any(|(at, one)| places[..at].contains(one));
        if !listed(table.account) || !places.iter().all(|one| listed(*one)) || twice {
            return Err(wrong("it is not over resources of the leaf, each once"));
        }
        let account = Priced::new(open, table.account, leaf.price[table.account])?;
        let counts = table
            .counts
            .iter()
            .map(|(one, numbers)| Ok((Priced::new(open, *one, leaf.price[*one])?, *numbers)));
        let counts = counts.collect::<Result<Vec<_>, Refusal>>()?;
        let fits = account.modes.0 == account.modes.1
            && !account.supply.is_count()
            && counts.iter().all(|(one, numbers)| one.supply.is_count() && *numbers > 1);
        let Whole(width) = table.width;
        if !fits || !(1..ROOM).contains(&width) || table.classes == 0 {
            return Err(wrong("money in one way, counts in numbers, classes of something"));
        }
        let all = |resource: usize| leaf.taken.iter().try_fold(0, |sum, way| add(sum, way.of(resource)));
        let (used, counted) =
            (all(table.account)?, places.iter().map(|one| all(*one)).collect::<Result<_, _>>()?);
        let idle = account.loss(add(account.least.1, -1)?)?.ok_or_else(|| wrong("no supply"))?;
        Ok(Laid { account, counts, width, classes: table.classes, idle, used, counted })
    }

    /// What each member can do that costs less than the room and moves anything here.
    fn steps(&self, leaf: &Leaf<'_>, room: i128) -> Result<Vec<Vec<Step>>, Refusal> {
        let mut members: Vec<Vec<Step>> = leaf.taken.iter().map(|_| Vec::new()).collect();
        for (adds, member, way) in leaf.departures.iter().filter(|(adds, ..)| *adds < room) {
            let own: &Way = leaf.taken[*member];
            let by = |resource: usize| add(way.of(resource), -own.of(resource));
            let money = by(self.account.resource)?;
            let class = money.div_euclid(self.width);
            let cost = add(*adds, -multiply(self.idle, add(money, -multiply(class, self.width)?)?)?)?;
            let mut counts = Vec::new();
            for (count, numbers) in &self.counts {
                counts.push(remainder(by(count.resource)?, *numbers));
            }
            if money == 0 && counts.iter().all(|by| *by == 0) {
                continue;
            }
            let cost = i64::try_from(cost).ok().filter(|cost| cost.abs() < 1 << 54);
            let cost = cost.ok_or_else(|| wrong("a cost beyond its numbers"))?;
            members[*member].push(Step { money: remainder(class, self.classes), counts, cost });
        }
        members.retain(|steps| !steps.is_empty());
        Ok(members)
    }

    /// One step from every entry: where it leads to is no dearer then.
    fn take(&self, step: &Step, now: &[i64], next: &mut [i64]) {
        for (row, costs) in now.chunks_exact(self.classes).enumerate() {
            let to = self.row_after(row, &step.counts) * self.classes;
            let to = &mut next[to..to + self.classes];
            let (stay, turn) = costs.split_at(self.classes - step.money);
            let (low, high) = to.split_at_mut(step.money);
            for (to, from) in high.iter_mut().zip(stay).chain(low.iter_mut().zip(turn)) {
                *to = (*to).min(from + step.cost);
            }
        }
    }

    /// Rows are numbers of the counts, the last one's next to each other.
    fn row_after(&self, row: usize, by: &[usize]) -> usize {
        let (mut rest, mut after, mut size) = (row, 0, 1);
        for ((_, numbers), by) in self.counts.iter().zip(by).rev() {
            after += (rest % numbers + by) % numbers * size;
            (rest, size) = (rest / numbers, size * numbers);
        }
        after
    }

    /// The least that counts lose in a row; none where none of its numbers is allowed. Each member changes a count by one.
    fn lost_by_counts(&self, row: usize, most: i128) -> Result<Option<i128>, Refusal> {
        let (mut rest, mut sum) = (row, 0);
        for ((count, numbers), counted) in self.counts.iter().zip(&self.counted).rev() {
            let own = rest % numbers;
            rest /= numbers;
            let mut least: Option<i128> = None;
            for by in (-most..=most).filter(|by| remainder(*by, *numbers) == own) {
                if let Some(lost) = count.loss(add(*counted, by)?)? {
                    least = Some(least.map_or(lost, |least| least.min(lost)));
                }
            }
            let Some(least) = least else { return Ok(None) };
            sum = add(sum, least)?;
        }
        Ok(Some(sum))
    }

    /// The least that money loses in a class: idle in the last of its uses that leaves any, or beyond in the next.
    fn lost_by_money(&self, class: usize) -> Result<i128, Refusal> {
        let free = add(self.account.least.1, -self.used)?;
        let last = free.div_euclid(self.width);
        let classes = self.classes as i128;
        let below = last - (last - class as i128).rem_euclid(classes);
        let idle = multiply(self.idle, add(free, -multiply(below, self.width)?)?)?;
        let beyond = self.account.loss(add(self.used, multiply(below + classes, self.width)?)?)?;
        Ok(beyond.map_or(idle, |beyond| beyond.min(idle)))
    }
}

fn remainder(by: i128, of: usize) -> usize {
    usize::try_from(by.rem_euclid(of as i128)).unwrap_or(0)
}
