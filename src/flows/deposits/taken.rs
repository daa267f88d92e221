//! A statement that was taken before in other words: the same day as another format, or an export with more details.

use std::collections::HashSet;

use crate::domain::deposits::{Extent, ReadStatement};
use crate::money::Money;
use crate::store::bank_statements::BankStatement;

use super::{DepositError, Deposits};

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
            if Money::sum(read.currency, taken).is_ok_and(|reached| Some(reached) == own.closing) {
                return Ok(true);
            }
        }
        Ok(false)
    }
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
