//! Whose turn it is to ask a source of rates, and what it said last.

use chrono::{DateTime, Utc};

use crate::domain::fx::Publication;
use crate::ids::BootId;
use crate::store::row::Row;
use crate::store::{Change, Column, Store, StoreError, Table, Value, Versioned};

use super::{RATE_PUBLICATION, read_columns, values};

/// One row per source.
pub(super) static RATE_TURN: Table = Table {
    name: "rate_turn",
    columns: &[
        Column::text("source"),
        Column::int("asked_at"),
        Column::text("asked_by"),
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
    unique: &[],
};

/// Who asked a source last, and what it said last.
#[derive(Debug, Clone, PartialEq)]
pub struct RateTurn {
    /// When it was asked, in business time.
    pub asked_at: DateTime<Utc>,
    /// By which run of the program.
    pub asked_by: BootId,
    /// What it said, once it has answered.
    pub newest: Option<Publication>,
}

impl Change {
    /// Takes the turn at a source: as the first ever, or after the turn of `version`.
    pub fn take_rate_turn(
        &mut self,
        source: &str,
        by: BootId,
        at: DateTime<Utc>,
        version: Option<i64>,
    ) -> &mut Change {
        match version {
            Some(version) => {
                let set = vec![("asked_at", at.into()), ("asked_by", Value::text(by))];
                self.update(&RATE_TURN, source, version, set)
            }
            None => {
                let mut row = vec![source.into(), at.into(), Value::text(by)];
                row.resize(RATE_TURN.columns.len(), Value::Null);
                self.insert(&RATE_TURN, row)
            }
        }
    }

    /// Leaves what the source said to the others.
    pub fn leave_rates(&mut self, publication: &Publication, version: i64) -> &mut Change {
        let columns = RATE_PUBLICATION.columns.iter().map(|column| column.name);
        let set = columns.zip(values(publication)).skip(1).collect();
        self.update(&RATE_TURN, &publication.source, version, set)
    }
}

impl Store {
    /// The turn at a source; `None` before it was ever asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rate_turn(&self, source: &str) -> Result<Option<Versioned<RateTurn>>, StoreError> {
        let query = sqlx::query("SELECT * FROM rate_turn WHERE source = $1").bind(source.to_owned());
        let read = |row: &sqlx::any::AnyRow| {
            let row = Row::of("rate_turn", row);
            let newest = row.optional_text("evidence")?.map(|_| read_columns(&row)).transpose()?;
            let (asked_at, asked_by) = (row.time("asked_at")?, row.parse("asked_by")?);
            row.versioned(RateTurn { asked_at, asked_by, newest })
        };
        self.one(query, read).await
    }
}
