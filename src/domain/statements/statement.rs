//! A supplier's statement of one period and currency: opening + entries = closing = the ledger's own, or it does not
//! exist.

use chrono::NaiveDate;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::domain::ledger::AccountEntry;
use crate::ids::{SupplierId, TransactionId};
use crate::money::{Money, MoneyError};

use super::{Footing, Heading, Issue, Letterhead, Period, StatementEntry, Tally, Totals};

/// A statement, whole or one page of it. Its fields are private: whoever holds one knows that it foots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    supplier: SupplierId,
    period: Period,
    opening: Money,
    entries: Vec<StatementEntry>,
    closing: Money,
    totals: Totals,
    has_more: bool,
    letterhead: Option<Letterhead>,
    issue: Option<Issue>,
}

/// Why there is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The entries do not lead from the opening to the ledger's closing balance.
    #[error("the statement comes to {computed}, the ledger to {ledger}: a difference of {difference}")]
    DoesNotFoot {
        /// Opening and entries.
        computed: Money,
        /// What the ledger holds.
        ledger: Money,
        /// Computed less ledger.
        difference: Money,
    },
    /// An entry booked on another day.
    #[error("{transaction} was booked on {booked_on}, outside the period")]
    OutsidePeriod {
        /// The entry's transaction.
        transaction: TransactionId,
        /// Its booking date.
        booked_on: NaiveDate,
    },
    /// Two currencies, or a sum beyond the ledger.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Statement {
    /// From the entries on the supplier's accounts in booking order (one currency, all buckets together, the posted
    /// layer), the balance before the first and the ledger's own after the last.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn try_new(
        supplier: SupplierId,
        period: Period,
        opening: Money,
        entries: impl IntoIterator<Item = AccountEntry>,
        ledger_closing: Money,
    ) -> Result<Statement, StatementError> {
        let mut footing = Footing::new(period, opening);
        let mut lines = Vec::new();
        for entry in entries {
            lines.extend(footing.push(entry)?);
        }
        lines.extend(footing.close(ledger_closing)?);
        let totals = totals(opening, &lines, ledger_closing)?;
        Ok(Statement {
            supplier,
            period,
            opening,
            entries: lines,
            closing: ledger_closing,
            totals,
            has_more: false,
            letterhead: None,
            issue: None,
        })
    }

    /// From what was issued: a heading, and the lines that were read back.
    ///
    /// # Errors
    /// [`StatementError::DoesNotFoot`].
    pub fn issued(heading: Heading, entries: Vec<StatementEntry>) -> Result<Statement, StatementError> {
        let totals = totals(heading.opening, &entries, heading.closing)?;
        Ok(Statement {
            supplier: heading.supplier,
            period: heading.period,
            opening: heading.opening,
            entries,
            closing: heading.closing,
            totals,
            has_more: false,
            letterhead: Some(heading.letterhead),
            issue: heading.issue,
        })
    }

    /// Prints on it who tells whom, and the head of the ledger's chain.
    #[must_use]
    pub fn with_letterhead(self, letterhead: Letterhead) -> Statement {
        Statement { letterhead: Some(letterhead), ..self }
    }

    /// Marks this as a page that others follow; opening and closing are then the page's.
    #[must_use]
    pub fn with_more(self, has_more: bool) -> Statement {
        Statement { has_more, ..self }
    }

    /// Whose it is.
    pub fn supplier(&self) -> SupplierId {
        self.supplier
    }

    /// The booking dates it covers.
    pub fn period(&self) -> Period {
        self.period
    }

    /// The balance before the first entry.
    pub fn opening(&self) -> Money {
        self.opening
    }

    /// The lines, in the ledger's order.
    pub fn entries(&self) -> &[StatementEntry] {
        &self.entries
    }

    /// The balance after the last entry.
    pub fn closing(&self) -> Money {
        self.closing
    }

    /// What the lines come to.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether a page follows.
    pub fn has_more(&self) -> bool {
        self.has_more
    }
}

fn totals(opening: Money, entries: &[StatementEntry], closing: Money) -> Result<Totals, StatementError> {
    let mut tally = Tally::new(opening);
    for entry in entries {
        tally.take(entry)?;
    }
    tally.finish(closing)
}

/// The API's shape.
impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Statement", 15)?;
        let letterhead = self.letterhead.as_ref();
        object.serialize_field("number", &self.issue.as_ref().map(|issue| issue.number))?;
        object.serialize_field("issuer", &letterhead.map(|letterhead| &letterhead.issuer))?;
        object.serialize_field("holder", &letterhead.map(|letterhead| &letterhead.holder))?;
        object.serialize_field("supplier", &self.supplier)?;
        object.serialize_field("from", &self.period.from())?;
        object.serialize_field("to", &self.period.to())?;
        object.serialize_field("zone", self.period.zone().name())?;
        object.serialize_field("currency", &self.opening.currency())?;
        object.serialize_field("opening", &self.opening)?;
        object.serialize_field("entries", &self.entries)?;
        object.serialize_field("closing", &self.closing)?;
        object.serialize_field("totals", &self.totals)?;
        object.serialize_field("has_more", &self.has_more)?;
        let head = letterhead.and_then(|letterhead| letterhead.ledger_head);
        object.serialize_field("ledger_head", &head.map(|head| head.to_string()))?;
        object.serialize_field("sha256", &self.issue.as_ref().map(|issue| &issue.sha256))?;
        object.end()
    }
}

#[cfg(test)]
mod tests;
