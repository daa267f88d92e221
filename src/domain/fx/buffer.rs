//! What a promise costs: how far the market may move while we are bound, and what a closed market may do in its gap.
//!
//! `max(floor, ⌈k·σ·√((lock + lag) / day)⌉)`, held at the cap, plus the weekend premium. The lag is the time from the
//! shopper's payment to our own deal. The product is rounded once, up, to whole basis points; everything in it is
//! shown, so that each point can be recomputed. k belongs to the share of promises that the buffer is meant to cover,
//! counted over moves in both directions: a pair is quoted both ways, and a shopper who waits chooses the moment.
//!
//! | history | buffer |
//! |---|---|
//! | enough | as above |
//! | of a pair that never moved (a peg) | the floor; no weekend premium |
//! | too little | the lock's default of the settings, plus the weekend premium |
//! | none needed, within one currency | none |
//!
//! The premium is due while the market is closed and when lock or lag run into its closed time, whichever the length.
//! At the cap a promise is held at the cap and says so (`hold`), or is not made (`refuse`).

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::policy::{AtCap, BufferPolicy};
use super::volatility::{UNIT, Volatility, root_up};
use super::{Lock, week};
use crate::money::BasisPoints;

/// Seconds in a day.
const DAY_S: u64 = 86_400;

/// A promise's buffer, opened to its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Buffer {
    /// Where the number comes from.
    pub source: BufferSource,
    /// ⌈k·σ·√(horizon)⌉; the lock's default where there is too little history. Before floor and cap.
    pub volatility_bps: u32,
    /// The least; applies where it is above `volatility_bps`.
    pub floor_bps: u32,
    /// The most; nothing where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cap_bps: Option<u32>,
    /// Whether it is held at the cap: the promise covers less than its target.
    #[serde(default)]
    pub capped: bool,
    /// For the time the market is closed.
    pub weekend_bps: u32,
    /// σ of one day of open market, as a fraction: `"0.002713405"`.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "rust_decimal::serde::str_option")]
    #[schema(value_type = Option<String>, example = "0.002713405")]
    pub sigma: Option<Decimal>,
    /// How many σ.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "rust_decimal::serde::str_option")]
    #[schema(value_type = Option<String>, example = "2.2")]
    pub k: Option<Decimal>,
    /// The share of promises it is meant to cover, in percent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target_percent: Option<u8>,
    /// Seconds of the lock.
    pub lock_s: u64,
    /// Seconds from the payment to our own deal.
    pub lag_s: u64,
    /// Publications that σ was made of, less one.
    pub history_days: u32,
}

/// Where a buffer comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BufferSource {
    /// Nothing is converted.
    #[default]
    None,
    /// The pair's own history.
    History,
    /// The lock's default: too little history.
    Default,
}

/// The pair moves too much for a promise this long: 422 `lock_too_long`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a promise for {} would need {needed_bps} basis points, above the cap of {cap_bps}; ask for a shorter lock",
    lock.as_str()
)]
pub struct LockTooLong {
    /// The lock asked for.
    pub lock: Lock,
    /// What it would cost.
    pub needed_bps: u32,
    /// The most it may.
    pub cap_bps: u32,
}

impl Buffer {
    /// What a promise from `now` costs in a pair of this volatility.
    ///
    /// # Errors
    /// [`LockTooLong`] where the cap refuses.
    pub fn price(
        policy: &BufferPolicy,
        lock: Lock,
        now: DateTime<Utc>,
        volatility: Option<Volatility>,
    ) -> Result<Buffer, LockTooLong> {
        let settings = &policy.volatility;
        let target = policy.coverage.target(lock);
        let k = policy.coverage.k(target);
        let lag_s = u64::from(settings.settlement_lag_min) * 60;
        let lock_s = lock.duration().num_seconds().unsigned_abs();
        let needed_bps = match volatility {
            Some(volatility) => points(k.thousandths(), volatility.sigma, lock_s + lag_s),
            None => u32::try_from(policy.defaults.of(lock).0).unwrap_or(0),
        };
        let cap_bps = u32::from(settings.cap_bps);
        let capped = needed_bps > cap_bps;
        if capped && settings.at_cap == AtCap::Refuse {
            return Err(LockTooLong { lock, needed_bps, cap_bps });
        }
        let fixed = volatility.is_some_and(|found| found.sigma == 0);
        let until = now + TimeDelta::seconds(i64::try_from(lock_s + lag_s).unwrap_or(i64::MAX / 1_000));
        let weekend = !fixed && week::meets_closed(now, until);
        Ok(Buffer {
            source: if volatility.is_some() { BufferSource::History } else { BufferSource::Default },
            volatility_bps: needed_bps,
            floor_bps: u32::from(settings.floor_bps).min(cap_bps),
            cap_bps: Some(cap_bps),
            capped,
            weekend_bps: if weekend { u32::from(policy.weekend.bps) } else { 0 },
            sigma: volatility.map(Volatility::fraction),
            k: volatility.map(|_| k.value()),
            target_percent: volatility.map(|_| target.percent()),
            lock_s,
            lag_s,
            history_days: volatility.map_or(0, |found| found.moves),
        })
    }

    /// One of so many points, of which nothing more is known.
    pub fn flat(points: BasisPoints) -> Buffer {
        let volatility_bps = u32::try_from(points.0).unwrap_or(0);
        let source = if volatility_bps == 0 { BufferSource::None } else { BufferSource::Default };
        Buffer { source, volatility_bps, ..Buffer::default() }
    }

    /// All of it: floor and cap applied, the weekend on top.
    pub fn total(&self) -> BasisPoints {
        let held = self.volatility_bps.max(self.floor_bps).min(self.cap_bps.unwrap_or(u32::MAX));
        BasisPoints(i32::try_from(held.saturating_add(self.weekend_bps)).unwrap_or(i32::MAX))
    }
}

/// ⌈k·σ·√(seconds / day)⌉ in basis points, with one rounding: the smallest b with b² · 10⁶ · day · 10¹⁰ ≥ (k·σ)² · s, k in
/// thousandths and σ in 10⁻⁹. Fits 128 bits for k ≤ 100, σ ≤ 10 and horizons of ten years.
pub(super) fn points(k_thousandths: u32, sigma: u64, seconds: u64) -> u32 {
    // σ in 10⁻⁹ is 10⁻⁵ basis points.
    let per_point = u128::from(UNIT / 10_000) * 1_000;
    let reach = (u128::from(k_thousandths) * u128::from(sigma)).pow(2) * u128::from(seconds);
    let unit = per_point.pow(2) * u128::from(DAY_S);
    u32::try_from(root_up(reach.div_ceil(unit))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
