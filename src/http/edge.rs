//! The outermost layer: every request gets an id, a time limit and a log line, every answer its headers, every problem
//! its document.
//!
//! What is logged of a request, and what never, says [`Answered`].

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_cors::CorsError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};

use crate::ids::RequestId;
use crate::settings::Mode;

use super::line::Line;
use super::problem::{Code, Problem};
use super::requests::Answered;
use super::service::Service;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

// Checked once, while compiling.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const OWN_PAGES: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
);

/// So long the largest file may be on its way.
const FILE: Duration = Duration::from_secs(3_600);

/// What the layers tell one another about a request.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Its id.
    pub id: RequestId,
    /// The template of its address; the guard of a route fills it in.
    pub route: Rc<Cell<Option<&'static str>>>,
}

/// The outermost layer.
///
/// # Errors
/// None: every error becomes a problem document.
pub async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let Some(service) = request.app_data::<web::Data<Service>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let id: RequestId = service.ids.mint();
    let route = Rc::new(Cell::new(None));
    request.extensions_mut().insert(Passage { id, route: route.clone() });
    // The router needs the request for itself until it has matched: no copy of it is kept here.
    let path = request.path().to_owned();
    let method = request.method().clone();

    let limit = limit(&request, service.settings.limits.request);
    let outcome = tokio::time::timeout(limit, next.call(request)).await;
    let answered = match outcome {
        Ok(Ok(response)) => {
            let (head, response) = response.map_into_boxed_body().into_parts();
            let response = documented(response, Some(&head), &service, &path, id);
            Ok((head, response))
        }
        Ok(Err(error)) => Err(documented(HttpResponse::from_error(error), None, &service, &path, id)),
        Err(_) => {
            let detail = format!("no answer within {} s", limit.as_secs());
            let problem = HttpResponse::from_error(Problem::new(Code::Timeout, detail));
            Err(documented(problem, None, &service, &path, id))
        }
    };
    let status = answered.as_ref().map_or_else(HttpResponse::status, |(_, response)| response.status());
    // What is not in the table of routes (the far sides, the documentation) is matched once more for its template.
    let other = match (&answered, route.get()) {
        (Ok((head, _)), None) => head.match_pattern(),
        _ => None,
    };
    service.requests.note(&Answered {
        id,
        method: &method,
        route: route.get().or(other.as_deref()).unwrap_or("unmatched"),
        status,
        took: started.elapsed(),
        at: service.clock.wall(),
    });
    match answered {
        Ok((head, response)) => Ok(ServiceResponse::new(head, response)),
        Err(response) => Err(InternalError::from_response("answered at the edge", response).into()),
    }
}

/// How long a request may take: one that brings a file as long again as a large file takes, for that it does not stop
/// coming is another limit's.
fn limit(request: &ServiceRequest, usual: Duration) -> Duration {
    let path = request.path();
    let brings_a_file = request.method() == Method::POST
        && (matches!(path, "/v1/reconciliations" | "/v1/bank-statements") || path.ends_with("/pain002"));
    if brings_a_file { usual + FILE } else { usual }
}

/// Turns an error's answer into a problem document; answers that handlers wrote stay as they are.
fn documented(
    response: HttpResponse,
    asked: Option<&HttpRequest>,
    service: &Service,
    path: &str,
    id: RequestId,
) -> HttpResponse {
    let mut response = match response.error() {
        None => response,
        Some(error) => {
            let problem = match error.as_error::<Problem>() {
                Some(problem) => problem.clone(),
                None => translated(error, response.status(), asked),
            };
            let document = problem.document(&service.public_url, path, &id.to_string());
            let mut written = HttpResponse::build(problem.status_code());
            for (name, value) in response.headers() {
                written.insert_header((name.clone(), value.clone()));
            }
            written.insert_header((CONTENT_TYPE, PROBLEM_JSON)).body(document.to_string())
        }
    };
    finish(response.headers_mut(), service, path, id);
    response
}

/// An error of the framework: its words may name our types, so only its status is passed on. A preflight from an origin that
/// no key allows is told as the guard tells of one that its key does not.
fn translated(error: &Error, status: StatusCode, asked: Option<&HttpRequest>) -> Problem {
    if let Some(CorsError::OriginNotAllowed) = error.as_error() {
        let origin =
            asked.and_then(|asked| asked.headers().get(ORIGIN)?.to_str().ok()).unwrap_or("the origin");
        return Problem::new(
            Code::OriginNotAllowed,
            format!("{origin} is not among the origins of any publishable key"),
        );
    }
    let refused = match error.as_error() {
        Some(CorsError::MethodNotAllowed) => Some("this method is not one that other origins may use"),
        Some(CorsError::HeadersNotAllowed) => {
            Some("other origins may send no such header; `access-control-request-headers` names one")
        }
        _ => None,
    };
    if let Some(why) = refused {
        return Problem::new(Code::InvalidParameter, why);
    }
    let code = Code::for_status(status);
    if code == Code::Internal {
        return Problem::internal(error);
    }
    Problem::new(code, code.remedy())
}

fn finish(headers: &mut HeaderMap, service: &Service, path: &str, id: RequestId) {
    headers.insert(REQUEST_ID, Line::new("").text(&id.letters()).header());
    let mut default = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    default(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    // An embedded price is made for other sites' pages; its own policy says so.
    if !path.starts_with("/v1/prices/embeds/") {
        default(X_FRAME_OPTIONS, DENY);
    }
    default(REFERRER_POLICY, NO_REFERRER);
    default(CACHE_CONTROL, NO_STORE);
    if service.settings.mode == Mode::Live {
        default(STRICT_TRANSPORT_SECURITY, ONE_YEAR);
    }
    // The far sides' hosted pages and the documentation have scripts or styles of their own; all else has none.
    if path.starts_with("/docs") {
        default(CONTENT_SECURITY_POLICY, OWN_PAGES);
    } else if !path.starts_with("/sandbox/") {
        default(CONTENT_SECURITY_POLICY, NO_PAGE);
    }
}
