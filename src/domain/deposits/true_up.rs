//! The fee as accrued against the fee as charged: rounding of a batch, or drift of the contract.

use crate::domain::ledger::journal::TruedUp;
use crate::money::{Money, MoneyError};

/// What was accrued for the captures of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accrued {
    /// Fee without tax.
    pub fee: Money,
    /// Tax on it.
    pub tax: Money,
    /// How many captures had one.
    pub lines: u32,
}

/// What a difference of fees is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeDifference {
    /// None.
    None,
    /// Each line was rounded by itself, the batch once: less than a minor unit for each line.
    Rounding(Money),
    /// The contract is not what the gateway charges.
    Drift(Money),
}

/// Compares, and says what is posted.
///
/// # Errors
/// [`MoneyError`] when the amounts are of different currencies.
pub fn compare(
    accrued: Accrued,
    fee: Money,
    tax: Money,
    jurisdiction: &str,
) -> Result<(TruedUp<'_>, FeeDifference), MoneyError> {
    let difference = fee.checked_sub(accrued.fee)?;
    let is_rounding = difference.minor().unsigned_abs() < u64::from(accrued.lines);
    let what = match (difference.is_zero(), is_rounding) {
        (true, _) => FeeDifference::None,
        (false, true) => FeeDifference::Rounding(difference),
        (false, false) => FeeDifference::Drift(difference),
    };
    let trued_up = TruedUp {
        accrued: accrued.fee.checked_add(accrued.tax)?,
        difference,
        is_rounding,
        tax_difference: tax.checked_sub(accrued.tax)?,
        jurisdiction,
    };
    Ok((trued_up, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn sgd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("SGD").unwrap())
    }

    #[test]
    fn less_than_a_minor_unit_for_each_line_is_rounding() {
        for (fee, lines, what) in [
            (90, 5, FeeDifference::None),
            (92, 5, FeeDifference::Rounding(sgd(2))),
            (94, 5, FeeDifference::Rounding(sgd(4))),
            (95, 5, FeeDifference::Drift(sgd(5))),
            (86, 5, FeeDifference::Rounding(sgd(-4))),
            (85, 5, FeeDifference::Drift(sgd(-5))),
            (91, 1, FeeDifference::Drift(sgd(1))),
            (1, 0, FeeDifference::Drift(sgd(-89))),
        ] {
            let accrued = Accrued { fee: sgd(90), tax: sgd(8), lines };
            let (posted, seen) = compare(accrued, sgd(fee), sgd(9), "SG").unwrap();
            assert_eq!(seen, what, "{fee} over {lines}");
            assert_eq!(posted.charged(), sgd(fee).checked_add(sgd(9)));
        }
    }
}
