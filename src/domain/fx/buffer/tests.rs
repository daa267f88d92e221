//! Buffers: calm and wild pairs, floors, caps, weekends.

use super::*;
use crate::domain::fx::BufferPolicy;

const TUESDAY: &str = "2026-10-27T12:00:00Z";
const FRIDAY: &str = "2026-10-30T12:00:00Z";
const SATURDAY: &str = "2026-10-31T12:00:00Z";

fn sigma(nanos: u64) -> Option<Volatility> {
    Some(Volatility { sigma: nanos, moves: 250, until: "2026-10-30".parse().unwrap() })
}

fn price(lock: Lock, at: &str, volatility: Option<Volatility>) -> Buffer {
    Buffer::price(&BufferPolicy::default(), lock, at.parse().unwrap(), volatility).unwrap()
}

#[test]
fn a_calm_and_a_wild_pair_cost_differently_and_so_do_locks() {
    // σ of 20 and of 80 basis points a day; k = 2.2 and a lag of 15 minutes: 44 and 176 × √(lock + 15 min).
    for (lock, calm, wild) in [
        (Lock::FiveMinutes, 6, 21),
        (Lock::ThirtyMinutes, 8, 32),
        (Lock::OneHour, 11, 41),
        (Lock::OneDay, 45, 177),
    ] {
        let totals = (
            price(lock, TUESDAY, sigma(2_000_000)).total().0,
            price(lock, TUESDAY, sigma(8_000_000)).total().0,
        );
        assert_eq!(totals, (calm, wild), "{lock:?}");
    }
}

#[test]
fn the_rounding_is_one_and_upward() {
    // 1 × 1 bp × √1 is exactly one; the smallest bit more is two.
    assert_eq!(points(1_000, 100_000, DAY_S), 1);
    assert_eq!(points(1_000, 100_001, DAY_S), 2);
    assert_eq!(points(1_000, 100_000, DAY_S + 1), 2);
    assert_eq!(points(2_200, 0, DAY_S), 0);
    // Four days are twice a day; the largest inputs fit.
    assert_eq!(points(1_000, 100_000, 4 * DAY_S), 2);
    assert_eq!(points(100_000, 10 * UNIT, 3_650 * DAY_S), 604_152_299);
}

#[test]
fn saturday_costs_a_premium_and_a_friday_that_runs_into_it_too() {
    for (lock, at, premium) in [
        (Lock::ThirtyMinutes, SATURDAY, 25),
        (Lock::OneDay, SATURDAY, 25),
        (Lock::OneDay, FRIDAY, 25),
        (Lock::ThirtyMinutes, FRIDAY, 0),
        (Lock::OneDay, TUESDAY, 0),
        // 16:50 New York: the lock ends before the bell, the deal after it.
        (Lock::FiveMinutes, "2026-10-30T20:50:00Z", 25),
        (Lock::FiveMinutes, "2026-10-30T20:39:59Z", 0),
    ] {
        let priced = price(lock, at, sigma(2_000_000));
        assert_eq!(priced.weekend_bps, premium, "{lock:?} {at}");
        let bare = price(lock, TUESDAY, sigma(2_000_000));
        assert_eq!(priced.total().0, bare.total().0 + i32::try_from(premium).unwrap());
    }
}

#[test]
fn a_peg_costs_the_floor_and_no_weekend() {
    let peg = price(Lock::OneDay, SATURDAY, sigma(0));
    assert_eq!((peg.total(), peg.weekend_bps, peg.volatility_bps), (BasisPoints(3), 0, 0));
    assert_eq!(peg.sigma, Some(Decimal::new(0, 9)));
}

#[test]
fn without_history_the_locks_default_stands_and_says_so() {
    let unknown = price(Lock::OneDay, TUESDAY, None);
    assert_eq!((unknown.total(), unknown.source), (BasisPoints(100), BufferSource::Default));
    assert_eq!((unknown.sigma, unknown.k, unknown.history_days), (None, None, 0));
    assert_eq!(price(Lock::OneDay, SATURDAY, None).total(), BasisPoints(125));
}

#[test]
fn at_the_cap_it_is_held_or_refused() {
    let mut policy = BufferPolicy::default();
    policy.volatility.cap_bps = 150;
    let now = TUESDAY.parse().unwrap();
    let held = Buffer::price(&policy, Lock::OneDay, now, sigma(8_000_000)).unwrap();
    assert_eq!((held.total(), held.capped, held.volatility_bps), (BasisPoints(150), true, 177));
    policy.volatility.at_cap = AtCap::Refuse;
    let refused = Buffer::price(&policy, Lock::OneDay, now, sigma(8_000_000)).unwrap_err();
    assert_eq!(refused, LockTooLong { lock: Lock::OneDay, needed_bps: 177, cap_bps: 150 });
    assert!(!Buffer::price(&policy, Lock::OneHour, now, sigma(8_000_000)).unwrap().capped);
}

#[test]
fn it_is_kept_with_every_part() {
    for priced in [
        price(Lock::OneDay, SATURDAY, sigma(2_713_405)),
        price(Lock::OneHour, TUESDAY, None),
        Buffer::flat(BasisPoints(15)),
        Buffer::default(),
    ] {
        let text = serde_json::to_string(&priced).unwrap();
        assert_eq!(serde_json::from_str::<Buffer>(&text).unwrap(), priced, "{text}");
    }
    let text = serde_json::to_value(price(Lock::OneDay, SATURDAY, sigma(2_713_405))).unwrap();
    assert_eq!((&text["sigma"], &text["k"]), (&"0.002713405".into(), &"2.2".into()));
}
