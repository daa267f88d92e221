//! A refund in the API's shape: who gives what.
//!
//! Lines mirror those of the settlement and sum to the refund's amount; `fee_kept` stands where the gateway's fee stood.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::settlement::{Converted, Line, LineKind, Settlement};
use crate::domain::splits::Part;
use crate::ids::SupplierId;
use crate::money::{Currency, Money, MoneyError};

use super::mirror::{ConversionRefund, KeptFee, PartRefund};

/// Who gives what no supplier gives.
const PLATFORM: &str = "platform";

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
    /// The settlement's rule that it mirrors; empty for refunds decided before lines named one.
    #[serde(default)]
    pub rule: String,
    /// Its version.
    #[serde(default)]
    pub rule_version: String,
    /// The arithmetic.
    pub explain: String,
    /// For conversions: from what, at which rate.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<Converted>,
}

/// What parts of one supplier, or of all, come to: as they were settled, and as they go back.
#[derive(Debug, Clone, Copy)]
struct Sums {
    settled: Money,
    charged: Money,
    back: Money,
    charged_back: Money,
}

impl Sums {
    fn none(shared: Currency, charged: Currency) -> Sums {
        let (shared, charged) = (Money::zero(shared), Money::zero(charged));
        Sums { settled: shared, charged, back: shared, charged_back: charged }
    }

    fn add(
        &mut self,
        part: &Part,
        refund: &PartRefund,
        settled: Money,
        back: Money,
    ) -> Result<(), MoneyError> {
        self.settled = self.settled.checked_add(settled)?;
        self.charged = self.charged.checked_add(part.charged)?;
        self.back = self.back.checked_add(back)?;
        self.charged_back = self.charged_back.checked_add(refund.charged)?;
        Ok(())
    }

    /// `85.10 × 40.00 / 100.00 = 34.04`.
    fn explain(&self) -> String {
        let of = |money: Money| money.amount();
        let (settled, back) = (of(self.settled), of(self.back));
        match self.charged_back == self.charged {
            true => format!("all of {settled}"),
            false => format!("{settled} × {} / {} = {back}", of(self.charged_back), of(self.charged)),
        }
    }
}

/// Lines that sum to the amount (per currency, where the gateway converted). Each names the settlement's rule that it
/// mirrors. Proportions are cumulative: what earlier refunds rounded one way, the next rounds the other.
pub(super) fn lines(
    settlement: &Settlement,
    parts: &[PartRefund],
    conversions: &[ConversionRefund],
    fee_owner: KeptFee,
) -> Result<Vec<RefundLine>, MoneyError> {
    let (shared, gross) = (settlement.shared_currency(), settlement.gross.currency());
    let mut shares: Vec<(SupplierId, Sums)> = Vec::new();
    let mut kept: Vec<(String, Money)> = Vec::new();
    let mut platform = Sums::none(shared, gross);
    let mut absorbed = Money::zero(gross);
    for (part, refund) in settlement.parts.iter().zip(parts) {
        let settled = part.commission.checked_add(part.tax)?;
        platform.add(part, refund, settled, refund.commission.checked_add(refund.tax)?)?;
        absorbed = absorbed.checked_add(refund.fee_absorbed)?;
        let (by_supplier, by_platform) = fee_owner.of(part, refund)?;
        let supplier = part.supplier.map(|id| id.to_string()).unwrap_or_default();
        for (bearer, fee) in [(supplier, by_supplier), (PLATFORM.to_owned(), by_platform)] {
            match kept.iter_mut().find(|(to, _)| *to == bearer) {
                Some((_, sum)) => *sum = sum.checked_add(fee)?,
                None => kept.push((bearer, fee)),
            }
        }
        let Some(supplier) = part.supplier else { continue };
        let place = shares.iter().position(|(of, _)| *of == supplier).unwrap_or(shares.len());
        if place == shares.len() {
            shares.push((supplier, Sums::none(shared, gross)));
        }
        shares[place].1.add(part, refund, part.share, refund.share)?;
    }
    let mut lines = Vec::new();
    for (supplier, sums) in shares {
        let to = supplier.to_string();
        let explain = format!("{} of the share", sums.explain());
        lines.push(mirrored(settlement, RefundLineKind::Share, to, sums.back, explain));
    }
    let mut explain = format!("{} of commission, tax and own sales", platform.explain());
    let mut amount = platform.back;
    if settlement.received.is_none() && !absorbed.is_zero() {
        amount = amount.checked_sub(absorbed)?;
        explain = format!("{explain}, less {} of the fee that the platform had borne", absorbed.amount());
    }
    lines.push(mirrored(settlement, RefundLineKind::PlatformFee, PLATFORM.to_owned(), amount, explain));
    let fee = Money::sum(gross, kept.iter().map(|(_, fee)| *fee))?;
    for (to, borne) in kept {
        let explain = format!("{} of the {} that the gateway keeps of its fee", borne.amount(), fee.amount());
        lines.push(mirrored(settlement, RefundLineKind::FeeKept, to, borne, explain));
    }
    for conversion in conversions {
        let rate = conversion.paid.amount().checked_div(conversion.from.amount()).unwrap_or(Decimal::ZERO);
        let rate = rate.round_sf(12).unwrap_or(rate).normalize();
        let spread = conversion.at_mid.checked_sub(conversion.paid)?;
        let converted = Converted { from: conversion.from, rate, mid: None, spread: Some(spread) };
        let explain = format!("{} of the share, as it was converted", conversion.from.amount());
        let to = conversion.supplier.to_string();
        let line = mirrored(settlement, RefundLineKind::Conversion, to, conversion.paid, explain);
        lines.push(RefundLine { converted: Some(converted), ..line });
    }
    lines.retain(|line| !line.amount.is_zero());
    Ok(lines)
}

/// A line with the rule of the settlement's line that it mirrors.
fn mirrored(
    settlement: &Settlement,
    kind: RefundLineKind,
    to: String,
    amount: Money,
    explain: String,
) -> RefundLine {
    let (of, whose) = match kind {
        RefundLineKind::Share => (LineKind::Share, Some(&to)),
        RefundLineKind::PlatformFee => (LineKind::PlatformFee, None),
        RefundLineKind::FeeKept => (LineKind::GatewayFee, None),
        RefundLineKind::Conversion => (LineKind::Conversion, Some(&to)),
    };
    let own = |line: &&Line| line.kind == of && whose.is_none_or(|whose| *whose == line.to);
    let (rule, rule_version) = settlement
        .lines
        .iter()
        .find(own)
        .map(|line| (line.rule.clone(), line.rule_version.clone()))
        .unwrap_or_default();
    RefundLine { kind, to, amount, rule, rule_version, explain, converted: None }
}
