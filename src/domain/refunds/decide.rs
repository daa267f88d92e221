//! The decision: a request meets the frozen settlement, earlier refunds and what the suppliers hold.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::fees::Bearer;
use crate::domain::ledger::journal::{self, Booking, Movement};
use crate::domain::ledger::{AccountCode, LedgerError, LedgerTransaction};
use crate::domain::merchants::{FeeOwner, GatewayAccount};
use crate::domain::settlement::{Converted, Delivery, Settlement};
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Currency, Money, MoneyError, Rounding, allocate};

use super::mirror::{ConversionRefund, PartRefund, mirror_conversion, mirror_part};
use super::movements::{Funds, FxDifference, Mirror};
use super::request::{RefundError, RefundRequest};

/// Everything a refund follows from.
pub struct RefundTerms<'a> {
    /// As frozen at capture.
    pub settlement: &'a Settlement,
    /// Where the money was captured.
    pub account: &'a GatewayAccount,
    /// Refunds that stand: all but the failed ones.
    pub earlier: &'a [Refund],
    /// What has been delivered.
    pub deliveries: &'a [Delivery],
    /// What a supplier's buckets hold.
    pub funds: &'a dyn Fn(SupplierId, Currency) -> Funds,
    /// Who bears a change of rate.
    pub fx_difference: FxDifference,
}

impl std::fmt::Debug for RefundTerms<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefundTerms").field("account", &self.account.name).finish_non_exhaustive()
    }
}

/// A decided refund; stored whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// What goes back to the shopper.
    pub amount: Money,
    /// Who gives what, summing to the amount; conversions stand outside the sum.
    pub lines: Vec<RefundLine>,
    /// In the order of the settlement's parts.
    pub parts: Vec<PartRefund>,
    /// Of converted shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<ConversionRefund>,
    /// Who bears the fee that the gateway keeps.
    pub fee_owner: FeeOwner,
    /// What is posted now, and undone if the refund fails.
    pub movements: Vec<Movement>,
}

/// What a refund line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Decides a refund; [`Refund::decided`] books it.
///
/// # Errors
/// [`RefundError`].
pub fn decide(request: &RefundRequest, terms: &RefundTerms<'_>) -> Result<Refund, RefundError> {
    let settlement = terms.settlement;
    let currency = settlement.gross.currency();
    let earlier = |index: usize| -> Vec<&PartRefund> {
        terms.earlier.iter().filter_map(|refund| refund.parts.get(index)).collect()
    };
    let mut left = Vec::with_capacity(settlement.parts.len());
    for (index, part) in settlement.parts.iter().enumerate() {
        let gone = Money::sum(currency, earlier(index).iter().map(|refund| refund.charged))?;
        left.push(part.charged.checked_sub(gone)?);
    }
    let charged = request.resolve(settlement, &left)?;
    let mut parts = Vec::with_capacity(charged.len());
    for (index, (part, charged)) in settlement.parts.iter().zip(&charged).enumerate() {
        let earlier = earlier(index);
        let undone = Money::sum(part.share.currency(), earlier.iter().map(|refund| refund.from_deferred))?;
        let deferred = settlement.deferred(index, terms.deliveries, undone)?;
        parts.push(mirror_part(settlement, part, *charged, &earlier, deferred)?);
    }
    let conversions = mirror_conversions(terms, &parts)?;
    let amount = Money::sum(currency, charged)?;
    let fee_owner = terms.account.unreturned_fee.unwrap_or(match settlement.fee_bearer {
        Bearer::Suppliers => FeeOwner::Supplier,
        Bearer::Platform | Bearer::Payer => FeeOwner::Platform,
    });
    let mirror = Mirror {
        settlement,
        account: terms.account,
        amount,
        parts: &parts,
        conversions: &conversions,
        fee_owner,
    };
    let movements = mirror.movements(terms.funds)?;
    let lines = lines(settlement, &parts, &conversions, fee_owner)?;
    Ok(Refund { amount, lines, parts, conversions, fee_owner, movements })
}

fn mirror_conversions(
    terms: &RefundTerms<'_>,
    parts: &[PartRefund],
) -> Result<Vec<ConversionRefund>, RefundError> {
    let mut mirrored = Vec::new();
    for conversion in &terms.settlement.conversions {
        let supplier = conversion.supplier;
        let own =
            terms.settlement.parts.iter().zip(parts).filter(|(part, _)| part.supplier == Some(supplier));
        let share = Money::sum(conversion.from.currency(), own.map(|(_, refund)| refund.share))?;
        let earlier: Vec<&ConversionRefund> = terms
            .earlier
            .iter()
            .flat_map(|refund| &refund.conversions)
            .filter(|refund| refund.supplier == supplier)
            .collect();
        let mut mirror = mirror_conversion(conversion, share, &earlier)?;
        if let FxDifference::Supplier(rates) = &terms.fx_difference {
            let (from, to) = (conversion.from.currency(), conversion.paid.currency());
            let rate = rates.iter().find(|rate| rate.base() == from && rate.quote() == to);
            let now = rate.ok_or(RefundError::RateMissing { from, to })?.convert(share)?;
            mirror.at_mid = now.round(Rounding::HalfUp);
            mirror.paid = mirror.at_mid;
        }
        mirrored.push(mirror);
    }
    mirrored.retain(|mirror| !mirror.from.is_zero());
    Ok(mirrored)
}

