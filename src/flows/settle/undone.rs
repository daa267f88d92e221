//! What is undone of an earlier decision, as the suppliers stand by now: a debt may have been netted or written off since,
//! a share released.

use crate::domain::ledger::AccountCode;
use crate::domain::ledger::journal::{self, Movement};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::Payment;
use crate::domain::orders::refund::{Refund, RefundKind};
use crate::domain::refunds;
use crate::domain::settlement::{Delivery, Settlement, earned_again};
use crate::store::settlements::{SETTLEMENT, SettlementRecord};
use crate::store::{Change, Versioned};

use super::{SettleError, Settlements, broken, post};

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
        let pends = gives(change, AccountCode::SUPPLIER_PENDING) && record.value.released_at.is_some();
        if pends {
            let pending = SettlementRecord { released_at: None, waiting: None, ..record.value.clone() };
            change.release_settlement(&pending, record.version);
        }
        pends
    }

    /// Commission that goes back to what is deferred is earned by the same change where its goods were delivered before, for
    /// nobody delivers them again; `back` is what stands still. A delivery that is decided beside it is decided again.
    /// Whether it touched the settlement.
    pub(in crate::flows::settle) fn earn_again(
        &self,
        change: &mut Change,
        payment: &Payment,
        account: &GatewayAccount,
        record: &Versioned<SettlementRecord>,
        back: &[refunds::Refund],
    ) -> Result<bool, SettleError> {
        if !gives(change, AccountCode::COMMISSION_DEFERRED) {
            return Ok(false);
        }
        let settlement: Settlement = serde_json::from_str(&record.value.frozen).map_err(broken)?;
        let mut deliveries: Vec<Delivery> = serde_json::from_str(&record.value.delivered).map_err(broken)?;
        let undone = refunds::from_deferred(&settlement, back).map_err(broken)?;
        let mut set = vec![];
        if let Some(again) = earned_again(&settlement, &deliveries, &undone).map_err(broken)? {
            let (commission, own_sales) = (again.commission, again.own_sales);
            deliveries.push(again);
            let (subject, source) = (payment.id.to_string(), format!("{}/{}", payment.id, deliveries.len()));
            let booking = self.booking(payment, account, &source, &subject, self.0.clock.now());
            post(change, journal::delivered(&booking, commission, own_sales, settlement.role))?;
            set.push(("delivered", serde_json::to_string(&deliveries).map_err(broken)?.into()));
        }
        change.update(&SETTLEMENT, record.value.id, record.version, set);
        Ok(true)
    }
}

/// Whether something is credited to accounts of this code.
fn gives(change: &Change, code: AccountCode) -> bool {
    let mut postings = change.transactions().iter().flat_map(|transaction| transaction.postings());
    postings.any(|posting| posting.account.code == code && posting.signed_minor() < 0)
}

/// Of what stands, one that is undone; another that is its like stays.
pub(in crate::flows::settle) fn without(back: &mut Vec<refunds::Refund>, undone: &refunds::Refund) {
    if let Some(place) = back.iter().position(|standing| standing == undone) {
        back.remove(place);
    }
}
