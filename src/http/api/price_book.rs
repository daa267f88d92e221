//! `/v1/price-book`: the merchant's own prices, which win over conversion.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::fx::{Country, FixedPrice, Sku};
use crate::flows::price::NewFixedPrice;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::FixedPriceObject;
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn, MoneyIn, Page};
use crate::ids::FixedPriceId;
use crate::money::{Currency, Money};
use crate::store::Change;
use crate::store::idempotency::Claim;
use crate::store::price_book::FixedPriceFilter;

/// Entries to write, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"entries": [{"sku": "mug-1", "price": {"amount": "690.00", "currency": "THB"}}]}))]
pub struct FixPrices {
    /// At most a thousand.
    #[schema(max_items = 1000)]
    entries: Vec<FixPrice>,
}

/// One entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FixPrice {
    /// The shop's own name of the article.
    #[schema(max_length = 100)]
    sku: String,
    /// The price, above zero; its currency is the one it is shown in.
    #[schema(value_type = MoneyIn)]
    price: MoneyIn,
    /// In this country only; without it, wherever the currency is shown.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// Its first moment; without it, now.
    #[schema(format = DateTime)]
    valid_from: Option<String>,
    /// Its end, which is no longer part of it.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
}

/// An entry of the price book.
#[derive(Debug, Serialize, ToSchema)]
pub struct FixedPriceAnswer {
    #[schema(value_type = FixedPriceId, example = "fix_01kb0000000000000000000000")]
    id: String,
    #[schema(inline, value_type = FixedPriceObject)]
    object: &'static str,
    #[schema(example = "mug-1")]
    sku: String,
    price: Money,
    /// In this country only.
    #[schema(required, value_type = Option<String>, pattern = "^[A-Z]{2}$", example = "TH")]
    country: Option<Country>,
    #[schema(format = DateTime)]
    valid_from: String,
    #[schema(required, format = DateTime)]
    valid_until: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was taken back; lists show no such entries.
    #[schema(required, format = DateTime)]
    withdrawn_at: Option<String>,
}

impl From<&FixedPrice> for FixedPriceAnswer {
    fn from(entry: &FixedPrice) -> FixedPriceAnswer {
        FixedPriceAnswer {
            id: entry.id.to_string(),
            object: "fixed_price",
            sku: entry.sku.to_string(),
            price: entry.price,
            country: entry.country,
            valid_from: wire::time(entry.valid_from),
            valid_until: entry.valid_until.map(wire::time),
            created_at: wire::time(entry.created_at),
            withdrawn_at: entry.withdrawn_at.map(wire::time),
        }
    }
}

fn list_of(entries: &[FixedPrice]) -> Page<FixedPriceAnswer> {
    Page::whole(entries.iter().map(Into::into).collect(), false)
}

impl FixPrice {
    fn read(self, index: usize) -> Answer<NewFixedPrice> {
        let at = |name: &str| format!("entries[{index}].{name}");
        let invalid = |name: &str, why: &str| Problem::new(Code::InvalidBody, why).at(at(name));
        let moment = |name: &str, text: Option<String>| -> Answer<Option<DateTime<Utc>>> {
            let read = text.map(|text| DateTime::parse_from_rfc3339(&text).map(|at| at.with_timezone(&Utc)));
            read.transpose().map_err(|_| invalid(name, "a moment is written 2026-11-23T00:00:00Z"))
        };
        let country = self.country.as_deref().map(Country::find).transpose();
        Ok(NewFixedPrice {
            sku: self
                .sku
                .parse()
                .map_err(|error: crate::domain::fx::SkuError| invalid("sku", &error.to_string()))?,
            price: self.price.0,
            country: country.map_err(|error| invalid("country", &error.to_string()))?,
            valid_from: moment("valid_from", self.valid_from)?,
            valid_until: moment("valid_until", self.valid_until)?,
        })
    }
}

/// Fixes prices: where an article has one in the shown currency, it is shown and promised exactly, whatever the rate.
///
/// All entries are written, or none. A new price is a new entry: of those that hold, the country's own wins, then the one that
/// began last, then the one written last.
#[utoipa::path(post, path = "/v1/price-book", tag = "prices", request_body = FixPrices,
    params(KeyHeader),
    responses((status = 201, description = "The entries", body = Page<FixedPriceAnswer>)))]
pub async fn fix(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<FixPrices>,
) -> Answer {
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let entries = body.value.entries.into_iter().enumerate();
        let entries = entries.map(|(index, entry)| entry.read(index)).collect::<Answer<Vec<_>>>()?;
        let entries = service.pricing.draft_prices(caller.merchant(), entries)?;
        let mut with = Change::new();
        if let Some(first) = entries.first() {
            with.claim(&claim, first.id);
        }
        service.pricing.fix_prices(&caller.actor, &entries, with).await?;
        Ok(list_of(&entries))
    };
    let recall = async |resource: String| {
        let first: FixedPriceId = wire::id("id", &resource)?;
        let entries = service.store.fixed_prices_from(caller.merchant(), first, 1_000).await?;
        Ok(list_of(&entries))
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BookParameters {
    /// Of this article.
    #[param(example = "mug-1")]
    sku: Option<String>,
    /// In this currency.
    #[param(inline, value_type = Option<Currency>, example = "THB")]
    currency: Option<CurrencyIn>,
    #[param(example = "20")]
    limit: Option<String>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

/// The merchant's fixed prices in the order they were written, without those withdrawn.
#[utoipa::path(get, path = "/v1/price-book", tag = "prices", params(BookParameters), responses(
    (status = 200, description = "A page of entries", body = Page<FixedPriceAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, query: Query<BookParameters>) -> Answer {
    let BookParameters { sku, currency, limit, starting_after, ending_before } = query.0;
    let paging = Paging::new(limit, starting_after, ending_before);
    let limit = paging.limit()?;
    let sku = sku.map(|text| {
        text.parse::<Sku>().map_err(|error| Problem::new(Code::InvalidParameter, error.to_string()).at("sku"))
    });
    let filter = FixedPriceFilter {
        sku: sku.transpose()?,
        currency: currency.map(|currency| currency.0),
        seek: paging.seek(wire::id)?,
        limit: limit as i64 + 1,
    };
    let entries = service.store.fixed_prices(caller.merchant(), &filter).await?;
    let rows: Vec<FixedPriceAnswer> = entries.iter().map(Into::into).collect();
    crate::http::json(200, &Page::of(rows, limit, &filter.seek))
}

/// Takes a price back: from now on the next entry holds, or the rate. Doing it again changes nothing.
#[utoipa::path(delete, path = "/v1/price-book/{id}", tag = "prices", params(("id" = inline(FixedPriceId), Path, example = "fix_01kb0000000000000000000000")), responses(
    (status = 200, description = "The withdrawn entry", body = FixedPriceAnswer)))]
pub async fn withdraw(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "fixed price")?;
    let entry = service.pricing.withdraw_price(&caller.actor, id).await?;
    let entry = entry.ok_or_else(|| Problem::not_found("fixed price"))?;
    crate::http::json(200, &FixedPriceAnswer::from(&entry))
}
