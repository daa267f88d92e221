//! One `Stmt` or `Ntfctn` as far as it was read: its account, its balances and its lines.

use chrono::NaiveDate;

use crate::banks::BankFileError;
use crate::domain::deposits::{ReadLine, ReadStatement};
use crate::money::{Currency, Money};

use super::entry::Entry;

#[derive(Default)]
pub(super) struct Statement {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) currency: Option<Currency>,
    pub(super) balance: Balance,
    opening: Option<Money>,
    closing: Option<Money>,
    /// Balances between pages (`ITBD`), the first and the last.
    between: Option<(Money, Option<Money>)>,
    /// The day of its last balance: entries may have none of their own.
    pub(super) day: Option<NaiveDate>,
    /// The day on which it was made.
    pub(super) made_on: Option<NaiveDate>,
    pub(super) entry: Entry,
    lines: Vec<ReadLine>,
}

#[derive(Default)]
pub(super) struct Balance {
    pub(super) code: String,
    pub(super) amount: Option<Money>,
    pub(super) is_debit: bool,
}

impl Statement {
    /// `OPBD` opens, `PRCD` (the close before) where there is none, `CLBD` closes; `ITBD` stands between two pages, in place
    /// of what the page does not have of these. Others are of other moments.
    pub(super) fn end_balance(&mut self) {
        let Balance { code, amount, is_debit } = std::mem::take(&mut self.balance);
        let amount = amount.map(|amount| if is_debit { amount.negated() } else { amount });
        match code.as_str() {
            "OPBD" => self.opening = amount,
            "PRCD" => self.opening = self.opening.or(amount),
            "CLBD" => self.closing = amount,
            "ITBD" => {
                self.between = match (self.between, amount) {
                    (None, Some(first)) => Some((first, None)),
                    (Some((first, _)), Some(last)) => Some((first, Some(last))),
                    (between, None) => between,
                };
            }
            _ => {}
        }
    }

    /// The lines of an entry, which are all of its currency. Only here it is known which entry they are of.
    pub(super) fn take_lines(&mut self, lines: Vec<ReadLine>) -> Result<(), String> {
        let other = lines.first().map(|line| line.amount.currency());
        if let (Some(own), Some(other)) = (self.named_currency(), other)
            && own != other
        {
            return Err(format!(
                "its amount is of another currency than the statement's: {other}, not {own}"
            ));
        }
        self.lines.extend(lines);
        Ok(())
    }

    /// The currency by its account, else by its balances, else by its first line.
    fn named_currency(&self) -> Option<Currency> {
        let balance = self.opening.or(self.closing).or(self.between.map(|(first, _)| first));
        let told = balance.or(self.lines.first().map(|line| line.amount));
        self.currency.or(told.map(Money::currency))
    }

    /// One balance between pages is the end of what it stands with, unless that has one of its own.
    fn end_pages(&mut self) {
        match (self.between, self.opening, self.closing) {
            (Some((first, None)), None, Some(_)) => self.opening = Some(first),
            (Some((last, None)), _, None) => self.closing = Some(last),
            (Some((first, Some(last))), ..) => {
                self.opening = self.opening.or(Some(first));
                self.closing = self.closing.or(Some(last));
            }
            _ => {}
        }
    }

    pub(super) fn end(mut self) -> Result<ReadStatement, BankFileError> {
        self.end_pages();
        let named = self.named_currency();
        let currency = named.ok_or_else(|| BankFileError::at("Stmt", "it names no currency"))?;
        let statement = ReadStatement {
            reference: self.id,
            account: self.account,
            currency,
            opening: self.opening,
            closing: self.closing,
            lines: self.lines,
        };
        let checked = statement.check();
        checked.map_err(|fault| BankFileError::Fault { reference: statement.reference.clone(), fault })?;
        Ok(statement)
    }
}
