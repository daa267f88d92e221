//! How much a gateway bears, as one process keeps it: questions in a second, questions under way, and the breaker that
//! leaves a gateway alone which asks to slow down or does not answer.
//!
//! It binds questions that nobody waits for: the ladder's, those at a start, those on the occasion of a read. Notices,
//! returns and `/sync` are answered for at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::crash;
use crate::domain::orders::Ladder;
use crate::gateways::{GatewayError, PaymentRequest, PaymentSession};

use super::OpenAccount;

/// Silences in a row until a gateway is left alone.
const PATIENCE: u32 = 8;
const FIRST_REST: TimeDelta = TimeDelta::seconds(10);
const LONGEST_REST: TimeDelta = TimeDelta::minutes(5);
/// A rest that the gateway names itself is believed up to here.
const LONGEST_WISH: u32 = 3_600;
/// How many seconds a shopper waits for a gateway that asks for them.
const MOMENT_S: u32 = 3;
/// Where it names none.
const USUAL_WISH: u32 = 30;

/// Every gateway's courtesy, by name.
#[derive(Debug, Default)]
pub(super) struct Courtesies(Mutex<HashMap<String, Arc<Courtesy>>>);

impl Courtesies {
    pub(super) fn of(&self, gateway: &str, ladder: &Ladder) -> Arc<Courtesy> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(gateway.to_owned()).or_insert_with(|| Arc::new(Courtesy::new(ladder))).clone()
    }

    /// A gateway that was asked before.
    pub(super) fn known(&self, gateway: &str) -> Option<Arc<Courtesy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(gateway).cloned()
    }
}

/// What one gateway bears.
#[derive(Debug)]
pub(super) struct Courtesy {
    breaker: Mutex<Breaker>,
    /// From one question to the next.
    interval: Duration,
    /// When the next question may begin.
    slot: Mutex<Option<Instant>>,
    /// Questions on the occasion of reads, under way.
    reads: Arc<Semaphore>,
}

