//! Facts that wait for a bill, or were named before their day.

use chrono::{DateTime, Utc};

use crate::ids::{GatewayAccountId, MerchantId};
use crate::store::row::Row;
use crate::store::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// The pool.
pub static RECONCILIATION_POOL: Table = Table {
    name: "reconciliation_pool",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("gateway_account_id"),
        Column::text("state"),
        Column::text("fact"),
        Column::int("at"),
    ],
    unique: &[],
};

/// A fact of the books in the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooled {
    /// The account, the ledger's transaction and currency: the same fact has one row.
    pub id: String,
    /// `waiting`, `named` or `missing`.
    pub state: String,
    /// The fact, JSON.
    pub fact: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

impl Change {
    /// A fact enters the pool.
    pub fn pool_fact(
        &mut self,
        merchant: MerchantId,
        account: GatewayAccountId,
        pooled: &Pooled,
    ) -> &mut Change {
        self.insert(
            &RECONCILIATION_POOL,
            vec![
                pooled.id.as_str().into(),
                Value::text(merchant),
                Value::text(account),
                pooled.state.as_str().into(),
                pooled.fact.as_str().into(),
                pooled.at.into(),
            ],
        )
    }

    /// A pooled fact was named, with the days of the bill that did, or is missed.
    pub fn settle_pooled(&mut self, pooled: &Versioned<Pooled>, state: &str, fact: &str) -> &mut Change {
        let values = vec![("state", state.into()), ("fact", fact.into())];
        self.update(&RECONCILIATION_POOL, &pooled.value.id, pooled.version, values)
    }
}

impl Store {
    /// Facts of an account in a state of the pool, those that happened since a moment, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pooled_facts(
        &self,
        account: GatewayAccountId,
        state: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<Versioned<Pooled>>, StoreError> {
        let query = sqlx::query(
            "SELECT id, state, fact, at, version FROM reconciliation_pool
             WHERE gateway_account_id = $1 AND state = $2 AND at >= $3 ORDER BY at, id",
        )
        .bind(account.to_string())
        .bind(state)
        .bind(since.timestamp_micros());
        self.all(query, |row| {
            let row = Row::of("reconciliation_pool", row);
            row.versioned(Pooled {
                id: row.text("id")?,
                state: row.text("state")?,
                fact: row.text("fact")?,
                at: row.time("at")?,
            })
        })
        .await
    }
}
