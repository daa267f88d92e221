//! `/v1/gateway-settlements`: what gateways pay out, what it settles, and how far it has come.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::deposits::{BatchItem, DepositState, GatewaySettlement, ItemKind, ReportedBatch};
use crate::domain::merchants::SettlementMode;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{DepositStateWord, GatewaySettlementObject};
use crate::http::service::Service;
use crate::http::wire::{self, AmountIn, CurrencyIn, IdIn, Page};
use crate::ids::{BankLineId, GatewaySettlementId, PaymentId};
use crate::money::{Currency, Money};
use crate::store::idempotency::Claim;

/// Items shown with one settlement.
const ITEMS_SHOWN: i64 = 1_000;

/// A batch as the gateway reports it. What is left out is zero; items left out are the account's captures up to
/// `closed_at` that no batch settled before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gateway": "grabpay", "reference": "GP-20261127-1", "currency": "SGD", "closed_at": "2026-11-27T16:00:00Z", "paid_at": "2026-11-28T04:00:00Z", "gross": "51.00", "refunds": "10.20", "fee": "0.92", "net": "39.88"}))]
pub struct ReportBatch {
    /// The gateway, or the gateway account's name.
    gateway: String,
    /// The gateway's own reference.
    #[schema(min_length = 1, max_length = 140)]
    reference: String,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    /// The end of what it covers.
    closed_at: DateTime<Utc>,
    /// When it was sent to the bank; left out: it is closed and not sent yet.
    paid_at: Option<DateTime<Utc>>,
    /// What the bank's line will name, where not the reference.
    #[schema(min_length = 5, max_length = 140)]
    deposit_reference: Option<String>,
    gross: AmountIn,
    refunds: Option<AmountIn>,
    chargebacks: Option<AmountIn>,
    /// Held back of it.
    held: Option<AmountIn>,
    /// Held before, paid out with it.
    released: Option<AmountIn>,
    /// Without tax.
    fee: Option<AmountIn>,
    tax: Option<AmountIn>,
    /// What is sent.
    net: AmountIn,
    #[serde(default)]
    items: Vec<ReportItem>,
}

/// One fact that a batch settles.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportItem {
    kind: ItemKind,
    /// The gateway's reference.
    #[schema(min_length = 1, max_length = 140)]
    reference: String,
    #[schema(value_type = Option<PaymentId>)]
    payment: Option<IdIn<PaymentId>>,
    amount: AmountIn,
}

/// A gateway settlement.
#[derive(Debug, Serialize, ToSchema)]
pub struct GatewaySettlementAnswer {
    id: GatewaySettlementId,
    #[schema(inline, value_type = GatewaySettlementObject)]
    object: &'static str,
    /// The gateway account's name.
    gateway_account: String,
    /// The gateway's own reference.
    reference: String,
    mode: SettlementMode,
    #[schema(value_type = DepositStateWord)]
    state: &'static str,
    gross: Money,
    refunds: Money,
    chargebacks: Money,
    /// Held back of it, less what was released with it.
    held: Money,
    fee: Money,
    tax: Money,
    net: Money,
    /// Fee and tax that were accrued for its captures.
    accrued: Money,
    /// The charged fee beyond the accrued one, where that is rounding.
    rounding: Money,
    /// The same where the contract is not what was charged.
    drift: Money,
    /// What the bank's line names.
    deposit_reference: String,
    /// The bank's line, once there is one.
    #[schema(required)]
    bank_line: Option<BankLineId>,
    /// What the bank credited less than was sent and nobody explains.
    #[schema(required)]
    missing: Option<Money>,
    /// How many days it has been on its way, or was.
    age_days: i64,
    closed_at: DateTime<Utc>,
    #[schema(required)]
    paid_at: Option<DateTime<Utc>>,
    #[schema(required)]
    received_at: Option<DateTime<Utc>>,
    /// What it settles, the first thousand; only of one settlement, never in lists.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<ItemAnswer>>,
}

/// One fact that a batch settles.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemAnswer {
    kind: ItemKind,
    /// The gateway's reference.
    reference: String,
    #[schema(required)]
    payment: Option<PaymentId>,
    amount: Money,
}

fn answer(
    settlement: &GatewaySettlement,
    now: DateTime<Utc>,
    items: Option<Vec<BatchItem>>,
) -> GatewaySettlementAnswer {
    let batch = &settlement.batch;
    let shown = |item: BatchItem| ItemAnswer {
        kind: item.kind,
        reference: item.reference,
        payment: item.payment,
        amount: item.amount,
    };
    GatewaySettlementAnswer {
        id: settlement.id,
        object: "gateway_settlement",
        gateway_account: settlement.gateway_account.clone(),
        reference: batch.reference.clone(),
        mode: settlement.mode,
        state: settlement.state.as_str(),
        gross: batch.gross,
        refunds: batch.refunds,
        chargebacks: batch.chargebacks,
        held: batch.held,
        fee: batch.fee,
        tax: batch.tax,
        net: batch.net,
        accrued: settlement.accrued,
        rounding: settlement.rounding,
        drift: settlement.drift,
        deposit_reference: settlement.deposit_reference().to_owned(),
        bank_line: settlement.state.line(),
        missing: match settlement.state {
            DepositState::Short { missing, .. } => Some(missing),
            _ => None,
        },
        age_days: settlement.age(now).num_days(),
        closed_at: batch.closed_at,
        paid_at: batch.paid_at,
        received_at: settlement.state.received_at(),
        items: items.map(|items| items.into_iter().map(shown).collect()),
    }
}

