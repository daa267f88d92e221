//! Tax is withheld in the change that writes its payout down: once for each payout, whatever becomes of it after. What fails
//! or comes back leaves the tax withheld; its turnover is accounted for, so that the next payout withholds none of it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::domain::ledger::journal::{Fact, tax_withheld};
use crate::domain::payouts::{Line, Payout};
use crate::domain::withholding::{SupplierClass, TaxRules, Withheld};
use crate::ids::SupplierId;
use crate::money::Currency;
use crate::store::Change;
use crate::store::withholding::WithheldWith;

use super::{PayOutError, PayingOut};

/// What the taxes of a call's lines are held against when they are written down.
pub(super) struct TaxGround {
    /// How often each line's turnover was accounted for, by rule.
    accounted: BTreeMap<(SupplierId, String, Currency), i64>,
    /// What suppliers are to their tax offices.
    classes: BTreeMap<SupplierId, SupplierClass>,
    rules: Arc<TaxRules>,
    /// The merchant's day, whose period withheld tax is of.
    today: NaiveDate,
}

impl TaxGround {
    /// Why a line is not what it was approved as.
    pub(super) fn refuses(&self, line: &Line) -> Option<(&'static str, String)> {
        let why = line.taxes.iter().find_map(|tax| self.changed(line, tax))?;
        Some(("withholding_changed", why))
    }

    fn changed(&self, line: &Line, tax: &Withheld) -> Option<String> {
        // What was approved is the arithmetic of its period.
        if tax.period.cycle().period(self.today) != tax.period {
            return Some(format!("{}, of which tax under {} was reckoned, is over", tax.period, tax.rule));
        }
        let place = (line.supplier, tax.rule.clone(), tax.withheld.currency());
        let accounted = self.accounted.get(&place).copied().unwrap_or(0);
        if accounted + 1 != tax.first_of_rule(&line.taxes) {
            return Some(format!("tax under {} was withheld with another payout by now", tax.rule));
        }
        if tax.turnover_nth == 0 {
            return Some(format!("tax under {} was reckoned by a program before this one", tax.rule));
        }
        if !tax.has_the_new() {
            return None;
        }
        let rule = self.rules.in_force(&tax.rule, self.today).filter(|rule| rule.version() == tax.version);
        let Some(rule) = rule else { return Some(format!("{} has another text by now", tax.rule)) };
        let class = self.classes.get(&line.supplier).copied();
        (rule.concerns(class) != tax.concerned)
            .then(|| format!("what the supplier is to its tax office was changed: {} reckons anew", tax.rule))
    }
}

impl PayingOut {
    /// What the taxes of these lines are held against, on the merchant's day.
    pub(super) async fn tax_ground(
        &self,
        lines: &[&Line],
        classes: BTreeMap<SupplierId, SupplierClass>,
        today: NaiveDate,
    ) -> Result<TaxGround, PayOutError> {
        let mut accounted = BTreeMap::new();
        for line in lines {
            for tax in &line.taxes {
                let place = (line.supplier, tax.withheld.currency());
                let nth = self.0.store.withholding_nth(place, &tax.rule).await?;
                accounted.insert((line.supplier, tax.rule.clone(), place.1), nth);
            }
        }
        Ok(TaxGround { accounted, classes, rules: self.0.withholding.rules.clone(), today })
    }

    /// What was approved to be withheld with a payout, in the period of the day on which it is booked.
    pub(super) fn withhold(
        &self,
        change: &mut Change,
        line: &Line,
        payout: &Payout,
        today: NaiveDate,
    ) -> Result<(), PayOutError> {
        let subject = payout.id.to_string();
        let (ids, merchant, at) = (&self.0.ids, payout.merchant, payout.created_at);
        for tax in &line.taxes {
            let source = format!("{subject}/{}/{}", tax.rule, tax.nth);
            let fact = Fact { ids, merchant, source: &source, subject: &subject, at };
            let booked = tax_withheld(&fact, line.supplier, &tax.authority, tax.withheld);
            if let Some(transaction) = booked.map_err(PayOutError::unavailable)? {
                change.post(transaction);
            }
            let period = tax.period.cycle().period(today);
            let with = WithheldWith { merchant, supplier: line.supplier, payout: payout.id, period, at };
            change.insert_withheld(tax, &with);
        }
        Ok(())
    }
}
