//! Lines of market deals. A deal is booked once, when it is recorded: a line that shows a part of it books nothing, one
//! that was read before leaves suspense, and a part that no line shows is missed.

use chrono::{Days, NaiveDate};

use crate::domain::deposits::{BankLine, LineState, names_remittance};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::BankAccount;
use crate::store::fx_deals::BankLeg;
use crate::store::{Change, Versioned};

use super::{DepositError, Deposits};

/// How many days apart a market deal's value date and its line may be where the line does not name it; as long may
/// statements go on without it.
pub(in crate::flows) const DEAL_DAYS: i64 = 7;
/// Parts of deals that are missed at a time: far more than an account has in a month.
const MISSED: i64 = 1_000;

impl Deposits {
    /// A market deal that was recorded before moved this amount: it is booked already. One that the line names, whenever
    /// that was, else, where it may be `unnamed`, the only one of that week.
    pub(super) async fn converted(
        &self,
        change: &mut Change,
        line: &BankLine,
        unnamed: bool,
    ) -> Result<Option<LineState>, DepositError> {
        let Some(leg) = self.deal_of(line, unnamed).await? else { return Ok(None) };
        self.deal_seen(change, line, &leg).await.map(Some)
    }

    async fn deal_of(
        &self,
        line: &BankLine,
        unnamed: bool,
    ) -> Result<Option<Versioned<BankLeg>>, DepositError> {
        let mut legs = self.store.open_fx_bank_legs(line.bank_account, line.line.amount).await?;
        if let Some(place) = legs.iter().position(|leg| line.line.tells_of(&leg.value.bank_ref)) {
            return Ok(Some(legs.swap_remove(place)));
        }
        legs.retain(|leg| unnamed && of_that_week(line, &leg.value));
        Ok(legs.pop().filter(|_| legs.is_empty()))
    }

    /// A part of a deal came.
    async fn deal_seen(
        &self,
        change: &mut Change,
        line: &BankLine,
        leg: &Versioned<BankLeg>,
    ) -> Result<LineState, DepositError> {
        change.fx_bank_leg_seen(leg, line.id);
        let about = (FindingKind::MissingThere, leg.value.id.as_str());
        self.close_about(change, line.merchant, about, "the bank shows it").await?;
        Ok(LineState::Converted { deal: leg.value.deal })
    }

    /// Lines that were read at the very time at which their deals were recorded. One that does not name its deal is it
    /// only where no other in suspense could be.
    pub(super) async fn convert_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let stands = |line: &BankLine| line.bank_account == account.id && line.state == LineState::Suspense;
        let mut open = self.store.open_bank_lines(account.merchant, account.currency, stands).await?;
        open.sort_by_key(|row| (row.value.line.booked_on, row.value.id));
        for row in &open {
            let line = &row.value;
            let alike = |other: &&Versioned<BankLine>| {
                let apart = (other.value.line.booked_on - line.line.booked_on).num_days().abs();
                other.value.line.amount == line.line.amount && apart <= 2 * DEAL_DAYS
            };
            let alone = open.iter().filter(alike).count() == 1;
            let Some(leg) = self.deal_of(line, alone).await? else { continue };
            let names_it = line.line.tells_of(&leg.value.bank_ref);
            if self.is_before_a_deal(account, line, names_it).await? {
                continue;
            }
            let mut change = Change::new();
            let state = self.deal_seen(&mut change, line, &leg).await?;
            self.out_of_suspense(&mut change, account, row, (state, "it is a market deal's")).await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }

    /// Whether a line is first something else that it names: a payout, a gateway's report or invoice; and withheld tax,
    /// where it does not name the deal. The same order as of a new line.
    async fn is_before_a_deal(
        &self,
        account: &BankAccount,
        line: &BankLine,
        names_it: bool,
    ) -> Result<bool, DepositError> {
        if self.waits_for_debit(account, line).await?
            || self.found(account, line).await?.0.is_some()
            || self.fee_paid(&mut Change::new(), account, line, false).await?.is_some()
        {
            return Ok(true);
        }
        let debit = self.remittance_of(account, line).await?;
        Ok(!names_it && debit.is_some_and(|debit| names_remittance(&line.line, &debit.payment.value)))
    }

    /// Parts of deals that statements up to a day should have shown, and did not.
    pub(super) async fn miss_deals(
        &self,
        account: &BankAccount,
        upto: NaiveDate,
    ) -> Result<(), DepositError> {
        let Some(due) = upto.checked_sub_days(Days::new(DEAL_DAYS.unsigned_abs())) else { return Ok(()) };
        for row in self.store.fx_bank_legs_unseen(account.id, due, MISSED).await? {
            let leg = &row.value;
            let detail = format!(
                "{}: {} of the market deal {} ({}) was booked for {} and no line up to {upto} shows it: look \
                 which line is it, or undo the deal by its opposite",
                account.name, leg.amount, leg.bank_ref, leg.deal, leg.value_date
            );
            let mut change = Change::new();
            // Whoever finds its line at the same time loses, and closes what is opened here.
            change.fx_bank_leg_missed(&row);
            let place = (account.merchant, account.name.as_str());
            let about = (FindingKind::MissingThere, leg.id.as_str());
            self.open_finding(&mut change, place, about, Some(leg.amount.abs()), detail).await?;
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }
}

/// Whether a market deal's value date is near enough to a line that does not name it.
pub(super) fn of_that_week(line: &BankLine, leg: &BankLeg) -> bool {
    (line.line.booked_on - leg.value_date).num_days().abs() <= DEAL_DAYS
}
