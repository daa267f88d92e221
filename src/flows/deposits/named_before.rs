//! A credit that names a payout which is not on its way, received before or not sent yet: its amount makes it no other's.

use chrono::TimeDelta;

use crate::domain::deposits::{BankLine, Match, Sent, names_deposit};
use crate::domain::merchants::BankAccount;

use super::{DepositError, Deposits};

/// How long before a line a payout closed that it may name.
const NAMED_DAYS: i64 = 400;

impl Deposits {
    /// What was found for a credit, unless it was found by the amount alone while the line names another payout of these
    /// gateway accounts.
    pub(super) async fn unless_named_before(
        &self,
        account: &BankAccount,
        line: &BankLine,
        sent: &[Sent],
        found: Option<Match>,
    ) -> Result<Option<Match>, DepositError> {
        let Some(found) = found else { return Ok(None) };
        let mut matched = found.places.iter().filter_map(|place| sent.get(*place));
        if matched.any(|sent| names_deposit(&line.line, &sent.reference)) {
            return Ok(Some(found));
        }
        let since = self.credited_at(line).await? - TimeDelta::days(NAMED_DAYS);
        let others = self.store.settlements_elsewhere(line.merchant, account.currency, since).await?;
        let is_named = others.iter().any(|other| {
            account.sweeps.contains(&other.gateway_account)
                && other.names.iter().any(|name| names_deposit(&line.line, name))
        });
        Ok((!is_named).then_some(found))
    }
}
