//! `/v1/audit`: who did what, as a hash chain.

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::caller::Caller;
use crate::http::extract::{Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::ListObject;
use crate::http::service::Service;
use crate::http::wire;
use crate::ids::{AuditId, KeyId, RequestId, UserId};

/// One line of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditAnswer {
    #[schema(value_type = AuditId)]
    id: String,
    /// Its place in the chain, from 1.
    seq: i64,
    #[schema(format = DateTime)]
    at: String,
    /// Who.
    #[schema(value_type = UserId)]
    user: String,
    /// With which key.
    #[schema(value_type = KeyId)]
    key: String,
    /// The request, as `X-Request-Id` named it.
    #[schema(value_type = RequestId)]
    request_id: String,
    /// What: `payment.refunded` and so on.
    action: String,
    /// About what: mostly an id.
    subject: String,
    /// In words.
    detail: String,
    /// SHA-256 of the line before, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    previous_hash: String,
    /// SHA-256 of this line.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

/// A page of the trail; `intact` says whether every hash of the page follows from the one before.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditList {
    #[schema(inline, value_type = ListObject)]
    object: &'static str,
    data: Vec<AuditAnswer>,
    has_more: bool,
    intact: bool,
}

/// The merchant's audit trail, oldest first; `starting_after` and `ending_before` take a `seq`.
#[utoipa::path(get, path = "/v1/audit", tag = "keys", params(Paging), responses(
    (status = 200, description = "A page of the trail", body = AuditList)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(|param, text| {
        let seq = text.parse::<i64>();
        seq.map_err(|_| Problem::new(Code::InvalidParameter, "the `seq` of an entry belongs here").at(param))
    })?;
    let mut entries = service.store.audit_entries(caller.merchant(), seek, limit as i64 + 1).await?;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    if seek.is_backwards() {
        entries.reverse();
    }
    let intact = entries.iter().all(|(entry, hash)| entry.hash() == *hash)
        && entries.windows(2).all(|pair| pair[1].0.previous == pair[0].1);
    let data: Vec<AuditAnswer> = entries
        .into_iter()
        .map(|(entry, hash)| AuditAnswer {
            id: entry.note.id.to_string(),
            seq: entry.seq,
            at: wire::time(entry.note.at),
            user: entry.note.actor.user.to_string(),
            key: entry.note.actor.key.to_string(),
            request_id: entry.note.actor.request.to_string(),
            action: entry.note.action,
            subject: entry.note.subject,
            detail: entry.note.detail,
            previous_hash: wire::hex(&entry.previous),
            hash: wire::hex(&hash),
        })
        .collect();
    crate::http::json(200, &AuditList { object: "list", data, has_more, intact })
}
