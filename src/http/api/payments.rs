//! `/v1/payments`, and the two doors through which gateways come: notices and returning shoppers.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::domain::fees::Bearer;
use crate::domain::fx::Quote;
use crate::domain::orders::{Customer, PaymentState};
use crate::domain::splits::{Item, PlatformFee, Split, Terms};
use crate::flows::pay::{PayError, PaymentView, Price, Start};
use crate::flows::price::{Pricing, QuoteAnswer, TokenNotTaken};
use crate::gateways::{RawNotification, ReturnParameters};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Notice, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{Foreign, Metadata, Payment, PaymentStateWord};
use crate::http::service::Service;
use crate::http::wire::{self, MoneyIn, Page, QuoteIn};
use crate::ids::PaymentId;
use crate::money::AllocationPolicy;
use crate::store::Change;
use crate::store::idempotency::Claim;
use crate::store::payments::PaymentFilter;

/// A payment to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "order_ref": "order-1001", "amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal",
    "splits": [{"supplier": "sup_01kb0000000000000000000000", "share": {"percent": "80"}}],
    "return_url": "https://shop.example/thanks"
}))]
pub struct CreatePayment {
    /// The merchant's order number, unique among living payments.
    #[schema(max_length = 127)]
    order_ref: String,
    /// What is to be paid; or `quote`.
    #[schema(value_type = Option<MoneyIn>)]
    amount: Option<MoneyIn>,
    /// A promised price, by a quote's id or by a token; or `amount`.
    #[schema(value_type = Option<String>, example = "quo_01kb0000000000000000000000")]
    quote: Option<QuoteIn>,
    /// The gateway, or one account there by name.
    gateway: String,
    /// The gateway's method, where it has several.
    method: Option<String>,
    /// Who gets what; none: all to the platform.
    #[serde(default)]
    splits: Vec<Split>,
    /// What was sold.
    #[serde(default)]
    items: Vec<Item>,
    /// Where the minor units go that rounding leaves over.
    #[serde(default)]
    split_policy: AllocationPolicy,
    /// Who bears the gateway's fee; without it, as each fee rule says.
    fee_bearer: Option<Bearer>,
    /// The platform's commission; without it, as the fee rules say.
    platform_fee: Option<PlatformFee>,
    /// The shopper, as far as the shop says.
    #[serde(default)]
    customer: Customer,
    /// Where the shopper goes in the end; one of the merchant's origins.
    return_url: Option<String>,
    /// The merchant's own notes: texts.
    #[serde(default)]
    #[schema(value_type = Option<Metadata>, nullable = false)]
    metadata: Map<String, Value>,
}

impl CreatePayment {
    async fn start(self, id: PaymentId, service: &Service, caller: &Caller) -> Answer<Start> {
        let price = match (self.amount, self.quote) {
            (Some(amount), None) => Price::Amount(amount.0),
            (None, Some(QuoteIn::Id(quote))) => Price::Quote(quote),
            (None, Some(QuoteIn::Token(token))) => {
                match service.pricing.accept_token(caller.merchant(), &token).await {
                    Ok(promised) => Price::Token(Box::new(promised)),
                    Err(refused) => return Err(not_taken(service, refused).await),
                }
            }
            _ => {
                let detail = "exactly one of `amount` and `quote` belongs here";
                return Err(Problem::new(Code::InvalidBody, detail).at("amount"));
            }
        };
        let terms = Terms {
            splits: self.splits,
            split_policy: self.split_policy,
            fee_bearer: self.fee_bearer,
            platform_fee: self.platform_fee,
            items: self.items,
        };
        check_metadata(&self.metadata)?;
        let method = self.method.map(|method| wire::label("method", method)).transpose()?;
        for (param, text) in
            [("customer.phone", &self.customer.phone), ("customer.ref", &self.customer.reference)]
        {
            text.clone().map(|text| wire::label(param, text)).transpose()?;
        }
        Ok(Start {
            id,
            order_ref: self.order_ref,
            price,
            gateway: self.gateway,
            method,
            terms: serde_json::to_value(terms).map_err(Problem::internal)?,
            customer: self.customer,
            return_url: self.return_url,
            metadata: Value::Object(self.metadata),
        })
    }
}

/// At most 50 texts of at most 500 characters under names of at most 40.
fn check_metadata(metadata: &Map<String, Value>) -> Answer<()> {
    let fits = |(name, value): (&String, &Value)| {
        name.chars().count() <= 40 && value.as_str().is_some_and(|text| text.chars().count() <= 500)
    };
    if metadata.len() <= 50 && metadata.iter().all(fits) {
        return Ok(());
    }
    let detail = "at most 50 texts of at most 500 characters, under names of at most 40, belong here";
    Err(Problem::new(Code::InvalidBody, detail).at("metadata"))
}

