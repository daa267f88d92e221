//! The days that a bill speaks for.
//!
//! A day that is asked for is all of it. A file says by its lines of which days it is: days without a line are not its
//! own, for nobody knows whether it would have named what happened then; nor is the day of a row that lies apart from the
//! others, an old movement among those of a week.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::ReconcileError;

/// The first and the last line of a file are no farther apart: so much of the books is read at once.
const SPAN: i64 = 100;
/// A row so many days from the next one lies apart.
const APART: i64 = 4;

/// The days of a bill, in the gateway's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Days {
    /// The first and the last that it speaks for.
    pub(super) own: (NaiveDate, NaiveDate),
    /// The first and the last of any line.
    pub(super) named: (NaiveDate, NaiveDate),
    /// Those between its first and last that have lines; `None`: all of them.
    lines: Option<BTreeSet<NaiveDate>>,
}

impl Days {
    /// A whole day.
    pub(super) fn one(day: NaiveDate) -> Days {
        Days { own: (day, day), named: (day, day), lines: None }
    }

    /// Of a file, by how many lines each day has; `None` where it has none.
    ///
    /// # Errors
    /// [`ReconcileError::TooLong`].
    pub(super) fn of_lines(lines: &BTreeMap<NaiveDate, u64>) -> Result<Option<Days>, ReconcileError> {
        let ends = lines.keys().next().zip(lines.keys().next_back());
        let Some((&first, &last)) = ends else { return Ok(None) };
        if (last - first).num_days() >= SPAN {
            return Err(ReconcileError::TooLong { first, last, most: SPAN });
        }
        // Days that lie together, with how many lines they have; of equal ones the latest.
        let mut own: (u64, Vec<NaiveDate>) = (0, vec![]);
        let mut together: (u64, Vec<NaiveDate>) = (0, vec![]);
        for (day, count) in lines {
            if together.1.last().is_some_and(|before| (*day - *before).num_days() >= APART) {
                together = (0, vec![]);
            }
            together.0 += count;
            together.1.push(*day);
            if together.0 >= own.0 {
                own = together.clone();
            }
        }
        let own = own.1;
        let (from, until) = (own.first().copied().unwrap_or(first), own.last().copied().unwrap_or(last));
        Ok(Some(Days { own: (from, until), named: (first, last), lines: Some(own.into_iter().collect()) }))
    }

    /// Whether what happened on a day and stands in no line is missed.
    pub(super) fn speak_for(&self, day: NaiveDate) -> bool {
        match &self.lines {
            None => (self.own.0..=self.own.1).contains(&day),
            Some(lines) => lines.contains(&day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_speaks_for_the_days_it_has_lines_of() {
        let lines = |days: &[(&str, u64)]| days.iter().map(|(text, count)| (day(text), *count)).collect();
        assert_eq!(Days::of_lines(&lines(&[])).unwrap(), None);
        // A week with an idle Sunday, an old row before it and one to come.
        let week = [
            ("2026-10-02", 1),
            ("2026-11-02", 900),
            ("2026-11-03", 2),
            ("2026-11-05", 800),
            ("2026-11-20", 1),
        ];
        let days = Days::of_lines(&lines(&week)).unwrap().unwrap();
        assert_eq!(days.own, (day("2026-11-02"), day("2026-11-05")));
        assert_eq!(days.named, (day("2026-10-02"), day("2026-11-20")));
        for (text, speaks) in [
            ("2026-10-02", false),
            ("2026-10-20", false),
            ("2026-11-02", true),
            ("2026-11-03", true),
            ("2026-11-04", false),
            ("2026-11-05", true),
            ("2026-11-20", false),
        ] {
            assert_eq!(days.speak_for(day(text)), speaks, "{text}");
        }
        let long = Days::of_lines(&lines(&[("2026-01-01", 1), ("2026-11-28", 500)]));
        let told = long.unwrap_err().to_string();
        assert_eq!(
            told,
            "its lines are of 2026-01-01 to 2026-11-28, more than 100 days: hand it in by parts"
        );
        assert!(Days::one(day("2026-11-28")).speak_for(day("2026-11-28")));
    }
}
