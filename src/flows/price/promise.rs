//! Promises: quotes are made, read, used by a payment, and opened again.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PriceError, PriceSource, Pricing, able};
use crate::domain::fx::{
    Buffer, Country, Fixed, Lock, PriceRounding, Quote, QuoteError, QuoteState, QuoteTerms, QuoteUse, Unit,
};
use crate::flows::pay::{OpenAccount, QuoteRefused, Quotes};
use crate::ids::{MerchantId, PaymentId, QuoteId};
use crate::money::{BasisPoints, Currency, Money};
use crate::rates::RatesError;
use crate::store::{Change, Store, StoreError};

/// What is asked.
#[derive(Debug, Clone)]
pub struct QuoteQuestion {
    /// Whose shop.
    pub merchant: MerchantId,
    /// What the shop asks: one amount, or its items' amounts, all of one currency.
    pub units: Vec<Unit>,
    /// The shopper's country: the price book may know prices of its own for it.
    pub country: Option<Country>,
    /// What the shopper pays in.
    pub to: Currency,
    /// How long it stands; none: as configured.
    pub lock: Option<Lock>,
    /// How prices end; none: as configured, as shown prices do.
    pub rounding: Option<PriceRounding>,
    /// The merchant's accounts at gateways.
    pub accounts: Vec<Arc<OpenAccount>>,
    /// The gateway the shopper will pay at, if it is known: when it cannot charge the amount, the quote only informs.
    pub gateway: Option<String>,
}

/// A quote as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuoteAnswer {
    /// Its id.
    #[schema(example = "quo_01kb0000000000000000000000")]
    pub id: QuoteId,
    /// What the shop asks.
    #[schema(example = json!({"amount": "19.90", "currency": "USD"}))]
    pub from: Money,
    /// What the shopper pays.
    #[schema(example = json!({"amount": "672.23", "currency": "THB"}))]
    pub to: Money,
    /// How each unit's price ends.
    pub rounding: PriceRounding,
    /// What `to` is made of, in the order asked; absent in quotes of which only the sum was kept.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<QuoteLine>>,
    /// The parts of the rate.
    pub rate: QuoteRate,
    /// Whether newer rates should have been there when it was made.
    pub stale: bool,
    /// Whether it only informs: stale, or the gateway asked for cannot charge the amount of `to`.
    pub indicative: bool,
    /// Who can charge the amount of `to`.
    pub chargeable_at: Vec<String>,
    /// Its last moment.
    #[schema(example = "2026-11-23T00:00:00Z")]
    pub expires_at: DateTime<Utc>,
    /// Where it stands.
    pub state: QuoteState,
    /// Stands for the quote until `expires_at`, in `quote` of a payment; only where it was asked for. The quote is not
    /// stored before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether the token pays more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reusable: Option<bool>,
}

/// One unit of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuoteLine {
    /// Its article, where the shop named it.
    #[schema(nullable = false, example = "mug-1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What the shop asks for it.
    #[schema(example = json!({"amount": "19.90", "currency": "USD"}))]
    pub from: Money,
    /// What the shopper pays for it.
    #[schema(example = json!({"amount": "672.23", "currency": "THB"}))]
    pub to: Money,
    /// What that is made of.
    pub source: PriceSource,
}

impl QuoteLine {
    fn of(unit: &Unit) -> Option<QuoteLine> {
        let to = unit.promised?;
        let source = match unit.fixed {
            Some(_) => PriceSource::PriceBook,
            None if to.currency() == unit.price.currency() => PriceSource::AsGiven,
            None => PriceSource::Converted,
        };
        Some(QuoteLine { sku: unit.sku.as_ref().map(ToString::to_string), from: unit.price, to, source })
    }
}

/// The parts of a quote's rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuoteRate {
    /// One unit of this …
    pub base: Currency,
    /// … in this.
    pub quote: Currency,
    /// The market's rate.
    pub reference: String,
    /// Our spread on it.
    pub spread_bps: i32,
    /// What the promise costs on top, all of it.
    pub buffer_bps: i32,
    /// How the buffer comes about.
    pub buffer: Buffer,
    /// reference × (1 + spread_bps + buffer_bps).
    #[serde(rename = "final")]
    pub final_rate: String,
}

impl QuoteAnswer {
    /// The quote as it stands at `now`.
    pub fn of(quote: &Quote, chargeable_at: Vec<String>, now: DateTime<Utc>) -> QuoteAnswer {
        QuoteAnswer {
            id: quote.id,
            from: quote.from,
            to: quote.to,
            rounding: quote.rounding,
            items: quote.units.iter().map(QuoteLine::of).collect(),
            rate: QuoteRate {
                base: quote.market.rate.base(),
                quote: quote.market.rate.quote(),
                reference: quote.market.rate.value().to_string(),
                spread_bps: quote.spread.0,
                buffer_bps: quote.buffer.total().0,
                buffer: quote.buffer.clone(),
                final_rate: quote.final_rate.value().to_string(),
            },
            stale: quote.market.stale,
            indicative: quote.indicative,
            chargeable_at,
            expires_at: quote.expires_at,
            state: quote.state(now),
            token: None,
            reusable: None,
        }
    }
}

impl Pricing {
    /// Promises a price and stores it, together with `with`.
    ///
    /// # Errors
    /// [`PriceError::RatesStale`] where a stale reference may not be promised; [`PriceError::NoRate`];
    /// [`PriceError::Quote`]; [`PriceError::Commit`].
    pub async fn promise(&self, question: &QuoteQuestion, with: Change) -> Result<QuoteAnswer, PriceError> {
        self.promise_as(self.ids.mint(), question, with).await
    }

