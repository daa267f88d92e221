//! Who gets how much of a settlement, in which currency: what two sets of rules are compared by.

use std::collections::BTreeMap;
use std::fmt;

use crate::ids::SupplierId;
use crate::money::{Currency, Money, MoneyError};

use super::line::LineKind;
use super::settled::Settlement;

/// Who gets something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// A supplier, after our conversion.
    Supplier(SupplierId),
    /// The platform: what it keeps, and its part of conversions.
    Platform,
    /// The gateway: its fee and the tax on it.
    Gateway,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Supplier(supplier) => supplier.fmt(f),
            Whose::Platform => f.write_str("platform"),
            Whose::Gateway => f.write_str("gateway"),
        }
    }
}

/// Sums of many settlements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proceeds(BTreeMap<(Whose, Currency), Money>);

impl Proceeds {
    /// Adds a settlement's.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn add(&mut self, settlement: &Settlement) -> Result<(), MoneyError> {
        for line in &settlement.lines {
            let whose = match line.kind {
                LineKind::GatewayFee => Whose::Gateway,
                LineKind::PlatformFee => Whose::Platform,
                LineKind::Share | LineKind::Conversion => continue,
            };
            self.put(whose, line.amount)?;
        }
        for part in &settlement.parts {
            if let Some(supplier) = part.supplier {
                self.put(Whose::Supplier(supplier), part.share)?;
            }
        }
        for deal in &settlement.conversions {
            self.put(Whose::Supplier(deal.supplier), deal.from.negated())?;
            self.put(Whose::Supplier(deal.supplier), deal.paid)?;
            self.put(Whose::Platform, deal.at_mid.checked_sub(deal.paid)?)?;
        }
        Ok(())
    }

    fn put(&mut self, whose: Whose, amount: Money) -> Result<(), MoneyError> {
        let sum = self.0.entry((whose, amount.currency())).or_insert_with(|| Money::zero(amount.currency()));
        *sum = sum.checked_add(amount)?;
        Ok(())
    }

    /// Each with its sum here and there, zero where it has none; in order.
    pub fn beside<'a>(&'a self, other: &'a Proceeds) -> impl Iterator<Item = (Whose, Money, Money)> + 'a {
        let mut keys: Vec<_> = self.0.keys().chain(other.0.keys()).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter_map(|key| {
            let of = |sums: &Proceeds| sums.0.get(&key).copied().unwrap_or(Money::zero(key.1));
            let (here, there) = (of(self), of(other));
            (!here.is_zero() || !there.is_zero()).then_some((key.0, here, there))
        })
    }
}
