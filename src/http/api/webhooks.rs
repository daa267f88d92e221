//! `/v1/webhooks`: where a merchant wants to hear of events, and what became of each telling.

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::webhooks::{
    Attempt, Delivery, DeliveryState, Endpoint, EventFilter, OVERLAP_MOST, OVERLAP_USUAL, Reason,
};
use crate::flows::webhooks::{ENDPOINTS_MOST, EndpointEdit, NewEndpoint};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{
    EventFilterWord, WebhookDeliveryObject, WebhookDeliveryStateWord, WebhookEndpointObject,
    WebhookEndpointStateWord, WebhookReasonWord,
};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::{EventId, WebhookDeliveryId, WebhookEndpointId};
use crate::store::outbox::EventReader;

/// What a new endpoint is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://shop.example/hooks/straits", "events": ["payment.captured", "refund.*"], "description": "order desk"}))]
pub struct CreateWebhookEndpoint {
    /// An https address of the open internet, at port 443. In sandbox mode addresses of the server's own machine too, by
    /// http and at any port.
    #[schema(max_length = 2048)]
    url: String,
    /// Events and groups such as `payment.*`; every event where there are none.
    #[serde(default)]
    #[schema(value_type = Vec<EventFilterWord>)]
    events: Vec<String>,
    /// For people.
    #[schema(max_length = 100)]
    description: Option<String>,
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"events": ["payment.*"], "enabled": true}))]
pub struct UpdateWebhookEndpoint {
    /// As for a new one.
    #[schema(max_length = 2048)]
    url: Option<String>,
    /// All of them; an empty list lets every event pass.
    #[schema(value_type = Option<Vec<EventFilterWord>>)]
    events: Option<Vec<String>>,
    /// For people.
    #[schema(max_length = 100)]
    description: Option<String>,
    /// Whether it hears anything. One that is enabled again hears of what happens from then on.
    enabled: Option<bool>,
}

