//! `/v1/rates`, `/v1/prices`, `/v1/quotes`: what a shop window asks.

use std::net::IpAddr;

use actix_web::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, HeaderValue, VARY};
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::fx::{Country, Lock, PriceRounding, Shopper};
use crate::flows::price::{
    Item, PricesAnswer, PricesQuestion, QuoteAnswer, QuoteQuestion, RatesAnswer, RatesQuestion,
};
use crate::geo::EdgeCountry;
use crate::http::caller::{Caller, client};
use crate::http::extract::{Json, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire::{self, AmountIn, CurrencyIn, MoneyIn};
use crate::money::{Currency, Money};
use crate::store::Change;

/// Which rates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RatesParameters {
    /// One unit of this.
    #[param(value_type = String, example = "USD")]
    base: CurrencyIn,
    /// In these, separated by commas; without it, every currency that has a rate.
    #[param(example = "SGD,THB")]
    quotes: Option<String>,
    /// The last publication on or before this day.
    #[param(example = "2026-10-30")]
    date: Option<String>,
}

/// Rates of one base currency.
#[utoipa::path(get, path = "/v1/rates", tag = "prices", params(RatesParameters), responses((status = 200, description = "The rates", body = RatesAnswer)))]
pub async fn rates(service: web::Data<Service>, _caller: Caller, query: Query<RatesParameters>) -> Answer {
    let query = query.0;
    let quotes = query.quotes.as_deref().unwrap_or_default().split(',').filter(|code| !code.is_empty());
    let quotes = quotes
        .map(|code| {
            Currency::find(code)
                .map_err(|error| Problem::new(Code::UnknownCurrency, error.to_string()).at("quotes"))
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
    #[param(value_type = String, example = "19.90")]
    amount: AmountIn,
    /// Its currency.
    #[param(value_type = String, example = "USD")]
    currency: CurrencyIn,
    /// The currency to show; always wins.
    #[param(value_type = Option<String>, example = "THB")]
    to: Option<CurrencyIn>,
    /// The shopper's country.
    #[param(value_type = Option<String>, example = "TH")]
    country: Option<String>,
    /// The shopper's address; from secret keys only.
    ip: Option<String>,
    /// How to write amounts.
    #[param(example = "th")]
    locale: Option<String>,
    /// `exact`, `step` or `charm`.
    #[param(value_type = Option<String>, example = "exact")]
    rounding: Option<PriceRounding>,
}

/// Up to a thousand prices on one rate snapshot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"items": [{"sku": "mug-1", "amount": "19.90", "currency": "USD"}], "country": "TH"}))]
pub struct PricesBody {
    items: Vec<PricesItem>,
    #[schema(value_type = Option<String>)]
    to: Option<CurrencyIn>,
    country: Option<String>,
    /// From secret keys only.
    ip: Option<String>,
    locale: Option<String>,
    #[schema(value_type = Option<String>)]
    rounding: Option<PriceRounding>,
}

/// One item of a price question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricesItem {
    sku: Option<String>,
    #[schema(value_type = String)]
    amount: AmountIn,
    #[schema(value_type = String)]
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
    let address = address(service, caller, request, asked.ip.as_deref())?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    // A secret key that names an address speaks of somebody else than the request came from.
    let spoken_for = asked.ip.is_some() && caller.is_secret();
    let edge = if spoken_for { EdgeCountry::Unknown } else { edge(service, request) };
    let hidden = edge == EdgeCountry::Anonymous && !service.geo.believes_anonymous();
    let shopper = Shopper {
        currency: asked.to.map(|currency| currency.0),
        country,
        edge: edge.country(),
        located: address.filter(|_| !hidden).and_then(|address| service.geo.country_of(address)),
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

/// What a trusted edge says about the country.
fn edge(service: &Service, request: &HttpRequest) -> EdgeCountry {
    let (Some(peer), Some(name)) = (request.peer_addr(), service.proxies.country_header()) else {
        return EdgeCountry::Unknown;
    };
    let lines: Vec<&[u8]> = request.headers().get_all(name).map(HeaderValue::as_bytes).collect();
    service.proxies.edge_country(peer.ip(), &lines)
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
    #[schema(value_type = String)]
    to: CurrencyIn,
    #[schema(value_type = Option<String>)]
    lock: Option<Lock>,
    /// Marks the quote indicative where this gateway cannot charge it.
    gateway: Option<String>,
}

/// Promises a price.
#[utoipa::path(post, path = "/v1/quotes", tag = "prices", request_body = QuoteBody, responses((status = 201, description = "The quote", body = QuoteAnswer)))]
pub async fn quote(service: web::Data<Service>, caller: Caller, body: Json<QuoteBody>) -> Answer {
    let body = body.value;
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
    let question = QuoteQuestion {
        merchant: caller.merchant(),
        units,
        to: body.to.0,
        lock: body.lock,
        chargeable_at: service.chargeable_at(caller.merchant(), body.to.0),
        gateway: account.map(|open| open.account.gateway.clone()),
    };
    crate::http::json(201, &service.pricing.promise(&question, Change::new()).await?)
}

/// One quote as it stands.
#[utoipa::path(get, path = "/v1/quotes/{id}", tag = "prices", params(("id" = String, Path, example = "quo_01kb0000000000000000000000")), responses((status = 200, description = "The quote", body = QuoteAnswer)))]
pub async fn show_quote(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "quote")?;
    let quote = service.pricing.quote(caller.merchant(), id).await?;
    let quote = quote.ok_or_else(|| Problem::not_found("quote"))?;
    let chargeable = service.chargeable_at(caller.merchant(), quote.to.currency());
    crate::http::json(200, &QuoteAnswer::of(&quote, chargeable, service.clock.now()))
}
