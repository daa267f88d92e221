use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::clock::{Clock, from_micros};
use crate::ids::IdSource;

fn start() -> DateTime<Utc> {
    from_micros(1_795_000_000_000_000)
}

fn watched(seed: u64, standing: Standing, life_s: i64) -> Watched {
    let payment = IdSource::seeded(Clock::fixed(start()), seed).mint();
    Watched { payment, standing, created_at: start(), expires_at: start() + TimeDelta::seconds(life_s) }
}

/// Seconds since the creation of each question that finds nothing new, `wait_ms` after it was due.
fn questions(ladder: &Ladder, watched: &Watched, pace: TimeDelta, wait_ms: i64, most: usize) -> Vec<i64> {
    let mut asked = watched.created_at;
    let next = || {
        asked = ladder.next(watched, pace, asked)? + TimeDelta::milliseconds(wait_ms);
        Some((asked - watched.created_at).num_seconds())
    };
    std::iter::from_fn(next).take(most).collect()
}

#[test]
fn paypals_payment_is_asked_about_as_its_ladder_says_and_a_lapsed_one_to_the_end() {
    let ladders = Ladders::shipped().unwrap();
    let (paypal, pace) = (ladders.of("paypal"), TimeDelta::seconds(15));
    let open = watched(7, Standing::Open, 3 * 3_600);
    let nominal = [15, 30, 60, 240, 840, 2_040, 3_840, 5_640, 7_440, 9_240, 10_801];
    let found = questions(paypal, &open, pace, 0, nominal.len());
    for (found, nominal) in found.iter().zip(nominal) {
        assert!((nominal..=nominal + 2).contains(found), "{found} for {nominal}");
    }
    let closed = Watched { standing: Standing::Closed, ..open };
    let days: Vec<i64> = questions(paypal, &closed, pace, 0, 100).into_iter().map(|at| at / 3_600).collect();
    assert_eq!(days, [3, 3, 4, 10, 34, 58, 82, 106, 130, 154, 178], "hours, and then no more");
    let open_for_long = questions(paypal, &open, pace, 0, 60);
    assert_eq!(open_for_long.len(), 60, "what the gateway keeps open is asked about for ever");
    let settled = Watched { standing: Standing::Settled, ..open };
    assert_eq!(paypal.next(&settled, pace, start()), None);
}

#[test]
fn grabpay_is_asked_every_two_minutes_and_never_sooner() {
    let ladders = Ladders::shipped().unwrap();
    let (grabpay, pace) = (ladders.of("grabpay"), TimeDelta::minutes(2));
    let open = watched(3, Standing::Open, 1_200);
    for wait_ms in [0, 900, 4_000] {
        let found = questions(grabpay, &open, pace, wait_ms, 11);
        assert!(found.windows(2).all(|pair| pair[1] - pair[0] >= 120), "{found:?}");
        assert!((120..=127).contains(&found[0]), "{found:?}");
    }
}

fn ladders() -> impl Strategy<Value = Ladder> {
    let times = || prop::collection::vec((1_i64..200_000).prop_map(TimeDelta::seconds), 1..8);
    (times(), times()).prop_map(|(rungs, late)| Ladder { rungs, late, at_once: 8, per_second: 20 })
}

fn standings() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Open), Just(Standing::Closed)]
}

proptest! {
    /// Later questions have later answers; none comes before its pace, none later than the longest gap; the same every
    /// time; what ended is let go.
    #[test]
    fn a_ladder_is_monotone_bounded_deterministic_and_ends(
        ladder in ladders(), standing in standings(), seed in any::<u64>(), life_s in 1_i64..400_000,
        pace_s in 0_i64..300, first in 0_i64..2_000_000_000, between in 0_i64..100_000_000,
    ) {
        let watched = watched(seed, standing, life_s);
        let pace = TimeDelta::seconds(pace_s);
        let (earlier, later) = (
            start() + TimeDelta::milliseconds(first),
            start() + TimeDelta::milliseconds(first + between),
        );
        let next = |asked| ladder.next(&watched, pace, asked);
        prop_assert_eq!(next(earlier), next(earlier));
        let longest = ladder.rungs.iter().chain(&ladder.late).max().copied().unwrap().max(pace);
        let bound = longest + pace + SPREAD + GRACE
            + if standing == Standing::Closed { TimeDelta::seconds(life_s) } else { TimeDelta::zero() };
        for (asked, found) in [(earlier, next(earlier)), (later, next(later))] {
            if let Some(found) = found {
                prop_assert!(found > asked && found >= asked + pace);
                prop_assert!(found - asked <= bound, "{} after {}", found - asked, asked - start());
            }
            prop_assert_eq!(standing == Standing::Open && found.is_none(), false);
        }
        match (next(earlier), next(later)) {
            (Some(a), Some(b)) => prop_assert!(a <= b),
            (None, b) => prop_assert_eq!(b, None),
            (Some(_), None) => {}
        }
        if standing == Standing::Closed {
            prop_assert!(questions(&ladder, &watched, pace, 0, 40).len() <= ladder.late.len() + 1);
        }
    }
}
