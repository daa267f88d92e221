//! Whether buffers covered what came: a walk forward over a pair's history.
//!
//! On every day of the history with enough of it behind, a quote is made for each lock at the moment of that day's
//! publication, from what was known then: the moves up to that day and nothing later. It is held against what the
//! market did afterwards.
//!
//! The history has one point a day. A promise of a day is held against the move to the next publication itself. A
//! shorter one cannot be: its move is that same move scaled by √(horizon / open time between the two publications), the
//! way a move of independent steps shrinks; what a market does within minutes (gaps at news, jumps at openings) this
//! method does not see. The same scale carries a holiday's move of several open days back to one, and the horizon's
//! part beyond whole days. The horizon is lock plus settlement lag; from two days on the move is taken over as many
//! publications as it has whole days.
//!
//! Moves count in both directions, since a pair is quoted both ways. Covered means: not larger than the buffer, weekend
//! premium included where the quote carried it; spreads are left out. The share is rounded down, means half up.

use chrono::{DateTime, NaiveDate, Utc};

use super::policy::BufferPolicy;
use super::volatility::{Move, Volatility, root_up};
use super::{Buffer, Lock};
use crate::money::Rate;

/// Hundredths of a percent that a share may be short of its target and still pass: one in a hundred quotes, about what
/// chance alone does to the share of 768 quotes (a standard error of 0.8 percent).
pub const TOLERANCE: u32 = 100;

const DAY_S: u64 = 86_400;

/// What became of a pair's quotes of one lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The lock.
    pub lock: Lock,
    /// How many were made.
    pub quotes: u32,
    /// How many moves the buffer covered.
    pub covered: u32,
    /// The share to be covered, in hundredths of a percent.
    pub target: u32,
    /// The buffers' mean in tenths of a basis point.
    pub mean_buffer: u64,
    /// By how many basis points the worst move went beyond its buffer, rounded up; none went beyond: 0.
    pub worst_uncovered_bps: u32,
    /// When that was.
    pub worst_on: Option<NaiveDate>,
}

impl Outcome {
    /// The share covered, in hundredths of a percent, rounded down.
    pub fn share(&self) -> u32 {
        self.covered.saturating_mul(10_000).checked_div(self.quotes).unwrap_or(0)
    }

    /// Whether the share reaches its target but for the tolerance.
    pub fn passes(&self) -> bool {
        self.share() + TOLERANCE >= self.target
    }
}

/// Quotes on each day from `from` to `to` and what came of them, lock by lock. `history` is the pair's, oldest first;
/// `published` says at which moment a day's rate was there.
pub fn walk(
    history: &[(NaiveDate, Rate)],
    locks: &[Lock],
    policy: &BufferPolicy,
    published: impl Fn(NaiveDate) -> DateTime<Utc>,
    (from, to): (NaiveDate, NaiveDate),
) -> Vec<Outcome> {
    let moves = Move::all(history);
    let mut tallies: Vec<Tally> = locks.iter().map(|lock| Tally::of(*lock, policy)).collect();
    for (index, (day, _)) in history.iter().enumerate() {
        if *day < from || *day > to {
            continue;
        }
        let Some(volatility) = Volatility::of(&moves[..index], &policy.volatility) else { continue };
        for tally in &mut tallies {
            let Some(later) = history.get(index + tally.steps) else { continue };
            // A refused promise is none.
            let Ok(buffer) = Buffer::price(policy, tally.lock, published(*day), Some(volatility)) else {
                continue;
            };
            tally.count(&Move::between(history[index], *later), &buffer);
        }
    }
    tallies.into_iter().map(Tally::outcome).collect()
}

/// A lock's count so far.
struct Tally {
    lock: Lock,
    target: u32,
    /// Publications that the horizon spans.
    steps: usize,
    quotes: u32,
    covered: u32,
    buffers: u64,
    worst: Option<(u32, NaiveDate)>,
}

impl Tally {
    fn of(lock: Lock, policy: &BufferPolicy) -> Tally {
        let lag = u64::from(policy.volatility.settlement_lag_min) * 60;
        let horizon = lock.duration().num_seconds().unsigned_abs() + lag;
        let steps = usize::try_from(horizon / DAY_S).unwrap_or(1).max(1);
        let target = u32::from(policy.coverage.target(lock).percent()) * 100;
        Tally { lock, target, steps, quotes: 0, covered: 0, buffers: 0, worst: None }
    }

