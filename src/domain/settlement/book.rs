//! A settlement's transactions, in the order in which the facts happened.

use crate::domain::ledger::journal::{self, Booking, ChargedFee, InternalConversion, SplitAmounts};
use crate::domain::ledger::{JournalEvent, LedgerError, LedgerTransaction};
use crate::ids::SupplierId;
use crate::money::Money;

use super::conversion::Conversion;
use super::settled::Settlement;

impl Settlement {
    /// Captured, fee, (the gateway's conversion,) split, our conversions. `booking.source` is the capture's reference.
    ///
    /// # Errors
    /// [`LedgerError`] when the parts do not sum: a settlement that was not computed by `settle`.
    pub fn book(&self, booking: &Booking<'_>) -> Result<Vec<LedgerTransaction>, LedgerError> {
        let captured = journal::captured(booking, self.gross)?;
        let mut transactions: Vec<LedgerTransaction> = captured.into_iter().collect();
        transactions.extend(self.book_fee(booking)?);
        transactions.extend(self.book_division(booking)?);
        Ok(transactions)
    }

    /// The fee alone: for captures whose gross is booked elsewhere (suspense, a second payment).
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn book_fee(&self, booking: &Booking<'_>) -> Result<Option<LedgerTransaction>, LedgerError> {
        if self.fee_accrued {
            return journal::fee_accrued(booking, self.fee, self.fee_tax, &self.jurisdiction);
        }
        journal::fee_charged(
            booking,
            &ChargedFee {
                fee: self.fee,
                tax: self.fee_tax,
                expected: self.fee_expected,
                jurisdiction: &self.jurisdiction,
            },
        )
    }

    /// What follows the match: the split and the conversions, out of clearing.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn book_division(&self, booking: &Booking<'_>) -> Result<Vec<LedgerTransaction>, LedgerError> {
        let mut transactions = Vec::new();
        if let Some(converted) = &self.received {
            let fee = self.gross.checked_sub(converted.from).map_err(too_large)?;
            transactions.extend(journal::fee_borne(booking, fee)?);
            transactions.extend(journal::converted_by_gateway(booking, converted.from, converted.to)?);
        }
        let whole = self.received.as_ref().map_or(self.gross, |converted| converted.to);
        let currency = whole.currency();
        let sum = |amounts: &mut dyn Iterator<Item = Money>| Money::sum(currency, amounts).map_err(too_large);
        let of = |own: bool| self.parts.iter().filter(move |part| part.supplier.is_none() == own);
        let shares = self.shares()?;
        let fee_borne = if self.received.is_some() {
            Money::zero(currency)
        } else {
            sum(&mut self.parts.iter().map(|part| part.fee_borne))?
        };
        transactions.extend(journal::split(
            booking,
            &SplitAmounts {
                whole,
                shares: &shares,
                commission: sum(&mut of(false).map(|part| part.commission))?,
                own_sales: sum(&mut of(true).map(|part| part.commission))?,
                tax: sum(&mut self.parts.iter().map(|part| part.tax))?,
                fee_borne,
                role: self.role,
                recognise: self.recognise,
                jurisdiction: &self.jurisdiction,
            },
        )?);
        for conversion in &self.conversions {
            transactions.extend(conversion.book(booking, 1)?);
        }
        Ok(transactions)
    }

    /// What each supplier gets in the shared currency, in the order of the parts.
    ///
    /// # Errors
    /// [`LedgerError::TooLarge`].
    pub fn shares(&self) -> Result<Vec<(SupplierId, Money)>, LedgerError> {
        let mut shares: Vec<(SupplierId, Money)> = Vec::new();
        for part in &self.parts {
            let Some(supplier) = part.supplier else { continue };
            match shares.iter_mut().find(|(known, _)| *known == supplier) {
                Some((_, sum)) => *sum = sum.checked_add(part.share).map_err(too_large)?,
                None => shares.push((supplier, part.share)),
            }
        }
        Ok(shares)
    }
}

impl Conversion {
    /// The internal deal; each supplier's is a fact of its own, and so is the second of one payment, of what came back to
    /// the share behind the first.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn book(&self, booking: &Booking<'_>, nth: usize) -> Result<Option<LedgerTransaction>, LedgerError> {
        let mut source = format!("{}/{}", booking.source, self.supplier);
        if nth > 1 {
            source = format!("{source}/{nth}");
        }
        journal::converted_internal(
            &booking.of(&source),
            &InternalConversion {
                supplier: self.supplier,
                from: self.from,
                at_mid: self.at_mid,
                paid: self.paid,
            },
        )
    }
}

fn too_large(_: crate::money::MoneyError) -> LedgerError {
    LedgerError::TooLarge(JournalEvent::Split)
}
