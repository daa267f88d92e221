//! The figures of one text of a rule. What was taxed under them goes back under them, whatever holds by then.

use rust_decimal::Decimal;

use crate::money::{Money, MoneyError, Percent, Rounding};

/// Under what something was taxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxText {
    /// Which text of the rule: of all that it says.
    pub version: String,
    /// Of the base.
    pub percent: Percent,
    /// The part of the gross sale that is the base.
    pub share_of_base: Decimal,
    /// Of the whole period's tax.
    pub rounding: Rounding,
}

impl TaxText {
    /// The tax on a base, rounded once; below zero of a base below zero.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn tax(&self, base: Money) -> Result<Money, MoneyError> {
        // Both have at most four decimals, so that their product has the eight that a percentage takes.
        let percent = self.percent.fraction() * self.share_of_base * Decimal::ONE_HUNDRED;
        let too_large = |_| MoneyError::TooLarge { currency: base.currency() };
        let percent = Percent::try_new(percent).map_err(too_large)?;
        Ok(base.percent(percent)?.round(self.rounding))
    }

    /// The same as people read it: `1 % of 0.5 × 10000.00 = 50.00`.
    pub fn explain(&self, base: Money, tax: Money) -> String {
        let share = self.share_of_base.normalize();
        let share = if share == Decimal::ONE { String::new() } else { format!("{share} × ") };
        format!("{} of {share}{} = {}", self.percent, base.amount(), tax.amount())
    }
}
