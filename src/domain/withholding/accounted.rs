//! How far a turnover is accounted for, and as what: a refund counts against what its own sale was accounted for as.

use std::collections::BTreeMap;

use crate::money::Money;

use super::table::TaxRules;
use super::text::TaxText;
use super::turnover::Turnover;

/// How far a supplier's turnover is accounted for under one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounted {
    /// How often.
    pub nth: i64,
    /// The turnover up to here.
    pub turnover: Turnover,
    /// What was withheld too much and is not yet set against anything.
    pub credit: Money,
    /// What the period has had so far, by the version of the text.
    pub of_period: BTreeMap<String, OfPeriod>,
}

/// What a period has had under one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfPeriod {
    /// Base accounted for.
    pub base: Money,
    /// Tax on it.
    pub due: Money,
}

impl Accounted {
    /// Nothing yet; what was counted before the rule held is none of its base.
    pub fn from(turnover: Turnover) -> Accounted {
        let credit = Money::zero(turnover.sold.currency());
        Accounted { nth: 0, turnover, credit, of_period: BTreeMap::new() }
    }

    /// What the period has had under a text.
    pub fn under(&self, text: &TaxText) -> OfPeriod {
        let zero = Money::zero(self.credit.currency());
        self.of_period.get(&text.version).copied().unwrap_or(OfPeriod { base: zero, due: zero })
    }
}

/// What the sale of a refund was accounted for as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// It is as new as its refund.
    New,
    /// Of a supplier whom the rule did not mean, or from before the rule: nothing was withheld of it.
    Untaxed,
    /// Under this text.
    Taxed(TaxText),
}

impl Basis {
    /// With the table's own figures, where it still has the text: what an older program wrote down had no rounding.
    pub fn told_by(self, rules: &TaxRules) -> Basis {
        match self {
            Basis::Taxed(text) => Basis::Taxed(rules.text(&text.version).unwrap_or(text)),
            other => other,
        }
    }
}

/// New refunds of sales that were accounted for as the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunded {
    /// As what.
    pub basis: Basis,
    /// How much; below zero where more failed than was refunded.
    pub amount: Money,
}

#[cfg(test)]
mod tests {
    use super::super::TaxTable;
    use super::*;
    use crate::money::Rounding;

    #[test]
    fn a_text_that_the_table_still_has_is_told_by_it() {
        let table = TaxTable::shipped();
        let rules = TaxRules::appointed(table, &[table.rules()[0].authority.clone()]).unwrap();
        let text = table.rules()[0].text();
        let stored = TaxText { rounding: Rounding::Down, ..text.clone() };
        assert_eq!(Basis::Taxed(stored.clone()).told_by(&rules), Basis::Taxed(text));
        let gone = TaxText { version: "gone".into(), ..stored };
        assert_eq!(Basis::Taxed(gone.clone()).told_by(&rules), Basis::Taxed(gone));
        assert_eq!(Basis::Untaxed.told_by(&rules), Basis::Untaxed);
    }
}
