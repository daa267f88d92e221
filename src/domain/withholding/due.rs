//! What is withheld with a payout: the tax on the period's base so far, less what the period has had of it, less a credit.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError, Percent};

use super::period::TaxPeriod;
use super::rule::{SupplierClass, TaxRule};
use super::turnover::Turnover;

/// How far a supplier's turnover is accounted for under one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounted {
    /// How often.
    pub nth: i64,
    /// Sales up to here.
    pub sold: Money,
    /// Refunds up to here.
    pub refunded: Money,
    /// What was withheld too much and is not yet set against anything.
    pub credit: Money,
    /// Base accounted for in the period.
    pub base_of_period: Money,
    /// Tax on it.
    pub due_of_period: Money,
}

impl Accounted {
    /// Nothing yet; what was counted before the rule held is none of its base.
    pub fn from(turnover: Turnover) -> Accounted {
        let zero = Money::zero(turnover.sold.currency());
        let (sold, refunded) = (turnover.sold, turnover.refunded);
        Accounted { nth: 0, sold, refunded, credit: zero, base_of_period: zero, due_of_period: zero }
    }
}

/// One rule's tax on one payout, as a plan shows it and as it is written down with the payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Withheld {
    /// Who is owed it.
    #[schema(example = "BIR")]
    pub authority: String,
    /// By which rule of the table.
    #[schema(example = "ph-remittance")]
    pub rule: String,
    /// Of which text.
    #[schema(example = "3f2a9b1c0d4e")]
    pub version: String,
    /// Of the base.
    pub percent: Percent,
    /// The part of the gross sale that is the base.
    #[serde(with = "rust_decimal::serde::str")]
    #[schema(value_type = String, example = "0.5")]
    pub share_of_base: Decimal,
    /// The period of the payout.
    #[schema(value_type = String, example = "2026-Q4")]
    pub period: TaxPeriod,
    /// The how manieth accounting of this supplier, rule and currency.
    pub nth: i64,
    /// Gross sales that were not accounted for before.
    pub sold: Money,
    /// Refunds that were not.
    pub refunded: Money,
    /// The difference; zero where the supplier is exempt.
    pub base: Money,
    /// The tax on the period's base with this, less what the period had of it before.
    pub due: Money,
    /// What had been withheld too much.
    pub credit_before: Money,
    /// What is withheld: due less the credit, never below zero.
    pub withheld: Money,
    /// What is too much from now on.
    pub credit: Money,
    /// All sales that are accounted for with this.
    pub sold_total: Money,
    /// All refunds.
    pub refunded_total: Money,
    /// The arithmetic.
    #[schema(example = "1 % of 0.5 × 10000.00 = 50.00")]
    pub explain: String,
}

/// What a rule takes of a turnover; nothing where all of it is accounted for.
///
/// # Errors
/// [`MoneyError`] when a sum does not fit.
pub fn accrue(
    rule: &TaxRule,
    class: Option<SupplierClass>,
    period: TaxPeriod,
    turnover: &Turnover,
    before: &Accounted,
) -> Result<Option<Withheld>, MoneyError> {
    let sold = turnover.sold.checked_sub(before.sold)?;
    let refunded = turnover.refunded.checked_sub(before.refunded)?;
    if sold.is_zero() && refunded.is_zero() {
        return Ok(None);
    }
    let zero = Money::zero(sold.currency());
    let concerned = rule.concerns(class);
    let base = if concerned { sold.checked_sub(refunded)? } else { zero };
    let base_of_period = before.base_of_period.checked_add(base)?;
    let tax = rule.tax(base_of_period)?;
    let due = if concerned { tax.checked_sub(before.due_of_period)? } else { zero };
    let left = due.checked_sub(before.credit)?;
    let (withheld, credit) = (left.max(zero)?, left.negated().max(zero)?);
    let share = rule.share_of_base.normalize();
    let explain = match concerned {
        false => "exempt".to_owned(),
        true => {
            let mut text = format!("{} of ", rule.percent);
            if share != Decimal::ONE {
                text.push_str(&format!("{share} × "));
            }
            text.push_str(&format!("{} = {}", base_of_period.amount(), tax.amount()));
            for (what, amount) in [("before", before.due_of_period), ("credit", before.credit)] {
                if !amount.is_zero() {
                    text.push_str(&format!(", less {} {what}", amount.amount()));
                }
            }
            text
        }
    };
    Ok(Some(Withheld {
        authority: rule.authority.clone(),
        rule: rule.name.clone(),
        version: rule.version(),
        percent: rule.percent,
        share_of_base: share,
        period,
        nth: before.nth + 1,
        sold,
        refunded,
        base,
        due,
        credit_before: before.credit,
        withheld,
        credit,
        sold_total: turnover.sold,
        refunded_total: turnover.refunded,
        explain,
    }))
}

