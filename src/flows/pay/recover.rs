//! Finding what nobody told us: at start and every two minutes, every payment whose end is not known is asked about.
//!
//! Oldest first, so that nothing starves; a few at a time per account, so that an outage does not end in a storm; each
//! account by itself, so that one gateway that does not answer holds up no other. An account that fails several times
//! in a row is left alone until the next round.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream;

use crate::domain::orders::{IntentKind, Payment, PaymentState, ReportSource};
use crate::ids::{GatewayAccountId, PaymentId};
use crate::store::Versioned;

use super::cause::Cause;
use super::{Pay, PayError};

/// Questions under way at one account.
const AT_ONCE: usize = 8;
/// After so many failures in a row an account is left alone for this round.
const PATIENCE: usize = 8;
/// Payments read at a time.
const PAGE: u32 = 500;

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

    /// One round of questions.
    async fn ask_all(&self) -> Result<(usize, usize), PayError> {
        let (mut asked, mut failed, mut after) = (0, 0, None);
        loop {
            let page = self.0.store.unsettled_payments(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((asked, failed)) };
            after = Some(last.value.id);
            let mut by_account: BTreeMap<GatewayAccountId, Vec<PaymentId>> = BTreeMap::new();
            for payment in &page {
                if !self.being_created(payment).await? {
                    by_account.entry(payment.value.account).or_default().push(payment.value.id);
                }
            }
            let rounds = by_account.into_values().map(|payments| self.ask_some(payments));
            for (some, lost) in futures_util::future::join_all(rounds).await {
                asked += some;
                failed += lost;
            }
        }
    }

    /// The questions of one account.
    async fn ask_some(&self, payments: Vec<PaymentId>) -> (usize, usize) {
        let (asked, failed, row) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        stream::iter(payments)
            .for_each_concurrent(AT_ONCE, |id| {
                let (asked, failed, row) = (&asked, &failed, &row);
                async move {
                    if row.load(Ordering::Relaxed) >= PATIENCE {
                        return;
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                    match self.ask(id, &Cause::of(ReportSource::Poll)).await {
                        Ok(_) => row.store(0, Ordering::Relaxed),
                        Err(error) => {
                            tracing::debug!(payment = %id, %error, "asked in vain");
                            failed.fetch_add(1, Ordering::Relaxed);
                            row.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
            .await;
        let failures = failed.into_inner();
        if failures > 0 {
            tracing::warn!(failures, "payments were asked about in vain; they are asked again");
        }
        (asked.into_inner(), failures)
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
fn gauge(value: i64) -> f64 {
    f64::from(u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}
