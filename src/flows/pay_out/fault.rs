//! By whose fault a payout came back short: one user says that it was the platform's, another confirms and the rest is booked.

use crate::domain::access::Hand;
use crate::domain::ledger::journal::Fact;
use crate::domain::payouts::{Payout, ReturnFault, made_up};
use crate::ids::{MerchantId, PayoutId};
use crate::store::{Change, Versioned};

use super::{PayOutError, PayingOut};

impl PayingOut {
    /// A user's word on a return, written down with `extra`; with the second one for the platform the rest is booked.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn fault(
        &self,
        merchant: MerchantId,
        hand: Hand,
        id: PayoutId,
        fault: ReturnFault,
        extra: Change,
    ) -> Result<(), PayOutError> {
        let Versioned { value: before, version } = self.payout_of(merchant, id).await?;
        let proposer = before.fault.as_ref().map(|found| found.proposed_by);
        let issuers = match proposer {
            Some(proposer) => self.0.store.key_makers(merchant, &[proposer]).await?,
            None => vec![],
        };
        let now = self.0.clock.now();
        let found = before.found(fault, hand, &issuers, now)?;
        let mut change = extra;
        if found.as_ref().is_some_and(|found| found.confirmed_by.is_some()) {
            let subject = id.to_string();
            let source = format!("{subject}/fault");
            let fact = Fact { ids: &self.0.ids, merchant, source: &source, subject: &subject, at: now };
            let missing = before.missing()?;
            let booked = made_up(&fact, &before, missing).map_err(PayOutError::unavailable)?;
            booked.into_iter().for_each(|transaction| {
                change.post(transaction);
            });
        }
        change.update_payout(&Payout { fault: found, updated_at: now, ..before }, version);
        self.0.store.commit(change).await?;
        Ok(())
    }
}
