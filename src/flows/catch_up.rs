//! After a restore: what has happened since the backup is asked for, before anything is sent.
//!
//! A restored database remembers calls as open that were made since, and knows nothing of what was decided since. So it
//! is served with its hands tied ([`Sending::Held`]): notices are kept, questions asked, answers booked. Once the gateways
//! have answered for every payment and refund that was open, calls may be made again, each for what the gateway itself
//! says is still to be done. Then every other payment is asked about as well, page by page, for refunds and other facts
//! newer than the backup; until that is done, a payment is asked about before money of it goes back
//! ([`Sending::AskFirst`]).
//!
//! How far it has come stands in the database, so that another start goes on from there. What was *begun* since the
//! backup has no row here to ask about: its notices, and the gateway's bills, become findings.

use crate::flows::pay::{Pay, PayError, Sending};
use crate::flows::refund::{RefundFlowError, Refunding};
use crate::store::restored::{Phase, Restored};
use crate::store::{Change, CommitError, Store, Versioned};

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct CatchingUp {
    /// Remembers how far it has come.
    pub store: Store,
    /// Payments, and what may be sent.
    pub pay: Pay,
    /// Refunds.
    pub refunding: Refunding,
}

/// Why it did not come further.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    /// Gateways did not answer; nothing is sent before they do.
    #[error("{0} open calls and payments are not answered for yet; until they are, nothing is sent")]
    Unanswered(usize),
    /// Payments.
    #[error(transparent)]
    Pay(#[from] PayError),
    /// Refunds.
    #[error(transparent)]
    Refund(#[from] RefundFlowError),
    /// It could not read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// It could not write.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl CatchingUp {
    /// What a program that starts on this database may send. A restore that was not finished is not served.
    ///
    /// # Errors
    /// [`CatchUpError::Store`].
    pub async fn begin(&self) -> Result<Option<Phase>, CatchUpError> {
        let restored = self.store.restored().await?;
        let phase = restored.map(|restored| restored.value.phase);
        self.pay.let_send(Sending::after(phase));
        Ok(phase)
    }

    /// Goes as far as the gateways answer. Nothing to do where nothing was restored.
    ///
    /// # Errors
    /// [`CatchUpError`]; the next round goes on.
    pub async fn go_on(&self) -> Result<(), CatchUpError> {
        while let Some(restored) = self.store.restored().await? {
            let Versioned { value, .. } = &restored;
            self.pay.let_send(Sending::after(Some(value.phase)));
            match value.phase {
                Phase::Loading | Phase::Done => break,
                Phase::Intents => {
                    // Notices that were kept say what to ask about; what they are about is asked with the rest.
                    let left = self.pay.unanswered().await? + self.refunding.unanswered().await?;
                    if left > 0 {
                        return Err(CatchUpError::Unanswered(left));
                    }
                    tracing::info!("after the restore: every open call is answered for; sending goes on");
                    self.reach(&restored, Phase::Payments, None).await?;
                }
                Phase::Payments => match self.pay.ask_again(value.after).await? {
                    Some((_, left)) if left > 0 => return Err(CatchUpError::Unanswered(left)),
                    Some((last, _)) => self.reach(&restored, Phase::Payments, Some(last)).await?,
                    None => {
                        tracing::info!("after the restore: every payment is asked about");
                        self.reach(&restored, Phase::Done, None).await?;
                    }
                },
            }
        }
        Ok(())
    }

    async fn reach(
        &self,
        before: &Versioned<Restored>,
        phase: Phase,
        after: Option<crate::ids::PaymentId>,
    ) -> Result<(), CatchUpError> {
        let mut change = Change::new();
        change.set_restored(&Restored { phase, after, ..before.value.clone() }, before)?;
        match self.store.commit(change).await {
            // Lost: another instance has come further; its word is read next.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.pay.let_send(Sending::after(Some(phase)));
        Ok(())
    }
}
