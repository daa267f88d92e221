//! Who gives what when a gateway takes money: decided as for a refund of the same amount.

use crate::domain::disputes::Purse;
use crate::domain::ledger::journal::{Booking, Movement};
use crate::domain::ledger::{Account, AccountCode, LedgerTransaction, Owner};
use crate::domain::merchants::GatewayAccount;
use crate::domain::refunds::{FxDifference, Refund, RefundRequest, RefundTerms, decide, left};
use crate::domain::settlement::{Delivery, Settlement};
use crate::flows::settle::{SettleError, broken};
use crate::ids::SupplierId;
use crate::money::Money;
use crate::store::settlements::SettlementRecord;
use crate::store::suppliers::SUPPLIER;
use crate::store::{Change, Versioned};

/// The settled payment that money is taken from, as far as it is decided.
pub(super) struct Ground {
    pub(super) record: Versioned<SettlementRecord>,
    pub(super) settlement: Settlement,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) back: Vec<Refund>,
    pub(super) purse: Purse,
    /// The rows of its suppliers, as they stood before the purse was read.
    pub(super) suppliers: Vec<(SupplierId, i64)>,
}

impl Ground {
    /// Of several decisions that find the same loss of a supplier come in, one is written.
    pub(super) fn guard(&self, change: &mut Change) {
        let recovers = |supplier: &SupplierId| {
            let lost = Account::new(AccountCode::COST_BAD_DEBT, Owner::of(supplier));
            let mut postings = change.transactions().iter().flat_map(LedgerTransaction::postings);
            postings.any(|posting| posting.account == lost && posting.signed_minor() < 0)
        };
        let due: Vec<_> = self.suppliers.iter().filter(|(supplier, _)| recovers(supplier)).collect();
        for (supplier, version) in due {
            change.update(&SUPPLIER, supplier, *version, vec![]);
        }
    }

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

/// What comes back of captured money that stands in suspense already: so much of it comes from there, not from the gateway.
/// Answers how much that is.
pub(super) fn out_of_suspense(
    booking: &Booking<'_>,
    mut back: Vec<Movement>,
    stands: Money,
) -> Result<(Vec<Movement>, Money), SettleError> {
    let lands = |movement: &&mut Movement| {
        movement.account.code == AccountCode::REFUND_IN_TRANSIT
            && movement.amount.is_positive()
            && movement.amount.currency() == stands.currency()
    };
    let Some(landing) = back.iter_mut().find(lands) else {
        return Ok((back, Money::zero(stands.currency())));
    };
    let explained = landing.amount.min(stands).map_err(broken)?;
    landing.amount = landing.amount.checked_sub(explained).map_err(broken)?;
    back.push(Movement::debit(booking.at_gateway(AccountCode::SUSPENSE), explained));
    Ok((back, explained))
}

/// One movement for each account and currency; the legs of a conversion stay beside each other, as the FX book reads them.
pub(super) fn netted(movements: Vec<Movement>) -> Result<Vec<Movement>, SettleError> {
    let mut net: Vec<Movement> = Vec::new();
    for movement in movements {
        if movement.account.code == AccountCode::FX_POSITION {
            net.push(movement);
            continue;
        }
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
