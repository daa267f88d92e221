//! `/v1/sandbox`: the test clock, the shopper, and what can go wrong, on demand. Elsewhere these routes do not exist.

use actix_web::web;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::fx::Country;
use crate::http::caller::Caller;
use crate::http::extract::Json;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::PaymentStateWord;
use crate::http::service::Service;
use crate::http::wire::{self, IdIn};
use crate::ids::PaymentId;
use crate::sandbox::{Sandbox, Scenario, Shopper, ShopperAct, Target};

/// How long an advance of the clock is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The test clock ends with this year: it is never turned back, and far dates have no form that everybody reads.
const LAST_YEAR: i32 = 2199;

/// How the clock moves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"advance": "1d"}))]
pub struct ClockBody {
    /// By so much: a whole number with `s`, `m`, `h` or `d`.
    #[schema(pattern = "^[0-9]{1,10}[smhd]$", example = "1d")]
    advance: Option<String>,
    /// To this moment.
    #[schema(format = DateTime)]
    set: Option<String>,
}

/// Where the test clock stands.
#[utoipa::path(get, path = "/v1/sandbox/clock", tag = "sandbox", responses((status = 200, description = "The clock", body = ClockAnswer)))]
pub async fn clock(service: web::Data<Service>, _caller: Caller) -> Answer {
    crate::http::json(200, &standing(&service))
}

fn standing(service: &Service) -> ClockAnswer {
    ClockAnswer { now: wire::time(service.clock.now()), offset_s: service.clock.offset().num_seconds() }
}

/// The test clock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"now": "2026-11-24T00:00:00Z", "offset_s": 86400}))]
pub struct ClockAnswer {
    /// Where it stands.
    #[schema(format = DateTime)]
    now: String,
    /// How far ahead of the wall it is, in seconds.
    offset_s: i64,
}

/// Moves the test clock forward; answers once everything due by then has run, or 202 after ten seconds.
#[utoipa::path(post, path = "/v1/sandbox/clock", tag = "sandbox", request_body = ClockBody, responses(
    (status = 200, description = "The clock", body = ClockAnswer),
    (status = 202, description = "Still on its way", body = ClockAnswer)))]
pub async fn move_clock(service: web::Data<Service>, caller: Caller, body: Json<ClockBody>) -> Answer {
    let now = service.clock.now();
    let until = match (&body.value.advance, &body.value.set) {
        (Some(step), None) => {
            read_step(step).and_then(|step| now.checked_add_signed(step)).ok_or_else(|| {
                Problem::new(Code::InvalidBody, "a step is a whole number with s, m, h or d, such as 1d")
                    .at("advance")
            })?
        }
        (None, Some(moment)) => {
            DateTime::parse_from_rfc3339(moment).map(|at| at.with_timezone(&Utc)).map_err(|_| {
                Problem::new(Code::InvalidBody, "a moment is written 2026-11-24T00:00:00Z").at("set")
            })?
        }
        _ => return Err(Problem::new(Code::InvalidBody, "exactly one of `advance` and `set` belongs here")),
    };
    if until.year() > LAST_YEAR {
        let detail = format!("the test clock never goes back, and ends with the year {LAST_YEAR}");
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    if until < now {
        let detail = format!("the clock stands at {} and only moves forward", wire::time(now));
        return Err(Problem::new(Code::ClockBackwards, detail).at("set"));
    }
    let moving = service.clone();
    let extra = caller.noted(&service, "clock.moved", "clock", format_args!("to {}", wire::time(until)));
    let work = tokio::spawn(async move { moving.advance_clock(until, extra).await });
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => {
            done.map_err(Problem::internal)??;
            crate::http::json(200, &standing(&service))
        }
        Err(_) => crate::http::json(202, &standing(&service)),
    }
}

fn read_step(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| (0..=1_000_000_000).contains(number))?;
    match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        _ => None,
    }
}

/// What the shopper does on the gateway's page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shopper": "approve"}))]
pub struct ShopperBody {
    shopper: Shopper,
    /// Where the shopper's PayPal account is at home: `MY`. Without it, Singapore.
    country: Option<String>,
}

