//! A source that fails again and again is left alone for a while, then tried once.

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row until a source is left alone.
const PATIENCE: u32 = 3;
const FIRST_REST: TimeDelta = TimeDelta::minutes(5);
const LONGEST_REST: TimeDelta = TimeDelta::hours(1);

/// Where a source's breaker stands. Moments are business time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// It is asked as its pace says.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// It is left alone.
    Open {
        /// Since when.
        since: DateTime<Utc>,
        /// When it is tried once.
        until: DateTime<Utc>,
        /// Failures in a row.
        failures: u32,
    },
    /// It is being tried once.
    HalfOpen {
        /// Since when.
        since: DateTime<Utc>,
        /// Failures in a row.
        failures: u32,
    },
}

/// How a question failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// As it happens: unreachable, a bad answer.
    Passing,
    /// The source asked to be left alone, perhaps for so long.
    Throttled(Option<TimeDelta>),
    /// The source says no until somebody acts.
    Refused,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether the source may be asked.
    pub fn allows(self, now: DateTime<Utc>) -> bool {
        match self {
            Breaker::Closed { .. } | Breaker::HalfOpen { .. } => true,
            Breaker::Open { until, .. } => now >= until,
        }
    }

    /// The source is asked now.
    #[must_use]
    pub fn asked(self, now: DateTime<Utc>) -> Breaker {
        match self {
            Breaker::Open { failures, .. } => Breaker::HalfOpen { since: now, failures },
            other => other,
        }
    }

    /// The source did not answer.
    #[must_use]
    pub fn failed(self, failure: Failure, now: DateTime<Utc>) -> Breaker {
        let failures = self.failures().saturating_add(1);
        let rest = match failure {
            Failure::Throttled(asked) => Some(asked.unwrap_or(TimeDelta::minutes(20)).max(FIRST_REST)),
            Failure::Refused => Some(LONGEST_REST),
            Failure::Passing if failures < PATIENCE => None,
            Failure::Passing => {
                let doubled = 1_i32 << (failures - PATIENCE).min(8);
                Some((FIRST_REST * doubled).min(LONGEST_REST))
            }
        };
        match rest {
            Some(rest) => {
                let since = match self {
                    Breaker::Open { since, .. } | Breaker::HalfOpen { since, .. } => since,
                    Breaker::Closed { .. } => now,
                };
                Breaker::Open { since, until: now + rest, failures }
            }
            None => Breaker::Closed { failures },
        }
    }

    /// Failures in a row.
    pub fn failures(self) -> u32 {
        match self {
            Breaker::Closed { failures }
            | Breaker::Open { failures, .. }
            | Breaker::HalfOpen { failures, .. } => failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn opens_after_three_failures_rests_longer_each_time_and_closes_by_one_answer() {
        let mut breaker = Breaker::default();
        for minute in 0..2 {
            breaker = breaker.asked(at(minute)).failed(Failure::Passing, at(minute));
            assert_eq!(breaker, Breaker::Closed { failures: u32::try_from(minute).unwrap() + 1 });
        }
        breaker = breaker.failed(Failure::Passing, at(2));
        assert_eq!(breaker, Breaker::Open { since: at(2), until: at(7), failures: 3 });
        assert!(!breaker.allows(at(6)) && breaker.allows(at(7)));
        let tried = breaker.asked(at(7));
        assert!(matches!(tried, Breaker::HalfOpen { .. }) && tried.allows(at(7)));
        for (from, minutes) in [(7, 10), (17, 20), (37, 40), (77, 60), (137, 60)] {
            breaker = breaker.asked(at(from)).failed(Failure::Passing, at(from));
            assert!(
                matches!(breaker, Breaker::Open { until, .. } if until == at(from + minutes)),
                "{from}: {breaker:?}"
            );
        }
    }

    #[test]
    fn who_is_throttled_or_refused_is_left_alone_at_once() {
        for (failure, minutes) in [
            (Failure::Throttled(None), 20),
            (Failure::Throttled(Some(TimeDelta::minutes(90))), 90),
            (Failure::Throttled(Some(TimeDelta::seconds(1))), 5),
            (Failure::Refused, 60),
        ] {
            let breaker = Breaker::default().failed(failure, at(0));
            assert!(matches!(breaker, Breaker::Open { until, .. } if until == at(minutes)), "{failure:?}");
        }
    }
}