/// How a secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct RotateWebhookSecret {
    /// For how many hours the old secret signs beside the new one: 0 to 168, 24 without it.
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: Option<u32>,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointAnswer {
    id: WebhookEndpointId,
    #[schema(inline, value_type = WebhookEndpointObject)]
    object: &'static str,
    url: String,
    /// Events and groups it hears of; every event where there are none.
    #[schema(value_type = Vec<EventFilterWord>)]
    events: Vec<EventFilter>,
    /// For people.
    description: String,
    #[schema(value_type = WebhookEndpointStateWord)]
    state: &'static str,
    /// Why it is disabled: it was asked for, it answered 410 (`gone`), every try failed for five days (`failing`).
    #[schema(required, value_type = Option<WebhookReasonWord>)]
    disabled_reason: Option<Reason>,
    #[schema(required)]
    disabled_at: Option<DateTime<Utc>>,
    /// Since when every try has failed.
    #[schema(required)]
    failing_since: Option<DateTime<Utc>>,
    /// Until when the secret before the present one signs too.
    #[schema(required)]
    previous_secret_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// The signing secret; only in the answer that made it.
    #[schema(nullable = false, pattern = "^whsec_", example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

fn answer(endpoint: Endpoint, secret: Option<SecretString>) -> EndpointAnswer {
    let disabled_reason = endpoint.state.reason();
    EndpointAnswer {
        id: endpoint.id,
        object: "webhook_endpoint",
        url: endpoint.url,
        events: endpoint.events,
        description: endpoint.description,
        state: endpoint.state.as_str(),
        disabled_reason,
        disabled_at: disabled_reason.map(|_| endpoint.state_since),
        failing_since: endpoint.failing_since,
        previous_secret_until: endpoint.previous_until,
        created_at: endpoint.created_at,
        secret: secret.map(|secret| secret.expose_secret().to_owned()),
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryAnswer {
    id: WebhookDeliveryId,
    #[schema(inline, value_type = WebhookDeliveryObject)]
    object: &'static str,
    endpoint: WebhookEndpointId,
    /// The event, and the `webhook-id` of every try.
    event: EventId,
    /// The event's type.
    event_type: String,
    #[schema(value_type = WebhookDeliveryStateWord)]
    state: &'static str,
    /// Tries since the event, or since it was last sent again by hand.
    #[schema(minimum = 0)]
    attempts: i64,
    /// When the next try is due.
    #[schema(required)]
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was heard or given up.
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// The last tries, the newest first, twenty at most.
    tries: Vec<Attempt>,
}

fn delivery_answer(delivery: Delivery) -> DeliveryAnswer {
    let pending = delivery.state == DeliveryState::Pending;
    DeliveryAnswer {
        id: delivery.id,
        object: "webhook_delivery",
        endpoint: delivery.endpoint,
        event: delivery.event,
        event_type: delivery.kind,
        state: delivery.state.as_str(),
        attempts: delivery.attempts,
        next_attempt_at: pending.then_some(delivery.next_at),
        ended_at: delivery.state.ended_at(),
        created_at: delivery.created_at,
        tries: delivery.history,
    }
}

fn filters(words: &[String]) -> Answer<Vec<EventFilter>> {
    let mut filters = vec![];
    for (index, word) in words.iter().enumerate() {
        let filter = word.parse::<EventFilter>().map_err(|error| {
            Problem::new(Code::InvalidBody, error.to_string()).at(format!("events[{index}]"))
        });
        filters.push(filter?);
    }
    filters.sort_unstable();
    filters.dedup();
    Ok(filters)
}

/// What a caller's endpoint hears: all that is its business where it names nothing, and nothing else.
fn heard(caller: &Caller, filters: Vec<EventFilter>) -> Answer<Vec<EventFilter>> {
    match caller.reads_events() {
        EventReader::Office => Ok(filters),
        EventReader::Storefront if filters.is_empty() => Ok(EventFilter::storefront()),
        EventReader::Storefront => match filters.iter().find(|filter| !filter.is_storefront()) {
            None => Ok(filters),
            Some(other) => {
                let detail = format!("`{other}` needs a secret key with scope finance or admin");
                Err(Problem::new(Code::KeyScope, detail).at("events"))
            }
        },
    }
}

/// An endpoint that hears more than its caller may is not the caller's to steer, nor to see, address or what it heard.
async fn steers(service: &Service, caller: &Caller, id: WebhookEndpointId) -> Answer<()> {
    let row = service.store.endpoint(caller.merchant(), id).await?;
    row.map_or(Ok(()), |row| may_see(caller, &row.value.endpoint))
}

fn may_see(caller: &Caller, endpoint: &Endpoint) -> Answer<()> {
    let events = &endpoint.events;
    let all = events.is_empty() || !events.iter().all(EventFilter::is_storefront);
    if all && caller.reads_events() == EventReader::Storefront {
        let detail = "this endpoint hears events that need a secret key with scope finance or admin";
        return Err(Problem::new(Code::KeyScope, detail));
    }
    Ok(())
}

/// What is for people may be empty here.
fn description(text: String) -> Answer<String> {
    if text.is_empty() { Ok(text) } else { wire::label("description", text) }
}

/// The merchant's endpoints, oldest first; for a shop's key those that hear of a shop's own business only.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", params(Paging), responses(
    (status = 200, description = "A page of endpoints", body = Page<EndpointAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    // All of them are few: what the caller may not see leaves no gap in a page.
    let most = ENDPOINTS_MOST.max(limit) as i64 + 1;
    let rows = service.store.endpoints(caller.merchant(), seek, most).await?;
    let seen = rows.into_iter().map(|row| row.value.endpoint).filter(|row| may_see(&caller, row).is_ok());
    let rows = seen.take(limit + 1).map(|endpoint| answer(endpoint, None)).collect();
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// Makes an endpoint. Its signing secret is in this answer and nowhere else. What happens from now on is posted to it,
/// signed by Standard Webhooks 1.0.0, at least once, and tried again for three days: by 2xx it is heard, by 410 the
/// endpoint is disabled, `Retry-After` is honoured up to a day. The order of arrival is not promised.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = CreateWebhookEndpoint, responses(
    (status = 201, description = "The endpoint with its secret", body = EndpointAnswer)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    body: Json<CreateWebhookEndpoint>,
) -> Answer {
    let body = body.value;
    let new = NewEndpoint {
        id: service.ids.mint(),
        events: heard(&caller, filters(&body.events)?)?,
        description: description(body.description.unwrap_or_default())?,
        url: body.url,
    };
    let noted = caller.noted(&service, "webhook_endpoint.create", new.id, &new.description);
    let (endpoint, secret) = service.webhooks.create(caller.merchant(), new, noted).await?;
    crate::http::json(201, &answer(endpoint, Some(secret)))
}

/// One endpoint.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000")), responses(
    (status = 200, description = "The endpoint", body = EndpointAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let endpoint = own(&service, &caller, &id).await?;
    may_see(&caller, &endpoint)?;
    crate::http::json(200, &answer(endpoint, None))
}

/// Changes an endpoint.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000")), request_body = UpdateWebhookEndpoint, responses(
    (status = 200, description = "The endpoint", body = EndpointAnswer)))]