impl Courtesy {
    fn new(ladder: &Ladder) -> Courtesy {
        let interval = match crash::is_scheduled() {
            true => Duration::ZERO,
            false => Duration::from_secs(1) / ladder.per_second.max(1),
        };
        Courtesy {
            breaker: Mutex::default(),
            interval,
            slot: Mutex::default(),
            reads: Arc::new(Semaphore::new(ladder.at_once)),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when it is left alone.
    pub(super) fn rest(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.breaker().until.filter(|until| *until > now)
    }

    /// Whether it is being tried again, with one question.
    pub(super) fn is_tried(&self) -> bool {
        self.breaker().rests > 0
    }

    /// Waits until the next question may begin.
    pub(super) async fn turn(&self) {
        let turn = {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = slot.map_or_else(Instant::now, |next| next.max(Instant::now()));
            *slot = Some(turn + self.interval);
            turn
        };
        // A timer rounds up what is over already.
        if turn > Instant::now() {
            tokio::time::sleep_until(turn).await;
        }
    }

    /// Room for a question on the occasion of a read; `None` when there is none just now.
    pub(super) fn room(&self, now: DateTime<Utc>) -> Option<OwnedSemaphorePermit> {
        if self.rest(now).is_some() || self.is_tried() {
            return None;
        }
        let room = self.reads.clone().try_acquire_owned().ok()?;
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some_and(|next| next > Instant::now()) {
            return None;
        }
        *slot = Some(Instant::now() + self.interval);
        Some(room)
    }

    /// An answer ends its trouble; one that was under way when a rest began does not end the rest.
    pub(super) fn answered(&self, now: DateTime<Utc>) {
        let mut breaker = self.breaker();
        if breaker.until.is_none_or(|until| until <= now) {
            *breaker = Breaker::default();
        }
    }

    pub(super) fn failed(&self, error: &GatewayError, now: DateTime<Utc>) {
        self.breaker().failed(error, now);
    }
}

/// When a gateway is left alone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Breaker {
    silences: u32,
    rests: u32,
    until: Option<DateTime<Utc>>,
}

impl Breaker {
    fn failed(&mut self, error: &GatewayError, now: DateTime<Utc>) {
        let rest = match error {
            // An answer, and an honest one.
            GatewayError::Refused { .. } => return,
            GatewayError::Throttled { retry_after_s } => {
                TimeDelta::seconds(i64::from(retry_after_s.unwrap_or(USUAL_WISH).clamp(1, LONGEST_WISH)))
            }
            GatewayError::OutcomeUnknown(_) | GatewayError::NotSent(_) => {
                self.silences += 1;
                if self.silences < PATIENCE && self.rests == 0 {
                    return;
                }
                (FIRST_REST * (1_i32 << self.rests.min(8))).min(LONGEST_REST)
            }
        };
        // Others that were under way meanwhile add nothing to a rest that has begun.
        if self.until.is_some_and(|until| until >= now + rest) {
            return;
        }
        (self.rests, self.until) = (self.rests + 1, Some(now + rest));
    }
}

/// Opens the payment at the gateway. One that asks for a moment gets it, once: nothing was opened yet, and a shopper waits.
pub(super) async fn opened(
    account: &OpenAccount,
    request: &PaymentRequest,
) -> Result<PaymentSession, GatewayError> {
    let first = account.gateway.create_payment(request).await;
    match first {
        Err(GatewayError::Throttled { retry_after_s })
            if retry_after_s.is_none_or(|wish| wish <= MOMENT_S) && !crash::is_scheduled() =>
        {
            crash::pause(Duration::from_secs(retry_after_s.unwrap_or(1).max(1).into())).await;
            account.gateway.create_payment(request).await
        }
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence() -> GatewayError {
        GatewayError::OutcomeUnknown("no answer".into())
    }

    #[test]
    fn silence_is_borne_a_while_and_then_rests_grow_until_one_answer() {
        let at = |seconds: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let ladders = crate::domain::orders::Ladders::default();
        let courtesy = Courtesy::new(ladders.of("any"));
        for _ in 1..PATIENCE {
            courtesy.failed(&silence(), at(0));
            assert_eq!(courtesy.rest(at(0)), None);
        }
        courtesy.failed(&silence(), at(0));
        assert_eq!(courtesy.rest(at(0)), Some(at(10)));
        assert!(courtesy.room(at(1)).is_none(), "a read asks nothing meanwhile");
        let mut now = 10;
        for rest in [20, 40, 80, 160, 300, 300] {
            assert!(courtesy.rest(at(now)).is_none() && courtesy.is_tried());
            courtesy.failed(&silence(), at(now));
            assert_eq!(courtesy.rest(at(now)), Some(at(now + rest)));
            now += rest;
        }
        courtesy.answered(at(now - 1));
        assert!(courtesy.is_tried(), "it came while the gateway was left alone");
        courtesy.answered(at(now));
        assert!(!courtesy.is_tried() && courtesy.room(at(now)).is_some());
    }

    #[test]
    fn a_wish_to_be_left_alone_is_honoured_at_once_and_a_refusal_is_an_answer() {
        let now = DateTime::UNIX_EPOCH;
        for (wish, rest) in [(Some(90), 90), (None, 30), (Some(0), 1), (Some(u32::MAX), 3_600)] {
            let mut breaker = Breaker::default();
            breaker.failed(&GatewayError::Throttled { retry_after_s: wish }, now);
            assert_eq!(breaker.until, Some(now + TimeDelta::seconds(rest)), "{wish:?}");
        }
        let mut breaker = Breaker::default();
        let refused = GatewayError::Refused { code: "X".into(), message: "no".into(), retry_later: false };
        for _ in 0..100 {
            breaker.failed(&refused, now);
        }
        assert_eq!(breaker, Breaker::default());
    }

    #[tokio::test]
    async fn questions_begin_at_the_gateways_rate() {
        let at_most = |per_second: u32| {
            let text = format!("[default]\nrungs = [\"1m\"]\nlate = [\"1h\"]\nper_second = {per_second}\n");
            Courtesy::new(crate::domain::orders::Ladders::read(&text).unwrap().of("any"))
        };
        let courtesy = at_most(200);
        let begun = Instant::now();
        for _ in 0..41 {
            courtesy.turn().await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
        let slow = at_most(1);
        slow.turn().await;
        assert!(slow.room(DateTime::UNIX_EPOCH).is_none(), "the next one's time has not come");
    }
}
