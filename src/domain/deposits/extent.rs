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
}

impl Extent {
    /// Of a statement with booked lines. A balance that the bank does not say follows from the other one.
    pub fn of(read: &ReadStatement) -> Option<Extent> {
        let booked = || read.lines.iter().filter(|line| !line.pending);
        let sum = Money::sum(read.currency, booked().map(|line| line.amount)).ok()?;
        let before = |closing: Money| closing.checked_sub(sum).ok();
        let after = |opening: Money| opening.checked_add(sum).ok();
        Some(Extent {
            reference: read.reference.clone(),
            opening: read.opening.or(read.closing.and_then(before)),
            closing: read.closing.or(read.opening.and_then(after)),
            from_on: booked().map(|line| line.booked_on).min()?,
            to_on: booked().map(|line| line.booked_on).max()?,
            lines: i64::try_from(booked().count()).unwrap_or(i64::MAX),
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
    let mut twice: HashSet<i64> = HashSet::new();
    let starts = loop {
        match laid_out(own, others, &twice) {
            Ok(starts) => break starts,
            Err(balance) => twice.insert(balance),
        };
    };
    let is_apart = |place: &usize| {
        starts[*place]
            .is_some_and(|start| start.saturating_add(others[*place].lines) <= 0 || start >= own.lines)
    };
    (0..others.len()).filter(is_apart).collect()
}

/// How many lines behind the beginning of `own` each of the others begins; else a balance that is at two places.
fn laid_out(own: &Extent, others: &[Extent], twice: &HashSet<i64>) -> Result<Vec<Option<i64>>, i64> {
    let mut places: HashMap<i64, i64> = HashMap::new();
    let lay = |places: &mut HashMap<i64, i64>, ends: [(Option<Money>, i64); 2]| {
        for (balance, at) in ends {
            let balance = balance.map(Money::minor).filter(|balance| !twice.contains(balance));
            if let Some(balance) = balance
                && *places.entry(balance).or_insert(at) != at
            {
                return Err(balance);
            }
        }
        Ok(())
    };
    lay(&mut places, own.ends(0))?;
    let mut starts = vec![None; others.len()];
    loop {
        let mut is_news = false;
        for (other, start) in others.iter().zip(&mut starts).filter(|(_, start)| start.is_none()) {
            let at = |end: Option<Money>| end.and_then(|balance| places.get(&balance.minor()).copied());
            let closes = at(other.closing).map(|end| end.saturating_sub(other.lines));
            let Some(found) = at(other.opening).or(closes) else { continue };
            lay(&mut places, other.ends(found))?;
            (*start, is_news) = (Some(found), true);
        }
        if !is_news {
            return Ok(starts);
        }
    }
}

#[cfg(test)]
mod tests {
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
        // The second half is known from the middle, though nought is not.
        assert_eq!(apart(&all[1], &all), [0, 2, 3]);
    }
}