/// Lines that sum to the amount (per currency, where the gateway converted).
fn lines(
    settlement: &Settlement,
    parts: &[PartRefund],
    conversions: &[ConversionRefund],
    fee_owner: FeeOwner,
) -> Result<Vec<RefundLine>, MoneyError> {
    let shared = settlement.received.as_ref().map_or(settlement.gross, |received| received.to).currency();
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

impl Refund {
    /// The decision's transaction.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn decided(&self, booking: &Booking<'_>) -> Result<Option<LedgerTransaction>, LedgerError> {
        journal::refund_decided(booking, &self.movements)
    }

    /// The gateway paid it out.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn confirmed(&self, booking: &Booking<'_>) -> Result<Option<LedgerTransaction>, LedgerError> {
        journal::refund_confirmed(booking, self.amount)
    }

    /// It will not happen.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn failed(&self, booking: &Booking<'_>) -> Result<Option<LedgerTransaction>, LedgerError> {
        journal::refund_failed(booking, &self.movements)
    }

    /// The gateway gave `returned` of its fee back: what suppliers bore of it goes back to where it was debited, the
    /// last bucket first.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn fee_returned(
        &self,
        booking: &Booking<'_>,
        returned: Money,
    ) -> Result<Option<LedgerTransaction>, LedgerError> {
        let to_suppliers = self
            .undo_fee(returned)
            .map_err(|_| LedgerError::TooLarge(crate::domain::ledger::JournalEvent::FeeReturned))?;
        journal::fee_returned(booking, returned, &to_suppliers)
    }

    fn undo_fee(&self, returned: Money) -> Result<Vec<Movement>, RefundError> {
        let kept = self.lines.iter().filter(|line| line.kind == RefundLineKind::FeeKept);
        let kept: Vec<&RefundLine> = kept.collect();
        let total = Money::sum(returned.currency(), kept.iter().map(|line| line.amount))?;
        if !total.is_positive() {
            return Ok(vec![]);
        }
        let weights: Vec<Decimal> = kept.iter().map(|line| line.amount.minor().into()).collect();
        let (parts, _) = allocate(returned.min(total)?, &weights, AllocationPolicy::LargestRemainder)?;
        let mut credits = Vec::new();
        for (line, mut left) in kept.iter().zip(parts) {
            let currency = left.currency();
            let debited = self.movements.iter().rev().filter(|movement| {
                let owner = movement.account.owner.as_str().split(',').next();
                let code = movement.account.code;
                let bucket = code >= AccountCode::SUPPLIER_PENDING && code <= AccountCode::SUPPLIER_HELD;
                (bucket || code == AccountCode::SUPPLIER_RECEIVABLE)
                    && owner == Some(line.to.as_str())
                    && movement.amount.currency() == currency
                    && movement.amount.is_positive()
            });
            for movement in debited {
                let back = left.min(movement.amount)?;
                credits.push(Movement::credit(movement.account.clone(), back));
                left = left.checked_sub(back)?;
            }
        }
        Ok(credits)
    }
}

/// What is left of this payment's own pending share of a supplier, in one currency: what was credited to 2100 less
/// what refunds took from it. Releases to 2110 are the caller's to subtract.
///
/// # Errors
/// [`MoneyError`] when amounts do not fit.
pub fn own_pending(
    settlement: &Settlement,
    refunds: &[Refund],
    supplier: SupplierId,
    currency: Currency,
) -> Result<Money, MoneyError> {
    let conversion = settlement.conversions.iter().find(|conversion| conversion.supplier == supplier);
    let credited = match conversion {
        Some(conversion) if conversion.paid.currency() == currency => conversion.paid,
        Some(_) => Money::zero(currency),
        None => {
            let own = settlement.parts.iter().filter(|part| part.supplier == Some(supplier));
            let own = own.map(|part| part.share).filter(|share| share.currency() == currency);
            Money::sum(currency, own)?
        }
    };
    let pending = refunds.iter().flat_map(|refund| &refund.movements).filter(|movement| {
        movement.account.code == AccountCode::SUPPLIER_PENDING
            && movement.account.owner.as_str() == supplier.to_string()
            && movement.amount.currency() == currency
    });
    let taken = Money::sum(currency, pending.map(|movement| movement.amount))?;
    credited.checked_sub(taken)?.max(Money::zero(currency))
}
