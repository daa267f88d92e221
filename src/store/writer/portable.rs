//! The portable statements: the same text on both engines, many rows in one `VALUES`.
//!
//! Rows go out in chunks of a few fixed sizes, so that a handful of texts per table is prepared once and used for ever.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::any::{AnyArguments, AnyConnectOptions, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe, ConnectOptions, Connection, Row as _};

use crate::store::change::{Column, Kind};
use crate::store::{Engine, Value};

use super::statement::{Insertion, Lookup, Revision, Row, StatementError, on};

/// Rows per statement, largest first.
const CHUNKS: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// A connection, and the texts it has said.
#[derive(Debug)]
pub(super) struct Portable {
    connection: AnyConnection,
    engine: Engine,
    texts: HashMap<Shape, Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shape {
    Lookup(Lookup, usize),
    Insertion(Insertion, usize),
    Revision(Revision, usize),
}

impl Portable {
    /// Connects.
    pub async fn open(url: &str, engine: Engine) -> Result<Portable, sqlx::Error> {
        let options: AnyConnectOptions = url.parse()?;
        let mut connection = AnyConnection::connect_with(&options.disable_statement_logging()).await?;
        sqlx::raw_sql(engine.writer_setup()).execute(&mut connection).await?;
        Ok(Portable { connection, engine, texts: HashMap::new() })
    }

    /// Runs a statement without values.
    pub async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await?;
        Ok(())
    }

    /// The rows with these keys, in no order.
    pub async fn look_up(&mut self, lookup: &Lookup, keys: &[Row]) -> Result<Vec<Row>, StatementError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNKS[0]) {
            let size = chunk.len().next_power_of_two();
            let text = self.text(Shape::Lookup(lookup.clone(), size));
            // A repeated key finds its row again, which changes nothing: callers collect rows into maps.
            let padding = std::iter::repeat_n(chunk.last(), size - chunk.len()).flatten();
            let arguments = bind(&lookup.key, chunk.iter().chain(padding));
            let rows = sqlx::query_with(AssertSqlSafe(text), arguments)
                .fetch_all(&mut self.connection)
                .await
                .map_err(on(lookup.table))?;
            for row in &rows {
                found.push(read(row, &lookup.columns).map_err(on(lookup.table))?);
            }
        }
        Ok(found)
    }

    /// Inserts rows.
    pub async fn insert(&mut self, insertion: &Insertion, rows: &[Row]) -> Result<(), StatementError> {
        for chunk in chunks(rows) {
            let text = self.text(Shape::Insertion(insertion.clone(), chunk.len()));
            let arguments = bind(&insertion.columns, chunk.iter());
            sqlx::query_with(AssertSqlSafe(text), arguments)
                .execute(&mut self.connection)
                .await
                .map_err(on(insertion.table))?;
        }
        Ok(())
    }

    /// Inserts a row unless its keys are taken.
    pub async fn insert_missing(&mut self, insertion: &Insertion, row: &Row) -> Result<(), StatementError> {
        let text = format!("{} ON CONFLICT DO NOTHING", insertion.text(self.engine, 1));
        let arguments = bind(&insertion.columns, std::iter::once(row));
        sqlx::query_with(AssertSqlSafe(text), arguments)
            .execute(&mut self.connection)
            .await
            .map_err(on(insertion.table))?;
        Ok(())
    }

    /// Updates rows and says how many were there.
    pub async fn revise(&mut self, revision: &Revision, rows: &[Row]) -> Result<u64, StatementError> {
        let mut count = 0;
        let inputs = revision.inputs();
        for chunk in chunks(rows) {
            let text = self.text(Shape::Revision(revision.clone(), chunk.len()));
            let arguments = bind(&inputs, chunk.iter());
            let done = sqlx::query_with(AssertSqlSafe(text), arguments)
                .execute(&mut self.connection)
                .await
                .map_err(on(revision.table))?;
            count += done.rows_affected();
        }
        Ok(count)
    }

    /// Says goodbye.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }

    fn text(&mut self, shape: Shape) -> Arc<str> {
        if let Some(text) = self.texts.get(&shape) {
            return Arc::clone(text);
        }
        let text: Arc<str> = match &shape {
            Shape::Lookup(lookup, size) => lookup.text(self.engine, *size).into(),
            Shape::Insertion(insertion, size) => insertion.text(self.engine, *size).into(),
            Shape::Revision(revision, size) => revision.text(self.engine, *size).into(),
        };
        self.texts.insert(shape, Arc::clone(&text));
        text
    }
}

/// Cuts rows into chunks of the fixed sizes.
fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|size| *size <= rows.len())?;
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

fn bind<'r>(columns: &[Column], rows: impl Iterator<Item = &'r Row>) -> AnyArguments {
    let mut arguments = AnyArguments::default();
    for row in rows {
        for (column, value) in columns.iter().zip(row) {
            // Encoding an integer, a text or bytes cannot fail.
            let _ = match value {
                Value::Int(number) => arguments.add(*number),
                Value::Text(text) => arguments.add(text.as_str()),
                Value::Bytes(bytes) => arguments.add(bytes.as_slice()),
                Value::Null => match column.kind {
                    Kind::Int => arguments.add(None::<i64>),
                    Kind::Text => arguments.add(None::<String>),
                    Kind::Bytes => arguments.add(None::<Vec<u8>>),
                },
            };
        }
    }
    arguments
}

fn read(row: &AnyRow, columns: &[Column]) -> Result<Row, sqlx::Error> {
    columns
        .iter()
        .enumerate()
        .map(|(place, column)| match column.kind {
            Kind::Int => row.try_get::<Option<i64>, _>(place).map(Value::from),
            Kind::Text => row.try_get::<Option<String>, _>(place).map(Value::from),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(place).map(Value::from),
        })
        .collect()
}
