//! The rules of payouts.

use chrono::TimeDelta;

use crate::domain::payouts::PayoutRules;
use crate::money::{Currency, Money, Percent};

use super::{Mode, Reader, SettingsError};

impl Reader<'_> {
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
            first_payout: self.list("payouts.first_payout").iter().map(|text| self.amount(text)).collect::<Result<_, _>>()?,
            debt_cap: Percent::try_new(debt_cap.into()).map_err(percent)?,
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
