//! Notices on their way to us.
//!
//! A notice is written down before it is sent, claimed before each try and marked after it, so that a crash makes it
//! come again, never vanish: at least once, as with the real gateways. When to try again is the gateway's own
//! patience, by the business clock; the signature is made at the try.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::book::{Record, Session};
use super::scenario::{Faults, Scenario};
use super::{Sandbox, SandboxError, grabpay, paypal, serial, xendit};

/// How long a held-back notice waits for the next one.
const SWAP_PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// How late a late notice is.
const LATE_BY: TimeDelta = TimeDelta::hours(1);
/// A try that was claimed and never marked is made again after this.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// Notices sent at the same time, to different payments' receivers.
const ABREAST: usize = 16;

/// Who sends, and what only the sender knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sender {
    /// PayPal, to one registered webhook.
    PayPal { webhook_id: String, event_id: String },
    /// GrabPay, to the partner's one address.
    GrabPay { partner_id: String },
    /// Xendit, to the business's one address.
    Xendit { business_id: String },
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// To be sent when due.
    Waiting,
    /// To be sent when the next notice of the payment is, or when due.
    Held,
    /// Acknowledged.
    Delivered,
    /// Tried as often as the gateway tries.
    GivenUp,
    /// Never sent, by scenario.
    Lost,
}

/// One notice to one receiver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub id: String,
    /// The far side's payment.
    pub payment: String,
    pub url: Address,
    pub sender: Sender,
    /// Byte for byte what is sent, at every try.
    pub body: String,
    /// Signed so that an honest receiver refuses it.
    pub forged: bool,
    pub progress: Progress,
    pub due: DateTime<Utc>,
    pub tries: u32,
    /// PayPal: the transmission made at the first try and kept for the rest.
    pub transmission: Option<String>,
}

impl Record for Delivery {
    const KIND: &'static str = "delivery";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.payment)
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        matches!(self.progress, Progress::Waiting | Progress::Held).then_some(self.due)
    }
}

/// A notice to be written down.
pub(super) struct Notice<'a> {
    pub payment: &'a str,
    pub url: &'a Address,
    pub sender: Sender,
    pub body: &'a str,
}

/// Writes a notice down as the payment's faults have it.
pub(super) async fn enqueue(
    sandbox: &Sandbox,
    session: &mut Session,
    faults: &Faults,
    notice: Notice<'_>,
) -> Result<(), SandboxError> {
    let now = sandbox.clock.now();
    let mut first = delivery(sandbox, &notice, now);
    if faults.has(Scenario::LostCallback) {
        first.progress = Progress::Lost;
    } else if faults.has(Scenario::LateCallback) {
        first.due = now + LATE_BY;
    }
    if faults.has(Scenario::OutOfOrder) {
        let earlier = session.under::<Delivery>(notice.payment).await?;
        match earlier.into_iter().find(|delivery| delivery.progress == Progress::Held) {
            Some(mut held) => {
                held.progress = Progress::Waiting;
                held.due = first.due;
                first.due -= TimeDelta::microseconds(1);
                session.put(&held).await?;
            }
            None if first.progress == Progress::Waiting => {
                first.progress = Progress::Held;
                first.due += SWAP_PATIENCE;
            }
            None => {}
        }
    }
    session.put(&first).await?;
    if faults.has(Scenario::DuplicateCallback) {
        for _ in 0..2 {
            session.put(&Delivery { id: serial::hex(&sandbox.ids), ..first.clone() }).await?;
        }
    }
    Ok(())
}

/// Writes a forged notice down; no fault delays it.
pub(super) async fn enqueue_forged(
    sandbox: &Sandbox,
    session: &mut Session,
    notice: Notice<'_>,
) -> Result<(), SandboxError> {
    let forged = Delivery { forged: true, ..delivery(sandbox, &notice, sandbox.clock.now()) };
    session.put(&forged).await
}

fn delivery(sandbox: &Sandbox, notice: &Notice<'_>, due: DateTime<Utc>) -> Delivery {
    Delivery {
        id: serial::hex(&sandbox.ids),
        payment: notice.payment.to_owned(),
        url: notice.url.clone(),
        sender: notice.sender.clone(),
        body: notice.body.to_owned(),
        forged: false,
        progress: Progress::Waiting,
        due,
        tries: 0,
        transmission: None,
    }
}

