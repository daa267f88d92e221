//! Dividing a whole so that the parts sum to it, to the minor unit.
//!
//! All three policies are sign-symmetric (a refund's parts mirror its charge's), give nothing to a zero weight, and
//! depend only on the order of the weights, never on hashing or time.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Money;

/// Who gets the minor units that rounding down leaves over.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
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
/// let refusal = allocate(whole, &[0.into()], AllocationPolicy::LargestRemainder).unwrap_err();
/// assert_eq!(refusal.to_string(), "the weights sum to zero, but SGD 0.99 is to be divided");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    const POLICIES: [AllocationPolicy; 3] = [
        AllocationPolicy::LargestRemainder,
        AllocationPolicy::FloorThenFirst,
        AllocationPolicy::PlatformTakesRemainder,
    ];

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    fn divide(minor: i64, weights: &[i64], policy: AllocationPolicy) -> (Vec<i64>, i64) {
        let weights: Vec<Decimal> = weights.iter().copied().map(Decimal::from).collect();
        let (parts, rest) = allocate(usd(minor), &weights, policy).unwrap();
        (parts.into_iter().map(Money::minor).collect(), rest.minor())
    }

    #[test]
    fn who_gets_the_rest() {
        #[rustfmt::skip]
        let table = [
            //  whole, weights,            largest,          first,            platform,         its rest
            (       5, vec![1, 1, 1],         vec![2, 2, 1],       vec![2, 2, 1],       vec![1, 1, 1],        2),
            (       1, vec![1, 98, 1],        vec![0, 1, 0],       vec![1, 0, 0],       vec![0, 0, 0],        1),
            (    1000, vec![333, 667, 9000],  vec![33, 67, 900],   vec![34, 66, 900],   vec![33, 66, 900],    1),
            (     100, vec![0, 1, 0],         vec![0, 100, 0],     vec![0, 100, 0],     vec![0, 100, 0],      0),
            (       2, vec![0, 1, 1, 1],      vec![0, 1, 1, 0],    vec![0, 1, 1, 0],    vec![0, 0, 0, 0],     2),
            (       0, vec![1, 2],            vec![0, 0],          vec![0, 0],          vec![0, 0],           0),
            (       7, vec![5],               vec![7],             vec![7],             vec![7],              0),
        ];
        for (whole, weights, largest, first, platform, rest) in table {
            let expected = [(largest, 0), (first, 0), (platform, rest)];
            for (policy, expected) in POLICIES.into_iter().zip(expected) {
                assert_eq!(divide(whole, &weights, policy), expected, "{whole} {weights:?} {policy:?}");
            }
        }
    }

    #[test]
    fn decimal_weights_are_exact() {
        let weights = ["33.3", "66.7", "0.00"].map(|text| text.parse().unwrap());
        let (parts, _) = allocate(usd(1000), &weights, AllocationPolicy::LargestRemainder).unwrap();
        assert_eq!(parts, [usd(333), usd(667), usd(0)]);
    }

    #[test]
    fn refusals() {
        let policy = AllocationPolicy::LargestRemainder;
        let largest = Decimal::from_i128_with_scale(1 << 64, 0);
        assert_eq!(allocate(usd(1), &[], policy), Err(AllocateError::NoWeight(usd(1))));
        assert_eq!(allocate(usd(1), &[Decimal::ZERO], policy), Err(AllocateError::NoWeight(usd(1))));
        assert_eq!(allocate(usd(0), &[Decimal::ZERO], policy), Ok((vec![usd(0)], usd(0))));
        let negative = Decimal::NEGATIVE_ONE;
        assert_eq!(allocate(usd(1), &[negative], policy), Err(AllocateError::NegativeWeight(negative)));
        assert_eq!(allocate(usd(1), &[largest], policy), Err(AllocateError::TooPrecise));
        assert_eq!(allocate(usd(1), &[Decimal::MAX], policy), Err(AllocateError::TooPrecise));
    }

    #[test]
    fn the_ends_of_the_range_divide_without_overflow() {
        for whole in [i64::MAX, -i64::MAX] {
            for policy in POLICIES {
                let weights = [Decimal::from(u64::MAX), Decimal::from(u64::MAX), Decimal::from(u64::MAX)];
                let (parts, rest) = allocate(usd(whole), &weights, policy).unwrap();
                let sum: i128 = parts.iter().map(|part| i128::from(part.minor())).sum();
                assert_eq!(sum + i128::from(rest.minor()), i128::from(whole));
            }
        }
    }

    fn weights() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(prop_oneof![Just(0_i64), 1_i64..=3, 1_i64..=1_000_000_000_000], 1..8)
            .prop_filter("something to divide by", |weights| weights.iter().any(|&weight| weight > 0))
    }

    proptest! {
        #[test]
        fn parts_and_rest_sum_to_the_whole(minor in -Money::INPUT_LIMIT..=Money::INPUT_LIMIT, weights in weights()) {
            for policy in POLICIES {
                let (parts, rest) = divide(minor, &weights, policy);
                prop_assert_eq!(parts.iter().sum::<i64>() + rest, minor);
                if policy == AllocationPolicy::PlatformTakesRemainder {
                    prop_assert!(rest.unsigned_abs() < weights.len() as u64);
                } else {
                    prop_assert_eq!(rest, 0);
                }
            }
        }

        #[test]
        fn a_refund_mirrors_its_charge(minor in 0..=Money::INPUT_LIMIT, weights in weights()) {
            for policy in POLICIES {
                let (charge, rest) = divide(minor, &weights, policy);
                let (refund, back) = divide(-minor, &weights, policy);
                prop_assert_eq!(charge.iter().map(|part| -part).collect::<Vec<_>>(), refund);
                prop_assert_eq!(-rest, back);
            }
        }

        #[test]
        fn nobody_is_further_than_one_unit_from_a_fair_part(minor in 0..=Money::INPUT_LIMIT, weights in weights()) {
            let total: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
            for policy in POLICIES {
                let (parts, _) = divide(minor, &weights, policy);
                for (part, weight) in parts.iter().zip(&weights) {
                    let floor = i128::from(minor) * i128::from(*weight) / total;
                    prop_assert!((0..=1).contains(&(i128::from(*part) - floor)));
                    prop_assert!(*weight > 0 || *part == 0, "a zero weight gets nothing");
                }
            }
        }

        #[test]
        fn only_order_and_proportion_of_the_weights_matter(minor in 0..=Money::INPUT_LIMIT, weights in weights(), factor in 1_i64..=1000) {
            let larger: Vec<i64> = weights.iter().map(|weight| weight * factor).collect();
            let mut with_zeros = weights.clone();
            with_zeros.insert(0, 0);
            with_zeros.push(0);
            for policy in POLICIES {
                let (parts, rest) = divide(minor, &weights, policy);
                prop_assert_eq!(&divide(minor, &larger, policy), &(parts.clone(), rest));
                let (padded, _) = divide(minor, &with_zeros, policy);
                prop_assert_eq!(&padded[1..=parts.len()], &parts[..]);
            }
        }
    }
}
