//! Delivery: what was deferred at capture is earned, whole or item by item.
//!
//! Cumulative: a part earns what is left of its commission after what earlier deliveries earned and what refunds and
//! chargebacks took back before it was earned, never more and never twice. What of these is undone after the delivery is
//! earned with that.

use serde::{Deserialize, Serialize};

use crate::domain::merchants::Recognise;
use crate::domain::splits::Part;
use crate::money::{Money, MoneyError};

use super::settled::Settlement;

/// What one delivery earns of each part, stored with the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// In the order of the settlement's parts.
    pub earned: Vec<Money>,
    /// Which of the parts are delivered, in the same order; nothing where that was not kept yet.
    #[serde(default)]
    pub delivered: Vec<bool>,
    /// Commission that is earned now.
    pub commission: Money,
    /// Own sales that are earned now.
    pub own_sales: Money,
}

impl Delivery {
    /// Whether a part was delivered with it; of one that does not say, what earned something was.
    fn covers(&self, index: usize) -> bool {
        let earned = || self.earned.get(index).is_some_and(|earned| earned.is_positive());
        self.delivered.get(index).copied().unwrap_or_else(earned)
    }
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
/// `undone[i]` is what refunds and chargebacks took of part `i` before it was earned.
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
    let named = |part: &Part| items.is_empty() || part.item.as_ref().is_some_and(|item| items.contains(item));
    let delivered = settlement.parts.iter().map(named).collect();
    Ok(earn(settlement, delivered, earlier, undone)?)
}

/// What is earned after all of what was delivered before: a refund or a chargeback had taken it, and stands no more.
/// `undone` is what those that stand took.
///
/// # Errors
/// [`MoneyError`] when amounts do not fit.
pub fn earned_again(
    settlement: &Settlement,
    earlier: &[Delivery],
    undone: &[Money],
) -> Result<Option<Delivery>, MoneyError> {
    let parts = 0..settlement.parts.len();
    let delivered = parts.map(|index| earlier.iter().any(|delivery| delivery.covers(index))).collect();
    let again = earn(settlement, delivered, earlier, undone)?;
    let earns = again.earned.iter().any(|earns| earns.is_positive());
    Ok(earns.then_some(again))
}

/// What is still deferred of what is delivered.
fn earn(
    settlement: &Settlement,
    delivered: Vec<bool>,
    earlier: &[Delivery],
    undone: &[Money],
) -> Result<Delivery, MoneyError> {
    let zero = Money::zero(settlement.shared_currency());
    let (mut earned, mut commission, mut own_sales) = (Vec::with_capacity(delivered.len()), zero, zero);
    for (index, (part, covered)) in settlement.parts.iter().zip(&delivered).enumerate() {
        let undone = undone.get(index).copied().unwrap_or(zero);
        let earns = if *covered { settlement.deferred(index, earlier, undone)? } else { zero };
        let sum = if part.supplier.is_some() { &mut commission } else { &mut own_sales };
        *sum = sum.checked_add(earns)?;
        earned.push(earns);
    }
    Ok(Delivery { earned, delivered, commission, own_sales })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_of_old_covers_what_it_earned() {
        let old: Delivery = serde_json::from_str(
            r#"{"earned":[{"amount":"18.00","currency":"SGD"},{"amount":"0.00","currency":"SGD"}],
                "commission":{"amount":"18.00","currency":"SGD"},"own_sales":{"amount":"0.00","currency":"SGD"}}"#,
        )
        .unwrap();
        assert_eq!([0, 1, 2].map(|index| old.covers(index)), [true, false, false]);
        let new = Delivery { delivered: vec![false, true], ..old };
        assert_eq!([0, 1, 2].map(|index| new.covers(index)), [false, true, false]);
    }
}
