//! `/v1/exports/gl`: the books as a general ledger takes them.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Problem};
use crate::http::service::Service;
use crate::http::wire::CurrencyIn;
use crate::money::Currency;

use super::prices::read_date;

/// Which period, in which currency.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GlParameters {
    /// First booking date, in the merchant's zone.
    #[param(format = Date, example = "2026-11-01")]
    from: String,
    /// Last booking date.
    #[param(format = Date, example = "2026-11-30")]
    to: String,
    /// The currency of the merchant's general ledger: lines are translated at the mid of their booking date, what that
    /// leaves over at the end is an exchange difference.
    #[param(inline, value_type = Currency, example = "SGD")]
    functional: CurrencyIn,
}

/// Every line booked in a period, by the merchant's own account numbers (`config/gl-accounts.toml`), and the exchange
/// differences at its end. The last row is `#END` with the number of lines; without it the file is not whole.
#[utoipa::path(get, path = "/v1/exports/gl", tag = "ledger", params(GlParameters), responses((status = 200, description = "The lines", content((String = "text/csv", example = json!("booked_on,value_date"))))))]
pub async fn general_ledger(
    service: web::Data<Service>,
    caller: Caller,
    query: Query<GlParameters>,
) -> Answer {
    let GlParameters { from, to, functional } = query.0;
    let (from, to) = (read_date("from", &from)?, read_date("to", &to)?);
    let chunks = service.gl_export.csv(caller.merchant(), (from, to), functional.0).await?;
    let name = format!("attachment; filename=\"gl-{from}-{to}-{}.csv\"", functional.0);
    // An error in the middle breaks the connection off: a file without its end is not taken for a whole one.
    let body = chunks.map(|chunk| chunk.map(Bytes::from).map_err(Problem::from));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(body))
}
