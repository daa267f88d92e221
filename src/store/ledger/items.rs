//! What is open on accounts where money only rests, item by item.

use crate::domain::ledger::{AccountCode, OpenItem};
use crate::ids::MerchantId;
use crate::store::row::Row;
use crate::store::{Store, StoreError};

use super::{account_of, money_of, rows_of};

impl Store {
    /// What does not come to zero on a merchant's accounts of one code, by subject (else by source), oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_items(
        &self,
        merchant: MerchantId,
        code: AccountCode,
    ) -> Result<Vec<OpenItem>, StoreError> {
        let rows = sqlx::query(
            "SELECT COALESCE(t.subject, t.source) AS item, a.code, a.owner, a.currency,
                    CAST(SUM(e.amount) AS BIGINT) AS amount, MIN(t.effective_at) AS since
             FROM ledger_account a
             JOIN ledger_entry e ON e.account_id = a.id
             JOIN ledger_transaction t ON t.number = e.transaction_number
             WHERE a.merchant_id = $1 AND a.code = $2 AND a.layer = 1 AND a.balance <> 0
             GROUP BY COALESCE(t.subject, t.source), a.code, a.owner, a.currency
             HAVING SUM(e.amount) <> 0 ORDER BY MIN(t.effective_at), COALESCE(t.subject, t.source)",
        )
        .bind(merchant.to_string())
        .bind(i64::from(code.number()))
        .fetch_all(self.reads())
        .await?;
        rows_of("ledger_account", &rows, |row: &Row<'_>| {
            Ok(OpenItem {
                account: account_of(row)?,
                subject: row.text("item")?,
                amount: money_of(row, "amount")?,
                since: row.time("since")?,
            })
        })
    }
}
