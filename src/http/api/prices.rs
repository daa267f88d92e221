//! `/v1/rates`, `/v1/prices`, `/v1/quotes`: what a shop window asks.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, HeaderValue, VARY};
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::fx::{Country, Lock, PriceRounding, Shopper};
use crate::flows::price::{
    Item, PricesAnswer, PricesQuestion, QuoteAnswer, QuoteQuestion, RatesAnswer, RatesQuestion,
};
use crate::geo::edge_country;
use crate::http::caller::{Caller, client};
use crate::http::extract::{Json, Query};
use crate::http::idempotent::{self, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire::{self, AmountIn, CurrencyIn, MoneyIn};
use crate::ids::QuoteId;
use crate::money::{Currency, Money};
use crate::store::Change;
use crate::store::idempotency::Claim;

/// Which rates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RatesParameters {
    /// One unit of this.
    #[param(inline, value_type = Currency, example = "USD")]
    base: CurrencyIn,
    /// In these, separated by commas; without it, every currency that has a rate.
    #[param(pattern = "^[A-Z]{3}(,[A-Z]{3})*$", example = "SGD,THB")]
    quotes: Option<String>,
    /// The last publication on or before this day.
    #[param(format = Date, example = "2026-10-30")]
    date: Option<String>,
}

/// Rates of one base currency.
#[utoipa::path(get, path = "/v1/rates", tag = "prices", params(RatesParameters), responses((status = 200, description = "The rates", body = RatesAnswer)))]
pub async fn rates(service: web::Data<Service>, _caller: Caller, query: Query<RatesParameters>) -> Answer {
    let query = query.0;
    let quotes = query.quotes.as_deref().unwrap_or_default().split(',').filter(|code| !code.is_empty());
    // A past day knows currencies that are no more.
    let find = if query.date.is_some() { Currency::find_ever } else { Currency::find };
    let quotes = quotes
        .map(|code| {
            find(code).map_err(|error| Problem::new(Code::UnknownCurrency, error.to_string()).at("quotes"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let date = query.date.as_deref().map(|text| read_date("date", text)).transpose()?;
    let answer = service.pricing.list_rates(&RatesQuestion { base: query.base.0, quotes, date })?;
    crate::http::json(200, &answer)
}

/// A day, `2026-10-30`.
///
/// # Errors
/// `invalid_parameter` at `param`.
pub fn read_date(param: &str, text: &str) -> Answer<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| Problem::new(Code::InvalidParameter, "a date is written 2026-10-30").at(param))
}

/// One price.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PriceParameters {
    /// The shop's own price.
    #[param(inline, value_type = AmountIn, example = "19.90")]
    amount: AmountIn,
    /// Its currency.
    #[param(inline, value_type = Currency, example = "USD")]
    currency: CurrencyIn,
    /// The currency to show; always wins.
    #[param(inline, value_type = Option<Currency>, example = "THB")]
    to: Option<CurrencyIn>,
    /// The shopper's country.
    #[param(pattern = "^[A-Z]{2}$", example = "TH")]
    country: Option<String>,
    /// The shopper's address; from secret keys only.
    ip: Option<String>,
    /// How to write amounts.
    #[param(example = "th")]
    locale: Option<String>,
    /// `exact`, `step` or `charm`.
    #[param(inline, example = "exact")]
    rounding: Option<PriceRounding>,
}

/// Up to a thousand prices on one rate snapshot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"items": [{"sku": "mug-1", "amount": "19.90", "currency": "USD"}], "country": "TH"}))]
pub struct PricesBody {
    items: Vec<PricesItem>,
    #[schema(value_type = Option<Currency>)]
    to: Option<CurrencyIn>,
    country: Option<String>,
    /// From secret keys only.
    ip: Option<String>,
    locale: Option<String>,
    rounding: Option<PriceRounding>,
}

/// One item of a price question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricesItem {
    sku: Option<String>,
    #[schema(value_type = AmountIn)]
    amount: AmountIn,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
}

