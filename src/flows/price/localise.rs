//! Prices in a shopper's currency, as `/v1/prices` answers them.

use std::borrow::Cow;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::pairs::{Applied, AppliedRate, ToldRate};
use super::{ChargedInstead, PriceError, Pricing};
use crate::domain::fx::{
    Country, CurrencyMark, Display, Endings, Locale, PriceBook, PriceRounding, ResolvedBy, Shopper, Written,
};
use crate::money::{Currency, ExactDigits, Money, Rate};
use crate::rates::Snapshot;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct PricesQuestion<'a> {
    /// What the shop asks, per unit; at most [`Pricing::MAX_ITEMS`].
    pub items: Vec<Item<'a>>,
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
pub struct Item<'a> {
    /// The shop's own name for it.
    pub sku: Option<Cow<'a, str>>,
    /// Its price in the shop.
    pub price: Money,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PricesAnswer<'a> {
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
    #[schema(value_type = Option<AppliedRate>)]
    pub rate: Option<Arc<ToldRate>>,
    /// The rule by which the first converted price was rounded, in words.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "exact THB: half up at 2 decimals")]
    pub rule: Option<Cow<'static, str>>,
    /// The merchant's gateways that take the shown currency, in order.
    #[schema(example = json!(["grabpay"]))]
    pub chargeable_at: Vec<String>,
    /// In the order asked.
    pub items: Vec<PricedItem<'a>>,
    /// Until when the price book leaves these prices as they are.
    #[serde(skip)]
    pub fixed_until: Option<DateTime<Utc>>,
}

/// Why a price is not in the currency that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackReason {
    /// No source has a rate: for the country's currency, and the default is shown; or for an item's, which keeps it.
    NoRate,
}

/// What a price is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The merchant fixed it: no rate, no spread, no rounding.
    PriceBook,
    /// Converted at the rate shown.
    Converted,
    /// The shop's own price: already in the shown currency, or without a rate into it.
    AsGiven,
}

/// One priced unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PricedItem<'a> {
    /// The shop's own name for it.
    #[schema(nullable = false, value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Cow<'a, str>>,
    /// Its price in the shop.
    #[schema(example = json!({"amount": "19.90", "currency": "USD"}))]
    pub from: Money,
    /// The converted amount before any rounding.
    #[schema(value_type = String, example = "671.22422126745435")]
    pub exact: ExactDigits,
    /// The price.
    #[schema(example = json!({"amount": "671.22", "currency": "THB"}))]
    pub price: Money,
    /// What it is made of.
    pub source: PriceSource,
    /// Why it is in its own currency and not in the one shown: no source has a rate for it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<FallbackReason>,
    /// The rule it was rounded by, in words, where that is not the answer's; absent too where nothing was rounded, of what
    /// was not converted.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "exact USD: up at 2 decimals")]
    pub rule: Option<Cow<'static, str>>,
    /// The price as the shopper reads it.
    #[schema(value_type = String, example = "฿671.22")]
    pub text: Written,
    /// The rate of this item, where its currency is not the first item's.
    #[schema(nullable = false, value_type = Option<AppliedRate>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Arc<ToldRate>>,
    /// The gateways that can charge this amount, where they are not those of the currency.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub chargeable_at: Option<Box<[String]>>,
    /// What would be charged, where no gateway can charge the price.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ChargedInstead>)]
    pub charged_instead: Option<Box<ChargedInstead>>,
}

/// What becomes of one amount.
struct Shown {
    exact: ExactDigits,
    price: Money,
    source: PriceSource,
    rule: Option<Cow<'static, str>>,
}

impl Shown {
    /// Stands for an amount that has no price, in a list that nobody is shown.
    fn unpriced(price: Money) -> Shown {
        Shown { exact: ExactDigits::of(""), price, source: PriceSource::AsGiven, rule: None }
    }