/// Starts a payment. With the same `Idempotency-Key` and body it answers the same.
#[utoipa::path(post, path = "/v1/payments", tag = "payments", request_body = CreatePayment,
    params(KeyHeader),
    responses((status = 201, description = "The payment and what the shopper does next", body = Payment)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<CreatePayment>,
) -> Answer {
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let start = body.value.start(service.ids.mint(), &service, &caller).await?;
        let price = start.price.clone();
        let view = carry_out(&service, &caller, start, claim).await;
        match view {
            Ok(view) => Ok(view),
            Err(error) => Err(refused(&service, &caller, price, error).await),
        }
    };
    let recall = async |resource: String| {
        let id = wire::id("id", &resource)?;
        Ok(service.pay.get(caller.merchant(), id).await?)
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

/// In a task of its own: a caller who hangs up does not stop a payment halfway.
async fn carry_out(
    service: &web::Data<Service>,
    caller: &Caller,
    start: Start,
    claim: Claim,
) -> Result<PaymentView, PayError> {
    let (service, merchant) = (service.clone(), caller.merchant());
    let work = tokio::spawn(async move {
        let merchant = service.store.merchant(merchant).await?.ok_or(PayError::UnknownPayment)?;
        let mut extra = Change::new();
        extra.claim(&claim, start.id);
        service.pay.start(&merchant, start, extra).await
    });
    work.await.unwrap_or_else(|error| Err(PayError::Unavailable(error.to_string())))
}

/// A refusal with what helps: an expired quote comes with a fresh one.
async fn refused(service: &Service, caller: &Caller, price: Price, error: PayError) -> Problem {
    let expired = matches!(error, PayError::QuoteExpired { .. });
    let problem = Problem::from(error);
    match expired.then_some(price) {
        Some(price) => match fresh_quote(service, caller, price).await {
            Some(quote) => problem.with("quote", quote),
            None => problem,
        },
        None => problem,
    }
}

/// The same of a token: one whose price has changed comes with a fresh quote.
async fn not_taken(service: &Service, refused: TokenNotTaken) -> Problem {
    let words = refused.to_string();
    match refused {
        TokenNotTaken::Refused(refused) => refused.into(),
        TokenNotTaken::Price(error) => error.into(),
        TokenNotTaken::PriceChanged { promised } => {
            let problem = Problem::new(Code::QuotePriceChanged, words).at("quote");
            match promised_anew(service, &promised).await {
                Some(quote) => problem.with("quote", quote),
                None => problem,
            }
        }
    }
}

async fn fresh_quote(service: &Service, caller: &Caller, price: Price) -> Option<QuoteAnswer> {
    let old = match price {
        Price::Amount(_) => return None,
        Price::Quote(id) => service.pricing.quote(caller.merchant(), id).await.ok()??,
        Price::Token(promised) => *promised,
    };
    promised_anew(service, &old).await
}

async fn promised_anew(service: &Service, old: &Quote) -> Option<QuoteAnswer> {
    let again = Pricing::again(old, service.accounts_of(old.merchant));
    service.pricing.promise(&again, Change::new()).await.ok()
}

/// Which payments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Only the payments of this order.
    order_ref: Option<String>,
    /// Only payments in this state.
    #[param(inline, value_type = Option<PaymentStateWord>, example = "captured")]
    state: Option<String>,
    /// Only payments at this gateway.
    #[param(example = "paypal")]
    gateway: Option<String>,
    /// Made at or after this moment.
    #[serde(rename = "created[gte]")]
    #[param(format = DateTime, example = "2026-11-23T00:00:00Z")]
    created_from: Option<String>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's payments, newest first.
#[utoipa::path(get, path = "/v1/payments", tag = "payments", params(ListParameters), responses((status = 200, description = "A page of payments", body = Page<Payment>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<ListParameters>) -> Answer {
    let query = query.0;
    let limit = wire::limit(query.limit.as_deref())?;
    let (starting_after, ending_before) = (query.starting_after.clone(), query.ending_before.clone());
    let seek = Paging { limit: None, starting_after, ending_before }.seek(wire::id)?;
    let from = query.created_from.as_deref().map(|text| {
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
        at.map_err(|_| {
            Problem::new(Code::InvalidParameter, "a moment is written 2026-11-23T00:00:00Z")
                .at("created[gte]")
        })
    });
    if let Some(unknown) = query.state.as_deref().filter(|state| !PaymentState::WORDS.contains(state)) {
        let detail = format!("`{unknown}` is none of {}", PaymentState::WORDS.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail).at("state"));
    }
    let filter = PaymentFilter {
        order_ref: query.order_ref.clone(),
        state: query.state.clone(),
        gateway: query.gateway.clone(),
        created_from: from.transpose()?,
        starting_after: seek.key().copied().filter(|_| !seek.is_backwards()),
        ending_before: seek.key().copied().filter(|_| seek.is_backwards()),
        limit: u32::try_from(limit).unwrap_or(100),
    };
    let (payments, has_more) = service.pay.list(caller.merchant(), &filter).await?;
    crate::http::json(200, &Page::whole(payments, has_more))
}

