//! A statement that was taken before in other words: the same day as another format, or an export with more details.

use std::collections::{HashMap, HashSet};

use crate::domain::deposits::{BankLine, Extent, ReadLine, ReadStatement};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::BankAccount;
use crate::ids::BankStatementId;
use crate::money::Money;
use crate::store::bank_statements::BankStatement;
use crate::store::{Change, Versioned};

use super::read_statement::BESIDE_MAX;
use super::{DepositError, Deposits};

/// Lines of a statement that are laid beside another's one by one.
const COMPARED_MAX: usize = 200;
/// What a finding is about, behind the statement's id, that a statement was passed over.
const PASSED_OVER: &str = "/passed_over";
/// Lines of one statement that are added up.
pub(super) const LINES_MAX: i64 = 100_000;

impl Deposits {
    /// Whether another statement of these days leads from the same balance to the same, its own lines do, and nothing leads
    /// back in between: the account went this way once.
    pub(super) async fn is_taken(
        &self,
        statement: &BankStatement,
        read: &ReadStatement,
        beside: &[BankStatement],
    ) -> Result<bool, DepositError> {
        let Some(own) = Extent::of(read) else { return Ok(false) };
        let others: Vec<Extent> = beside.iter().filter_map(extent).collect();
        if leads_back(&own, &others) {
            return Ok(false);
        }
        let before = beside.iter().filter(|other| other.id < statement.id);
        for other in before.filter(|other| extent(other).is_some_and(|other| own.is_same_way(&other))) {
            let lines = self.store.bank_lines_of(other.id, LINES_MAX).await?;
            let taken = lines.iter().map(|line| line.value.line.amount).chain(own.opening);
            let leads = Money::sum(read.currency, taken).is_ok_and(|reached| Some(reached) == own.closing);
            if leads && !is_another(statement, read, other, &lines) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Statements beside this one that were passed over, and are another way after all: one that was read since leads back
    /// in between. Their lines are not at hand: a finding asks for their file.
    pub(super) async fn doubt_passed_over(
        &self,
        account: &BankAccount,
        statement: &BankStatement,
        beside: &[BankStatement],
    ) -> Result<(), DepositError> {
        let mut ways: HashMap<(Money, Money), Vec<&BankStatement>> = HashMap::new();
        for other in beside.iter().chain([statement]).filter(|other| other.line_count > 0) {
            if let (Some(opening), Some(closing)) = (other.opening, other.closing)
                && opening != closing
            {
                ways.entry((opening, closing)).or_default().push(other);
            }
        }
        for ((opening, closing), same) in &ways {
            for passed in same {
                let Some(own) = extent(passed) else { continue };
                let earlier = || same.iter().filter(|other| other.id < passed.id);
                let is_again =
                    |other: &&BankStatement| extent(other).is_some_and(|other| own.is_again(&other));
                if earlier().next().is_none()
                    || earlier().any(is_again)
                    || !self.store.bank_lines_of(passed.id, 1).await?.is_empty()
                {
                    continue;
                }
                let near = self.store.bank_statements_beside(passed, BESIDE_MAX).await?;
                let (before, all): (Vec<Extent>, Vec<Extent>) = (
                    near.iter().filter(|other| was_known(passed, other)).filter_map(extent).collect(),
                    near.iter().filter_map(extent).collect(),
                );
                // What led back already when it was read: it was not passed over, each of its lines was known.
                if leads_back(&own, &before) || !leads_back(&own, &all) {
                    continue;
                }
                let missing = closing.checked_sub(*opening).map_err(DepositError::unavailable)?;
                let detail = format!(
                    "{}: statement `{}` leads from {opening} to {closing} as another one does, and nothing of it was \
                     booked; by what was read since the account went back in between: read its file again",
                    account.name, passed.reference
                );
                let (fact, place) = (doubt(passed.id), (account.merchant, account.name.as_str()));
                let kind = FindingKind::StatementGap;
                let mut change = Change::new();
                self.open_finding(&mut change, place, (kind, &fact), Some(missing), detail).await?;
                self.commit_or_leave(change).await?;
            }
        }
        Ok(())
    }

    /// A statement's lines were taken one by one: it is not passed over.
    pub(super) async fn no_longer_doubted(&self, statement: &BankStatement) -> Result<(), DepositError> {
        let (kind, fact) = (FindingKind::StatementGap, doubt(statement.id));
        if self.store.finding_about(statement.merchant, kind, &fact).await?.is_none() {
            return Ok(());
        }
        let mut change = Change::new();
        self.close_about(&mut change, statement.merchant, (kind, &fact), "its file was read again").await?;
        self.commit_or_leave(change).await
    }

    /// The same, of one whose lines were taken while it was doubted.
    pub(super) async fn close_doubt(&self, account: &BankAccount, fact: &str) -> Result<(), DepositError> {
        let id = fact.strip_suffix(PASSED_OVER).and_then(|id| id.parse().ok());
        let Some(id) = id else { return Ok(()) };
        match self.store.bank_statement(account.merchant, id).await? {
            Some(statement) if !self.store.bank_lines_of(id, 1).await?.is_empty() => {
                self.no_longer_doubted(&statement).await
            }
            _ => Ok(()),
        }
    }
}

fn doubt(statement: BankStatementId) -> String {
    format!("{statement}{PASSED_OVER}")
}

/// Whether a statement was at hand when another was read: all of one file are written down before the first is.
fn was_known(read: &BankStatement, other: &BankStatement) -> bool {
    other.id < read.id || other.file_hash == read.file_hash
}

/// Whether a statement that leads the same way is another all the same: in the same form under another name, with as many
/// lines, each with a reference of the bank's own, of which none is like one of the other's.
fn is_another(
    statement: &BankStatement,
    read: &ReadStatement,
    other: &BankStatement,
    taken: &[Versioned<BankLine>],
) -> bool {
    let (one, two) = (&statement.reference, &other.reference);
    let is_named = !one.is_empty() && !two.is_empty() && one != two && statement.format == other.format;
    let own: Vec<&ReadLine> =
        read.lines.iter().filter(|line| !line.pending && !line.amount.is_zero()).collect();
    let may_be = |line: &ReadLine, kept: &ReadLine| {
        let is_called = line.reference.is_some() && kept.reference.is_some();
        !is_called || line.shares_reference(kept) || line.says_the_same(kept)
    };
    is_named
        && own.len() == taken.len()
        && own.len() <= COMPARED_MAX
        && !own.iter().any(|line| taken.iter().any(|kept| may_be(line, &kept.value.line)))
}

/// Whether other statements lead from where it ends to where it begins.
fn leads_back(own: &Extent, others: &[Extent]) -> bool {
    let mut reached: HashSet<Option<Money>> = HashSet::from([own.closing]);
    loop {
        let before = reached.len();
        for other in others.iter().filter(|other| other.opening.is_some()) {
            if reached.contains(&other.opening) {
                reached.insert(other.closing);
            }
        }
        if reached.contains(&own.opening) || reached.len() == before {
            return reached.contains(&own.opening);
        }
    }
}

/// Where a kept statement lies.
pub(super) fn extent(statement: &BankStatement) -> Option<Extent> {
    Some(Extent {
        reference: statement.reference.clone(),
        opening: statement.opening,
        closing: statement.closing,
        from_on: statement.from_on?,
        to_on: statement.to_on?,
        lines: statement.line_count,
        passed: vec![],
    })
}
