//! Refunds.

use sqlx::any::AnyRow;

use crate::domain::orders::refund::{Refund, RefundKind, RefundState};
use crate::ids::{MerchantId, PaymentId, RefundId};

use super::row::Row;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// Refunds; one for each reference sent to a gateway.
pub static REFUND: Table = Table {
    name: "refund",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("payment_id"),
        Column::text("kind"),
        Column::text("state"),
        Column::int("amount"),
        Column::text("currency"),
        Column::text("reason"),
        Column::text("capture_ref"),
        Column::text("refund_ref"),
        Column::text("decided"),
        Column::text("failure"),
        Column::int("created_at"),
        Column::int("updated_at"),
    ],
    unique: &[],
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, payment_id, kind, state, amount, currency, reason, capture_ref, refund_ref, ",
            "decided, failure, created_at, updated_at, version FROM refund ",
            $rest
        )
    };
}

impl Change {
    /// Writes a decided refund down.
    pub fn insert_refund(&mut self, refund: &Refund) -> &mut Change {
        self.insert(
            &REFUND,
            vec![
                Value::text(refund.id),
                Value::text(refund.merchant),
                Value::text(refund.payment),
                refund.kind.as_str().into(),
                refund.state.as_str().into(),
                refund.amount.minor().into(),
                refund.amount.currency().code().into(),
                refund.reason.as_str().into(),
                refund.capture_ref.as_str().into(),
                refund.refund_ref.clone().into(),
                refund.decided.as_str().into(),
                failure(&refund.state),
                refund.created_at.into(),
                refund.updated_at.into(),
            ],
        )
    }

    /// Writes what a refund has become.
    pub fn update_refund(&mut self, refund: &Refund, version: i64) -> &mut Change {
        self.update(
            &REFUND,
            refund.id,
            version,
            vec![
                ("state", refund.state.as_str().into()),
                ("failure", failure(&refund.state)),
                ("refund_ref", refund.refund_ref.clone().into()),
                ("decided", refund.decided.as_str().into()),
                ("updated_at", refund.updated_at.into()),
            ],
        )
    }
}

fn failure(state: &RefundState) -> Value {
    match state {
        RefundState::Failed { code } => code.as_str().into(),
        _ => Value::Null,
    }
}

impl Store {
    /// One refund of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refund(
        &self,
        merchant: MerchantId,
        id: RefundId,
    ) -> Result<Option<Versioned<Refund>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND id = $2"))
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// One refund, whosever it is: for the flow that sends it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refund_by_id(&self, id: RefundId) -> Result<Option<Versioned<Refund>>, StoreError> {
        let query = sqlx::query(select!("WHERE id = $1")).bind(id.to_string());
        self.one(query, read).await
    }

    /// Every refund of a payment, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refunds_of(&self, payment: PaymentId) -> Result<Vec<Versioned<Refund>>, StoreError> {
        let query = sqlx::query(select!("WHERE payment_id = $1 ORDER BY id")).bind(payment.to_string());
        self.all(query, read).await
    }

    /// Refunds that the gateway has not settled, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_refunds(
        &self,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Refund>>, StoreError> {
        let query = sqlx::query(select!(
            "WHERE state IN ('pending', 'awaiting_funds') AND id > $1 ORDER BY id LIMIT $2"
        ))
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit));
        self.all(query, read).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Refund>, StoreError> {
    let row = Row::of("refund", row);
    let (kind, state) = (row.text("kind")?, row.text("state")?);
    let state = match state.as_str() {
        "pending" => RefundState::Pending,
        "awaiting_funds" => RefundState::AwaitingFunds,
        "succeeded" => RefundState::Succeeded,
        "failed" => RefundState::Failed { code: row.optional_text("failure")?.unwrap_or_default() },
        _ => return Err(row.unreadable("state", state)),
    };
    row.versioned(Refund {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        payment: row.parse("payment_id")?,
        kind: RefundKind::find(&kind).ok_or_else(|| row.unreadable("kind", kind))?,
        amount: row.money("amount", "currency")?,
        reason: row.text("reason")?,
        capture_ref: row.text("capture_ref")?,
        refund_ref: row.optional_text("refund_ref")?,
        state,
        decided: row.text("decided")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
