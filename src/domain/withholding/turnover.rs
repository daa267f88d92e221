//! A supplier's gross sales as tax sees them: what shoppers were charged for its part of a payment, before the gateway's
//! fee, commission and their taxes; what payers bear of a fee is part of what they were charged.
//!
//! A sale counts when it is released, less what was refunded of it until then; later refunds lower it when they are
//! decided, a refund that fails gives back. Charge-backs lower nothing: no goods came back, and the rules speak of returns.
//! A sale in another currency than the one the supplier is paid in counts at the settlement's own rates (the gateway's,
//! mid of ours), the whole payment rounded once, half up, so that what is refunded in parts sums to what was sold.

use serde::{Deserialize, Serialize};

use crate::domain::refunds::Refund;
use crate::domain::settlement::{Settlement, SettlementError};
use crate::ids::{PaymentId, SupplierId};
use crate::money::{Currency, Money, MoneyError, Rate, Rounding};

/// What stands of a sale for one supplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gross {
    /// What the payer was charged for its part and has not got back, in the payment's currency.
    pub charged: Money,
    /// The same in the currency the supplier is paid in.
    pub base: Money,
}

/// What stands of a supplier's part in a payment after these refunds.
///
/// # Errors
/// [`SettlementError`] when an amount does not fit.
pub fn gross_of(
    settlement: &Settlement,
    refunds: &[Refund],
    supplier: SupplierId,
) -> Result<Gross, SettlementError> {
    let own = |index: usize| settlement.parts.get(index).is_some_and(|part| part.supplier == Some(supplier));
    let mut charged = Money::zero(settlement.gross.currency());
    for (_, part) in settlement.parts.iter().enumerate().filter(|(index, _)| own(*index)) {
        charged = charged.checked_add(part.charged)?;
    }
    for refund in refunds {
        for (_, part) in refund.parts.iter().enumerate().filter(|(index, _)| own(*index)) {
            charged = charged.checked_sub(part.charged)?;
        }
    }
    let converted = settlement.conversions.iter().find(|conversion| conversion.supplier == supplier);
    let by_gateway = settlement.received.as_ref().map(|received| (received.rate, received.to.currency()));
    let by_us = converted.map(|conversion| (conversion.mid, conversion.paid.currency()));
    let steps: Vec<_> = by_gateway.into_iter().chain(by_us).collect();
    let Some((_, last)) = steps.last() else { return Ok(Gross { charged, base: charged }) };
    let value = steps.iter().map(|(rate, _)| *rate).product();
    let rate = Rate::try_new(charged.currency(), *last, value)?;
    Ok(Gross { charged, base: rate.convert(charged)?.round(Rounding::HalfUp) })
}

/// What moved a turnover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaleKind {
    /// A sale became available.
    Sale,
    /// A refund of a counted sale was decided; below zero where one failed.
    Refund,
}

/// A supplier's turnover in one currency: everything that was ever counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turnover {
    /// How many rows it is the sum of.
    pub nth: i64,
    /// Sales.
    pub sold: Money,
    /// Refunds of them.
    pub refunded: Money,
}

/// One row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whose.
    pub supplier: SupplierId,
    /// Of which payment.
    pub payment: PaymentId,
    /// A sale or a refund.
    pub kind: SaleKind,
    /// How much.
    pub gross: Gross,
    /// The turnover with it.
    pub after: Turnover,
}

impl Turnover {
    /// Before anything was counted.
    pub fn none(currency: Currency) -> Turnover {
        Turnover { nth: 0, sold: Money::zero(currency), refunded: Money::zero(currency) }
    }

    /// The next row: what changed of a payment's gross. The first one of a payment is its sale.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn count(
        self,
        supplier: SupplierId,
        payment: PaymentId,
        stands: Gross,
        counted: Option<Gross>,
    ) -> Result<Option<Counted>, MoneyError> {
        let (kind, gross) = match counted {
            None => (SaleKind::Sale, stands),
            Some(before) => {
                let charged = before.charged.checked_sub(stands.charged)?;
                let base = before.base.checked_sub(stands.base)?;
                (SaleKind::Refund, Gross { charged, base })
            }
        };
        if gross.charged.is_zero() && gross.base.is_zero() {
            return Ok(None);
        }
        let mut after = Turnover { nth: self.nth + 1, ..self };
        let sum = match kind {
            SaleKind::Sale => &mut after.sold,
            SaleKind::Refund => &mut after.refunded,
        };
        *sum = sum.checked_add(gross.base)?;
        Ok(Some(Counted { supplier, payment, kind, gross, after }))
    }
}
