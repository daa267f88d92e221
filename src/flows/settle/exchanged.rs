//! What a gateway changes within its balance to pay a refund in a currency that the account does not hold.

use crate::domain::ledger::journal;
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{Payment, RefundReport};
use crate::store::Change;

use super::{SettleError, Settlements, post};

impl Settlements {
    /// The conversion beside a refund that was paid out, under the refund's name at the gateway: a bill that told it before
    /// booked it under the same.
    pub(super) async fn exchanged(
        &self,
        change: &mut Change,
        payment: &Payment,
        account: &GatewayAccount,
        report: &RefundReport,
    ) -> Result<(), SettleError> {
        let Some(exchanged) = report.exchanged else { return Ok(()) };
        let reference = &report.refund_ref;
        if self.0.store.exchange_booked(account.merchant, reference).await?.is_some() {
            return Ok(());
        }
        let subject = payment.id.to_string();
        let booking = self.booking(payment, account, reference, &subject, report.at);
        post(change, journal::converted_in_balance(&booking, exchanged.sold(), exchanged.bought()))
    }
}
