//! `/v1/findings`: what does not agree, and who decides. What moves money takes two users.

use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::findings::Action;
use crate::domain::refunds::Allocation;
use crate::flows::findings::Resolving;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire::{self, Page};

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// `open`, `proposed` or `resolved`.
    #[param(example = "open")]
    state: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's findings.
#[utoipa::path(get, path = "/v1/findings", tag = "findings", params(ListParameters), responses((status = 200, description = "A page of findings", body = Object, example = json!({"object": "list", "data": [], "has_more": false}))))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let query = query.0;
    let (state, paging) =
        (query.state.as_deref(), Paging::new(query.limit, query.starting_after, query.ending_before));
    if let Some(unknown) = state.filter(|state| !["open", "proposed", "resolved"].contains(state)) {
        let detail = format!("`{unknown}` is none of open, proposed, resolved");
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.findings(caller.merchant(), state, seek, more).await?;
    crate::http::json(200, &Page::of(found.iter().map(Resolving::view).collect(), limit, &seek))
}

/// One finding.
#[utoipa::path(get, path = "/v1/findings/{id}", tag = "findings", params(("id" = String, Path, example = "fnd_01kb0000000000000000000000")), responses((status = 200, description = "The finding", body = Object, example = json!({"id": "fnd_01kb0000000000000000000000", "kind": "amount_differs", "state": "open"}))))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "finding")?;
    let found = service.store.finding(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("finding"))?;
    crate::http::json(200, &Resolving::view(&found.value))
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "dismiss", "reason": "explained by the gateway"}))]
pub struct ResolveBody {
    /// `send_back`, `adopt` or `dismiss`.
    #[schema(value_type = String)]
    action: Action,
    /// Whose part how much of a refund made at the gateway is; only with `adopt`, and needed where several have parts.
    #[schema(value_type = Vec<Object>)]
    #[serde(default)]
    allocation: Vec<Allocation>,
    #[schema(max_length = 100)]
    reason: String,
}

/// Decides: `dismiss` at once; `send_back` and `adopt` are proposed by one user and confirmed by another.
#[utoipa::path(post, path = "/v1/findings/{id}/resolve", tag = "findings", request_body = ResolveBody, params(("id" = String, Path, example = "fnd_01kb0000000000000000000000")), responses((status = 200, description = "The finding", body = Object, example = json!({"id": "fnd_01kb0000000000000000000000", "state": "resolved"}))))]
pub async fn resolve(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<ResolveBody>,
) -> Answer {
    let id = wire::path_id(&id, "finding")?;
    let reason = wire::label("reason", body.value.reason)?;
    let (resolving, action) = (service.resolving.clone(), body.value.action);
    let parts = body.value.allocation;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let extra = caller.noted(&service, "finding.decided", id, format_args!("{}: {reason}", action.as_str()));
    let work =
        tokio::spawn(
            async move { resolving.resolve(merchant, user, id, (action, &parts), &reason, extra).await },
        );
    let finding = work.await.map_err(Problem::internal)??;
    crate::http::json(200, &Resolving::view(&finding))
}
