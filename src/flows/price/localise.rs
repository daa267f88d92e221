//! Prices in a shopper's currency, as `/v1/prices` answers them.

use std::borrow::Cow;
use std::collections::hash_map::{Entry, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ChargedInstead, PriceError, Pricing};
use crate::domain::fx::{
    Country, CurrencyMark, Display, Endings, Locale, MarketRate, PriceBook, PriceRounding, ResolvedBy,
    Shopper, week,
};
use crate::money::{BasisPoints, Currency, Money, Rate};
use crate::rates::Snapshot;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct PricesQuestion<'a> {
    /// What the shop asks, per unit; at most [`Pricing::MAX_ITEMS`].
    pub items: Vec<Item>,
    /// Who is looking.
    pub shopper: Shopper<'a>,
    /// How prices end; none: as configured.
    pub rounding: Option<PriceRounding>,
    /// How the currency is named in texts.
    pub mark: CurrencyMark,
    /// The merchant's own prices of the items.
    pub book: PriceBook,
}

/// One unit for sale.
#[derive(Debug, Clone)]
pub struct Item {
    /// The shop's own name for it.
    pub sku: Option<String>,
    /// Its price in the shop.
    pub price: Money,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PricesAnswer {
    /// The currency shown.
    pub currency: Currency,
    /// The shopper's country, as far as anything named one.
    #[schema(required, value_type = Option<String>, pattern = "^[A-Z]{2}$", example = "TH")]
    pub country: Option<Country>,
    /// What decided.
    pub resolved_by: ResolvedBy,
    /// Why `currency` is not the country's.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<FallbackReason>,
    /// How amounts are written.
    #[schema(example = "th")]
    pub locale: &'static str,
    /// The rate of the first item's currency; absent where there is none and every price is the merchant's own.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<AppliedRate>,
    /// The merchant's gateways that take the shown currency, in order.
    #[schema(example = json!(["grabpay"]))]
    pub chargeable_at: Vec<String>,
    /// In the order asked.
    pub items: Vec<PricedItem>,
    /// Until when the price book leaves these prices as they are.
    #[serde(skip)]
    pub fixed_until: Option<DateTime<Utc>>,
}

/// Why a price is shown in the default currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackReason {
    /// No source has a rate for the country's currency.
    NoRate,
}

/// A rate and what was put on top of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AppliedRate {
    /// One unit of this …
    pub base: Currency,
    /// … in this.
    pub quote: Currency,
    /// The market's rate.
    #[schema(example = "33.7298603651987111")]
    pub mid: String,
    /// On top of it.
    pub spread_bps: i32,
    /// On top of the spread: a shown price promises nothing, so that only `weekend_bps` is in it.
    pub buffer_bps: i32,
    /// The part of `buffer_bps` that is due because the market is closed.
    pub weekend_bps: i32,
    /// mid × (1 + spread_bps + buffer_bps): what prices are computed with.
    pub applied: String,
    /// Whose numbers.
    pub providers: Vec<String>,
    /// When the older leg was true in the market.
    #[schema(example = "2026-11-23T00:00:00Z")]
    pub as_of: DateTime<Utc>,
    /// Whether newer numbers should have been there.
    pub stale: bool,
}

/// What a price is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The merchant fixed it: no rate, no spread, no rounding.
    PriceBook,
    /// Converted at the rate shown.
    Converted,
    /// The shop's own price, already in the shown currency.
    AsGiven,
}

/// One priced unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PricedItem {
    /// The shop's own name for it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Its price in the shop.
    #[schema(example = json!({"amount": "19.90", "currency": "USD"}))]
    pub from: Money,
    /// The converted amount before any rounding.
    #[schema(example = "671.22422126745435")]
    pub exact: String,
    /// The price.
    #[schema(example = json!({"amount": "671.22", "currency": "THB"}))]
    pub price: Money,
    /// What it is made of.
    pub source: PriceSource,
    /// The rule it was rounded by, in words; absent where nothing was rounded.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "exact THB: half up at 2 decimals")]
    pub rule: Option<Cow<'static, str>>,
    /// The price as the shopper reads it.
    #[schema(example = "฿671.22")]
    pub text: String,
    /// The rate of this item, where its currency is not the first item's.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<AppliedRate>,
    /// The gateways that can charge this amount, where they are not those of the currency.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chargeable_at: Option<Vec<String>>,
    /// What would be charged, where no gateway can charge the price.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged_instead: Option<ChargedInstead>,
}

/// A pair with its spread, ready to price.
#[derive(Debug)]
struct Applied {
    market: MarketRate,
    spread: BasisPoints,
    weekend: BasisPoints,
    rate: Rate,
}

impl Applied {
    fn answer(&self) -> AppliedRate {
        AppliedRate {
            base: self.rate.base(),
            quote: self.rate.quote(),
            mid: self.market.rate.value().to_string(),
            spread_bps: self.spread.0,
            buffer_bps: self.weekend.0,
            weekend_bps: self.weekend.0,
            applied: self.rate.value().to_string(),
            providers: self.market.providers.clone(),
            as_of: self.market.as_of,
            stale: self.market.stale,
        }
    }

