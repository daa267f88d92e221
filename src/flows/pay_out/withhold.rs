//! Tax is withheld in the change that writes its payout down: once for each payout, whatever becomes of it after. What fails
//! or comes back leaves the tax withheld; its turnover is accounted for, so that the next payout withholds none of it again.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::ledger::journal::{Fact, tax_withheld};
use crate::domain::payouts::{Line, Payout};
use crate::ids::SupplierId;
use crate::money::Currency;
use crate::store::Change;
use crate::store::withholding::WithheldWith;

use super::{PayOutError, PayingOut};

impl PayingOut {
    /// How often the turnovers of these lines were accounted for, by rule.
    pub(super) async fn taxed(
        &self,
        lines: &[&Line],
    ) -> Result<BTreeMap<(SupplierId, String, Currency), i64>, PayOutError> {
        let mut taxed = BTreeMap::new();
        for line in lines {
            for tax in &line.taxes {
                let place = (line.supplier, tax.withheld.currency());
                let nth = self.0.store.withholding_nth(place, &tax.rule).await?;
                taxed.insert((line.supplier, tax.rule.clone(), place.1), nth);
            }
        }
        Ok(taxed)
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
            let source = format!("{subject}/{}", tax.rule);
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
