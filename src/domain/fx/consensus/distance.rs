//! How far two numbers are apart, and what a wrong one looks like.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::money::Rounding;

/// What a wrong number looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LooksLike {
    /// One divided by what was expected.
    Inverted,
    /// Ten, a hundred or a thousand times too large or too small.
    UnitError,
}

/// How far `value` is from `from`, in basis points of `from`, rounded half up; at most ±`i32::MAX`.
pub fn bps(value: Decimal, from: Decimal) -> Option<i32> {
    if from <= Decimal::ZERO {
        return None;
    }
    let relative = (value - from).checked_div(from)?.checked_mul(Decimal::from(10_000_u32))?;
    let edge = if relative > Decimal::ZERO { i32::MAX } else { -i32::MAX };
    Some(Rounding::HalfUp.apply(relative, 0).to_i32().unwrap_or(edge))
}

/// Whether `value` is more than `limit` basis points from `from`; exact.
pub(super) fn beyond(value: Decimal, from: Decimal, limit: u32) -> bool {
    let allowed = from.checked_mul(Decimal::from(limit));
    let distance = (value - from).abs().checked_mul(Decimal::from(10_000_u32));
    // What does not fit is far.
    allowed.zip(distance).is_none_or(|(allowed, distance)| distance > allowed)
}

/// What a number far from `expected` looks like.
pub(super) fn looks_like(value: Decimal, expected: Decimal, within_bps: u32) -> Option<LooksLike> {
    let one = value.checked_mul(expected)?;
    if !beyond(one, Decimal::ONE, within_bps) {
        return Some(LooksLike::Inverted);
    }
    let near = |power: u32| {
        let factor = Decimal::from(10_u32.pow(power));
        let scaled = [expected.checked_mul(factor), expected.checked_div(factor)];
        scaled.into_iter().flatten().any(|scaled| !beyond(value, scaled, within_bps))
    };
    (1..=4).any(near).then_some(LooksLike::UnitError)
}
