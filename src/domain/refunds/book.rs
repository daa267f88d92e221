//! A refund's transactions: decided, confirmed or failed, and a fee that came back.

use rust_decimal::Decimal;

use crate::domain::ledger::journal::{self, Booking, Movement};
use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
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
        let to_suppliers =
            self.undo_fee(returned).map_err(|_| LedgerError::TooLarge(JournalEvent::FeeReturned))?;
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