    /// A converted price's rule is the answer's, if that has none yet or the same: a fifth of an answer's bytes.
    fn tell_rule_once(&mut self, answers: &mut Option<Cow<'static, str>>) {
        match (&*answers, &self.rule) {
            (None, Some(_)) if self.source == PriceSource::Converted => *answers = self.rule.take(),
            (Some(told), Some(own)) if self.source == PriceSource::Converted && told == own => {
                self.rule = None
            }
            _ => {}
        }
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
    /// Nothing, as it is written in the currency shown.
    text: Written,
    now: DateTime<Utc>,
}

impl Market<'_> {
    /// What the merchant fixed for an item in a currency.
    fn fixed(&self, item: &Item<'_>, currency: Currency) -> Option<Money> {
        if self.book.is_empty() {
            return None;
        }
        let sku = item.sku.as_ref()?.parse().ok()?;
        Some(self.book.price(&sku, currency, self.country, self.now)?.price)
    }

    fn as_fixed(&self, price: Money) -> Result<Shown, PriceError> {
        let exact = Rate::identity(price.currency()).convert(price)?.digits();
        Ok(Shown { exact, price, source: PriceSource::PriceBook, rule: None })
    }

    fn converted(&self, own: Money, applied: &Applied) -> Result<Shown, PriceError> {
        if own.currency() == applied.rate.quote() {
            return self.as_given(own);
        }
        // Most prices are exact ones: one division, and words that are written once. What would be nothing is the endings'.
        let (exact, price, rule) = match applied.repricing.exactly(own) {
            Some((exact, price)) if self.rounding == PriceRounding::Exact && !price.is_zero() => {
                (exact, price, applied.rule.into())
            }
            _ => {
                let exact = applied.rate.convert(own)?;
                let ended = self.endings.price(exact, self.rounding, self.country)?;
                (exact.digits(), ended.price, ended.rule)
            }
        };
        Ok(Shown { exact, price, source: PriceSource::Converted, rule: Some(rule) })
    }

    /// Within one currency the shop's own price stands as it is; only cash cannot pay every amount.
    fn as_given(&self, own: Money) -> Result<Shown, PriceError> {
        let exact = Rate::identity(own.currency()).convert(own)?;
        let (price, rule) = match self.rounding {
            PriceRounding::Cash => {
                let ended = self.endings.price(exact, PriceRounding::Cash, self.country)?;
                (ended.price, Some(ended.rule))
            }
            _ => (own, None),
        };
        Ok(Shown { exact: exact.digits(), price, source: PriceSource::AsGiven, rule })
    }

    fn item<'i>(
        &self,
        item: Item<'i>,
        shown: Shown,
        fallback_reason: Option<FallbackReason>,
        rate: Option<Arc<ToldRate>>,
    ) -> PricedItem<'i> {
        let Shown { exact, price, source, rule } = shown;
        // The mark is looked up once for the currency shown.
        let text = match price.currency() == self.text.currency() {
            true => self.text.with(price),
            false => self.locale.written(price, self.mark),
        };
        PricedItem {
            sku: item.sku,
            from: item.price,
            exact,
            price,
            source,
            fallback_reason,
            rule,
            text,
            rate,
            chargeable_at: None,
            charged_instead: None,
        }
    }
}

