//! What is open on accounts where money only rests, item by item.

use sqlx::AssertSqlSafe;

use crate::domain::ledger::{AccountCode, OpenItem};
use crate::ids::MerchantId;
use crate::store::row::Row;
use crate::store::{Store, StoreError};

use super::{account_of, money_of, rows_of};

/// What an entry on suspense is about, of transaction `t`: by its subject, else by its source. Money that a bill told of
/// before its payment is one item under its capture's name, also where it goes to a payment or back from one.
pub(in crate::store) const ITEM: &str = "COALESCE((
    SELECT g.source FROM ledger_transaction g WHERE g.merchant_id = t.merchant_id AND g.event = 'captured_unmatched'
    AND g.source = g.subject
    AND g.source = COALESCE((SELECT r.capture_ref FROM refund r WHERE r.id = t.source), t.source)),
    t.subject, t.source)";

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
        let item = if code == AccountCode::SUSPENSE { ITEM } else { "COALESCE(t.subject, t.source)" };
        let sql = format!(
            "WITH part AS (
                 SELECT {item} AS item, a.code, a.owner, a.currency, e.amount, t.effective_at
                 FROM ledger_account a
                 JOIN ledger_entry e ON e.account_id = a.id
                 JOIN ledger_transaction t ON t.number = e.transaction_number
                 WHERE a.merchant_id = $1 AND a.code = $2 AND a.layer = 1 AND a.balance <> 0)
             SELECT item, code, owner, currency, CAST(SUM(amount) AS BIGINT) AS amount, MIN(effective_at) AS since
             FROM part GROUP BY item, code, owner, currency
             HAVING SUM(amount) <> 0 ORDER BY MIN(effective_at), item"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
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
