//! The rules of payouts.

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::domain::payouts::{DebtorAddress, PayoutRules};
use crate::domain::treasury::{Calendars, RouteTable, Tables};
use crate::domain::withholding::{TaxRules, TaxTable};
use crate::money::{Currency, Money, Percent};

use super::{Mode, Reader, SettingsError};

/// A bank's channel for files of payouts.
#[derive(Debug, Clone, Default)]
pub struct BankChannelSettings {
    /// Its address, with a slash at the end; `None`: the far side's in a sandbox, else files are handed in by a person.
    pub url: Option<String>,
    /// Sent as a bearer's token.
    pub token: Option<SecretString>,
}

impl Reader<'_> {
    pub(super) fn bank_channel(&self) -> Result<BankChannelSettings, SettingsError> {
        let url = Some(self.text("payouts.bank_url").to_owned()).filter(|url| !url.is_empty());
        let bad = |url: &String| !(url.starts_with("https://") && url.ends_with('/'));
        if url.as_ref().is_some_and(bad) {
            return Err(self.bad("payouts.bank_url", "is no https address with a slash at its end"));
        }
        Ok(BankChannelSettings { url, token: self.secret("payouts.bank_token") })
    }

    /// The merchant's seat, in the letters that banks carry.
    pub(super) fn debtor_address(&self) -> Result<DebtorAddress, SettingsError> {
        let [street, post_code, town] = DebtorAddress::MOST;
        Ok(DebtorAddress {
            street: self.in_bank_letters("payouts.debtor_street", street)?,
            post_code: self.in_bank_letters("payouts.debtor_post_code", post_code)?,
            town: self.in_bank_letters("payouts.debtor_town", town)?,
        })
    }

    fn in_bank_letters(&self, key: &str, most: usize) -> Result<Option<String>, SettingsError> {
        let text = self.text(key).trim();
        if !DebtorAddress::is_carried(text, most) {
            return Err(
                self.bad(key, format!("is more than {most} letters, or has some that banks do not carry"))
            );
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// The tables that are compiled in, or the operator's own.
    pub(super) fn payout_tables(&self) -> Result<Tables, SettingsError> {
        let mut tables = Tables::shipped();
        let (routes, holidays) = ("payouts.routes", "payouts.holidays");
        if let Some((file, text)) = self.own_file(routes)? {
            let read = RouteTable::read(&file, &text);
            tables.routes = read.map_err(|error| self.bad(routes, format!("is refused: {error}")))?;
        }
        if let Some((file, text)) = self.own_file(holidays)? {
            let read = Calendars::read(&file, &text);
            tables.holidays = read.map_err(|error| self.bad(holidays, format!("is refused: {error}")))?;
        }
        Ok(tables)
    }

    /// The rules of the authorities that appoint this shop, from the table that is compiled in or the operator's own.
    pub(super) fn withholding(&self) -> Result<TaxRules, SettingsError> {
        let (own, appointed) = ("payouts.withholding.rules", "payouts.withholding.appointed_by");
        let table = match self.own_file(own)? {
            None => TaxTable::shipped().clone(),
            Some((file, text)) => {
                TaxTable::read(&file, &text).map_err(|error| self.bad(own, format!("is refused: {error}")))?
            }
        };
        TaxRules::appointed(&table, &self.list(appointed))
            .map_err(|error| self.bad(appointed, format!("names an authority without rules: {error}")))
    }

    /// The file that a setting names, and what is in it.
    pub(super) fn own_file(&self, key: &str) -> Result<Option<(String, String)>, SettingsError> {
        let file = self.text(key).to_owned();
        if file.is_empty() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file).map_err(|error| SettingsError::File {
            file: file.clone(),
            why: format!("{error} (setting {key})"),
        })?;
        Ok(Some((file, text)))
    }

    pub(super) fn payouts(&self, mode: Mode) -> Result<PayoutRules, SettingsError> {
        let must_be_known = self.word(
            "payouts.known_suppliers_only",
            &[("live", mode == Mode::Live), ("always", true), ("never", false)],
        )?;
        let percent = |_| self.bad("payouts.debt_cap_percent", "is no percentage");
        let debt_cap: u32 = self.number("payouts.debt_cap_percent", 0, 100)?;
        Ok(PayoutRules {
            must_be_known,
            cooling: TimeDelta::hours(self.number("payouts.cooling_hours", 0, 720)?),
            first_payout: self
                .list("payouts.first_payout")
                .iter()
                .map(|text| self.amount(text))
                .collect::<Result<_, _>>()?,
            debt_cap: Percent::try_new(debt_cap.into()).map_err(percent)?,
            items_per_call: Some(self.number("payouts.items_per_call", 0, 15_000)?).filter(|most| *most > 0),
        })
    }

    /// `USD 1000.00`.
    fn amount(&self, text: &str) -> Result<Money, SettingsError> {
        let read = || {
            let (code, amount) = text.split_once(' ')?;
            Money::parse(amount, Currency::find(code).ok()?).ok()
        };
        let why = || format!("has `{text}`, which is no amount such as `USD 1000.00`");
        read().ok_or_else(|| self.bad("payouts.first_payout", why()))
    }
}
