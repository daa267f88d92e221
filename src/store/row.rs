//! Reading rows as nouns and their columns as what they are; a column that does not read names its table and row.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::Any;
use sqlx::Row as _;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

use crate::clock::from_micros;
use crate::money::{Currency, Money};

use super::{Store, StoreError, Versioned};

impl Store {
    /// The row of a query, read as its noun.
    pub(super) async fn one<T>(
        &self,
        query: Query<'_, Any, AnyArguments>,
        read: impl Fn(&AnyRow) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        query.fetch_optional(self.reads()).await?.as_ref().map(read).transpose()
    }

    /// Every row of a query, read as its noun, in the query's order.
    pub(super) async fn all<T>(
        &self,
        query: Query<'_, Any, AnyArguments>,
        read: impl Fn(&AnyRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        query.fetch_all(self.reads()).await?.iter().map(read).collect()
    }
}

/// One row of `table`, whose first column says which.
pub(super) struct Row<'a> {
    table: &'static str,
    row: &'a AnyRow,
}

impl<'a> Row<'a> {
    pub(super) fn of(table: &'static str, row: &'a AnyRow) -> Row<'a> {
        Row { table, row }
    }

    pub(super) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn optional_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn time(&self, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
        Ok(from_micros(self.int(column)?))
    }

    pub(super) fn optional_time(&self, column: &'static str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let micros: Option<i64> = self.row.try_get(column)?;
        Ok(micros.map(from_micros))
    }

    /// An id, a currency, a decimal: whatever is stored as its text.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error: T::Err| self.unreadable(column, error))
    }

    pub(super) fn optional<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.unreadable(column, error))).transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.unreadable(column, error))
    }

    pub(super) fn optional_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| self.unreadable(column, error)))
            .transpose()
    }

    /// Minor units in one column, the currency in another.
    pub(super) fn money(&self, amount: &'static str, currency: &'static str) -> Result<Money, StoreError> {
        Ok(Money::from_minor(self.int(amount)?, self.parse::<Currency>(currency)?))
    }

    /// The same where there may be none.
    pub(super) fn optional_money(
        &self,
        amount: &'static str,
        currency: &'static str,
    ) -> Result<Option<Money>, StoreError> {
        let minor: Option<i64> = self.row.try_get(amount)?;
        let currency: Option<Currency> = self.optional(currency)?;
        Ok(minor.zip(currency).map(|(minor, currency)| Money::from_minor(minor, currency)))
    }

    pub(super) fn versioned<T>(&self, value: T) -> Result<Versioned<T>, StoreError> {
        Ok(Versioned { value, version: self.int("version")? })
    }

    pub(super) fn unreadable(&self, column: &'static str, why: impl Display) -> StoreError {
        let key = self.row.try_get::<String, _>(0).unwrap_or_default();
        StoreError::Unreadable { table: self.table, key, why: format!("{column}: {why}") }
    }
}
