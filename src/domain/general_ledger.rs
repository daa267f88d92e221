//! The books as a merchant's general ledger takes them: accounts by its own numbers, amounts in its functional currency.
//!
//! Lines are translated at the mid rate of their booking date, each rounded half up; the last line of a transaction and
//! currency takes the rest, so that every transaction balances in the functional currency too. At the end of the period
//! what is owned and owed is worth its amount at the last day's rate (IAS 21.23, 21.28); what the lines alone do not come
//! to is an exchange difference. The position account (3000) is worth what its open lots were booked at: what a deal
//! closed leaves nothing behind there. These differences are part of the export and posted nowhere here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::ledger::account::Class;
use crate::domain::ledger::{
    AccountCode, AccountError, Chart, Direction, Layer, PostedEntry, PostedTransaction,
};
use crate::money::{Currency, Money, MoneyError, Rate, RateError, Rounding};

/// The merchant's own numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlAccounts {
    own: BTreeMap<AccountCode, String>,
    gain: String,
    loss: String,
}

/// Why a file is no mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlAccountsError {
    /// It does not read.
    #[error("{0}")]
    Unreadable(String),
    /// A number that the chart has not.
    #[error("[accounts] {0}")]
    Code(#[from] AccountError),
    /// A name that is none.
    #[error(
        "`{0}` is no account: 1 to 40 letters, digits, dots, dashes and blanks, not beginning with a dash"
    )]
    Name(String),
}

static SHIPPED: LazyLock<Result<GlAccounts, GlAccountsError>> =
    LazyLock::new(|| GlAccounts::read(include_str!("../../config/gl-accounts.toml")));

impl GlAccounts {
    /// `config/gl-accounts.toml`.
    ///
    /// # Errors
    /// [`GlAccountsError`]; none for the file as it is shipped, says a test.
    pub fn shipped() -> Result<GlAccounts, GlAccountsError> {
        SHIPPED.clone()
    }

    /// Reads a file of that form.
    ///
    /// # Errors
    /// [`GlAccountsError`].
    pub fn read(text: &str) -> Result<GlAccounts, GlAccountsError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            exchange_gain: String,
            exchange_loss: String,
            #[serde(default)]
            accounts: BTreeMap<String, String>,
        }
        let unreadable = |error: String| GlAccountsError::Unreadable(error);
        let file: File = toml::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        let mut own = BTreeMap::new();
        for (code, name) in file.accounts {
            let number = code.parse().map_err(|_| unreadable(format!("`{code}` is no code of the chart")))?;
            own.insert(AccountCode::find(number)?, named(name)?);
        }
        Ok(GlAccounts { own, gain: named(file.exchange_gain)?, loss: named(file.exchange_loss)? })
    }

    /// The merchant's number of a code.
    pub fn of(&self, code: AccountCode) -> String {
        self.own.get(&code).cloned().unwrap_or_else(|| code.to_string())
    }
}

fn named(name: String) -> Result<String, GlAccountsError> {
    let fits = |letter: char| letter.is_alphanumeric() || ".- ".contains(letter);
    let fine = (1..=40).contains(&name.chars().count())
        && name.chars().all(fits)
        && name.starts_with(char::is_alphanumeric);
    if fine { Ok(name) } else { Err(GlAccountsError::Name(name)) }
}

/// One line of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlLine {
    /// The merchant's own number.
    pub account: String,
    /// Ours, with its owner; the code alone for a difference.
    pub ours: String,
    /// Debit less credit in the currency it was booked in; zero for a difference.
    pub amount: Money,
    /// Debit less credit in the functional currency.
    pub functional: Money,
    /// What it was translated by.
    pub rate: Option<Rate>,
}

/// Why there is no translation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlError {
    /// A rate of another currency, or too large.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A sum does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What the translated lines come to so far, by code and currency.
#[derive(Debug, Clone)]
pub struct Translation {
    functional: Currency,
    sums: BTreeMap<(AccountCode, Currency), Money>,
}

impl Translation {
    /// Nothing yet.
    pub fn into(functional: Currency) -> Translation {
        Translation { functional, sums: BTreeMap::new() }
    }

    /// What a code's amounts in a currency were worth before the period began: debit less credit.
    ///
    /// # Errors
    /// [`GlError`].
    pub fn open(&mut self, code: AccountCode, currency: Currency, worth: Money) -> Result<(), GlError> {
        Ok(self.add(code, currency, worth)?)
    }

