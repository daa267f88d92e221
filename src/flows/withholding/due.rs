//! What is to be withheld from a supplier's next payout.

use chrono::NaiveDate;

use crate::domain::merchants::Supplier;
use crate::domain::statements::Period;
use crate::domain::withholding::{Accounted, SupplierClass, TaxPeriod, TaxRule, Withheld, accrue};
use crate::money::Currency;

use super::{Withholding, WithholdingError};

impl Withholding {
    /// By every rule in force today; a draft that is booked in a later period counts in that one.
    ///
    /// # Errors
    /// [`WithholdingError`].
    pub(in crate::flows) async fn due(
        &self,
        supplier: &Supplier,
        class: Option<SupplierClass>,
        currency: Currency,
    ) -> Result<Vec<Withheld>, WithholdingError> {
        let mut taxes = Vec::new();
        if self.rules.is_empty() {
            return Ok(taxes);
        }
        let today = self.today(supplier.merchant).await?;
        for rule in self.rules.of(&supplier.country, today.from()) {
            let turnover = self.store.withholding_turnover(supplier.id, currency, None).await?;
            if turnover.nth == 0 {
                continue;
            }
            let period = TaxPeriod::of(rule.period, today.from());
            let place = (supplier.id, currency);
            let before = match self.store.withholding_accounted(place, rule, period).await? {
                Some(before) => before,
                None => self.before(rule, supplier, currency, today).await?,
            };
            taxes.extend(accrue(rule, class, period, &turnover, &before)?);
        }
        Ok(taxes)
    }

    /// A rule's beginning: what was sold before it held is not its base.
    async fn before(
        &self,
        rule: &TaxRule,
        supplier: &Supplier,
        currency: Currency,
        today: Period,
    ) -> Result<Accounted, WithholdingError> {
        let begins = |first: NaiveDate| Period::try_new(first, first, today.zone()).map(Period::begins_at);
        // The first text of a rule counts: a later one goes on with its turnover.
        let first = self.rules.begins(&rule.name).unwrap_or(rule.from);
        let begins = begins(first).map_err(|error| WithholdingError::Broken(error.to_string()))?;
        let turnover = self.store.withholding_turnover(supplier.id, currency, Some(begins)).await?;
        Ok(Accounted::from(turnover))
    }
}