pub async fn update(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<UpdateWebhookEndpoint>,
) -> Answer {
    let id = wire::path_id(&id, "webhook endpoint")?;
    let body = body.value;
    steers(&service, &caller, id).await?;
    let edit = EndpointEdit {
        url: body.url,
        description: body.description.map(description).transpose()?,
        events: body.events.as_deref().map(|words| heard(&caller, filters(words)?)).transpose()?,
        enabled: body.enabled,
    };
    let noted = caller.noted(&service, "webhook_endpoint.update", id, "");
    let endpoint = service.webhooks.update(caller.merchant(), id, edit, noted).await?;
    crate::http::json(200, &answer(endpoint, None))
}

/// Deletes an endpoint; what is pending for it is given up.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000")), responses(
    (status = 200, description = "The endpoint that was", body = EndpointAnswer)))]
pub async fn delete(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "webhook endpoint")?;
    steers(&service, &caller, id).await?;
    let noted = caller.noted(&service, "webhook_endpoint.delete", id, "");
    let endpoint = service.webhooks.delete(caller.merchant(), id, noted).await?;
    crate::http::json(200, &answer(endpoint, None))
}

/// Gives an endpoint a new secret, which is in this answer and nowhere else. Until `previous_secret_until` every try
/// carries a signature by each of the two; until then only a rotation with `overlap_hours` 0 is taken, which ends both.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000")), request_body = RotateWebhookSecret, responses(
    (status = 200, description = "The endpoint with its new secret", body = EndpointAnswer)))]
pub async fn rotate(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<RotateWebhookSecret>,
) -> Answer {
    let id = wire::path_id(&id, "webhook endpoint")?;
    steers(&service, &caller, id).await?;
    let overlap = body.value.overlap_hours.map_or(OVERLAP_USUAL, |hours| TimeDelta::hours(hours.into()));
    if overlap > OVERLAP_MOST {
        let detail = format!("the old secret can sign for {} hours at most", OVERLAP_MOST.num_hours());
        return Err(Problem::new(Code::InvalidBody, detail).at("overlap_hours"));
    }
    let noted =
        caller.noted(&service, "webhook_endpoint.rotate_secret", id, format!("{} h", overlap.num_hours()));
    let (endpoint, secret) = service.webhooks.rotate(caller.merchant(), id, overlap, noted).await?;
    crate::http::json(200, &answer(endpoint, Some(secret)))
}

/// Sends an endpoint, and it alone, a `webhook_endpoint.test` event, whatever its filter; the delivery tells how it went.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000")), responses(
    (status = 202, description = "The delivery, on its way", body = DeliveryAnswer)))]
pub async fn test(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "webhook endpoint")?;
    steers(&service, &caller, id).await?;
    let noted = caller.noted(&service, "webhook_endpoint.test", id, "");
    let delivery = service.webhooks.test(caller.merchant(), id, noted).await?;
    crate::http::json(202, &delivery_answer(delivery))
}

/// An endpoint's deliveries, newest first; those that ended are kept for thirty days.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000"), Paging), responses(
    (status = 200, description = "A page of deliveries", body = Page<DeliveryAnswer>)))]
pub async fn deliveries(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    paging: Query<Paging>,
) -> Answer {
    let endpoint = own(&service, &caller, &id).await?;
    may_see(&caller, &endpoint)?;
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    let rows = service.store.deliveries(endpoint.id, seek, limit as i64 + 1).await?;
    crate::http::json(200, &Page::of(rows.into_iter().map(delivery_answer).collect(), limit, &seek))
}

/// Sends an event to the endpoint once more, under the same id, with three days of tries before it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery}/retry", tag = "webhooks", params(("id" = inline(crate::ids::WebhookEndpointId), Path, example = "whk_01kb0000000000000000000000"), ("delivery" = inline(crate::ids::WebhookDeliveryId), Path, example = "whd_01kb0000000000000000000000")), responses(
    (status = 202, description = "The delivery, on its way", body = DeliveryAnswer)))]
pub async fn retry(service: web::Data<Service>, caller: Caller, ids: web::Path<(String, String)>) -> Answer {
    let (endpoint, delivery) = ids.into_inner();
    let endpoint = wire::path_id(&endpoint, "webhook endpoint")?;
    let delivery: WebhookDeliveryId = wire::path_id(&delivery, "delivery")?;
    steers(&service, &caller, endpoint).await?;
    let noted = caller.noted(&service, "webhook_delivery.resend", delivery, endpoint);
    let delivery = service.webhooks.resend(caller.merchant(), endpoint, delivery, noted).await?;
    crate::http::json(202, &delivery_answer(delivery))
}

async fn own(service: &Service, caller: &Caller, id: &str) -> Answer<Endpoint> {
    let id: WebhookEndpointId = wire::path_id(id, "webhook endpoint")?;
    let row = service.store.endpoint(caller.merchant(), id).await?;
    row.map(|row| row.value.endpoint).ok_or_else(|| Problem::not_found("webhook endpoint"))
}
