//! `/v1/rates`, `/v1/prices`: what a shop window asks.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderValue};
use actix_web::{HttpRequest, web};
use chrono::{DateTime, NaiveDate};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::fx::{Country, CurrencyMark, Locale, PriceRounding, Shopper};
use crate::flows::price::{Item, PricesAnswer, PricesQuestion, RatesAnswer, RatesQuestion};
use crate::geo::EdgeCountry;
use crate::http::caching::{self, Dependence, KeyUse, Tag};
use crate::http::caller::{Caller, client};
use crate::http::extract::{FlatJson, Query};
use crate::http::priced;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire::{AmountIn, AmountText, CurrencyIn, Text};
use crate::money::{Currency, Money};

/// Which rates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RatesParameters {
    /// One unit of this; with `date` also a currency that is no more.
    #[param(pattern = "^[A-Z]{3}$", example = "USD")]
    base: String,
    /// In these, separated by commas; without it, every currency that has a rate, but for those whose source has spoken of
    /// others for more than a week since.
    #[param(pattern = "^[A-Z]{3}(,[A-Z]{3})*$", example = "SGD,THB")]
    quotes: Option<String>,
    /// Each currency's last rate on or before this day; `stale` where newer ones should have been there by its end.
    #[param(format = Date, example = "2026-10-30")]
    date: Option<String>,
}

/// Rates of one base currency.
///
/// The answer may be kept until new rates are due: by shared caches where the key is publishable. `age_s` is the age at
/// the moment of the answer; it does not change the `ETag`.
#[utoipa::path(get, path = "/v1/rates", tag = "prices", params(RatesParameters), responses(
    (status = 200, description = "The rates", body = RatesAnswer,
        headers(("ETag" = String, description = "For If-None-Match"), ("Cache-Control" = String), ("Vary" = String))),
    (status = 304, description = "Nothing changed since the answer with that ETag")))]
