//! Where a statement lies on its account's way from balance to balance, and which others therefore print none of its lines.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use crate::money::Money;

use super::bank_statement::ReadStatement;

/// A statement's balances and days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The bank's own name of it; may be empty.
    pub reference: String,
    /// The booked balance before its first line.
    pub opening: Option<Money>,
    /// The booked balance after its last line.
    pub closing: Option<Money>,
    /// The day of its first booked line.
    pub from_on: NaiveDate,
    /// The day of its last booked line.
    pub to_on: NaiveDate,
    /// Booked lines.
    pub lines: i64,
    /// The balances between its lines, where these are at hand.
    pub passed: Vec<Money>,
}

impl Extent {
    /// Of a statement with booked lines. A balance that the bank does not say follows from the other one.
    pub fn of(read: &ReadStatement) -> Option<Extent> {
        let booked = || read.lines.iter().filter(|line| !line.pending);
        let sum = Money::sum(read.currency, booked().map(|line| line.amount)).ok()?;
        let before = |closing: Money| closing.checked_sub(sum).ok();
        let after = |opening: Money| opening.checked_add(sum).ok();
        let opening = read.opening.or(read.closing.and_then(before));
        let mut passed: Vec<Money> = vec![];
        for line in booked().filter(|line| !line.amount.is_zero()) {
            let from = passed.last().copied().or(opening);
            passed.extend(from.and_then(|from| from.checked_add(line.amount).ok()));
        }
        passed.pop();
        Some(Extent {
            reference: read.reference.clone(),
            opening,
            closing: read.closing.or(read.opening.and_then(after)),
            from_on: booked().map(|line| line.booked_on).min()?,
            to_on: booked().map(|line| line.booked_on).max()?,
            lines: i64::try_from(booked().count()).unwrap_or(i64::MAX),
            passed,
        })
    }

    /// Whether this may be that statement once more: from and to the same balances and days with as many lines, and not
    /// under another name of the bank's.
    pub fn is_again(&self, other: &Extent) -> bool {
        let named = |extent: &Extent| !extent.reference.is_empty();
        (self.opening, self.closing, self.lines) == (other.opening, other.closing, other.lines)
            && (self.from_on, self.to_on) == (other.from_on, other.to_on)
            && (self.reference == other.reference || !named(self) || !named(other))
    }

    /// Whether it goes from and to the same balances as that statement: the account's same way in other words, unless it
    /// went back in between.
    pub fn is_same_way(&self, other: &Extent) -> bool {
        let both = self.opening.is_some() && self.closing.is_some();
        both && self.opening != self.closing && (self.opening, self.closing) == (other.opening, other.closing)
    }

    /// Whether it may print everything that `part` prints: they begin or end together, or `part` lies within it.
    pub fn may_hold(&self, part: &Extent) -> bool {
        let same = |one: Option<Money>, other: Option<Money>| one.is_some() && one == other;
        same(self.opening, part.opening)
            || same(self.closing, part.closing)
            || self.lines >= part.lines.saturating_add(2)
    }

    fn ends(&self, start: i64) -> [(Option<Money>, i64); 2] {
        [(self.opening, start), (self.closing, start.saturating_add(self.lines))]
    }
}

/// Which of `others` print no line of `own`. On an account's way from line to line one balance is one place: from `own`
/// on the others are laid beside it, end to end or beginning to beginning, and those that end before it begins or begin
/// where it has ended are apart from it. A balance that would be two places proves nothing; what has no place is not apart.
pub fn apart(own: &Extent, others: &[Extent]) -> Vec<usize> {
    // What others begin or end with and it passes may be within it.
    let mut twice: HashSet<i64> = own.passed.iter().map(|balance| balance.minor()).collect();
    let starts = loop {
        let (starts, more) = laid_out(own, others, &twice);
        if more.is_empty() {
            break starts;
        }
        twice.extend(more);
    };
    let is_apart = |place: &usize| {
        starts[*place]
            .is_some_and(|start| start.saturating_add(others[*place].lines) <= 0 || start >= own.lines)
    };
    (0..others.len()).filter(is_apart).collect()
}

