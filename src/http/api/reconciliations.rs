//! `/v1/reconciliations`: a gateway's bill against the books. The bill is asked for by day, or handed in as a file.

use std::path::Path;

use actix_multipart::{Field, Multipart};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::NaiveDate;
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::flows::reconcile::{Bill, ItemView, Purpose, RunView};
use crate::gateways::bills::BILL_LIMIT;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::spool::{self, Spooled};
use crate::http::wire::{self, Page};
use crate::ids::ReconciliationId;
use crate::store::Seek;

/// A text field of a form is no longer.
const FIELD_LIMIT: usize = 200;

/// A day to be asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gateway": "paypal", "date": "2026-11-27"}))]
pub struct ReconcileBody {
    /// The gateway, or the name of the account at it.
    gateway: String,
    /// The day, in the gateway's zone; its bill is complete twelve hours after its end.
    #[schema(format = Date)]
    date: String,
    /// Only lists what differs: nobody is asked, nothing is booked, no finding is opened.
    #[serde(default)]
    dry_run: bool,
}

/// A bill as a file, `multipart/form-data`.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes a form; nobody makes one")]
pub struct ReconcileForm {
    /// The gateway, or the name of the account at it.
    gateway: String,
    /// `true`: only lists what differs; nobody is asked, nothing is booked, no finding is opened.
    #[schema(value_type = Option<bool>)]
    dry_run: Option<bool>,
    /// The gateway's own file, at most 2 GiB.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// Reconciles: a JSON body asks the gateway for a day, a form hands its file in. Answers at once; the run goes on.
#[utoipa::path(post, path = "/v1/reconciliations", tag = "reconciliation",
    request_body(content((ReconcileBody = "application/json"), (ReconcileForm = "multipart/form-data"))),
    responses((status = 202, description = "The run that began", body = RunView)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id: ReconciliationId = service.ids.mint();
    let mut spooled = None;
    let (gateway, purpose, bill) = if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        let path = spooled.insert(Spooled(service.reconciling.file_for(id)?)).0.clone();
        let form = take_form(&service, Multipart::new(request.headers(), payload), &path).await?;
        (form.gateway, purpose(form.dry_run), Bill::File { path, sha256: form.sha256 })
    } else {
        let mut payload = payload.into_inner();
        let body = Json::<ReconcileBody>::from_request(&request, &mut payload).await?.value;
        let date: NaiveDate = body
            .date
            .parse()
            .map_err(|_| Problem::new(Code::InvalidBody, "a day is written 2026-11-27").at("date"))?;
        (body.gateway, purpose(body.dry_run), Bill::Day(date))
    };
    let begun = begin(&service, &caller, id, &gateway, (&bill, purpose)).await?;
    if let Some(spooled) = spooled {
        spooled.hand_over();
    }
    Ok(begun)
}

async fn begin(
    service: &web::Data<Service>,
    caller: &Caller,
    id: ReconciliationId,
    gateway: &str,
    (bill, purpose): (&Bill, Purpose),
) -> Answer {
    let open = service.account_at(caller.merchant(), gateway)?;
    let extra = caller.noted(service, "reconciliation.begun", id, format_args!("{gateway}"));
    let run = service.reconciling.begin(id, &open, bill, purpose, extra).await?;
    let view = RunView::of(&run.value);
    let (reconciling, bill) = (service.reconciling.clone(), bill.clone());
    tokio::spawn(async move { reconciling.carry_out(run, open, bill).await });
    crate::http::json(202, &view)
}

fn purpose(dry_run: bool) -> Purpose {
    if dry_run { Purpose::DryRun } else { Purpose::Settle }
}

/// A form that was read; its file lies where it was to.
struct Taken {
    gateway: String,
    dry_run: bool,
    sha256: String,
}