    /// A transaction's lines; expected money is left out.
    ///
    /// # Errors
    /// [`GlError`]; `rate` answers a currency's rate of the booking date.
    pub fn lines<E: From<GlError>>(
        &mut self,
        accounts: &GlAccounts,
        transaction: &PostedTransaction,
        mut rate: impl FnMut(Currency) -> Result<Rate, E>,
    ) -> Result<Vec<GlLine>, E> {
        let real: Vec<&PostedEntry> =
            transaction.entries.iter().filter(|entry| entry.layer == Layer::Posted).collect();
        let mut lines = Vec::with_capacity(real.len());
        let mut left: BTreeMap<Currency, (usize, Money)> = BTreeMap::new();
        for entry in &real {
            let of = left.entry(entry.amount.currency()).or_insert((0, Money::zero(self.functional)));
            of.0 += 1;
        }
        for entry in real {
            let currency = entry.amount.currency();
            let amount = match entry.direction {
                Direction::Debit => entry.amount,
                Direction::Credit => entry.amount.negated(),
            };
            let rate = rate(currency)?;
            let mut functional = rate.convert(amount).map_err(GlError::from)?.round(Rounding::HalfUp);
            if let Some((lines_left, sum)) = left.get_mut(&currency) {
                *lines_left -= 1;
                if *lines_left == 0 {
                    functional = sum.negated();
                }
                *sum = sum.checked_add(functional).map_err(GlError::from)?;
            }
            let code = entry.account.code;
            self.add(code, currency, functional).map_err(GlError::from)?;
            lines.push(GlLine {
                account: accounts.of(code),
                ours: entry.account.to_string(),
                amount,
                functional,
                rate: Some(rate),
            });
        }
        Ok(lines)
    }

    /// The differences at the end: `worth` is what each code and currency is worth then, debit less credit. Each is two
    /// lines, the account's and the result's.
    ///
    /// # Errors
    /// [`GlError`].
    pub fn differences(
        self,
        accounts: &GlAccounts,
        mut worth: BTreeMap<(AccountCode, Currency), Money>,
    ) -> Result<Vec<GlLine>, GlError> {
        let mut lines = Vec::new();
        let nothing = Money::zero(self.functional);
        for ((code, currency), sum) in self.sums {
            if !is_measured(code) {
                continue;
            }
            let worth = worth.remove(&(code, currency)).unwrap_or(nothing);
            let difference = worth.checked_sub(sum)?;
            if difference.is_zero() {
                continue;
            }
            let line = |account: String, functional| GlLine {
                account,
                ours: code.to_string(),
                amount: Money::zero(currency),
                functional,
                rate: None,
            };
            let result = if difference.is_positive() { &accounts.gain } else { &accounts.loss };
            lines.push(line(accounts.of(code), difference));
            lines.push(line(result.clone(), difference.negated()));
        }
        Ok(lines)
    }

    fn add(&mut self, code: AccountCode, currency: Currency, amount: Money) -> Result<(), MoneyError> {
        let sum = self.sums.entry((code, currency)).or_insert(Money::zero(self.functional));
        *sum = sum.checked_add(amount)?;
        Ok(())
    }
}

/// Whether an account is measured again at the end of a period: what is owned or owed, and positions.
pub fn is_measured(code: AccountCode) -> bool {
    let class = Chart::shipped().get(code).map(|row| row.class);
    matches!(class, Some(Class::Asset | Class::Liability | Class::Position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_reads_and_others_are_refused_with_the_place() {
        assert_eq!(GlAccounts::shipped().unwrap().of(AccountCode::BANK_CLIENT), "1010");
        let head = "exchange_gain = \"7800\"\nexchange_loss = \"8800\"\n[accounts]\n";
        let own = GlAccounts::read(&format!("{head}1010 = \"1120\"\n")).unwrap();
        assert_eq!(
            (own.of(AccountCode::BANK_CLIENT), own.of(AccountCode::TAX_OUTPUT)),
            ("1120".into(), "2200".into())
        );
        for wrong in ["1011 = \"1\"\n", "x = \"1\"\n", "1010 = \"=1\"\n", "1010 = \"\"\n"] {
            assert!(GlAccounts::read(&format!("{head}{wrong}")).is_err(), "{wrong}");
        }
    }
}
