//! Debits of a gateway's fee invoices. An invoice is booked once, when it is reported: a line that debits it books nothing,
//! and one that was read before leaves suspense when the invoice is booked.

use chrono::NaiveDate;

use crate::domain::deposits::{BankLine, FeeCharge, FeeReturn, LineState};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Fact};
use crate::domain::ledger::{LedgerError, LedgerTransaction};
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::ids::BankLineId;
use crate::money::Money;
use crate::store::{Change, Versioned};

use super::{DepositError, Deposits, TakenBack, post};

/// Debited invoices of one sum among which a credit's is looked for, newest first.
const SEEN: i64 = 100;

impl Deposits {
    /// The line is what paid an invoice: one that it names, else, where it may be `unnamed`, the only one of its sum near
    /// it.
    pub(super) async fn fee_paid(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        unnamed: bool,
    ) -> Result<Option<LineState>, DepositError> {
        let read = &line.line;
        if !read.amount.is_negative() || account.kind != BankAccountKind::Own {
            return Ok(None);
        }
        let mut open = self.store.fee_charges_unseen(line.bank_account, read.amount.currency()).await?;
        open.retain(|row| row.value.is_worth(read));
        let charge = match open.iter().position(|row| row.value.is_named(read)) {
            Some(place) => open.swap_remove(place),
            None => {
                open.retain(|row| unnamed && row.value.is_near(read));
                match open.len() {
                    1 => open.remove(0),
                    _ => return Ok(None),
                }
            }
        };
        self.fee_seen(change, account, &charge, line).await?;
        Ok(Some(LineState::FeePaid { charge: charge.value.id }))
    }

    /// The debit of an invoice that is being booked, where a statement had it before: what it put into suspense goes back to
    /// the account. The oldest that names it, else the only one of its sum near it.
    pub(super) async fn fee_debited_before(
        &self,
        change: &mut Change,
        bank: &BankAccount,
        charge: &FeeCharge,
    ) -> Result<Option<BankLine>, DepositError> {
        let may_be = |line: &BankLine| {
            line.bank_account == bank.id && line.state == LineState::Suspense && charge.is_worth(&line.line)
        };
        let mut lines = self.store.open_bank_lines(bank.merchant, bank.currency, may_be).await?;
        lines.sort_by_key(|row| (row.value.line.booked_on, row.value.id));
        let row = match lines.iter().position(|row| charge.is_named(&row.value.line)) {
            Some(place) => lines.swap_remove(place),
            None => {
                lines.retain(|row| charge.is_near(&row.value.line));
                match lines.len() {
                    1 => lines.remove(0),
                    _ => return Ok(None),
                }
            }
        };
        self.fee_leaves_suspense(change, bank, &row, charge).await?;
        Ok(Some(row.value))
    }

