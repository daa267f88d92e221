//! PostgreSQL's own way of saying the same: each column of a batch is one array, unnested on the server. One text per
//! shape whatever the number of rows, prepared once; fewer bytes to parse and nothing to plan again.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row as _};

use crate::store::change::{Column, Kind};
use crate::store::{Engine, Value};

use super::statement::{Insertion, Lookup, Revision, Row, StatementError, names, on};

/// A connection, and the texts it has said.
#[derive(Debug)]
pub(super) struct Native {
    connection: PgConnection,
    texts: HashMap<Shape, Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shape {
    Lookup(Lookup),
    Insertion(Insertion, &'static str),
    Revision(Revision),
}

impl Native {
    /// Connects.
    pub async fn open(url: &str) -> Result<Native, sqlx::Error> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.statement_cache_capacity(512).disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::raw_sql(Engine::Postgres.writer_setup()).execute(&mut connection).await?;
        Ok(Native { connection, texts: HashMap::new() })
    }

    /// Runs a statement without values.
    pub async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await?;
        Ok(())
    }

    /// The rows with these keys.
    pub async fn look_up(&mut self, lookup: &Lookup, keys: &[Row]) -> Result<Vec<Row>, StatementError> {
        let text = self.text(Shape::Lookup(lookup.clone()));
        let rows = sqlx::query_with(AssertSqlSafe(text), bind(&lookup.key, keys))
            .fetch_all(&mut self.connection)
            .await
            .map_err(on(lookup.table))?;
        rows.iter().map(|row| read(row, &lookup.columns).map_err(on(lookup.table))).collect()
    }

    /// Inserts rows.
    pub async fn insert(
        &mut self,
        insertion: &Insertion,
        rows: &[Row],
        suffix: &'static str,
    ) -> Result<(), StatementError> {
        let text = self.text(Shape::Insertion(insertion.clone(), suffix));
        sqlx::query_with(AssertSqlSafe(text), bind(&insertion.columns, rows))
            .execute(&mut self.connection)
            .await
            .map_err(on(insertion.table))?;
        Ok(())
    }

    /// Updates rows and says how many were there.
    pub async fn revise(&mut self, revision: &Revision, rows: &[Row]) -> Result<u64, StatementError> {
        let text = self.text(Shape::Revision(revision.clone()));
        let done = sqlx::query_with(AssertSqlSafe(text), bind(&revision.inputs(), rows))
            .execute(&mut self.connection)
            .await
            .map_err(on(revision.table))?;
        Ok(done.rows_affected())
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
            Shape::Lookup(lookup) => {
                format!("{} {}", given(&lookup.key), lookup.body(Engine::Postgres)).into()
            }
            Shape::Insertion(insertion, suffix) => {
                let (table, columns) = (insertion.table, names(&insertion.columns, ""));
                let arrays = arrays(&insertion.columns);
                format!("INSERT INTO {table} ({columns}) SELECT * FROM UNNEST({arrays}){suffix}").into()
            }
            Shape::Revision(revision) => format!("{} {}", given(&revision.inputs()), revision.body()).into(),
        };
        self.texts.insert(shape, Arc::clone(&text));
        text
    }
}

fn given(columns: &[Column]) -> String {
    format!("WITH given ({}) AS (SELECT * FROM UNNEST({}))", names(columns, "k_"), arrays(columns))
}

/// `$1::bigint[], $2::text[]`.
fn arrays(columns: &[Column]) -> String {
    let array = |(place, column): (usize, &Column)| {
        let kind = match column.kind {
            Kind::Int => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        };
        format!("${}::{kind}[]", place + 1)
    };
    columns.iter().enumerate().map(array).collect::<Vec<_>>().join(", ")
}

fn bind(columns: &[Column], rows: &[Row]) -> PgArguments {
    let mut arguments = PgArguments::default();
    for (place, column) in columns.iter().enumerate() {
        let values = rows.iter().map(|row| row.get(place));
        // Encoding integers, texts and bytes cannot fail.
        let _ = match column.kind {
            Kind::Int => arguments.add(values.map(int).collect::<Vec<_>>()),
            Kind::Text => arguments.add(values.map(text).collect::<Vec<_>>()),
            Kind::Bytes => arguments.add(values.map(bytes).collect::<Vec<_>>()),
        };
    }
    arguments
}

fn int(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn bytes(value: Option<&Value>) -> Option<&[u8]> {
    match value {
        Some(Value::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

fn read(row: &PgRow, columns: &[Column]) -> Result<Row, sqlx::Error> {
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
