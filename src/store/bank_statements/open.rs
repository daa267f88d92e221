//! Lines that nobody has explained, and statements of which lines are missing.

use chrono::NaiveDate;

use super::{BankStatement, read_line, read_statement};
use crate::domain::deposits::BankLine;
use crate::ids::{BankAccountId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::{Store, StoreError, Versioned};

/// Lines read at a time.
const PAGE: i64 = 1_000;

impl Store {
    /// A merchant's statements that begin up to a day and of which not all lines are taken: being read, or broken off.
    /// Where all of their days were read since in another file, nothing is missing. Oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statements_unread(
        &self,
        merchant: MerchantId,
        upto: NaiveDate,
        limit: i64,
    ) -> Result<Vec<BankStatement>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM bank_statement AS s
             WHERE s.merchant_id = $1 AND s.read_at IS NULL AND (s.from_on IS NULL OR s.from_on <= $2)
                AND NOT EXISTS (SELECT 1 FROM bank_statement AS o
                    WHERE o.bank_account_id = s.bank_account_id AND o.id > s.id AND o.read_at IS NOT NULL
                        AND o.from_on <= s.from_on AND o.to_on >= s.to_on)
             ORDER BY s.id LIMIT $3",
        )
        .bind(merchant.to_string())
        .bind(upto.to_string())
        .bind(limit);
        self.all(query, read_statement).await
    }

    /// Whole statements of the account with a line of that day or later, and the one before them, by their days. A notification
    /// tells of lines, not of all of a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statements_over(
        &self,
        account: BankAccountId,
        day: NaiveDate,
    ) -> Result<Vec<BankStatement>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM bank_statement WHERE bank_account_id = $1 AND read_at IS NOT NULL AND format <> 'camt054'
                AND to_on >= COALESCE((SELECT MAX(o.to_on) FROM bank_statement o
                    WHERE o.bank_account_id = $1 AND o.read_at IS NOT NULL AND o.format <> 'camt054' AND o.to_on < $2), $2)
             ORDER BY from_on, to_on, id",
        )
        .bind(account.to_string())
        .bind(day.to_string());
        self.all(query, read_statement).await
    }

    /// Those of the lines that nobody has explained which are `wanted`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_bank_lines(
        &self,
        merchant: MerchantId,
        currency: Currency,
        wanted: impl FnMut(&BankLine) -> bool + Send,
    ) -> Result<Vec<Versioned<BankLine>>, StoreError> {
        let sql = "SELECT * FROM bank_line WHERE merchant_id = $1 AND currency = $2 AND id > $3
             AND state IN ('suspense', 'unbooked') ORDER BY id LIMIT $4";
        self.open_lines(sql, (merchant, currency, None), wanted).await
    }

    /// The same among those that moved exactly this amount: what is sought for every line of a statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_bank_lines_of(
        &self,
        merchant: MerchantId,
        amount: Money,
        wanted: impl FnMut(&BankLine) -> bool + Send,
    ) -> Result<Vec<Versioned<BankLine>>, StoreError> {
        let sql =
            "SELECT * FROM bank_line WHERE merchant_id = $1 AND currency = $2 AND id > $3 AND amount = $5
             AND state IN ('suspense', 'unbooked') ORDER BY id LIMIT $4";
        self.open_lines(sql, (merchant, amount.currency(), Some(amount)), wanted).await
    }

    async fn open_lines(
        &self,
        sql: &'static str,
        (merchant, currency, amount): (MerchantId, Currency, Option<Money>),
        mut wanted: impl FnMut(&BankLine) -> bool + Send,
    ) -> Result<Vec<Versioned<BankLine>>, StoreError> {
        let (mut found, mut after) = (vec![], String::new());
        loop {
            let query =
                sqlx::query(sql).bind(merchant.to_string()).bind(currency.to_string()).bind(after).bind(PAGE);
            let query = match amount {
                Some(amount) => query.bind(amount.minor()),
                None => query,
            };
            let page = self.all(query, read_line).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.value.id.to_string();
            let more = i64::try_from(page.len()).is_ok_and(|read| read == PAGE);
            found.extend(page.into_iter().filter(|row| wanted(&row.value)));
            if !more {
                return Ok(found);
            }
        }
    }
}