pub async fn rates(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    query: Query<RatesParameters>,
) -> Answer {
    let query = query.0;
    let quotes = query.quotes.as_deref().unwrap_or_default().split(',').filter(|code| !code.is_empty());
    // A past day knows currencies that are no more.
    let find = if query.date.is_some() { Currency::find_ever } else { Currency::find };
    let quotes = quotes
        .map(|code| {
            find(code).map_err(|error| Problem::new(Code::UnknownCurrency, error.to_string()).at("quotes"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let base = find(&query.base)
        .map_err(|error| Problem::new(Code::UnknownCurrency, error.to_string()).at("base"))?;
    let date = query.date.as_deref().map(|text| read_date("date", text)).transpose()?;
    let answer = service.pricing.list_rates(&RatesQuestion { base, quotes, date })?;
    let body = serde_json::to_vec(&answer).map_err(Problem::internal)?;
    let tag = rates_tag(answer).map_err(Problem::internal)?;
    // Everything stands in the URL.
    let dependence = Dependence {
        key: Some(key_use(&caller)),
        currency_given: true,
        country_given: true,
        locale_given: true,
    };
    let fresh = service.pricing.rates.fresh_for().unwrap_or(Duration::MAX);
    Ok(caching::kept(&service, &request, "application/json", body, tag, dependence, fresh))
}

/// Of all but the ages, which grow by themselves, and the times of what is true at any moment: pegs, the base itself.
fn rates_tag(mut answer: RatesAnswer) -> serde_json::Result<Tag> {
    if answer.rates.iter().all(|rate| rate.age_s == 0) {
        answer.as_of = None;
    }
    for rate in &mut answer.rates {
        if rate.age_s == 0 {
            (rate.as_of, rate.fetched_at) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        }
        rate.age_s = 0;
    }
    serde_json::to_vec(&answer).map(|said| Tag::weak(&said))
}

fn key_use(caller: &Caller) -> KeyUse {
    if caller.is_secret() { KeyUse::Secret } else { KeyUse::Publishable }
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
    /// The article: what the price book fixes for it is shown as it is.
    #[param(example = "mug-1")]
    sku: Option<String>,
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
    /// `exact`, `step`, `charm` or `cash`.
    #[param(inline, example = "exact")]
    rounding: Option<PriceRounding>,
    /// How the currency is named: `symbol`, `narrow` or `code`.
    #[param(inline, example = "symbol")]
    symbol: Option<CurrencyMark>,
}

/// Up to a thousand prices on one rate snapshot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"items": [{"sku": "mug-1", "amount": "19.90", "currency": "USD"}], "country": "TH"}))]
pub struct PricesBody<'a> {
    #[serde(borrow)]
    items: Vec<PricesItem<'a>>,
    #[schema(value_type = Option<Currency>)]
    to: Option<CurrencyIn>,
    country: Option<String>,
    /// From secret keys only.
    ip: Option<String>,
    locale: Option<String>,
    rounding: Option<PriceRounding>,
    /// How the currency is named in `text`.
    symbol: Option<CurrencyMark>,
}

/// One item of a price question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricesItem<'a> {
    /// The shop's own name: what the price book fixes for it is shown as it is.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    sku: Option<Text<'a>>,
    #[serde(borrow)]
    #[schema(value_type = AmountIn)]
    amount: AmountText<'a>,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
}

/// One price in the shopper's currency.
///
/// A storefront asks from the browser with a publishable key, whose origins the key names:
///
/// ```js
/// const answer = await fetch(`${url}/v1/prices?amount=19.90&currency=USD&to=THB&country=TH&locale=th`, {
///   headers: { Authorization: `Bearer ${key}` },
/// });
/// if (!answer.ok) throw new Error((await answer.json()).detail);
/// const { items } = await answer.json();
/// console.log(items[0].text, items[0].price);
/// ```
///
/// With currency and country in the URL the answer to a publishable key is `public` and may be kept by shared caches, at
/// most until new rates are due; with the caller's address in it, it is `private`. Prices are shown as the shop gives
/// them, tax included or not: tax is the shop's matter.
#[utoipa::path(get, path = "/v1/prices", tag = "prices", params(PriceParameters), responses(
    (status = 200, description = "The price", body = PricesAnswer<'static>,
        headers(("ETag" = String, description = "For If-None-Match"), ("Cache-Control" = String), ("Vary" = String))),
    (status = 304, description = "Nothing changed since the answer with that ETag")))]
pub async fn price(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    query: Query<PriceParameters>,
) -> Answer {
    let query = query.0;
    let price = query.amount.in_currency(query.currency.0).map_err(|problem| problem.at("amount"))?;
    let asked = Asked { to: query.to, country: query.country, ip: query.ip, locale: query.locale };
    let dependence = Dependence {
        key: Some(key_use(&caller)),
        currency_given: asked.to.is_some(),
        country_given: asked.country.is_some(),
        locale_given: asked.locale.as_deref().and_then(Locale::find).is_some(),
    };
    let items = vec![Item { sku: query.sku.map(Cow::Owned), price }];
    let mark = query.symbol.unwrap_or_default();
    let answer = shown(&service, &caller, &request, items, &asked, query.rounding, mark).await?;
    let fresh = service.prices_fresh_for(answer.fixed_until);
    let body = priced::written(answer).map_err(Problem::internal)?;
    let tag = Tag::exact(&body);
    Ok(caching::kept(&service, &request, "application/json", body, tag, dependence, fresh))
}