impl Pricing {
    /// Shows prices to a shopper. Moves and stores nothing.
    ///
    /// # Errors
    /// [`PriceError::NoItems`], [`PriceError::TooManyItems`]; [`PriceError::NoRate`] for a currency asked for by name (a
    /// country's own falls back to the default), or where no item at all has a rate (one among others keeps its price).
    pub fn localise<'a>(&self, question: PricesQuestion<'a>) -> Result<PricesAnswer<'a>, PriceError> {
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
            text: display.locale.written(Money::zero(display.currency), question.mark),
            now: self.clock.now(),
        };
        let fixed = |item: &Item<'_>| market.fixed(item, display.currency).is_some();
        let all_fixed = !question.book.is_empty() && question.items.iter().all(fixed);
        let (shown, fallback_reason, rate) =
            match self.applied(&snapshot, first, display.currency, market.now) {
                Err(error) if !all_fixed => {
                    let (shown, reason) = self.shown_without(error, &snapshot, display)?;
                    (shown, reason, self.applied(&snapshot, first, shown, market.now).ok())
                }
                applied => (display.currency, None, applied.ok()),
            };
        if shown != market.currency {
            market.currency = shown;
            market.text = display.locale.written(Money::zero(shown), question.mark);
        }
        let mut others: HashMap<Currency, Option<Arc<Applied>>> = HashMap::new();
        let mut rule = None;
        let mut priced = |item: &Item<'_>| {
            let base = item.price.currency();
            if let Some(price) = market.fixed(item, market.currency) {
                return Ok((market.as_fixed(price)?, None, None));
            }
            if base == first
                && let Some(applied) = &rate
            {
                return Ok((market.converted(item.price, applied)?, None, None));
            }
            let applied = match others.entry(base) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    free.insert(self.applied_if_any(&snapshot, (base, shown), market.now)?)
                }
            };
            Ok(match applied {
                Some(applied) => {
                    let told = (base != first).then(|| applied.answer.clone());
                    (market.converted(item.price, applied)?, None, told)
                }
                None => (market.as_given(item.price)?, Some(FallbackReason::NoRate), None),
            })
        };
        // A list whose length is known is written where it stands; an error is told behind it.
        let mut failed: Option<PriceError> = None;
        let list = question.items.into_iter().map(|item| {
            let unpriced = |item: &Item<'_>| (Shown::unpriced(item.price), None, None);
            let (mut shown, reason, told) = match failed {
                Some(_) => unpriced(&item),
                None => priced(&item).unwrap_or_else(|error| {
                    failed = Some(error);
                    unpriced(&item)
                }),
            };
            shown.tell_rule_once(&mut rule);
            market.item(item, shown, reason, told)
        });
        let items: Vec<PricedItem<'a>> = list.collect();
        if let Some(error) = failed {
            return Err(error);
        }
        if items.iter().all(|item| item.fallback_reason.is_some()) {
            return Err(PriceError::NoRate(first));
        }
        Ok(PricesAnswer {
            currency: shown,
            country: display.country,
            resolved_by: display.resolved_by,
            fallback_reason,
            locale: display.locale.tag(),
            rate: rate.map(|applied| applied.answer.clone()),
            rule,
            chargeable_at: Vec::new(),
            items,
            fixed_until: question.book.next_change(market.now),
        })
    }

    /// The currency to show where the first item has no rate into the resolved one: that one all the same, or the default
    /// when a country's own has no rate.
    fn shown_without(
        &self,
        error: PriceError,
        snapshot: &Snapshot,
        display: Display,
    ) -> Result<(Currency, Option<FallbackReason>), PriceError> {
        let by_name = display.resolved_by == ResolvedBy::Currency;
        match error {
            // The first item's currency may be the one without a rate, which is that item's matter alone.
            PriceError::NoRate(_) if snapshot.currencies().any(|known| known == display.currency) => {
                Ok((display.currency, None))
            }
            PriceError::NoRate(_) if !by_name => {
                Ok((self.settings.default_currency, Some(FallbackReason::NoRate)))
            }
            PriceError::NoRate(_) => Err(PriceError::NoRate(display.currency)),
            error => Err(error),
        }
    }

    /// `None`: no source has a rate for `base`.
    fn applied_if_any(
        &self,
        snapshot: &Snapshot,
        (base, shown): (Currency, Currency),
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Applied>>, PriceError> {
        match self.applied(snapshot, base, shown, now) {
            Err(PriceError::NoRate(missing)) if missing == base => Ok(None),
            other => other.map(Some),
        }
    }
}
