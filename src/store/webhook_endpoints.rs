//! Webhook endpoints, and how far the events are handed on to them.

use sqlx::any::AnyRow;

use crate::domain::webhooks::{Endpoint, EndpointState, EventFilter};
use crate::ids::{MerchantId, WebhookEndpointId};

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Webhook endpoints.
pub static WEBHOOK_ENDPOINT: Table = Table {
    name: "webhook_endpoint",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("url"),
        Column::text("description"),
        Column::text("events"),
        Column::text("state"),
        Column::text("reason"),
        Column::int("state_since"),
        Column::int("failing_since"),
        Column::bytes("secrets"),
        Column::int("previous_until"),
        Column::int("created_at"),
    ],
    unique: &[],
};

/// What the secrets of an endpoint are sealed for.
pub fn endpoint_secrets_place(id: WebhookEndpointId) -> String {
    format!("webhook_endpoint/{id}/secrets")
}

/// An endpoint with its secrets as they lie in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its signing secrets, newest first, sealed for [`endpoint_secrets_place`].
    pub sealed: Vec<u8>,
}

impl Change {
    /// A new endpoint.
    pub fn insert_endpoint(&mut self, stored: &StoredEndpoint) -> &mut Change {
        let endpoint = &stored.endpoint;
        self.insert(
            &WEBHOOK_ENDPOINT,
            vec![
                Value::text(endpoint.id),
                Value::text(endpoint.merchant),
                endpoint.url.as_str().into(),
                endpoint.description.as_str().into(),
                json(&endpoint.events),
                endpoint.state.as_str().into(),
                endpoint.state.reason().map_or(Value::Null, |reason| word(&reason)),
                endpoint.state_since.into(),
                endpoint.failing_since.into(),
                stored.sealed.clone().into(),
                endpoint.previous_until.into(),
                endpoint.created_at.into(),
            ],
        )
    }

    /// An endpoint as it stands now.
    pub fn update_endpoint(&mut self, stored: &StoredEndpoint, version: i64) -> &mut Change {
        let endpoint = &stored.endpoint;
        self.update(
            &WEBHOOK_ENDPOINT,
            endpoint.id,
            version,
            vec![
                ("url", endpoint.url.as_str().into()),
                ("description", endpoint.description.as_str().into()),
                ("events", json(&endpoint.events)),
                ("state", endpoint.state.as_str().into()),
                ("reason", endpoint.state.reason().map_or(Value::Null, |reason| word(&reason))),
                ("state_since", endpoint.state_since.into()),
                ("failing_since", endpoint.failing_since.into()),
                ("secrets", stored.sealed.clone().into()),
                ("previous_until", endpoint.previous_until.into()),
            ],
        )
    }
}

impl Store {
    /// A merchant's endpoint; a deleted one is not found.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoint(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
    ) -> Result<Option<Versioned<StoredEndpoint>>, StoreError> {
        let sql = "SELECT * FROM webhook_endpoint WHERE merchant_id = $1 AND id = $2 AND state <> 'deleted'";
        let query = sqlx::query(sql).bind(merchant.to_string()).bind(id.to_string());
        self.one(query, read).await
    }

    /// An endpoint by its id, deleted or not: for whoever has one of its deliveries in hand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn any_endpoint(
        &self,
        id: WebhookEndpointId,
    ) -> Result<Option<Versioned<StoredEndpoint>>, StoreError> {
        let query = sqlx::query("SELECT * FROM webhook_endpoint WHERE id = $1").bind(id.to_string());
        self.one(query, read).await
    }

    /// A merchant's endpoints, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoints(
        &self,
        merchant: MerchantId,
        seek: Seek<WebhookEndpointId>,
        limit: i64,
    ) -> Result<Vec<Versioned<StoredEndpoint>>, StoreError> {
        let sql = match seek.is_backwards() {
            false => {
                "SELECT * FROM webhook_endpoint WHERE merchant_id = $1 AND state <> 'deleted' AND id > $2
                 ORDER BY id LIMIT $3"
            }
            true => {
                "SELECT * FROM webhook_endpoint WHERE merchant_id = $1 AND state <> 'deleted' AND id < $2
                 ORDER BY id DESC LIMIT $3"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, read).await
    }

    /// How many endpoints all merchants have disabled against their will, for metrics.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn endpoints_given_up(&self) -> Result<i64, StoreError> {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM webhook_endpoint
                   WHERE state = 'disabled' AND reason <> 'asked'";
        let row = sqlx::query(sql).fetch_one(self.reads()).await?;
        Row::of("webhook_endpoint", &row).int("n")
    }
}

fn read(row: &AnyRow) -> Result<Versioned<StoredEndpoint>, StoreError> {
    let row = Row::of("webhook_endpoint", row);
    let state = row.text("state")?;
    let state = match (state.as_str(), words::read_optional(&row, "reason")?) {
        ("enabled", None) => EndpointState::Enabled,
        ("disabled", Some(reason)) => EndpointState::Disabled(reason),
        ("deleted", None) => EndpointState::Deleted,
        _ => return Err(row.unreadable("state", state)),
    };
    let endpoint = Endpoint {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        url: row.text("url")?,
        description: row.text("description")?,
        events: row.json::<Vec<EventFilter>>("events")?,
        state,
        state_since: row.time("state_since")?,
        failing_since: row.optional_time("failing_since")?,
        previous_until: row.optional_time("previous_until")?,
        created_at: row.time("created_at")?,
    };
    row.versioned(StoredEndpoint { endpoint, sealed: row.bytes("secrets")? })
}