    /// The same under an id that was minted before, because `with` names it.
    ///
    /// # Errors
    /// As [`Pricing::promise`].
    pub async fn promise_as(
        &self,
        id: QuoteId,
        question: &QuoteQuestion,
        with: Change,
    ) -> Result<QuoteAnswer, PriceError> {
        let now = self.clock.now();
        let question = &self.with_fixed(question, now).await?;
        let quote = self.draft(id, question, now)?;
        let mut change = with;
        change.insert_quote(&quote);
        self.store.commit(change).await?;
        Ok(QuoteAnswer::of(&quote, able(&question.accounts, quote.to), now))
    }

    /// A merchant's quote as it stands; `None` for an unknown id and for another merchant's.
    ///
    /// # Errors
    /// [`PriceError::Store`].
    pub async fn quote(&self, merchant: MerchantId, id: QuoteId) -> Result<Option<Quote>, PriceError> {
        Ok(self.store.quote(merchant, id).await?.map(|quote| quote.value))
    }

    /// What to ask to have the same promise anew: for the answer to an expired quote.
    pub fn again(quote: &Quote, accounts: Vec<Arc<OpenAccount>>) -> QuoteQuestion {
        QuoteQuestion {
            merchant: quote.merchant,
            units: quote.units.clone(),
            country: quote.country,
            to: quote.to.currency(),
            lock: Some(quote.lock),
            rounding: Some(quote.rounding),
            accounts,
            gateway: None,
        }
    }

    /// The same question with what the price book has for its articles: what is shown is what is promised.
    pub(super) async fn with_fixed(
        &self,
        question: &QuoteQuestion,
        now: DateTime<Utc>,
    ) -> Result<QuoteQuestion, PriceError> {
        let mut question = question.clone();
        let skus = question.units.iter().filter_map(|unit| unit.sku.as_ref());
        let book = self.book_of(question.merchant, skus.map(|sku| sku.as_str())).await?;
        for unit in &mut question.units {
            let fixed = |sku| {
                let entry = book.price(sku, question.to, question.country, now)?;
                Some(Fixed { price: entry.price, entry: Some(entry.id) })
            };
            unit.fixed = unit.sku.as_ref().and_then(fixed);
        }
        Ok(question)
    }

    pub(super) fn draft(
        &self,
        id: QuoteId,
        question: &QuoteQuestion,
        now: DateTime<Utc>,
    ) -> Result<Quote, PriceError> {
        let from = question.units.first().ok_or(PriceError::NoItems)?.price.currency();
        if question.units.len() > Pricing::MAX_ITEMS {
            return Err(PriceError::TooManyItems { given: question.units.len() });
        }
        let fixed: Option<Vec<Money>> =
            question.units.iter().map(|unit| Some(unit.fixed.as_ref()?.price)).collect();
        let market = match (self.rates.mid(from, question.to), &fixed) {
            (Err(RatesError::NoRate(missing)), Some(prices)) => {
                let to = Money::sum(question.to, prices.iter().copied())?;
                return Err(PriceError::FixedWithoutRate { missing, to });
            }
            (market, _) => market?,
        };
        if market.stale && fixed.is_none() && !self.allow_stale_reference {
            return Err(PriceError::RatesStale);
        }
        let lock = question.lock.unwrap_or(self.settings.default_lock);
        let (spread, buffer) = match from == question.to {
            true => (BasisPoints(0), Buffer::default()),
            false => {
                let volatility = self.volatilities.of(&self.rates, &market);
                let buffer = Buffer::price(&self.settings.buffers(), lock, now, volatility)?;
                (self.settings.spread(), buffer)
            }
        };
        let (merchant, country) = (question.merchant, question.country);
        let rounding = question.rounding.unwrap_or(self.settings.rounding);
        let endings = self.settings.endings.clone();
        let terms =
            QuoteTerms { id, merchant, country, rounding, endings, market, spread, buffer, lock, now };
        let mut quote = Quote::promise(terms, &question.units)?;
        let unable = |wanted| !able(&question.accounts, quote.to).contains(wanted);
        quote.indicative |= question.gateway.as_ref().is_some_and(unable);
        Ok(quote)
    }
}

/// The store keeps quotes for payments.
#[async_trait]
impl Quotes for Store {
    async fn take(
        &self,
        merchant: MerchantId,
        quote: QuoteId,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(Money, Change), QuoteRefused> {
        let found = self.quote(merchant, quote).await?.ok_or(QuoteRefused::Unknown)?;
        let mut change = Change::new();
        match found.value.honour(payment, now) {
            Ok(amount) => {
                if found.value.used.is_none() {
                    change.use_quote(&found, QuoteUse { payment, at: now });
                }
                Ok((amount, change))
            }
            Err(QuoteError::Used { by, .. }) => Err(QuoteRefused::Used { by }),
            // `honour` refuses for no other reason.
            Err(_) => Err(QuoteRefused::Expired { at: found.value.expires_at }),
        }
    }

    async fn redeem(
        &self,
        promised: &Quote,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(Money, Change), QuoteRefused> {
        // A token that came before has its quote here.
        if self.quote(promised.merchant, promised.id).await?.is_some() {
            return self.take(promised.merchant, promised.id, payment, now).await;
        }
        let amount =
            promised.honour(payment, now).map_err(|_| QuoteRefused::Expired { at: promised.expires_at })?;
        let mut change = Change::new();
        change.insert_quote(&Quote { used: Some(QuoteUse { payment, at: now }), ..promised.clone() });
        Ok((amount, change))
    }

    async fn give_back(
        &self,
        quote: QuoteId,
        payment: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<Change, StoreError> {
        let mut change = Change::new();
        if let Some(found) = self.quote_used_by(quote, payment).await?
            && now <= found.value.expires_at
        {
            change.reopen_quote(&found);
        }
        Ok(change)
    }
}
