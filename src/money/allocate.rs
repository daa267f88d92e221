//! Dividing a whole so that the parts sum to it, to the minor unit.
//!
//! All three policies are sign-symmetric (a refund's parts mirror its charge's), give nothing to a zero weight, and
//! depend only on the order of the weights, never on hashing or time.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Money;

/// Who gets the minor units that rounding down leaves over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocationPolicy {
    /// One each to the largest fractions; ties to the earlier part.
    #[default]
    LargestRemainder,
    /// One each from the first part on.
    FloorThenFirst,
    /// None of the parts: they stay with the platform, which is the caller's rest.
    PlatformTakesRemainder,
}

/// Why a whole cannot be divided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// A weight below zero.
    #[error("weight {0} is negative")]
    NegativeWeight(Decimal),
    /// Nothing to divide by.
    #[error("the weights sum to zero, but {0} is to be divided")]
    NoWeight(Money),
    /// More digits than exact arithmetic holds.
    #[error("the weights have too many digits")]
    TooPrecise,
}

/// Divides `whole` by `weights`. The parts, in the order of the weights, and what is left over: zero for the first two
/// policies, less than one minor unit per part for [`AllocationPolicy::PlatformTakesRemainder`].
///
/// # Errors
/// [`AllocateError`].
///
/// ```
/// use straits::money::{allocate, AllocationPolicy, Currency, Money};
/// let whole = Money::parse("0.99", Currency::find("SGD")?)?;
/// let (parts, rest) = allocate(whole, &[1.into(); 5], AllocationPolicy::LargestRemainder)?;
/// assert_eq!(parts.iter().map(|part| part.minor()).collect::<Vec<_>>(), [20, 20, 20, 20, 19]);
/// assert!(rest.is_zero());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn allocate(
    whole: Money,
    weights: &[Decimal],
    policy: AllocationPolicy,
) -> Result<(Vec<Money>, Money), AllocateError> {
    if let Some(negative) = weights.iter().find(|weight| weight.is_sign_negative() && !weight.is_zero()) {
        return Err(AllocateError::NegativeWeight(*negative));
    }
    let weights = integers(weights).ok_or(AllocateError::TooPrecise)?;
    let total: u128 = weights.iter().sum();
    if total == 0 {
        let nothing = vec![Money::zero(whole.currency()); weights.len()];
        return if whole.is_zero() { Ok((nothing, whole)) } else { Err(AllocateError::NoWeight(whole)) };
    }
    let magnitude = u128::from(whole.minor().unsigned_abs());
    let mut parts = Vec::with_capacity(weights.len());
    let mut fractions = Vec::with_capacity(weights.len());
    for weight in &weights {
        let product = magnitude.checked_mul(*weight).ok_or(AllocateError::TooPrecise)?;
        parts.push(product / total);
        fractions.push(product % total);
    }
    let mut left = magnitude - parts.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&index| weights[index] > 0).collect();
    match policy {
        // A stable sort: equal fractions stay in the order of the parts.
        AllocationPolicy::LargestRemainder => order.sort_by(|&a, &b| fractions[b].cmp(&fractions[a])),
        AllocationPolicy::FloorThenFirst => {}
        AllocationPolicy::PlatformTakesRemainder => order.clear(),
    }
    for index in order {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    let signed = |minor: u128| {
        // Every part is at most the whole, which came from an i64.
        let minor = i64::try_from(minor).unwrap_or(i64::MAX);
        Money::from_minor(if whole.is_negative() { -minor } else { minor }, whole.currency())
    };
    Ok((parts.into_iter().map(signed).collect(), signed(left)))
}

/// The weights as whole numbers of the finest decimal among them.
fn integers(weights: &[Decimal]) -> Option<Vec<u128>> {
    let scale = weights.iter().map(|weight| weight.normalize().scale()).max().unwrap_or(0);
    let factor = Decimal::from_i128_with_scale(10_i128.checked_pow(scale)?, 0);
    weights
        .iter()
        .map(|weight| weight.checked_mul(factor)?.normalize().to_u128().filter(|&w| w < 1 << 64))
        .collect()
}
