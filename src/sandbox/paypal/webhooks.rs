//! Webhooks v1: the receivers that asked for events.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::super::address::Address;
use super::super::book::Record;
use super::super::serial;
use super::Call;
use super::envelope::{Answer, Refusal};

/// A receiver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub id: String,
    pub client_id: String,
    pub url: Address,
    event_types: Vec<String>,
}

impl Record for Webhook {
    const KIND: &'static str = "paypal.webhook";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.client_id)
    }
}

impl Webhook {
    /// A receiver of everything.
    pub(super) fn all_events(id: &str, client_id: &str, url: Url) -> Webhook {
        Webhook {
            id: id.to_owned(),
            client_id: client_id.to_owned(),
            url: Address(url),
            event_types: vec!["*".into()],
        }
    }

    /// Whether it asked for events of this name.
    pub(super) fn wants(&self, event: &str) -> bool {
        self.event_types.iter().any(|name| name == "*" || name == event)
    }

    fn represent(&self, call: &Call<'_>) -> Value {
        let names: Vec<Value> = self.event_types.iter().map(|name| json!({"name": name})).collect();
        let path = format!("/v1/notifications/webhooks/{}", self.id);
        json!({"id": self.id, "url": self.url, "event_types": names,
               "links": [call.link("self", "GET", &path), call.link("delete", "DELETE", &path)]})
    }
}

/// `POST /v1/notifications/webhooks`.
pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let body = call.object(true)?;
    let url = body.get("url").and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
    let url = url.ok_or_else(|| Refusal::invalid_at("/url", "INVALID_PARAMETER_SYNTAX"))?;
    let names = body.get("event_types").and_then(Value::as_array).cloned().unwrap_or_default();
    let event_types: Vec<String> =
        names.iter().filter_map(|name| name.get("name")?.as_str().map(str::to_owned)).collect();
    if event_types.is_empty() {
        return Err(Refusal::invalid_at("/event_types", "MISSING_REQUIRED_PARAMETER"));
    }
    let webhooks: Vec<Webhook> = call.session.under(&call.app.client_id).await?;
    if webhooks.iter().any(|webhook| webhook.url.0 == url) {
        return Err(Refusal::invalid_at("/url", "WEBHOOK_URL_ALREADY_EXISTS"));
    }
    let id = serial::capitals(&call.sandbox.ids, 17);
    let webhook = Webhook { id, client_id: call.app.client_id.clone(), url: Address(url), event_types };
    call.session.put(&webhook).await?;
    Ok(Answer::created(webhook.represent(call)))
}

/// `GET /v1/notifications/webhooks`.
pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let webhooks: Vec<Webhook> = call.session.under(&call.app.client_id).await?;
    let shown: Vec<Value> = webhooks.iter().map(|webhook| webhook.represent(call)).collect();
    Ok(Answer::ok(json!({"webhooks": shown})))
}

/// `GET /v1/notifications/webhooks/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let webhook = own(call, id).await?;
    Ok(Answer::ok(webhook.represent(call)))
}

/// `DELETE /v1/notifications/webhooks/{id}`.
pub(super) async fn delete(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let webhook = own(call, id).await?;
    call.session.remove::<Webhook>(&webhook.id).await?;
    Ok(Answer::empty(204))
}

async fn own(call: &mut Call<'_>, id: &str) -> Result<Webhook, Refusal> {
    let found: Option<Webhook> = call.session.find(id).await?;
    found.filter(|webhook| webhook.client_id == call.app.client_id).ok_or_else(Refusal::not_found)
}
