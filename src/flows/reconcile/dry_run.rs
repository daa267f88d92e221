//! A dry run: what differs between a bill and the books, before anything follows from it. Nobody is asked, nothing is booked,
//! no finding is opened or closed, and what waits for a later bill goes on waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::deposits::DepositState;
use crate::domain::reconciliation::{Difference, Grade};
use crate::flows::pay::OpenAccount;
use crate::store::reconciliations::Run;
use crate::store::{Change, Versioned};

use super::repair::evidence;
use super::{Bill, Found, PAGE, ReconcileError, Reconciling, ended, item};

impl Reconciling {
    /// Lists the differences. What the gateway would answer about one is not known: some may end as repaired, and what it
    /// has told of a dispute since is not heard first.
    pub(super) async fn list_differences(
        &self,
        run: &Versioned<Run>,
        open: &Arc<OpenAccount>,
        bill: &Bill,
    ) -> Result<Run, ReconcileError> {
        let Some(days) = self.days(open, bill).await? else {
            return Ok(Run { state: "done".to_owned(), ..run.value.clone() });
        };
        let compared = self.compared(open, bill, &days).await?;
        let (mut by_kind, mut left): (BTreeMap<&'static str, i64>, i64) = Default::default();
        let mut change = Change::new();
        for (place, difference) in compared.outcome.differences.iter().enumerate() {
            let kind = match Reconciling::is_payout(difference) {
                true if self.is_recorded(open, difference).await? => continue,
                true => "gateway_settlement",
                false => difference.as_str(),
            };
            let evidence = evidence(difference.line(), difference.fact());
            let found = Found { kind, grade: Grade::Listed, finding: None, evidence };
            *by_kind.entry(kind).or_default() += 1;
            left += 1;
            change.find_in_reconciliation(&run.value, &item(place, found)?);
            if place % PAGE == PAGE - 1 {
                self.commit(std::mem::take(&mut change)).await?;
            }
        }
        self.commit(change).await?;
        let ended = ended(run, compared.days, &compared.outcome, &by_kind)?;
        Ok(Run { open: left, ..ended })
    }

    /// Whether a payout of the bill is a gateway settlement of that amount already.
    async fn is_recorded(&self, open: &OpenAccount, difference: &Difference) -> Result<bool, ReconcileError> {
        let Some(line) = difference.line() else { return Ok(false) };
        let (merchant, name) = (open.account.merchant, open.account.name.as_str());
        let known = self.0.store.gateway_settlement_by_reference(merchant, name, &line.gateway_ref).await?;
        Ok(known.is_some_and(|known| {
            known.value.batch.net == line.net().abs() && known.value.state != DepositState::Expected
        }))
    }
}
