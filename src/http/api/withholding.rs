//! `/v1/withholding-certificates` and `/v1/withholding-remittances`: what was withheld from suppliers, and paying it on.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::withholding::{CertificateId, TaxPeriod};
use crate::flows::withholding::{RemittanceInput, ReturnedInput, Withholding};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{WithholdingCertificate, WithholdingRemittance, WithholdingRemittanceSummary};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::{RemittanceId, SupplierId};
use crate::store::idempotency::Claim;
use crate::store::withholding::CertificateFilter;

/// Which certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificateParameters {
    /// Of this supplier; a supplier's key sees its own without it.
    #[param(inline, value_type = Option<SupplierId>)]
    supplier: Option<String>,
    /// Of this month or quarter.
    #[param(example = "2026-Q4")]
    period: Option<String>,
    /// Of this authority.
    #[param(example = "BIR")]
    authority: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// What was withheld, by rule, period, currency and supplier; a supplier's key sees its own.
#[utoipa::path(get, path = "/v1/withholding-certificates", tag = "withholding", params(CertificateParameters), responses((status = 200, description = "A page of certificates", body = Page<WithholdingCertificate>)))]
pub async fn certificates(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<CertificateParameters>,
) -> Answer {
    let CertificateParameters { supplier, period, authority, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    let named: Option<SupplierId> = supplier.map(|text| wire::id("supplier", &text)).transpose()?;
    let supplier = named.or(caller.key.supplier());
    if let Some(supplier) = supplier {
        caller.may_see(supplier)?;
    }
    let bad = |param: &str, why: String| Problem::new(Code::InvalidParameter, why).at(param);
    let period = period.map(|text| text.parse::<TaxPeriod>());
    let period = period.transpose().map_err(|error| bad("period", error.to_string()))?;
    let number = |param: &str, text: &str| {
        text.parse::<CertificateId>().map_err(|error| bad(param, error.to_string()))
    };
    let (limit, seek) = (paging.limit()?, paging.seek(number)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let filter = CertificateFilter { supplier, period, authority: authority.as_deref() };
    let found = service.withholding.certificates(caller.merchant(), filter, seek.clone(), more).await?;
    crate::http::json(200, &Page::of(found, limit, &seek))
}

/// One certificate: what was withheld from a supplier under a rule in a period, payout by payout.
#[utoipa::path(get, path = "/v1/withholding-certificates/{number}", tag = "withholding", params(("number" = String, Path, example = "ph-remittance.2026-Q4.PHP.sup_01kb0000000000000000000000")), responses((status = 200, description = "The certificate", body = WithholdingCertificate)))]
pub async fn certificate(service: web::Data<Service>, caller: Caller, number: web::Path<String>) -> Answer {
    let unknown = || Problem::not_found("withholding certificate");
    let id: CertificateId = number.parse().map_err(|_| unknown())?;
    caller.may_see(id.supplier).map_err(|_| unknown())?;
    crate::http::json(200, &service.withholding.certificate(caller.merchant(), &id).await?)
}

/// Payments of withheld tax to authorities; the lines of one are at its own address.
#[utoipa::path(get, path = "/v1/withholding-remittances", tag = "withholding", params(Paging), responses((status = 200, description = "A page of payments", body = Page<WithholdingRemittanceSummary>)))]
pub async fn remittances(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let (limit, seek) = (paging.0.limit()?, paging.0.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.remittances(caller.merchant(), seek, more).await?;
    let views = found.iter().map(Withholding::summary).collect::<Result<_, _>>()?;
    crate::http::json(200, &Page::of(views, limit, &seek))
}

/// One payment.
#[utoipa::path(get, path = "/v1/withholding-remittances/{id}", tag = "withholding", params(("id" = inline(crate::ids::RemittanceId), Path, example = "rmt_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = WithholdingRemittance)))]
pub async fn remittance(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: RemittanceId = wire::path_id(&id, "remittance")?;
    crate::http::json(200, &recall(&service, &caller, id).await?)
}

/// Proposes to pay an authority what is left of one period's tax, of at most 1,000 suppliers and rules: another user approves
/// it. What is beyond is proposed anew once this is booked.
#[utoipa::path(post, path = "/v1/withholding-remittances", tag = "withholding", request_body = RemittanceInput, params(KeyHeader), responses((status = 201, description = "The proposal", body = WithholdingRemittance)))]
pub async fn propose(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<RemittanceInput>,
) -> Answer {
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let id: RemittanceId = service.ids.mint();
        let detail = String::from_utf8_lossy(&body.bytes);
        let mut extra = caller.noted(&service, "withholding_remittance.proposed", id, detail);
        extra.claim(&claim, id);
        let proposed = service.withholding.propose(merchant, user, id, &body.value, extra).await?;
        Ok(Withholding::view(&proposed)?)
    };
    let recall = async |id: String| recall(&service, &caller, wire::id("id", &id)?).await;
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

async fn recall(service: &Service, caller: &Caller, id: RemittanceId) -> Answer<serde_json::Value> {
    let found = service.store.remittance(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("remittance"))?;
    Ok(Withholding::view(&found.value)?)
}

/// Books a payment that another user proposed.
#[utoipa::path(post, path = "/v1/withholding-remittances/{id}/approve", tag = "withholding", params(KeyHeader, ("id" = inline(crate::ids::RemittanceId), Path, example = "rmt_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = WithholdingRemittance)))]
pub async fn approve(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    decide(service, caller, request, &id, true).await
}

/// Rejects a proposal, for good; whoever made it may take it back so.
#[utoipa::path(post, path = "/v1/withholding-remittances/{id}/reject", tag = "withholding", params(KeyHeader, ("id" = inline(crate::ids::RemittanceId), Path, example = "rmt_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = WithholdingRemittance)))]
pub async fn reject(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    decide(service, caller, request, &id, false).await
}

/// Says that a credit at the bank, which names no payment, brought this one back: its tax is owed again, and is proposed anew.
/// A reversal, or a credit that names the payment, needs nobody to say it.
#[utoipa::path(post, path = "/v1/withholding-remittances/{id}/returned", tag = "withholding", request_body = ReturnedInput, params(KeyHeader, ("id" = inline(crate::ids::RemittanceId), Path, example = "rmt_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = WithholdingRemittance)))]
pub async fn returned(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: Json<ReturnedInput>,
) -> Answer {
    let id: RemittanceId = wire::path_id(&id, "remittance")?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let word = idempotent::word_of(&caller, &body.bytes);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &word };
    let carry = async |claim: Claim| {
        let detail = String::from_utf8_lossy(&body.bytes);
        let mut extra = caller.noted(&service, "withholding_remittance.returned", id, detail);
        extra.claim(&claim, id);
        let (withholding, input) = (service.withholding.clone(), body.value.clone());
        let work = tokio::spawn(async move { withholding.returned(merchant, user, id, &input, extra).await });
        Ok(Withholding::view(&work.await.map_err(Problem::internal)??)?)
    };
    let recall = async |id: String| recall(&service, &caller, wire::id("id", &id)?).await;
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}

async fn decide(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: &str,
    approve: bool,
) -> Answer {
    let id: RemittanceId = wire::path_id(id, "remittance")?;
    let (merchant, hand) = (caller.merchant(), caller.key.hand());
    let word = idempotent::word_of(&caller, b"");
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &word };
    let carry = async |claim: Claim| {
        let word = if approve { "booked" } else { "rejected" };
        let mut extra = caller.noted(&service, &format!("withholding_remittance.{word}"), id, "");
        extra.claim(&claim, id);
        let withholding = service.withholding.clone();
        let work = tokio::spawn(async move { withholding.decide(merchant, hand, id, approve, extra).await });
        Ok(Withholding::view(&work.await.map_err(Problem::internal)??)?)
    };
    let recall = async |id: String| recall(&service, &caller, wire::id("id", &id)?).await;
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}