    /// Debits that were read at the very time at which their invoices were booked.
    pub(super) async fn pay_fees_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        if account.kind != BankAccountKind::Own {
            return Ok(());
        }
        for charge in self.store.fee_charges_unseen(account.id, account.currency).await? {
            let mut change = Change::new();
            if let Some(line) = self.fee_debited_before(&mut change, account, &charge.value).await? {
                self.fee_seen(&mut change, account, &charge, &line).await?;
                self.commit_or_leave(change).await?;
            }
        }
        Ok(())
    }

    /// An invoice's debit came: nobody has to look for it any more. What had come back is paid again.
    async fn fee_seen(
        &self,
        change: &mut Change,
        account: &BankAccount,
        charge: &Versioned<FeeCharge>,
        line: &BankLine,
    ) -> Result<(), DepositError> {
        let FeeCharge { id, merchant, returned, .. } = charge.value;
        change.fee_charge_seen(charge, line.id);
        let mut about = (FindingKind::MissingThere, id.to_string());
        if let Some(returned) = returned {
            self.post_fee(change, account, charge, line, journal::invoice_paid_again).await?;
            about = (FindingKind::DepositReversed, came_back(&charge.value, returned.line));
        }
        self.close_about(change, merchant, (about.0, &about.1), "the bank debited it").await
    }

    /// The invoice's debit was taken back with `line`: it is owed until it is debited again.
    pub(super) async fn fee_came_back(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        charge: &Versioned<FeeCharge>,
        why: &str,
    ) -> Result<(), DepositError> {
        change.fee_charge_returned(charge, FeeReturn { line: line.id, on: line.line.booked_on });
        self.post_fee(change, account, charge, line, journal::invoice_returned).await?;
        let fact = came_back(&charge.value, line.id);
        let about = (FindingKind::DepositReversed, fact.as_str());
        let detail = format!("{} {} on {}: {why}", account.name, line.line.amount, line.line.booked_on);
        let place = (line.merchant, account.name.as_str());
        self.open_finding(change, place, about, Some(line.line.amount.abs()), detail).await
    }

    async fn post_fee(
        &self,
        change: &mut Change,
        account: &BankAccount,
        charge: &Versioned<FeeCharge>,
        line: &BankLine,
        journal: FeeJournal,
    ) -> Result<(), DepositError> {
        let (source, subject) = (line.id.to_string(), charge.value.id.to_string());
        let at = self.credited_at(line).await?;
        let fact = Fact { ids: &self.ids, merchant: line.merchant, source: &source, subject: &subject, at };
        post(change, journal(&fact, &charge.value.gateway_account, &account.name, line.line.amount.abs()))
    }

    /// A credit that brings back by name what paid an invoice, with its debit. `None` where it names what else may come in,
    /// or two invoices that it may mean.
    pub(super) async fn fee_brought_back(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<TakenBack>, DepositError> {
        let read = &line.line;
        if !read.amount.is_positive() || account.kind != BankAccountKind::Own {
            return Ok(None);
        }
        let mut seen = self.store.fee_charges_seen(account.id, read.amount, SEEN).await?;
        seen.retain(|row| row.value.is_brought_back(read));
        let by_id = |row: &Versioned<FeeCharge>| read.tells_of(&row.value.id.to_string());
        if seen.iter().any(by_id) {
            seen.retain(by_id);
        }
        let (Some(charge), true) = (seen.pop(), seen.is_empty()) else { return Ok(None) };
        let Some(id) = charge.value.bank_line else { return Ok(None) };
        let Some(original) = self.store.bank_line(line.merchant, id).await? else { return Ok(None) };
        let is_its = original.value.state == LineState::FeePaid { charge: charge.value.id }
            && original.value.line.booked_on <= read.booked_on;
        if !is_its || self.names_what_comes_in(account, line).await? {
            return Ok(None);
        }
        Ok(Some(TakenBack { original, payouts: vec![], payment: None, charge: Some(charge) }))
    }

    /// Invoices that statements up to a day should have debited, and did not.
    pub(super) async fn miss_fees(&self, account: &BankAccount, upto: NaiveDate) -> Result<(), DepositError> {
        if account.kind != BankAccountKind::Own {
            return Ok(());
        }
        for row in self.store.fee_charges_unseen(account.id, account.currency).await? {
            let charge = &row.value;
            let total = charge.total().map_err(DepositError::unavailable)?;
            let (fact, kind) = (charge.id.to_string(), FindingKind::MissingThere);
            // What comes to nothing no bank debits.
            if !charge.is_missed(upto)
                || !total.is_positive()
                || self.store.finding_about(charge.merchant, kind, &fact).await?.is_some()
            {
                continue;
            }
            let detail = format!(
                "{}: {total} for {}'s invoice {} was booked on {} and no line up to {upto} debits it: pay it, or look \
                 which line is it",
                account.name,
                charge.gateway_account,
                charge.reference,
                charge.charged_at.date_naive()
            );
            let place = (charge.merchant, account.name.as_str());
            let mut change = Change::new();
            change.fee_charge_missed(&row);
            self.open_finding(&mut change, place, (kind, &fact), Some(total), detail).await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }

    async fn fee_leaves_suspense(
        &self,
        change: &mut Change,
        bank: &BankAccount,
        row: &Versioned<BankLine>,
        charge: &FeeCharge,
    ) -> Result<(), DepositError> {
        let state = LineState::FeePaid { charge: charge.id };
        self.out_of_suspense(change, bank, row, (state, "it paid what a gateway invoiced")).await
    }
}

/// One of the two ways in which a paid invoice is moved by the bank.
type FeeJournal = fn(&Fact<'_>, &str, &str, Money) -> Result<Option<LedgerTransaction>, LedgerError>;

/// What a finding calls an invoice that came back with a line.
fn came_back(charge: &FeeCharge, line: BankLineId) -> String {
    format!("{}/{line}", charge.id)
}
