//! Debits of a gateway's fee invoices. An invoice is booked once, when it is reported: a line that debits it books nothing,
//! and one that was read before leaves suspense when the invoice is booked.

use chrono::NaiveDate;

use crate::domain::deposits::{BankLine, FeeCharge, LineState};
use crate::domain::findings::{Finding, FindingKind};
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::ids::BankLineId;
use crate::store::fee_charges::FEE_CHARGE;
use crate::store::{Change, Versioned};

use super::{DepositError, Deposits, TakenBack};

/// Debited invoices of one sum among which a credit's is looked for, newest first.
const SEEN: i64 = 100;
/// Open findings of what the bank took back at one account: far more than there are.
const CAME_BACK: i64 = 1_000;

impl Deposits {
    /// The line is what paid an invoice: one that it names, else, where it may be `unnamed`, the only one of its sum near
    /// it.
    pub(super) async fn fee_paid(
        &self,
        change: &mut Change,
        line: &BankLine,
        unnamed: bool,
    ) -> Result<Option<LineState>, DepositError> {
        let read = &line.line;
        if !read.amount.is_negative() {
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
        self.fee_seen(change, &charge, line.id).await?;
        Ok(Some(LineState::FeePaid { charge: charge.value.id }))
    }

    /// The debit of an invoice that is being booked, where a statement had it before: what it put into suspense goes back to
    /// the account. The oldest that names it, else the only one of its sum near it.
    pub(super) async fn fee_debited_before(
        &self,
        change: &mut Change,
        bank: &BankAccount,
        charge: &FeeCharge,
    ) -> Result<Option<BankLineId>, DepositError> {
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
        Ok(Some(row.value.id))
    }

    /// Debits that were read at the very time at which their invoices were booked.
    pub(super) async fn pay_fees_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        if account.kind != BankAccountKind::Own {
            return Ok(());
        }
        for charge in self.store.fee_charges_unseen(account.id, account.currency).await? {
            let mut change = Change::new();
            if let Some(line) = self.fee_debited_before(&mut change, account, &charge.value).await? {
                self.fee_seen(&mut change, &charge, line).await?;
                self.commit_or_leave(change).await?;
            }
        }
        Ok(())
    }

    /// An invoice's debit came: nobody has to look for it any more.
    async fn fee_seen(
        &self,
        change: &mut Change,
        charge: &Versioned<FeeCharge>,
        line: BankLineId,
    ) -> Result<(), DepositError> {
        change.fee_charge_seen(charge, line);
        let fact = charge.value.id.to_string();
        let about = (FindingKind::MissingThere, fact.as_str());
        self.close_about(change, charge.value.merchant, about, "the bank debited it").await?;
        for found in self.came_back(&charge.value).await? {
            let about = (found.kind, found.fact.as_str());
            self.close_about(change, charge.value.merchant, about, "the bank debited it again").await?;
        }
        Ok(())
    }

    /// The invoice's debit was taken back with `line`: it is unpaid until it is debited again.
    pub(super) async fn fee_came_back(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        charge: &Versioned<FeeCharge>,
        why: &str,
    ) -> Result<(), DepositError> {
        change.fee_charge_unseen(charge);
        let fact = format!("{}/{}", charge.value.id, line.id);
        let about = (FindingKind::DepositReversed, fact.as_str());
        let detail = format!("{} {} on {}: {why}", account.name, line.line.amount, line.line.booked_on);
        let place = (line.merchant, account.name.as_str());
        self.open_finding(change, place, about, Some(line.line.amount.abs()), detail).await
    }

    /// What stands open of an invoice whose debits came back.
    async fn came_back(&self, charge: &FeeCharge) -> Result<Vec<Finding>, DepositError> {
        let Some(paid_from) = charge.paid_from else { return Ok(vec![]) };
        let Some(bank) = self.store.bank_account(charge.merchant, paid_from).await? else {
            return Ok(vec![]);
        };
        let (kind, name) = (FindingKind::DepositReversed, bank.account.name.as_str());
        let mut open = self.store.open_of_kind(charge.merchant, kind, name, CAME_BACK).await?;
        let of_it = format!("{}/", charge.id);
        open.retain(|finding| finding.fact.starts_with(&of_it));
        Ok(open)
    }

    /// A credit that brings back by name what paid an invoice, with its debit.
    pub(super) async fn fee_brought_back(&self, line: &BankLine) -> Result<Option<TakenBack>, DepositError> {
        let read = &line.line;
        if !read.amount.is_positive() {
            return Ok(None);
        }
        let seen = self.store.fee_charges_seen(line.bank_account, read.amount, SEEN).await?;
        for charge in seen.into_iter().filter(|row| row.value.is_named(read)) {
            let Some(id) = charge.value.bank_line else { continue };
            let Some(original) = self.store.bank_line(line.merchant, id).await? else { continue };
            let is_its = original.value.state == LineState::FeePaid { charge: charge.value.id };
            if is_its && original.value.line.booked_on <= read.booked_on {
                return Ok(Some(TakenBack {
                    original,
                    payouts: vec![],
                    payment: None,
                    charge: Some(charge),
                }));
            }
        }
        Ok(None)
    }

    /// Invoices that statements up to a day should have debited, and did not.
    pub(super) async fn miss_fees(
        &self,
        account: &BankAccount,
        upto: Option<NaiveDate>,
    ) -> Result<(), DepositError> {
        let Some(upto) = upto.filter(|_| account.kind == BankAccountKind::Own) else { return Ok(()) };
        for row in self.store.fee_charges_unseen(account.id, account.currency).await? {
            let charge = &row.value;
            let total = charge.total().map_err(DepositError::unavailable)?;
            // What nets to nothing no bank debits.
            let is_due = charge.is_missed(upto) && total.is_positive();
            if !is_due || !self.came_back(charge).await?.is_empty() {
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
            let (fact, place) = (charge.id.to_string(), (charge.merchant, account.name.as_str()));
            let mut change = Change::new();
            change.require(&FEE_CHARGE, charge.id, row.version);
            let about = (FindingKind::MissingThere, fact.as_str());
            self.open_finding(&mut change, place, about, Some(total), detail).await?;
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
