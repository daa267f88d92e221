//! What is expected of a payment: entries in the pending layer, and whom the gateway waits for.

use chrono::{DateTime, Utc};

use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal;
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::Payment;
use crate::flows::pay::Expectation;
use crate::store::Change;

use super::{SettleError, Settlements, post};

impl Settlements {
    /// Under the payment's own id, each side once for ever.
    pub(super) fn book_expectation(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        news: Expectation,
    ) -> Result<Change, SettleError> {
        let id = payment.id.to_string();
        let booking = self.booking(payment, account, &id, &id, self.0.clock.now());
        let mut change = Change::new();
        let built = match news {
            Expectation::Begins(amount) => journal::capture_expected(&booking, amount),
            Expectation::Ends(amount) => journal::expectation_ended(&booking, amount),
        };
        post(&mut change, built)?;
        Ok(change)
    }

    /// Finance's work: the gateway has the shopper's money and waits for a word of the payee's.
    pub(super) async fn open_action(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        reason: &str,
        by: DateTime<Utc>,
    ) -> Result<Change, SettleError> {
        let id = payment.id.to_string();
        let detail = format!(
            "{} holds {} for us until it is accepted there, and gives it back on {} ({reason}); the shopper has paid and \
             must not pay again",
            account.gateway,
            payment.amount,
            by.date_naive()
        );
        let mut finding = self.finding(FindingKind::ActionNeeded, account, &id, Some(payment.amount), detail);
        finding.payment = Some(id);
        let mut change = Change::new();
        self.open(&mut change, finding).await?;
        Ok(change)
    }
}
