//! Opening a database: what it must be, and what it must not be.
//!
//! A missing SQLite file is made. A file that is there is never made anew: an empty, foreign or damaged one is refused
//! with words, because the books may be in its backup. The database says whether it holds test or live money; opening
//! it for the other is refused.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::clock::Clock;
pub use crate::domain::access::Environment;
use crate::ids::{BatchId, IdSource};

use super::reads::{self, Reads};
use super::writer::{CommitFaults, Writer, WriterOptions, is_contention};
use super::{Engine, Store, StoreError, migrate};

/// `STRA`: written into the header of our SQLite files.
const APPLICATION_ID: i32 = 0x5354_5241;
/// How often a database is prepared that others are preparing too.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);
/// How long a read waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(3);
/// How long somebody who goes over everything waits for others who do.
const WALK: Duration = Duration::from_secs(20);
/// Beyond this size the page check at start would take seconds; `straits doctor` and `verify` go deeper.
const PAGE_CHECK_LIMIT: u64 = 256 << 20;

/// What a store needs to open.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `sqlite://path` or `postgres://…`; a secret because it may hold a password.
    pub url: SecretString,
    /// Which kind of money it must hold.
    pub environment: Environment,
    /// Where time comes from.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: IdSource,
    /// Connections for reading; `None` for the engine's own number.
    pub readers: Option<u32>,
    /// The most changes in one write transaction.
    pub batch_cap: usize,
    /// The most changes waiting for the writer.
    pub queue: usize,
    /// Use the portable statements on PostgreSQL too, instead of its native ones.
    pub portable_writer: bool,
    /// What tests let go wrong around COMMIT.
    pub faults: Option<Arc<dyn CommitFaults>>,
}

impl StoreOptions {
    /// The usual settings: batches of up to 256, 4,096 waiting.
    pub fn new(
        url: impl Into<String>,
        environment: Environment,
        clock: Clock,
        ids: IdSource,
    ) -> StoreOptions {
        StoreOptions {
            url: SecretString::from(url.into()),
            environment,
            clock,
            ids,
            readers: None,
            batch_cap: 256,
            queue: 4_096,
            portable_writer: false,
            faults: None,
        }
    }
}

impl Store {
    /// Whether there is a database of ours already; looks and makes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when a server does not answer.
    pub async fn is_there(url: &str) -> Result<bool, StoreError> {
        sqlx::any::install_default_drivers();
        match Engine::of(url)? {
            Engine::Sqlite => Ok(path_of(url).exists()),
            Engine::Postgres => {
                let connect: AnyConnectOptions = url.parse()?;
                let mut connection = AnyConnection::connect_with(&connect).await?;
                let marked = sqlx::query("SELECT 1 FROM setting WHERE key = 'environment'")
                    .fetch_optional(&mut connection)
                    .await;
                connection.close().await?;
                // A database without our tables is none of ours yet.
                Ok(matches!(marked, Ok(Some(_))))
            }
        }
    }

    /// The file of an SQLite address.
    pub fn file_of(url: &str) -> Option<PathBuf> {
        (Engine::of(url).ok()? == Engine::Sqlite).then(|| path_of(url))
    }

    /// Opens the database, makes the file if there is none, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] says what is wrong with the database; nothing was changed unless it was a migration that failed,
    /// and each migration is a transaction of its own.
    pub async fn open(options: &StoreOptions) -> Result<Store, StoreError> {
        sqlx::any::install_default_drivers();
        let url = options.url.expose_secret();
        let engine = Engine::of(url)?;
        let name = options.ids.mint::<BatchId>().to_string();
        let target = match engine {
            Engine::Sqlite => prepare_file(url, &name).await?,
            Engine::Postgres => url.to_owned(),
        };
        let connect: AnyConnectOptions = target.parse()?;
        let connect = connect.disable_statement_logging();
        let mut tries = 1;
        loop {
            match prepare(&connect, engine, &name, options).await {
                Err(error) if tries < TRIES && is_contended(&error) => {
                    tracing::warn!(%error, tries, "the database is prepared again");
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                prepared => break prepared?,
            }
        }

        // A server that is away is waited for so long by each read: whoever asked hears 503 while it still matters, and
        // those who wait do not keep the connections of those who come after it is back.
        let count = options.readers.unwrap_or(engine.readers());
        let reads = Reads::open(engine, &connect, (count, ACQUIRE)).await?;
        let walks = reads::pool(engine.walker_setup(), engine.walkers(), WALK).idle_timeout(WALK);
        // A file does not go away while nobody looks.
        let walks = walks.test_before_acquire(engine == Engine::Postgres).connect_lazy_with(connect.clone());
        let writer = Writer::start(WriterOptions {
            engine,
            name,
            target: SecretString::from(target),
            clock: options.clock.clone(),
            ids: options.ids.clone(),
            batch_cap: options.batch_cap.max(1),
            queue: options.queue.max(1),
            portable: options.portable_writer,
            faults: options.faults.clone(),
            well: Arc::new(AtomicBool::new(true)),
        })
        .await?;
        Ok(Store { reads, walks, writer, engine, environment: options.environment })
    }
}

/// Schema and environment, on a connection of their own. All of it may be done again.
async fn prepare(
    connect: &AnyConnectOptions,
    engine: Engine,
    name: &str,
    options: &StoreOptions,
) -> Result<(), StoreError> {
    let mut connection = AnyConnection::connect_with(connect).await?;
    sqlx::raw_sql(engine.migration_setup()).execute(&mut connection).await?;
    migrate::run(&mut connection, connect, engine, name, &options.clock).await?;
    claim_environment(&mut connection, options.environment).await?;
    Ok(connection.close().await?)
}

/// Whether somebody else was in the way; each migration is a transaction of its own, so nothing stands half.
fn is_contended(error: &StoreError) -> bool {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    let error = match error {
        StoreError::Database(error) | StoreError::Migration(Execute(error) | ExecuteMigration(error, _)) => {
            error
        }
        _ => return false,
    };
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| is_contention(&code))
}

