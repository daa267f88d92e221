//! What is to be withheld from a supplier's next payout.

use chrono::NaiveDate;

use crate::domain::merchants::Supplier;
use crate::domain::statements::Period;
use crate::domain::withholding::{Accounted, Refunded, SupplierClass, TaxPeriod, TaxRule, Withheld, accrue};
use crate::ids::{MerchantId, SupplierId};
use crate::money::Currency;

use super::{Withholding, WithholdingError};

impl Withholding {
    /// The rules that act for this shop today in a merchant's zone; none asks nothing.
    ///
    /// # Errors
    /// [`WithholdingError`].
    pub(in crate::flows) async fn acting(
        &self,
        merchant: MerchantId,
    ) -> Result<Acting<'_>, WithholdingError> {
        let today = if self.rules.is_empty() { None } else { Some(self.today(merchant).await?) };
        Ok(Acting { flow: self, today })
    }
}

/// The rules that act on one day: what everybody of a draft is asked about under.
#[derive(Debug)]
pub(in crate::flows) struct Acting<'a> {
    flow: &'a Withholding,
    /// Of the merchant's zone; none where no rule acts here.
    today: Option<Period>,
}

impl Acting<'_> {
    /// What is to be withheld by every rule in force; a supplier of a country without one costs no question.
    ///
    /// # Errors
    /// [`WithholdingError`].
    pub(in crate::flows) async fn due(
        &self,
        supplier: &Supplier,
        class: Option<SupplierClass>,
        currency: Currency,
    ) -> Result<Vec<Withheld>, WithholdingError> {
        let (store, rules) = (&self.flow.store, &self.flow.rules);
        let mut taxes = Vec::new();
        let Some(today) = self.today else { return Ok(taxes) };
        let mut of_country = rules.of(&supplier.country, today.from()).peekable();
        if of_country.peek().is_none() {
            return Ok(taxes);
        }
        let place = (supplier.id, currency);
        let turnover = store.withholding_turnover(supplier.id, currency, None).await?;
        if turnover.nth == 0 {
            return Ok(taxes);
        }
        for rule in of_country {
            let period = TaxPeriod::of(rule.period, today.from());
            let before = match store.withholding_accounted(place, &rule.name, period).await? {
                Some(before) => before,
                None => self.before(rule, place, today).await?,
            };
            let new = before.turnover.nth..turnover.nth;
            let refunds = match new.is_empty() {
                true => vec![],
                false => store.withholding_refunded(place, &rule.name, new).await?,
            };
            let told = |refund: Refunded| Refunded { basis: refund.basis.told_by(rules), ..refund };
            let refunds: Vec<Refunded> = refunds.into_iter().map(told).collect();
            taxes.extend(accrue(rule, class, period, &turnover, &refunds, &before)?);
        }
        Ok(taxes)
    }

    /// A rule's beginning: what was sold before it held is not its base.
    async fn before(
        &self,
        rule: &TaxRule,
        (supplier, currency): (SupplierId, Currency),
        today: Period,
    ) -> Result<Accounted, WithholdingError> {
        let begins = |first: NaiveDate| Period::try_new(first, first, today.zone()).map(Period::begins_at);
        // The first text of a rule counts: a later one goes on with its turnover.
        let first = self.flow.rules.begins(&rule.name).unwrap_or(rule.from);
        let begins = begins(first).map_err(|error| WithholdingError::Broken(error.to_string()))?;
        let turnover = self.flow.store.withholding_turnover(supplier, currency, Some(begins)).await?;
        Ok(Accounted::from(turnover))
    }
}
