//! A merchant's payments in pages, each filter by an index of its own: walked by the merchant alone, a page of a rare
//! state would read every payment there ever was.

use chrono::{DateTime, Utc};

use crate::domain::orders::Payment;
use crate::ids::{MerchantId, PaymentId};
use crate::store::row::Row;
use crate::store::{Store, StoreError};

use super::read;

/// Which payments of a merchant to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct PaymentFilter {
    /// Of this order.
    pub order_ref: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// At this gateway.
    pub gateway: Option<String>,
    /// Made at or after this moment.
    pub created_from: Option<DateTime<Utc>>,
    /// Older than this one.
    pub starting_after: Option<PaymentId>,
    /// Newer than this one.
    pub ending_before: Option<PaymentId>,
    /// At most this many.
    pub limit: u32,
}

/// A page of payments, in both directions; what is compared without a cast is what an index finds.
macro_rules! page_of {
    ($order_ref:literal, $state:literal, $gateway:literal) => {
        [page_of!($order_ref, $state, $gateway, "DESC"), page_of!($order_ref, $state, $gateway, "ASC")]
    };
    ($order_ref:literal, $state:literal, $gateway:literal, $direction:literal) => {
        concat!(
            "SELECT * FROM payment WHERE merchant_id = $1 AND ",
            $order_ref,
            " AND ",
            $state,
            " AND ",
            $gateway,
            " AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5)
             AND (CAST($6 AS TEXT) IS NULL OR id < $6) AND (CAST($7 AS TEXT) IS NULL OR id > $7)
             ORDER BY id ",
            $direction,
            " LIMIT $8"
        )
    };
}

const ALL: [&str; 2] =
    page_of!("CAST($2 AS TEXT) IS NULL", "CAST($3 AS TEXT) IS NULL", "CAST($4 AS TEXT) IS NULL");
const OF_ORDER: [&str; 2] = page_of!(
    "order_ref = $2",
    "(CAST($3 AS TEXT) IS NULL OR state = $3)",
    "(CAST($4 AS TEXT) IS NULL OR gateway = $4)"
);
const IN_STATE: [&str; 2] =
    page_of!("CAST($2 AS TEXT) IS NULL", "state = $3", "(CAST($4 AS TEXT) IS NULL OR gateway = $4)");
const AT_GATEWAY: [&str; 2] =
    page_of!("CAST($2 AS TEXT) IS NULL", "CAST($3 AS TEXT) IS NULL", "gateway = $4");

impl PaymentFilter {
    /// The statement that serves it: one order has few payments, one state fewer than one gateway.
    fn sql(&self) -> &'static str {
        let [newest_first, oldest_first] = match self {
            PaymentFilter { order_ref: Some(_), .. } => OF_ORDER,
            PaymentFilter { state: Some(_), .. } => IN_STATE,
            PaymentFilter { gateway: Some(_), .. } => AT_GATEWAY,
            _ => ALL,
        };
        if self.ending_before.is_some() { oldest_first } else { newest_first }
    }
}

impl Store {
    /// A page of a merchant's payments, newest first, and whether there are more in the direction asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payments(
        &self,
        merchant: MerchantId,
        filter: &PaymentFilter,
    ) -> Result<(Vec<Payment>, bool), StoreError> {
        let limit = filter.limit.clamp(1, 100) as usize;
        let rows = sqlx::query(filter.sql())
            .bind(merchant.to_string())
            .bind(filter.order_ref.clone())
            .bind(filter.state.clone())
            .bind(filter.gateway.clone())
            .bind(filter.created_from.map(|at| at.timestamp_micros()))
            .bind(filter.starting_after.map(|id| id.to_string()))
            .bind(filter.ending_before.map(|id| id.to_string()))
            .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
            .fetch_all(self.reads())
            .await?;
        let more = rows.len() > limit;
        let payments = rows.iter().take(limit).map(|row| Ok(read(Row::of("payment", row))?.value));
        let mut payments = payments.collect::<Result<Vec<_>, StoreError>>()?;
        if filter.ending_before.is_some() {
            payments.reverse();
        }
        Ok((payments, more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;
    use crate::store::{Environment, StoreOptions};
    use sqlx::{AssertSqlSafe, Row as _};

    #[tokio::test]
    async fn each_filter_is_served_by_its_own_index_and_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/straits.db", folder.path().display());
        let clock = Clock::fixed(from_micros(1));
        let ids = IdSource::seeded(clock.clone(), 1);
        let some_id: PaymentId = ids.mint();
        let store = Store::open(&StoreOptions::new(url, Environment::Test, clock, ids)).await.unwrap();
        let some = || Some("x".to_owned());
        let filters = [
            (PaymentFilter::default(), "payment_listed"),
            (
                PaymentFilter { order_ref: some(), state: some(), gateway: some(), ..Default::default() },
                "payment_order",
            ),
            (PaymentFilter { state: some(), gateway: some(), ..Default::default() }, "payment_state"),
            (PaymentFilter { gateway: some(), ..Default::default() }, "payment_gateway"),
        ];
        for (filter, index) in filters {
            let back = PaymentFilter { ending_before: Some(some_id), ..filter.clone() };
            for sql in [filter.sql(), back.sql()] {
                let plan = format!("EXPLAIN QUERY PLAN {sql}");
                let rows = sqlx::query(AssertSqlSafe(plan)).fetch_all(store.reads()).await.unwrap();
                let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
                let plan = steps.join("; ");
                assert!(plan.contains(&format!("INDEX {index} ")), "{index}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{index}: {plan}");
            }
        }
        store.close().await;
    }
}