async fn claim_environment(connection: &mut AnyConnection, wanted: Environment) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO setting (key, value, version) VALUES ('environment', $1, 1) ON CONFLICT (key) DO NOTHING",
    )
    .bind(wanted.as_str())
    .execute(&mut *connection)
    .await?;
    let row =
        sqlx::query("SELECT value FROM setting WHERE key = 'environment'").fetch_one(connection).await?;
    let found: String = row.try_get(0)?;
    if found == wanted.as_str() {
        return Ok(());
    }
    Err(StoreError::WrongEnvironment { found, wanted })
}

/// The path behind `sqlite://path`, `sqlite:path`; everything behind a `?` is ours to say.
pub(super) fn path_of(url: &str) -> PathBuf {
    let rest = url.strip_prefix("sqlite:").unwrap_or(url);
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    PathBuf::from(rest.split('?').next().unwrap_or(rest))
}

/// What SQLite laid beside a database, as far as it is there. Without its database it is no longer wanted by anybody, and
/// SQLite writes what it holds into whichever database stands there next.
pub(super) fn left_beside(path: &Path) -> Vec<PathBuf> {
    let left = ["-wal", "-shm", "-journal"].map(|suffix| beside(path, suffix));
    left.into_iter().filter(|left| left.exists()).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// Checks a file that is there, makes one that is missing, and says how to connect to it.
async fn prepare_file(url: &str, name: &str) -> Result<String, StoreError> {
    let path = path_of(url);
    if !path.exists() {
        if beside(&path, "-wal").exists() {
            let why =
                "it is missing and its write-ahead log is there: put it back, or restore a backup".to_owned();
            return Err(StoreError::NotADatabase { path, why });
        }
        make_file(&path, name).await?;
    }
    let open = format!("sqlite://{}?mode=rw", path.display());
    let size = check_header(&path)?;
    let mut connection = AnyConnection::connect(&open).await?;
    check_pages(&mut connection, &path, size).await?;
    connection.close().await?;
    Ok(open)
}

/// The file is made beside its place and then linked there: it is never seen half made, and of two processes that
/// make it at once the later one finds that of the earlier. Nobody but its owner reads it, nor what SQLite lays beside it.
pub(super) async fn make_file(path: &Path, name: &str) -> Result<(), StoreError> {
    let cannot = |error: std::io::Error| StoreError::NotADatabase {
        path: path.to_owned(),
        why: format!("it cannot be made: {error}"),
    };
    let draft = path.with_extension(name);
    owned(&draft).map_err(cannot)?;
    let mut connection = AnyConnection::connect(&format!("sqlite://{}?mode=rwc", draft.display())).await?;
    let mark = AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"));
    sqlx::raw_sql(mark).execute(&mut connection).await?;
    connection.close().await?;
    let linked = std::fs::hard_link(&draft, path);
    let removed = std::fs::remove_file(&draft);
    match linked.and(removed) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(cannot(error)),
        _ => Ok(()),
    }
}

/// An empty file that only its owner reads and writes, where the system knows owners.
fn owned(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The first hundred bytes: SQLite's own mark, and ours.
fn check_header(path: &Path) -> Result<u64, StoreError> {
    let unreadable = |error: std::io::Error| StoreError::NotADatabase {
        path: path.to_owned(),
        why: format!("it cannot be read: {error}"),
    };
    let refuse = |why: &str| StoreError::NotADatabase { path: path.to_owned(), why: why.to_owned() };
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut header = [0_u8; 100];
    file.read_exact(&mut header).map_err(|_| refuse("it is empty or cut off"))?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(refuse("it is not an SQLite file"));
    }
    if header[68..72] != APPLICATION_ID.to_be_bytes() {
        return Err(refuse("it belongs to another program"));
    }
    Ok(size)
}

async fn check_pages(connection: &mut AnyConnection, path: &Path, size: u64) -> Result<(), StoreError> {
    let damaged = |why: String| StoreError::Damaged { path: path.to_owned(), why };
    let check = if size <= PAGE_CHECK_LIMIT { "PRAGMA quick_check(1)" } else { "PRAGMA schema_version" };
    match sqlx::query(check).fetch_one(connection).await {
        Err(error) => Err(damaged(error.to_string())),
        Ok(_) if size > PAGE_CHECK_LIMIT => Ok(()),
        Ok(row) => match row.try_get::<String, _>(0)? {
            verdict if verdict == "ok" => Ok(()),
            verdict => Err(damaged(verdict)),
        },
    }
}
