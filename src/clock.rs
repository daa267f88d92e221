//! The only source of time.
//!
//! Two readings: [`Clock::now`] is business time (the wall plus the test clock's offset; quotes, staleness, ladders,
//! job due times), [`Clock::wall`] is the real clock (signature dates, webhook freshness, TLS). The offset only grows:
//! a test clock that could go back would let a quote un-expire. Both are cut to microseconds, the store's resolution.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};

/// A shared handle; clones read the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wall: Wall,
    offset_us: AtomicI64,
}

#[derive(Debug)]
enum Wall {
    System,
    /// Microseconds since the epoch, moved by hand in tests.
    Manual(AtomicI64),
}

/// The test clock moves forward only.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the clock stands at {now} and only moves forward; {asked} lies behind it")]
pub struct ClockBackwards {
    /// Where the clock stands.
    pub now: DateTime<Utc>,
    /// What was asked for.
    pub asked: DateTime<Utc>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Arc::new(Inner { wall: Wall::System, offset_us: AtomicI64::new(0) }))
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn fixed(at: DateTime<Utc>) -> Clock {
        Clock(Arc::new(Inner {
            wall: Wall::Manual(AtomicI64::new(at.timestamp_micros())),
            offset_us: AtomicI64::new(0),
        }))
    }

    /// Business time: the wall plus the test clock's offset.
    pub fn now(&self) -> DateTime<Utc> {
        from_micros(self.wall_us() + self.0.offset_us.load(Ordering::SeqCst))
    }

    /// The real clock, for whatever must agree with other machines.
    pub fn wall(&self) -> DateTime<Utc> {
        from_micros(self.wall_us())
    }

    /// How far business time is ahead of the wall.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.0.offset_us.load(Ordering::SeqCst))
    }

    /// Moves business time to `to`.
    ///
    /// # Errors
    /// [`ClockBackwards`] when `to` lies before [`Clock::now`].
    pub fn advance_to(&self, to: DateTime<Utc>) -> Result<(), ClockBackwards> {
        let now = self.now();
        if to < now {
            return Err(ClockBackwards { now, asked: to });
        }
        // The offset itself, not a step: two callers who move to the same moment move there once.
        self.0.offset_us.fetch_max(to.timestamp_micros() - self.wall_us(), Ordering::SeqCst);
        Ok(())
    }

    /// Moves business time by `by`; a negative step is ignored.
    pub fn advance(&self, by: TimeDelta) {
        let micros = by.num_microseconds().unwrap_or(0).max(0);
        self.0.offset_us.fetch_add(micros, Ordering::SeqCst);
    }

    /// Lets time pass by the wall too, on a clock that stands still; on the machine's clock nothing happens.
    pub fn pass(&self, by: TimeDelta) {
        if let Wall::Manual(at) = &self.0.wall {
            at.fetch_add(by.num_microseconds().unwrap_or(0).max(0), Ordering::SeqCst);
        }
    }

    /// Restores a stored offset at start; never lowers it.
    pub fn restore_offset(&self, offset: TimeDelta) {
        self.0.offset_us.fetch_max(offset.num_microseconds().unwrap_or(0), Ordering::SeqCst);
    }

    fn wall_us(&self) -> i64 {
        match &self.0.wall {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that reads the machine's clock"
            )]
            Wall::System => {
                // Not by way of a date, which a reading of the clock does not need.
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
            }
            Wall::Manual(at) => at.load(Ordering::SeqCst),
        }
    }
}

/// A point in time from the store's resolution; out-of-range values saturate at the epoch, which chrono can hold.
pub fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_forward_only() {
        let start = from_micros(1_790_000_000_000_000);
        let clock = Clock::fixed(start);
        clock.advance(TimeDelta::days(1));
        assert_eq!(clock.now(), start + TimeDelta::days(1));
        assert_eq!(clock.wall(), start);
        assert_eq!(clock.advance_to(start), Err(ClockBackwards { now: clock.now(), asked: start }));
        clock.restore_offset(TimeDelta::hours(1));
        assert_eq!(clock.offset(), TimeDelta::days(1));
    }
}
