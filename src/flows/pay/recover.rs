//! Finding what a crash left behind, in [`rounds`](crate::flows::rounds): at a start every payment whose end is not known
//! is asked about, every two minutes those of a call whose outcome is open. Everything else is the ladder's (`climb`).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use crate::domain::orders::{IntentKind, Payment, PaymentState, ReportSource};
use crate::flows::rounds::{InVain, Round, Rounds};
use crate::gateways::GatewayError;
use crate::ids::{GatewayAccountId, PaymentId};
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
    /// Payments that were answered for since this program began, while a restore is being caught up with: each has to be
    /// asked about once, and no round answers for all of many.
    answered: Mutex<BTreeSet<PaymentId>>,
}

impl Recovery {
    /// Rounds that take one piece of work after the other.
    pub(super) fn one_by_one() -> Recovery {
        Recovery { notices: Rounds::one_by_one(), payments: Rounds::one_by_one(), ..Recovery::default() }
    }

    fn answered(&self) -> MutexGuard<'_, BTreeSet<PaymentId>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.recover_all(false).await
    }

    /// Works off the inbox and asks about every payment of a call whose outcome is open.
    ///
    /// # Errors
    /// As [`Pay::recover`].
    pub async fn recover_calls(&self) -> Result<Recovered, PayError> {
        self.recover_all(true).await
    }

    async fn recover_all(&self, only_calls: bool) -> Result<Recovered, PayError> {
        self.look_again().await?;
        let notices = self.drain().await?;
        let Round { tried: asked, failed, .. } = self.ask_all(only_calls).await?;
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

    /// One round of questions about everything that is open, or only about what calls left open.
    async fn ask_all(&self, only_calls: bool) -> Result<Round, PayError> {
        let (mut sum, mut after) = (Round::default(), None);
        loop {
            let page = if only_calls {
                self.0.store.payments_in_limbo(after, PAGE).await?
            } else {
                self.0.store.unsettled_payments(after, PAGE).await?
            };
            let Some(last) = page.last() else { return Ok(sum) };
            after = Some(last.value.id);
            let mut work = vec![];
            for payment in page {
                if !self.being_created(&payment).await? {
                    work.push((payment.value.account, (payment.value.gateway.clone(), payment.value.id)));
                }
            }
            sum = sum.and(self.ask_about(work, false).await);
        }
    }

    /// Asks, but for gateways that are left alone for now. `noted`: who was answered for is remembered.
    async fn ask_about(&self, work: Vec<(GatewayAccountId, (String, PaymentId))>, noted: bool) -> Round {
        let pay = self.clone();
        let each = move |(gateway, id): (String, PaymentId)| {
            let pay = pay.clone();
            async move {
                let courtesy = pay.courtesy(&gateway);
                if courtesy.rest(pay.0.clock.now()).is_some() {
                    let why = format!("`{gateway}` is left alone for now");
                    return Err(InVain { silent: true, why });
                }
                courtesy.turn().await;
                let asked = pay.ask(id, &Cause::of(ReportSource::Poll)).await;
                match &asked {
                    Ok(_) => courtesy.answered(pay.0.clock.now()),
                    // Silence is the round's own matter, which begins elsewhere next time.
                    Err(PayError::Gateway(error @ GatewayError::Throttled { .. })) => {
                        courtesy.failed(error, pay.0.clock.now());
                    }
                    Err(_) => {}
                }
                match asked {
                    // A definite no is an answer too.
                    Ok(_) | Err(PayError::Gateway(GatewayError::Refused { retry_later: false, .. })) => {
                        if noted {
                            pay.0.recovery.answered().insert(id);
                        }
                        Ok(())
                    }
                    Err(error) => Err(error.into()),
                }
            }
            .boxed()
        };
        self.0.recovery.payments.go(work, each).await
    }

    /// One round about everything that is open: about how many no question was answered yet. A payment of an account that is
    /// no more cannot be asked about, nor can anything be sent for it.
    pub(in crate::flows) async fn unanswered(&self) -> Result<usize, PayError> {
        let (mut sum, mut after) = (Round::default(), None);
        loop {
            let page = self.0.store.unsettled_payments(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(sum.of - (sum.tried - sum.failed)) };
            after = Some(last.value.id);
            sum = sum.and(self.ask_about(self.unanswered_of(&page), true).await);
        }
    }

    /// One page of every payment there is, ended or not: the last one's id, and how many were not answered for.
    pub(in crate::flows) async fn ask_again(
        &self,
        after: Option<PaymentId>,
    ) -> Result<Option<(PaymentId, usize)>, PayError> {
        let page = self.0.store.payments_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        let round = self.ask_about(self.unanswered_of(&page), true).await;
        let left = round.of - (round.tried - round.failed);
        if left == 0 {
            let mut answered = self.0.recovery.answered();
            *answered = answered.split_off(&last.value.id);
        }
        Ok(Some((last.value.id, left)))
    }

    fn unanswered_of(&self, page: &[Versioned<Payment>]) -> Vec<(GatewayAccountId, (String, PaymentId))> {
        let answered = self.0.recovery.answered();
        let known = page.iter().filter(|payment| {
            self.0.accounts.find(payment.value.account).is_some() && !answered.contains(&payment.value.id)
        });
        let named =
            known.map(|payment| (payment.value.account, (payment.value.gateway.clone(), payment.value.id)));
        named.collect()
    }

    /// Whether somebody is opening the payment at the gateway right now: asking would only find nothing.
    pub(super) async fn being_created(&self, payment: &Versioned<Payment>) -> Result<bool, PayError> {
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
