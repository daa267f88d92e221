//! `/v1/payout-plans`: who is paid what, and the two persons who say so.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::payouts::PlanState;
use crate::domain::treasury::NamedTopUp;
use crate::flows::pay_out::{PlanInput, Word, plan_summary};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{PayoutPlan, PayoutPlanSummary, PlanCertificate, PlanStateWord};
use crate::http::service::Service;
use crate::http::spool::{self, Spooled};
use crate::http::wire::{self, CurrencyIn, IdIn, Page};
use crate::ids::{PayoutBatchId, PlanId, SupplierId};
use crate::money::Currency;
use crate::store::idempotency::Claim;

/// Bytes of a bank's status report.
const REPORT_MAX: u64 = 16 << 20;

/// Which plans.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    #[param(inline, value_type = Option<PlanStateWord>, example = "executing")]
    state: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's plans of payouts, without their lines.
#[utoipa::path(get, path = "/v1/payout-plans", tag = "payouts", params(ListParameters), responses((status = 200, description = "A page of plans", body = Page<PayoutPlanSummary>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let ListParameters { state, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    if let Some(word) = state.as_deref().filter(|word| !PlanState::WORDS.contains(word)) {
        let detail = format!("`{word}` is none of {}", PlanState::WORDS.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.payout_plans(caller.merchant(), state.as_deref(), seek, more).await?;
    let rows = found.iter().map(plan_summary).collect::<Result<Vec<_>, _>>()?;
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// One plan, with every line and how far its payouts are.
#[utoipa::path(get, path = "/v1/payout-plans/{id}", tag = "payouts", params(("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "payout plan")?;
    crate::http::json(200, &service.paying_out.show(caller.merchant(), id).await?)
}

/// Makes a draft of what can be paid now, at the lowest cost under the dated route table shown; bound and gap are stated.
/// Where `top_ups` names ways to add to paying accounts, `funding` says how much is to come by which, what is sold for it at
/// mid and spread, what it costs and by when. Nothing of that is executed: the office makes the transfer or strikes the deal,
/// which is booked by `POST /v1/fx/deals` or by the bank's statement. `netting` sets the merchant's own positions against each
/// other before anything is bought; it is a table, nothing is booked by it.
#[utoipa::path(post, path = "/v1/payout-plans", tag = "payouts", request_body = PlanInput, params(KeyHeader), responses((status = 201, description = "The draft", body = PayoutPlan)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<PlanInput>,
) -> Answer {
    readable(&body.value.top_ups)?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let id: PlanId = service.ids.mint();
        let mut extra = caller.noted(&service, "payout_plan.drafted", id, "");
        extra.claim(&claim, id);
        let plan = service.paying_out.draft(merchant, user, id, &body.value, extra).await?;
        Ok(service.paying_out.view(&plan).await?)
    };
    let recall = async |id: String| Ok(service.paying_out.show(merchant, wire::id("id", &id)?).await?);
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

/// Names of ways to add money that people can read.
pub(super) fn readable(top_ups: &[NamedTopUp]) -> Answer<()> {
    for (index, way) in top_ups.iter().enumerate() {
        wire::label(&format!("top_ups[{index}].from"), way.from.clone())?;
    }
    Ok(())
}

/// A draft waits for another user.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/submit", tag = "payouts", params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn submit(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    say(&service, &caller, &request, &id, Word::Submit, b"").await
}

/// An approval of one content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}))]
pub struct ApproveBody {
    /// The plan's hash as it was looked at.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

/// Another user than its makers approves exactly this content.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/approve", tag = "payouts", request_body = ApproveBody, params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn approve(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<ApproveBody>,
) -> Answer {
    let word = Word::Approve { hash: body.value.hash };
    say(&service, &caller, &request, &id, word, &body.bytes).await
}

/// A refusal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "the account of Saigon Silk is not confirmed"}))]
pub struct RejectBody {
    /// Why.
    #[schema(min_length = 1, max_length = 100)]
    reason: String,
}

