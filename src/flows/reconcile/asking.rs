//! The gateway is asked about a payment that a bill is about: its answer is the second channel, its silence is none.

use std::time::Duration;

use crate::crash;
use crate::flows::pay::PayError;
use crate::gateways::GatewayError;
use crate::ids::PaymentId;

use super::{ReconcileError, Reconciling};

/// How often one question is asked.
const TRIES: u32 = 3;
/// From one time to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// A pause that the gateway names itself is kept up to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Reconciling {
    /// Asks, and answers what the gateway says: the payment's state and what was taken; or why it refuses to say. A
    /// question that found no answer is asked again after a pause.
    ///
    /// # Errors
    /// [`ReconcileError::Silent`], [`ReconcileError::Unavailable`]: nothing may follow from it.
    pub(super) async fn asked(&self, id: PaymentId) -> Result<String, ReconcileError> {
        let mut tries = 1;
        loop {
            let error = match self.0.pay.ask_for_bill(id).await {
                Ok(after) => {
                    return Ok(match after.state.taken() {
                        Some(taken) => format!("{}, {}", after.state.as_str(), taken.amount),
                        None => after.state.as_str().to_owned(),
                    });
                }
                Err(error) => error,
            };
            let pause = match &error {
                PayError::Gateway(GatewayError::Throttled { retry_after_s }) => {
                    let named = retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
                    named.unwrap_or(PAUSE).min(LONGEST_PAUSE)
                }
                PayError::Gateway(GatewayError::Refused { retry_later: false, .. }) => {
                    return Ok(error.to_string());
                }
                PayError::Gateway(_) => PAUSE,
                PayError::Unavailable(_) => return Err(error.into()),
                _ => return Ok(error.to_string()),
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