/// One price in the shopper's currency.
#[utoipa::path(get, path = "/v1/prices", tag = "prices", params(PriceParameters), responses((status = 200, description = "The price", body = PricesAnswer)))]
pub async fn price(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    query: Query<PriceParameters>,
) -> Answer {
    let query = query.0;
    let price = query.amount.in_currency(query.currency.0).map_err(|problem| problem.at("amount"))?;
    let asked = Asked { to: query.to, country: query.country, ip: query.ip, locale: query.locale };
    answer(&service, &caller, &request, vec![Item { sku: None, price }], asked, query.rounding)
}

/// Many prices in the shopper's currency.
#[utoipa::path(post, path = "/v1/prices", tag = "prices", request_body = PricesBody, responses((status = 200, description = "The prices", body = PricesAnswer)))]
pub async fn prices(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<PricesBody>,
) -> Answer {
    let body = body.value;
    let mut items = vec![];
    for (index, item) in body.items.into_iter().enumerate() {
        let price = item.amount.in_currency(item.currency.0);
        let price = price.map_err(|problem| problem.at(format!("items[{index}].amount")))?;
        items.push(Item { sku: item.sku, price });
    }
    let asked = Asked { to: body.to, country: body.country, ip: body.ip, locale: body.locale };
    answer(&service, &caller, &request, items, asked, body.rounding)
}

/// What a question says about the shopper.
struct Asked {
    to: Option<CurrencyIn>,
    country: Option<String>,
    ip: Option<String>,
    locale: Option<String>,
}

fn answer(
    service: &Service,
    caller: &Caller,
    request: &HttpRequest,
    items: Vec<Item>,
    asked: Asked,
    rounding: Option<PriceRounding>,
) -> Answer {
    let country = asked.country.as_deref().map(Country::find).transpose();
    let country =
        country.map_err(|error| Problem::new(Code::InvalidParameter, error.to_string()).at("country"))?;
    let peer = request.peer_addr().map(|peer| peer.ip());
    let address = address(service, caller, request, asked.ip.as_deref())?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let edge = peer.and_then(|peer| edge_country(peer, header("cf-ipcountry"), &service.trusted));
    let shopper = Shopper {
        currency: asked.to.map(|currency| currency.0),
        country,
        edge: edge.filter(|_| asked.ip.is_none() || !caller.is_secret()),
        located: address.and_then(|address| service.geo.country_of(address)),
        accept_language: header(ACCEPT_LANGUAGE.as_str()),
        locale: asked.locale.as_deref(),
    };
    let answer = service.pricing.localise(&PricesQuestion { items, shopper, rounding })?;
    let mut response = crate::http::json(200, &answer)?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    headers.insert(VARY, HeaderValue::from_static("Authorization, Accept-Language, X-Forwarded-For, Origin"));
    Ok(response)
}

/// The shopper's address: what a secret key says, else the peer behind trusted proxies.
fn address(
    service: &Service,
    caller: &Caller,
    request: &HttpRequest,
    asked: Option<&str>,
) -> Answer<Option<IpAddr>> {
    if let Some(text) = asked.filter(|_| caller.is_secret()) {
        let address = text.parse();
        return address
            .map(Some)
            .map_err(|_| Problem::new(Code::InvalidParameter, "`ip` is no address").at("ip"));
    }
    Ok(client(service, request.peer_addr(), request.headers()))
}

