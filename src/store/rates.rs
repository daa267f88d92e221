//! Rates as their sources published them: a log, for restarts, past days and the audit trail.
//!
//! Numbers are text, digit for digit; of a running source the first of each hour is kept.

mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::any::AnyRow;

use crate::domain::fx::{Due, Publication, Quoted, RateKind};
use crate::money::Currency;

use super::row::Row;
use super::words::json;
use super::{Change, Column, Log, Store, StoreError, Value};

pub use turns::RateTurn;

/// The log.
pub(super) static RATE_PUBLICATION: Log = Log {
    name: "rate_publication",
    columns: &[
        Column::text("source"),
        Column::int("as_of"),
        Column::text("evidence"),
        Column::text("day"),
        Column::text("base"),
        Column::text("quoted"),
        Column::text("kind"),
        Column::int("published_at"),
        Column::int("fetched_at"),
        Column::int("next_at"),
        Column::int("interval_us"),
        Column::text("rates"),
    ],
    unique: &[&[0, 1, 2]],
};

impl Change {
    /// Keeps a publication.
    pub fn keep_rates(&mut self, publication: &Publication) -> &mut Change {
        self.append(&RATE_PUBLICATION, values(publication))
    }
}

/// A publication as a row, column by column.
fn values(publication: &Publication) -> Vec<Value> {
    let (next_at, interval) = match publication.due {
        Due::NextAt(next) => (Value::from(next), Value::Null),
        Due::Every(interval) => (Value::Null, interval.num_microseconds().into()),
    };
    let rates: BTreeMap<&str, String> =
        publication.rates.iter().map(|(currency, rate)| (currency.code(), rate.to_string())).collect();
    vec![
        (&*publication.source).into(),
        publication.as_of.into(),
        (&*publication.evidence).into(),
        Value::text(publication.day()),
        Value::text(publication.base),
        match publication.quoted {
            Quoted::UnitsPerBase => "units_per_base",
            Quoted::BasePerUnit => "base_per_unit",
        }
        .into(),
        match publication.kind {
            RateKind::Reference => "reference",
            RateKind::Mid => "mid",
        }
        .into(),
        publication.published_at.into(),
        publication.fetched_at.into(),
        next_at,
        interval,
        json(&rates),
    ]
}

impl Store {
    /// The last publication of each source and day, from `since` on or of all time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rates_kept(&self, since: Option<NaiveDate>) -> Result<Vec<Publication>, StoreError> {
        // Of one day the later market time counts, of one market time the later reading: a correction.
        let rows = sqlx::query(
            "SELECT r.* FROM rate_publication r WHERE r.day >= $1 AND NOT EXISTS (
                 SELECT 1 FROM rate_publication later WHERE later.source = r.source AND later.day = r.day
                 AND (later.as_of > r.as_of OR (later.as_of = r.as_of AND (later.fetched_at > r.fetched_at
                      OR (later.fetched_at = r.fetched_at AND later.evidence > r.evidence)))))
             ORDER BY r.day, r.source",
        )
        .bind(since.map_or(String::new(), |since| since.to_string()))
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(read_publication).collect()
    }

    /// What was kept of a source that was read from it after `since`, or ever; by market time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rates_read_since(
        &self,
        source: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Publication>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM rate_publication WHERE source = $1 AND fetched_at > $2 ORDER BY as_of, fetched_at",
        )
        .bind(source.to_owned())
        .bind(since.map_or(i64::MIN, |since| since.timestamp_micros()))
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(read_publication).collect()
    }
}

fn read_publication(row: &AnyRow) -> Result<Publication, StoreError> {
    read_columns(&Row::of("rate_publication", row))
}

/// A publication from the columns it is kept in, in whichever table.
fn read_columns(row: &Row<'_>) -> Result<Publication, StoreError> {
    let currency =
        |column, code: &str| Currency::find_ever(code).map_err(|error| row.unreadable(column, error));
    let rates: BTreeMap<String, String> = row.json("rates")?;
    let mut rates = rates
        .iter()
        .map(|(code, rate)| {
            let rate: Decimal =
                Decimal::from_str_exact(rate).map_err(|error| row.unreadable("rates", error))?;
            Ok((currency("rates", code)?, rate))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    rates.sort_unstable_by_key(|(currency, _)| *currency);
    let word = |column, words: &[(&str, bool)]| {
        let text = row.text(column)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| row.unreadable(column, format!("`{text}`")))
    };
    let due = match row.optional_time("next_at")? {
        Some(next) => Due::NextAt(next),
        None => Due::Every(TimeDelta::microseconds(row.int("interval_us")?)),
    };
    Ok(Publication {
        source: row.text("source")?.into(),
        base: currency("base", &row.text("base")?)?,
        quoted: match word("quoted", &[("units_per_base", true), ("base_per_unit", false)])? {
            true => Quoted::UnitsPerBase,
            false => Quoted::BasePerUnit,
        },
        kind: match word("kind", &[("reference", true), ("mid", false)])? {
            true => RateKind::Reference,
            false => RateKind::Mid,
        },
        as_of: row.time("as_of")?,
        published_at: row.time("published_at")?,
        fetched_at: row.time("fetched_at")?,
        due,
        evidence: Arc::from(row.text("evidence")?),
        rates: rates.into(),
    })
}