/// Acts as the shopper on the gateway's hosted page and follows the way back to our own door.
#[utoipa::path(post, path = "/v1/sandbox/payments/{id}", tag = "sandbox", request_body = ShopperBody, params(("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "How it ended", body = ShopperAnswer)))]
pub async fn shopper(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<ShopperBody>,
) -> Answer {
    let id: PaymentId = wire::path_id(&id, "payment")?;
    let payment = service.pay.get(caller.merchant(), id).await?;
    let page = payment.next_action.as_ref().and_then(|action| action.get("url")?.as_str()?.parse().ok());
    let act = match &page {
        Some(page) => ShopperAct::Page(page),
        None => ShopperAct::Payment(&payment.gateway_request_ref),
    };
    let country = body.value.country.as_deref();
    if country.is_some_and(|code| Country::find(code).is_err()) {
        return Err(
            Problem::new(Code::InvalidBody, "a country is two capital letters such as SG").at("country")
        );
    }
    let outcome = far_side(&service)?.shopper_from(act, body.value.shopper, country).await?;
    let state = service.pay.get(caller.merchant(), id).await?.state;
    let return_url = outcome.return_url.map(|url| url.to_string());
    let (answered, lost) = (outcome.answered, outcome.lost);
    crate::http::json(200, &ShopperAnswer { payment: id, state, return_url, answered, lost })
}

/// How a shopper's visit ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"payment": "pay_01kb0000000000000000000000", "state": "captured", "return_url": null, "answered": 200, "lost": false}))]
pub struct ShopperAnswer {
    payment: PaymentId,
    /// Where the payment stands now.
    #[schema(value_type = PaymentStateWord)]
    state: &'static str,
    /// Where the gateway sent the shopper; none when the page was abandoned.
    #[schema(required)]
    return_url: Option<String>,
    /// The status our own door answered the shopper with; none where nobody came back.
    #[schema(required)]
    answered: Option<u16>,
    /// Whether a scenario kept the browser from coming back.
    lost: bool,
}

/// Whom a scenario strikes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"next": 1}))]
pub struct ScenarioBody {
    #[schema(value_type = Option<PaymentId>)]
    payment: Option<IdIn<PaymentId>>,
    /// The next so many payments.
    next: Option<u32>,
}

/// What will go wrong, for whom.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"scenario": "lost_callback", "next": 1}))]
pub struct Armed {
    scenario: Scenario,
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentId>,
    /// The next so many payments.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
}

/// Lets something go wrong.
#[utoipa::path(post, path = "/v1/sandbox/scenarios/{name}", tag = "sandbox", request_body = ScenarioBody, params(("name" = inline(Scenario), Path, example = "lost_callback")), responses((status = 200, description = "Armed", body = Armed)))]
pub async fn scenario(
    service: web::Data<Service>,
    caller: Caller,
    name: web::Path<String>,
    body: Json<ScenarioBody>,
) -> Answer {
    let scenario: Scenario = name.parse().map_err(|_| Problem::not_found("scenario"))?;
    let (target, shown) = match (body.value.payment, body.value.next) {
        (Some(IdIn(id)), None) => {
            let payment = service.pay.get(caller.merchant(), id).await?;
            (Target::Payment(payment.gateway_request_ref), Armed { scenario, payment: Some(id), next: None })
        }
        (None, Some(next)) => (Target::Next(next), Armed { scenario, payment: None, next: Some(next) }),
        _ => return Err(Problem::new(Code::InvalidBody, "exactly one of `payment` and `next` belongs here")),
    };
    far_side(&service)?.arm(scenario, target).await?;
    crate::http::json(200, &shown)
}

fn far_side(service: &Service) -> Answer<&Sandbox> {
    service.sandbox.as_ref().ok_or_else(|| Problem::not_found("page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_whole_and_bounded() {
        assert_eq!(read_step("90s"), TimeDelta::try_seconds(90));
        assert_eq!(read_step("1d"), TimeDelta::try_days(1));
        for text in ["", "d", "-1d", "1.5h", "1w", "1", "99999999999s", "é"] {
            assert_eq!(read_step(text), None, "{text}");
        }
    }
}
