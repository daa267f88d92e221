//! What became available to suppliers, and what is about to: of all suppliers with terms of their own by one statement.

use chrono::{DateTime, Utc};

use crate::domain::ledger::{AccountCode, JournalEvent};
use crate::domain::merchants::GatewayAccount;
use crate::ids::{MerchantId, SupplierId};
use crate::money::Money;
use crate::store::row::Row;
use crate::store::{Store, StoreError};

use super::{binds, money_of, rows_of};

/// Credits that give back what had been available before: nothing new came with them.
const GIVEN_BACK: [JournalEvent; 6] = [
    JournalEvent::PayoutFailed,
    JournalEvent::PayoutReturned,
    JournalEvent::RefundFailed,
    JournalEvent::DisputeReleased,
    JournalEvent::ChargebackReversed,
    JournalEvent::DisputeFeeUnborne,
];

/// Money that became available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Whose.
    pub supplier: SupplierId,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: DateTime<Utc>,
}

impl Store {
    /// What became available to suppliers with terms of their own and was booked after `since`, the newest first. What only
    /// came back (a failed payout, a hold that ended) is none of it. Accounts that stand at zero are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn arrivals(
        &self,
        merchant: MerchantId,
        since: DateTime<Utc>,
    ) -> Result<Vec<Arrival>, StoreError> {
        let sql = format!(
            "SELECT CAST(e.transaction_number AS TEXT) AS key, a.owner, a.currency, t.effective_at,
                    CAST(-e.amount AS BIGINT) AS amount
             FROM ledger_account a
             JOIN ledger_entry e ON e.account_id = a.id AND e.transaction_number > $3
             JOIN ledger_transaction t ON t.number = e.transaction_number
             WHERE a.merchant_id = $1 AND a.code = $2 AND a.layer = 1 AND a.balance <> 0 AND e.amount < 0
             AND a.owner IN (SELECT supplier_id FROM payout_terms WHERE merchant_id = $1)
             AND t.event NOT IN ({})
             ORDER BY e.transaction_number DESC, e.seq DESC",
            binds(4, GIVEN_BACK.len())
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(merchant.to_string())
            .bind(i64::from(AccountCode::SUPPLIER_AVAILABLE.number()))
            .bind(self.last_number_by(since).await?);
        let query = GIVEN_BACK.iter().fold(query, |query, event| query.bind(event.as_str()));
        let arrival = |row: &Row<'_>| {
            let (supplier, amount) = (row.parse("owner")?, money_of(row, "amount")?);
            Ok(Arrival { supplier, amount, at: row.time("effective_at")? })
        };
        rows_of("ledger_entry", &query.fetch_all(self.reads()).await?, arrival)
    }

    /// What is pending of a gateway account's payments and is released at `before`, where nothing comes in between, by
    /// supplier with terms of its own: settled and, where `at_bank`, received at the bank before then; with no dispute, no
    /// open finding, nothing that waits for a rate and nothing released before; in the supplier's own currency, so that no
    /// conversion changes it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_shares(
        &self,
        account: &GatewayAccount,
        before: DateTime<Utc>,
        at_bank: bool,
    ) -> Result<Vec<(SupplierId, Money)>, StoreError> {
        let query = sqlx::query(
            "SELECT a.owner, a.currency, CAST(-SUM(e.amount) AS BIGINT) AS amount
             FROM settlement s
             JOIN payment p ON p.id = s.payment_id
             JOIN ledger_transaction t ON t.merchant_id = s.merchant_id AND t.subject = s.payment_id
             JOIN ledger_entry e ON e.transaction_number = t.number
             JOIN ledger_account a ON a.id = e.account_id
             JOIN supplier u ON u.id = a.owner
             WHERE s.merchant_id = $1 AND p.gateway_account_id = $2 AND s.released_at IS NULL
             AND s.released IS NULL AND s.waiting IS NULL AND s.created_at < $3 AND p.is_disputed = 0
             AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.merchant_id = s.merchant_id
                 AND f.payment_id = s.payment_id AND f.state <> 'resolved'
                 AND f.kind NOT IN ('fee_drift', 'bill_duplicate'))
             AND ($4 = 0 OR EXISTS (
                 SELECT 1 FROM gateway_settlement_item i
                 JOIN gateway_settlement g ON g.id = i.gateway_settlement_id
                 WHERE i.payment_id = s.payment_id AND i.kind = 'capture'
                 AND g.state IN ('received', 'short') AND g.received_at < $3))
             AND a.code = $5 AND a.layer = 1 AND a.currency = u.currency
             AND a.owner IN (SELECT supplier_id FROM payout_terms WHERE merchant_id = $1)
             GROUP BY a.owner, a.currency HAVING SUM(e.amount) < 0 ORDER BY a.owner, a.currency",
        )
        .bind(account.merchant.to_string())
        .bind(account.id.to_string())
        .bind(before.timestamp_micros())
        .bind(i64::from(at_bank))
        .bind(i64::from(AccountCode::SUPPLIER_PENDING.number()));
        let share = |row: &Row<'_>| Ok((row.parse("owner")?, money_of(row, "amount")?));
        rows_of("settlement", &query.fetch_all(self.reads()).await?, share)
    }
}
