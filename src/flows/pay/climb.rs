//! Asking on the ladder: what nobody told us, found within a rung.
//!
//! One round at a gateway takes the questions that are due, the longest overdue first, claims each by its row's version
//! and asks, as many at once and as many in a second as the gateway bears. A claim moves the row to its next rung before
//! the question is put: who dies in between loses one question, and two who meet ask once. A question without an answer
//! comes back sooner than its next rung. A gateway that stays silent, or asks to slow down, is left alone for a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};

use crate::domain::orders::{Ladder, Payment, ReportSource, Watched};
use crate::ids::{MerchantId, PaymentId};
use crate::store::payments::Watch;
use crate::store::{Change, CommitError, Committed, Store, Versioned};

use super::cause::Cause;
use super::patience::Courtesy;
use super::{Pay, PayError, PaymentView};

/// How long a reader waits for what the gateway says; the question goes on after that.
const GLANCE: Duration = Duration::from_millis(300);
/// A read asks about a payment no sooner than this after the last question, however quick the gateway may be asked.
const READS_APART: TimeDelta = TimeDelta::seconds(5);
/// The first repetition of a question without an answer; the next ones come later and later.
const AGAIN: TimeDelta = TimeDelta::seconds(15);
/// A payment whose account is not there, or that is just being opened, is looked at again after this.
const LATER: TimeDelta = TimeDelta::minutes(5);

/// Where a claim is written: the store itself, or a lease that fences it.
#[async_trait]
pub trait Commits: Send + Sync {
    /// Writes a change.
    ///
    /// # Errors
    /// [`CommitError`]; a lost lease is a `LostUpdate` of `job`.
    async fn commit(&self, change: Change) -> Result<Committed, CommitError>;
}

#[async_trait]
impl Commits for Store {
    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        Store::commit(self, change).await
    }
}

/// What a round on the ladder did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Climbed {
    /// Questions put.
    pub asked: usize,
    /// Questions without an answer.
    pub failed: usize,
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Asked and answered, or asked in vain.
    Asked { answered: bool },
    /// Only moved: nothing to ask yet, or nothing more.
    Moved,
    /// Somebody else has it, or the gateway is left alone.
    Left,
}

impl Pay {
    /// When a gateway's next question is due.
    ///
    /// # Errors
    /// [`PayError::Unavailable`].
    pub async fn next_question(&self, gateway: &str) -> Result<Option<DateTime<Utc>>, PayError> {
        Ok(self.0.store.first_watch(gateway).await?)
    }

    /// Until when a gateway is left alone.
    pub fn rest_of(&self, gateway: &str) -> Option<DateTime<Utc>> {
        self.0.courtesies.known(gateway)?.rest(self.0.clock.now())
    }

