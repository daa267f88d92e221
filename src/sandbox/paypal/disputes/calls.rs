//! The calls of Disputes v1.

use chrono::DateTime;
use serde_json::{Value, json};

use super::super::super::scenario::Scenario;
use super::super::captures;
use super::super::envelope::{Answer, Refusal};
use super::super::order::Order;
use super::super::{Call, amount, stamp};
use super::{Case, Dispute, PATIENCE, REVIEW, WAITING};

/// `GET /v1/customer/disputes`.
pub(in super::super) async fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let transaction = call.query("disputed_transaction_id");
    let after = call.query("update_time_after").map(|text| {
        let read = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
        read.map_err(|_| Refusal::invalid_at("update_time_after", "INVALID_PARAMETER_SYNTAX"))
    });
    let after = after.transpose()?;
    let own = call.session.all::<Dispute>().await?.into_iter().filter(|dispute| {
        dispute.client_id == call.app.client_id
            && transaction.as_deref().is_none_or(|id| id == dispute.capture_id)
            && after.is_none_or(|after| dispute.updated > after)
    });
    let own: Vec<Dispute> = own.collect();
    let token = call.query("next_page_token").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let size = call.query("page_size").and_then(|text| text.parse().ok()).unwrap_or(10_usize).clamp(1, 50);
    let items: Vec<Value> = own
        .iter()
        .skip(token)
        .take(size)
        .map(|dispute| {
            json!({"dispute_id": dispute.id, "create_time": stamp(dispute.created), "update_time": stamp(dispute.updated),
                   "reason": dispute.reason, "status": dispute.status, "dispute_amount": amount::write(dispute.amount),
                   "dispute_life_cycle_stage": dispute.stage, "dispute_channel": "INTERNAL"})
        })
        .collect();
    let mut links = vec![];
    if token + size < own.len() {
        let query = call.request.query_string();
        let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("next_page_token=")).collect();
        let path = format!("/v1/customer/disputes?{}&next_page_token={}", kept.join("&"), token + size);
        links.push(call.link("next", "GET", &path));
    }
    Ok(Answer::ok(json!({"items": items, "links": links})))
}

/// `GET /v1/customer/disputes/{id}`.
pub(in super::super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let (dispute, case) = own(call, id).await?;
    Ok(Answer::ok(dispute.represent(call.sandbox, &case.capture)))
}

async fn own<'a>(call: &mut Call<'a>, id: &str) -> Result<(Dispute, Case<'a>), Refusal> {
    let dispute: Dispute = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    if dispute.client_id != call.app.client_id {
        return Err(Refusal::not_found());
    }
    let capture = captures::own(call, &dispute.capture_id).await?;
    let order: Order = call.session.find(&capture.order_id).await?.ok_or_else(Refusal::internal)?;
    let case = Case { sandbox: call.sandbox, app: call.app.clone(), order, capture };
    Ok((dispute, case))
}

/// `POST …/provide-evidence`: PayPal looks at it.
pub(in super::super) async fn provide_evidence(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let input = form_input(call)?;
    let (mut dispute, mut case) = own(call, id).await?;
    if dispute.status != WAITING {
        return Err(Refusal::unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE"));
    }
    let handed = input["evidences"].as_array().filter(|handed| !handed.is_empty());
    let handed = handed.ok_or_else(|| Refusal::invalid_at("/evidences", "MISSING_REQUIRED_PARAMETER"))?;
    for evidence in handed {
        let mut evidence = evidence.clone();
        evidence["source"] = json!("SUBMITTED_BY_SELLER");
        evidence["date"] = json!(stamp(call.now));
        dispute.evidences.push(evidence);
    }
    dispute.status = REVIEW.to_owned();
    dispute.due = None;
    let broken = case.order.faults.strikes(Scenario::TimeoutAfterSuccess, "evidence");
    call.session.put(&case.order).await?;
    dispute.tell(&case, &mut call.session, "CUSTOMER.DISPUTE.UPDATED").await?;
    Ok(acted(call, id).broken_if(broken))
}

/// `POST …/accept-claim`: the payer gets the money.
pub(in super::super) async fn accept_claim(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    form_input(call)?;
    let (mut dispute, mut case) = own(call, id).await?;
    if !dispute.is_open() {
        return Err(Refusal::unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE"));
    }
    let broken = case.order.faults.strikes(Scenario::TimeoutAfterSuccess, "accept");
    call.session.put(&case.order).await?;
    dispute.resolve(&case, &mut call.session, "ACCEPTED").await?;
    dispute.tell(&case, &mut call.session, "CUSTOMER.DISPUTE.RESOLVED").await?;
    Ok(acted(call, id).broken_if(broken))
}

/// `POST …/adjudicate`, as PayPal's own sandbox has it.
pub(in super::super) async fn adjudicate(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let body = call.object(true)?;
    let (mut dispute, case) = own(call, id).await?;
    if dispute.status != REVIEW {
        return Err(Refusal::unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE"));
    }
    let outcome = match body["adjudication_outcome"].as_str() {
        Some("BUYER_FAVOR") => "RESOLVED_BUYER_FAVOUR",
        Some("SELLER_FAVOR") => "RESOLVED_SELLER_FAVOUR",
        _ => return Err(Refusal::invalid_at("/adjudication_outcome", "INVALID_PARAMETER_VALUE")),
    };
    dispute.resolve(&case, &mut call.session, outcome).await?;
    dispute.tell(&case, &mut call.session, "CUSTOMER.DISPUTE.RESOLVED").await?;
    Ok(acted(call, id))
}

/// `POST …/require-evidence`, as PayPal's own sandbox has it.
pub(in super::super) async fn require_evidence(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let (mut dispute, case) = own(call, id).await?;
    if dispute.status != REVIEW {
        return Err(Refusal::unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE"));
    }
    dispute.status = WAITING.to_owned();
    dispute.due = Some(call.now + PATIENCE);
    dispute.tell(&case, &mut call.session, "CUSTOMER.DISPUTE.UPDATED").await?;
    Ok(acted(call, id))
}

fn acted(call: &Call<'_>, id: &str) -> Answer {
    Answer::ok(json!({"links": [call.link("self", "GET", &format!("/v1/customer/disputes/{id}"))]}))
}

/// The JSON part `input` of a form.
fn form_input(call: &Call<'_>) -> Result<Value, Refusal> {
    let kind = call.header("content-type").unwrap_or_default();
    let boundary =
        kind.strip_prefix("multipart/form-data; boundary=").ok_or_else(Refusal::unsupported_media_type)?;
    let malformed = || Refusal::invalid_at("/", "MALFORMED_REQUEST_JSON");
    let text = std::str::from_utf8(call.body).map_err(|_| malformed())?;
    let parts = text.split(&format!("--{boundary}")).collect::<Vec<_>>();
    let part = parts.iter().find(|part| part.contains("name=\"input\"")).ok_or_else(malformed)?;
    let (_, body) = part.split_once("\r\n\r\n").ok_or_else(malformed)?;
    serde_json::from_str(body.trim()).map_err(|_| malformed())
}
