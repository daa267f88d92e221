//! `/v1/disputes`: what payers complain about, and what we answer.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::disputes::{AnswerKind, DisputeState, Evidence};
use crate::flows::pay::dispute_view;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{Dispute, DisputeFilterWord};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::{DisputeAnswerId, DisputeId};
use crate::store::disputes::DisputeFilter;
use crate::store::idempotency::Claim;

/// Which disputes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// A state, or `open` for all that are not decided.
    #[param(inline, value_type = Option<DisputeFilterWord>, example = "open")]
    state: Option<String>,
    /// About this payment.
    payment: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's disputes.
#[utoipa::path(get, path = "/v1/disputes", tag = "disputes", params(ListParameters), responses((status = 200, description = "A page of disputes", body = Page<Dispute>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let ListParameters { state, payment, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    if let Some(word) = state.as_deref().filter(|word| *word != "open" && DisputeState::find(word).is_none())
    {
        let known: Vec<&str> = DisputeState::ALL.iter().map(|state| state.as_str()).collect();
        let detail = format!("`{word}` is none of open, {}", known.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let payment = payment.map(|text| wire::id("payment", &text)).transpose()?;
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let filter = DisputeFilter { state, payment, seek, limit: more };
    let found = service.store.disputes(caller.merchant(), &filter).await?;
    crate::http::json(200, &Page::of(found.iter().map(dispute_view).collect(), limit, &seek))
}

/// One dispute, with what we said in it.
#[utoipa::path(get, path = "/v1/disputes/{id}", tag = "disputes", params(("id" = inline(crate::ids::DisputeId), Path, example = "dsp_01kb0000000000000000000000")), responses((status = 200, description = "The dispute", body = Dispute)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "dispute")?;
    crate::http::json(200, &service.disputing.get(caller.merchant(), id).await?)
}

/// Hands evidence in, once. The answer's `outcome` says whether the gateway took it.
#[utoipa::path(post, path = "/v1/disputes/{id}/evidence", tag = "disputes", request_body = Evidence, params(KeyHeader, ("id" = inline(crate::ids::DisputeId), Path, example = "dsp_01kb0000000000000000000000")), responses((status = 200, description = "The dispute", body = Dispute)))]
pub async fn evidence(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<Evidence>,
) -> Answer {
    let id = wire::path_id(&id, "dispute")?;
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    say(asked, id, "dispute.evidence", AnswerKind::Evidence { evidence: body.value }).await
}

/// An acceptance.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "The parcel was lost."}))]
pub struct AcceptBody {
    /// In words, for the payer.
    #[serde(default)]
    #[schema(max_length = 100)]
    note: String,
}

/// Accepts the payer's claim: the gateway pays the payer from our balance.
#[utoipa::path(post, path = "/v1/disputes/{id}/accept", tag = "disputes", request_body = AcceptBody, params(KeyHeader, ("id" = inline(crate::ids::DisputeId), Path, example = "dsp_01kb0000000000000000000000")), responses((status = 200, description = "The dispute", body = Dispute)))]
pub async fn accept(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<AcceptBody>,
) -> Answer {
    let id = wire::path_id(&id, "dispute")?;
    let mut note = body.value.note;
    if !note.is_empty() {
        note = wire::label("note", note)?;
    }
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    say(asked, id, "dispute.accepted", AnswerKind::Accept { note }).await
}

async fn say(asked: Asked<'_>, id: DisputeId, action: &str, kind: AnswerKind) -> Answer {
    let (service, caller) = (asked.service, asked.caller);
    let merchant = caller.merchant();
    let carry = async |claim: Claim| {
        let answer: DisputeAnswerId = service.ids.mint();
        let mut extra = caller.noted(service, action, id, answer);
        extra.claim(&claim, id);
        let disputing = service.disputing.clone();
        let work = tokio::spawn(async move { disputing.say(merchant, id, answer, kind, extra).await });
        Ok(work.await.map_err(Problem::internal)??)
    };
    let recall = async |_: String| Ok(service.disputing.get(merchant, id).await?);
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}
