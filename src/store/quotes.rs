//! Promised prices.
//!
//! A quote is used by a change of the payment that names it ([`Change::use_quote`]): the version of its row makes it
//! single-use, whoever else tries in the same batch.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::domain::fx::{Buffer, Fixed, Lock, PriceRounding, Provenance, Quote, QuoteUse, Unit};
use crate::ids::{FixedPriceId, MerchantId, PaymentId, QuoteId};
use crate::money::{BasisPoints, Currency, Money, Rate};

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// Promised prices.
pub static QUOTE: Table = Table {
    name: "quote",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("units"),
        Column::int("from_amount"),
        Column::text("from_currency"),
        Column::int("to_amount"),
        Column::text("to_currency"),
        Column::text("reference_rate"),
        Column::int("spread_bps"),
        Column::int("buffer_bps"),
        Column::text("final_rate"),
        Column::text("market"),
        Column::text("lock_for"),
        Column::int("indicative"),
        Column::int("created_at"),
        Column::int("expires_at"),
        Column::text("used_by"),
        Column::int("used_at"),
        Column::text("buffer"),
        Column::text("token_id"),
        Column::text("country"),
        Column::text("rounding"),
    ],
    unique: &[],
};

/// A unit: what is asked and what is promised for it, or with its article and the price fixed for it. All in minor units.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StoredUnit {
    /// What is asked; from before what is promised was kept.
    Plain(i64),
    /// What is asked, what is promised.
    Priced(i64, i64),
    /// With its article.
    Article {
        /// What is asked.
        minor: i64,
        /// The article.
        sku: String,
        /// The price fixed for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fixed: Option<i64>,
        /// By this entry of the price book.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<FixedPriceId>,
        /// What is promised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<i64>,
    },
}

impl StoredUnit {
    /// As it is kept.
    pub fn of(unit: &Unit) -> StoredUnit {
        let minor = unit.price.minor();
        match (&unit.sku, unit.promised) {
            (None, None) => StoredUnit::Plain(minor),
            (None, Some(promised)) => StoredUnit::Priced(minor, promised.minor()),
            (Some(sku), promised) => StoredUnit::Article {
                minor,
                sku: sku.to_string(),
                fixed: unit.fixed.map(|fixed| fixed.price.minor()),
                entry: unit.fixed.and_then(|fixed| fixed.entry),
                to: promised.map(Money::minor),
            },
        }
    }

    /// The unit of a quote between these currencies.
    pub fn read(self, from: Currency, to: Currency) -> Unit {
        match self {
            StoredUnit::Plain(minor) => Money::from_minor(minor, from).into(),
            StoredUnit::Priced(minor, promised) => Unit {
                promised: Some(Money::from_minor(promised, to)),
                ..Money::from_minor(minor, from).into()
            },
            StoredUnit::Article { minor, sku, fixed, entry, to: promised } => Unit {
                price: Money::from_minor(minor, from),
                sku: sku.parse().ok(),
                fixed: fixed.map(|minor| Fixed { price: Money::from_minor(minor, to), entry }),
                promised: promised.map(|minor| Money::from_minor(minor, to)),
            },
        }
    }
}

impl Change {
    /// A new quote; one that comes out of a token is used already.
    pub fn insert_quote(&mut self, quote: &Quote) -> &mut Change {
        let units: Vec<StoredUnit> = quote.units.iter().map(StoredUnit::of).collect();
        let market = &quote.market;
        let used = quote.used;
        self.insert(
            &QUOTE,
            vec![
                Value::text(quote.id),
                Value::text(quote.merchant),
                json(&units),
                quote.from.minor().into(),
                Value::text(quote.from.currency()),
                quote.to.minor().into(),
                Value::text(quote.to.currency()),
                Value::text(market.rate.value()),
                i64::from(quote.spread.0).into(),
                i64::from(quote.buffer.total().0).into(),
                Value::text(quote.final_rate.value()),
                json(&Provenance::of(market)),
                quote.lock.as_str().into(),
                quote.indicative.into(),
                quote.created_at.into(),
                quote.expires_at.into(),
                used.map_or(Value::Null, |used| Value::text(used.payment)),
                used.map_or(Value::Null, |used| used.at.into()),
                json(&quote.buffer),
                quote.token.map_or(Value::Null, Value::text),
                quote.country.map_or(Value::Null, Value::text),
                word(&quote.rounding),
            ],
        )
    }

