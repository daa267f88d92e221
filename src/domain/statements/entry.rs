//! Lines of a statement, and the running sum that makes them.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::domain::ledger::AccountEntry;
use crate::ids::TransactionId;
use crate::money::Money;

use super::{Period, StatementError, narrative};

/// Which way a line goes, seen from the supplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
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
    pub narrative: Cow<'static, str>,
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

    /// What kind of thing the subject is, by the prefix of its id; the subject's key in JSON.
    pub(super) fn subject_key(&self) -> Option<&'static str> {
        let subject = self.subject.as_deref()?;
        Some(match subject.split_once('_').map(|(prefix, _)| prefix) {
            Some("pay") => "payment",
            Some("ref") => "refund",
            Some("po") => "payout",
            Some("fnd") => "finding",
            _ => "subject",
        })
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
        object.serialize_entry("narrative", &self.narrative)?;
        object.serialize_entry("transaction", &self.transaction)?;
        if let (Some(key), Some(subject)) = (self.subject_key(), &self.subject) {
            object.serialize_entry(key, subject)?;
        }
        object.serialize_entry("balance", &self.balance)?;
        object.end()
    }
}

/// Makes lines of ledger entries, one by one in constant memory, and foots them: the entries of one transaction become
/// one line or, where they net to zero, none; at the end the running balance must be the ledger's own.
#[derive(Debug)]
pub struct Footing {
    period: Period,
    balance: Money,
    open: Option<AccountEntry>,
}

impl Footing {
    /// Begins at the balance before the first entry.
    pub fn new(period: Period, opening: Money) -> Footing {
        Footing { period, balance: opening, open: None }
    }

    /// Takes the next entry on any of the supplier's accounts, in booking order; answers the line it completes.
    ///
    /// # Errors
    /// [`StatementError::OutsidePeriod`]; [`StatementError::Money`] for another currency.
    pub fn push(&mut self, entry: AccountEntry) -> Result<Option<StatementEntry>, StatementError> {
        if !self.period.contains(entry.recorded_at) {
            let booked_on = self.period.date_of(entry.recorded_at);
            return Err(StatementError::OutsidePeriod { transaction: entry.transaction, booked_on });
        }
        self.balance.same_currency(entry.debit_minus_credit)?;
        if let Some(open) = &mut self.open
            && open.transaction == entry.transaction
        {
            open.debit_minus_credit = open.debit_minus_credit.checked_add(entry.debit_minus_credit)?;
            return Ok(None);
        }
        let completed = self.open.replace(entry);
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

    fn line(&mut self, netted: Option<AccountEntry>) -> Result<Option<StatementEntry>, StatementError> {
        let Some(netted) = netted.filter(|netted| !netted.debit_minus_credit.is_zero()) else {
            return Ok(None);
        };
        let gained = netted.debit_minus_credit.negated();
        self.balance = self.balance.checked_add(gained)?;
        let side = if gained.is_positive() { Side::Credit } else { Side::Debit };
        Ok(Some(StatementEntry {
            transaction: netted.transaction,
            subject: netted.subject,
            booked_on: self.period.date_of(netted.recorded_at),
            value_date: self.period.date_of(netted.effective_at),
            side,
            amount: gained.abs(),
            narrative: narrative(netted.event, side).into(),
            balance: self.balance,
        }))
    }
}

/// Cuts a page of `asked` entries back to whole transactions, so that no line is torn in two; answers whether more may
/// follow. The next page begins behind the last transaction that is left. `asked` must exceed the entries that one
/// transaction has on a supplier's accounts: fifty is ample.
pub fn cut_to_whole_transactions(page: &mut Vec<AccountEntry>, asked: usize) -> bool {
    if page.len() < asked {
        return false;
    }
    if let Some(torn) = page.last().map(|last| last.transaction) {
        let whole = page.iter().rposition(|entry| entry.transaction != torn).map_or(page.len(), |at| at + 1);
        page.truncate(whole);
    }
    true
}
