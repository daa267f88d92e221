//! `/v1/periods` and `/v1/statements`: closing the books, and what was issued with it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::periods::CloseCheck;
use crate::domain::statements::Form;
use crate::flows::close_period::{ClosePeriod, statement_view};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Problem};
use crate::http::schemas::{DatesWord, IssuedStatement, Period, Statement, StatementFormat};
use crate::http::service::Service;
use crate::http::wire::{self, Page};
use crate::ids::{PeriodId, SupplierId};
use crate::store::idempotency::Claim;

use super::prices::read_date;
use super::statements::{Wanted, download};

/// The merchant's periods.
#[utoipa::path(get, path = "/v1/periods", tag = "periods", params(Paging), responses((status = 200, description = "A page of periods", body = Page<Period>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let (limit, seek) = (paging.0.limit()?, paging.0.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.periods(caller.merchant(), seek, more).await?;
    let closed = service.store.last_closed(caller.merchant()).await?.map(|last| last.value.until);
    let views = found.iter().map(|close| ClosePeriod::view(close, closed)).collect();
    crate::http::json(200, &Page::of(views, limit, &seek))
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChecksParameters {
    /// The last booking date of the period, in the merchant's zone.
    #[param(format = Date, example = "2026-11-22")]
    until: String,
}

/// What is looked at before a period is closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CloseChecks {
    until: NaiveDate,
    /// Whether nothing that blocks is beyond its limit.
    closable: bool,
    checks: Vec<CloseCheck>,
}

/// What stands in the way of closing a period, with the limits.
#[utoipa::path(get, path = "/v1/periods/checks", tag = "periods", params(ChecksParameters), responses((status = 200, description = "Every check", body = CloseChecks)))]
pub async fn checks(service: web::Data<Service>, caller: Caller, query: Query<ChecksParameters>) -> Answer {
    let until = read_date("until", &query.0.until)?;
    let checks = service.close_period.look(caller.merchant(), until).await?;
    let closable = checks.iter().all(|check| check.ok || !check.blocks);
    crate::http::json(200, &CloseChecks { until, closable, checks })
}

/// A period to close.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"until": "2026-11-22"}))]
pub struct CloseBody {
    /// Its last booking date, in the merchant's zone.
    until: NaiveDate,
}

/// Closes the books until a day: one user proposes, another's same call confirms. Refused while more is unexplained than
/// the limits allow.
#[utoipa::path(post, path = "/v1/periods/close", tag = "periods", request_body = CloseBody, params(KeyHeader), responses((status = 200, description = "The period", body = Period)))]
pub async fn close(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<CloseBody>,
) -> Answer {
    let (merchant, hand, until) = (caller.merchant(), caller.key.hand(), body.value.until);
    let word = idempotent::word_of(&caller, &body.bytes);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &word };
    let carry = async |claim: Claim| {
        let id: PeriodId = service.ids.mint();
        let mut extra = caller.noted(&service, "period.close", until, "");
        extra.claim(&claim, until);
        let closing = service.close_period.clone();
        let work = tokio::spawn(async move { closing.close(merchant, hand, id, until, extra).await });
        Ok(ClosePeriod::view(&work.await.map_err(Problem::internal)??, None))
    };
    let recall = async |_: String| {
        let found = service.store.period_until(merchant, until).await?;
        let found = found.ok_or_else(|| Problem::not_found("period"))?;
        let closed = service.store.last_closed(merchant).await?.map(|last| last.value.until);
        Ok(ClosePeriod::view(&found.value, closed))
    };
    idempotent::once(asked, StatusCode::OK, carry, recall).await
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementParameters {
    /// Of this supplier.
    #[param(inline, value_type = Option<SupplierId>)]
    supplier: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The statements that were issued; a supplier's key sees its own.
#[utoipa::path(get, path = "/v1/statements", tag = "periods", params(StatementParameters), responses((status = 200, description = "A page of issued statements", body = Page<IssuedStatement>)))]
pub async fn issued(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<StatementParameters>,
) -> Answer {
    let StatementParameters { supplier, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    let named: Option<SupplierId> = supplier.map(|text| wire::id("supplier", &text)).transpose()?;
    let supplier = named.or(caller.key.supplier());
    if let Some(supplier) = supplier {
        caller.may_see(supplier)?;
    }
    let (limit, seek) = (paging.limit()?, paging.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.store.issued_statements(caller.merchant(), supplier, seek, more).await?;
    crate::http::json(200, &Page::of(found.iter().map(statement_view).collect(), limit, &seek))
}

/// One issued statement: its figures and the hash of its bytes.
#[utoipa::path(get, path = "/v1/statements/{id}", tag = "periods", params(("id" = inline(crate::ids::StatementId), Path, example = "stm_01kb0000000000000000000000")), responses((status = 200, description = "The statement", body = IssuedStatement)))]
pub async fn statement(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "statement")?;
    let found = service.store.issued_statement(caller.merchant(), id).await?;
    let (issued, _) = found.ok_or_else(|| Problem::not_found("statement"))?;
    caller.may_see(issued.supplier)?;
    crate::http::json(200, &statement_view(&issued))
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileParameters {
    /// Which form; without it, by `Accept`, and `csv` where that says nothing.
    #[param(inline, value_type = Option<StatementFormat>, example = "csv")]
    format: Option<String>,
    /// How `xero` and `quickbooks` are given dates; `ymd` where it is left out.
    #[param(inline, value_type = Option<DatesWord>, example = "ymd")]
    dates: Option<String>,
    /// Which of the files of 1,000 rows, for `quickbooks`.
    #[param(example = "1")]
    part: Option<String>,
}

/// Its CSV, byte for byte as it was issued, or another form made of these bytes.
#[utoipa::path(get, path = "/v1/statements/{id}/file", tag = "periods", params(("id" = inline(crate::ids::StatementId), Path, example = "stm_01kb0000000000000000000000"), FileParameters), responses((status = 200, description = "The statement", content(
    (String = "text/csv", example = json!("booked_on,value_date")),
    (Statement = "application/json"),
    (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", example = json!("PK")),
    (String = "application/pdf", example = json!("%PDF-1.7")),
    (String = "application/xml", example = json!("<Document>")),
    (String = "application/x-ofx", example = json!("<OFX>"))))))]
pub async fn file(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    query: Query<FileParameters>,
) -> Answer {
    let id = wire::path_id(&id, "statement")?;
    let found = service.store.issued_statement(caller.merchant(), id).await?;
    let (issued, body) = found.ok_or_else(|| Problem::not_found("statement"))?;
    caller.may_see(issued.supplier)?;
    let FileParameters { format, dates, part } = query.0;
    let wanted = Wanted { format: format.as_deref(), dates: dates.as_deref(), part: part.as_deref() };
    let how = wanted.read(&request, Form::Csv)?;
    let bytes = service.close_period.whole(&issued, body)?;
    match how.form {
        Form::Json => crate::http::json(200, &service.statements.issued_statement(&issued, bytes).await?),
        _ => Ok(download(service.statements.issued_file(&issued, bytes, how).await?)),
    }
}
