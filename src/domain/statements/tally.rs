//! The sums of a statement, taken line by line: every form has them, and no form can be finished where they do not lead
//! to the ledger's balance.

use serde::Serialize;

use crate::money::{Money, MoneyError};

use super::{Side, StatementEntry, StatementError};

/// What the lines come to; opening + credits − debits = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Totals {
    /// How many lines.
    pub entries: u64,
    /// What was gained.
    pub credits: Money,
    /// What was lost, above zero.
    pub debits: Money,
}

impl Totals {
    pub(super) fn nothing(like: Money) -> Totals {
        let zero = Money::zero(like.currency());
        Totals { entries: 0, credits: zero, debits: zero }
    }

    pub(super) fn add(&mut self, entry: &StatementEntry) -> Result<(), MoneyError> {
        let side = match entry.side {
            Side::Credit => &mut self.credits,
            Side::Debit => &mut self.debits,
        };
        *side = side.checked_add(entry.amount)?;
        self.entries += 1;
        Ok(())
    }
}

/// Sums under way.
#[derive(Debug, Clone)]
pub struct Tally {
    balance: Money,
    totals: Totals,
}

impl Tally {
    /// Begins at the opening balance.
    pub fn new(opening: Money) -> Tally {
        Tally { balance: opening, totals: Totals::nothing(opening) }
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// [`StatementError::DoesNotFoot`] where the line's balance does not follow from the one before.
    pub fn take(&mut self, entry: &StatementEntry) -> Result<(), StatementError> {
        let computed = self.balance.checked_add(entry.signed())?;
        must_be(computed, entry.balance)?;
        self.totals.add(entry)?;
        self.balance = computed;
        Ok(())
    }

    /// Lines so far.
    pub fn entries(&self) -> u64 {
        self.totals.entries
    }

    /// The totals.
    ///
    /// # Errors
    /// [`StatementError::DoesNotFoot`] where the lines do not lead to the ledger's balance.
    pub fn finish(&self, ledger_closing: Money) -> Result<Totals, StatementError> {
        must_be(self.balance, ledger_closing)?;
        Ok(self.totals)
    }
}

fn must_be(computed: Money, ledger: Money) -> Result<(), StatementError> {
    let difference = computed.checked_sub(ledger)?;
    if difference.is_zero() {
        return Ok(());
    }
    Err(StatementError::DoesNotFoot { computed, ledger, difference })
}
