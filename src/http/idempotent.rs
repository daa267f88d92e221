//! `Idempotency-Key`: the same key and body answer the same, whatever happened in between.
//!
//! A handler hands [`once`] two things: how to carry the request out with a claim on its key, and how to tell again what
//! came of it. The claim goes into the flow's first change, together with what it makes; of two requests at once one
//! change is refused, and what stopped it is then answered by the other's claim. The answer is stored; where the process
//! died before that, the retry is told from the resource as it stands now. A refusal wrote nothing and keeps nothing.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use utoipa::IntoParams;

use crate::store::Change;
use crate::store::idempotency::Claim;

use super::caller::Caller;
use super::problem::{Answer, Code, Problem};
use super::service::Service;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The header, as the document declares it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it only describes")]
pub struct KeyHeader {
    /// The caller's own, one for each operation: 1 to 255 printable characters without blanks. The same key and body
    /// answer the same, for at least thirty days. All keys of a merchant share the names, browsers' too: take random
    /// ones, such as a UUID.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "order-1001-try-1"
    )]
    key: String,
}

/// A request that is carried out once.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What handlers are given.
    pub service: &'a web::Data<Service>,
    /// Who asks.
    pub caller: &'a Caller,
    /// Headers and path.
    pub request: &'a HttpRequest,
    /// What has to be the same in a retry: the body's bytes.
    pub body: &'a [u8],
}

/// What has to be the same in a retry of a decision: who speaks, and the body. A decision is one person's word: another's
/// under the same key is another request, never a repetition of the first.
pub fn word_of(caller: &Caller, body: &[u8]) -> Vec<u8> {
    [caller.key.user.to_string().as_bytes(), body].concat()
}

/// Where a request with an idempotency key stands.
enum Begun {
    /// Nobody asked before: carry it out with this claim.
    Fresh(Claim),
    /// Answered before: answer the same.
    Replay(HttpResponse),
    /// Carried out before, its answer was lost: answer from this resource.
    Resume(String),
}

/// Answers `carry` the first time and the same ever after. `carry` writes its claim in the change that has the effect;
/// `recall` tells what became of the resource that the claim names.
///
/// # Errors
/// `idempotency_key_required`, `idempotency_key_reused`, `idempotency_key_in_flight`; what `carry` or `recall` refuses.
pub async fn once<V: Serialize>(
    asked: Asked<'_>,
    status: StatusCode,
    carry: impl AsyncFnOnce(Claim) -> Answer<V>,
    recall: impl AsyncFnOnce(String) -> Answer<V>,
) -> Answer {
    let claim = match begin(asked).await? {
        Begun::Fresh(claim) => claim,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(resource) => return resumed(status, &recall(resource).await?),
    };
    match carry(claim.clone()).await {
        Ok(view) => keep(asked.service, &claim, status, &view).await,
        Err(problem) => match asked.service.store.claimed(&claim).await? {
            // Another request with this key was faster: whatever stopped this one, that one's answer is the answer.
            Some(other) if other.value.id != claim.id => match begin(asked).await? {
                Begun::Replay(answer) => Ok(answer),
                Begun::Resume(resource) => resumed(status, &recall(resource).await?),
                Begun::Fresh(_) => Err(problem),
            },
            _ => Err(problem),
        },
    }
}

async fn begin(asked: Asked<'_>) -> Answer<Begun> {
    let Asked { service, caller, request, body } = asked;
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

/// Stores the answer of a claim and gives it. An answer that cannot be stored is given all the same: the retry is then
/// answered from the resource.
async fn keep(service: &Service, claim: &Claim, status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(Problem::internal)?;
    let mut change = Change::new();
    change.keep_answer(claim.id, 1, status.as_u16(), &bytes);
    if let Err(cause) = service.store.commit(change).await {
        tracing::warn!(%cause, "an answer was not kept");
    }
    Ok(written(status, bytes))
}

/// An answer made anew from the resource of an earlier request.
fn resumed(status: StatusCode, body: &impl Serialize) -> Answer {
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
