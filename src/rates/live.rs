//! One live source: when it is asked, what it said last, how it is doing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fx_providers::{RateSource, SourceError, Validator};
use tokio::sync::Notify;

use super::RatesError;
use super::breaker::{Breaker, Failure};
use crate::domain::fx::{Due, Publication};

/// However often a source allows it, nobody's wish makes it be asked more often.
pub(super) const SHORTEST_PAUSE: TimeDelta = TimeDelta::seconds(60);
/// The plan is looked at again after this, for the test clock may have moved.
pub(super) const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(6);
/// A publication that is overdue is asked for this often.
const OVERDUE_PAUSE: TimeDelta = TimeDelta::minutes(10);

/// A live source.
#[derive(Debug)]
pub(super) struct Live {
    pub source: Arc<dyn RateSource>,
    /// Somebody found everything stale.
    pub wish: Notify,
    state: Mutex<State>,
}

/// What is known about it. Moments are business time.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub seen: Option<Validator>,
    pub breaker: Breaker,
    pub last_asked: Option<DateTime<Utc>>,
    pub last_answer: Option<DateTime<Utc>>,
    pub last_error: Option<(DateTime<Utc>, String)>,
    /// Whether the last question failed.
    pub failing: bool,
    pub next_ask: Option<DateTime<Utc>>,
    pub notices: Vec<String>,
}

impl Live {
    pub fn new(source: Arc<dyn RateSource>) -> Live {
        Live { source, wish: Notify::new(), state: Mutex::default() }
    }

    pub fn name(&self) -> &'static str {
        self.source.name()
    }

    /// The state, for a moment; never held over an await.
    pub fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has answered or failed since the start.
    pub fn was_asked(&self) -> bool {
        let state = self.locked();
        state.last_answer.is_some() || state.last_error.is_some()
    }

    /// Whether it may be asked; if so, it is noted as asked.
    pub fn may_ask(&self, now: DateTime<Utc>) -> bool {
        let mut state = self.locked();
        let may = state.breaker.allows(now);
        if may {
            state.breaker = state.breaker.asked(now);
            state.last_asked = Some(now);
        }
        may
    }

    /// What came with an answer.
    pub fn take(&self, validator: Option<Validator>, notices: Vec<String>) {
        let mut state = self.locked();
        state.seen = validator;
        state.notices = notices;
    }

    /// Notes how a question went.
    pub fn note(&self, outcome: &Result<(), RatesError>, now: DateTime<Utc>) {
        let mut state = self.locked();
        match outcome {
            Ok(()) => {
                state.breaker = Breaker::default();
                state.last_answer = Some(now);
                state.failing = false;
            }
            Err(error) => {
                state.breaker = state.breaker.failed(failure(error), now);
                state.last_error = Some((now, error.to_string()));
                state.failing = true;
            }
        }
    }

    /// When it is asked next: ahead of the moment its numbers go stale, never faster than its pace. `spread` is a random
    /// share of 256ths.
    pub fn plan(&self, newest: Option<&Publication>, now: DateTime<Utc>, spread: u8) -> DateTime<Utc> {
        let shortest = TimeDelta::from_std(self.source.pace().shortest).unwrap_or(LONGEST_PAUSE);
        let shortest = shortest.max(SHORTEST_PAUSE);
        let jitter = |span: TimeDelta| span * i32::from(spread) / 256;
        let mut state = self.locked();
        let next = match state.breaker {
            Breaker::Open { until, .. } => until + jitter(TimeDelta::minutes(1)),
            Breaker::Closed { failures } | Breaker::HalfOpen { failures, .. } if failures > 0 => {
                let pause = shortest * (1_i32 << (failures - 1).min(6));
                now + pause + jitter(pause / 4)
            }
            _ => match newest.map(|newest| (newest.due, newest.fetched_at)) {
                // A source may say of itself when it speaks next; half a minute to five later everybody has not come
                // at once.
                Some((Due::NextAt(next), _)) if next > now => {
                    next + TimeDelta::seconds(30) + jitter(TimeDelta::seconds(270))
                }
                // Overdue: the source is late, or the test clock is ahead of the world.
                Some((Due::NextAt(_), _)) => now + OVERDUE_PAUSE.max(shortest) + jitter(OVERDUE_PAUSE / 4),
                Some((Due::Every(interval), fetched_at)) => {
                    let pause = interval.max(shortest);
                    (fetched_at + pause + jitter(pause / 8)).max(now + shortest / 2)
                }
                None => now + OVERDUE_PAUSE.max(shortest),
            },
        };
        state.next_ask = Some(next);
        next
    }

    /// Waits until `next`, or for somebody's wish, which counts once the source's pace allows another question.
    pub async fn rest(&self, next: DateTime<Utc>, now: impl Fn() -> DateTime<Utc>) {
        let span = |until: DateTime<Utc>| -> Duration {
            (until - now()).clamp(TimeDelta::zero(), LONGEST_PAUSE).to_std().unwrap_or_default()
        };
        tokio::select! {
            () = tokio::time::sleep(span(next)) => {}
            () = self.wish.notified() => {
                let shortest = TimeDelta::from_std(self.source.pace().shortest).unwrap_or(LONGEST_PAUSE);
                let last = self.locked().last_asked;
                let allowed = last.map_or_else(&now, |last| last + shortest.max(SHORTEST_PAUSE));
                tokio::time::sleep(span(allowed.min(next))).await;
            }
        }
    }
}

fn failure(error: &RatesError) -> Failure {
    match error {
        RatesError::Source(SourceError::Throttled { retry_after, .. }) => {
            Failure::Throttled(retry_after.and_then(|rest| TimeDelta::from_std(rest).ok()))
        }
        RatesError::Source(SourceError::Refused { .. }) => Failure::Refused,
        _ => Failure::Passing,
    }
}
