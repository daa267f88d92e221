//! Finding what nobody told us: at start and every two minutes, every payment whose end is not known is asked about.
//!
//! Oldest first, so that nothing starves; a few at a time per account, so that an outage does not end in a storm; each
//! account by itself, so that one gateway that does not answer holds up no other. An account that fails several times
//! in a row is left alone for that round, and the next one begins further along, so that a few that can never be
//! answered do not hide the rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};

use crate::domain::orders::{IntentKind, Payment, PaymentState, ReportSource};
use crate::ids::GatewayAccountId;
use crate::store::Versioned;

use super::cause::Cause;
use super::{Pay, PayError};

/// Calls under way at one account.
const AT_ONCE: usize = 8;
/// After so many failures in a row an account is left alone for this round.
const PATIENCE: usize = 8;
/// Payments read at a time.
const PAGE: u32 = 500;

/// One piece of work.
type Work = BoxFuture<'static, Result<(), PayError>>;

/// Where the next round begins, after one that ran out of patience.
#[derive(Debug, Default)]
pub(super) struct Skips {
    notices: AtomicUsize,
    payments: AtomicUsize,
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
            let round = rounds(work, &self.0.skips.notices, move |notice| {
                let pay = pay.clone();
                async move { pay.work_off(notice).await }.boxed()
            })
            .await;
            done += round.0 - round.1;
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
            let round = rounds(work, &self.0.skips.payments, move |id| {
                let pay = pay.clone();
                async move { pay.ask(id, &Cause::of(ReportSource::Poll)).await.map(|_| ()) }.boxed()
            })
            .await;
            asked += round.0;
            failed += round.1;
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

/// Does each piece of work, account beside account, and answers how many were tried and how many failed.
async fn rounds<T: Send>(
    mut work: Vec<(GatewayAccountId, T)>,
    skip: &AtomicUsize,
    each: impl Fn(T) -> Work + Sync,
) -> (usize, usize) {
    let first = skip.load(Ordering::Relaxed) % work.len().max(1);
    work.rotate_left(first);
    let mut by_account: BTreeMap<GatewayAccountId, Vec<T>> = BTreeMap::new();
    for (account, piece) in work {
        by_account.entry(account).or_default().push(piece);
    }
    let rounds = by_account.into_iter().map(|(account, pieces)| round(account, pieces, &each));
    let tallies = futures_util::future::join_all(rounds).await;
    let broken = tallies.iter().any(Tally::out_of_patience);
    skip.store(if broken { first + PATIENCE } else { 0 }, Ordering::Relaxed);
    tallies.into_iter().fold((0, 0), |(tried, failed), tally| {
        (tried + tally.tried.into_inner(), failed + tally.failed.into_inner())
    })
}

/// The work of one account, a few pieces at a time.
async fn round<T>(account: GatewayAccountId, pieces: Vec<T>, each: impl Fn(T) -> Work) -> Tally {
    let tally = Tally::default();
    stream::iter(pieces)
        .for_each_concurrent(AT_ONCE, |piece| {
            let (tally, work) = (&tally, (!tally.out_of_patience()).then(|| each(piece)));
            async move {
                let Some(work) = work else { return };
                let outcome = work.await;
                if let Err(error) = &outcome {
                    tracing::debug!(account = %account, %error, "in vain");
                }
                tally.count(&outcome);
            }
        })
        .await;
    let failed = tally.failed.load(Ordering::Relaxed);
    if failed > 0 {
        tracing::warn!(account = %account, failed, "questions in vain; they are asked again later");
    }
    tally
}

/// How a round goes at one account.
#[derive(Debug, Default)]
struct Tally {
    tried: AtomicUsize,
    failed: AtomicUsize,
    in_a_row: AtomicUsize,
}

impl Tally {
    fn out_of_patience(&self) -> bool {
        self.in_a_row.load(Ordering::Relaxed) >= PATIENCE
    }

    /// Only a gateway's own silence is a reason to leave it alone.
    fn count(&self, outcome: &Result<(), PayError>) {
        self.tried.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(()) => self.in_a_row.store(0, Ordering::Relaxed),
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                self.in_a_row
                    .fetch_add(usize::from(matches!(error, PayError::Gateway(_))), Ordering::Relaxed);
            }
        }
    }
}

/// A count as a gauge reads it; beyond four thousand million it stands still.
fn gauge(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}