/// Refuses it, for good.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/reject", tag = "payouts", request_body = RejectBody, params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn reject(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<RejectBody>,
) -> Answer {
    let word = Word::Reject { reason: wire::label("reason", body.value.reason)? };
    say(&service, &caller, &request, &id, word, &body.bytes).await
}

/// Calls it off; once it is being executed, stops whatever is not yet sent.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/cancel", tag = "payouts", params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn cancel(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    say(&service, &caller, &request, &id, Word::Cancel, b"").await
}

/// Begins to pay what was approved; `progress` tells how far it is.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/execute", tag = "payouts", params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn execute(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    say(&service, &caller, &request, &id, Word::Execute, b"").await
}

/// One payout of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"supplier": "sup_01kb0000000000000000000000", "currency": "USD"}))]
pub struct DropBody {
    #[schema(value_type = SupplierId)]
    supplier: IdIn<SupplierId>,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
}

/// Takes one payout out: the plan is a draft again, with another hash, and its editor one of its makers.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/drop", tag = "payouts", request_body = DropBody, params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn drop_payout(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<DropBody>,
) -> Answer {
    let word = Word::Drop { supplier: body.value.supplier.0, currency: body.value.currency.0 };
    say(&service, &caller, &request, &id, word, &body.bytes).await
}

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileParameters {
    /// The call whose file it is; needed where the plan goes out in several.
    #[param(inline, value_type = Option<PayoutBatchId>, example = "pob_01kb0000000000000000000000")]
    batch: Option<String>,
}

/// The file that a bank is told of one call by: pain.001.001.09. Its bytes and its message id are those that the bank's
/// channel carries, so that a file that is also handed in is recognised as the same; 409 before there is one, and where
/// nobody knows whether the bank has it.
#[utoipa::path(get, path = "/v1/payout-plans/{id}/pain001", tag = "payouts", params(FileParameters, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The file", body = String, content_type = "application/xml", example = json!("<Document/>"))))]
pub async fn pain001(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    query: Query<FileParameters>,
) -> Answer {
    let id: PlanId = wire::path_id(&id, "payout plan")?;
    let only = query.0.batch.map(|batch| wire::id("batch", &batch)).transpose()?;
    let (batch, text) = service.paying_out.pain001(caller.merchant(), id, only).await?;
    Ok(attached("application/xml; charset=utf-8", &format!("{batch}.xml"), text))
}

/// Takes in what the bank says of such a file, brought by a person: its pain.002 (versions .03 to .15). It names the file by
/// `OrgnlMsgId`. What it refuses has failed and is the suppliers' again; what it accepts waits for the bank's statement, which
/// alone says that money moved. 400, and nothing is taken, where it is about no file of this plan or its counts and sums are
/// not the file's. The same report again changes nothing. At most 16 MiB.
#[utoipa::path(post, path = "/v1/payout-plans/{id}/pain002", tag = "payouts", request_body(content = String, content_type = "application/xml", description = "The report as the bank wrote it", example = json!("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><CstmrPmtStsRpt>…</CstmrPmtStsRpt></Document>")), params(KeyHeader, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The plan", body = PayoutPlan)))]
pub async fn pain002(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id: PlanId = wire::path_id(&id, "payout plan")?;
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(Code::UnsupportedEncoding, "send the body without Content-Encoding"));
    }
    let merchant = caller.merchant();
    let spooled = Spooled(service.reconciling.file_for(service.ids.mint::<PlanId>())?);
    let hash = spool::keep(payload, &spooled.0, REPORT_MAX, service.settings.limits.body).await?;
    let body = format!("{id}/{hash}");
    let asked = Asked { service: &service, caller: &caller, request: &request, body: body.as_bytes() };
    let carry = async |claim: Claim| {
        let text =
            web::block(move || std::fs::read_to_string(&spooled.0)).await.map_err(Problem::internal)?;
        let text = text.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        let mut extra = caller.noted(&service, "payout_plan.reported", id, &hash);
        extra.claim(&claim, id);
        let (paying_out, store) = (service.paying_out.clone(), service.store.clone());
        let work = tokio::spawn(async move {
            // Taking the report in again does nothing: only what was taken in is noted.
            paying_out.status_report(merchant, id, &text).await?;
            store.commit(extra).await?;
            paying_out.show(merchant, id).await
        });
        Ok(work.await.map_err(Problem::internal)??)
    };
    let recall = async |_: String| Ok(service.paying_out.show(merchant, id).await?);
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}

