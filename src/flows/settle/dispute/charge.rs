//! Who gives what when a gateway takes money: decided as for a refund of the same amount.

use crate::domain::disputes::Purse;
use crate::domain::ledger::journal::Movement;
use crate::domain::merchants::GatewayAccount;
use crate::domain::refunds::{FxDifference, Refund, RefundRequest, RefundTerms, decide, left};
use crate::domain::settlement::{Delivery, Settlement};
use crate::flows::settle::{SettleError, broken};
use crate::money::Money;
use crate::store::Versioned;
use crate::store::settlements::SettlementRecord;

/// The settled payment that money is taken from, as far as it is decided.
pub(super) struct Ground {
    pub(super) record: Versioned<SettlementRecord>,
    pub(super) settlement: Settlement,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) back: Vec<Refund>,
    pub(super) purse: Purse,
}

impl Ground {
    /// What each gives when so much is taken: as for a refund of it, at most what is left. `None` where that cannot be
    /// said.
    pub(super) fn charge(
        &self,
        amount: Money,
        account: &GatewayAccount,
    ) -> Result<Option<Refund>, SettleError> {
        if amount.currency() != self.settlement.gross.currency() {
            return Ok(None);
        }
        let most = left(&self.settlement, &self.back).and_then(|left| left.min(amount)).map_err(broken)?;
        if !most.is_positive() {
            return Ok(None);
        }
        let request = RefundRequest { amount: Some(most), ..RefundRequest::default() };
        let terms = RefundTerms {
            settlement: &self.settlement,
            account,
            earlier: &self.back,
            deliveries: &self.deliveries,
            funds: &|supplier, currency| self.purse.funds(supplier, currency),
            fx_difference: FxDifference::Platform,
        };
        Ok(decide(&request, &terms).ok())
    }
}

/// What was undone and made again, in one; a debt that was written off before stays so.
pub(super) fn made_one(
    undone: Vec<Movement>,
    ground: Option<&mut Ground>,
) -> Result<Vec<Movement>, SettleError> {
    let net = netted(undone)?;
    let kept = Purse::still_lost(&net).map_err(broken)?;
    if let Some(ground) = ground {
        ground.purse.moved(&kept).map_err(broken)?;
    }
    netted(net.into_iter().chain(kept).collect())
}

/// One movement for each account and currency.
pub(super) fn netted(movements: Vec<Movement>) -> Result<Vec<Movement>, SettleError> {
    let mut net: Vec<Movement> = Vec::new();
    for movement in movements {
        let same = |other: &&mut Movement| {
            other.account == movement.account && other.amount.currency() == movement.amount.currency()
        };
        match net.iter_mut().find(same) {
            Some(sum) => sum.amount = sum.amount.checked_add(movement.amount).map_err(broken)?,
            None => net.push(movement),
        }
    }
    Ok(net)
}
