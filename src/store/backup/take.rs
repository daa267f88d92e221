//! Taking a backup beside a running service: one snapshot, streamed.

use std::path::Path;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use super::file::Writer;
use super::schema::{Shape, migrations, shapes};
use super::{BackupError, FORMAT, Heading, Manifest};
use crate::domain::ledger::{BlockHash, ChainHead};
use crate::store::change::Kind;
use crate::store::{Store, StoreError, Value};

impl Store {
    /// Writes everything to a file that is not there yet; its secrets stay sealed under the master key of this id.
    ///
    /// # Errors
    /// [`BackupError`]; an unfinished file is called `….partial`.
    pub async fn backup(
        &self,
        path: &Path,
        sealed_under: &str,
        taken_at: DateTime<Utc>,
    ) -> Result<Manifest, BackupError> {
        let mut connection = self.walks().acquire().await?.detach();
        sqlx::raw_sql(self.engine().begin_snapshot()).execute(&mut connection).await?;
        let heading = Heading {
            straits_backup: FORMAT,
            engine: self.engine().to_string(),
            environment: self.environment().as_str().to_owned(),
            taken_at,
            head: head(&mut connection).await?.to_string(),
            sealed_under: sealed_under.to_owned(),
            migrations: migrations(&mut connection).await?,
        };
        let mut file = Writer::begin(path, &heading)?;
        for shape in shapes(&mut connection, self.engine()).await? {
            file.section(&shape)?;
            let sql = AssertSqlSafe(format!("SELECT {} FROM \"{}\"", shape.names(), shape.name));
            let mut rows = sqlx::query(sql).fetch(&mut connection);
            while let Some(row) = rows.try_next().await? {
                file.row(&shape.name, &read(&row, &shape)?)?;
            }
        }
        connection.close().await?;
        Ok(Manifest { heading, ending: file.end()? })
    }
}

/// Where the chain stands in this snapshot.
pub(super) async fn head(connection: &mut AnyConnection) -> Result<ChainHead, BackupError> {
    let row = sqlx::query("SELECT seq, hash FROM ledger_head WHERE id = 1").fetch_one(connection).await?;
    let hash: Vec<u8> = row.try_get(1)?;
    let why = "its hash is not 32 bytes".to_owned();
    let unreadable = StoreError::Unreadable { table: "ledger_head", key: "1".into(), why };
    let hash = BlockHash::from_bytes(&hash).ok_or(unreadable)?;
    Ok(ChainHead { seq: row.try_get(0)?, hash })
}

fn read(row: &AnyRow, shape: &Shape) -> Result<Vec<Value>, sqlx::Error> {
    let cell = |(place, (_, kind)): (usize, &(String, Kind))| match kind {
        Kind::Int => row.try_get::<Option<i64>, _>(place).map(Value::from),
        Kind::Text => row.try_get::<Option<String>, _>(place).map(Value::from),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(place).map(Value::from),
    };
    shape.columns.iter().enumerate().map(cell).collect()
}