/// What proves the plan as it was drafted: every alternative with its cost and what ruled it out, prices of what is scarce,
/// bound and gap. SHA-256 of these bytes is in the plan's content; `straits plan check` verifies them, sharing no code with
/// what made them.
#[utoipa::path(get, path = "/v1/payout-plans/{id}/certificate", tag = "payouts", params(("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The certificate", body = PlanCertificate)))]
pub async fn certificate(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: PlanId = wire::path_id(&id, "payout plan")?;
    let text = service.paying_out.certificate(caller.merchant(), id).await?;
    Ok(attached("application/json; charset=utf-8", &format!("{id}-certificate.json"), text))
}

/// How a sheet is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SheetParameters {
    /// Columns in their order, each with its title where it has another: of payout, batch, date, name, number, bank_code,
    /// country, town, amount, currency, purpose, note, and only where they are named: charges (`DEBT`, `SHAR`, `SLEV`),
    /// from_account (the number of the account that pays). Values are written as they are.
    #[param(example = "number=Account,name=Beneficiary,amount,payout=Reference")]
    template: Option<String>,
    /// The call whose file it is; needed where the plan is paid out of several accounts or in several currencies.
    #[param(inline, value_type = Option<PayoutBatchId>, example = "pob_01kb0000000000000000000000")]
    batch: Option<String>,
}

/// The same as CSV, by a template; the last row `#END` has count and sum. Calls over one rail account in one currency are one
/// file; where there are others too, `batch` names the call.
#[utoipa::path(get, path = "/v1/payout-plans/{id}/csv", tag = "payouts", params(SheetParameters, ("id" = inline(crate::ids::PlanId), Path, example = "pln_01kb0000000000000000000000")), responses((status = 200, description = "The file", body = String, content_type = "text/csv", example = json!("payout,number,amount"))))]
pub async fn csv(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    query: Query<SheetParameters>,
) -> Answer {
    let id: PlanId = wire::path_id(&id, "payout plan")?;
    let only: Option<PayoutBatchId> = query.0.batch.map(|batch| wire::id("batch", &batch)).transpose()?;
    let template = query.0.template.as_deref();
    let text = service.paying_out.sheet(caller.merchant(), id, only, template).await?;
    let name = only.map_or_else(|| id.to_string(), |batch| batch.to_string());
    Ok(attached("text/csv; charset=utf-8", &format!("{name}.csv"), text))
}

fn attached(kind: &'static str, name: &str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(body)
}

async fn say(
    service: &web::Data<Service>,
    caller: &Caller,
    request: &HttpRequest,
    id: &str,
    word: Word,
    body: &[u8],
) -> Answer {
    let id: PlanId = wire::path_id(id, "payout plan")?;
    let (merchant, hand) = (caller.merchant(), caller.key.hand());
    let told = idempotent::word_of(caller, body);
    let asked = Asked { service, caller, request, body: &told };
    let carry = async |claim: Claim| {
        let mut extra = caller.noted(service, word.action(), id, "");
        extra.claim(&claim, id);
        let paying_out = service.paying_out.clone();
        let work = tokio::spawn(async move {
            let plan = paying_out.say(merchant, hand, id, &word, extra).await?;
            paying_out.view(&plan).await
        });
        Ok(work.await.map_err(Problem::internal)??)
    };
    let recall = async |_: String| Ok(service.paying_out.show(merchant, id).await?);
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}
