//! Payments, their timeline, and which payment settled an order.

mod listing;
mod watch;

use chrono::{DateTime, Utc};

use crate::domain::fx::Country;
use crate::domain::orders::{Payment, PaymentState, ReportSource, SealedSecrets, TimelineEntry};
use crate::ids::{MerchantId, PaymentId};

use super::row::Row;
use super::{Change, Column, Log, Store, StoreError, Table, Value, Versioned};

pub use listing::PaymentFilter;
pub use watch::{PAYMENT_WATCH, Watch};

/// One row per payment. `live_order_ref` is the order reference while the payment lives and NULL afterwards: its unique
/// key is what keeps an order from being paid twice at once.
pub static PAYMENT: Table = Table {
    name: "payment",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("order_ref"),
        Column::text("live_order_ref"),
        Column::int("amount"),
        Column::text("currency"),
        Column::text("quote_id"),
        Column::text("gateway"),
        Column::text("gateway_account_id"),
        Column::text("method"),
        Column::text("request_ref"),
        Column::text("gateway_ref"),
        Column::text("state"),
        Column::text("state_detail"),
        Column::int("is_open"),
        Column::int("is_late"),
        Column::int("is_disputed"),
        Column::text("capture_ref"),
        Column::int("captured_at"),
        Column::int("refunded_total"),
        Column::text("terms"),
        Column::text("customer"),
        Column::text("payer_country"),
        Column::text("return_url"),
        Column::text("metadata"),
        Column::text("next_action"),
        Column::bytes("secrets"),
        Column::int("created_at"),
        Column::int("expires_at"),
        Column::int("updated_at"),
    ],
    unique: &[&[1, 3]],
};

/// Which payment an order was settled by.
pub static ORDER_SETTLED: Log = Log {
    name: "order_settled",
    columns: &[
        Column::text("merchant_id"),
        Column::text("order_ref"),
        Column::text("payment_id"),
        Column::int("settled_at"),
    ],
    unique: &[&[0, 1]],
};

/// The timeline.
pub static PAYMENT_REPORT: Log = Log {
    name: "payment_report",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("payment_id"),
        Column::text("source"),
        Column::text("kind"),
        Column::text("state"),
        Column::text("evidence"),
        Column::text("detail"),
        Column::int("at"),
    ],
    unique: &[&[0]],
};

/// What changes with a payment's state, written apart from what is frozen.
fn changing(payment: &Payment) -> Vec<(&'static str, Value)> {
    let state = &payment.state;
    let taken = state.taken();
    vec![
        ("gateway_ref", payment.gateway_ref.clone().into()),
        ("payer_country", payment.payer_country.map(Country::code).into()),
        ("state", state.as_str().into()),
        ("state_detail", json(state)),
        ("is_open", state.is_open().into()),
        ("is_late", taken.is_some_and(|taken| taken.late).into()),
        ("is_disputed", payment.disputed.into()),
        ("capture_ref", taken.map(|taken| taken.capture_ref.clone()).into()),
        ("captured_at", taken.map(|taken| taken.at).into()),
        ("refunded_total", state.refunded().map_or(0, |money| money.minor()).into()),
        ("next_action", payment.next_action.as_ref().map(json).into()),
        ("secrets", payment.secrets.as_ref().map(|sealed| sealed.0.clone()).into()),
        ("expires_at", payment.expires_at.into()),
        ("updated_at", payment.updated_at.into()),
    ]
}

/// JSON text; what is written here always serialises.
fn json(value: &impl serde::Serialize) -> Value {
    Value::Text(serde_json::to_string(value).unwrap_or_default())
}

impl Change {
    /// Writes a new payment down.
    pub fn insert_payment(&mut self, payment: &Payment) -> &mut Change {
        let mut fields = changing(payment);
        fields.extend([
            ("id", Value::text(payment.id)),
            ("merchant_id", Value::text(payment.merchant)),
            ("order_ref", payment.order_ref.as_str().into()),
            ("live_order_ref", payment.order_ref.as_str().into()),
            ("amount", payment.amount.minor().into()),
            ("currency", Value::text(payment.amount.currency())),
            ("quote_id", payment.quote.map(Value::text).into()),
            ("gateway", payment.gateway.as_str().into()),
            ("gateway_account_id", Value::text(payment.account)),
            ("method", payment.method.clone().into()),
            ("request_ref", payment.request_ref().into()),
            ("terms", json(&payment.terms)),
            ("customer", json(&payment.customer)),
            ("return_url", payment.return_url.clone().into()),
            ("metadata", json(&payment.metadata)),
            ("created_at", payment.created_at.into()),
        ]);
        let value = |column: &Column| {
            let field = fields.iter().find(|(name, _)| *name == column.name);
            field.map_or(Value::Null, |(_, value)| value.clone())
        };
        self.insert(&PAYMENT, PAYMENT.columns.iter().map(value).collect())
    }

    /// Writes what changed of a payment, if its row still has `version`. The order reference is freed when the payment
    /// ends without money, and never taken back: by then another payment may have it.
    pub fn update_payment(&mut self, payment: &Payment, version: i64) -> &mut Change {
        let mut fields = changing(payment);
        if payment.state.is_closed() {
            fields.push(("live_order_ref", Value::Null));
        }
        self.update(&PAYMENT, payment.id, version, fields)
    }

    /// Says that `payment` settled its order; refused when another payment did.
    pub fn settle_order(&mut self, payment: &Payment, at: DateTime<Utc>) -> &mut Change {
        self.append(
            &ORDER_SETTLED,
            vec![
                Value::text(payment.merchant),
                payment.order_ref.as_str().into(),
                Value::text(payment.id),
                at.into(),
            ],
        )
    }