    fn count(&mut self, moved: &Move, buffer: &Buffer) {
        let bps = u32::try_from(buffer.total().0).unwrap_or(0);
        let seconds = u128::from(buffer.lock_s + buffer.lag_s);
        let open = u128::from(moved.days) * u128::from(DAY_S);
        // size · √(seconds / open) ≤ bps · 10⁵, squared so that nothing is rounded.
        let reach = u128::from(moved.size).pow(2) * seconds;
        let bound = (u128::from(bps) * 100_000).pow(2) * open;
        self.quotes += 1;
        self.buffers += u64::from(bps);
        if reach <= bound {
            self.covered += 1;
            return;
        }
        let needed = root_up(reach.div_ceil(open * 10_000_000_000));
        let short = u32::try_from(needed).unwrap_or(u32::MAX) - bps;
        if self.worst.is_none_or(|(most, _)| short > most) {
            self.worst = Some((short, moved.from));
        }
    }

    fn outcome(self) -> Outcome {
        let quotes = u64::from(self.quotes);
        Outcome {
            lock: self.lock,
            quotes: self.quotes,
            covered: self.covered,
            target: self.target,
            mean_buffer: (self.buffers * 10 + quotes / 2).checked_div(quotes).unwrap_or(0),
            worst_uncovered_bps: self.worst.map_or(0, |(short, _)| short),
            worst_on: self.worst.map(|(_, day)| day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use chrono::Datelike;

    /// Weekdays from a Monday on, with rates that move by so many basis points a day, up and down in turn.
    fn history(steps: &[i64]) -> Vec<(NaiveDate, Rate)> {
        let (usd, thb) = (Currency::known("USD"), Currency::known("THB"));
        let monday: NaiveDate = "2026-01-05".parse().unwrap();
        let weekdays = monday.iter_days().filter(|day| day.weekday().num_days_from_monday() < 5);
        let rate = |value: i64| Rate::parse(usd, thb, &value.to_string()).unwrap();
        let rates = [100_000_000].into_iter().chain(steps.iter().enumerate().map(|(index, bps)| {
            // Even days are a step away from the start, odd days back: each move has the size asked for.
            if index % 2 == 0 { 100_000_000 + bps * 10_000 } else { 100_000_000 }
        }));
        weekdays.zip(rates.map(rate)).collect()
    }

    fn noon(day: NaiveDate) -> DateTime<Utc> {
        day.and_hms_opt(13, 15, 0).unwrap().and_utc()
    }

    fn always() -> (NaiveDate, NaiveDate) {
        (NaiveDate::MIN, NaiveDate::MAX)
    }

    #[test]
    fn steady_moves_are_covered_and_a_leap_is_not() {
        let mut policy = BufferPolicy::default();
        policy.volatility.settlement_lag_min = 0;
        let steady = history(&[50; 40]);
        let outcome = walk(&steady, &[Lock::OneDay, Lock::FiveMinutes], &policy, noon, always());
        for one in &outcome {
            assert_eq!((one.quotes, one.covered, one.worst_uncovered_bps), (20, 20, 0), "{:?}", one.lock);
            assert!(one.passes());
        }
        // 2.2 × 50 = 110, and 25 more on four Fridays: the mean is 115.
        assert_eq!(outcome[0].mean_buffer, 1_150);
        // A leap of 400 basis points on the last day, from a Thursday: 400 − 110, counted up.
        let mut leap = [50; 40];
        leap[38] = 400;
        let outcome = walk(&history(&leap), &[Lock::OneDay], &policy, noon, always())[0];
        assert_eq!((outcome.quotes, outcome.covered), (20, 18));
        assert_eq!((outcome.share(), outcome.passes()), (9_000, false));
        assert!((280..=300).contains(&outcome.worst_uncovered_bps), "{outcome:?}");
    }

    #[test]
    fn a_buffer_that_were_a_constant_would_be_seen() {
        // Calm for forty days, then ten times as wild: only a buffer that follows covers the later quotes.
        let mut steps = vec![10; 40];
        steps.extend([100; 60]);
        let policy = BufferPolicy::default();
        let outcome = walk(&history(&steps), &[Lock::OneDay], &policy, noon, always())[0];
        assert_eq!(outcome.quotes, 80);
        let uncovered = outcome.quotes - outcome.covered;
        assert!((1..10).contains(&uncovered), "it takes a few days to learn: {outcome:?}");
        assert!(outcome.mean_buffer > 1_000 && outcome.mean_buffer < 2_500, "{outcome:?}");
    }

    #[test]
    fn only_the_asked_days_are_quoted_and_the_last_has_no_answer_yet() {
        let days = history(&[50; 40]);
        let policy = BufferPolicy::default();
        let whole = walk(&days, &[Lock::OneDay], &policy, noon, always())[0];
        assert_eq!(whole.quotes, 20, "from the 21st day to the last but one");
        let part = walk(&days, &[Lock::OneDay], &policy, noon, (days[30].0, days[34].0))[0];
        assert_eq!(part.quotes, 5);
        let none = walk(&days[..20], &[Lock::OneDay], &policy, noon, always())[0];
        assert_eq!((none.quotes, none.share(), none.mean_buffer), (0, 0, 0));
    }
}
