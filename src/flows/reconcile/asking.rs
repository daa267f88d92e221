//! The gateway is asked about a payment that a bill is about: its answer is the second channel, its silence is none.

use std::time::Duration;

use crate::crash;
use crate::domain::orders::ReportSource;
use crate::flows::pay::PayError;
use crate::gateways::GatewayError;
use crate::ids::PaymentId;

use super::view::Evidence;
use super::{ReconcileError, Reconciling};

/// How often one question is asked.
const TRIES: u32 = 3;
/// From one time to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// A pause that the gateway names itself is kept up to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is known of a payment beside the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The payment's state by the gateway's answer and what was taken; or why it refuses to say.
    pub(super) words: String,
    /// Of the answer's bytes.
    answer_sha256: Option<String>,
    /// Of the bytes of each notice that was heard about it.
    notices: Vec<String>,
}

impl Said {
    /// As evidence about that payment.
    pub(super) fn of(self, payment: PaymentId, evidence: Evidence) -> Evidence {
        Evidence {
            payment: Some(payment),
            query: Some(self.words),
            query_sha256: self.answer_sha256,
            notices: self.notices,
            ..evidence
        }
    }
}

impl Reconciling {
    /// Asks, and answers what the gateway says: the payment's state and what was taken; or why it refuses to say. A
    /// question that found no answer is asked again after a pause.
    ///
    /// # Errors
    /// [`ReconcileError::Silent`], [`ReconcileError::Unavailable`]: nothing may follow from it.
    pub(super) async fn asked(&self, id: PaymentId) -> Result<Said, ReconcileError> {
        let (words, answer_sha256) = self.answer(id).await?;
        let timeline = self.0.store.timeline(id).await?;
        let heard = timeline
            .into_iter()
            .filter(|entry| entry.source == ReportSource::Callback && !entry.detail["notice"].is_null());
        Ok(Said { words, answer_sha256, notices: heard.map(|entry| entry.evidence).collect() })
    }

    async fn answer(&self, id: PaymentId) -> Result<(String, Option<String>), ReconcileError> {
        let mut tries = 1;
        loop {
            let error = match self.0.pay.ask_for_bill(id).await {
                Ok(heard) => {
                    let state = &heard.payment.state;
                    let words = match state.taken() {
                        Some(taken) => format!("{}, {}", state.as_str(), taken.amount),
                        None => state.as_str().to_owned(),
                    };
                    return Ok((words, heard.answer_sha256));
                }
                Err(error) => error,
            };
            let pause = match &error {
                PayError::Gateway(GatewayError::Throttled { retry_after_s }) => {
                    let named = retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
                    named.unwrap_or(PAUSE).min(LONGEST_PAUSE)
                }
                PayError::Gateway(GatewayError::Refused { retry_later: false, .. }) => {
                    return Ok((error.to_string(), None));
                }
                PayError::Gateway(_) => PAUSE,
                PayError::Unavailable(_) => return Err(error.into()),
                _ => return Ok((error.to_string(), None)),
            };
            if tries == TRIES {
                return Err(ReconcileError::Silent { payment: id, why: error.to_string() });
            }
            tries += 1;
            if !crash::is_scheduled() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}
