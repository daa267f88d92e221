//! The merchants' own prices. Entries are added and withdrawn, never changed.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::fx::{FixedPrice, PriceBook, Sku};
use crate::ids::{FixedPriceId, MerchantId};
use crate::money::Currency;

use super::row::Row;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Entries of price books.
pub static FIXED_PRICE: Table = Table {
    name: "fixed_price",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("sku"),
        Column::text("country"),
        Column::int("amount"),
        Column::text("currency"),
        Column::int("valid_from"),
        Column::int("valid_until"),
        Column::int("created_at"),
        Column::int("withdrawn_at"),
    ],
    unique: &[],
};

/// Which entries a list shows; withdrawn ones are in none.
#[derive(Debug, Clone, Default)]
pub struct FixedPriceFilter {
    /// Of this article.
    pub sku: Option<Sku>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Where the page begins.
    pub seek: Seek<FixedPriceId>,
    /// How many rows.
    pub limit: i64,
}

impl Change {
    /// A new entry.
    pub fn insert_fixed_price(&mut self, entry: &FixedPrice) -> &mut Change {
        self.insert(
            &FIXED_PRICE,
            vec![
                Value::text(entry.id),
                Value::text(entry.merchant),
                Value::text(&entry.sku),
                entry.country.map_or(Value::Null, Value::text),
                entry.price.minor().into(),
                Value::text(entry.price.currency()),
                entry.valid_from.into(),
                entry.valid_until.into(),
                entry.created_at.into(),
                entry.withdrawn_at.into(),
            ],
        )
    }

    /// The entry holds no longer.
    pub fn withdraw_fixed_price(&mut self, entry: &Versioned<FixedPrice>, at: DateTime<Utc>) -> &mut Change {
        self.update(&FIXED_PRICE, entry.value.id, entry.version, vec![("withdrawn_at", at.into())])
    }
}

impl Store {
    /// The merchant's entries of these articles that hold at `now` or will: one question, however many articles.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn price_book(
        &self,
        merchant: MerchantId,
        skus: &[&Sku],
        now: DateTime<Utc>,
    ) -> Result<PriceBook, StoreError> {
        let Some(last) = skus.last() else { return Ok(PriceBook::default()) };
        let engine = self.engine();
        let mut sql = "SELECT * FROM fixed_price WHERE withdrawn_at IS NULL AND merchant_id = ".to_owned();
        engine.push_bind(&mut sql, 1);
        sql.push_str(" AND (valid_until IS NULL OR valid_until > ");
        engine.push_bind(&mut sql, 2);
        sql.push_str(") AND sku IN (");
        // A few fixed sizes, so that few texts are prepared; a repeated sku changes nothing.
        let size = skus.len().next_power_of_two();
        for place in 0..size {
            if place > 0 {
                sql.push(',');
            }
            engine.push_bind(&mut sql, place + 3);
        }
        sql.push(')');
        let mut query =
            sqlx::query(AssertSqlSafe(sql)).bind(merchant.to_string()).bind(now.timestamp_micros());
        for sku in skus.iter().chain(std::iter::repeat_n(last, size - skus.len())) {
            query = query.bind(sku.to_string());
        }
        Ok(PriceBook::new(self.all(query, read_entry).await?))
    }

    /// A merchant's entry, withdrawn or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fixed_price(
        &self,
        merchant: MerchantId,
        id: FixedPriceId,
    ) -> Result<Option<Versioned<FixedPrice>>, StoreError> {
        let query = sqlx::query("SELECT * FROM fixed_price WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// A page of a merchant's entries in the order they were written, in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fixed_prices(
        &self,
        merchant: MerchantId,
        filter: &FixedPriceFilter,
    ) -> Result<Vec<FixedPrice>, StoreError> {
        let (beyond, way) = if filter.seek.is_backwards() { ("<", "DESC") } else { (">", "ASC") };
        let sql = format!(
            "SELECT * FROM fixed_price WHERE merchant_id = $1 AND withdrawn_at IS NULL
             AND (CAST($2 AS TEXT) IS NULL OR sku = $2) AND (CAST($3 AS TEXT) IS NULL OR currency = $3)
             AND id {beyond} $4 ORDER BY id {way} LIMIT $5"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(merchant.to_string())
            .bind(filter.sku.as_ref().map(ToString::to_string))
            .bind(filter.currency.map(|currency| currency.to_string()))
            .bind(filter.seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(filter.limit);
        self.all(query, read_entry).await
    }

    /// Entries written by one request: those from this id on, up to `count` of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fixed_prices_from(
        &self,
        merchant: MerchantId,
        first: FixedPriceId,
        count: i64,
    ) -> Result<Vec<FixedPrice>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM fixed_price WHERE merchant_id = $1 AND id >= $2
             AND created_at = (SELECT created_at FROM fixed_price WHERE id = $2) ORDER BY id LIMIT $3",
        )
        .bind(merchant.to_string())
        .bind(first.to_string())
        .bind(count);
        self.all(query, read_entry).await
    }
}

fn read_entry(row: &AnyRow) -> Result<FixedPrice, StoreError> {
    read(row).map(|entry| entry.value)
}

fn read(row: &AnyRow) -> Result<Versioned<FixedPrice>, StoreError> {
    let row = Row::of("fixed_price", row);
    row.versioned(FixedPrice {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        sku: row.parse("sku")?,
        country: row.optional("country")?,
        price: row.money("amount", "currency")?,
        valid_from: row.time("valid_from")?,
        valid_until: row.optional_time("valid_until")?,
        created_at: row.time("created_at")?,
        withdrawn_at: row.optional_time("withdrawn_at")?,
    })
}
