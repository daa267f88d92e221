//! What is asked for, and which parts of the payment it means.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::settlement::Settlement;
use crate::domain::splits::Part;
use crate::ids::SupplierId;
use crate::money::{AllocateError, AllocationPolicy, Money, MoneyError, RateError, allocate};

/// How much of a payment goes back. Nothing named: all that is left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// In the payment's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Whole items, by their `ref`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// How much from whose part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocation: Vec<Allocation>,
}

/// How much of the refund falls on one supplier's part, as the payer was charged for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// Whose part.
    pub supplier: SupplierId,
    /// How much of it.
    pub amount: Money,
}

/// Why there is no refund. [`RefundError::param`] names the place in the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// More than is left.
    #[error("{asked} was asked for, {left} is left to refund")]
    TooMuch {
        /// What was asked.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// Everything has gone back already.
    #[error("nothing is left to refund")]
    NothingLeft,
    /// Zero or less.
    #[error("{0} is no refund; the amount must be above zero")]
    NotPositive(Money),
    /// In another currency.
    #[error("{given} in a payment in {expected}; a refund is made in the payment's currency")]
    WrongCurrency {
        /// What was given.
        given: Money,
        /// The payment's currency.
        expected: crate::money::Currency,
    },
    /// In proportion it would take from suppliers whose goods did not come back.
    #[error(
        "the payment is shared by {suppliers} suppliers; say whose part goes back, by `items` or `allocation`"
    )]
    AllocationRequired {
        /// How many.
        suppliers: usize,
    },
    /// Both ways of naming parts.
    #[error("give `items` or `allocation`, not both")]
    ItemsAndAllocation,
    /// No such item.
    #[error("`{0}` is not an item of this payment")]
    UnknownItem(String),
    /// The item went back already, in full.
    #[error("item `{0}` has been refunded already")]
    ItemRefunded(String),
    /// One item twice in one request.
    #[error("item `{0}` is named twice")]
    ItemTwice(String),
    /// The supplier has no part in it.
    #[error("{0} has no part in this payment")]
    UnknownSupplier(SupplierId),
    /// `amount` and the named parts differ.
    #[error("the named parts sum to {sum}, `amount` is {amount}")]
    DoesNotSum {
        /// Sum of the parts.
        sum: Money,
        /// The amount.
        amount: Money,
    },
    /// `fx_difference = supplier` without today's rate.
    #[error(
        "no rate from {from} to {to} is to be had now; the refund can be made with fx_difference = platform"
    )]
    RateMissing {
        /// From.
        from: crate::money::Currency,
        /// To.
        to: crate::money::Currency,
    },
    /// Sums.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Rates.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// Proportions.
    #[error(transparent)]
    Allocate(#[from] AllocateError),
}

impl RefundError {
    /// The place in the request.
    pub fn param(&self) -> &'static str {
        match self {
            RefundError::ItemsAndAllocation
            | RefundError::UnknownItem(_)
            | RefundError::ItemRefunded(_)
            | RefundError::ItemTwice(_) => "items",
            RefundError::AllocationRequired { .. } | RefundError::UnknownSupplier(_) => "allocation",
            RefundError::RateMissing { .. } | RefundError::Rate(_) => "fx_difference",
            _ => "amount",
        }
    }
}

impl RefundRequest {
    /// How much of each part goes back, given what is left of each.
    ///
    /// # Errors
    /// [`RefundError`].
    pub(super) fn resolve(&self, settlement: &Settlement, left: &[Money]) -> Result<Vec<Money>, RefundError> {
        let currency = settlement.gross.currency();
        let all_left = Money::sum(currency, left.iter().copied())?;
        let amounts = self.amount.iter().chain(self.allocation.iter().map(|part| &part.amount));
        for amount in amounts {
            if amount.currency() != currency {
                return Err(RefundError::WrongCurrency { given: *amount, expected: currency });
            }
            if !amount.is_positive() {
                return Err(RefundError::NotPositive(*amount));
            }
        }
        if all_left.is_zero() {
            let nothing = RefundError::NothingLeft;
            return Err(self.amount.map_or(nothing, |asked| RefundError::TooMuch { asked, left: all_left }));
        }
        let parts = match (self.items.is_empty(), self.allocation.is_empty()) {
            (true, true) => return self.in_proportion(&settlement.parts, left, all_left),
            (false, true) => self.by_items(&settlement.parts, left)?,
            (true, false) => self.by_allocation(&settlement.parts, left)?,
            (false, false) => return Err(RefundError::ItemsAndAllocation),
        };
        let sum = Money::sum(currency, parts.iter().copied())?;
        match self.amount {
            Some(amount) if amount != sum => Err(RefundError::DoesNotSum { sum, amount }),
            _ => Ok(parts),
        }
    }

    fn in_proportion(&self, parts: &[Part], left: &[Money], all: Money) -> Result<Vec<Money>, RefundError> {
        let asked = self.amount.unwrap_or(all);
        if asked.minor() > all.minor() {
            return Err(RefundError::TooMuch { asked, left: all });
        }
        let suppliers: BTreeSet<SupplierId> = parts.iter().filter_map(|part| part.supplier).collect();
        if asked != all && suppliers.len() > 1 {
            return Err(RefundError::AllocationRequired { suppliers: suppliers.len() });
        }
        spread(asked, left)
    }

    fn by_items(&self, parts: &[Part], left: &[Money]) -> Result<Vec<Money>, RefundError> {
        let mut amounts: Vec<Money> = left.iter().map(|left| Money::zero(left.currency())).collect();
        for name in &self.items {
            let index = parts.iter().position(|part| part.item.as_ref() == Some(name));
            let index = index.ok_or_else(|| RefundError::UnknownItem(name.clone()))?;
            if left[index].is_zero() {
                return Err(RefundError::ItemRefunded(name.clone()));
            }
            if !amounts[index].is_zero() {
                return Err(RefundError::ItemTwice(name.clone()));
            }
            amounts[index] = left[index];
        }
        Ok(amounts)
    }

    fn by_allocation(&self, parts: &[Part], left: &[Money]) -> Result<Vec<Money>, RefundError> {
        let mut amounts: Vec<Money> = left.iter().map(|left| Money::zero(left.currency())).collect();
        for Allocation { supplier, amount } in &self.allocation {
            if parts.iter().all(|part| part.supplier != Some(*supplier)) {
                return Err(RefundError::UnknownSupplier(*supplier));
            }
            let rest = parts.iter().zip(left).zip(&amounts).map(|((part, left), taken)| {
                let zero = Money::zero(left.currency());
                if part.supplier == Some(*supplier) { left.checked_sub(*taken) } else { Ok(zero) }
            });
            let rest = rest.collect::<Result<Vec<_>, _>>()?;
            let own = Money::sum(amount.currency(), rest.iter().copied())?;
            if amount.minor() > own.minor() {
                return Err(RefundError::TooMuch { asked: *amount, left: own });
            }
            for (sum, part) in amounts.iter_mut().zip(spread(*amount, &rest)?) {
                *sum = sum.checked_add(part)?;
            }
        }
        Ok(amounts)
    }
}

fn spread(amount: Money, by: &[Money]) -> Result<Vec<Money>, RefundError> {
    let weights: Vec<_> = by.iter().map(|left| left.minor().into()).collect();
    Ok(allocate(amount, &weights, AllocationPolicy::LargestRemainder)?.0)
}
