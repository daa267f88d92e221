//! What a supplier has and what it was told: balances, statements in JSON and CSV.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::statements::SupplierBalance;
use crate::flows::issue_statement::StatementQuery;
use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{Statement, StatementFormat};
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn, Page};
use crate::ids::SupplierId;
use crate::money::Currency;

use super::prices::read_date;

/// What a supplier has, by currency and bucket.
#[utoipa::path(get, path = "/v1/suppliers/{id}/balances", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), responses((status = 200, description = "The balances", body = Page<SupplierBalance>)))]
pub async fn balances(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: SupplierId = wire::path_id(&id, "supplier")?;
    caller.may_see(id)?;
    let balances = service.statements.balances(caller.merchant(), id).await?;
    crate::http::json(200, &Page::whole(balances, false))
}

/// Which statement.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementParameters {
    /// First booking date, in the merchant's zone.
    #[param(format = Date, example = "2026-11-01")]
    from: String,
    /// Last booking date; may lie ahead.
    #[param(format = Date, example = "2026-11-30")]
    to: String,
    /// Without it, the currency the supplier settles in.
    #[param(inline, value_type = Option<Currency>, example = "THB")]
    currency: Option<CurrencyIn>,
    /// `json` or `csv`; also by `Accept`.
    #[param(inline, value_type = Option<StatementFormat>, example = "json")]
    format: Option<String>,
    /// Lines of a page, 1 to 100; without it, the whole period.
    limit: Option<String>,
    /// The page begins behind this transaction.
    #[param(inline, value_type = Option<crate::ids::TransactionId>)]
    starting_after: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

/// A supplier's statement; opening and entries lead to closing, in every form.
#[utoipa::path(get, path = "/v1/suppliers/{id}/statements", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000"), StatementParameters), responses((status = 200, description = "The statement", content(
    (Statement = "application/json"),
    (String = "text/csv", example = json!("booked_on,value_date"))))))]
pub async fn statement(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    query: Query<StatementParameters>,
) -> Answer {
    let id: SupplierId = wire::path_id(&id, "supplier")?;
    caller.may_see(id)?;
    let parameters = query.0;
    let form = form(&request, parameters.format.as_deref())?;
    let limit = parameters.limit.as_deref().map(|text| wire::limit(Some(text))).transpose()?;
    let query = StatementQuery {
        supplier: id,
        currency: parameters.currency.map(|currency| currency.0),
        from: read_date("from", &parameters.from)?,
        to: read_date("to", &parameters.to)?,
        limit: limit.and_then(|limit| u32::try_from(limit).ok()),
        after: parameters
            .starting_after
            .as_deref()
            .map(|text| wire::id("starting_after", text))
            .transpose()?,
    };
    match form {
        Form::Json => crate::http::json(200, &service.statements.statement(caller.merchant(), &query).await?),
        Form::Csv => {
            let chunks = service.statements.csv(caller.merchant(), &query).await?;
            let name = format!("attachment; filename=\"statement-{}-{}.csv\"", query.from, query.to);
            // An error in the middle breaks the connection off: a file without its end is not taken for a whole one.
            let body = chunks.map(|chunk| chunk.map(Bytes::from).map_err(Problem::from));
            Ok(HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
                .insert_header((CONTENT_DISPOSITION, name))
                .streaming(body))
        }
    }
}

fn form(request: &HttpRequest, format: Option<&str>) -> Answer<Form> {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    match format {
        Some("json") => Ok(Form::Json),
        Some("csv") => Ok(Form::Csv),
        None if accept.contains("text/csv") => Ok(Form::Csv),
        None if ["application/json", "application/*", "*/*"].iter().any(|kind| accept.contains(kind)) => {
            Ok(Form::Json)
        }
        _ => Err(Problem::new(Code::NotAcceptable, "a statement is had as json or csv").at("format")),
    }
}