    /// Adds a line to a payment's timeline.
    pub fn report_payment(&mut self, payment: &Payment, entry: &TimelineEntry) -> &mut Change {
        self.append(
            &PAYMENT_REPORT,
            vec![
                Value::text(entry.id),
                Value::text(payment.merchant),
                Value::text(payment.id),
                entry.source.as_str().into(),
                entry.kind.as_str().into(),
                entry.state.as_str().into(),
                entry.evidence.as_str().into(),
                json(&entry.detail),
                entry.at.into(),
            ],
        )
    }
}

impl Store {
    /// A payment by its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment(&self, id: PaymentId) -> Result<Option<Versioned<Payment>>, StoreError> {
        let row = sqlx::query("SELECT * FROM payment WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| read(Row::of("payment", &row))).transpose()
    }

    /// The payment a gateway means, by the reference we sent or the one it gave; ours is surer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment_at_gateway(
        &self,
        gateway: &str,
        request_ref: Option<&str>,
        gateway_ref: Option<&str>,
    ) -> Result<Option<Versioned<Payment>>, StoreError> {
        if let Some(Ok(id)) = request_ref.map(str::parse::<PaymentId>) {
            let found = self.payment(id).await?;
            return Ok(found.filter(|payment| payment.value.gateway == gateway));
        }
        let Some(gateway_ref) = gateway_ref else { return Ok(None) };
        let row =
            sqlx::query("SELECT * FROM payment WHERE gateway = $1 AND gateway_ref = $2 ORDER BY id LIMIT 1")
                .bind(gateway)
                .bind(gateway_ref)
                .fetch_optional(self.reads())
                .await?;
        row.map(|row| read(Row::of("payment", &row))).transpose()
    }

    /// The living payment of an order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn living_payment_of(
        &self,
        merchant: MerchantId,
        order_ref: &str,
    ) -> Result<Option<PaymentId>, StoreError> {
        let row = sqlx::query("SELECT id FROM payment WHERE merchant_id = $1 AND live_order_ref = $2")
            .bind(merchant.to_string())
            .bind(order_ref)
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| Row::of("payment", &row).parse("id")).transpose()
    }

    /// The payment that settled an order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_settled_by(
        &self,
        merchant: MerchantId,
        order_ref: &str,
    ) -> Result<Option<PaymentId>, StoreError> {
        let row =
            sqlx::query("SELECT payment_id FROM order_settled WHERE merchant_id = $1 AND order_ref = $2")
                .bind(merchant.to_string())
                .bind(order_ref)
                .fetch_optional(self.reads())
                .await?;
        row.map(|row| Row::of("order_settled", &row).parse("payment_id")).transpose()
    }

    /// Payments whose end is not known, oldest first: open ones, and those of a call whose outcome is open.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unsettled_payments(
        &self,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Payment>>, StoreError> {
        // Two short lists by their own indexes: with an OR both engines walk every payment there ever was.
        let rows = sqlx::query(
            "SELECT * FROM payment WHERE id IN (
                 SELECT id FROM payment WHERE is_open = 1 AND id > $1
                 UNION SELECT payment_id FROM intent
                 WHERE kind IN ('create', 'complete') AND outcome IN ('open', 'unknown') AND payment_id > $1
             ) ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(|row| read(Row::of("payment", row))).collect()
    }

    /// Payments of which a call's outcome is open, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payments_in_limbo(
        &self,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Payment>>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM payment WHERE id IN (
                 SELECT payment_id FROM intent
                 WHERE kind IN ('create', 'complete') AND outcome IN ('open', 'unknown') AND payment_id > $1
             ) ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(|row| read(Row::of("payment", row))).collect()
    }

    /// Every merchant's payments after this one, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payments_after(
        &self,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Payment>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM payment WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(self.reads())
            .await?;
        rows.iter().map(|row| read(Row::of("payment", row))).collect()
    }

    /// A payment's history, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn timeline(&self, payment: PaymentId) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows = sqlx::query("SELECT * FROM payment_report WHERE payment_id = $1 ORDER BY id")
            .bind(payment.to_string())
            .fetch_all(self.reads())
            .await?;
        rows.iter().map(|row| read_report(&Row::of("payment_report", row))).collect()
    }
}

pub(super) fn read(row: Row<'_>) -> Result<Versioned<Payment>, StoreError> {
    let country = row.optional_text("payer_country")?;
    let country = country.map(|code| Country::find(&code)).transpose();
    let payment = Payment {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        order_ref: row.text("order_ref")?,
        amount: row.money("amount", "currency")?,
        quote: row.optional("quote_id")?,
        gateway: row.text("gateway")?,
        account: row.parse("gateway_account_id")?,
        method: row.optional_text("method")?,
        gateway_ref: row.optional_text("gateway_ref")?,
        terms: row.json("terms")?,
        customer: row.json("customer")?,
        payer_country: country.map_err(|error| row.unreadable("payer_country", error))?,
        return_url: row.optional_text("return_url")?,
        metadata: row.json("metadata")?,
        next_action: row.optional_json("next_action")?,
        secrets: row.optional_bytes("secrets")?.map(SealedSecrets),
        state: row.json::<PaymentState>("state_detail")?,
        disputed: row.flag("is_disputed")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        updated_at: row.time("updated_at")?,
    };
    row.versioned(payment)
}

fn read_report(row: &Row<'_>) -> Result<TimelineEntry, StoreError> {
    let source = row.text("source")?;
    Ok(TimelineEntry {
        id: row.parse("id")?,
        source: ReportSource::find(&source).ok_or_else(|| row.unreadable("source", &source))?,
        kind: row.text("kind")?,
        state: row.text("state")?,
        evidence: row.text("evidence")?,
        detail: row.json("detail")?,
        at: row.time("at")?,
    })
}