    fn price(&self, item: &Item, market: &Market<'_>) -> Result<PricedItem, PriceError> {
        let exact = self.rate.convert(item.price)?;
        let text = exact.digits();
        // Within one currency the shop's own price stands as it is.
        if item.price.currency() == self.rate.quote() {
            return Ok(market.item(item, text, item.price, PriceSource::AsGiven));
        }
        let ended = market.endings.price(exact, market.rounding, market.country)?;
        let priced = market.item(item, text, ended.price, PriceSource::Converted);
        Ok(PricedItem { rule: Some(ended.rule), ..priced })
    }
}

/// Where and how prices are shown.
struct Market<'a> {
    currency: Currency,
    country: Option<Country>,
    locale: Locale,
    mark: CurrencyMark,
    rounding: PriceRounding,
    endings: &'a Endings,
    book: &'a PriceBook,
    now: DateTime<Utc>,
}

impl Market<'_> {
    /// What the merchant fixed for an item in a currency.
    fn fixed(&self, item: &Item, currency: Currency) -> Option<Money> {
        let sku = item.sku.as_ref()?.parse().ok()?;
        Some(self.book.price(&sku, currency, self.country, self.now)?.price)
    }

    fn item(&self, item: &Item, exact: String, price: Money, source: PriceSource) -> PricedItem {
        PricedItem {
            sku: item.sku.clone(),
            from: item.price,
            exact,
            price,
            source,
            rule: None,
            text: self.locale.write_with(price, self.mark),
            rate: None,
            chargeable_at: None,
            charged_instead: None,
        }
    }
}

impl Pricing {
    /// Shows prices to a shopper. Moves and stores nothing.
    ///
    /// # Errors
    /// [`PriceError::NoItems`], [`PriceError::TooManyItems`]; [`PriceError::NoRate`] for the currency of an item that
    /// must be converted, or a currency asked for by name (a country's own falls back to the default).
    pub fn localise(&self, question: &PricesQuestion<'_>) -> Result<PricesAnswer, PriceError> {
        let first = question.items.first().ok_or(PriceError::NoItems)?.price.currency();
        if question.items.len() > Pricing::MAX_ITEMS {
            return Err(PriceError::TooManyItems { given: question.items.len() });
        }
        let snapshot = self.rates.latest();
        let display = question.shopper.display(&self.settings);
        let mut market = Market {
            currency: display.currency,
            country: display.country,
            locale: display.locale,
            mark: question.mark,
            rounding: question.rounding.unwrap_or(self.settings.rounding),
            endings: &self.settings.endings,
            book: &question.book,
            now: self.clock.now(),
        };
        let all_fixed = question.items.iter().all(|item| market.fixed(item, display.currency).is_some());
        let (shown, fallback_reason) = match all_fixed {
            true => (display.currency, None),
            false => self.shown(&snapshot, first, display)?,
        };
        market.currency = shown;
        let mut rates: HashMap<Currency, Applied> = HashMap::new();
        let mut items = Vec::with_capacity(question.items.len());
        for item in &question.items {
            if let Some(price) = market.fixed(item, market.currency) {
                let exact = price.amount().normalize().to_string();
                items.push(market.item(item, exact, price, PriceSource::PriceBook));
                continue;
            }
            let base = item.price.currency();
            let applied = match rates.entry(base) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(self.applied(&snapshot, base, shown)?),
            };
            let mut priced = applied.price(item, &market)?;
            priced.rate = (base != first).then(|| applied.answer());
            items.push(priced);
        }
        Ok(PricesAnswer {
            currency: shown,
            country: display.country,
            resolved_by: display.resolved_by,
            fallback_reason,
            locale: display.locale.tag(),
            rate: self.applied(&snapshot, first, shown).ok().map(|applied| applied.answer()),
            chargeable_at: Vec::new(),
            items,
            fixed_until: question.book.next_change(market.now),
        })
    }

    /// The currency to show: the resolved one, or the default when a country's own has no rate.
    fn shown(
        &self,
        snapshot: &Snapshot,
        from: Currency,
        display: Display,
    ) -> Result<(Currency, Option<FallbackReason>), PriceError> {
        let by_name = display.resolved_by == ResolvedBy::Currency;
        match self.applied(snapshot, from, display.currency) {
            Err(PriceError::NoRate(missing)) if missing == display.currency && !by_name => {
                Ok((self.settings.default_currency, Some(FallbackReason::NoRate)))
            }
            Err(error) => Err(error),
            Ok(_) => Ok((display.currency, None)),
        }
    }

    fn applied(&self, snapshot: &Snapshot, base: Currency, quote: Currency) -> Result<Applied, PriceError> {
        let market = self.rates.mid_of(snapshot, base, quote)?;
        let (spread, weekend) = match base == quote {
            true => (BasisPoints(0), BasisPoints(0)),
            false => (self.settings.spread(), self.weekend(&market)),
        };
        let rate = market.rate.with_markup(BasisPoints(spread.0.saturating_add(weekend.0)))?;
        Ok(Applied { market, spread, weekend, rate })
    }

    /// What a shown price carries while the market is closed; nothing in a pair that never moves, as in a quote.
    fn weekend(&self, market: &MarketRate) -> BasisPoints {
        let fixed = || self.volatilities.of(&self.rates, market).is_some_and(|found| found.sigma == 0);
        match week::is_closed(market.at) && !fixed() {
            true => self.settings.weekend.in_prices_at(market.kind),
            false => BasisPoints(0),
        }
    }
}
