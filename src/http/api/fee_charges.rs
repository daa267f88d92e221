//! `/v1/fee-charges`: what gateways charge apart from their payouts, in a report or by an invoice.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::deposits::FeeCharge;
use crate::flows::deposits::FeeReport;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::FeeChargeObject;
use crate::http::service::Service;
use crate::http::wire::{self, AmountIn, CurrencyIn, Page};
use crate::ids::{BankAccountId, BankLineId, FeeChargeId};
use crate::money::{Currency, Money};
use crate::store::idempotency::Claim;

/// Captures named in one report.
const CAPTURES_MAX: usize = 10_000;

/// Fees as the gateway charged them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gateway": "grabpay", "reference": "INV-2026-11", "currency": "SGD", "charged_at": "2026-11-30T16:00:00Z", "fee": "0.92", "tax": "0.08", "paid_from": "dbs"}))]
pub struct ReportFees {
    /// The gateway, or the gateway account's name.
    gateway: String,
    /// The gateway's own reference of the report or invoice.
    #[schema(min_length = 1, max_length = 140)]
    reference: String,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    /// When it was charged or paid.
    charged_at: DateTime<Utc>,
    /// The captures it is for, by the gateway's references; left out: every capture up to `charged_at` whose fee nothing
    /// charged before.
    #[serde(default)]
    captures: Vec<String>,
    /// Without tax.
    fee: AmountIn,
    /// Tax on it.
    tax: Option<AmountIn>,
    /// Your own bank account that paid the invoice, by its name or id; left out: the gateway takes it from what it owes.
    paid_from: Option<String>,
}

/// Fees that a gateway charged apart from its payouts.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeChargeAnswer {
    id: FeeChargeId,
    #[schema(inline, value_type = FeeChargeObject)]
    object: &'static str,
    /// The gateway account's name.
    gateway_account: String,
    /// The gateway's own reference.
    reference: String,
    charged_at: DateTime<Utc>,
    fee: Money,
    tax: Money,
    /// How many captures it is for.
    captures: u32,
    /// Fee and tax that were accrued for them.
    accrued: Money,
    /// The charged fee beyond the accrued one, where that is rounding.
    rounding: Money,
    /// The same where the contract is not what was charged.
    drift: Money,
    /// The own bank account that paid it.
    #[schema(required)]
    paid_from: Option<BankAccountId>,
    /// The bank's line that debited it; `null` until a statement has it, and again once the bank took that back.
    #[schema(required)]
    bank_line: Option<BankLineId>,
    recorded_at: DateTime<Utc>,
}

fn answer(charge: FeeCharge) -> FeeChargeAnswer {
    FeeChargeAnswer {
        id: charge.id,
        object: "fee_charge",
        gateway_account: charge.gateway_account,
        reference: charge.reference,
        charged_at: charge.charged_at,
        fee: charge.fee,
        tax: charge.tax,
        captures: charge.captures,
        accrued: charge.accrued,
        rounding: charge.rounding,
        drift: charge.drift,
        paid_from: charge.paid_from,
        bank_line: charge.bank_line,
        recorded_at: charge.recorded_at,
    }
}

/// The merchant's fee charges, oldest first.
#[utoipa::path(get, path = "/v1/fee-charges", tag = "deposits", params(Paging), responses(
    (status = 200, description = "A page of fee charges", body = Page<FeeChargeAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let (limit, seek) = (paging.0.limit()?, paging.0.seek(wire::id)?);
    let found = service.store.fee_charges(caller.merchant(), seek, limit as i64 + 1).await?;
    crate::http::json(200, &Page::of(found.into_iter().map(answer).collect(), limit, &seek))
}

/// One fee charge.
#[utoipa::path(get, path = "/v1/fee-charges/{id}", tag = "deposits", params(("id" = inline(crate::ids::FeeChargeId), Path, example = "fch_01kb0000000000000000000000")), responses(
    (status = 200, description = "The fee charge", body = FeeChargeAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "fee charge")?;
    let found = service.store.fee_charge(caller.merchant(), id).await?;
    crate::http::json(200, &answer(found.ok_or_else(|| Problem::not_found("fee charge"))?.value))
}

/// Records what a gateway charged apart from its payouts: accrued fees are trued up to it. The same reference with the same
/// figures says nothing new. An invoice that an own account paid takes the debit out of suspense where the bank's statement
/// had it before, and one that is read later is known by the reference, or by its sum.
#[utoipa::path(post, path = "/v1/fee-charges", tag = "deposits", request_body = ReportFees, params(KeyHeader), responses(
    (status = 201, description = "The fee charge", body = FeeChargeAnswer)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<ReportFees>,
) -> Answer {
    let open = service.account_at(caller.merchant(), &body.value.gateway)?;
    let bytes = body.bytes.clone();
    let report = read(body.value, service.clock.now())?;
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &bytes };
    let named = format!("{}/{}", open.account.name, report.reference);
    let carry = async |claim: Claim| {
        let mut extra = caller.noted(&service, "fee_charge.recorded", named.clone(), report.fee);
        // The claim names the charge by its reference: its id may be an earlier report's.
        extra.claim(&claim, named.clone());
        let (deposits, account) = (service.deposits.clone(), open.account.clone());
        let work = tokio::spawn(async move { deposits.report_fees(&account, &report, extra).await });
        Ok(answer(work.await.map_err(Problem::internal)??))
    };
    let recall = async |resource: String| {
        let missing = || Problem::not_found("fee charge");
        let (account, reference) = resource.split_once('/').ok_or_else(missing)?;
        let found = service.store.fee_charge_by_reference(caller.merchant(), account, reference).await?;
        Ok(answer(found.ok_or_else(missing)?))
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

fn read(body: ReportFees, now: DateTime<Utc>) -> Answer<FeeReport> {
    let currency = body.currency.0;
    let money = |field: &'static str, amount: &AmountIn| {
        amount.in_currency(currency).map_err(|problem| problem.at(field))
    };
    if body.captures.len() > CAPTURES_MAX {
        let detail = format!("name at most {CAPTURES_MAX} captures, or none for all that are open");
        return Err(Problem::new(Code::InvalidParameter, detail).at("captures"));
    }
    let (mut captures, mut known) = (Vec::with_capacity(body.captures.len()), HashSet::new());
    for (index, reference) in body.captures.into_iter().enumerate() {
        let reference = wire::label(&format!("captures[{index}]"), reference)?;
        if !known.insert(reference.clone()) {
            let detail = format!("`{reference}` is named twice");
            return Err(Problem::new(Code::InvalidParameter, detail).at(format!("captures[{index}]")));
        }
        captures.push(reference);
    }
    if body.charged_at > now {
        return Err(Problem::new(Code::InvalidParameter, "that is in the future").at("charged_at"));
    }
    Ok(FeeReport {
        reference: wire::label("reference", body.reference)?,
        // As it is kept: what is told again is compared with that.
        at: body.charged_at.trunc_subsecs(6),
        captures,
        fee: money("fee", &body.fee)?,
        tax: body.tax.as_ref().map_or(Ok(Money::zero(currency)), |tax| money("tax", tax))?,
        paid_from: body.paid_from,
    })
}
