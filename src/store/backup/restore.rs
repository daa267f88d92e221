//! Making a database out of a backup: beside its place, checked, then put there.
//!
//! The schema is first brought to where it was when the backup was taken, the rows are loaded in one transaction, and
//! then it is brought up to date like any older database.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use sqlx::any::{AnyArguments, AnyConnectOptions};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::file::{Item, Reader, check};
use super::schema::{Shape, count, shapes};
use super::take::head;
use super::{BackupError, Manifest};
use crate::ids::BatchId;
use crate::store::change::Kind;
use crate::store::open::{left_beside, make_file, path_of};
use crate::store::restored::{Phase, RESTORED, Restored};
use crate::store::{Change, Engine, Store, StoreError, StoreOptions, Value, VerifyOptions, migrate};

/// Rows in one statement.
const ROWS: usize = 64;

/// A backup that was read from end to end and may be restored here.
#[derive(Debug)]
pub struct Checked {
    path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// What a restore came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// Whether the books were walked from end to end besides.
    pub verified: bool,
}

impl Checked {
    /// Reads a backup from end to end.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn read(path: &Path) -> Result<Checked, BackupError> {
        let manifest = check(path)?;
        Ok(Checked { path: path.to_owned(), manifest })
    }

    /// Makes the database of these options, which must not be there yet. With `verify` the books are walked whole before
    /// it is put in its place.
    ///
    /// # Errors
    /// [`BackupError`]; an SQLite file is then not in its place. A PostgreSQL database that failed half way does not
    /// open: drop it.
    pub async fn restore(self, options: &StoreOptions, verify: bool) -> Result<Restoration, BackupError> {
        let (url, heading) = (options.url.expose_secret(), &self.manifest.heading);
        if heading.environment != options.environment.as_str() {
            let (found, wanted) = (&heading.environment, options.environment);
            return Err(BackupError::Unfit(format!(
                "the backup holds {found} money and would be opened for {wanted}"
            )));
        }
        if Store::is_there(url).await? {
            return Err(BackupError::Unfit(
                "there is a database already, and a restore never writes over one: name an empty place"
                    .to_owned(),
            ));
        }
        let engine = Engine::of(url)?;
        let draft = match engine {
            Engine::Sqlite => {
                nothing_left(&path_of(url))?;
                Some(fresh_draft(&path_of(url), options).await?)
            }
            Engine::Postgres => None,
        };
        let target = draft.as_ref().map_or(url.to_owned(), |draft| format!("sqlite://{}", draft.display()));
        self.load(&target, engine, options).await?;
        let store = Store::open(&StoreOptions { url: SecretString::from(target), ..options.clone() }).await?;
        let sound = self.check_books(&store, verify).await;
        if sound.is_ok() {
            ready(&store).await?;
        }
        store.close().await;
        sound?;
        if let Some(draft) = draft {
            let place = path_of(url);
            let failed = |source| BackupError::File { path: place.clone(), source };
            // Whoever had the old database open may have closed it meanwhile.
            nothing_left(&place)?;
            std::fs::hard_link(&draft, &place).map_err(failed)?;
            std::fs::remove_file(&draft).map_err(failed)?;
        }
        Ok(Restoration { manifest: self.manifest, verified: verify })
    }

    async fn load(&self, target: &str, engine: Engine, options: &StoreOptions) -> Result<(), BackupError> {
        let mode = if engine == Engine::Sqlite { "?mode=rw" } else { "" };
        let connect: AnyConnectOptions = format!("{target}{mode}").parse()?;
        let connect = connect.disable_statement_logging();
        let mut connection = AnyConnection::connect_with(&connect).await?;
        sqlx::raw_sql(engine.migration_setup()).execute(&mut connection).await?;
        let holder = options.ids.mint::<BatchId>().to_string();
        let seen = &self.manifest.heading.migrations;
        migrate::run_those(&mut connection, &connect, engine, &holder, &options.clock, |version| {
            seen.contains(&version)
        })
        .await?;
        let known = shapes(&mut connection, engine).await?;
        sqlx::raw_sql(engine.begin()).execute(&mut connection).await?;
        // What a migration puts into a table is in the backup too.
        for shape in &known {
            clear(&mut connection, shape).await?;
        }
        self.fill(&mut connection, engine, &known).await?;
        for (table, rows) in &self.manifest.ending.rows {
            let found = count(&mut connection, table).await?;
            if found != *rows {
                return Err(BackupError::Differs(format!("{table} has {found} rows instead of {rows}")));
            }
        }
        let stands = head(&mut connection).await?.to_string();
        if stands != self.manifest.heading.head {
            let noted = &self.manifest.heading.head;
            return Err(BackupError::Differs(format!("the books stand at {stands} instead of {noted}")));
        }
        // Books that were put back before do not know yet what happened in that gap either.
        let mut own = AnyArguments::default();
        let _ = own.add(RESTORED);
        let before: Option<String> = sqlx::query_scalar_with("SELECT value FROM setting WHERE key = $1", own)
            .fetch_optional(&mut connection)
            .await?;
        let before = before.map(|text| serde_json::from_str::<Restored>(&text)).transpose();
        let before = before.map_err(|error| {
            BackupError::Unfit(format!("what it says of the restore before it cannot be read: {error}"))
        })?;
        let mark = Restored {
            phase: Phase::Loading,
            taken_at: self.manifest.heading.taken_at,
            first_taken_at: before.map(|before| before.gap_from().min(self.manifest.heading.taken_at)),
            restored_at: options.clock.wall(),
            head: stands,
            after: None,
        };
        for sql in [
            "DELETE FROM setting WHERE key = $1",
            "INSERT INTO setting (key, value, version) VALUES ($1, $2, 1)",
        ] {
            let mut arguments = AnyArguments::default();
            // Encoding a text cannot fail.
            let _ = arguments.add(RESTORED);
            if sql.starts_with("INSERT") {
                let _ = arguments.add(mark.to_text()?);
            }
            sqlx::query_with(sql, arguments).execute(&mut connection).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    async fn fill(
        &self,
        connection: &mut AnyConnection,
        engine: Engine,
        known: &[Shape],
    ) -> Result<(), BackupError> {
        let (mut reader, _) = Reader::open(&self.path)?;
        let mut shape: Option<Shape> = None;
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(ROWS);
        loop {
            let item = reader.next()?;
            let full = rows.len() == ROWS || !matches!(item, Item::Row(_));
            if let Some(shape) = shape.as_ref().filter(|_| full && !rows.is_empty()) {
                insert(connection, engine, shape, &rows).await?;
                rows.clear();
            }
            match item {
                Item::Row(row) => rows.push(row),
                Item::Table(next) => {
                    let here = known.iter().find(|known| known.name == next.name);
                    let fits = here
                        .is_some_and(|here| next.columns.iter().all(|column| here.columns.contains(column)));
                    if !fits {
                        let why = format!("this program's {} has not the columns of the backup's", next.name);
                        return Err(BackupError::Unfit(why));
                    }
                    shape = Some(next);
                }
                Item::End(_) => return Ok(()),
            }
        }
    }

    async fn check_books(&self, store: &Store, verify: bool) -> Result<(), BackupError> {
        let stands = store.chain_head().await?.to_string();
        if stands != self.manifest.heading.head {
            return Err(BackupError::Differs(format!("the books stand at {stands}")));
        }
        if !verify {
            return Ok(());
        }
        let seen = store.verify(&VerifyOptions { full: true, expected: None }).await?;
        let faults: Vec<String> = seen
            .checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(BackupError::Differs(faults.join("; "))) }
    }
}