/// Many prices in the shopper's currency, all on one set of rates.
#[utoipa::path(post, path = "/v1/prices", tag = "prices", request_body = PricesBody<'static>, responses((status = 200, description = "The prices", body = PricesAnswer<'static>)))]
pub async fn prices(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: FlatJson,
) -> Answer {
    let body: PricesBody<'_> = body.read()?;
    let mut items = Vec::with_capacity(body.items.len());
    for (index, item) in body.items.into_iter().enumerate() {
        let price = Money::parse(&item.amount.0.0, item.currency.0);
        let price = price.map_err(|error| Problem::from(error).at(format!("items[{index}].amount")))?;
        items.push(Item { sku: item.sku.map(|sku| sku.0), price });
    }
    let asked = Asked { to: body.to, country: body.country, ip: body.ip, locale: body.locale };
    let mark = body.symbol.unwrap_or_default();
    let answer = shown(&service, &caller, &request, items, &asked, body.rounding, mark).await?;
    crate::http::json_text(200, priced::written(answer).map_err(Problem::internal)?)
}

/// What a question says about the shopper.
pub(super) struct Asked {
    pub to: Option<CurrencyIn>,
    pub country: Option<String>,
    pub ip: Option<String>,
    pub locale: Option<String>,
}

impl Asked {
    /// Who is looking, from the question and from where it came.
    pub fn shopper<'a>(
        &'a self,
        service: &Service,
        request: &'a HttpRequest,
        edge: Option<Country>,
        address: Option<IpAddr>,
    ) -> Answer<Shopper<'a>> {
        let country = self.country.as_deref().map(Country::find).transpose();
        let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Shopper {
            currency: self.to.map(|currency| currency.0),
            country: country
                .map_err(|error| Problem::new(Code::InvalidParameter, error.to_string()).at("country"))?,
            edge,
            located: address.and_then(|address| service.geo.country_of(address)),
            accept_language: accepted,
            locale: self.locale.as_deref(),
        })
    }
}

/// The country a trusted edge names, and the shopper's address: what a secret key says (then the edge's country is the
/// server's, and left out), else the peer behind trusted proxies; of somebody who hides, neither.
pub(super) fn edge_and_address(
    service: &Service,
    request: &HttpRequest,
    told: Option<&str>,
) -> Answer<(Option<Country>, Option<IpAddr>)> {
    if let Some(text) = told {
        let address = text.parse();
        let refuse = |_| Problem::new(Code::InvalidParameter, "`ip` is no address").at("ip");
        return Ok((None, Some(address.map_err(refuse)?)));
    }
    let edge = match (request.peer_addr(), service.proxies.country_header()) {
        (Some(peer), Some(name)) => {
            let lines: Vec<&[u8]> = request.headers().get_all(name).map(HeaderValue::as_bytes).collect();
            service.proxies.edge_country(peer.ip(), &lines)
        }
        _ => EdgeCountry::Unknown,
    };
    let hidden = edge == EdgeCountry::Anonymous && !service.geo.believes_anonymous();
    let address = client(service, request.peer_addr(), request.headers()).filter(|_| !hidden);
    // An edge says where the address is: of one that tells nothing it knows no more.
    let edge = edge.country().filter(|_| address.is_none_or(|address| !service.geo.hides(address)));
    Ok((edge, address))
}

async fn shown<'a>(
    service: &Service,
    caller: &Caller,
    request: &'a HttpRequest,
    items: Vec<Item<'a>>,
    asked: &'a Asked,
    rounding: Option<PriceRounding>,
    mark: CurrencyMark,
) -> Answer<PricesAnswer<'a>> {
    let told = asked.ip.as_deref().filter(|_| caller.is_secret());
    // A country that is asked for goes before whatever the request's own way would say.
    let (edge, address) = match (told, &asked.country) {
        (None, Some(_)) => (None, None),
        _ => edge_and_address(service, request, told)?,
    };
    let shopper = asked.shopper(service, request, edge, address)?;
    let skus = items.iter().filter_map(|item| item.sku.as_deref());
    let book = service.pricing.book_of(caller.merchant(), skus).await?;
    let question = PricesQuestion { items, shopper, rounding, mark, book };
    let mut answer = service.pricing.localise(question)?;
    answer.charged_at(service.pay.accounts(), caller.merchant());
    Ok(answer)
}
