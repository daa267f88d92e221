//! `/v1/journals`: what no machine books. One user drafts, another approves.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::journals::Template;
use crate::flows::journals::Journals;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{Journal, JournalStateWord};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::JournalId;
use crate::store::idempotency::Claim;

/// Which journals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// `draft`, `booked` or `rejected`.
    #[param(inline, value_type = Option<JournalStateWord>, example = "draft")]
    state: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's manual journals.
#[utoipa::path(get, path = "/v1/journals", tag = "journals", params(ListParameters), responses((status = 200, description = "A page of journals", body = Page<Journal>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let ListParameters { state, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    if let Some(word) = state.as_deref().filter(|word| !["draft", "booked", "rejected"].contains(word)) {
        let detail = format!("`{word}` is none of draft, booked, rejected");
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.journals(caller.merchant(), state.as_deref(), seek, more).await?;
    crate::http::json(200, &Page::of(found.iter().map(Journals::view).collect(), limit, &seek))
}

/// One journal.
#[utoipa::path(get, path = "/v1/journals/{id}", tag = "journals", params(("id" = inline(crate::ids::JournalId), Path, example = "jnl_01kb0000000000000000000000")), responses((status = 200, description = "The journal", body = Journal)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "journal")?;
    let found = service.store.journal(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("journal"))?;
    crate::http::json(200, &Journals::view(&found.value))
}

/// A journal to draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "own money for the hole", "template": {"template": "top_up", "bank": "usd", "amount": {"amount": "90.00", "currency": "USD"}}}))]
pub struct DraftBody {
    /// Why, for the books.
    #[schema(min_length = 1, max_length = 100)]
    reason: String,
    /// When it happened, a day in the merchant's zone that is not closed; without it, today.
    value_date: Option<NaiveDate>,
    template: Template,
}

/// Drafts a journal: another user approves it.
#[utoipa::path(post, path = "/v1/journals", tag = "journals", request_body = DraftBody, params(KeyHeader), responses((status = 201, description = "The draft", body = Journal)))]
pub async fn draft(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<DraftBody>,
) -> Answer {
    let DraftBody { reason, value_date, template } = body.value;
    let reason = wire::label("reason", reason)?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let id: JournalId = service.ids.mint();
        let mut extra = caller.noted(&service, "journal.drafted", id, template.as_str());
        extra.claim(&claim, id);
        let drafted =
            service.journals.draft(merchant, user, id, &template, &reason, value_date, extra).await?;
        Ok(Journals::view(&drafted))
    };
    idempotent::once(asked, StatusCode::CREATED, carry, async |id: String| {
        recall(&service, &caller, &id).await
    })
    .await
}

async fn recall(service: &Service, caller: &Caller, id: &str) -> Answer<serde_json::Value> {
    let found = service.store.journal(caller.merchant(), wire::id("id", id)?).await?;
    found.map(|found| Journals::view(&found.value)).ok_or_else(|| Problem::not_found("journal"))
}

/// Books a draft of another user.
#[utoipa::path(post, path = "/v1/journals/{id}/approve", tag = "journals", params(KeyHeader, ("id" = inline(crate::ids::JournalId), Path, example = "jnl_01kb0000000000000000000000")), responses((status = 200, description = "The journal", body = Journal)))]
pub async fn approve(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    decide(service, caller, request, &id, true).await
}

/// Rejects a draft, for good; whoever drafted it may take it back so.
#[utoipa::path(post, path = "/v1/journals/{id}/reject", tag = "journals", params(KeyHeader, ("id" = inline(crate::ids::JournalId), Path, example = "jnl_01kb0000000000000000000000")), responses((status = 200, description = "The journal", body = Journal)))]
pub async fn reject(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    decide(service, caller, request, &id, false).await
}

async fn decide(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: &str,
    approve: bool,
) -> Answer {
    let id: JournalId = wire::path_id(id, "journal")?;
    let (merchant, hand) = (caller.merchant(), caller.key.hand());
    let word = idempotent::word_of(&caller, b"");
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &word };
    let carry = async |claim: Claim| {
        let action = if approve { "journal.booked" } else { "journal.rejected" };
        let mut extra = caller.noted(&service, action, id, "");
        extra.claim(&claim, id);
        let journals = service.journals.clone();
        let work = tokio::spawn(async move { journals.decide(merchant, hand, id, approve, extra).await });
        Ok(Journals::view(&work.await.map_err(Problem::internal)??))
    };
    idempotent::once(asked, StatusCode::OK, carry, async |id: String| recall(&service, &caller, &id).await)
        .await
}
