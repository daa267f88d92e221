//! Books that contradict themselves are found: one finding for each supplier and currency, however often it is asked.

use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::statements::StatementError;
use crate::flows::settle::finding_data;
use crate::ids::{MerchantId, SupplierId};
use crate::money::Currency;
use crate::store::outbox::Event;
use crate::store::{Change, CommitError};

use super::{StatementFlowError, Statements};

impl Statements {
    /// The error as it came; where it says that the books contradict themselves, their finding is open by now. One
    /// that cannot be written is logged: the refusal stands either way, and the next request tries again.
    pub(super) async fn found(
        &self,
        merchant: MerchantId,
        supplier: SupplierId,
        currency: Currency,
        error: StatementFlowError,
    ) -> StatementFlowError {
        if !self.watched || error.code() != "books_differ" {
            return error;
        }
        tracing::error!(%supplier, %currency, %error, "nothing was told: the books contradict themselves");
        if let Err(why) = self.open_finding(merchant, supplier, currency, &error).await {
            tracing::error!(%supplier, why, "and the finding could not be opened");
        }
        error
    }

    async fn open_finding(
        &self,
        merchant: MerchantId,
        supplier: SupplierId,
        currency: Currency,
        error: &StatementFlowError,
    ) -> Result<(), String> {
        let (kind, fact) = (FindingKind::BooksDiffer, format!("{supplier} {currency}"));
        let known =
            self.store.finding_about(merchant, kind, &fact).await.map_err(|error| error.to_string())?;
        let mut change = Change::new();
        let finding = match known {
            Some(known) if !matches!(known.value.state, FindingState::Resolved { .. }) => return Ok(()),
            // It was explained away, and the books are as they were.
            Some(known) => {
                change.decide_finding(&known, &FindingState::Open);
                Finding { state: FindingState::Open, ..known.value }
            }
            None => {
                let amount = match error {
                    StatementFlowError::Books(StatementError::DoesNotFoot { difference, .. }) => {
                        Some(*difference)
                    }
                    _ => None,
                };
                let finding = Finding {
                    id: self.ids.mint(),
                    merchant,
                    kind,
                    gateway_account: String::new(),
                    payment: None,
                    fact,
                    amount,
                    detail: error.to_string(),
                    state: FindingState::Open,
                    opened_at: self.clock.now(),
                };
                change.open_finding(&finding);
                finding
            }
        };
        change.tell(&Event {
            id: self.ids.mint(),
            merchant,
            kind: "finding.opened".to_owned(),
            subject: finding.id.to_string(),
            data: finding_data(&finding),
            created_at: self.clock.now(),
        });
        match self.store.commit(change).await {
            // A lost update: somebody else opened it.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}