/// A price to promise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": {"amount": "19.90", "currency": "USD"}, "to": "THB", "lock": "30m"}))]
pub struct QuoteBody {
    #[schema(value_type = Option<MoneyIn>)]
    from: Option<MoneyIn>,
    /// Instead of `from`: units, each converted and rounded by itself.
    #[schema(value_type = Option<Vec<MoneyIn>>)]
    items: Option<Vec<MoneyIn>>,
    #[schema(value_type = Currency)]
    to: CurrencyIn,
    /// How long it stands; without it, as configured.
    lock: Option<Lock>,
    /// Marks the quote indicative where this gateway cannot charge it.
    gateway: Option<String>,
    /// `stored` (the default), or `token`: nothing is stored, and the answer's `token` stands for the quote.
    #[serde(default)]
    form: QuoteForm,
    /// Whether a token pays more than once, as a page in a cache needs; by default it pays once.
    #[serde(default)]
    reusable: bool,
}

/// How a promise is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuoteForm {
    /// By us.
    #[default]
    Stored,
    /// By whoever has the token.
    Token,
}

/// Promises a price.
#[utoipa::path(post, path = "/v1/quotes", tag = "prices", params(KeyHeader), request_body = QuoteBody, responses((status = 201, description = "The quote", body = QuoteAnswer)))]
pub async fn quote(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<QuoteBody>,
) -> Answer {
    let asked =
        idempotent::Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let (form, reusable) = (body.value.form, body.value.reusable);
    let carry = async |claim: Claim| {
        if reusable && form == QuoteForm::Stored {
            let detail = "a stored quote pays once; `reusable` belongs to `\"form\": \"token\"`";
            return Err(Problem::new(Code::InvalidBody, detail).at("reusable"));
        }
        let question = question(&service, &caller, body.value)?;
        let id = service.ids.mint();
        let mut with = Change::new();
        with.claim(&claim, id);
        match form {
            QuoteForm::Stored => Ok(service.pricing.promise_as(id, &question, with).await?),
            QuoteForm::Token => {
                let answer = service.pricing.promise_by_token(id, &question, reusable)?;
                service.store.commit(with).await?;
                Ok(answer)
            }
        }
    };
    let recall = async |resource: String| {
        let id = wire::id("id", &resource)?;
        match form {
            QuoteForm::Stored => shown(&service, &caller, id).await,
            // The token that nobody received is made anew under its id: together they still pay once.
            QuoteForm::Token => {
                let again = serde_json::from_slice(&body.bytes).map_err(Problem::internal)?;
                Ok(service.pricing.promise_by_token(id, &question(&service, &caller, again)?, reusable)?)
            }
        }
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

fn question(service: &Service, caller: &Caller, body: QuoteBody) -> Answer<QuoteQuestion> {
    let units: Vec<Money> = match (body.from, body.items) {
        (Some(from), None) => vec![from.0],
        (None, Some(items)) => items.iter().map(|item| item.0).collect(),
        _ => {
            return Err(
                Problem::new(Code::InvalidBody, "exactly one of `from` and `items` belongs here").at("from")
            );
        }
    };
    let account = body.gateway.map(|name| service.account_at(caller.merchant(), &name)).transpose()?;
    Ok(QuoteQuestion {
        merchant: caller.merchant(),
        units,
        to: body.to.0,
        lock: body.lock,
        chargeable_at: service.chargeable_at(caller.merchant(), body.to.0),
        gateway: account.map(|open| open.account.gateway.clone()),
    })
}

/// One quote as it stands.
#[utoipa::path(get, path = "/v1/quotes/{id}", tag = "prices", params(("id" = inline(crate::ids::QuoteId), Path, example = "quo_01kb0000000000000000000000")), responses((status = 200, description = "The quote", body = QuoteAnswer)))]
pub async fn show_quote(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "quote")?;
    crate::http::json(200, &shown(&service, &caller, id).await?)
}

async fn shown(service: &Service, caller: &Caller, id: QuoteId) -> Answer<QuoteAnswer> {
    let quote = service.pricing.quote(caller.merchant(), id).await?;
    let quote = quote.ok_or_else(|| Problem::not_found("quote"))?;
    let chargeable = service.chargeable_at(caller.merchant(), quote.to.currency());
    Ok(QuoteAnswer::of(&quote, chargeable, service.clock.now()))
}
