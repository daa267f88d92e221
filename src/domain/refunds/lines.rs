//! A refund in the API's shape: who gives what.
//!
//! Lines mirror those of the settlement and sum to the refund's amount; `fee_kept` stands where the gateway's fee stood.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::merchants::FeeOwner;
use crate::domain::settlement::{Converted, Settlement};
use crate::ids::SupplierId;
use crate::money::{Money, MoneyError};

use super::mirror::{ConversionRefund, PartRefund};

/// What a refund line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundLineKind {
    /// A supplier's share goes back.
    Share,
    /// Commission, tax and own sales go back, less a fee that is kept.
    PlatformFee,
    /// The gateway keeps its fee; `to` bears it.
    FeeKept,
    /// A converted share goes back in the supplier's currency.
    Conversion,
}

/// One line of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// What it is.
    pub kind: RefundLineKind,
    /// Who gives it: `platform` or a supplier's id.
    pub to: String,
    /// How much.
    pub amount: Money,
    /// In words.
    pub explain: String,
    /// For conversions: from what, at which rate.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<Converted>,
}

/// Lines that sum to the amount (per currency, where the gateway converted).
pub(super) fn lines(
    settlement: &Settlement,
    parts: &[PartRefund],
    conversions: &[ConversionRefund],
    fee_owner: FeeOwner,
) -> Result<Vec<RefundLine>, MoneyError> {
    let shared = settlement.shared_currency();
    let mut shares: Vec<(SupplierId, Money)> = Vec::new();
    let mut kept: Vec<(String, Money)> = Vec::new();
    let mut platform = Money::zero(shared);
    for (part, refund) in settlement.parts.iter().zip(parts) {
        let fee = refund.fee_borne.checked_add(refund.fee_absorbed)?;
        platform = platform.checked_add(refund.commission)?.checked_add(refund.tax)?;
        if settlement.received.is_none() {
            platform = platform.checked_sub(refund.fee_absorbed)?;
        }
        let supplier_bears = fee_owner == FeeOwner::Supplier;
        let bearer =
            part.supplier.filter(|_| supplier_bears).map_or("platform".to_owned(), |id| id.to_string());
        match kept.iter_mut().find(|(to, _)| *to == bearer) {
            Some((_, sum)) => *sum = sum.checked_add(fee)?,
            None => kept.push((bearer, fee)),
        }
        let Some(supplier) = part.supplier else { continue };
        match shares.iter_mut().find(|(of, _)| *of == supplier) {
            Some((_, sum)) => *sum = sum.checked_add(refund.share)?,
            None => shares.push((supplier, refund.share)),
        }
    }
    let line = |kind, to: String, amount: Money, explain: String| RefundLine {
        kind,
        to,
        amount,
        explain,
        converted: None,
    };
    let mut lines = Vec::new();
    for (supplier, share) in shares {
        let explain = format!("{} of the share goes back", share.amount());
        lines.push(line(RefundLineKind::Share, supplier.to_string(), share, explain));
    }
    let explain = "commission, tax and own sales go back, less a fee the platform had borne".to_owned();
    lines.push(line(RefundLineKind::PlatformFee, "platform".to_owned(), platform, explain));
    for (to, fee) in kept {
        let explain = format!("the gateway keeps {} of its fee", fee.amount());
        lines.push(line(RefundLineKind::FeeKept, to, fee, explain));
    }
    for conversion in conversions {
        let rate = conversion.paid.amount().checked_div(conversion.from.amount()).unwrap_or(Decimal::ZERO);
        let rate = rate.round_sf(12).unwrap_or(rate).normalize();
        let spread = conversion.at_mid.checked_sub(conversion.paid)?;
        let converted = Converted { from: conversion.from, rate, mid: None, spread: Some(spread) };
        lines.push(RefundLine {
            kind: RefundLineKind::Conversion,
            to: conversion.supplier.to_string(),
            amount: conversion.paid,
            explain: format!("{} of the share, as it was converted", conversion.from.amount()),
            converted: Some(converted),
        });
    }
    lines.retain(|line| !line.amount.is_zero());
    Ok(lines)
}