    /// One round of due questions at a gateway, claimed through `claims`.
    ///
    /// # Errors
    /// [`PayError::Unavailable`] when the store does not answer or the lease is lost; a gateway's failures are counted.
    pub async fn climb(&self, gateway: &str, claims: &dyn Commits) -> Result<Climbed, PayError> {
        let now = self.0.clock.now();
        let ladder = self.0.ladders.of(gateway);
        let courtesy = self.courtesy(gateway);
        if courtesy.rest(now).is_some() {
            return Ok(Climbed::default());
        }
        let round = if courtesy.is_tried() { 1 } else { ladder.per_second.saturating_mul(2) };
        let due = self.0.store.due_watches(gateway, now, round).await?;
        let (asked, failed, moved) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let lost = std::sync::Mutex::new(None);
        let is_lost =
            || lost.lock().is_ok_and(|lost: std::sync::MutexGuard<'_, Option<PayError>>| lost.is_some());
        let found = due.len();
        stream::iter(due)
            .for_each_concurrent(ladder.at_once, |watch| {
                let (courtesy, asked, failed, moved, lost) = (&courtesy, &asked, &failed, &moved, &lost);
                let go = !is_lost() && courtesy.rest(now).is_none();
                async move {
                    if !go {
                        return;
                    }
                    match self.step(watch, ladder, courtesy, claims).await {
                        Ok(Step::Asked { answered }) => {
                            asked.fetch_add(1, Ordering::Relaxed);
                            failed.fetch_add(usize::from(!answered), Ordering::Relaxed);
                        }
                        Ok(Step::Moved) => drop(moved.fetch_add(1, Ordering::Relaxed)),
                        Ok(Step::Left) => {}
                        Err(error) => {
                            if let Ok(mut lost) = lost.lock() {
                                lost.get_or_insert(error);
                            }
                        }
                    }
                }
            })
            .await;
        if let Some(error) = lost.into_inner().ok().flatten() {
            return Err(error);
        }
        let climbed = Climbed { asked: asked.into_inner(), failed: failed.into_inner() };
        let idle = found > 0 && climbed.asked + moved.into_inner() == 0 && self.rest_of(gateway).is_none();
        if idle {
            return Err(PayError::unavailable(format!(
                "{gateway}: none of {found} due questions could be taken up"
            )));
        }
        Ok(climbed)
    }

    /// A merchant's payment with its timeline; where it is open and the gateway may be asked, it is asked on this occasion,
    /// and the reader waits a moment for the answer.
    ///
    /// # Errors
    /// [`PayError::UnknownPayment`], [`PayError::Unavailable`].
    pub async fn look(&self, merchant: MerchantId, id: PaymentId) -> Result<PaymentView, PayError> {
        let payment = self.load_of(merchant, id).await?;
        if payment.value.state.is_open()
            && let Some(question) = self.glance(payment).await?
        {
            // What it comes to is in the row; who waits longer reads what stood before.
            let _ = tokio::time::timeout(GLANCE, question).await;
        }
        self.get(merchant, id).await
    }

    /// The question on the occasion of a read, begun, if it may be put.
    async fn glance(
        &self,
        payment: Versioned<Payment>,
    ) -> Result<Option<tokio::task::JoinHandle<()>>, PayError> {
        let (id, now) = (payment.value.id, self.0.clock.now());
        let Some(watch) = self.0.store.watch(id).await? else { return Ok(None) };
        let Ok(account) = self.account_of(&payment.value) else { return Ok(None) };
        let pace = account.gateway.descriptor().poll_pace();
        if now < watch.value.asked_at + pace.max(READS_APART) || self.being_created(&payment).await? {
            return Ok(None);
        }
        let gateway = payment.value.gateway.as_str();
        let (ladder, courtesy) = (self.0.ladders.of(gateway), self.courtesy(gateway));
        let Some(room) = courtesy.room(now) else { return Ok(None) };
        let next = ladder.next(&Watched::of(&payment.value), pace, now);
        let claimed = Watch { next_ask_at: next, asked_at: now, ..watch.value };
        let mut change = Change::new();
        change.update_watch(&claimed, watch.version);
        if self.0.store.commit(change).await.is_err() {
            // Somebody else is asking, or the database is busy: a read asks another time.
            return Ok(None);
        }
        let (pay, claimed) = (self.clone(), Versioned { value: claimed, version: watch.version + 1 });
        Ok(Some(tokio::spawn(async move {
            let _room = room;
            if let Err(error) = pay.put(claimed, pace, &courtesy, &pay.0.store).await {
                tracing::warn!(payment = %id, %error, "what a question came to was not written down");
            }
        })))
    }

    /// One due row: moved on, or claimed and asked.
    async fn step(
        &self,
        watch: Versioned<Watch>,
        ladder: &Ladder,
        courtesy: &Courtesy,
        claims: &dyn Commits,
    ) -> Result<Step, PayError> {
        let now = self.0.clock.now();
        let moved = |next| (Watch { next_ask_at: next, ..watch.value.clone() }, Step::Moved);
        let payment = self.0.store.payment(watch.value.payment).await?;
        let account = payment.as_ref().and_then(|payment| self.account_of(&payment.value).ok());
        let (claim, step) = match (&payment, &account) {
            (None, _) => moved(None),
            (Some(_), None) => moved(Some(now + LATER)),
            (Some(payment), Some(account)) => {
                let (watched, pace) = (Watched::of(&payment.value), account.gateway.descriptor().poll_pace());
                let due = ladder.next(&watched, pace, watch.value.asked_at);
                // A read may have asked since, and the payment may have ended meanwhile.
                match (due, watch.value.in_vain) {
                    (None, 0) => moved(None),
                    (Some(due), 0) if due > now => moved(Some(due)),
                    _ if self.being_created(payment).await? => moved(Some(now + AGAIN.max(pace))),
                    _ => {
                        let next = ladder.next(&watched, pace, now);
                        let claim = Watch { next_ask_at: next, asked_at: now, ..watch.value.clone() };
                        (claim, Step::Asked { answered: true })
                    }
                }
            }
        };
        if step != Step::Moved {
            courtesy.turn().await;
        }
        let mut change = Change::new();
        change.update_watch(&claim, watch.version);
        match claims.commit(change).await {
            Ok(_) => {}
            Err(CommitError::LostUpdate { table: "payment_watch", .. }) => return Ok(Step::Left),
            Err(error) => return Err(error.into()),
        }
        let Some(account) = account.filter(|_| step != Step::Moved) else { return Ok(step) };
        let claimed = Versioned { value: claim, version: watch.version + 1 };
        let pace = account.gateway.descriptor().poll_pace();
        Ok(Step::Asked { answered: self.put(claimed, pace, courtesy, claims).await? })
    }

    /// Puts a claimed question, and writes down where it had no answer. Whether it had one.
    async fn put(
        &self,
        claimed: Versioned<Watch>,
        pace: TimeDelta,
        courtesy: &Courtesy,
        claims: &dyn Commits,
    ) -> Result<bool, PayError> {
        let Versioned { value: claim, version } = claimed;
        let outcome = self.ask(claim.payment, &Cause::of(ReportSource::Poll)).await;
        let now = self.0.clock.now();
        match &outcome {
            Ok(_) => courtesy.answered(now),
            Err(PayError::Gateway(error)) => courtesy.failed(error, now),
            Err(_) => {}
        }
        let word = if outcome.is_ok() { "answered" } else { "in_vain" };
        metrics::counter!("straits_questions_total", "gateway" => claim.gateway.clone(), "outcome" => word)
            .increment(1);
        let after = match &outcome {
            Ok(_) if claim.in_vain == 0 => return Ok(true),
            Ok(_) => Watch { in_vain: 0, ..claim },
            Err(error) => {
                tracing::debug!(payment = %claim.payment, %error, "a question had no answer");
                let again = now + (AGAIN * (1_i32 << claim.in_vain.clamp(0, 8))).max(pace);
                let in_vain = claim.in_vain + 1;
                // What has no further rung is not asked for ever either.
                let next = claim.next_ask_at.map(|next| next.min(again));
                let next = next.or((in_vain < 8).then_some(again));
                Watch { next_ask_at: next, in_vain, ..claim }
            }
        };
        let mut change = Change::new();
        change.update_watch(&after, version);
        match claims.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { table: "payment_watch", .. }) => Ok(outcome.is_ok()),
            Err(error) => Err(error.into()),
        }
    }

    /// What a gateway bears.
    pub(super) fn courtesy(&self, gateway: &str) -> std::sync::Arc<Courtesy> {
        self.0.courtesies.of(gateway, self.0.ladders.of(gateway))
    }
}