/// The form; its file lies at `path` then.
async fn take_form(service: &Service, mut form: Multipart, path: &Path) -> Answer<Taken> {
    let broken = |error: actix_multipart::MultipartError| Problem::new(Code::InvalidBody, error.to_string());
    let (mut gateway, mut dry_run, mut sha256) = (None, None, None);
    while let Some(field) = form.next().await {
        let mut field = field.map_err(broken)?;
        match field.name().unwrap_or_default() {
            "gateway" if gateway.is_none() => gateway = Some(text(&mut field, "gateway").await?),
            "dry_run" if dry_run.is_none() => {
                let said = text(&mut field, "dry_run").await?;
                let said: bool = said.parse().map_err(|_| {
                    Problem::new(Code::InvalidBody, "`dry_run` is `true` or `false`").at("dry_run")
                })?;
                dry_run = Some(said);
            }
            "file" if sha256.is_none() => sha256 = Some(keep(service, &mut field, path).await?),
            name @ ("gateway" | "dry_run" | "file") => {
                return Err(Problem::new(Code::DuplicateField, format!("`{name}` occurs twice")).at(name));
            }
            name => {
                let name: String = name.chars().take(40).collect();
                let detail = format!("a form has `gateway`, `file` and `dry_run`, not `{name}`");
                return Err(Problem::new(Code::UnknownField, detail).at(name));
            }
        }
    }
    let missing = |name: &str| Problem::new(Code::MissingField, format!("`{name}` is missing")).at(name);
    Ok(Taken {
        gateway: gateway.ok_or_else(|| missing("gateway"))?,
        dry_run: dry_run.unwrap_or(false),
        sha256: sha256.ok_or_else(|| missing("file"))?,
    })
}

async fn text(field: &mut Field, name: &str) -> Answer<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.next().await {
        let chunk = chunk.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD_LIMIT {
            return Err(Problem::new(Code::InvalidBody, format!("`{name}` is a short word")).at(name));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::new(Code::InvalidBody, format!("`{name}` is no UTF-8")).at(name))
}

async fn keep(service: &Service, field: &mut Field, path: &Path) -> Answer<String> {
    let kept = spool::keep(field, path, BILL_LIMIT, service.settings.limits.body).await;
    kept.map_err(|problem| problem.at("file"))
}

/// The merchant's runs.
#[utoipa::path(get, path = "/v1/reconciliations", tag = "reconciliation", params(Paging), responses((status = 200, description = "A page of runs", body = Page<RunView>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<Paging>) -> Answer {
    let (limit, seek) = (query.0.limit()?, query.0.seek(wire::id)?);
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.reconciling.list(caller.merchant(), seek, more).await?;
    crate::http::json(200, &Page::of(found, limit, &seek))
}

/// One run.
#[utoipa::path(get, path = "/v1/reconciliations/{id}", tag = "reconciliation", params(("id" = inline(ReconciliationId), Path, example = "rec_01kb0000000000000000000000")), responses((status = 200, description = "The run", body = RunView)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "reconciliation")?;
    crate::http::json(200, &service.reconciling.get(caller.merchant(), id).await?)
}

/// Which of a run's findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindingsParameters {
    /// Rows of a page, 1 to 100; 20 without it.
    #[param(example = "20", pattern = "^[0-9]{1,3}$")]
    limit: Option<String>,
    /// The page begins behind this position.
    #[param(example = "20", pattern = "^[0-9]{1,9}$")]
    starting_after: Option<String>,
}

/// What a run found: each difference with its evidence and the repair made or proposed, in the order of the bill.
#[utoipa::path(get, path = "/v1/reconciliations/{id}/findings", tag = "reconciliation", params(FindingsParameters, ("id" = inline(ReconciliationId), Path, example = "rec_01kb0000000000000000000000")), responses((status = 200, description = "A page of findings", body = Page<ItemView>)))]
pub async fn findings(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    query: Query<FindingsParameters>,
) -> Answer {
    let id = wire::path_id(&id, "reconciliation")?;
    let limit = wire::limit(query.0.limit.as_deref())?;
    let after = query.0.starting_after.as_deref().map(|text| {
        let position = text.parse::<u32>().ok().filter(|position| *position < 1_000_000_000);
        position.ok_or_else(|| {
            Problem::new(Code::InvalidParameter, "a position is a whole number").at("starting_after")
        })
    });
    let after = i64::from(after.transpose()?.unwrap_or(0));
    let more = u32::try_from(limit + 1).unwrap_or(101);
    let found = service.reconciling.items(caller.merchant(), id, after, more).await?;
    crate::http::json(200, &Page::of(found, limit, &Seek::<i64>::Start))
}
