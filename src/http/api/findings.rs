//! `/v1/findings`: what does not agree, and who decides. What moves money takes two users.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::findings::{Action, FindingKind, Wish};
use crate::domain::refunds::Allocation;
use crate::flows::findings::Resolving;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{Finding, FindingStateWord};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::PaymentId;
use crate::store::findings::FindingFilter;
use crate::store::idempotency::Claim;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// `open`, `proposed` or `resolved`.
    #[param(inline, value_type = Option<FindingStateWord>, example = "open")]
    state: Option<String>,
    /// Of one kind.
    #[param(inline, value_type = Option<FindingKind>, example = "missing_there")]
    kind: Option<String>,
    /// About one payment.
    #[param(inline, value_type = Option<PaymentId>, example = "pay_01kb0000000000000000000000")]
    payment: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's findings.
#[utoipa::path(get, path = "/v1/findings", tag = "findings", params(ListParameters), responses((status = 200, description = "A page of findings", body = Page<Finding>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let query = query.0;
    let only = FindingFilter {
        state: query.state.as_deref().map(state_word).transpose()?,
        kind: query.kind.as_deref().map(kind).transpose()?,
        payment: query.payment.as_deref().map(|text| wire::id("payment", text)).transpose()?,
    };
    let paging = Paging::new(query.limit, query.starting_after, query.ending_before);
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.findings(caller.merchant(), only, seek, more).await?;
    crate::http::json(200, &Page::of(found.iter().map(Resolving::view).collect(), limit, &seek))
}

fn state_word(text: &str) -> Result<&'static str, Problem> {
    let words = ["open", "proposed", "resolved"];
    words.into_iter().find(|word| *word == text).ok_or_else(|| {
        let detail = format!("`{text}` is none of open, proposed, resolved");
        Problem::new(Code::InvalidParameter, detail).at("state")
    })
}

fn kind(text: &str) -> Result<FindingKind, Problem> {
    FindingKind::find(text).ok_or_else(|| {
        let words: Vec<&str> = FindingKind::ALL.into_iter().map(FindingKind::as_str).collect();
        let detail = format!("`{text}` is none of {}", words.join(", "));
        Problem::new(Code::InvalidParameter, detail).at("kind")
    })
}

/// One finding.
#[utoipa::path(get, path = "/v1/findings/{id}", tag = "findings", params(("id" = inline(crate::ids::FindingId), Path, example = "fnd_01kb0000000000000000000000")), responses((status = 200, description = "The finding", body = Finding)))]
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
    /// What is to be done.
    action: Action,
    /// Whose part how much of a refund made at the gateway is; only with `adopt`, and needed where several have parts.
    #[serde(default)]
    allocation: Vec<Allocation>,
    /// Whose money it is that nobody here was known to have paid: a payment of the same gateway account and currency that
    /// is not captured. Only with `adopt` of a finding of kind `paid_unknown_here`; without it the money is the platform's.
    #[serde(default)]
    payment: Option<PaymentId>,
    /// Why, for the books.
    #[schema(min_length = 1, max_length = 100)]
    reason: String,
}

/// Decides: `dismiss` at once; `send_back` and `adopt` are proposed by one user and confirmed by another.
#[utoipa::path(post, path = "/v1/findings/{id}/resolve", tag = "findings", request_body = ResolveBody, params(KeyHeader, ("id" = inline(crate::ids::FindingId), Path, example = "fnd_01kb0000000000000000000000")), responses((status = 200, description = "The finding", body = Finding)))]
pub async fn resolve(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<ResolveBody>,
) -> Answer {
    let id = wire::path_id(&id, "finding")?;
    let ResolveBody { action, allocation, payment, reason } = body.value;
    let reason = wire::label("reason", reason)?;
    let (merchant, hand) = (caller.merchant(), caller.key.hand());
    let word = idempotent::word_of(&caller, &body.bytes);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &word };
    let carry = async |claim: Claim| {
        let resolving = service.resolving.clone();
        let detail = format_args!("{}: {reason}", action.as_str());
        let mut extra = caller.noted(&service, "finding.decided", id, detail);
        extra.claim(&claim, id);
        let work = async move {
            let wish = Wish { action, allocation: &allocation, payment };
            resolving.resolve(merchant, hand, id, wish, &reason, extra).await
        };
        Ok(Resolving::view(&tokio::spawn(work).await.map_err(Problem::internal)??))
    };
    let recall = async |_: String| {
        let found = service.store.finding(merchant, id).await?;
        found.map(|found| Resolving::view(&found.value)).ok_or_else(|| Problem::not_found("finding"))
    };
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}