    /// The quote is used by this payment. To be part of the change that makes the payment.
    pub fn use_quote(&mut self, quote: &Versioned<Quote>, by: QuoteUse) -> &mut Change {
        let set = vec![("used_by", Value::text(by.payment)), ("used_at", by.at.into())];
        self.update(&QUOTE, quote.value.id, quote.version, set)
    }

    /// The quote is open again. To be part of the change that ends the payment.
    pub fn reopen_quote(&mut self, quote: &Versioned<Quote>) -> &mut Change {
        let set = vec![("used_by", Value::Null), ("used_at", Value::Null)];
        self.update(&QUOTE, quote.value.id, quote.version, set)
    }
}

impl Store {
    /// A merchant's quote.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quote(
        &self,
        merchant: MerchantId,
        id: QuoteId,
    ) -> Result<Option<Versioned<Quote>>, StoreError> {
        let query = sqlx::query("SELECT * FROM quote WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_quote).await
    }

    /// The quote, if this payment uses it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quote_used_by(
        &self,
        id: QuoteId,
        payment: PaymentId,
    ) -> Result<Option<Versioned<Quote>>, StoreError> {
        let query = sqlx::query("SELECT * FROM quote WHERE id = $1 AND used_by = $2")
            .bind(id.to_string())
            .bind(payment.to_string());
        self.one(query, read_quote).await
    }
}

fn read_quote(row: &AnyRow) -> Result<Versioned<Quote>, StoreError> {
    let row = Row::of("quote", row);
    let from = row.money("from_amount", "from_currency")?;
    let to = row.money("to_amount", "to_currency")?;
    let rate = |column| {
        let value: String = row.text(column)?;
        Rate::parse(from.currency(), to.currency(), &value).map_err(|error| row.unreadable(column, error))
    };
    let points = |column| {
        let value = row.int(column)?;
        i32::try_from(value).map(BasisPoints).map_err(|error| row.unreadable(column, error))
    };
    let units: Vec<StoredUnit> = row.json("units")?;
    let provenance: Provenance = row.json("market")?;
    let created_at = row.time("created_at")?;
    // Quotes made before buffers had parts know their sum only.
    let total = points("buffer_bps")?;
    let buffer = row.optional_json("buffer")?.unwrap_or_else(|| Buffer::flat(total));
    if buffer.total() != total {
        return Err(row.unreadable("buffer", "the parts do not add up to buffer_bps"));
    }
    let used = match (row.optional::<PaymentId>("used_by")?, row.optional_time("used_at")?) {
        (Some(payment), Some(at)) => Some(QuoteUse { payment, at }),
        _ => None,
    };
    let quote = Quote {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        units: units.into_iter().map(|unit| unit.read(from.currency(), to.currency())).collect(),
        // Quotes from before it could be asked for are exact.
        rounding: words::read_optional(&row, "rounding")?.unwrap_or(PriceRounding::Exact),
        country: row.optional("country")?,
        from,
        to,
        market: provenance.market(rate("reference_rate")?, created_at),
        spread: points("spread_bps")?,
        buffer,
        final_rate: rate("final_rate")?,
        lock: row.parse::<Lock>("lock_for")?,
        indicative: row.flag("indicative")?,
        created_at,
        expires_at: row.time("expires_at")?,
        token: row.optional("token_id")?,
        used,
    };
    if !quote.adds_up() {
        return Err(row.unreadable("units", "what is promised for them does not add up to to_amount"));
    }
    row.versioned(quote)
}
