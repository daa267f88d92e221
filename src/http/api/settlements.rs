//! Settlements, refunds and deliveries: how a payment's money is divided, and how it goes back.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::fees::FeeBook;
use crate::domain::settlement::{PreviewContext, PreviewRequest, preview};
use crate::flows::refund::{RefundFlowError, RefundInput, Refunding};
use crate::http::caller::Caller;
use crate::http::extract::Json;
use crate::http::idempotent::{self, Begun};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire;
use crate::ids::{PaymentId, RefundId, SupplierId};
use crate::money::Currency;
use crate::store::TransactionFilter;

/// What a settlement would be; nothing is stored.
#[utoipa::path(post, path = "/v1/settlements/preview", tag = "settlements", request_body(content = Object, description = "The payment, its splits, and perhaps fees and rates of its own", example = json!({"amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal", "splits": [{"supplier": "sup_01kb0000000000000000000000", "share": {"percent": "80"}}]})), responses((status = 200, description = "Gross and lines", body = Object, example = json!({"gross": {"amount": "100.00", "currency": "SGD"}, "lines": [], "postings": []}))))]
pub async fn preview_settlement(
    service: web::Data<Service>,
    caller: Caller,
    body: Json<PreviewRequest>,
) -> Answer {
    let request = body.value;
    let merchant = service.store.merchant(caller.merchant()).await?;
    let merchant = merchant.ok_or_else(|| Problem::internal("the caller's merchant is gone"))?;
    let account = service.account_at(merchant.id, &request.gateway)?;
    let suppliers = suppliers_of(&service, &caller, &request).await?;
    let rates = service.pricing.rates.latest();
    let answer = preview(
        request,
        &PreviewContext {
            merchant: &merchant,
            account: &account.account,
            fees: FeeBook::shipped(),
            supplier: &|id| suppliers.get(&id).copied(),
            mid: &|base, quote| {
                service.pricing.rates.mid_of(&rates, base, quote).ok().map(|market| market.rate)
            },
            today: service.clock.now().with_timezone(&merchant.zone).date_naive(),
        },
    )?;
    crate::http::json(200, &json!({"gross": answer.gross, "lines": answer.lines, "postings": []}))
}

/// The currencies of the suppliers a preview names.
async fn suppliers_of(
    service: &Service,
    caller: &Caller,
    request: &PreviewRequest,
) -> Answer<HashMap<SupplierId, Currency>> {
    let named = request.splits.iter().map(|split| split.supplier);
    let named = named.chain(request.items.iter().filter_map(|item| item.supplier));
    let mut known = HashMap::new();
    for id in named {
        if let Some(supplier) = service.store.supplier(caller.merchant(), id).await? {
            known.insert(id, supplier.value.currency);
        }
    }
    Ok(known)
}

/// How a captured payment was divided.
#[utoipa::path(get, path = "/v1/payments/{id}/settlement", tag = "settlements", params(("id" = String, Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "Lines and postings", body = Object, example = json!({"id": "set_01kb0000000000000000000000", "gross": {"amount": "100.00", "currency": "SGD"}, "lines": [], "postings": []}))))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: PaymentId = wire::path_id(&id, "payment")?;
    let missing = || Problem::not_found("settlement");
    let record = service.store.settlement_of(id).await?.ok_or_else(missing)?.value;
    if record.merchant != caller.merchant() {
        return Err(missing());
    }
    let filter =
        TransactionFilter { subject: Some(id.to_string()), limit: 1_000, ..TransactionFilter::default() };
    let transactions = service.store.ledger_transactions(caller.merchant(), &filter).await?;
    let postings: Vec<Value> = transactions.iter().rev().map(super::ledger::transaction).collect();
    let frozen: Value = serde_json::from_str(&record.frozen).map_err(Problem::internal)?;
    crate::http::json(
        200,
        &json!({
            "id": record.id,
            "object": "settlement",
            "payment": id,
            "gross": frozen.get("gross"),
            "lines": frozen.get("lines"),
            "postings": postings,
        }),
    )
}

