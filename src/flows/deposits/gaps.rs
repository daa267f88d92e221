//! Statements lead from balance to balance. Where one between two was never read, that is a finding, until it comes.

use crate::domain::deposits::{Extent, ReadStatement};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::BankAccount;
use crate::money::Money;
use crate::store::Change;
use crate::store::bank_statements::BankStatement;

use super::read_statement::BESIDE_MAX;
use super::taken::{LINES_MAX, extent};
use super::{DepositError, Deposits};

/// Gaps that are looked at again with each statement.
const GAPS_MAX: i64 = 100;

/// Where the lines of a statement lead, and where it says that they do.
struct Gap {
    from: Money,
    reached: Money,
    to: Money,
}

impl Deposits {
    /// The new lines lead from the balance before to this one, or something between them was never read.
    pub(super) async fn check_sequence(
        &self,
        account: &BankAccount,
        statement: &BankStatement,
        read: &ReadStatement,
        fresh: Money,
    ) -> Result<(), DepositError> {
        let Some(own) = Extent::of(read) else { return Ok(()) };
        let Some(Gap { from, reached, to }) = self.gap(statement, &own, fresh).await? else { return Ok(()) };
        let missing = to.checked_sub(reached).map_err(DepositError::unavailable)?;
        let detail = format!(
            "{}: {from} and the new lines come to {reached}, the statement says {to}; a statement between them is missing",
            account.name
        );
        let mut change = Change::new();
        let fact = statement.id.to_string();
        let place = (account.merchant, account.name.as_str());
        self.open_finding(&mut change, place, (FindingKind::StatementGap, &fact), Some(missing), detail)
            .await?;
        self.commit_or_leave(change).await
    }

    /// What was missing may have come since, or was on its way at the same time: then its finding needs nobody any more.
    pub(super) async fn close_gaps(&self, account: &BankAccount) -> Result<(), DepositError> {
        let kind = FindingKind::StatementGap;
        for finding in self.store.open_of_kind(account.merchant, kind, &account.name, GAPS_MAX).await? {
            let Ok(id) = finding.fact.parse() else {
                self.close_doubt(account, &finding.fact).await?;
                continue;
            };
            let Some(statement) = self.store.bank_statement(account.merchant, id).await? else { continue };
            // A balance that the bank did not say followed from lines that are not all at hand here.
            let Some(own) = extent(&statement).filter(|own| own.closing.is_some()) else { continue };
            let lines = self.store.bank_lines_of(statement.id, LINES_MAX).await?;
            if lines.len() >= usize::try_from(LINES_MAX).unwrap_or(usize::MAX) {
                continue;
            }
            let fresh = Money::sum(account.currency, lines.iter().map(|line| line.value.line.amount));
            let fresh = fresh.map_err(DepositError::unavailable)?;
            if self.gap(&statement, &own, fresh).await?.is_none() {
                let mut change = Change::new();
                let why = "the statement that was missing was read";
                self.close_about(&mut change, account.merchant, (kind, &finding.fact), why).await?;
                self.commit_or_leave(change).await?;
            }
        }
        Ok(())
    }

    async fn gap(
        &self,
        statement: &BankStatement,
        own: &Extent,
        fresh: Money,
    ) -> Result<Option<Gap>, DepositError> {
        let Some(before) = self.store.bank_statement_before(statement).await? else { return Ok(None) };
        let (Some(from), Some(to)) = (before.closing, own.closing) else { return Ok(None) };
        let reached = from.checked_add(fresh).map_err(DepositError::unavailable)?;
        // A page that comes behind the one that goes on from it.
        let is_late = before.opening == own.closing && before.opening != before.closing;
        if reached == to || is_late {
            return Ok(None);
        }
        // An older file may have come again between the one that it goes on from and this one.
        let near = BankStatement { from_on: before.to_on.min(statement.from_on), ..statement.clone() };
        let near = self.store.bank_statements_beside(&near, BESIDE_MAX).await?;
        let others: Vec<Extent> = near.iter().filter_map(extent).collect();
        let goes_on = own.opening.is_some_and(|opening| {
            opening.checked_add(fresh) == Ok(to) && others.iter().any(|other| other.closing == Some(opening))
        });
        if goes_on {
            return Ok(None);
        }
        // Nothing is new in what was read before; where it goes on from the last balance, or touches nothing, something is.
        let is_again = others.iter().any(|other| own.is_again(other));
        let is_part = own.opening != Some(from) && others.iter().any(|other| other.may_hold(own));
        if fresh.is_zero() && (is_again || is_part) {
            return Ok(None);
        }
        let read_at_once = self.read_at_once(statement, own, fresh, &near).await?;
        let is_whole = |together: Money| {
            let tells_itself = from.checked_add(together) == Ok(to)
                || own
                    .opening
                    .is_none_or(|opening| others.iter().any(|other| other.closing == Some(opening)));
            read_at_once.is_later || tells_itself
        };
        if read_at_once.together.is_some_and(is_whole) {
            return Ok(None);
        }
        Ok(Some(Gap { from, reached, to }))
    }

    /// Files that print one day, read at the same time, each have some of its lines.
    async fn read_at_once(
        &self,
        statement: &BankStatement,
        own: &Extent,
        fresh: Money,
        near: &[BankStatement],
    ) -> Result<AtOnce, DepositError> {
        let mut at_once = AtOnce { together: None, is_later: false };
        let (Some(opening), Some(closing)) = (own.opening, own.closing) else { return Ok(at_once) };
        let mut reached = opening.checked_add(fresh).map_err(DepositError::unavailable)?;
        let same = |other: &&BankStatement| {
            let other = extent(other);
            other.is_some_and(|other| own.is_again(&other) || own.is_same_way(&other))
        };
        for other in near.iter().filter(same) {
            let lines = self.store.bank_lines_of(other.id, LINES_MAX).await?;
            let taken = lines.iter().map(|line| line.value.line.amount);
            reached =
                Money::sum(reached.currency(), taken.chain([reached])).map_err(DepositError::unavailable)?;
            at_once.is_later |= other.id < statement.id;
        }
        if reached == closing {
            at_once.together = Some(closing.checked_sub(opening).map_err(DepositError::unavailable)?);
        }
        Ok(at_once)
    }
}

/// What statements of one way have of its lines.
struct AtOnce {
    /// What their lines come to, where that is all of the way.
    together: Option<Money>,
    /// Whether another one of them was read first: that one tells of what is missing before it.
    is_later: bool,
}
