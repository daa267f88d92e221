//! `Idempotency-Key`: the same key and body answer the same, whatever happened in between.
//!
//! A handler calls [`begin`]; a fresh claim goes into the flow's first change, together with what it makes. Of two
//! requests at once one change is refused, and its handler begins again: it finds the other's claim. [`keep`] stores the
//! answer; where the process died before that, the retry is answered from the resource as it stands now.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::store::idempotency::Claim;
use crate::store::{Change, CommitError};

use super::caller::Caller;
use super::problem::{Answer, Code, Problem};
use super::service::Service;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Where a request with an idempotency key stands.
#[derive(Debug)]
pub enum Begun {
    /// Nobody asked before: carry it out with this claim.
    Fresh(Claim),
    /// Answered before: answer the same.
    Replay(HttpResponse),
    /// Carried out before, its answer was lost: answer from this resource.
    Resume(String),
}

/// Reads the key and what is known of it.
///
/// # Errors
/// `idempotency_key_required`, `idempotency_key_reused`, `idempotency_key_in_flight`.
pub async fn begin(service: &Service, caller: &Caller, request: &HttpRequest, body: &[u8]) -> Answer<Begun> {
    let key = request.headers().get(KEY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let printable = key.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if key.is_empty() || key.len() > 255 || !printable {
        let detail = "send the header `Idempotency-Key`: 1 to 255 printable characters without blanks";
        return Err(Problem::new(Code::IdempotencyKeyRequired, detail).at("Idempotency-Key"));
    }
    let mut body_hash = [0; 32];
    body_hash.copy_from_slice(digest(&SHA256, body).as_ref());
    let claim = Claim {
        id: service.ids.mint(),
        merchant: caller.merchant(),
        // The path itself, not its template: refunds of two payments are two operations.
        route: format!("{} {}", request.method(), request.path()),
        key: key.to_owned(),
        body_hash,
        at: service.clock.wall(),
    };
    let Some(earlier) = service.store.claimed(&claim).await?.map(|row| row.value) else {
        return Ok(Begun::Fresh(claim));
    };
    if earlier.body_hash != body_hash {
        let detail = "this key was used with another body; the first request stands";
        return Err(Problem::new(Code::IdempotencyKeyReused, detail).at("Idempotency-Key"));
    }
    match earlier.answer {
        Some((status, body)) => Ok(Begun::Replay(replayed(status, body))),
        None if earlier.leased_until > claim.at => {
            let detail = "the first request with this key is still at work";
            let wait = (earlier.leased_until - claim.at).num_seconds().clamp(1, 5);
            Err(Problem::new(Code::IdempotencyKeyInFlight, detail).retry_after(wait.unsigned_abs()))
        }
        None => Ok(Begun::Resume(earlier.resource)),
    }
}

/// Whether a change was refused because the key is taken: begin again.
pub fn is_taken(error: &CommitError) -> bool {
    matches!(error, CommitError::LostUpdate { table: "idempotency", .. })
}

/// Stores the answer of a claim and gives it. An answer that cannot be stored is given all the same: the retry is then
/// answered from the resource.
pub async fn keep(service: &Service, claim: &Claim, status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(Problem::internal)?;
    let mut change = Change::new();
    change.keep_answer(claim.id, 1, status.as_u16(), &bytes);
    if let Err(cause) = service.store.commit(change).await {
        tracing::warn!(%cause, "an answer was not kept");
    }
    Ok(written(status, bytes))
}

/// An answer made anew from the resource of an earlier request.
pub fn resumed(status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(Problem::internal)?;
    Ok(replayed(status.as_u16(), bytes))
}

fn replayed(status: u16, body: Vec<u8>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = written(status, body);
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn written(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status).insert_header((CONTENT_TYPE, "application/json")).body(body)
}