/// Pays back. With the same `Idempotency-Key` and body it answers the same.
#[utoipa::path(post, path = "/v1/payments/{id}/refunds", tag = "settlements", request_body(content = RefundInput, example = json!({"amount": {"amount": "10.00", "currency": "SGD"}, "reason": "damaged"})),
    params(("id" = String, Path, example = "pay_01kb0000000000000000000000"), ("Idempotency-Key" = String, Header, description = "The caller's own, one for each operation", example = "refund-1")),
    responses((status = 201, description = "The refund", body = Object, example = json!({"id": "ref_01kb0000000000000000000000", "state": "pending"}))))]
pub async fn refund(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<RefundInput>,
) -> Answer {
    let payment: PaymentId = wire::path_id(&id, "payment")?;
    if !body.value.reason.is_empty() {
        wire::label("reason", body.value.reason.clone())?;
    }
    let claim = match idempotent::begin(&service, &caller, &request, &body.bytes).await? {
        Begun::Fresh(claim) => claim,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(resource) => return resume(&service, &caller, &resource).await,
    };
    let refund: RefundId = service.ids.mint();
    let mut extra = caller.noted(&service, "payment.refunded", payment, refund);
    extra.claim(&claim, refund);
    let (refunding, merchant, input) = (service.refunding.clone(), caller.merchant(), body.value);
    let work = tokio::spawn(async move { refunding.request(merchant, payment, refund, &input, extra).await });
    match work.await.map_err(Problem::internal)? {
        Ok(refund) => {
            idempotent::keep(&service, &claim, StatusCode::CREATED, &Refunding::view(&refund)).await
        }
        Err(RefundFlowError::Superseded { table: "idempotency" }) => {
            match idempotent::begin(&service, &caller, &request, &body.bytes).await? {
                Begun::Replay(answer) => Ok(answer),
                Begun::Resume(resource) => resume(&service, &caller, &resource).await,
                Begun::Fresh(_) => {
                    Err(Problem::new(Code::Conflict, "the key was claimed and given up; ask again"))
                }
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn resume(service: &Service, caller: &Caller, resource: &str) -> Answer {
    let id = wire::id("id", resource)?;
    let refund = service.refunding.get(caller.merchant(), id).await?;
    idempotent::resumed(StatusCode::CREATED, &Refunding::view(&refund))
}

/// One refund.
#[utoipa::path(get, path = "/v1/refunds/{id}", tag = "settlements", params(("id" = String, Path, example = "ref_01kb0000000000000000000000")), responses((status = 200, description = "The refund", body = Object, example = json!({"id": "ref_01kb0000000000000000000000", "state": "succeeded"}))))]
pub async fn show_refund(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "refund")?;
    let refund = service.refunding.get(caller.merchant(), id).await?;
    crate::http::json(200, &Refunding::view(&refund))
}

/// What was delivered.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"items": ["line-1"]}))]
pub struct DeliverBody {
    /// Items by their `ref`; none: everything.
    #[serde(default)]
    items: Vec<String>,
}

/// Marks a payment delivered, whole or in part: deferred commission is earned.
#[utoipa::path(post, path = "/v1/payments/{id}/deliver", tag = "settlements", request_body = DeliverBody, params(("id" = String, Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "What it earned", body = Object, example = json!({"items": ["line-1"]}))))]
pub async fn deliver(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<DeliverBody>,
) -> Answer {
    let id: PaymentId = wire::path_id(&id, "payment")?;
    let (delivering, merchant) = (service.delivering.clone(), caller.merchant());
    let items = body.value.items;
    let extra = caller.noted(&service, "payment.delivered", id, items.join(" "));
    let work = tokio::spawn(async move { delivering.deliver(merchant, id, &items, extra).await });
    crate::http::json(200, &work.await.map_err(Problem::internal)??)
}
