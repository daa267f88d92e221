//! A refund's transactions: decided and confirmed; and what a fee that came back undoes of it.

use rust_decimal::Decimal;

use crate::domain::ledger::journal::{self, Booking, Movement};
use crate::domain::ledger::{AccountCode, LedgerError, LedgerTransaction};
use crate::domain::settlement::Settlement;
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Currency, Money, MoneyError, allocate};

use super::decide::Refund;
use super::lines::{RefundLine, RefundLineKind};
use super::request::RefundError;

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

    /// What of its debits the gateway's `returned` fee undoes: what suppliers bore of it, from where it was taken, the
    /// last bucket first.
    ///
    /// # Errors
    /// [`RefundError`] when amounts do not fit.
    pub fn fee_borne(&self, returned: Money) -> Result<Vec<Movement>, RefundError> {
        let kept = self.lines.iter().filter(|line| line.kind == RefundLineKind::FeeKept);
        let kept: Vec<&RefundLine> = kept.collect();
        let total = Money::sum(returned.currency(), kept.iter().map(|line| line.amount))?;
        if !total.is_positive() {
            return Ok(vec![]);
        }
        let weights: Vec<Decimal> = kept.iter().map(|line| line.amount.minor().into()).collect();
        let (parts, _) = allocate(returned.min(total)?, &weights, AllocationPolicy::LargestRemainder)?;
        let mut borne = Vec::new();
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
                borne.push(Movement::debit(movement.account.clone(), back));
                left = left.checked_sub(back)?;
            }
        }
        Ok(borne)
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
    let shares =
        settlement.parts.iter().filter(|part| part.supplier == Some(supplier)).map(|part| part.share);
    let conversions = settlement.conversions.iter().filter(|conversion| conversion.supplier == supplier);
    let converted = conversions.flat_map(|conversion| [conversion.from.negated(), conversion.paid]);
    let credited = shares.chain(converted).filter(|amount| amount.currency() == currency);
    let credited = Money::sum(currency, credited)?;
    let pending = refunds.iter().flat_map(|refund| &refund.movements).filter(|movement| {
        movement.account.code == AccountCode::SUPPLIER_PENDING
            && movement.account.owner.as_str() == supplier.to_string()
            && movement.amount.currency() == currency
    });
    let taken = Money::sum(currency, pending.map(|movement| movement.amount))?;
    credited.checked_sub(taken)?.max(Money::zero(currency))
}

/// What of a payment has not gone back yet, in the payment's currency.
///
/// # Errors
/// [`MoneyError`] when amounts do not fit.
pub fn left(settlement: &Settlement, earlier: &[Refund]) -> Result<Money, MoneyError> {
    let currency = settlement.gross.currency();
    let charged = Money::sum(currency, settlement.parts.iter().map(|part| part.charged))?;
    let gone = earlier.iter().flat_map(|refund| &refund.parts).map(|part| part.charged);
    charged.checked_sub(Money::sum(currency, gone)?)
}

/// What refunds and chargebacks took of each part's commission before it was earned, in the order of the parts.
///
/// # Errors
/// [`MoneyError`] when amounts do not fit.
pub fn from_deferred(settlement: &Settlement, back: &[Refund]) -> Result<Vec<Money>, MoneyError> {
    let mut taken = vec![Money::zero(settlement.shared_currency()); settlement.parts.len()];
    for refund in back {
        for (sum, part) in taken.iter_mut().zip(&refund.parts) {
            *sum = sum.checked_add(part.from_deferred)?;
        }
    }
    Ok(taken)
}
