//! A notice about payouts: it names a batch that is then asked about, by a job of its own. What it says moves nothing.

use crate::clock::Clock;
use crate::domain::payouts::PayoutBatch;
use crate::gateways::About;
use crate::ids::{IdSource, PayoutBatchId, PayoutId};
use crate::store::inbox::{Notice, Settled};
use crate::store::jobs::Job;
use crate::store::payout_batches::PAYOUT_BATCH;
use crate::store::{Change, CommitError};

use super::cause::NoticeRef;
use super::{Pay, PayError};

/// The job that asks about a batch.
pub const ASK_BATCH: &str = "ask_payout_batch";

/// What a kept notice names of ours: the batch, or the payout where it names no batch.
pub(super) fn named(about: &About) -> Option<String> {
    match about {
        About::Payouts { batch: Some(batch), .. } => Some(batch.to_string()),
        About::Payouts { item: Some(item), .. } => Some(item.to_string()),
        _ => None,
    }
}

fn asking(ids: &IdSource, clock: &Clock, batch: PayoutBatchId) -> Job {
    let mut job = Job::new(ids.mint(), ASK_BATCH, clock.now());
    (job.dedup, job.payload) = (Some(format!("{ASK_BATCH}:{batch}")), batch.to_string());
    job
}

impl Pay {
    /// Whether a notice is about payouts; then it is worked off.
    pub(super) async fn hear_payouts(
        &self,
        notice: &Notice,
        reference: &NoticeRef,
    ) -> Result<bool, PayError> {
        let text = notice.request_ref.as_deref().unwrap_or_default();
        let batch = match (text.parse::<PayoutBatchId>(), text.parse::<PayoutId>()) {
            (Ok(batch), _) => batch,
            (_, Ok(payout)) => match self.0.store.payout(payout).await? {
                Some(payout) => payout.value.batch,
                None => {
                    self.settle_notice(reference, Settled::Done, "about no payout of ours").await?;
                    return Ok(true);
                }
            },
            _ => return Ok(false),
        };
        let known = self.0.store.payout_batch(batch).await?;
        let Some(known) = known.filter(|known| known.value.merchant == notice.merchant) else {
            self.settle_notice(reference, Settled::Done, "about no payout of ours").await?;
            return Ok(true);
        };
        let (mut change, now) = (Change::new(), self.0.clock.now());
        change.settle_notice(reference.id, reference.version, Settled::Done, "payouts", now);
        if known.value.rail_ref.is_none() && notice.gateway_ref.is_some() {
            // An answer that was lost: by this name it can be asked about.
            let rail_ref = notice.gateway_ref.clone();
            let told = PayoutBatch { rail_ref, ..known.value.clone() };
            change.update_payout_batch(&told, known.version);
        } else {
            change.require(&PAYOUT_BATCH, batch, known.version);
        }
        let without = change.clone();
        change.insert_job(&asking(&self.0.ids, &self.0.clock, batch));
        match self.0.store.commit(change).await {
            Ok(_) => return Ok(true),
            // It is about to be asked about anyway.
            Err(CommitError::LostUpdate { table: "job", .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.0.store.commit(without).await?;
        Ok(true)
    }
}
