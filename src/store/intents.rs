//! Intents: calls to gateways, written down before they are made.
//!
//! The row's version is the fencing token: whoever takes the lease raises it, and the write of a holder whose lease was
//! taken over names an old version and is refused.

use std::collections::BTreeMap;

use crate::domain::orders::{Intent, IntentKind, Lease, Outcome};
use crate::ids::{GatewayAccountId, PaymentId};
use crate::money::Currency;

use super::row::Row;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// One `create` and one `complete` per payment, one `refund` per refund, for ever.
pub static INTENT: Table = Table {
    name: "intent",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("payment_id"),
        Column::text("refund_id"),
        Column::text("kind"),
        Column::text("unique_key"),
        Column::text("request_ref"),
        Column::text("lease_owner"),
        Column::int("lease_until"),
        Column::text("outcome"),
        Column::text("detail"),
        Column::int("attempts"),
        Column::int("created_at"),
    ],
    unique: &[&[5]],
};

impl Change {
    /// Writes a call down before it is made.
    pub fn insert_intent(&mut self, intent: &Intent) -> &mut Change {
        let refund = match intent.kind {
            IntentKind::Refund(refund) => Some(refund),
            IntentKind::Create | IntentKind::Complete => None,
        };
        self.insert(
            &INTENT,
            vec![
                Value::text(intent.id),
                Value::text(intent.merchant),
                Value::text(intent.payment),
                refund.map(Value::text).into(),
                intent.kind.as_str().into(),
                intent.unique_key().into(),
                intent.request_ref.as_str().into(),
                intent.lease.map(|lease| Value::text(lease.owner)).into(),
                intent.lease.map(|lease| lease.until).into(),
                intent.outcome.as_str().into(),
                intent.detail.clone().into(),
                intent.attempts.into(),
                intent.created_at.into(),
            ],
        )
    }

    /// Writes a lease taken or given back, or what came of the call.
    pub fn update_intent(&mut self, intent: &Intent, version: i64) -> &mut Change {
        self.update(
            &INTENT,
            intent.id,
            version,
            vec![
                ("lease_owner", intent.lease.map(|lease| Value::text(lease.owner)).into()),
                ("lease_until", intent.lease.map(|lease| lease.until).into()),
                ("outcome", intent.outcome.as_str().into()),
                ("detail", intent.detail.clone().into()),
                ("attempts", intent.attempts.into()),
            ],
        )
    }
}

impl Store {
    /// How much the calls that are under way at this gateway account may move, or may have moved where nobody knows what
    /// came of them: by currency, in minor units. `None` while payouts are, whose fees nobody knows before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn under_way_at(
        &self,
        account: GatewayAccountId,
    ) -> Result<Option<BTreeMap<Currency, i64>>, StoreError> {
        let payouts = sqlx::query(
            "SELECT 1 FROM payout o JOIN gateway_account g ON g.merchant_id = o.merchant_id
             WHERE o.state IN ('sent', 'unknown') AND g.id = $1 LIMIT 1",
        );
        if payouts.bind(account.to_string()).fetch_optional(self.reads()).await?.is_some() {
            return Ok(None);
        }
        let calls = sqlx::query(
            "SELECT p.currency, CAST(SUM(COALESCE(r.amount, p.amount)) AS BIGINT) AS amount
             FROM intent i JOIN payment p ON p.id = i.payment_id LEFT JOIN refund r ON r.id = i.refund_id
             WHERE i.kind IN ('complete', 'refund') AND i.outcome IN ('open', 'unknown') AND p.gateway_account_id = $1
             GROUP BY p.currency",
        );
        let rows = calls.bind(account.to_string()).fetch_all(self.reads()).await?;
        let read = |row| {
            let row = Row::of("intent", row);
            Ok((row.parse("currency")?, row.int("amount")?))
        };
        rows.iter().map(read).collect::<Result<_, StoreError>>().map(Some)
    }

    /// Every call made for a payment, refunds too, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn intents_of(&self, payment: PaymentId) -> Result<Vec<Versioned<Intent>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM intent WHERE payment_id = $1 ORDER BY id")
            .bind(payment.to_string())
            .fetch_all(self.reads())
            .await?;
        rows.iter().map(|row| read(&Row::of("intent", row))).collect()
    }

    /// How many calls have an outcome that nobody knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unknown_intents(&self) -> Result<i64, StoreError> {
        // The first condition is the index's own, word for word: SQLite needs it to use the index.
        let row = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM intent
             WHERE outcome IN ('open', 'unknown') AND outcome = 'unknown'",
        )
        .fetch_one(self.reads())
        .await?;
        Row::of("intent", &row).int("n")
    }
}

fn read(row: &Row<'_>) -> Result<Versioned<Intent>, StoreError> {
    let kind = match row.text("kind")?.as_str() {
        "create" => IntentKind::Create,
        "complete" => IntentKind::Complete,
        "refund" => IntentKind::Refund(row.parse("refund_id")?),
        other => return Err(row.unreadable("kind", other)),
    };
    let lease = match (row.optional("lease_owner")?, row.optional_time("lease_until")?) {
        (Some(owner), Some(until)) => Some(Lease { owner, until }),
        _ => None,
    };
    let outcome = row.text("outcome")?;
    let intent = Intent {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        payment: row.parse("payment_id")?,
        kind,
        request_ref: row.text("request_ref")?,
        lease,
        outcome: Outcome::find(&outcome).ok_or_else(|| row.unreadable("outcome", &outcome))?,
        detail: row.optional_text("detail")?,
        attempts: row.int("attempts")?,
        created_at: row.time("created_at")?,
    };
    row.versioned(intent)
}
