//! Debits of payments to tax authorities. A payment is booked once, by the two persons who agree on it: a line that debits
//! it books nothing, and one that was read before leaves suspense when the payment is booked. One that names a payment is it,
//! though another line had been taken for it by its sum: that one then is the next of this sum.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::domain::deposits::{
    BankLine, LineState, NEAR_DAYS, find_remittance, find_taken, names_remittance,
};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Fact};
use crate::domain::merchants::BankAccount;
use crate::domain::withholding::{Remittance, RemittanceState};
use crate::ids::{BankLineId, PayoutBatchId, PayoutId, RemittanceId};
use crate::rails::bank_ids_of;
use crate::store::{Change, Versioned};

use super::converted::of_that_week;
use super::match_line::in_books;
use super::{DepositError, Deposits, post};

/// How long after a payment was booked statements may go on without its debit.
const TERM: TimeDelta = TimeDelta::days(7);
/// Payments without their debit among which a line's is looked for, newest first: far more than an account pays in a month.
const UNSEEN: u32 = 200;
/// Why a debit needs nobody any more.
const PAYS_TAX: &str = "it pays withheld tax";
/// Payments that one line may name.
const NAMED: u32 = 50;

/// So long after a day begins; the last of all times where there is none that late.
fn begins(day: NaiveDate, after: TimeDelta) -> DateTime<Utc> {
    let begin = day.and_time(NaiveTime::MIN).and_utc();
    begin.checked_add_signed(after).unwrap_or(if after < TimeDelta::zero() {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// What a debit is.
#[derive(Debug)]
pub(super) struct Debit {
    /// The payment.
    pub payment: Versioned<Remittance>,
    /// The line that was taken for it before, without its name, and the payment that it is instead.
    instead: Option<(Versioned<BankLine>, Versioned<Remittance>)>,
}

impl Deposits {
    /// The payment that a line debits, among those of its account.
    pub(super) async fn remittance_of(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<Debit>, DepositError> {
        let mut rows = self.payments_for(line).await?;
        if let Some(place) = self.place_of(account, line, &rows).await? {
            return Ok(Some(Debit { payment: rows.swap_remove(place), instead: None }));
        }
        self.claimed(account, line, rows).await
    }

    /// A payment that the line names and another line, which does not, was taken for: where that one may be another payment,
    /// it is.
    async fn claimed(
        &self,
        account: &BankAccount,
        line: &BankLine,
        mut rows: Vec<Versioned<Remittance>>,
    ) -> Result<Option<Debit>, DepositError> {
        let taken: Vec<RemittanceId> = find_taken(&line.line, rows.iter().map(|row| &row.value))
            .iter()
            .map(|payment| payment.id)
            .collect();
        for id in taken {
            let Some(place) = rows.iter().position(|row| row.value.id == id) else { continue };
            let payment = &rows[place].value;
            let Some(seen) = payment.bank_line else { continue };
            let Some(other) = self.store.bank_line(line.merchant, seen).await? else { continue };
            let is_its = other.value.state == LineState::Remitted { remittance: id };
            if !is_its || names_remittance(&other.value.line, payment) {
                continue;
            }
            let mut left = self.payments_for(&other.value).await?;
            left.retain(|row| row.value.id != id);
            let Some(found) = self.place_of(account, &other.value, &left).await? else { continue };
            let instead = Some((other, left.swap_remove(found)));
            return Ok(Some(Debit { payment: rows.swap_remove(place), instead }));
        }
        Ok(None)
    }

    /// The place of the payment that a line debits.
    async fn place_of(
        &self,
        account: &BankAccount,
        line: &BankLine,
        rows: &[Versioned<Remittance>],
    ) -> Result<Option<usize>, DepositError> {
        let payments: Vec<&Remittance> = rows.iter().map(|row| &row.value).collect();
        let found = self.debited(account, line, &payments).await?.map(|payment| payment.id);
        Ok(rows.iter().position(|row| Some(row.value.id) == found))
    }

    /// The line is the payment's debit.
    pub(super) async fn remitted(
        &self,
        change: &mut Change,
        line: &BankLine,
        debit: &Debit,
    ) -> Result<LineState, DepositError> {
        if let Some((other, payment)) = &debit.instead {
            let state = self.seen(change, &other.value, payment).await?;
            let value = BankLine { state, ..other.value.clone() };
            change.update_bank_line(&Versioned { value, version: other.version });
        }
        self.seen(change, line, &debit.payment).await
    }

    /// A payment's debit came.
    async fn seen(
        &self,
        change: &mut Change,
        line: &BankLine,
        payment: &Versioned<Remittance>,
    ) -> Result<LineState, DepositError> {
        change.remittance_seen(payment, line.id);
        let (remittance, fact) = (payment.value.id, payment.value.id.to_string());
        let about = (FindingKind::MissingThere, fact.as_str());
        self.close_about(change, line.merchant, about, "the bank debited it").await?;
        Ok(LineState::Remitted { remittance })
    }

    /// What a line may be the debit of: payments near it that no line has shown, and all that it may name.
    async fn payments_for(&self, line: &BankLine) -> Result<Vec<Versioned<Remittance>>, DepositError> {
        let read = &line.line;
        if !read.amount.is_negative() || read.reversal {
            return Ok(vec![]);
        }
        let (account, currency) = (line.bank_account, read.amount.currency());
        let upto = begins(read.booked_on, TimeDelta::days(NEAR_DAYS + 1));
        let mut rows = self.named_by(line).await?;
        let unseen = self.store.remittances_unseen(account, currency, upto, UNSEEN).await?;
        for row in unseen {
            if rows.iter().all(|known| known.value.id != row.value.id) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Payments of its account that a line may name, in any state.
    pub(super) async fn named_by(&self, line: &BankLine) -> Result<Vec<Versioned<Remittance>>, DepositError> {
        let read = &line.line;
        let texts = read.names.iter().chain(&read.reference).chain([&read.text]);
        let said: Vec<&str> = texts.flat_map(|text| text.split_whitespace()).collect();
        let said = said.join(" ");
        Ok(self.store.remittances_named(line.merchant, line.bank_account, &said, NAMED).await?)
    }

    /// Which of the payments a line debits: never by its sum alone where it may be another thing of that sum.
    async fn debited<'a>(
        &self,
        account: &BankAccount,
        line: &BankLine,
        payments: &[&'a Remittance],
    ) -> Result<Option<&'a Remittance>, DepositError> {
        let Some(found) = find_remittance(&line.line, payments.iter().copied()) else { return Ok(None) };
        if !names_remittance(&line.line, found) && self.may_be_other(account, line).await? {
            return Ok(None);
        }
        Ok(Some(found))
    }

    /// Whether a line names payouts, or may be one that is under way or a market deal's part.
    async fn may_be_other(&self, account: &BankAccount, line: &BankLine) -> Result<bool, DepositError> {
        let read = &line.line;
        if !bank_ids_of::<PayoutId>(read).is_empty() || !bank_ids_of::<PayoutBatchId>(read).is_empty() {
            return Ok(true);
        }
        let legs = self.store.open_fx_bank_legs(account.id, read.amount).await?;
        if legs.iter().any(|leg| of_that_week(line, &leg.value) || read.tells_of(&leg.value.bank_ref)) {
            return Ok(true);
        }
        let books = in_books(account);
        let payouts = self.store.payouts_to_be_debited(line.merchant, read.amount.abs()).await?;
        Ok(payouts.iter().any(|payout| payout.value.booking.cash == books))
    }

    /// The debit of a payment that is being booked, where a statement had it before: what it put into suspense goes back to
    /// the account, which the payment is booked from. The oldest that names it, else the oldest.
    pub(in crate::flows) async fn debited_before(
        &self,
        change: &mut Change,
        payment: &Remittance,
    ) -> Result<Option<BankLineId>, DepositError> {
        let Some(stored) = self.store.bank_account(payment.merchant, payment.bank_account).await? else {
            return Ok(None);
        };
        let debit = payment.total().map_err(DepositError::unavailable)?.negated();
        let may_be = |line: &BankLine| {
            line.bank_account == payment.bank_account
                && line.state == LineState::Suspense
                && line.line.amount == debit
        };
        let mut lines = self.store.open_bank_lines(payment.merchant, payment.currency, may_be).await?;
        let named = |row: &Versioned<BankLine>| names_remittance(&row.value.line, payment);
        lines.sort_by_key(|row| (!named(row), row.value.line.booked_on, row.value.id));
        for row in &lines {
            let mut rows = self.payments_for(&row.value).await?;
            rows.retain(|row| row.value.id != payment.id);
            let payments: Vec<&Remittance> = rows.iter().map(|row| &row.value).chain([payment]).collect();
            let found = self.debited(&stored.account, &row.value, &payments).await?;
            if found.is_none_or(|found| found.id != payment.id) {
                continue;
            }
            let state = LineState::Remitted { remittance: payment.id };
            self.out_of_suspense(change, &stored.account, row, (state, PAYS_TAX)).await?;
            return Ok(Some(row.value.id));
        }
        Ok(None)
    }

    /// Debits that were read at the very time at which their payments were booked.
    pub(super) async fn remit_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let stands = |line: &BankLine| line.bank_account == account.id && line.state == LineState::Suspense;
        let mut open = self.store.open_bank_lines(account.merchant, account.currency, stands).await?;
        open.sort_by_key(|row| (row.value.line.booked_on, row.value.id));
        for row in &open {
            let Some(debit) = self.remittance_of(account, &row.value).await? else { continue };
            let mut change = Change::new();
            let state = self.remitted(&mut change, &row.value, &debit).await?;
            self.out_of_suspense(&mut change, account, row, (state, PAYS_TAX)).await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }

    /// A debit leaves suspense: back to the account, which its payment is booked from.
    pub(super) async fn out_of_suspense(
        &self,
        change: &mut Change,
        account: &BankAccount,
        row: &Versioned<BankLine>,
        (state, why): (LineState, &str),
    ) -> Result<(), DepositError> {
        let (line, subject) = (&row.value, row.value.id.to_string());
        let (source, at) = (format!("{subject}/{}", state.as_str()), self.credited_at(line).await?);
        let fact = Fact { ids: &self.ids, merchant: line.merchant, source: &source, subject: &subject, at };
        let back = line.line.amount.negated();
        post(change, journal::bank_unexplained(&fact, &in_books(account), back))?;
        self.close_line(change, line, why).await?;
        let value = BankLine { state, ..line.clone() };
        change.update_bank_line(&Versioned { value, version: row.version });
        Ok(())
    }

    /// Payments that statements up to a day should have debited, and did not.
    pub(super) async fn miss_remittances(
        &self,
        account: &BankAccount,
        upto: NaiveDate,
    ) -> Result<(), DepositError> {
        let end = begins(upto, TimeDelta::days(1) - TERM);
        for row in self.store.remittances_unseen(account.id, account.currency, end, 1_000).await? {
            let payment = &row.value;
            let RemittanceState::Booked { at, .. } = payment.state else { continue };
            if at.checked_add_signed(TERM).is_none_or(|over| over.date_naive() > upto) {
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
            // Whoever found its debit at the same time loses, and closes what is opened here.
            change.decide_remittance(&row, &payment.state, payment.bank_line);
            self.open_finding(&mut change, place, (FindingKind::MissingThere, &fact), Some(total), detail)
                .await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_days_goes_on_to_the_last_of_times() {
        let day: NaiveDate = "2026-11-28".parse().unwrap();
        assert_eq!(begins(day, TimeDelta::days(1) - TERM).to_string(), "2026-11-22 00:00:00 UTC");
        assert_eq!(begins(NaiveDate::MAX, TimeDelta::days(1)), DateTime::<Utc>::MAX_UTC);
        assert_eq!(begins(NaiveDate::MIN, TimeDelta::days(1) - TERM), DateTime::<Utc>::MIN_UTC);
    }
}
