//! Settlements, refunds and deliveries: how a payment's money is divided, and how it goes back.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::findings::Finding;
use crate::domain::settlement::{Delivery, Line, PreviewContext, PreviewRequest, preview};
use crate::flows::refund::{RefundInput, Refunding};
use crate::http::caller::Caller;
use crate::http::extract::Json;
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{Refund, SettlementLine, SettlementObject};
use crate::http::service::Service;
use crate::http::wire;
use crate::ids::{MerchantId, PaymentId, RefundId, SettlementId, SupplierId};
use crate::money::{Currency, Money};
use crate::store::TransactionFilter;
use crate::store::idempotency::Claim;

use super::ledger::Transaction;

/// What a settlement would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// What the payer pays.
    gross: Money,
    /// They sum to gross.
    #[schema(value_type = Vec<SettlementLine>)]
    lines: Vec<Line>,
    /// None: nothing is booked.
    postings: Vec<Transaction>,
}

/// How a payment was divided.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettlementAnswer {
    id: SettlementId,
    #[schema(inline, value_type = SettlementObject)]
    object: &'static str,
    payment: PaymentId,
    /// What the payer paid.
    gross: Money,
    /// They sum to gross.
    #[schema(value_type = Vec<SettlementLine>)]
    lines: Vec<Line>,
    /// Every transaction about the payment, oldest first.
    postings: Vec<Transaction>,
}

/// As much of what was frozen as is shown.
#[derive(Deserialize)]
struct Frozen {
    gross: Money,
    lines: Vec<Line>,
}

/// What a settlement would be; nothing is stored.
#[utoipa::path(post, path = "/v1/settlements/preview", tag = "settlements", request_body(content = PreviewRequest, description = "The payment, its splits, and perhaps fees and rates of its own"), responses((status = 200, description = "Gross and lines", body = Preview)))]
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
            fees: &service.settings.fees,
            supplier: &|id| suppliers.get(&id).copied(),
            mid: &|base, quote| {
                service.pricing.rates.mid_of(&rates, base, quote).ok().map(|market| market.rate)
            },
            today: service.clock.now().with_timezone(&merchant.zone).date_naive(),
        },
    )?;
    crate::http::json(200, &Preview { gross: answer.gross, lines: answer.lines, postings: vec![] })
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
#[utoipa::path(get, path = "/v1/payments/{id}/settlement", tag = "settlements", params(("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "Lines and postings", body = SettlementAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: PaymentId = wire::path_id(&id, "payment")?;
    let record = service.store.settlement_of(id).await?.map(|record| record.value);
    let Some(record) = record.filter(|record| record.merchant == caller.merchant()) else {
        return Err(undivided(&service, caller.merchant(), id).await?);
    };
    let filter =
        TransactionFilter { subject: Some(id.to_string()), limit: 1_000, ..TransactionFilter::default() };
    let transactions = service.store.ledger_transactions(caller.merchant(), &filter).await?;
    let postings = transactions.iter().rev().map(super::ledger::transaction).collect();
    let frozen: Frozen = serde_json::from_str(&record.frozen).map_err(Problem::internal)?;
    crate::http::json(
        200,
        &SettlementAnswer {
            id: record.id,
            object: "settlement",
            payment: id,
            gross: frozen.gross,
            lines: frozen.lines,
            postings,
        },
    )
}

/// Why there is no settlement: the payment's own finding, where one says so.
async fn undivided(service: &Service, merchant: MerchantId, id: PaymentId) -> Answer<Problem> {
    let findings = service.store.findings_of(merchant, id).await?;
    let waiting = findings.iter().map(|finding| &finding.value);
    Ok(match waiting.rev().find(|finding| finding.state.as_str() != "resolved") {
        Some(Finding { id: finding, kind, detail, .. }) => {
            let kind = kind.as_str();
            let words =
                format!("{id} is not divided: finding {finding} ({kind}) waits for a decision: {detail}");
            Problem::new(Code::NotFound, words)
        }
        None => Problem::not_found("settlement"),
    })
}

/// Pays back. With the same `Idempotency-Key` and body it answers the same.
#[utoipa::path(post, path = "/v1/payments/{id}/refunds", tag = "settlements", request_body(content = RefundInput, example = json!({"amount": {"amount": "10.00", "currency": "SGD"}, "reason": "damaged"})),
    params(("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000"), KeyHeader),
    responses((status = 201, description = "The refund", body = Refund)))]
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
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let refund: RefundId = service.ids.mint();
        let mut extra = caller.noted(&service, "payment.refunded", payment, refund);
        extra.claim(&claim, refund);
        let (refunding, merchant, input) = (service.refunding.clone(), caller.merchant(), body.value);
        let work =
            tokio::spawn(async move { refunding.request(merchant, payment, refund, &input, extra).await });
        Ok(Refunding::view(&work.await.map_err(Problem::internal)??))
    };
    let recall = async |resource: String| {
        let id = wire::id("id", &resource)?;
        Ok(Refunding::view(&service.refunding.get(caller.merchant(), id).await?))
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

/// One refund.
#[utoipa::path(get, path = "/v1/refunds/{id}", tag = "settlements", params(("id" = inline(crate::ids::RefundId), Path, example = "ref_01kb0000000000000000000000")), responses((status = 200, description = "The refund", body = Refund)))]
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
#[utoipa::path(post, path = "/v1/payments/{id}/deliver", tag = "settlements", request_body = DeliverBody, params(KeyHeader, ("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "What it earned", body = Delivery)))]
pub async fn deliver(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<DeliverBody>,
) -> Answer {
    let id: PaymentId = wire::path_id(&id, "payment")?;
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let (delivering, merchant, items) = (service.delivering.clone(), caller.merchant(), body.value.items);
        let extra = caller.noted(&service, "payment.delivered", id, items.join(" "));
        let with = move |delivery: &str| {
            let mut change = extra.clone();
            change.claim(&claim, delivery);
            change
        };
        let work = tokio::spawn(async move { delivering.deliver(merchant, id, &items, with).await });
        Ok(work.await.map_err(Problem::internal)??)
    };
    let recall =
        async |resource: String| Ok(service.delivering.delivered(caller.merchant(), &resource).await?);
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}
