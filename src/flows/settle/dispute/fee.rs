//! What a gateway charges for a dispute, and who bears it.

use crate::domain::disputes::BookedMovement;
use crate::domain::fees::Bearer;
use crate::domain::ledger::journal::{self, Booking, Movement};
use crate::domain::merchants::FeeOwner;
use crate::flows::settle::{SettleError, broken, post};
use crate::money::Money;

use super::Step;

impl Step<'_> {
    /// A fee was charged. Where a bill told it before, it is in the books; who bears it follows all the same.
    pub(super) fn charge_fee(
        &mut self,
        booking: &Booking<'_>,
        booked: &mut BookedMovement,
    ) -> Result<(), SettleError> {
        let fee = booked.told.amount;
        if self.early.fee(&self.after, fee) {
            booked.before = Some(fee);
        } else {
            post(&mut self.change, journal::dispute_fee_charged(booking, fee))?;
        }
        booked.recharged = self.recharge(booking, fee)?;
        Ok(())
    }

    /// Suppliers bear a fee where they bear the gateway's.
    fn recharge(&mut self, booking: &Booking<'_>, fee: Money) -> Result<Vec<Movement>, SettleError> {
        let Some(ground) = &mut self.ground else { return Ok(vec![]) };
        let owner = self.account.unreturned_fee.unwrap_or(match ground.settlement.fee_bearer {
            Bearer::Suppliers => FeeOwner::Supplier,
            Bearer::Platform | Bearer::Payer => FeeOwner::Platform,
        });
        if owner == FeeOwner::Platform {
            return Ok(vec![]);
        }
        let borne = ground.purse.recharge(&ground.settlement, fee).map_err(broken)?;
        if !borne.is_empty() {
            post(&mut self.change, journal::dispute_fee_recharged(booking, &borne, fee))?;
            ground.purse.moved(&borne).map_err(broken)?;
        }
        Ok(borne)
    }

    /// A fee came back, and whoever bore it no longer does; where a bill told it before, it is in the books.
    pub(super) fn return_fee(
        &mut self,
        booking: &Booking<'_>,
        booked: &mut BookedMovement,
    ) -> Result<(), SettleError> {
        let fee = booked.told.amount;
        if self.early.fee_returned(&self.after, fee) {
            booked.before = Some(fee);
        } else {
            post(&mut self.change, journal::dispute_fee_returned(booking, fee))?;
        }
        self.unburden(booking, fee)
    }

    /// Whoever bore a fee of this amount no longer does.
    fn unburden(&mut self, booking: &Booking<'_>, fee: Money) -> Result<(), SettleError> {
        let bore = |booked: &&mut BookedMovement| booked.told.amount == fee && !booked.recharged.is_empty();
        let borne = self.after.money.booked.iter_mut().rev().find(bore);
        let (Some(borne), Some(ground)) = (borne, &mut self.ground) else { return Ok(()) };
        let back = ground.purse.undo(&std::mem::take(&mut borne.recharged)).map_err(broken)?;
        post(&mut self.change, journal::dispute_fee_unborne(booking, &back, fee))?;
        ground.purse.moved(&back).map_err(broken)
    }
}
