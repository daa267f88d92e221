//! What operators and tools ask: alive, ready, metrics, version, the contract, the catalogue of problems.

use std::sync::OnceLock;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::caller::client;
use crate::http::gauges::Readiness;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{EnvironmentWord, Foreign};
use crate::http::service::Service;
use crate::http::{document, gauges};
use crate::settings::{MetricsAccess, Mode};

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The process's metrics; the first call installs the recorder.
pub fn recorder() -> Option<&'static PrometheusHandle> {
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).as_ref()
}

/// Alive: the process answers.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "Alive", body = str, content_type = "text/plain", example = "ok")))]
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok")
}

/// Ready: start-up is done, the database answers, its schema is this program's; with the age of the rates, the
/// writer's queue and the country database in use.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, description = "Ready", body = Readiness),
    (status = 503, description = "Not ready", body = Readiness)))]
pub async fn readyz(service: web::Data<Service>) -> Answer {
    let (ready, shown) = gauges::readiness(&service).await;
    crate::http::json(if ready { 200 } else { 503 }, &shown)
}

/// Prometheus metrics.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, description = "Metrics", body = str, content_type = "text/plain", example = "straits_writer_queue 0")))]
pub async fn metrics(service: web::Data<Service>, request: HttpRequest) -> Answer {
    // Behind a trusted proxy on this machine the peer is always near; who asks is not.
    let client = client(&service, request.peer_addr(), request.headers());
    let near = client.is_some_and(|client| client.to_canonical().is_loopback());
    let allowed = match service.settings.metrics {
        MetricsAccess::Anyone => true,
        MetricsAccess::Loopback => near,
        MetricsAccess::Nobody => false,
    };
    let Some(recorder) = recorder().filter(|_| allowed) else { return Err(Problem::not_found("page")) };
    gauges::measure(&service).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(recorder.render()))
}

/// Version and environment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "straits", "version": "0.1.0", "environment": "test", "database": "SQLite"}))]
pub struct Version {
    name: &'static str,
    version: &'static str,
    #[schema(inline, value_type = EnvironmentWord)]
    environment: &'static str,
    /// The database it works on.
    database: String,
}

/// Which Straits this is.
#[utoipa::path(get, path = "/version", tag = "operations", responses((status = 200, description = "Version and environment", body = Version)))]
pub async fn version(service: web::Data<Service>) -> Answer {
    crate::http::json(
        200,
        &Version {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            environment: service.settings.mode.environment(),
            database: service.store.engine().to_string(),
        },
    )
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1", body = Foreign, example = json!({"openapi": "3.1.0"}))))]
pub async fn openapi(service: web::Data<Service>) -> Answer {
    crate::http::json(200, &document(&service.public_url, service.settings.mode == Mode::Sandbox))
}

/// The catalogue of problems.
#[utoipa::path(get, path = "/problems", tag = "operations", responses((status = 200, description = "Every code", body = str, content_type = "text/html", example = "<!doctype html>")))]
pub async fn problems() -> HttpResponse {
    let rows: String = Code::ALL
        .iter()
        .map(|code| {
            let word = code.as_str();
            format!("<li><a href=\"/problems/{word}\">{word}</a> ({}): {}</li>", code.status(), code.title())
        })
        .collect();
    page("Problems", &format!("<ul>{rows}</ul>"))
}

/// What one code means and what to do about it.
#[utoipa::path(get, path = "/problems/{code}", tag = "operations", params(("code" = String, Path, example = "too_precise")), responses(
    (status = 200, description = "The code", body = str, content_type = "text/html", example = "<!doctype html>"),
    (status = 404, description = "No such code", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json", example = json!({"type": "https://…/problems/not_found", "title": "Nothing is here", "status": 404, "detail": "there is no such code in the catalogue", "instance": "/problems/none", "code": "not_found", "request_id": "req_01kb0000000000000000000000"}))))]
pub async fn problem(code: web::Path<String>) -> Answer {
    let code = Code::find(&code).ok_or_else(|| Problem::not_found("code in the catalogue"))?;
    let remedy = code.remedy().replace('&', "&amp;").replace('<', "&lt;");
    let body = format!(
        "<p>{}</p><p>Status {}, code <code>{}</code></p><p>{remedy}</p><p><a href=\"/problems\">All codes</a></p>",
        code.title(),
        code.status(),
        code.as_str()
    );
    Ok(page(code.as_str(), &body))
}

/// Leads to the documentation's own folder.
pub async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}

fn page(title: &str, body: &str) -> HttpResponse {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}: Straits</title></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .body(html)
}
