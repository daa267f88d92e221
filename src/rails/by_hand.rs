//! A rail whose files a person hands in: a batch is sent when its file can be fetched, and the bank's statement says what
//! became of it.

use async_trait::async_trait;

use super::{write_pain001, write_sheet};
use crate::clock::Clock;
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::{GatewayError, PayoutBatchReport, PayoutBatchRequest, Payouts};
use crate::money::Currency;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// ISO 20022.
    Pain001,
    /// Columns by a template.
    Sheet,
}

/// The rail.
#[derive(Debug, Clone)]
pub struct ByHand {
    form: Form,
    clock: Clock,
}

impl ByHand {
    /// By pain.001 files.
    pub fn pain001(clock: Clock) -> ByHand {
        ByHand { form: Form::Pain001, clock }
    }

    /// By CSV files.
    pub fn sheet(clock: Clock) -> ByHand {
        ByHand { form: Form::Sheet, clock }
    }
}

#[async_trait]
impl Payouts for ByHand {
    fn batch_limit(&self) -> usize {
        1_000
    }

    fn payout_currencies(&self) -> Vec<Currency> {
        Currency::all().collect()
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        // A file that cannot be written is found out now, not by whoever fetches it.
        let one = std::slice::from_ref(batch);
        let refused = |why: String| GatewayError::Refused {
            code: "not_writable".to_owned(),
            message: why,
            retry_later: false,
        };
        match self.form {
            Form::Pain001 => {
                write_pain001(&batch.request_ref, batch.made_at, one)
                    .map_err(|error| refused(error.to_string()))?;
            }
            Form::Sheet => {
                write_sheet(&super::Template::default(), one).map_err(|error| refused(error.to_string()))?;
            }
        }
        let payouts = batch.orders.iter().map(|order| PayoutReport {
            payout: order.payout,
            rail_ref: None,
            status: PayoutStatus::Pending,
            fee: None,
            at: self.clock.now(),
        });
        Ok(PayoutBatchReport { rail_ref: Some(batch.request_ref.clone()), payouts: payouts.collect() })
    }

    async fn query(&self, _: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        // Nobody is asked: the bank's statement tells.
        Ok(None)
    }
}
