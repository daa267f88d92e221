//! `/v1/events`: what happened, in the order in which it was written.

use actix_web::web;
use chrono::{DateTime, Utc};
use utoipa::ToSchema;

use crate::domain::webhooks::STOREFRONT_GROUPS;
use crate::flows::webhooks::EventView;
use crate::http::caller::Caller;
use crate::http::extract::{Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{EventObject, Foreign};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::EventId;
use crate::store::outbox::{Event, EventReader};

/// An event, as it is answered and as webhooks carry it.
#[derive(Debug, ToSchema)]
#[schema(as = Event, example = json!({"id": "evt_01kb0000000000000000000000", "object": "event", "type": "payment.captured", "created_at": "2026-11-28T04:00:00Z", "subject": "pay_01kb0000000000000000000000", "data": {"id": "pay_01kb0000000000000000000000", "object": "payment", "state": "captured"}}))]
#[expect(dead_code, reason = "it only describes: events are written by the flow that sends them")]
pub struct EventAnswer {
    id: EventId,
    #[schema(inline)]
    object: EventObject,
    /// What happened: `payment.captured`.
    #[schema(rename = "type")]
    kind: String,
    /// When, in business time.
    created_at: DateTime<Utc>,
    /// To what: the id of a payment, refund, finding.
    subject: String,
    /// The object as it was then; the object's own address answers how it is now.
    data: Foreign,
}

/// The merchant's events, the one written last first. `ending_before` an event answers those written right after it: a
/// reader who goes on so misses none. Webhooks carry the same events. A key
/// with no scope but `storefront` sees those of payments, disputes and refunds.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Paging), responses(
    (status = 200, description = "A page of events", body = Page<EventAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    if let Some(id) = seek.key()
        && seen(&service, &caller, *id).await?.is_none()
    {
        let param = if seek.is_backwards() { "ending_before" } else { "starting_after" };
        return Err(Problem::new(Code::InvalidParameter, "there is no such event to go on from").at(param));
    }
    let events =
        service.store.events_from(caller.merchant(), caller.reads_events(), seek, limit as i64 + 1).await?;
    crate::http::json(200, &Page::of(events.iter().map(EventView::of).collect(), limit, &seek))
}

/// One event: the bytes that webhooks carry and sign.
#[utoipa::path(get, path = "/v1/events/{id}", tag = "events", params(("id" = inline(crate::ids::EventId), Path, example = "evt_01kb0000000000000000000000")), responses(
    (status = 200, description = "The event", body = EventAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: EventId = wire::path_id(&id, "event")?;
    let event = seen(&service, &caller, id).await?;
    let event = event.ok_or_else(|| Problem::not_found("event"))?;
    crate::http::json_text(200, EventView::of(&event).bytes().map_err(Problem::internal)?)
}

/// An event that the caller may hear of.
async fn seen(service: &Service, caller: &Caller, id: EventId) -> Answer<Option<Event>> {
    let event = service.store.event(caller.merchant(), id).await?;
    let own = |event: &Event| {
        let group = event.kind.split_once('.').map(|(group, _)| group);
        caller.reads_events() == EventReader::Office
            || group.is_some_and(|group| STOREFRONT_GROUPS.contains(&group))
    };
    Ok(event.filter(own))
}
