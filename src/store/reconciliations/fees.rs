//! What bills taught of a gateway's fees, day by day.

use chrono::NaiveDate;

use crate::ids::{GatewayAccountId, MerchantId};
use crate::store::row::Row;
use crate::store::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// One row for each account and day.
pub static RECONCILED_FEES: Table = Table {
    name: "reconciled_fees",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("gateway_account_id"),
        Column::text("day"),
        Column::text("lessons"),
    ],
    unique: &[],
};

/// What the bill of one day taught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFees {
    /// Whose book.
    pub merchant: MerchantId,
    /// Which account.
    pub account: GatewayAccountId,
    /// In the gateway's zone.
    pub day: NaiveDate,
    /// Sums, JSON.
    pub lessons: String,
}

impl Change {
    /// Writes what a day taught; `known` is the row that is there, which it replaces.
    pub fn learn_fees(&mut self, fees: &DayFees, known: Option<&Versioned<DayFees>>) -> &mut Change {
        let id = format!("{}/{}", fees.account, fees.day);
        match known {
            Some(known) => self.update(
                &RECONCILED_FEES,
                &id,
                known.version,
                vec![("lessons", fees.lessons.as_str().into())],
            ),
            None => self.insert(
                &RECONCILED_FEES,
                vec![
                    id.into(),
                    Value::text(fees.merchant),
                    Value::text(fees.account),
                    Value::text(fees.day),
                    fees.lessons.as_str().into(),
                ],
            ),
        }
    }
}

impl Store {
    /// What the bills of an account's days taught, both days included, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reconciled_fees(
        &self,
        account: GatewayAccountId,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Result<Vec<Versioned<DayFees>>, StoreError> {
        let query = sqlx::query(
            "SELECT id, merchant_id, gateway_account_id, day, lessons, version FROM reconciled_fees
             WHERE gateway_account_id = $1 AND day >= $2 AND day <= $3 ORDER BY day",
        )
        .bind(account.to_string())
        .bind(first.to_string())
        .bind(last.to_string());
        self.all(query, |row| {
            let row = Row::of("reconciled_fees", row);
            row.versioned(DayFees {
                merchant: row.parse("merchant_id")?,
                account: row.parse("gateway_account_id")?,
                day: row.parse("day")?,
                lessons: row.text("lessons")?,
            })
        })
        .await
    }
}
