//! Money on its way: while a payment is pending with an amount, its entries stand in the pending layer; they end with that
//! state, however it ends. The machine enters it at most once, so each of the two is booked at most once.

use crate::domain::orders::{Payment, PaymentReport, PaymentState, ReportKind};
use crate::store::Change;

use super::{Expectation, OpenAccount, Pay, PayError};

impl Pay {
    /// What a report changes of what is expected, and whom it waits for.
    pub(super) async fn expect(
        &self,
        change: &mut Change,
        before: &Payment,
        after: &PaymentState,
        account: &OpenAccount,
        report: &PaymentReport,
    ) -> Result<(), PayError> {
        let (settles, account) = (&self.0.settles, &account.account);
        let news = match (before.state.expected(), after.expected()) {
            (None, Some(amount)) => Some(Expectation::Begins(amount)),
            (Some(amount), None) => Some(Expectation::Ends(amount)),
            _ => None,
        };
        if let Some(news) = news {
            change.extend(settles.expect(before, account, news).await?);
        }
        if let ReportKind::Pending { reason, person_by: Some(by), .. } = &report.kind
            && after.expected().is_some()
        {
            change.extend(settles.action_needed(before, account, reason, *by).await?);
        }
        Ok(())
    }
}
