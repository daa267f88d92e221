//! The days that a bill speaks for.
//!
//! A day that is asked for is all of it. A file says by its lines of which days it is, and those between without a line are
//! its own where no other bill was read of them: a payment missing on its only day is missing. Not its own are the days of
//! few rows that lie apart from the many, old movements among those of a week.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::ReconcileError;

/// The first and the last line of a file are no farther apart: so much of the books is read at once.
const SPAN: i64 = 100;
/// Rows so many days from the next one lie apart.
const APART: i64 = 4;
/// Rows that lie apart are old ones where elsewhere so many times as many lie together.
const MANY: u64 = 10;

/// The days of a bill, in the gateway's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Days {
    /// The first and the last that it speaks for.
    pub(super) own: (NaiveDate, NaiveDate),
    /// The first and the last of any line.
    pub(super) named: (NaiveDate, NaiveDate),
    /// Those that have lines; `None`: all of them.
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
        // Days that lie together, with how many lines they have.
        let mut together: Vec<(NaiveDate, NaiveDate, u64)> = Vec::new();
        for (day, count) in lines {
            match together.last_mut() {
                Some((_, until, lines)) if (*day - *until).num_days() < APART => {
                    (*until, *lines) = (*day, *lines + count);
                }
                _ => together.push((*day, *day, *count)),
            }
        }
        let most = together.iter().map(|(.., lines)| *lines).max().unwrap_or_default();
        let mut own = together.iter().filter(|(.., lines)| lines.saturating_mul(MANY) > most);
        let (from, until) = own.next().map_or((first, last), |(from, until, _)| (*from, *until));
        let until = own.next_back().map_or(until, |(_, until, _)| *until);
        Ok(Some(Days {
            own: (from, until),
            named: (first, last),
            lines: Some(lines.keys().copied().collect()),
        }))
    }

    /// Whether what happened on a day and stands in no line is missed; `read_before`: whether another bill was read of it.
    pub(super) fn speak_for(&self, day: NaiveDate, read_before: bool) -> bool {
        let has_lines = self.lines.as_ref().is_none_or(|lines| lines.contains(&day));
        (self.own.0..=self.own.1).contains(&day) && (has_lines || !read_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_speaks_for_its_days_and_not_for_those_of_old_rows() {
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
        for (text, speaks, read) in [
            ("2026-10-02", false, false),
            ("2026-10-20", false, false),
            ("2026-11-02", true, true),
            ("2026-11-04", true, false),
            ("2026-11-05", true, true),
            ("2026-11-20", false, false),
        ] {
            assert_eq!(days.speak_for(day(text), false), speaks, "{text}");
            assert_eq!(days.speak_for(day(text), true), read, "{text}, read before");
        }
        // A small shop's month: few rows, none of them an old one.
        let month = [("2026-11-01", 1), ("2026-11-09", 1), ("2026-11-20", 3)];
        let days = Days::of_lines(&lines(&month)).unwrap().unwrap();
        assert_eq!(days.own, (day("2026-11-01"), day("2026-11-20")));
        assert!(days.speak_for(day("2026-11-15"), false) && !days.speak_for(day("2026-11-15"), true));
        let long = Days::of_lines(&lines(&[("2026-01-01", 1), ("2026-11-28", 500)]));
        let told = long.unwrap_err().to_string();
        assert_eq!(
            told,
            "its lines are of 2026-01-01 to 2026-11-28, more than 100 days: hand it in by parts"
        );
        assert!(Days::one(day("2026-11-28")).speak_for(day("2026-11-28"), true));
    }
}
