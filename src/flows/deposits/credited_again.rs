//! Payouts that a bank took back and credits again: what was opened then needs nobody any more.

use std::collections::BTreeSet;

use crate::domain::deposits::{BankLine, LineState};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::BankAccount;
use crate::ids::{BankLineId, GatewaySettlementId};
use crate::store::Change;

use super::{DepositError, Deposits};

impl Deposits {
    /// Closes the findings of reversals all of whose payouts have arrived again, with `line` that brings `arrived`.
    pub(super) async fn credited_again(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        arrived: &[GatewaySettlementId],
    ) -> Result<(), DepositError> {
        let (merchant, kind) = (account.merchant, FindingKind::DepositReversed);
        for finding in self.store.undecided_of_kind(merchant, kind, &account.name).await? {
            let Ok(reversal) = finding.value.fact.parse::<BankLineId>() else { continue };
            let taken = self.taken_with(account, reversal).await?;
            if taken.is_empty() || !taken.iter().any(|id| arrived.contains(id)) {
                continue;
            }
            let mut missing = BTreeSet::new();
            for id in taken.iter().filter(|id| !arrived.contains(id)) {
                let row = self.store.gateway_settlement(merchant, *id).await?;
                missing.extend(row.filter(|row| row.value.state.line().is_none()).map(|_| *id));
            }
            if missing.is_empty() {
                let why = format!("credited again with {} on {}", line.id, line.line.booked_on);
                self.close_about(change, merchant, (kind, &finding.value.fact), &why).await?;
            }
        }
        Ok(())
    }

    /// The payouts that a reversal took back.
    async fn taken_with(
        &self,
        account: &BankAccount,
        reversal: BankLineId,
    ) -> Result<Vec<GatewaySettlementId>, DepositError> {
        let line = self.store.bank_line(account.merchant, reversal).await?;
        let Some(LineState::Reversing { of }) = line.map(|line| line.value.state) else { return Ok(vec![]) };
        let original = self.store.bank_line(account.merchant, of).await?;
        match original.map(|original| original.value.state) {
            Some(LineState::Reversed { settlements, .. }) => Ok(settlements),
            _ => Ok(vec![]),
        }
    }
}
