//! A conversion that is done later: it had to wait for a rate, or for the moment whose rate binds.

use crate::domain::merchants::FxPoint;
use crate::ids::SupplierId;
use crate::money::{BasisPoints, Money, Rate};

use super::conversion::Conversion;
use super::line::{Line, LineKind};
use super::settle::SettlementError;
use super::settled::Settlement;

impl Settlement {
    /// A conversion that had to wait is done: it joins the lines and is no longer pending. What `refunded` took of the
    /// share meanwhile, and what was converted before, is not converted; `None` when that was all of it.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub fn convert_pending(
        &mut self,
        supplier: SupplierId,
        mid: Rate,
        spread: BasisPoints,
        refunded: Money,
        point: FxPoint,
    ) -> Result<Option<Conversion>, SettlementError> {
        let of = |line: &Line| line.kind == LineKind::Share && line.to == supplier.to_string();
        let share = self.lines.iter().find(|line| of(line));
        let version = share.map_or_else(String::new, |line| line.rule_version.clone());
        let zero = Money::zero(self.shared_currency());
        let from = share.map_or(zero, |line| line.amount).checked_sub(refunded)?;
        self.pending_conversions.retain(|waiting| *waiting != supplier);
        if !from.is_positive() {
            return Ok(None);
        }
        let conversion = Conversion::of(supplier, from, mid, spread)?;
        self.lines.push(conversion.line(&version, point));
        self.conversions.push(conversion.clone());
        Ok(Some(conversion))
    }
}
