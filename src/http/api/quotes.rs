//! `/v1/quotes`: promises, stored or as tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::prices::{Asked, edge_and_address};
use crate::domain::fx::{Lock, PriceRounding, Sku, Unit};
use crate::flows::price::{QuoteAnswer, QuoteQuestion, able};
use crate::http::caller::Caller;
use crate::http::extract::Json;
use crate::http::idempotent::{self, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::service::Service;
use crate::http::wire::{self, AmountIn, CurrencyIn, MoneyIn};
use crate::ids::QuoteId;
use crate::money::Currency;
use crate::store::Change;
use crate::store::idempotency::Claim;

/// A price to promise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": {"amount": "19.90", "currency": "USD"}, "to": "THB", "lock": "30m"}))]
pub struct QuoteBody {
    #[schema(value_type = Option<MoneyIn>)]
    from: Option<MoneyIn>,
    /// Instead of `from`: units, each converted and rounded by itself.
    items: Option<Vec<QuoteItem>>,
    #[schema(value_type = Currency)]
    to: CurrencyIn,
    /// How long it stands; without it, as configured.
    lock: Option<Lock>,
    /// How each unit's price ends: `exact`, `step`, `charm` or `cash`; without it, as configured, as `/v1/prices` does.
    rounding: Option<PriceRounding>,
    /// Marks the quote indicative where this gateway cannot charge the amount.
    gateway: Option<String>,
    /// The shopper's country, for its fixed prices and endings. Without it: where a browser with a publishable key is, as
    /// `/v1/prices` finds it.
    country: Option<String>,
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

/// A unit of a quote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteItem {
    #[schema(value_type = AmountIn)]
    amount: AmountIn,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    /// The article: what the price book fixes for it is promised as it is.
    sku: Option<String>,
}

impl QuoteItem {
    fn read(self, index: usize) -> Answer<Unit> {
        let price = self.amount.in_currency(self.currency.0);
        let price = price.map_err(|problem| problem.at(format!("items[{index}].amount")))?;
        let sku = self.sku.map(|sku| {
            sku.parse::<Sku>().map_err(|error| {
                Problem::new(Code::InvalidBody, error.to_string()).at(format!("items[{index}].sku"))
            })
        });
        Ok(Unit { sku: sku.transpose()?, ..price.into() })
    }
}

/// Promises a price.
///
/// Each unit is converted and ended by itself, at the rate of the promise: spread and buffer are in it, so that a shop
/// which shows what it promises shows the quote's `items`. What the price book fixes is promised as it is.
///
/// A reusable token pays until `expires_at`, unless the price book has another price for one of its articles meanwhile:
/// 409 `quote_price_changed`, with a fresh quote. Every other promise stands whatever the book says later.
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
        let question = question(&service, &caller, &request, body.value)?;
        let id = service.ids.mint();
        let mut with = Change::new();
        with.claim(&claim, id);
        match form {
            QuoteForm::Stored => Ok(service.pricing.promise_as(id, &question, with).await?),
            QuoteForm::Token => {
                let answer = service.pricing.promise_by_token(id, &question, reusable).await?;
                service.store.commit(with).await?;
                Ok(answer)
            }
        }
    };
    let recall = async |resource: String| {
        let id = wire::id("id", &resource)?;
        match form {
            QuoteForm::Stored => standing(&service, &caller, id).await,
            // The token that nobody received is made anew under its id: together they still pay once.
            QuoteForm::Token => {
                let again = serde_json::from_slice(&body.bytes).map_err(Problem::internal)?;
                let question = question(&service, &caller, &request, again)?;
                Ok(service.pricing.promise_by_token(id, &question, reusable).await?)
            }
        }
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

fn question(
    service: &Service,
    caller: &Caller,
    request: &HttpRequest,
    body: QuoteBody,
) -> Answer<QuoteQuestion> {
    let asked = Asked { to: Some(body.to), country: body.country, ip: None, locale: None };
    // A server's own address says nothing about the shopper.
    let (edge, address) = match caller.is_secret() {
        true => (None, None),
        false => edge_and_address(service, request, None)?,
    };
    let shopper = asked.shopper(service, request, edge, address)?;
    // As shown prices find it, so that the same rules and entries hold.
    let country = shopper.display(&service.pricing.settings).country;
    let units: Vec<Unit> = match (body.from, body.items) {
        (Some(from), None) => vec![from.0.into()],
        (None, Some(items)) => {
            items.into_iter().enumerate().map(|(index, item)| item.read(index)).collect::<Answer<_>>()?
        }
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
        country,
        to: body.to.0,
        lock: body.lock,
        rounding: body.rounding,
        accounts: service.accounts_of(caller.merchant()),
        gateway: account.map(|open| open.account.gateway.clone()),
    })
}

/// One quote as it stands.
#[utoipa::path(get, path = "/v1/quotes/{id}", tag = "prices", params(("id" = inline(crate::ids::QuoteId), Path, example = "quo_01kb0000000000000000000000")), responses((status = 200, description = "The quote", body = QuoteAnswer)))]
pub async fn show_quote(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "quote")?;
    crate::http::json(200, &standing(&service, &caller, id).await?)
}

async fn standing(service: &Service, caller: &Caller, id: QuoteId) -> Answer<QuoteAnswer> {
    let quote = service.pricing.quote(caller.merchant(), id).await?;
    let quote = quote.ok_or_else(|| Problem::not_found("quote"))?;
    let chargeable = able(&service.accounts_of(caller.merchant()), quote.to);
    Ok(QuoteAnswer::of(&quote, chargeable, service.clock.now()))
}
