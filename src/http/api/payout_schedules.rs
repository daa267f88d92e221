//! `/v1/payout-schedules`: plans that are drafted by themselves.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::treasury::ScheduleState;
use crate::flows::pay_out::{ScheduleInput, SchedulePatch};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{PayoutSchedule, PayoutScheduleDetail, PayoutSchedulePreview, ScheduleStateWord};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::PayoutScheduleId;
use crate::store::idempotency::Claim;

use super::payout_plans::readable;

/// Which schedules.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Without it all that are not deleted.
    #[param(inline, value_type = Option<ScheduleStateWord>, example = "active")]
    state: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's schedules, without their dates.
#[utoipa::path(get, path = "/v1/payout-schedules", tag = "payouts", params(ListParameters), responses((status = 200, description = "A page of schedules", body = Page<PayoutSchedule>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let ListParameters { state, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    if let Some(word) = state.as_deref().filter(|word| !ScheduleState::WORDS.contains(word)) {
        let detail = format!("`{word}` is none of {}", ScheduleState::WORDS.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.payout_schedules(caller.merchant(), state.as_deref(), seek, more).await?;
    let rows = found.iter().map(|schedule| service.paying_out.schedule_view(schedule)).collect();
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// One schedule, with its next dates and what came of the last ones.
#[utoipa::path(get, path = "/v1/payout-schedules/{id}", tag = "payouts", params(("id" = inline(crate::ids::PayoutScheduleId), Path, example = "sch_01kb0000000000000000000000")), responses((status = 200, description = "The schedule", body = PayoutScheduleDetail)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "payout schedule")?;
    crate::http::json(200, &service.paying_out.show_schedule(caller.merchant(), id).await?)
}

/// The next five dates of a schedule before it is saved, with those that holidays move or leave out, and why.
#[utoipa::path(post, path = "/v1/payout-schedules/preview", tag = "payouts", request_body = ScheduleInput, responses((status = 200, description = "Its dates", body = PayoutSchedulePreview)))]
pub async fn preview(service: web::Data<Service>, caller: Caller, body: Json<ScheduleInput>) -> Answer {
    wire::label("name", body.value.name.clone())?;
    readable(&body.value.top_ups)?;
    crate::http::json(200, &service.paying_out.preview_schedule(caller.merchant(), &body.value).await?)
}

/// Saves a schedule. Each of its dates makes one draft, whose maker is whoever saved it; another user approves.
#[utoipa::path(post, path = "/v1/payout-schedules", tag = "payouts", request_body = ScheduleInput, params(KeyHeader), responses((status = 201, description = "The schedule", body = PayoutScheduleDetail)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<ScheduleInput>,
) -> Answer {
    wire::label("name", body.value.name.clone())?;
    readable(&body.value.top_ups)?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let id: PayoutScheduleId = service.ids.mint();
        let mut extra =
            caller.noted(&service, "payout_schedule.saved", id, String::from_utf8_lossy(&body.bytes));
        extra.claim(&claim, id);
        service.paying_out.schedule(merchant, user, id, &body.value, extra).await?;
        Ok(service.paying_out.show_schedule(merchant, id).await?)
    };
    let recall =
        async |id: String| Ok(service.paying_out.show_schedule(merchant, wire::id("id", &id)?).await?);
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

/// Changes, pauses or resumes a schedule; what is left out stays. Whoever changes its content is one of its makers.
#[utoipa::path(patch, path = "/v1/payout-schedules/{id}", tag = "payouts", params(("id" = inline(crate::ids::PayoutScheduleId), Path, example = "sch_01kb0000000000000000000000")), request_body = SchedulePatch, responses((status = 200, description = "The schedule", body = PayoutScheduleDetail)))]
pub async fn update(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<SchedulePatch>,
) -> Answer {
    let id: PayoutScheduleId = wire::path_id(&id, "payout schedule")?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    body.value.name.clone().map(|name| wire::label("name", name)).transpose()?;
    readable(body.value.top_ups.set().map_or(&[][..], Vec::as_slice))?;
    let extra = caller.noted(&service, "payout_schedule.changed", id, String::from_utf8_lossy(&body.bytes));
    service.paying_out.reschedule(merchant, user, id, &body.value, extra).await?;
    crate::http::json(200, &service.paying_out.show_schedule(merchant, id).await?)
}

/// Ends a schedule for good; the plans it made stay.
#[utoipa::path(delete, path = "/v1/payout-schedules/{id}", tag = "payouts", params(("id" = inline(crate::ids::PayoutScheduleId), Path, example = "sch_01kb0000000000000000000000")), responses((status = 200, description = "The schedule that was", body = PayoutScheduleDetail)))]
pub async fn delete(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: PayoutScheduleId = wire::path_id(&id, "payout schedule")?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let extra = caller.noted(&service, "payout_schedule.deleted", id, "");
    service.paying_out.end_schedule(merchant, user, id, extra).await?;
    crate::http::json(200, &service.paying_out.show_schedule(merchant, id).await?)
}