impl Delivery {
    /// After a try: acknowledged, to be tried again with the gateway's patience, or given up.
    pub(super) fn mark(&mut self, accepted: bool, now: DateTime<Utc>) {
        let pause = match self.sender {
            Sender::PayPal { .. } => paypal::patience(self.tries),
            Sender::GrabPay { .. } => grabpay::patience(self.tries),
            Sender::Xendit { .. } => xendit::patience(self.tries),
        };
        self.progress = match pause {
            _ if accepted => Progress::Delivered,
            // A forged notice is refused, and its forger does not wait.
            None => Progress::GivenUp,
            Some(_) if self.forged => Progress::GivenUp,
            Some(pause) => {
                self.due = now + pause;
                Progress::Waiting
            }
        };
    }
}

impl Sandbox {
    /// Sends notices as they fall due, for ever; the application spawns it and drops it at the end.
    pub async fn run_courier(&self) {
        loop {
            if let Err(error) = self.work_payouts_off().await {
                tracing::warn!(%error, "the sandbox's payouts wait");
            }
            if let Err(error) = self.deliver_due().await {
                tracing::warn!(%error, "the sandbox's notices wait");
            }
            // The clock may be moved from elsewhere: look again every second, at once when something is written down.
            let pause = tokio::time::sleep(std::time::Duration::from_secs(1));
            tokio::select! {
                () = self.wake.notified() => {}
                () = pause => {}
            }
        }
    }

    /// Payouts that were taken on are worked off by the clock.
    async fn work_payouts_off(&self) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        paypal::work_payouts_off(self, &mut session, self.clock.now()).await?;
        xendit::work_off(self, &mut session, self.clock.now()).await?;
        session.commit().await
    }

    /// Sends everything that is due now, also what falls due by the receivers' answers; how many tries were made.
    ///
    /// # Errors
    /// [`SandboxError`]; a receiver that does not answer is no error.
    pub async fn deliver_due(&self) -> Result<usize, SandboxError> {
        let _round = self.round.lock().await;
        let mut tries = 0;
        loop {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                return Ok(tries);
            }
            tries += claimed.len();
            let mut payments: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
            for delivery in claimed {
                payments.entry(delivery.payment.clone()).or_default().push(delivery);
            }
            let marked: Vec<Vec<Delivery>> = futures_util::stream::iter(payments.into_values())
                .map(|deliveries| self.send_in_order(deliveries))
                .buffer_unordered(ABREAST)
                .collect()
                .await;
            let mut session = self.book.begin().await?;
            for delivery in marked.iter().flatten() {
                session.put(delivery).await?;
            }
            session.commit().await?;
        }
    }

    /// Takes what is due: counted and moved on before it is sent.
    pub(super) async fn claim(&self) -> Result<Vec<Delivery>, SandboxError> {
        let now = self.clock.now();
        let mut session = self.book.begin().await?;
        let mut due: Vec<Delivery> = session.due(now, 256).await?;
        for delivery in &mut due {
            delivery.tries += 1;
            delivery.progress = Progress::Waiting;
            delivery.due = now + CLAIM;
            if let Sender::PayPal { .. } = delivery.sender {
                paypal::transmit(self, &mut session, delivery).await?;
            }
            session.put(delivery).await?;
        }
        session.commit().await?;
        Ok(due)
    }

    async fn send_in_order(&self, mut deliveries: Vec<Delivery>) -> Vec<Delivery> {
        for delivery in &mut deliveries {
            let answer = match self.headers_for(delivery).await {
                Ok(headers) => {
                    let post = self.http.post(delivery.url.0.clone()).body(delivery.body.clone());
                    post.headers(headers).send().await.map(|answer| answer.status())
                }
                Err(error) => {
                    tracing::warn!(%error, delivery = delivery.id, "a notice cannot be signed");
                    delivery.progress = Progress::GivenUp;
                    continue;
                }
            };
            delivery.mark(matches!(answer, Ok(status) if status.is_success()), self.clock.now());
        }
        deliveries
    }

    pub(super) async fn headers_for(
        &self,
        delivery: &Delivery,
    ) -> Result<reqwest::header::HeaderMap, SandboxError> {
        let mut session = self.book.begin().await?;
        match &delivery.sender {
            Sender::PayPal { .. } => paypal::notice_headers(self, &mut session, delivery).await,
            Sender::GrabPay { partner_id } => {
                grabpay::notice_headers(self, &mut session, partner_id, delivery).await
            }
            Sender::Xendit { business_id } => {
                xendit::notice_headers(self, &mut session, business_id, delivery).await
            }
        }
    }
}
