//! A rail whose files a person hands in: a batch is sent when its file can be fetched, and the bank's statement says what
//! became of it.

use async_trait::async_trait;

use super::pain001::{former_message, message};
use super::write_sheet;
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

    fn by_hand(&self) -> bool {
        true
    }

    fn file(&self, batch: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        match self.form {
            Form::Pain001 => message(batch).map(Some),
            // Its columns are a matter of whoever fetches it.
            Form::Sheet => Ok(None),
        }
    }

    fn former_file(&self, batch: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        match self.form {
            Form::Pain001 => former_message(batch).map(Some),
            Form::Sheet => Ok(None),
        }
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        // A file that cannot be written is found out now, not by whoever fetches it.
        self.file(batch)?;
        if self.form == Form::Sheet {
            let written = write_sheet(&super::Template::default(), std::slice::from_ref(batch));
            written.map_err(|error| GatewayError::Refused {
                code: "not_writable".to_owned(),
                message: error.to_string(),
                retry_later: false,
            })?;
        }
        let payouts = batch.orders.iter().map(|order| PayoutReport {
            payout: order.payout,
            rail_ref: None,
            status: PayoutStatus::Pending,
            stated: None,
            fee: None,
            at: self.clock.now(),
        });
        Ok(PayoutBatchReport { rail_ref: Some(batch.request_ref.clone()), payouts: payouts.collect() })
    }

    async fn query(&self, _: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        // Nobody is asked: the bank's statement tells, or its status report, which a person brings too.
        Ok(None)
    }
}