impl Withheld {
    /// The sum of what is withheld by several rules.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn sum(currency: Currency, taxes: &[Withheld]) -> Result<Money, MoneyError> {
        Money::sum(currency, taxes.iter().map(|tax| tax.withheld))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Cycle, TaxTable};
    use super::*;

    fn php(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("PHP").unwrap())
    }

    fn rule() -> TaxRule {
        TaxTable::shipped().rules()[0].clone()
    }

    /// One supplier through time: periods, then (sold, refunded) so far at each payout.
    struct Story(Turnover, Accounted, TaxPeriod);

    impl Story {
        fn new() -> Story {
            let none = Turnover::none(php(0).currency());
            Story(none, Accounted::from(none), period("2026-11-01"))
        }

        fn payout(
            &mut self,
            day: &str,
            sold: i64,
            refunded: i64,
            class: Option<SupplierClass>,
        ) -> (i64, i64) {
            let Story(turnover, before, last) = self;
            turnover.sold = turnover.sold.checked_add(php(sold)).unwrap();
            turnover.refunded = turnover.refunded.checked_add(php(refunded)).unwrap();
            if *last != period(day) {
                (before.base_of_period, before.due_of_period, *last) = (php(0), php(0), period(day));
            }
            let Some(tax) = accrue(&rule(), class, *last, turnover, before).unwrap() else { return (0, 0) };
            *before = Accounted {
                nth: tax.nth,
                sold: tax.sold_total,
                refunded: tax.refunded_total,
                credit: tax.credit,
                base_of_period: before.base_of_period.checked_add(tax.base).unwrap(),
                due_of_period: before.due_of_period.checked_add(tax.due).unwrap(),
            };
            (tax.withheld.minor(), tax.credit.minor())
        }
    }

    fn period(day: &str) -> TaxPeriod {
        TaxPeriod::of(Cycle::Quarter, day.parse().unwrap())
    }

    #[test]
    fn refunds_in_the_period_lower_it_and_later_ones_are_a_credit() {
        let mut story = Story::new();
        assert_eq!(story.payout("2026-11-02", 1_000_000, 0, None), (5_000, 0), "J29");
        assert_eq!(story.payout("2026-11-03", 0, 0, None), (0, 0), "nothing twice");
        assert_eq!(story.payout("2026-11-09", 0, 200_000, None), (0, 1_000), "too much by now");
        assert_eq!(
            story.payout("2026-11-16", 400_000, 0, None),
            (1_000, 0),
            "8,000 and 4,000 less what was had"
        );
        assert_eq!(
            story.payout("2026-11-20", 100_000, 100_000, None),
            (0, 0),
            "sold and refunded before it was paid"
        );
        assert_eq!(story.payout("2027-01-04", 0, 600_000, None), (0, 3_000), "a later period: a credit");
        assert_eq!(story.payout("2027-01-11", 1_000_000, 0, None), (2_000, 0), "which the next sale has");
        assert_eq!(story.payout("2027-04-01", 1_000_000, 0, Some(SupplierClass::Exempt)), (0, 0));
        assert_eq!(story.payout("2027-04-02", 100_000, 0, None), (500, 0), "what was exempt stays so");
    }

    #[test]
    fn the_arithmetic_is_told() {
        let turnover = Turnover { nth: 3, sold: php(1_200_000), refunded: php(200_000) };
        let before = Accounted {
            nth: 1,
            sold: php(1_000_000),
            refunded: php(0),
            credit: php(700),
            base_of_period: php(1_000_000),
            due_of_period: php(5_000),
        };
        let tax = accrue(&rule(), None, period("2026-11-02"), &turnover, &before).unwrap().unwrap();
        assert_eq!(tax.explain, "1 % of 0.5 × 10000.00 = 50.00, less 50.00 before, less 7.00 credit");
        assert_eq!((tax.due, tax.withheld, tax.credit, tax.nth), (php(0), php(0), php(700), 2));
    }

    proptest! {
        /// Whatever is sold and refunded, in one period: what was withheld less the credit is the tax on the base, as if it
        /// had been withheld at once; nothing is ever given back, and no step rounds away more than the last.
        #[test]
        fn steps_come_to_the_same_as_the_whole(steps in prop::collection::vec((0_i64..100_000, 0_i64..100_000), 1..20)) {
            let (mut story, mut withheld, mut credit) = (Story::new(), 0, 0);
            for &(sold, refunded) in &steps {
                let (more, left) = story.payout("2026-11-02", sold, refunded, None);
                prop_assert!(more >= 0 && left >= 0);
                withheld += more;
                if sold != 0 || refunded != 0 {
                    credit = left;
                }
            }
            let base: i64 = steps.iter().map(|(sold, refunded)| sold - refunded).sum();
            prop_assert_eq!(php(withheld - credit), rule().tax(php(base)).unwrap());
        }
    }
}
