//! `/v1/payouts`, the terms of a supplier's payouts, and what approvers may approve.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::domain::payouts::ReturnFault;
use crate::flows::pay_out::{TermsInput, payout_view, terms_view};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{ApproverLimit, Payout, PayoutDetail, PayoutStateWord, PayoutTerms};
use crate::http::service::Service;
use crate::http::wire::{self, IdIn, MoneyIn, Page};
use crate::ids::{PayoutId, SupplierId, UserId};
use crate::money::Money;
use crate::store::idempotency::Claim;
use crate::store::payouts::PayoutFilter;

/// The words of a payout's state.
const STATES: [&str; 7] = ["held", "sent", "unknown", "paid", "unclaimed", "failed", "returned"];

/// Which payouts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    #[param(inline, value_type = Option<PayoutStateWord>, example = "paid")]
    state: Option<String>,
    /// Of this plan.
    plan: Option<String>,
    /// To this supplier; a supplier's key sees its own without it.
    supplier: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// Payouts: the merchant's, or a supplier's own.
#[utoipa::path(get, path = "/v1/payouts", tag = "payouts", params(ListParameters), responses((status = 200, description = "A page of payouts", body = Page<Payout>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let ListParameters { state, plan, supplier, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    if let Some(word) = state.as_deref().filter(|word| !STATES.contains(word)) {
        let detail = format!("`{word}` is none of {}", STATES.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let named = supplier.map(|text| wire::id("supplier", &text)).transpose()?;
    if let Some(named) = named {
        caller.may_see(named)?;
    }
    let filter = PayoutFilter {
        supplier: caller.key.supplier().or(named),
        plan: plan.map(|text| wire::id("plan", &text)).transpose()?,
        state: state.as_deref(),
    };
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.payouts(caller.merchant(), filter, seek, more).await?;
    let left = service.store.debited_before(caller.merchant(), &found).await?;
    let shown = found.iter().map(|payout| payout_view(payout, left.get(&payout.id).copied()));
    crate::http::json(200, &Page::of(shown.collect(), limit, &seek))
}

/// One payout, with the call it went out with.
#[utoipa::path(get, path = "/v1/payouts/{id}", tag = "payouts", params(("id" = inline(crate::ids::PayoutId), Path, example = "po_01kb0000000000000000000000")), responses((status = 200, description = "The payout", body = PayoutDetail)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "payout")?;
    let shown = service.paying_out.show_payout(caller.merchant(), caller.key.supplier(), id).await?;
    crate::http::json(200, &shown)
}

/// Stops a payout that is not yet sent, or takes it back from a payee that has not taken it.
#[utoipa::path(post, path = "/v1/payouts/{id}/stop", tag = "payouts", params(KeyHeader, ("id" = inline(crate::ids::PayoutId), Path, example = "po_01kb0000000000000000000000")), responses((status = 200, description = "The payout", body = PayoutDetail)))]
pub async fn stop(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id: PayoutId = wire::path_id(&id, "payout")?;
    let merchant = caller.merchant();
    let asked = Asked { service: &service, caller: &caller, request: &request, body: b"" };
    let carry = async |claim: Claim| {
        let mut extra = caller.noted(&service, "payout.stopped", id, "");
        extra.claim(&claim, id);
        let paying_out = service.paying_out.clone();
        let work = tokio::spawn(async move {
            paying_out.stop(merchant, id, extra).await?;
            paying_out.show_payout(merchant, None, id).await
        });
        Ok(work.await.map_err(Problem::internal)??)
    };
    let recall = async |_: String| Ok(service.paying_out.show_payout(merchant, None, id).await?);
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}

/// Whose fault a return was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fault": "platform"}))]
pub struct FaultBody {
    /// `platform`: one user proposes it and another confirms; `supplier` takes a proposal back.
    fault: ReturnFault,
}

