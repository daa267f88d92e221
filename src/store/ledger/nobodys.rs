//! Money that a bill told of before any payment here was known to be its own.

use super::TransactionFilter;
use crate::domain::findings::{Action, FindingKind, FindingState};
use crate::domain::ledger::{AccountCode, JournalEvent};
use crate::ids::MerchantId;
use crate::money::Money;
use crate::store::row::Row;
use crate::store::{Store, StoreError};

/// What was put aside under a capture's own reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nobodys {
    /// How much.
    pub amount: Money,
    /// Whether somebody has decided about it since: it stands there no more.
    pub decided: bool,
}

impl Store {
    /// The money of a capture, where it was booked as nobody's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nobodys(
        &self,
        merchant: MerchantId,
        capture_ref: &str,
    ) -> Result<Option<Nobodys>, StoreError> {
        // It is about itself: there was nothing else to follow.
        let subject = Some(capture_ref.to_owned());
        let filter = TransactionFilter { subject, limit: 100, ..TransactionFilter::default() };
        let booked = self.ledger_transactions(merchant, &filter).await?;
        let own = |event: JournalEvent| {
            booked.iter().find(move |row| row.event == event && row.source == capture_ref)
        };
        let came = own(JournalEvent::CapturedUnmatched).into_iter().flat_map(|row| &row.entries);
        let mut amount = came.filter(|entry| entry.account.code == AccountCode::SUSPENSE);
        let Some(amount) = amount.next_back().map(|entry| entry.amount) else { return Ok(None) };
        let decided = own(JournalEvent::SuspenseResolved).is_some()
            || self.given_or_sent_back(merchant, capture_ref).await?;
        Ok(Some(Nobodys { amount, decided }))
    }

    /// Whether two people gave such money to a payment, or to the shopper again.
    async fn given_or_sent_back(&self, merchant: MerchantId, capture_ref: &str) -> Result<bool, StoreError> {
        let found = self.finding_about(merchant, FindingKind::PaidUnknownHere, capture_ref).await?;
        Ok(found.is_some_and(|found| {
            matches!(found.value.state, FindingState::Resolved { action, .. } if action != Action::Dismiss)
        }))
    }

    /// What was put aside under a reference as a movement that nobody explained: above zero where it came in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn aside_under(
        &self,
        merchant: MerchantId,
        reference: &str,
    ) -> Result<Option<Money>, StoreError> {
        let row = sqlx::query(
            "SELECT a.currency, e.amount FROM ledger_transaction t
             JOIN ledger_entry e ON e.transaction_number = t.number
             JOIN ledger_account a ON a.id = e.account_id
             WHERE t.merchant_id = $1 AND t.event = 'suspense_booked' AND t.source = $2 AND a.code = $3 LIMIT 1",
        )
        .bind(merchant.to_string())
        .bind(reference.to_owned())
        .bind(i64::from(AccountCode::SUSPENSE.number()))
        .fetch_optional(self.reads())
        .await?;
        let money = row.map(|row| Row::of("ledger_entry", &row).money("amount", "currency")).transpose()?;
        Ok(money.map(|debited| debited.negated()))
    }

    /// All that was put aside as movements that nobody explained under a reference and under the names that begin with it
    /// and a slash, each with its name: above zero where it came in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_aside_under(
        &self,
        merchant: MerchantId,
        reference: &str,
    ) -> Result<Vec<(String, Money)>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.source, a.currency, e.amount FROM ledger_transaction t
             JOIN ledger_entry e ON e.transaction_number = t.number
             JOIN ledger_account a ON a.id = e.account_id
             WHERE t.merchant_id = $1 AND t.event = 'suspense_booked' AND a.code = $2
             AND (t.source = $3 OR substr(t.source, 1, length($4)) = $4) ORDER BY t.number",
        )
        .bind(merchant.to_string())
        .bind(i64::from(AccountCode::SUSPENSE.number()))
        .bind(reference.to_owned())
        .bind(format!("{reference}/"))
        .fetch_all(self.reads())
        .await?;
        let mut aside = vec![];
        for row in &rows {
            let row = Row::of("ledger_entry", row);
            aside.push((row.text("source")?, row.money("amount", "currency")?.negated()));
        }
        Ok(aside)
    }
}
