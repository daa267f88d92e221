//! When a gateway is asked about a payment whose end nobody has told us: a pure function of state and age.
//!
//! While a payment is open the time between two questions grows from rung to rung. Just after the gateway's session has
//! ended it is asked once more: what is not paid then has expired. After that it is asked in growing steps for some days,
//! for money that comes late; what is still open at the gateway then is asked about once in a while for ever.
//!
//! Every payment's rungs are shifted by a moment of its own, made from its id, so that payments made together are not
//! asked about together. Two questions are never nearer to each other than the gateway's pace.

mod file;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::PaymentId;

use super::payment::Payment;

pub use file::{Ladders, LaddersError};

/// How far rungs are shifted at most.
const SPREAD: TimeDelta = TimeDelta::seconds(2);
/// How long after the session's end the question follows that decides: the gateway's clock may be a little behind.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// A gateway's ladder, and how many questions it bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// From one question to the next while the payment waits; the last one repeats.
    rungs: Vec<TimeDelta>,
    /// The same after the session's end; the last one repeats only while the payment is open.
    late: Vec<TimeDelta>,
    /// Questions under way.
    pub at_once: usize,
    /// Questions begun in a second.
    pub per_second: u32,
}

/// What the ladder looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// Which payment: it decides the shift.
    pub payment: PaymentId,
    /// Where it stands.
    pub standing: Standing,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the gateway's session ends.
    pub expires_at: DateTime<Utc>,
}

/// How a payment stands, as far as asking goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may still become anything.
    Open,
    /// It ended without money; some may still come.
    Closed,
    /// Its end is known for good.
    Settled,
}

impl Watched {
    /// A payment as the ladder sees it. One that the gateway never opened and that failed has nothing to wait for.
    pub fn of(payment: &Payment) -> Watched {
        let state = &payment.state;
        let never_opened = payment.gateway_ref.is_none() && payment.next_action.is_none();
        let standing = match state {
            state if state.is_open() => Standing::Open,
            state if state.is_closed() && !(never_opened && state.as_str() == "failed") => Standing::Closed,
            _ => Standing::Settled,
        };
        let (created_at, expires_at) = (payment.created_at, payment.expires_at);
        Watched { payment: payment.id, standing, created_at, expires_at }
    }

    /// The shift of its rungs: the same for all of them, from 0 to 2 s.
    fn shift(&self) -> TimeDelta {
        // FNV-1a over the id's text: spread evenly, the same everywhere.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = self.payment.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        let micros = (hash >> 16) % u64::try_from(SPREAD.num_microseconds().unwrap_or(1)).unwrap_or(1);
        TimeDelta::microseconds(i64::try_from(micros).unwrap_or(0))
    }
}

impl Ladder {
    /// When to ask next, after a question at `asked` (the creation counts as one); `None`: never again. `pace` is the
    /// gateway's smallest time between two questions about one payment.
    pub fn next(&self, watched: &Watched, pace: TimeDelta, asked: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.rung_after(watched, pace, asked).map(|rung| rung.max(asked + pace))
    }

    fn rung_after(&self, watched: &Watched, pace: TimeDelta, asked: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let shift = watched.shift();
        let lapse = watched.expires_at + GRACE + shift;
        match watched.standing {
            Standing::Settled => return None,
            Standing::Closed => {}
            Standing::Open => {
                let mut at = watched.created_at + shift;
                for gap in self.rungs.iter().chain(self.rungs.last().into_iter().cycle()) {
                    at += (*gap).max(pace);
                    // So near to the end the question after it says more.
                    if at + pace > lapse {
                        break;
                    }
                    if at > asked {
                        return Some(at);
                    }
                }
            }
        }
        let mut at = lapse;
        for gap in self.late.iter().take_while(|_| lapse <= asked) {
            at += (*gap).max(pace);
            if at > asked {
                return Some(at);
            }
        }
        match (lapse > asked, watched.standing, self.late.last()) {
            (true, ..) => Some(lapse),
            (false, Standing::Open, Some(gap)) => {
                let gap = (*gap).max(pace);
                let steps = (asked - at).num_seconds() / gap.num_seconds().max(1) + 1;
                Some(at + gap * i32::try_from(steps).unwrap_or(i32::MAX))
            }
            _ => None,
        }
    }

    /// The shortest time between two of its questions.
    fn shortest(&self) -> TimeDelta {
        self.rungs.iter().chain(&self.late).min().copied().unwrap_or(TimeDelta::MAX)
    }
}

#[cfg(test)]
mod tests;
