//! Lines of a statement, and the running sum that makes them.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::domain::ledger::JournalEvent;
use crate::ids::TransactionId;
use crate::money::Money;

use super::{Period, StatementError, narrative};

/// Which way a line goes, seen from the supplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The balance rises.
    Credit,
    /// The balance falls.
    Debit,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Credit => "credit",
            Side::Debit => "debit",
        })
    }
}

/// One ledger entry on one of a supplier's accounts, as the store reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Its transaction; the movements of one transaction follow one another.
    pub transaction: TransactionId,
    /// What happened.
    pub event: JournalEvent,
    /// The payment, payout or finding it is about.
    pub subject: Option<String>,
    /// When it was booked.
    pub recorded_at: DateTime<Utc>,
    /// When it happened.
    pub effective_at: DateTime<Utc>,
    /// Debit minus credit, as the ledger stores it: below zero for what the supplier gains.
    pub debit_minus_credit: Money,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEntry {
    /// The ledger transaction behind it.
    pub transaction: TransactionId,
    /// The payment, payout or finding it is about.
    pub subject: Option<String>,
    /// The day it was booked.
    pub booked_on: NaiveDate,
    /// The day it happened.
    pub value_date: NaiveDate,
    /// Which way.
    pub side: Side,
    /// How much, above zero.
    pub amount: Money,
    /// What happened, in words.
    pub narrative: &'static str,
    /// The balance after it.
    pub balance: Money,
}

impl StatementEntry {
    /// What the line adds to the balance.
    pub fn signed(&self) -> Money {
        match self.side {
            Side::Credit => self.amount,
            Side::Debit => self.amount.negated(),
        }
    }

    /// The subject's key in JSON, by the prefix of its id.
    fn subject_key(subject: &str) -> &'static str {
        match subject.split_once('_').map(|(prefix, _)| prefix) {
            Some("pay") => "payment",
            Some("ref") => "refund",
            Some("po") => "payout",
            Some("fnd") => "finding",
            _ => "subject",
        }
    }
}

/// The API's shape; what a line is about stands under its own key: `"payment":"pay_…"`.
impl Serialize for StatementEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("booked_on", &self.booked_on)?;
        object.serialize_entry("value_date", &self.value_date)?;
        object.serialize_entry("direction", &self.side)?;
        object.serialize_entry("amount", &self.amount)?;
        object.serialize_entry("narrative", self.narrative)?;
        object.serialize_entry("transaction", &self.transaction)?;
        if let Some(subject) = &self.subject {
            object.serialize_entry(StatementEntry::subject_key(subject), subject)?;
        }
        object.serialize_entry("balance", &self.balance)?;
        object.end()
    }
}

/// Makes lines of movements, one by one in constant memory, and foots them: the movements of one transaction become
/// one line or, where they net to zero, none; at the end the running balance must be the ledger's own.
#[derive(Debug)]
pub struct Footing {
    period: Period,
    balance: Money,
    open: Option<Movement>,
}

impl Footing {
    /// Begins at the balance before the first movement.
    pub fn new(period: Period, opening: Money) -> Footing {
        Footing { period, balance: opening, open: None }
    }

    /// Takes the next movement in the ledger's order; answers the line it completes.
    ///
    /// # Errors
    /// [`StatementError::OutsidePeriod`]; [`StatementError::Money`] for another currency.
    pub fn push(&mut self, movement: Movement) -> Result<Option<StatementEntry>, StatementError> {
        if !self.period.contains(movement.recorded_at) {
            let booked_on = self.period.date_of(movement.recorded_at);
            return Err(StatementError::OutsidePeriod { transaction: movement.transaction, booked_on });
        }
        self.balance.same_currency(movement.debit_minus_credit)?;
        if let Some(open) = &mut self.open
            && open.transaction == movement.transaction
        {
            open.debit_minus_credit = open.debit_minus_credit.checked_add(movement.debit_minus_credit)?;
            return Ok(None);
        }
        let completed = self.open.replace(movement);
        self.line(completed)
    }

    /// Ends: the last line, and the check against the ledger.
    ///
    /// # Errors
    /// [`StatementError::DoesNotFoot`].
    pub fn close(mut self, ledger_closing: Money) -> Result<Option<StatementEntry>, StatementError> {
        let completed = self.open.take();
        let last = self.line(completed)?;
        let difference = self.balance.checked_sub(ledger_closing)?;
        if !difference.is_zero() {
            return Err(StatementError::DoesNotFoot {
                computed: self.balance,
                ledger: ledger_closing,
                difference,
            });
        }
        Ok(last)
    }

    fn line(&mut self, movement: Option<Movement>) -> Result<Option<StatementEntry>, StatementError> {
        let Some(movement) = movement.filter(|movement| !movement.debit_minus_credit.is_zero()) else {
            return Ok(None);
        };
        let gained = movement.debit_minus_credit.negated();
        self.balance = self.balance.checked_add(gained)?;
        let side = if gained.is_positive() { Side::Credit } else { Side::Debit };
        Ok(Some(StatementEntry {
            transaction: movement.transaction,
            subject: movement.subject,
            booked_on: self.period.date_of(movement.recorded_at),
            value_date: self.period.date_of(movement.effective_at),
            side,
            amount: gained.abs(),
            narrative: narrative(movement.event, side),
            balance: self.balance,
        }))
    }
}
