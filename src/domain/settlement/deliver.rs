//! Delivery: what was deferred at capture is earned, whole or item by item.
//!
//! Cumulative: a part earns what is left of its commission after what earlier deliveries earned and what refunds took
//! back before it was earned, never more and never twice.

use serde::{Deserialize, Serialize};

use crate::domain::merchants::Recognise;
use crate::money::{Money, MoneyError};

use super::settled::Settlement;

/// What one delivery earns of each part, stored with the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// In the order of the settlement's parts.
    pub earned: Vec<Money>,
    /// Commission that is earned now.
    pub commission: Money,
    /// Own sales that are earned now.
    pub own_sales: Money,
}

/// Why something cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// No such item.
    #[error("items: `{0}` is not an item of this payment")]
    UnknownItem(String),
    /// Sums.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What becomes earned when `items` are delivered; empty: everything. `earlier` are the deliveries so far, and
/// `undone[i]` is what refunds took of part `i` before it was earned.
///
/// # Errors
/// [`DeliveryError::UnknownItem`].
pub fn deliver(
    settlement: &Settlement,
    items: &[String],
    earlier: &[Delivery],
    undone: &[Money],
) -> Result<Delivery, DeliveryError> {
    if let Some(unknown) =
        items.iter().find(|item| settlement.parts.iter().all(|part| part.item.as_ref() != Some(item)))
    {
        return Err(DeliveryError::UnknownItem(unknown.clone()));
    }
    let zero = Money::zero(settlement.shared_currency());
    let mut delivery = Delivery { earned: Vec::new(), commission: zero, own_sales: zero };
    for (index, part) in settlement.parts.iter().enumerate() {
        let named = items.is_empty() || part.item.as_ref().is_some_and(|item| items.contains(item));
        let mut earns = zero;
        if named && settlement.recognise == Recognise::Delivered {
            earns = settlement.deferred(index, earlier, undone.get(index).copied().unwrap_or(zero))?;
        }
        let sum = if part.supplier.is_some() { &mut delivery.commission } else { &mut delivery.own_sales };
        *sum = sum.checked_add(earns)?;
        delivery.earned.push(earns);
    }
    Ok(delivery)
}

impl Settlement {
    /// What is still deferred of a part; never below zero.
    pub(crate) fn deferred(
        &self,
        index: usize,
        deliveries: &[Delivery],
        undone: Money,
    ) -> Result<Money, MoneyError> {
        let zero = Money::zero(undone.currency());
        if self.recognise == Recognise::Capture {
            return Ok(zero);
        }
        let commission = self.parts.get(index).map_or(zero, |part| part.commission);
        let earned = deliveries.iter().filter_map(|delivery| delivery.earned.get(index).copied());
        let earned = Money::sum(undone.currency(), earned)?;
        commission.checked_sub(earned)?.checked_sub(undone)?.max(zero)
    }
}
