//! `/v1/rates/sources`: how the sources of rates are doing.

use actix_web::web;

use crate::flows::price::SourcesAnswer;
use crate::http::caller::Caller;
use crate::http::problem::Answer;
use crate::http::service::Service;

/// Health, age and last error of every source of rates, and whose numbers are not believed, and why.
#[utoipa::path(get, path = "/v1/rates/sources", tag = "prices", responses((status = 200, description = "The sources, first ranked first", body = SourcesAnswer)))]
pub async fn sources(service: web::Data<Service>, _caller: Caller) -> Answer {
    crate::http::json(200, &service.pricing.list_sources())
}
