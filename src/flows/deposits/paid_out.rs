//! A line of a bank that names payouts of ours: the debit is what makes them paid, a credit is what came back, a charge on
//! the merchant's own account is the payout's fee, and so is what a debit says that it includes. What came back may arrive at
//! another account than it left, and be of another currency.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::deposits::{BankLine, LineState};
use crate::domain::ledger::AccountCode;
use crate::domain::ledger::journal::{self, Fact};
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::domain::payouts::{Payout, PayoutReport, PayoutState, PayoutStatus};
use crate::flows::pay_out::{Moved, moved, payout_view};
use crate::ids::{MerchantId, PayoutBatchId};
use crate::money::Money;
use crate::rails::bank_ids_of;
use crate::store::{Change, Versioned};

use super::match_line::in_books;
use super::{DepositError, Deposits, post};

impl Deposits {
    /// What the line is, where it names payouts; their rows, postings and events are in `change`.
    pub(super) async fn paid_out(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<LineState>, DepositError> {
        let payouts = self.named(account, line).await?;
        if payouts.is_empty() {
            return Ok(None);
        }
        let debited = line.line.amount.abs();
        let whole = Money::sum(account.currency, payouts.iter().map(|payout| payout.value.amount));
        let charge = included(account, line, whole.as_ref().ok());
        let each = payouts.len() > 1;
        if each && whole != Ok(debited) && charge.is_none() {
            return Ok(None);
        }
        let (mut all, at) = (Change::new(), self.credited_at(line).await?);
        for payout in &payouts {
            let amount = if each || charge.is_some() { payout.value.amount } else { debited };
            // Whose charge it is, is known of one payout; of several it is all of theirs.
            let own = charge.filter(|_| !each);
            if !self.told(&mut all, account, (line, at), payout, (amount, own))? {
                // Money moved and not as this payout's: nobody knows what it is.
                return Ok(None);
            }
        }
        if let (Some(charge), true, Some(first)) = (charge, each, payouts.first()) {
            let subject = line.id.to_string();
            let source = format!("{subject}/charge");
            let fact =
                Fact { ids: &self.ids, merchant: line.merchant, source: &source, subject: &subject, at };
            let from = in_books(account);
            post(&mut all, journal::payout_fee_charged(&fact, &first.value.booking, &from, charge))?;
        }
        change.extend(all);
        Ok(Some(LineState::PaidOut { payouts: payouts.iter().map(|payout| payout.value.id).collect() }))
    }

    /// Whether it brings back a payout whose debit was not read yet: it waits for that.
    pub(super) async fn waits_for_debit(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<bool, DepositError> {
        if account.kind != BankAccountKind::Client || !line.line.amount.is_positive() {
            return Ok(false);
        }
        let named = self.named(account, line).await?;
        Ok(named.iter().any(|payout| payout.value.state.not_debited()))
    }

    /// What came back and was printed or read before its payout's debit, at whichever account: it leaves suspense once that
    /// is known.
    pub(super) async fn come_back_again(&self, merchant: MerchantId) -> Result<(), DepositError> {
        for stored in self.store.all_bank_accounts(merchant).await? {
            if stored.account.kind == BankAccountKind::Client {
                self.come_back_to(&stored.account).await?;
            }
        }
        Ok(())
    }

    async fn come_back_to(&self, account: &BankAccount) -> Result<(), DepositError> {
        let waits = |line: &BankLine| {
            let credit = line.line.amount.is_positive() && !line.line.reversal;
            line.bank_account == account.id && credit && line.state == LineState::Suspense
        };
        for row in self.store.open_bank_lines(account.merchant, account.currency, waits).await? {
            let mut change = Change::new();
            let Some(state) = self.paid_out(&mut change, account, &row.value).await? else { continue };
            let (subject, at) = (row.value.id.to_string(), self.credited_at(&row.value).await?);
            let source = format!("{subject}/returned");
            let fact =
                Fact { ids: &self.ids, merchant: account.merchant, source: &source, subject: &subject, at };
            let back = row.value.line.amount.negated();
            post(&mut change, journal::bank_unexplained(&fact, &in_books(account), back))?;
            self.close_line(&mut change, &row.value, "the debit of what came back was read").await?;
            let row = Versioned { value: BankLine { state, ..row.value }, version: row.version };
            change.update_bank_line(&row);
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }

    /// The payouts that a line names, by their own ids or their batch's: paid from this account, or from another of the
    /// merchant's at a bank and come back to this one.
    async fn named(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Vec<Versioned<Payout>>, DepositError> {
        let mut found: Vec<Versioned<Payout>> = vec![];
        for id in bank_ids_of(&line.line) {
            found.extend(self.store.payout(id).await?);
        }
        if found.is_empty() && line.line.amount.is_negative() {
            for batch in bank_ids_of::<PayoutBatchId>(&line.line) {
                found.extend(self.store.payouts_of_batch(batch).await?);
            }
            found.retain(|payout| !matches!(payout.value.state, PayoutState::Failed { .. }));
        }
        let books = in_books(account);
        let may_come_back = account.kind == BankAccountKind::Client && line.line.amount.is_positive();
        found.retain(|payout| {
            let booking = &payout.value.booking;
            let is_its = (booking.cash == books || booking.fees == books)
                && payout.value.amount.currency() == account.currency;
            let is_a_banks = booking.cash.code == AccountCode::BANK_CLIENT;
            payout.value.merchant == line.merchant && (is_its || (may_come_back && is_a_banks))
        });
        found.sort_by_key(|payout| payout.value.id);
        found.dedup_by_key(|payout| payout.value.id);
        Ok(found)
    }

    /// Whether the line is news of the payout, in `change`.
    fn told(
        &self,
        change: &mut Change,
        account: &BankAccount,
        (line, at): (&BankLine, DateTime<Utc>),
        payout: &Versioned<Payout>,
        (amount, included): (Money, Option<Money>),
    ) -> Result<bool, DepositError> {
        let value = &payout.value;
        let status = match (account.kind, line.line.amount.is_negative()) {
            // Its fee: nothing is said of the payout itself.
            (BankAccountKind::Own, _) => PayoutStatus::Unknown { raw: String::new() },
            (BankAccountKind::Client, true) => PayoutStatus::Paid { debited: amount },
            // A bank tells of both: what came back of a payout whose debit was not read yet waits for that.
            (BankAccountKind::Client, false) if value.state.not_debited() => return Ok(false),
            (BankAccountKind::Client, false) => {
                let reason = line.line.text.clone();
                PayoutStatus::Returned { debited: value.amount, arrived: amount, reason }
            }
        };
        let zero = Money::zero(account.currency);
        let charged = match account.kind {
            BankAccountKind::Own => Some(line.line.amount.negated()),
            BankAccountKind::Client => included,
        };
        let fee = charged.map(|charged| value.charged.unwrap_or(zero).checked_add(charged)).transpose();
        let fee = fee.map_err(DepositError::unavailable)?;
        let rail_ref = line.line.reference.clone().filter(|_| account.kind == BankAccountKind::Client);
        let told = PayoutReport { payout: value.id, rail_ref, status, stated: None, fee, at };
        let mut own = Change::new();
        let moved = moved(&self.ids, self.clock.now(), &mut own, payout, &told, Some(&in_books(account)));
        // Another amount is not its debit: the bank's line is of something else.
        let Moved::On { now, left } = moved.map_err(DepositError::unavailable)? else { return Ok(false) };
        let is_news = now.state != value.state;
        if account.kind == BankAccountKind::Client && !is_news {
            // A payout is debited once and comes back once: this line's money is another's.
            return Ok(false);
        }
        change.extend(own);
        let kind = match now.state {
            PayoutState::Paid { .. } if is_news => "payout.paid",
            PayoutState::Returned { .. } if is_news => "payout.returned",
            _ => return Ok(true),
        };
        let subject = now.id.to_string();
        self.tell(change, now.merchant, kind, &subject, json!(payout_view(&now, left)));
        Ok(true)
    }
}

/// The charge that a debit of payouts includes: what the bank says of it, where payouts and charge come to the debit.
fn included(account: &BankAccount, line: &BankLine, payouts: Option<&Money>) -> Option<Money> {
    let (debited, charge) = (line.line.amount.negated(), line.line.charges);
    let is_debit = account.kind == BankAccountKind::Client && debited.is_positive();
    let with = payouts.and_then(|whole| whole.checked_add(charge).ok());
    Some(charge).filter(|charge| is_debit && charge.is_positive() && with == Some(debited))
}
