//! Parts in proportion, cumulatively: what all refunds together take, less what earlier ones took.

use serde::{Deserialize, Serialize};

use crate::domain::settlement::{Conversion, Settlement};
use crate::domain::splits::Part;
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Money, MoneyError, allocate};

use super::request::RefundError;

/// What one refund takes of one part; same meaning as the part's own amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRefund {
    /// Of what the payer was charged.
    pub charged: Money,
    /// Of the fee inside it.
    pub fee_borne: Money,
    /// Of the fee that the platform bears for it.
    pub fee_absorbed: Money,
    /// Of the supplier's share.
    pub share: Money,
    /// Of what the platform got.
    pub commission: Money,
    /// Of the tax on it.
    pub tax: Money,
    /// The part of `commission` that was still deferred.
    pub from_deferred: Money,
}

/// Who bears a fee that the gateway keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptFee {
    /// Whoever bore it: a supplier its part, the platform its own (a tax on the fee, what exceeds the contract).
    AsBorne,
    /// The suppliers, all of it.
    Supplier,
    /// The platform, all of it.
    Platform,
}

impl KeptFee {
    /// A part's fee, divided: what its supplier bears, and what the platform does. Where nobody sells but the platform,
    /// the platform bears it.
    pub(super) fn of(self, part: &Part, refund: &PartRefund) -> Result<(Money, Money), MoneyError> {
        let (borne, absorbed) = (refund.fee_borne, refund.fee_absorbed);
        let (whole, none) = (borne.checked_add(absorbed)?, Money::zero(borne.currency()));
        Ok(match self {
            KeptFee::AsBorne if part.supplier.is_some() => (borne, absorbed),
            KeptFee::Supplier if part.supplier.is_some() => (whole, none),
            _ => (none, whole),
        })
    }
}

/// What one refund takes of one supplier's conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionRefund {
    /// Whose.
    pub supplier: SupplierId,
    /// Of the share, in the shared currency.
    pub from: Money,
    /// Of its worth at mid.
    pub at_mid: Money,
    /// Of what the supplier got.
    pub paid: Money,
    /// What both would be at the conversion's own rate, where the supplier bears that it changed: what later refunds go on
    /// from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<Mirrored>,
}

/// A part of a conversion at its own rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirrored {
    /// Of the share's worth at mid.
    pub at_mid: Money,
    /// Of what the supplier got.
    pub paid: Money,
}

impl ConversionRefund {
    /// At the conversion's own rate, whatever was taken.
    fn mirrored(&self) -> Mirrored {
        self.mirrored.unwrap_or(Mirrored { at_mid: self.at_mid, paid: self.paid })
    }

    /// Taken at another rate, which the supplier bears.
    pub(super) fn at(self, worth: Money) -> ConversionRefund {
        ConversionRefund { at_mid: worth, paid: worth, mirrored: Some(self.mirrored()), ..self }
    }
}

/// One part's amounts when `charged` of it goes back after `earlier` refunds; `deferred` is what of its commission is
/// not earned yet.
pub(super) fn mirror_part(
    settlement: &Settlement,
    part: &Part,
    charged: Money,
    earlier: &[&PartRefund],
    deferred: Money,
) -> Result<PartRefund, RefundError> {
    let before = |of: fn(&PartRefund) -> Money, like: Money| {
        Money::sum(like.currency(), earlier.iter().map(|refund| of(refund)))
    };
    let whole = charged.checked_add(before(|refund| refund.charged, part.charged)?)?;
    let bare = part.charged.checked_sub(part.fee_borne)?;
    let of_charge = shares_of(whole, &[part.fee_borne, bare])?;
    let pot = part.share.checked_add(part.commission)?.checked_add(part.tax)?;
    let pot = if settlement.received.is_some() { pot.prorated(of_charge[1], bare)? } else { of_charge[1] };
    let of_pot = shares_of(pot, &[part.share, part.commission, part.tax])?;
    let absorbed = part.fee_absorbed.prorated(whole, part.charged)?;
    let commission = of_pot[1].checked_sub(before(|refund| refund.commission, part.commission)?)?;
    Ok(PartRefund {
        charged,
        fee_borne: of_charge[0].checked_sub(before(|refund| refund.fee_borne, part.fee_borne)?)?,
        fee_absorbed: absorbed.checked_sub(before(|refund| refund.fee_absorbed, part.fee_absorbed)?)?,
        share: of_pot[0].checked_sub(before(|refund| refund.share, part.share)?)?,
        commission,
        tax: of_pot[2].checked_sub(before(|refund| refund.tax, part.tax)?)?,
        from_deferred: commission.min(deferred)?,
    })
}

/// A converted share's mirror at its own rate when `share` goes back after `earlier` refunds. No more than was converted
/// does: a part that a refund took while the conversion waited, and gave back when it failed, is still in the shared
/// currency.
pub(super) fn mirror_conversion(
    conversion: &Conversion,
    share: Money,
    earlier: &[&ConversionRefund],
) -> Result<ConversionRefund, RefundError> {
    let before = |of: fn(&ConversionRefund) -> Money, like: Money| {
        Money::sum(like.currency(), earlier.iter().map(|refund| of(refund)))
    };
    let converted = before(|refund| refund.from, conversion.from)?;
    let share = share.min(conversion.from.checked_sub(converted)?)?;
    let whole = share.checked_add(converted)?;
    let at_mid = conversion.at_mid.prorated(whole, conversion.from)?;
    let paid = conversion.paid.prorated(whole, conversion.from)?;
    Ok(ConversionRefund {
        supplier: conversion.supplier,
        from: share,
        at_mid: at_mid.checked_sub(before(|refund| refund.mirrored().at_mid, conversion.at_mid)?)?,
        paid: paid.checked_sub(before(|refund| refund.mirrored().paid, conversion.paid)?)?,
        mirrored: None,
    })
}

/// `whole` by the weights of a part's own amounts: exactly these when the whole is the part.
fn shares_of(whole: Money, by: &[Money]) -> Result<Vec<Money>, RefundError> {
    let weights: Vec<_> = by.iter().map(|amount| amount.minor().into()).collect();
    Ok(allocate(whole, &weights, AllocationPolicy::LargestRemainder)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;
    use crate::money::{BasisPoints, Currency, Rate};

    #[test]
    fn what_a_supplier_bore_of_one_refund_leaves_the_next_as_it_is() {
        let [usd, cny] = ["USD", "CNY"].map(|code| Currency::find(code).unwrap());
        let cents = |minor| Money::from_minor(minor, usd);
        let mid = Rate::parse(usd, cny, "7.00").unwrap();
        let deal = Conversion::of(SupplierId::from_bits(1), cents(10_000), mid, BasisPoints(0)).unwrap();
        // Half at 8.00 and at 6.00, most of it at 10.00: then the rest at 7.00.
        for (part, now, rest) in [(5_000, 40_000, 35_000), (5_000, 30_000, 35_000), (9_000, 90_000, 7_000)] {
            let first = mirror_conversion(&deal, cents(part), &[]).unwrap();
            let first = first.at(Money::from_minor(now, cny));
            let second = mirror_conversion(&deal, cents(10_000 - part), &[&first]).unwrap();
            let taken = [&first, &second].map(|refund| (refund.at_mid.minor(), refund.paid.minor()));
            assert_eq!(taken, [(now, now), (rest, rest)]);
            let stored = serde_json::to_string(&first).unwrap();
            assert_eq!(serde_json::from_str::<ConversionRefund>(&stored).unwrap(), first);
        }
    }
}
