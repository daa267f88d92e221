//! When a telling that was not heard is tried again: the ten tries over three days that Standard Webhooks recommends.

use chrono::{DateTime, TimeDelta, Utc};

/// How long after each try the next one follows; the first is made at once.
const STEPS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// Tries in all.
pub const MOST_ATTEMPTS: i64 = STEPS.len() as i64 + 1;
/// No receiver can put a telling off for longer at once.
pub const RETRY_AFTER_MOST: TimeDelta = TimeDelta::hours(24);
/// Nothing is tried for less than this.
const LEAST: TimeDelta = TimeDelta::days(3);
/// Nor later than this after the first try, unless the receiver asks for it: the steps are 75 hours and 35 minutes, and a tenth
/// more.
pub const WINDOW: TimeDelta = TimeDelta::hours(84);

/// When try number `attempts + 1` is due, `None` where there is none: `attempts` were made since `since`, the last one
/// ended at `now`. A receiver's `Retry-After` can put it off, never hasten it. `jitter`, 0 to 255, spreads receivers that
/// failed together: up to a tenth later. A step that leads beyond [`WINDOW`] ends with it, or where the receiver asked to be
/// left alone until: tries that were put off, or made late, would else end half a day before three are over.
pub fn next_attempt(
    since: DateTime<Utc>,
    attempts: i64,
    now: DateTime<Utc>,
    retry_after: Option<TimeDelta>,
    jitter: u8,
) -> Option<DateTime<Utc>> {
    let step = STEPS.get(usize::try_from(attempts - 1).ok()?)?;
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MOST);
    let wait = asked.max(*step);
    let spread = TimeDelta::milliseconds(wait.num_milliseconds() / 10 * i64::from(jitter) / 255);
    let next = (now + wait + spread).min((since + WINDOW).max(now + asked));
    (now - since < LEAST && next > now).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    /// Moments of every try, as hours and minutes after the first.
    fn tries(jitter: u8, retry_after: Option<TimeDelta>) -> Vec<TimeDelta> {
        let since = from_micros(0);
        let (mut made, mut now) = (vec![TimeDelta::zero()], since);
        while let Some(next) = next_attempt(since, made.len() as i64, now, retry_after, jitter) {
            now = next;
            made.push(now - since);
        }
        made
    }

    #[test]
    fn ten_tries_span_three_days() {
        let plain = tries(0, None);
        assert_eq!(plain.len() as i64, MOST_ATTEMPTS);
        assert_eq!(plain[1], TimeDelta::seconds(5));
        assert_eq!(*plain.last().unwrap(), TimeDelta::minutes(75 * 60 + 35) + TimeDelta::seconds(5));
        let late = tries(255, None);
        assert_eq!(late.len() as i64, MOST_ATTEMPTS, "the window holds every try even at its latest");
        assert!(plain.iter().zip(&late).skip(1).all(|(plain, late)| plain < late));
    }

    #[test]
    fn a_receiver_puts_off_and_never_hastens_or_forbids() {
        assert_eq!(tries(0, Some(TimeDelta::zero())), tries(0, None));
        assert_eq!(tries(0, Some(TimeDelta::seconds(90)))[1], TimeDelta::seconds(90));
        let put_off = tries(0, Some(TimeDelta::days(365)));
        assert_eq!(put_off, [0, 24, 48, 72].map(TimeDelta::hours), "a day at once, three and a half in all");
        for hours in [1, 2, 3, 4, 6, 10, 20] {
            for jitter in [0, 128, 255] {
                let last = *tries(jitter, Some(TimeDelta::hours(hours))).last().unwrap();
                assert!(last >= LEAST && last <= LEAST + TimeDelta::hours(24), "{hours} h, {jitter}: {last}");
            }
        }
    }

    #[test]
    fn tries_that_are_made_late_go_on_for_three_days() {
        // Ours was down for half a day at a time.
        let (since, mut now, mut made) = (from_micros(0), from_micros(0), 1);
        while let Some(next) = next_attempt(since, made, now, None, 0) {
            assert!(next > now);
            now = if made == 8 { next + TimeDelta::hours(12) } else { next };
            made += 1;
        }
        assert!(now - since >= TimeDelta::days(3), "{}", now - since);
    }
}
