//! What is undone of an earlier decision, as the suppliers stand by now: a debt may have been netted or written off since,
//! a share released.

use crate::domain::ledger::AccountCode;
use crate::domain::ledger::journal::Movement;
use crate::domain::orders::refund::{Refund, RefundKind};
use crate::store::settlements::SettlementRecord;
use crate::store::{Change, Versioned};

use super::{SettleError, Settlements, broken};

impl Settlements {
    /// These movements of a refund's decision, undone: of a debt what still stands, what was written off of it since as the
    /// loss that comes in after all, the rest available.
    pub(super) async fn undone(
        &self,
        refund: &Refund,
        decided: &[Movement],
    ) -> Result<Vec<Movement>, SettleError> {
        let record = match refund.kind {
            RefundKind::Settlement => self.0.store.settlement_of(refund.payment).await?,
            _ => None,
        };
        let Some(record) = record else { return Ok(decided.iter().map(Movement::reversed).collect()) };
        let settlement = serde_json::from_str(&record.value.frozen).map_err(broken)?;
        let back = self.given_back(refund.payment).await?;
        let purse = self.purse(&record.value, &settlement, &back, Some(refund.created_at)).await?;
        purse.undo(decided).map_err(broken)
    }

    /// Shares that went back to what is pending become payable with the next release; whether there were any.
    pub(in crate::flows::settle) fn pend(change: &mut Change, record: &Versioned<SettlementRecord>) -> bool {
        let gave =
            change.transactions().iter().flat_map(|transaction| transaction.postings()).any(|posting| {
                posting.account.code == AccountCode::SUPPLIER_PENDING && posting.signed_minor() < 0
            });
        let pends = gave && record.value.released_at.is_some();
        if pends {
            let pending = SettlementRecord { released_at: None, waiting: None, ..record.value.clone() };
            change.release_settlement(&pending, record.version);
        }
        pends
    }
}