/// Says by whose fault a payout came back short. It counts as the supplier's, which has what arrived, until two users say that
/// it was the platform's: then the supplier has the rest too (2110), and the rail's costs bear it (5020).
#[utoipa::path(post, path = "/v1/payouts/{id}/fault", tag = "payouts", request_body = FaultBody, params(KeyHeader, ("id" = inline(crate::ids::PayoutId), Path, example = "po_01kb0000000000000000000000")), responses((status = 200, description = "The payout", body = PayoutDetail)))]
pub async fn fault(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<FaultBody>,
) -> Answer {
    let id: PayoutId = wire::path_id(&id, "payout")?;
    let (merchant, hand, fault) = (caller.merchant(), caller.key.hand(), body.value.fault);
    let told = idempotent::word_of(&caller, &body.bytes);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &told };
    let carry = async |claim: Claim| {
        let mut extra = caller.noted(&service, "payout.fault", id, String::from_utf8_lossy(&body.bytes));
        extra.claim(&claim, id);
        service.paying_out.fault(merchant, hand, id, fault, extra).await?;
        Ok(service.paying_out.show_payout(merchant, None, id).await?)
    };
    let recall = async |_: String| Ok(service.paying_out.show_payout(merchant, None, id).await?);
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}

/// On what terms a supplier is paid out.
#[utoipa::path(get, path = "/v1/suppliers/{id}/payout-terms", tag = "payouts", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), responses((status = 200, description = "The terms", body = PayoutTerms)))]
pub async fn terms(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: SupplierId = wire::path_id(&id, "supplier")?;
    let terms = service.paying_out.terms(caller.merchant(), id).await?;
    crate::http::json(200, &terms_view(id, &terms))
}

/// Changes the terms: holds with their reasons, papers looked at, reserve, debts, rail. What is left out stays.
#[utoipa::path(patch, path = "/v1/suppliers/{id}/payout-terms", tag = "payouts", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), request_body = TermsInput, responses((status = 200, description = "The terms", body = PayoutTerms)))]
pub async fn set_terms(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<TermsInput>,
) -> Answer {
    let id: SupplierId = wire::path_id(&id, "supplier")?;
    let detail = String::from_utf8_lossy(&body.bytes);
    let extra = caller.noted(&service, "supplier.payout_terms", id, detail);
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let terms = service.paying_out.set_terms(merchant, user, id, &body.value, extra).await?;
    crate::http::json(200, &terms_view(id, &terms))
}

/// Users whose approvals are limited.
#[utoipa::path(get, path = "/v1/approver-limits", tag = "payouts", responses((status = 200, description = "The limits", body = Page<ApproverLimit>)))]
pub async fn limits(service: web::Data<Service>, caller: Caller) -> Answer {
    let found = service.store.approver_limits(caller.merchant()).await?;
    let rows = found.into_iter().map(|(user, row)| limit_view(user, &row.value)).collect();
    crate::http::json(200, &Page::whole(rows, false))
}

/// What a user may approve.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": "usr_01kb0000000000000000000000", "limits": [{"amount": "10000.00", "currency": "USD"}]}))]
pub struct LimitBody {
    #[schema(value_type = UserId)]
    user: IdIn<UserId>,
    /// Of one plan, by currency; a currency that is not named is none that the user may approve.
    #[schema(value_type = Vec<Money>, max_items = 200)]
    limits: Vec<MoneyIn>,
}

/// Limits what a user may approve; a user without a row approves without limit.
#[utoipa::path(post, path = "/v1/approver-limits", tag = "payouts", request_body = LimitBody, responses((status = 200, description = "The limit", body = ApproverLimit)))]
pub async fn limit(service: web::Data<Service>, caller: Caller, body: Json<LimitBody>) -> Answer {
    let user = body.value.user.0;
    let limits: Vec<Money> = body.value.limits.iter().map(|limit| limit.0).collect();
    let detail = String::from_utf8_lossy(&body.bytes);
    let extra = caller.noted(&service, "approver.limited", user, detail);
    service.paying_out.set_limit(caller.merchant(), user, &limits, extra).await?;
    crate::http::json(200, &limit_view(user, &limits))
}

fn limit_view(user: UserId, limits: &[Money]) -> serde_json::Value {
    json!({"object": "approver_limit", "user": user, "limits": limits})
}