/// Which gateway settlements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// `expected`, `in_transit`, `received` or `short`.
    #[param(inline, value_type = Option<DepositStateWord>, example = "in_transit")]
    state: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's gateway settlements, oldest first.
#[utoipa::path(get, path = "/v1/gateway-settlements", tag = "deposits", params(ListParameters), responses(
    (status = 200, description = "A page of gateway settlements", body = Page<GatewaySettlementAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let query = query.0;
    let (state, paging) = (
        query.state.unwrap_or_default(),
        Paging::new(query.limit, query.starting_after, query.ending_before),
    );
    if !state.is_empty() && !DepositState::WORDS.contains(&state.as_str()) {
        let detail = format!("`state` is one of {}", DepositState::WORDS.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let found = service.store.gateway_settlements(caller.merchant(), &state, seek, limit as i64 + 1).await?;
    let now = service.clock.now();
    let rows = found.iter().map(|row| answer(row, now, None)).collect();
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// One gateway settlement with what it settles.
#[utoipa::path(get, path = "/v1/gateway-settlements/{id}", tag = "deposits", params(("id" = inline(crate::ids::GatewaySettlementId), Path, example = "gst_01kb0000000000000000000000")), responses(
    (status = 200, description = "The gateway settlement", body = GatewaySettlementAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "gateway settlement")?;
    crate::http::json(200, &whole(&service, &caller, id).await?)
}

async fn whole(
    service: &Service,
    caller: &Caller,
    id: GatewaySettlementId,
) -> Answer<GatewaySettlementAnswer> {
    let found = service.store.gateway_settlement(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("gateway settlement"))?.value;
    let items = service.store.gateway_settlement_items(id, ITEMS_SHOWN).await?;
    Ok(answer(&found, service.clock.now(), Some(items)))
}

/// Records a batch as the gateway reports it. The same reference with the same figures says nothing new, except that a
/// batch that was only closed is sent by now.
#[utoipa::path(post, path = "/v1/gateway-settlements", tag = "deposits", request_body = ReportBatch, params(KeyHeader), responses(
    (status = 201, description = "The gateway settlement", body = GatewaySettlementAnswer)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<ReportBatch>,
) -> Answer {
    let open = service.account_at(caller.merchant(), &body.value.gateway)?;
    let bytes = body.bytes.clone();
    let batch = read(body.value)?;
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &bytes };
    let carry = async |claim: Claim| {
        let reference = format!("{}/{}", open.account.name, batch.reference);
        let mut extra = caller.noted(&service, "gateway_settlement.recorded", reference, batch.net);
        // The claim names the batch by its reference: its id may be an earlier report's.
        extra.claim(&claim, format!("{}/{}", open.account.name, batch.reference));
        let (deposits, account) = (service.deposits.clone(), open.account.clone());
        let work = tokio::spawn(async move { deposits.record_batch(&account, batch, extra).await });
        let recorded = work.await.map_err(Problem::internal)??;
        whole(&service, &caller, recorded.settlement.id).await
    };
    let recall = async |resource: String| {
        let missing = || Problem::not_found("gateway settlement");
        let (account, reference) = resource.split_once('/').ok_or_else(missing)?;
        let merchant = caller.merchant();
        let found = service.store.gateway_settlement_by_reference(merchant, account, reference).await?;
        whole(&service, &caller, found.ok_or_else(missing)?.value.id).await
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

fn read(body: ReportBatch) -> Answer<ReportedBatch> {
    let currency = body.currency.0;
    let money = |field: &str, amount: &AmountIn| {
        amount.in_currency(currency).map_err(|problem| problem.at(field.to_owned()))
    };
    let zero = Money::zero(currency);
    let some = |field: &str, amount: &Option<AmountIn>| {
        amount.as_ref().map_or(Ok(zero), |amount| money(field, amount))
    };
    let held = some("held", &body.held)?.checked_sub(some("released", &body.released)?)?;
    let mut items = Vec::with_capacity(body.items.len());
    for (index, item) in body.items.iter().enumerate() {
        items.push(BatchItem {
            kind: item.kind,
            reference: wire::label(&format!("items[{index}].reference"), item.reference.clone())?,
            payment: item.payment.map(|id| id.0),
            amount: money(&format!("items[{index}].amount"), &item.amount)?,
        });
    }
    Ok(ReportedBatch {
        reference: wire::label("reference", body.reference)?,
        closed_at: body.closed_at,
        paid_at: body.paid_at,
        deposit_reference: body
            .deposit_reference
            .map(|text| wire::label("deposit_reference", text))
            .transpose()?,
        gross: money("gross", &body.gross)?,
        refunds: some("refunds", &body.refunds)?,
        chargebacks: some("chargebacks", &body.chargebacks)?,
        held,
        fee: some("fee", &body.fee)?,
        tax: some("tax", &body.tax)?,
        net: money("net", &body.net)?,
        items,
    })
}
