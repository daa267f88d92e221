//! Accounts and where they stand, now or at a time.

use chrono::{DateTime, Utc};

use crate::domain::ledger::{AccountBalance, AccountCode, TrialBalance, TrialLine};
use crate::ids::MerchantId;
use crate::store::row::Row;
use crate::store::{Seek, Store, StoreError};

use super::{account_of, layer_of, money_of, rows_of};

/// Which moment a balance is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// As everything stands.
    Now,
    /// As the books stood: whatever was booked by then, inclusive. Never changes afterwards.
    Recorded(DateTime<Utc>),
    /// As the books stood once the transaction of this number did: the same, where several reads must be of one moment.
    Number(i64),
    /// As the world stood, seen from today: whatever had happened by then, inclusive. Late news changes it; reads
    /// every entry.
    Effective(DateTime<Utc>),
}

const COLUMNS: &str = "CAST(id AS TEXT) AS key, id, merchant_id, code, owner, currency, layer, balance, seq";

impl Store {
    /// A merchant's accounts in the order of the chart, `limit` from an account on; in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_accounts(
        &self,
        merchant: MerchantId,
        seek: Seek<i64>,
        limit: u32,
    ) -> Result<Vec<AccountBalance>, StoreError> {
        let (beyond, way) = if seek.is_backwards() { ("<", "DESC") } else { (">", "ASC") };
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM ledger_account
             WHERE merchant_id = $1 AND ($2 = 0 OR (code, owner, currency, layer) {beyond}
                 (SELECT a.code, a.owner, a.currency, a.layer FROM ledger_account a
                  WHERE a.id = $2 AND a.merchant_id = $1))
             ORDER BY code {way}, owner {way}, currency {way}, layer {way} LIMIT $3"
        ));
        let rows = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().copied().unwrap_or(0))
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await?;
        rows_of("ledger_account", &rows, balance_of)
    }

    /// The accounts of one code and owner: one for each currency and layer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_balances(
        &self,
        merchant: MerchantId,
        code: AccountCode,
        owner: &str,
    ) -> Result<Vec<AccountBalance>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM ledger_account WHERE merchant_id = $1 AND code = $2 AND owner = $3
             ORDER BY currency, layer"
        ));
        let rows = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(i64::from(code.number()))
            .bind(owner)
            .fetch_all(self.reads())
            .await?;
        rows_of("ledger_account", &rows, balance_of)
    }

    /// The accounts of one code that do not stand at zero, whoever owns them: one for each owner, currency and layer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing_accounts(
        &self,
        merchant: MerchantId,
        code: AccountCode,
    ) -> Result<Vec<AccountBalance>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM ledger_account WHERE merchant_id = $1 AND code = $2 AND balance <> 0
             ORDER BY owner, currency, layer"
        ));
        let query = sqlx::query(sql).bind(merchant.to_string()).bind(i64::from(code.number()));
        rows_of("ledger_account", &query.fetch_all(self.reads()).await?, balance_of)
    }

    /// Every account that concerns `dimension`: a supplier's buckets, whatever else their owners name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_balances_of(
        &self,
        merchant: MerchantId,
        dimension: &str,
    ) -> Result<Vec<AccountBalance>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM ledger_account WHERE id IN (
                 SELECT account_id FROM ledger_dimension WHERE merchant_id = $1 AND dimension = $2)
             ORDER BY code, owner, currency, layer"
        ));
        let rows =
            sqlx::query(sql).bind(merchant.to_string()).bind(dimension).fetch_all(self.reads()).await?;
        rows_of("ledger_account", &rows, balance_of)
    }

    /// Every code's balance, per currency and layer; codes that stand at zero in it are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn trial_balance(&self, merchant: MerchantId, as_of: AsOf) -> Result<TrialBalance, StoreError> {
        let (sql, moment) = match as_of {
            AsOf::Now => (TRIAL_NOW, 0),
            AsOf::Recorded(at) => (TRIAL_RECORDED, self.last_number_by(at).await?),
            AsOf::Number(number) => (TRIAL_RECORDED, number),
            AsOf::Effective(at) => (TRIAL_EFFECTIVE, at.timestamp_micros()),
        };
        let rows = sqlx::query(sql).bind(merchant.to_string()).bind(moment).fetch_all(self.reads()).await?;
        let line = |row: &Row<'_>| {
            let account = account_of(row)?;
            Ok(TrialLine {
                code: account.code,
                layer: layer_of(row)?,
                debit_minus_credit: money_of(row, "balance")?,
            })
        };
        Ok(TrialBalance { lines: rows_of("ledger_account", &rows, line)? })
    }
}

const TRIAL_NOW: &str = "
    SELECT CAST(code AS TEXT) AS key, code, '' AS owner, currency, layer, CAST(SUM(balance) AS BIGINT) AS balance
    FROM ledger_account WHERE merchant_id = $1 AND $2 = 0
    GROUP BY code, currency, layer HAVING SUM(balance) <> 0 ORDER BY currency, layer DESC, code";

const TRIAL_RECORDED: &str = "
    SELECT CAST(code AS TEXT) AS key, code, '' AS owner, currency, layer, CAST(SUM(balance) AS BIGINT) AS balance
    FROM (SELECT a.code, a.currency, a.layer, COALESCE((
              SELECT e.balance_after FROM ledger_entry e
              WHERE e.account_id = a.id AND e.transaction_number <= $2
              ORDER BY e.transaction_number DESC, e.seq DESC LIMIT 1), 0) AS balance
          FROM ledger_account a WHERE a.merchant_id = $1) standing
    GROUP BY code, currency, layer HAVING SUM(balance) <> 0 ORDER BY currency, layer DESC, code";

const TRIAL_EFFECTIVE: &str = "
    SELECT CAST(a.code AS TEXT) AS key, a.code, '' AS owner, a.currency, a.layer,
           CAST(SUM(e.amount) AS BIGINT) AS balance
    FROM ledger_transaction t
    JOIN ledger_entry e ON e.transaction_number = t.number
    JOIN ledger_account a ON a.id = e.account_id
    WHERE t.merchant_id = $1 AND t.effective_at <= $2
    GROUP BY a.code, a.currency, a.layer HAVING SUM(e.amount) <> 0 ORDER BY a.currency, a.layer DESC, a.code";

fn balance_of(row: &Row<'_>) -> Result<AccountBalance, StoreError> {
    Ok(AccountBalance {
        id: row.int("id")?,
        merchant: row.parse("merchant_id")?,
        account: account_of(row)?,
        layer: layer_of(row)?,
        debit_minus_credit: money_of(row, "balance")?,
        entries: row.int("seq")?,
    })
}
