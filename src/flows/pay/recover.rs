//! Finding what nobody told us: at start and every two minutes, every payment whose end is not known is asked about, in
//! [`rounds`](crate::flows::rounds).

use futures_util::FutureExt;

use crate::domain::orders::{IntentKind, Payment, PaymentState, ReportSource};
use crate::flows::rounds::{InVain, Rounds};
use crate::store::Versioned;

use super::cause::Cause;
use super::{Pay, PayError};

/// Payments read at a time.
const PAGE: u32 = 500;

/// Rounds through the inbox, and through the payments.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    notices: Rounds,
    payments: Rounds,
}

impl Recovery {
    /// Rounds that take one piece of work after the other.
    pub(super) fn one_by_one() -> Recovery {
        Recovery { notices: Rounds::one_by_one(), payments: Rounds::one_by_one() }
    }
}

impl From<PayError> for InVain {
    fn from(error: PayError) -> InVain {
        InVain { silent: matches!(error, PayError::Gateway(_)), why: error.to_string() }
    }
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Notices worked off.
    pub notices: usize,
    /// Payments asked about.
    pub asked: usize,
    /// Questions without an answer.
    pub failed: usize,
}

impl Pay {
    /// Works off the inbox and asks about every payment whose end is not known.
    ///
    /// # Errors
    /// [`PayError::Unavailable`] when the database does not answer; a gateway's failures are counted, not returned.
    pub async fn recover(&self) -> Result<Recovered, PayError> {
        let notices = self.drain().await?;
        let (asked, failed) = self.ask_all().await?;
        self.measure().await?;
        Ok(Recovered { notices, asked, failed })
    }

    /// Works off every notice that is kept and not settled.
    ///
    /// # Errors
    /// [`PayError::Unavailable`] when they cannot be read.
    pub async fn drain(&self) -> Result<usize, PayError> {
        let (mut done, mut after) = (0, None);
        loop {
            let page = self.0.store.unsettled_notices(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(done) };
            after = Some(last.value.id);
            let pay = self.clone();
            let work = page.into_iter().map(|notice| (notice.value.account, notice)).collect();
            let each = move |notice| {
                let pay = pay.clone();
                async move { Ok(pay.work_off(notice).await?) }.boxed()
            };
            let round = self.0.recovery.notices.go(work, each).await;
            done += round.tried - round.failed;
        }
    }

    /// One round of questions: how many were asked, and how many in vain.
    async fn ask_all(&self) -> Result<(usize, usize), PayError> {
        let (mut asked, mut failed, mut after) = (0, 0, None);
        loop {
            let page = self.0.store.unsettled_payments(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((asked, failed)) };
            after = Some(last.value.id);
            let mut work = vec![];
            for payment in page {
                if !self.being_created(&payment).await? {
                    work.push((payment.value.account, payment.value.id));
                }
            }
            let pay = self.clone();
            let each = move |id| {
                let pay = pay.clone();
                async move { Ok(pay.ask(id, &Cause::of(ReportSource::Poll)).await.map(|_| ())?) }.boxed()
            };
            let round = self.0.recovery.payments.go(work, each).await;
            asked += round.tried;
            failed += round.failed;
        }
    }

    /// Whether somebody is opening the payment at the gateway right now: asking would only find nothing.
    async fn being_created(&self, payment: &Versioned<Payment>) -> Result<bool, PayError> {
        if payment.value.state != PaymentState::Created {
            return Ok(false);
        }
        let (holder, now) = (self.0.holder, self.0.clock.now());
        let intents = self.0.store.intents_of(payment.value.id).await?;
        Ok(intents
            .iter()
            .any(|intent| intent.value.kind == IntentKind::Create && intent.value.under_way(holder, now)))
    }

    /// Tells the gauges how much is not known.
    async fn measure(&self) -> Result<(), PayError> {
        let oldest = self.0.store.unsettled_payments(None, 1).await?;
        let age =
            oldest.first().map_or(0, |payment| (self.0.clock.now() - payment.value.created_at).num_seconds());
        metrics::gauge!("straits_payment_open_age_seconds").set(gauge(age));
        metrics::gauge!("straits_intent_unknown").set(gauge(self.0.store.unknown_intents().await?));
        metrics::gauge!("straits_inbox_unapplied").set(gauge(self.0.store.waiting_notices().await?));
        Ok(())
    }
}

/// A count as a gauge reads it; beyond four thousand million it stands still.
fn gauge(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}
