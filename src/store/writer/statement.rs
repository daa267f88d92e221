//! The four things the writer says to a database, as shapes: begin or end, look rows up by key, insert rows, update
//! (or, where their time is over, remove) rows by key. Each engine's session turns a shape and many rows into as few statements as it can.

use std::fmt::Write as _;

use crate::store::change::{Column, Kind};
use crate::store::{Engine, Value};

/// One row of values.
pub(super) type Row = Vec<Value>;

/// `SELECT columns FROM table WHERE key IN (…)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lookup {
    pub table: &'static str,
    pub key: Vec<Column>,
    pub columns: Vec<Column>,
    /// Lock the rows, in the order of their key.
    pub lock: bool,
}

/// `INSERT INTO table (columns) VALUES …`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Insertion {
    pub table: &'static str,
    pub columns: Vec<Column>,
}

/// `UPDATE table SET … WHERE key = …`: each row holds the key, the version if there is one, and the new values. Or, with
/// `removes`, `DELETE FROM table WHERE key = …`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Revision {
    pub table: &'static str,
    pub key: Column,
    pub versioned: bool,
    pub set: Vec<Column>,
    pub removes: bool,
}

/// A statement failed on a table.
#[derive(Debug, thiserror::Error)]
#[error("{table}: {error}")]
pub(super) struct StatementError {
    pub table: &'static str,
    pub error: sqlx::Error,
}

/// Names the table that a statement was about.
pub(super) fn on(table: &'static str) -> impl Fn(sqlx::Error) -> StatementError {
    move |error| StatementError { table, error }
}

impl Revision {
    /// The columns of one row of values.
    pub fn inputs(&self) -> Vec<Column> {
        let version = self.versioned.then_some(Column { name: "version", kind: Kind::Int });
        std::iter::once(self.key).chain(version).chain(self.set.iter().copied()).collect()
    }
}

impl Lookup {
    /// The text for `rows` keys. CROSS JOIN keeps SQLite's planner from scanning the table to find the keys.
    pub fn text(&self, engine: Engine, rows: usize) -> String {
        let mut sql = format!("WITH given ({}) AS (VALUES ", names(&self.key, "k_"));
        push_rows(&mut sql, engine, &self.key, rows);
        sql.push_str(") ");
        sql.push_str(&self.body(engine));
        sql
    }

    /// Everything behind the definition of `given`.
    pub fn body(&self, engine: Engine) -> String {
        let table = self.table;
        // A flag is SMALLINT in the table and 64 bits here: the cast makes them one type for every driver.
        let columns = joined(&self.columns, ", ", |column| match column.kind {
            Kind::Int => format!("CAST({table}.{} AS BIGINT)", column.name),
            Kind::Text | Kind::Bytes => format!("{table}.{}", column.name),
        });
        let matches = joined(&self.key, " AND ", |key| format!("{table}.{0} = given.k_{0}", key.name));
        let mut sql = format!("SELECT {columns} FROM given CROSS JOIN {table} WHERE {matches}");
        if self.lock {
            let order = joined(&self.key, ", ", |key| format!("{table}.{}", key.name));
            let _ = write!(sql, " ORDER BY {order}{}", engine.for_update(table));
        }
        sql
    }
}

impl Insertion {
    /// The text for `rows` rows.
    pub fn text(&self, engine: Engine, rows: usize) -> String {
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.table, names(&self.columns, ""));
        push_plain_rows(&mut sql, engine, self.columns.len(), rows);
        sql
    }
}

impl Revision {
    /// The text for `rows` rows.
    pub fn text(&self, engine: Engine, rows: usize) -> String {
        let inputs = self.inputs();
        let mut sql = format!("WITH given ({}) AS (VALUES ", names(&inputs, "k_"));
        push_rows(&mut sql, engine, &inputs, rows);
        sql.push_str(") ");
        sql.push_str(&self.body());
        sql
    }

    /// Everything behind the definition of `given`.
    pub fn body(&self) -> String {
        let table = self.table;
        if self.removes {
            // Versions were checked under the head row's lock. By key alone, so that SQLite goes by the primary key.
            return format!("DELETE FROM {table} WHERE {0} IN (SELECT k_{0} FROM given)", self.key.name);
        }
        let mut set = joined(&self.set, ", ", |column| format!("{0} = given.k_{0}", column.name));
        let mut matches = format!("{table}.{0} = given.k_{0}", self.key.name);
        if self.versioned {
            let comma = if set.is_empty() { "" } else { ", " };
            let _ = write!(set, "{comma}version = {table}.version + 1");
            let _ = write!(matches, " AND {table}.version = given.k_version");
        }
        format!("UPDATE {table} SET {set} FROM given WHERE {matches}")
    }
}

fn joined(columns: &[Column], between: &str, write: impl Fn(&Column) -> String) -> String {
    columns.iter().map(write).collect::<Vec<_>>().join(between)
}

/// Column names; those of `given` carry a prefix, so that none of them is taken for a table's.
pub(super) fn names(columns: &[Column], prefix: &str) -> String {
    joined(columns, ", ", |column| format!("{prefix}{}", column.name))
}

/// `(CAST($1 AS TEXT), $2), ($3, $4)`: the first row tells PostgreSQL the types of the rest.
fn push_rows(sql: &mut String, engine: Engine, columns: &[Column], rows: usize) {
    let mut bind = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                sql.push_str(", ");
            }
            bind += 1;
            match (row, column.kind) {
                (0, Kind::Int) => {
                    sql.push_str("CAST(");
                    engine.push_bind(sql, bind);
                    sql.push_str(" AS BIGINT)");
                }
                (0, Kind::Text) => {
                    sql.push_str("CAST(");
                    engine.push_bind(sql, bind);
                    sql.push_str(" AS TEXT)");
                }
                _ => engine.push_bind(sql, bind),
            }
        }
        sql.push(')');
    }
}

fn push_plain_rows(sql: &mut String, engine: Engine, columns: usize, rows: usize) {
    let mut bind = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for place in 0..columns {
            if place > 0 {
                sql.push_str(", ");
            }
            bind += 1;
            engine.push_bind(sql, bind);
        }
        sql.push(')');
    }
}
