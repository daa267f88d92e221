//! What a bank says of a file that a person brought to it is brought back by a person too: its pain.002, taken in by the
//! same door as its channel's. It moves no money that was debited: that is the statement's to say.

use crate::domain::orders::Outcome;
use crate::domain::payouts::{PayoutBatch, PayoutReport, PayoutStatus};
use crate::ids::{MerchantId, PlanId};
use crate::rails::{StatusReport, bank_id, held_against, read_pain002, said};
use crate::store::{Change, Versioned};

use super::{PayOutError, PayingOut};

impl PayingOut {
    /// Takes in a status report on a file of a plan: what it refuses is the suppliers' again, what it accepts waits for
    /// the statement. The same report again changes nothing.
    ///
    /// # Errors
    /// [`PayOutError::Refused`] for what is no report, one on another file, and one whose counts or sums are not the
    /// file's; [`PayOutError::NoFile`] while the file is not handed over. Nothing was applied then.
    pub async fn status_report(
        &self,
        merchant: MerchantId,
        id: PlanId,
        text: &str,
    ) -> Result<(), PayOutError> {
        let refused = |why: String| PayOutError::Refused { param: "body", why };
        let told = read_pain002(text).map_err(|error| refused(error.to_string()))?;
        let plan = self.load(merchant, id).await?.value;
        let batch = self.reported(&told).await?.filter(|batch| batch.value.plan == plan.id);
        let Some(batch) = batch else {
            let named = told.message.escape_debug();
            return Err(refused(format!("it is about the file `{named}`, which is none of this plan")));
        };
        let version = batch.version;
        let batch = batch.value;
        let rail = self.rail(merchant, batch.rail_account).await?;
        let Some(carried) = batch.carried.as_ref().filter(|carried| carried.file.is_some()) else {
            return Err(PayOutError::NoFile(format!("{} was not handed over by one", batch.id)));
        };
        let by_hand = carried.by_hand;
        if batch.outcome == Outcome::Open {
            return Err(PayOutError::NoFile(format!("{} is not handed over yet", batch.id)));
        }
        let handed = self.handed(batch, rail).await?;
        held_against(&handed.request, &told).map_err(|error| refused(error.to_string()))?;
        let report = said(&handed.request, &told, self.0.clock.now());
        let report = report.map_err(|error| refused(error.to_string()))?;
        let refuses = |told: &PayoutReport| matches!(told.status, PayoutStatus::Failed { .. });
        if !by_hand && report.payouts.iter().any(refuses) {
            let why = "it went over the bank's own channel, which alone says what the bank refuses of it";
            return Err(PayOutError::NoFile(format!("{}: {why}", handed.batch.id)));
        }
        if handed.batch.outcome == Outcome::Unknown {
            // The bank has it.
            let mut change = Change::new();
            let known = handed.batch.ended(Outcome::Done, None);
            change.update_payout_batch(&known, version);
            // Of what a person brought, the statement may still be asked for.
            if !by_hand {
                self.is_known(&mut change, &handed.batch).await?;
            }
            self.written(change).await?;
        }
        self.apply(&handed.batch, &report).await
    }

    /// The batch whose file a report is about.
    async fn reported(&self, told: &StatusReport) -> Result<Option<Versioned<PayoutBatch>>, PayOutError> {
        let Some(id) = bank_id(&told.message) else { return Ok(None) };
        Ok(self.0.store.payout_batch(id).await?)
    }
}