/// From here on it may be served: what is open is asked about first.
async fn ready(store: &Store) -> Result<(), BackupError> {
    let Some(before) = store.restored().await? else {
        return Err(BackupError::Differs("the mark of the restore is gone".to_owned()));
    };
    let mut change = Change::new();
    change.set_restored(&Restored { phase: Phase::Intents, ..before.value.clone() }, &before)?;
    let committed = store.commit(change).await;
    committed.map(|_| ()).map_err(|error| BackupError::Differs(error.to_string()))
}

/// Refuses a place where the log of a database lies that is gone: it would be written into the restored books, and the
/// mark that what is open is asked about first would be lost with them.
fn nothing_left(place: &Path) -> Result<(), BackupError> {
    let left = left_beside(place);
    if left.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = left.iter().map(|left| left.display().to_string()).collect();
    Err(BackupError::Unfit(format!(
        "the log of a database that is no longer there was left ({}), and it would be written over the restored \
         books: put {} back beside it, or move it away",
        names.join(", "),
        place.display()
    )))
}

/// An empty file of ours beside the place; what an earlier restore left unfinished there is removed.
async fn fresh_draft(place: &Path, options: &StoreOptions) -> Result<PathBuf, BackupError> {
    let draft = place.with_added_extension("restoring");
    for suffix in ["", "-wal", "-shm"] {
        let mut left = draft.clone().into_os_string();
        left.push(suffix);
        match std::fs::remove_file(&left) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(BackupError::File { path: left.into(), source });
            }
            _ => {}
        }
    }
    make_file(&draft, &options.ids.mint::<BatchId>().to_string()).await?;
    Ok(draft)
}

async fn clear(connection: &mut AnyConnection, shape: &Shape) -> Result<(), StoreError> {
    if shape.name.starts_with("ledger_") {
        // Migrations book nothing.
        return Ok(());
    }
    let sql = AssertSqlSafe(format!("DELETE FROM \"{}\"", shape.name));
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

async fn insert(
    connection: &mut AnyConnection,
    engine: Engine,
    shape: &Shape,
    rows: &[Vec<Value>],
) -> Result<(), StoreError> {
    let mut sql = format!("INSERT INTO \"{}\" ({}) VALUES ", shape.name, shape.names());
    let mut arguments = AnyArguments::default();
    let mut number = 0;
    for (place, row) in rows.iter().enumerate() {
        sql.push_str(if place == 0 { "(" } else { ", (" });
        for (column, (value, (_, kind))) in row.iter().zip(&shape.columns).enumerate() {
            number += 1;
            sql.push_str(if column == 0 { "" } else { ", " });
            engine.push_bind(&mut sql, number);
            // Encoding an integer, a text or bytes cannot fail.
            let _ = match (value, kind) {
                (Value::Int(number), _) => arguments.add(*number),
                (Value::Text(text), _) => arguments.add(text.as_str()),
                (Value::Bytes(bytes), _) => arguments.add(bytes.as_slice()),
                (Value::Null, Kind::Int) => arguments.add(None::<i64>),
                (Value::Null, Kind::Text) => arguments.add(None::<String>),
                (Value::Null, Kind::Bytes) => arguments.add(None::<Vec<u8>>),
            };
        }
        sql.push(')');
    }
    sqlx::query_with(AssertSqlSafe(sql), arguments).execute(connection).await?;
    Ok(())
}
