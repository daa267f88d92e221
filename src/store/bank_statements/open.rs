//! Lines that nobody has explained.

use super::read_line;
use crate::domain::deposits::BankLine;
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::store::{Store, StoreError, Versioned};

/// Lines read at a time.
const PAGE: i64 = 1_000;

impl Store {
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