/// One payment with its timeline. Where it is open and has not been asked about for a while, its gateway is asked on this
/// occasion; the answer does not wait for that longer than a moment.
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "payments", params(("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = Payment)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "payment")?;
    crate::http::json(200, &service.pay.look(caller.merchant(), id).await?)
}

/// Asks the gateway now.
#[utoipa::path(post, path = "/v1/payments/{id}/sync", tag = "payments", params(("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = Payment)))]
pub async fn sync(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "payment")?;
    let (pay, merchant) = (service.pay.clone(), caller.merchant());
    let view = tokio::spawn(async move { pay.sync(merchant, id).await }).await.map_err(Problem::internal)?;
    crate::http::json(200, &view?)
}

/// Calls the payment off before money is taken.
#[utoipa::path(post, path = "/v1/payments/{id}/cancel", tag = "payments", params(("id" = inline(crate::ids::PaymentId), Path, example = "pay_01kb0000000000000000000000")), responses((status = 200, description = "The payment", body = Payment)))]
pub async fn cancel(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "payment")?;
    let (pay, merchant) = (service.pay.clone(), caller.merchant());
    let extra = caller.noted(&service, "payment.cancelled", id, "");
    let work = tokio::spawn(async move { pay.cancel(merchant, id, extra).await });
    let view = work.await.map_err(Problem::internal)?;
    crate::http::json(200, &view?)
}

/// A gateway's notice, at the one address for all of its accounts.
#[utoipa::path(post, path = "/v1/notifications/{gateway}", tag = "gateways", params(("gateway" = String, Path, example = "paypal")), request_body(content = Foreign, content_type = "application/json", description = "As the gateway signs it", example = json!({"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED"})), responses(
    (status = 200, description = "Kept; in the gateway's own words", body = Foreign, example = json!({})),
    (status = 401, description = "Not signed by the gateway; in the gateway's own words", body = Foreign, example = json!({}))))]
pub async fn notify(
    service: web::Data<Service>,
    request: HttpRequest,
    gateway: web::Path<String>,
    body: Notice,
) -> Answer {
    hear(&service, &request, &gateway, None, &body).await
}

/// The same for one account.
#[utoipa::path(post, path = "/v1/notifications/{gateway}/{account}", tag = "gateways", params(("gateway" = String, Path, example = "grabpay"), ("account" = String, Path, example = "grabpay-sg")), request_body(content = Foreign, content_type = "application/json", description = "As the gateway signs it", example = json!({"txType": "PAYMENT"})), responses(
    (status = 200, description = "Kept; in the gateway's own words", body = Foreign, example = json!({})),
    (status = 401, description = "Not signed by the gateway; in the gateway's own words", body = Foreign, example = json!({}))))]
pub async fn notify_account(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: Notice,
) -> Answer {
    let (gateway, account) = path.into_inner();
    hear(&service, &request, &gateway, Some(&account), &body).await
}

/// Taken in as the bytes in flight allow it: a flood waits its turn, no verified gateway is told to slow down.
async fn hear(
    service: &web::Data<Service>,
    request: &HttpRequest,
    gateway: &str,
    account: Option<&str>,
    body: &Notice,
) -> Answer {
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let raw = RawNotification {
        method: request.method().as_str(),
        path_and_query: request.uri().path_and_query().map_or("/", |path| path.as_str()),
        headers: &headers,
        body: &body.bytes,
        received_at: service.clock.wall(),
    };
    let arrived = match service.pay.hear(gateway, account, &raw).await {
        Err(PayError::UnknownGateway(_)) => return Err(Problem::not_found("gateway")),
        heard => heard?,
    };
    let status = StatusCode::from_u16(arrived.reply.status).map_err(Problem::internal)?;
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, arrived.reply.content_type))
        .body(arrived.reply.body))
}

/// Where a shopper came back to who has no shop to go to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"payment": "pay_01kb0000000000000000000000", "state": "captured"}))]
pub struct Landed {
    payment: PaymentId,
    #[schema(value_type = PaymentStateWord)]
    state: &'static str,
}

/// The shopper's way back from a gateway.
#[utoipa::path(get, path = "/v1/returns/{gateway}", tag = "gateways", params(("gateway" = String, Path, example = "paypal")), responses(
    (status = 200, description = "The payment named no return address", body = Landed),
    (status = 303, description = "On to the shop, with `payment` and `state` added")))]
pub async fn come_back(
    service: web::Data<Service>,
    request: HttpRequest,
    gateway: web::Path<String>,
) -> Answer {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned();
    let parameters = ReturnParameters(pairs.collect());
    let pay = service.pay.clone();
    let work = tokio::spawn(async move { pay.come_back(&gateway, &parameters).await });
    let landing = work.await.map_err(Problem::internal)??;
    match landing.location {
        Some(location) => Ok(HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()),
        None => crate::http::json(200, &Landed { payment: landing.payment, state: landing.state }),
    }
}
