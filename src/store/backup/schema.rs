//! Which tables and columns there are, as the database itself says.

use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::BackupError;
use crate::store::Engine;
use crate::store::change::Kind;

/// What is about a process or the schema and not about the shop.
const LEFT_OUT: [&str; 3] = ["_sqlx_migrations", "migration_lease", "writer_batch"];

/// A table with its columns in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub name: String,
    pub columns: Vec<(String, Kind)>,
}

impl Shape {
    /// `"id", "version"`.
    pub fn names(&self) -> String {
        let quoted: Vec<String> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        quoted.join(", ")
    }
}

/// Every table of ours, by name.
pub(super) async fn shapes(
    connection: &mut AnyConnection,
    engine: Engine,
) -> Result<Vec<Shape>, BackupError> {
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT m.name AS tab, p.name AS col, p.type AS kind
             FROM sqlite_master m JOIN pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT) AS tab, CAST(column_name AS TEXT) AS col, CAST(data_type AS TEXT) AS kind
             FROM information_schema.columns WHERE table_schema = current_schema()
             ORDER BY table_name, ordinal_position"
        }
    };
    let mut shapes: Vec<Shape> = Vec::new();
    for row in sqlx::query(sql).fetch_all(connection).await? {
        let (name, column, kind): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let kind = match kind.to_ascii_uppercase().as_str() {
            "INTEGER" | "BIGINT" | "SMALLINT" => Kind::Int,
            "TEXT" => Kind::Text,
            "BLOB" | "BYTEA" => Kind::Bytes,
            _ => return Err(BackupError::Column { table: name, column, kind }),
        };
        match shapes.last_mut().filter(|last| last.name == name) {
            Some(last) => last.columns.push((column, kind)),
            None => shapes.push(Shape { name, columns: vec![(column, kind)] }),
        }
    }
    // Each engine sorts in its own way.
    shapes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(shapes)
}

/// The migrations the schema has seen.
pub(super) async fn migrations(connection: &mut AnyConnection) -> Result<Vec<i64>, BackupError> {
    let rows =
        sqlx::query("SELECT version FROM _sqlx_migrations ORDER BY version").fetch_all(connection).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// How many rows a table has.
pub(super) async fn count(connection: &mut AnyConnection, table: &str) -> Result<u64, BackupError> {
    let sql = AssertSqlSafe(format!("SELECT CAST(COUNT(*) AS BIGINT) FROM \"{table}\""));
    let count: i64 = sqlx::query(sql).fetch_one(connection).await?.try_get(0)?;
    Ok(u64::try_from(count).unwrap_or(0))
}
