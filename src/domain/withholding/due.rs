//! What is withheld with a payout: the tax on the period's base so far, less what the period has had of it, less a credit.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError, Percent, Rounding};

use super::accounted::{Accounted, Basis, Refunded};
use super::period::TaxPeriod;
use super::rule::{SupplierClass, TaxRule};
use super::text::TaxText;
use super::turnover::Turnover;

#[cfg(test)]
mod tests;

/// One rule's tax on one payout, as a plan shows it and as it is written down with the payout. What goes back of sales that
/// another text taxed is one of its own, of no sales.
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
    /// To the currency's minor unit.
    #[serde(default)]
    pub rounding: Rounding,
    /// Whether the supplier is meant.
    #[serde(default)]
    pub concerned: bool,
    /// The period of the payout.
    #[schema(value_type = String, example = "2026-Q4")]
    pub period: TaxPeriod,
    /// The how manieth accounting of this supplier, rule and currency.
    pub nth: i64,
    /// Gross sales that were not accounted for before.
    pub sold: Money,
    /// Refunds that were not, of these and of what was taxed under this text; where the supplier is exempt, of untaxed sales.
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
    /// Of which row on its sales are, exclusive.
    #[serde(default)]
    pub turnover_after: i64,
    /// Up to which row of the turnover all is accounted for with this.
    #[serde(default)]
    pub turnover_nth: i64,
    /// The arithmetic.
    #[schema(example = "1 % of 0.5 × 10000.00 = 50.00")]
    pub explain: String,
}

/// What one accounting takes under one text.
struct Share {
    text: TaxText,
    concerned: bool,
    sold: Money,
    refunded: Money,
    base: Money,
    due: Money,
    /// Behind which row of the turnover its sales are.
    after: i64,
    explain: String,
}

/// What a rule takes of a turnover, with the new `refunds` of it; nothing where all of it is accounted for. What gives back
/// comes first, so that it lowers what the other texts take.
///
/// # Errors
/// [`MoneyError`] when a sum does not fit.
pub fn accrue(
    rule: &TaxRule,
    class: Option<SupplierClass>,
    period: TaxPeriod,
    turnover: &Turnover,
    refunds: &[Refunded],
    before: &Accounted,
) -> Result<Vec<Withheld>, MoneyError> {
    if turnover.nth == before.turnover.nth {
        return Ok(vec![]);
    }
    let mut shares = shares(rule.text(), rule.concerns(class), turnover, refunds, before)?;
    shares.sort_by_key(|share| share.due.minor());
    let zero = Money::zero(turnover.sold.currency());
    let (mut taxes, mut credit, mut nth) = (Vec::new(), before.credit, before.nth);
    for share in shares {
        let left = share.due.checked_sub(credit)?;
        let (credit_before, withheld) = (credit, left.max(zero)?);
        credit = left.negated().max(zero)?;
        nth += 1;
        let mut explain = share.explain;
        if share.concerned && !credit_before.is_zero() {
            explain.push_str(&format!(", less {} credit", credit_before.amount()));
        }
        taxes.push(Withheld {
            authority: rule.authority.clone(),
            rule: rule.name.clone(),
            version: share.text.version,
            percent: share.text.percent,
            share_of_base: share.text.share_of_base,
            rounding: share.text.rounding,
            concerned: share.concerned,
            period,
            nth,
            sold: share.sold,
            refunded: share.refunded,
            base: share.base,
            due: share.due,
            credit_before,
            withheld,
            credit,
            sold_total: turnover.sold,
            refunded_total: turnover.refunded,
            turnover_after: share.after,
            turnover_nth: turnover.nth,
            explain,
        });
    }
    Ok(taxes)
}

/// One share for what is new, one for each other text that something goes back of.
fn shares(
    text: TaxText,
    concerned: bool,
    turnover: &Turnover,
    refunds: &[Refunded],
    before: &Accounted,
) -> Result<Vec<Share>, MoneyError> {
    let zero = Money::zero(turnover.sold.currency());
    let (mut new, mut untaxed, mut taxed) = (zero, zero, BTreeMap::new());
    for refund in refunds {
        let sum = match &refund.basis {
            Basis::New => &mut new,
            Basis::Untaxed => &mut untaxed,
            Basis::Taxed(text) => &mut taxed.entry(text.version.clone()).or_insert((text.clone(), zero)).1,
        };
        *sum = sum.checked_add(refund.amount)?;
    }
    let own = match concerned {
        true => taxed.remove(&text.version).map_or(zero, |(_, amount)| amount),
        false => untaxed,
    };
    let (sold, refunded) = (turnover.sold.checked_sub(before.turnover.sold)?, new.checked_add(own)?);
    let mut shares = match concerned {
        true => {
            let base = sold.checked_sub(refunded)?;
            let (due, mut explain) = reckoned(&text, base, before)?;
            if !untaxed.is_zero() {
                explain.push_str(&format!(", nothing of {} refunded that was not taxed", untaxed.amount()));
            }
            vec![Share { text, concerned, sold, refunded, base, due, after: before.turnover.nth, explain }]
        }
        false => {
            let (after, explain) = (before.turnover.nth, "exempt".to_owned());
            vec![Share { text, concerned, sold, refunded, base: zero, due: zero, after, explain }]
        }
    };
    for (text, refunded) in taxed.into_values().filter(|(_, amount)| !amount.is_zero()) {
        let base = refunded.negated();
        let (due, explain) = reckoned(&text, base, before)?;
        let explain = format!("{explain}, refunded of what was taxed so");
        shares.push(Share {
            text,
            concerned: true,
            sold: zero,
            refunded,
            base,
            due,
            after: turnover.nth,
            explain,
        });
    }
    Ok(shares)
}

/// The tax on the period's base under a text with this, less what the period has had of it; and the arithmetic.
fn reckoned(text: &TaxText, base: Money, before: &Accounted) -> Result<(Money, String), MoneyError> {
    let had = before.under(text);
    let whole = had.base.checked_add(base)?;
    let tax = text.tax(whole)?;
    let mut explain = text.explain(whole, tax);
    if !had.due.is_zero() {
        explain.push_str(&format!(", less {} before", had.due.amount()));
    }
    Ok((tax.checked_sub(had.due)?, explain))
}

impl Withheld {
    /// The sum of what is withheld by several rules.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn sum(currency: Currency, taxes: &[Withheld]) -> Result<Money, MoneyError> {
        Money::sum(currency, taxes.iter().map(|tax| tax.withheld))
    }

    /// Whether what is new is accounted for with this one, not only what goes back under another text.
    pub fn has_the_new(&self) -> bool {
        self.turnover_after < self.turnover_nth
    }

    /// The number of its rule's first accounting among these: the others follow it.
    pub fn first_of_rule(&self, among: &[Withheld]) -> i64 {
        let same = among.iter().filter(|tax| tax.rule == self.rule);
        same.map(|tax| tax.nth).min().unwrap_or(self.nth)
    }
}
