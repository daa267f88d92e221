//! Debits of payments to tax authorities. A payment is booked once, by the two persons who agree on it: a line that debits
//! it books nothing, and one that was read before leaves suspense when the payment is booked.

use chrono::{NaiveDate, TimeDelta};

use crate::domain::deposits::{BankLine, LineState, find_remittance, names_remittance};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Fact};
use crate::domain::merchants::BankAccount;
use crate::domain::withholding::{Remittance, RemittanceState};
use crate::ids::BankLineId;
use crate::store::withholding::WITHHOLDING_REMITTANCE;
use crate::store::{Change, Versioned};

use super::match_line::{credited_at, in_books};
use super::{DepositError, Deposits, post};

/// How long after a payment was booked statements may go on without its debit.
const TERM: TimeDelta = TimeDelta::days(7);

impl Deposits {
    /// What the line is, where it debits a payment that is booked.
    pub(super) async fn remitted(
        &self,
        change: &mut Change,
        line: &BankLine,
    ) -> Result<Option<LineState>, DepositError> {
        if !line.line.amount.is_negative() {
            return Ok(None);
        }
        let booked = self.store.booked_remittances(line.bank_account).await?;
        let Some(payment) = find_remittance(&line.line, booked.iter().map(|row| &row.value)) else {
            return Ok(None);
        };
        let id = payment.id;
        let Some(row) = booked.iter().find(|row| row.value.id == id) else { return Ok(None) };
        change.remittance_seen(row, line.id);
        let about = (FindingKind::MissingThere, id.to_string());
        self.close_about(change, line.merchant, (about.0, &about.1), "the bank debited it").await?;
        Ok(Some(LineState::Remitted { remittance: id }))
    }

    /// The debit of a payment that is being booked, where a statement had it before: what it put into suspense goes back to
    /// the account, which the payment is booked from.
    pub(in crate::flows) async fn debited_before(
        &self,
        change: &mut Change,
        payment: &Remittance,
    ) -> Result<Option<BankLineId>, DepositError> {
        let mut payments = self.store.booked_remittances(payment.bank_account).await?;
        payments.retain(|row| row.value.id != payment.id);
        let all = || payments.iter().map(|row| &row.value).chain([payment]);
        let mut lines = self.store.open_bank_lines(payment.merchant, payment.currency, 1_000).await?;
        lines.retain(|row| {
            row.value.bank_account == payment.bank_account
                && row.value.state == LineState::Suspense
                && find_remittance(&row.value.line, all()).is_some_and(|found| found.id == payment.id)
        });
        if lines.iter().any(|row| names_remittance(&row.value.line, payment)) {
            lines.retain(|row| names_remittance(&row.value.line, payment));
        }
        let [row] = lines.as_slice() else { return Ok(None) };
        let Some(stored) = self.store.bank_account(payment.merchant, payment.bank_account).await? else {
            return Ok(None);
        };
        let state = LineState::Remitted { remittance: payment.id };
        self.out_of_suspense(change, &stored.account, row, state).await?;
        Ok(Some(row.value.id))
    }

    /// Debits that were read at the very time at which their payments were booked.
    pub(super) async fn remit_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let open = self.store.open_bank_lines(account.merchant, account.currency, 1_000).await?;
        let stands = |row: &&Versioned<BankLine>| {
            row.value.bank_account == account.id && row.value.state == LineState::Suspense
        };
        for row in open.iter().filter(stands) {
            let mut change = Change::new();
            let Some(state) = self.remitted(&mut change, &row.value).await? else { continue };
            self.out_of_suspense(&mut change, account, row, state).await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }

    /// A debit leaves suspense: back to the account, which its payment is booked from.
    async fn out_of_suspense(
        &self,
        change: &mut Change,
        account: &BankAccount,
        row: &Versioned<BankLine>,
        state: LineState,
    ) -> Result<(), DepositError> {
        let (line, subject) = (&row.value, row.value.id.to_string());
        let (source, at) = (format!("{subject}/remitted"), credited_at(line));
        let fact = Fact { ids: &self.ids, merchant: line.merchant, source: &source, subject: &subject, at };
        let back = line.line.amount.negated();
        post(change, journal::bank_unexplained(&fact, &in_books(account), back))?;
        self.close_line(change, line, "it pays withheld tax").await?;
        let value = BankLine { state, ..line.clone() };
        change.update_bank_line(&Versioned { value, version: row.version });
        Ok(())
    }

    /// Payments that statements up to a day should have debited, and did not.
    pub(super) async fn miss_remittances(
        &self,
        account: &BankAccount,
        upto: Option<NaiveDate>,
    ) -> Result<(), DepositError> {
        let Some(upto) = upto else { return Ok(()) };
        for row in self.store.booked_remittances(account.id).await? {
            let payment = &row.value;
            let RemittanceState::Booked { at, .. } = payment.state else { continue };
            if payment.bank_line.is_some() || (at + TERM).date_naive() > upto {
                continue;
            }
            let total = payment.total().map_err(DepositError::unavailable)?;
            let detail = format!(
                "{}: {total} to {} for {} was booked on {} and no line up to {upto} debits it: pay it, or look which line \
                 is it",
                account.name,
                payment.authority,
                payment.period,
                at.date_naive()
            );
            let (fact, place) = (payment.id.to_string(), (payment.merchant, account.name.as_str()));
            let mut change = Change::new();
            change.require(&WITHHOLDING_REMITTANCE, payment.id, row.version);
            self.open_finding(&mut change, place, (FindingKind::MissingThere, &fact), Some(total), detail)
                .await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }
}
