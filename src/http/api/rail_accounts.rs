//! `/v1/rail-accounts`: by which rails payouts leave, and whose money they take.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::merchants::{Funding, RAILS, RailAccount};
use crate::flows::onboard::NewRailAccount;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::RailAccountObject;
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn, Page};
use crate::ids::RailAccountId;
use crate::money::Currency;

/// A new rail account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "paypal-payouts", "rail": "paypal_payouts", "currency": "USD", "funding": {"gateway_account": "paypal"}}))]
pub struct CreateRailAccount {
    /// Its name in the books, in small letters: part of the ledger's account.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    name: String,
    /// The rail: `paypal_payouts`, `pain001`, `xendit`, `csv`.
    #[schema(pattern = "^[a-z0-9_]+$")]
    rail: String,
    /// Its one currency.
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    funding: Funding,
}

/// A rail account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "rac_01kb0000000000000000000000", "object": "rail_account", "name": "paypal-payouts", "rail": "paypal_payouts", "currency": "USD", "funding": {"gateway_account": "paypal"}, "created_at": "2026-11-28T08:00:00Z"}))]
pub struct RailAccountAnswer {
    #[schema(value_type = RailAccountId)]
    id: String,
    #[schema(inline, value_type = RailAccountObject)]
    object: &'static str,
    /// Its name in the books.
    name: String,
    /// The rail.
    rail: String,
    #[schema(value_type = Currency)]
    currency: String,
    funding: Funding,
    #[schema(format = DateTime)]
    created_at: String,
}

fn answer(account: &RailAccount) -> RailAccountAnswer {
    RailAccountAnswer {
        id: account.id.to_string(),
        object: "rail_account",
        name: account.name.clone(),
        rail: account.rail.clone(),
        currency: account.currency.to_string(),
        funding: account.funding.clone(),
        created_at: wire::time(account.created_at),
    }
}

/// The merchant's rail accounts, oldest first.
#[utoipa::path(get, path = "/v1/rail-accounts", tag = "accounts", params(Paging), responses(
    (status = 200, description = "A page of rail accounts", body = Page<RailAccountAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    let found = service.store.rail_accounts(caller.merchant(), seek, limit as i64 + 1).await?;
    crate::http::json(200, &Page::of(found.iter().map(answer).collect(), limit, &seek))
}

/// Adds a rail account.
#[utoipa::path(post, path = "/v1/rail-accounts", tag = "accounts", request_body = CreateRailAccount, responses(
    (status = 201, description = "The rail account", body = RailAccountAnswer)))]
pub async fn create(service: web::Data<Service>, caller: Caller, body: Json<CreateRailAccount>) -> Answer {
    let body = body.value;
    if !RAILS.contains(&body.rail.as_str()) {
        let detail = format!("the rails that are known here are {}", RAILS.join(", "));
        return Err(Problem::new(Code::InvalidBody, detail).at("rail"));
    }
    let new = NewRailAccount {
        name: wire::account_name("name", body.name)?,
        rail: body.rail,
        currency: body.currency.0,
        funding: body.funding,
    };
    let account = service.onboarding.add_rail_account(&caller.actor, new).await?;
    crate::http::json(201, &answer(&account))
}

/// One rail account.
#[utoipa::path(get, path = "/v1/rail-accounts/{id}", tag = "accounts", params(("id" = inline(crate::ids::RailAccountId), Path, example = "rac_01kb0000000000000000000000")), responses(
    (status = 200, description = "The rail account", body = RailAccountAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "rail account")?;
    let found = service.store.rail_account(caller.merchant(), id).await?;
    crate::http::json(200, &answer(&found.ok_or_else(|| Problem::not_found("rail account"))?))
}
