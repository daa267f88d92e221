//! `/v1/prices/embeds`: a price on a page without a script.
//!
//! A server that knows the shop's secret key asks once for an embed's address and writes it into its page as an
//! `<iframe>`; shoppers' browsers then open it without any key. The address carries merchant and amount sealed under the
//! master key: nobody can make one that shows another price, or one for another shop, and no key stands in a URL. What
//! a page may choose, currency, country and locale, stands beside it in the query.

use std::borrow::Cow;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::prices::{Asked, edge_and_address};
use crate::domain::fx::{CurrencyMark, Locale, PriceRounding};
use crate::flows::price::{Item, PricesAnswer, PricesQuestion};
use crate::http::caching::{self, Dependence, Tag};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::EmbedObject;
use crate::http::service::Service;
use crate::http::wire::{CurrencyIn, MoneyIn};
use crate::ids::MerchantId;
use crate::money::{Currency, Money};

/// What the seal is bound to.
const PLACE: &str = "prices/embed";
const HTML: &str = "text/html; charset=utf-8";
/// No script, no request, any page around it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors *";

/// What an embed shows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"price": {"amount": "19.90", "currency": "USD"}, "sku": "mug-1"}))]
pub struct EmbedBody {
    /// The shop's own price.
    #[schema(value_type = MoneyIn)]
    price: EmbedPrice,
    /// The article: its fixed prices are shown where it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// How the price ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rounding: Option<PriceRounding>,
    /// How the currency is named.
    #[serde(default)]
    symbol: CurrencyMark,
}

/// Money that is read strictly and written as it came.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
struct EmbedPrice(MoneyIn);

impl Serialize for EmbedPrice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.0.serialize(serializer)
    }
}

/// What the address carries.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    merchant: MerchantId,
    body: EmbedBody,
}

/// The address of an embed.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbedAnswer {
    #[schema(inline, value_type = EmbedObject)]
    object: &'static str,
    /// Add `?to=THB&country=TH&locale=th` as the page knows them; with currency and country shared caches keep it.
    #[schema(example = "https://pay.example/v1/prices/embeds/AQx3…")]
    url: String,
    /// Ready to paste: no script.
    html: String,
}

/// Makes the address of a price that any page can show without a script and without a key.
#[utoipa::path(post, path = "/v1/prices/embeds", tag = "prices", request_body = EmbedBody, responses(
    (status = 201, description = "The address", body = EmbedAnswer)))]
pub async fn create(service: web::Data<Service>, caller: Caller, body: Json<EmbedBody>) -> Answer {
    let sealed = Sealed { merchant: caller.merchant(), body: body.value };
    let plain = serde_json::to_vec(&sealed).map_err(Problem::internal)?;
    let token = URL_SAFE_NO_PAD.encode(service.vault.seal(PLACE, &plain)?);
    let url = format!("{}/v1/prices/embeds/{token}", service.public_url);
    let html = format!(
        "<iframe src=\"{url}\" title=\"Price\" width=\"120\" height=\"28\" loading=\"lazy\" style=\"border:0\"></iframe>"
    );
    crate::http::json(201, &EmbedAnswer { object: "price_embed", url, html })
}

/// Who looks at an embed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmbedParameters {
    /// The currency to show.
    #[param(inline, value_type = Option<Currency>, example = "THB")]
    to: Option<CurrencyIn>,
    /// The shopper's country.
    #[param(pattern = "^[A-Z]{2}$", example = "TH")]
    country: Option<String>,
    /// How to write the price.
    #[param(example = "th")]
    locale: Option<String>,
}

/// The price as a page of its own, for an `<iframe>`: below 3 kB, no script, no request to anywhere.
#[utoipa::path(get, path = "/v1/prices/embeds/{token}", tag = "prices", params(("token" = String, Path, example = "AQx3"), EmbedParameters), responses(
    (status = 200, description = "The page", body = String, content_type = "text/html", example = "<!doctype html>…")))]
pub async fn show(
    service: web::Data<Service>,
    request: HttpRequest,
    token: web::Path<String>,
    query: Query<EmbedParameters>,
) -> Answer {
    let missing = || Problem::not_found("embed");
    let sealed = URL_SAFE_NO_PAD.decode(token.as_bytes()).map_err(|_| missing())?;
    let plain = service.vault.open(PLACE, &sealed).map_err(|_| missing())?;
    let Sealed { merchant, body } = serde_json::from_slice(&plain).map_err(|_| missing())?;
    let EmbedParameters { to, country, locale } = query.0;
    let asked = Asked { to, country, ip: None, locale };
    let (edge, address) = edge_and_address(&service, &request, None)?;
    let shopper = asked.shopper(&service, &request, edge, address)?;
    let dependence = Dependence {
        key: None,
        currency_given: asked.to.is_some(),
        country_given: asked.country.is_some(),
        locale_given: asked.locale.as_deref().and_then(Locale::find).is_some(),
    };
    let book = service.pricing.book_of(merchant, body.sku.iter().map(String::as_str)).await?;
    let items = vec![Item { sku: body.sku.map(Cow::Owned), price: body.price.0.0 }];
    let question = PricesQuestion { items, shopper, rounding: body.rounding, mark: body.symbol, book };
    let answer = service.pricing.localise(question)?;
    let fresh = service.prices_fresh_for(answer.fixed_until);
    let page = page(&answer).ok_or_else(|| Problem::new(Code::NotFound, "there is no price"))?;
    let tag = Tag::exact(page.as_bytes());
    let mut response = caching::kept(&service, &request, HTML, page.into_bytes(), tag, dependence, fresh);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

fn page(answer: &PricesAnswer<'_>) -> Option<String> {
    let item = answer.items.first()?;
    let (text, price): (String, Money) = (escaped(&item.text.to_string()), item.price);
    Some(format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><title>{text}</title>\
         <meta name=\"color-scheme\" content=\"light dark\"><style>body{{margin:0;font:1rem/1.6 system-ui,sans-serif}}</style>\
         <data value=\"{} {}\">{text}</data></html>\n",
        answer.locale,
        price.amount(),
        price.currency()
    ))
}

/// Text between tags and in attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