/// How many lines behind the beginning of `own` each of the others begins, and balances that would be two places.
fn laid_out(own: &Extent, others: &[Extent], twice: &HashSet<i64>) -> (Vec<Option<i64>>, HashSet<i64>) {
    let mut places: HashMap<i64, i64> = HashMap::new();
    let mut more = HashSet::new();
    let mut lay = |places: &mut HashMap<i64, i64>, ends: [(Option<Money>, i64); 2]| {
        let known = ends.into_iter().filter_map(|(balance, at)| Some((balance?.minor(), at)));
        let known: Vec<(i64, i64)> = known.filter(|(balance, _)| !twice.contains(balance)).collect();
        if !known.iter().all(|(balance, at)| *places.entry(*balance).or_insert(*at) == *at) {
            // Which of the two it is nobody can tell.
            more.extend(known.into_iter().map(|(balance, _)| balance));
        }
    };
    lay(&mut places, own.ends(0));
    let mut starts = vec![None; others.len()];
    loop {
        let mut is_news = false;
        // Forth and back, so that a long way is laid out in few turns.
        for place in (0..others.len()).chain((0..others.len()).rev()) {
            if starts[place].is_some() {
                continue;
            }
            let other = &others[place];
            let at = |end: Option<Money>| end.and_then(|balance| places.get(&balance.minor()).copied());
            let closes = at(other.closing).map(|end| end.saturating_sub(other.lines));
            let Some(found) = at(other.opening).or(closes) else { continue };
            lay(&mut places, other.ends(found));
            (starts[place], is_news) = (Some(found), true);
        }
        if !is_news {
            break;
        }
    }
    (starts, more)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn extent(reference: &str, opening: impl Into<Option<i64>>, closing: i64, lines: i64) -> Extent {
        let sgd = |minor: i64| Money::from_minor(minor, Currency::find("SGD").unwrap());
        let day = "2026-11-28".parse().unwrap();
        Extent {
            reference: reference.to_owned(),
            opening: opening.into().map(sgd),
            closing: Some(sgd(closing)),
            from_on: day,
            to_on: day,
            lines,
            passed: vec![],
        }
    }

    #[test]
    fn pages_that_follow_one_another_print_different_lines_and_cuts_of_one_day_may_not() {
        let pages = [extent("1", 100, 130, 2), extent("2", 130, 160, 1), extent("3", 160, 190, 5)];
        let (day, noon) = (extent("day", 100, 190, 8), extent("noon", 100, 160, 3));
        let all = [&pages[..], &[day.clone(), noon.clone()]].concat();
        // Brought again, a page is apart from the others and not from itself.
        for (own, expected) in [
            (&pages[0], vec![1, 2]),
            (&pages[1], vec![0, 2]),
            (&pages[2], vec![0, 1, 4]),
            (&day, vec![]),
            (&noon, vec![2]),
        ] {
            assert_eq!(apart(own, &all), expected, "{own:?}");
            assert!(apart(own, std::slice::from_ref(&day)).is_empty() && own.is_again(own));
        }
        // What comes behind the day is apart from all of its pieces; the day before from all of the day.
        assert_eq!(apart(&extent("", 190, 200, 1), &all), [0, 1, 2, 3, 4]);
        assert_eq!(apart(&extent("", 0, 100, 1), &all), [0, 1, 2, 3, 4]);
        // Only the last balance is known of the page before; balances that touch nothing have no place.
        assert_eq!(apart(&pages[1], &[extent("", None, 130, 1), extent("", 120, 150, 2)]), [0]);
        assert!(apart(&extent("", 90, 95, 1), &all).is_empty());
        assert!(day.may_hold(&pages[1]) && noon.may_hold(&pages[0]) && !pages[0].may_hold(&pages[2]));
    }

    #[test]
    fn a_balance_that_comes_back_proves_nothing() {
        // An account that is emptied each noon and evening.
        let (up, down) = (extent("", 0, 30, 1), extent("", 30, 0, 1));
        assert!(!apart(&up, &[up.clone(), down]).contains(&0));
        assert!(up.is_again(&extent("named", 0, 30, 1)));
        assert!(!extent("1", 0, 30, 1).is_again(&extent("2", 0, 30, 1)));
        // A whole day of nothing, halves of it, and pieces of these.
        let all = [
            up,
            extent("", 30, 35, 1),
            extent("", 35, 45, 1),
            extent("", 45, 0, 1),
            extent("", 0, 45, 3),
            extent("", 0, 0, 4),
        ];
        for (place, piece) in all.iter().enumerate() {
            let found = apart(piece, &all);
            assert!(!found.contains(&place) && !found.contains(&5), "{piece:?}: {found:?}");
            assert!(!found.contains(&4) || place == 3, "{piece:?}: {found:?}");
        }
        assert_eq!(apart(&all[1], &all), [0, 2]);
        // A day that passed its last balance before: what begins there may be a part of it.
        let (day, part) = (extent("", 100, 0, 3), extent("", 0, 30, 1));
        assert_eq!(apart(&day, std::slice::from_ref(&part)), [0]);
        let passed = vec![part.opening.unwrap(), part.closing.unwrap()];
        assert!(apart(&Extent { passed, ..day }, &[part]).is_empty());
    }

    proptest! {
        /// Sections of one day's way, wherever they are cut: none that shares a line with another is apart from it.
        #[test]
        fn what_shares_a_line_is_not_apart(
            amounts in prop::collection::vec(prop_oneof![8 => 1..9_i64, 1 => -9..0_i64], 1..14),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..9),
        ) {
            let balance = |at: usize| amounts[..at].iter().sum::<i64>();
            let cut = |(one, other): &(prop::sample::Index, prop::sample::Index)| {
                let (one, other) = (one.index(amounts.len()), other.index(amounts.len()));
                one.min(other)..one.max(other) + 1
            };
            let cuts: Vec<std::ops::Range<usize>> = cuts.iter().map(cut).collect();
            let all: Vec<Extent> = cuts
                .iter()
                .map(|cut| extent("", balance(cut.start), balance(cut.end), cut.len() as i64))
                .collect();
            let mut balances: Vec<i64> = (0..=amounts.len()).map(balance).collect();
            balances.sort_unstable();
            let is_once = balances.windows(2).all(|two| two[0] != two[1]);
            for (own, section) in all.iter().zip(&cuts) {
                for place in apart(own, &all) {
                    let is_apart = cuts[place].end <= section.start || section.end <= cuts[place].start;
                    prop_assert!(is_apart || !is_once, "{section:?} {:?} of {balances:?}", cuts[place]);
                }
            }
        }
    }
}
