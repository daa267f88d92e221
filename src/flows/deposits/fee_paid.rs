//! Debits of a gateway's fee invoices. An invoice is booked once, when it is reported: a line that debits it books nothing,
//! and one that was read before leaves suspense when the invoice is booked.

use crate::domain::deposits::{BankLine, FeeCharge, LineState};
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::ids::BankLineId;
use crate::store::{Change, Versioned};

use super::{DepositError, Deposits};

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
        change.fee_charge_seen(&charge, line.id);
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
                change.fee_charge_seen(&charge, line);
                self.commit_or_leave(change).await?;
            }
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
