//! Every store test runs on both engines: on SQLite always, on PostgreSQL when `STRAITS_TEST_POSTGRES` names the admin
//! address of a throw-away server, where each test gets a database of its own.

pub mod laid;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use straits::clock::{Clock, from_micros};
use straits::ids::IdSource;
use straits::store::{Engine, Environment, Store, StoreOptions};

/// A database that goes away with the test.
pub struct TestDatabase {
    /// Its address.
    pub url: String,
    /// The clock of everything that opens it here; it stands still until a test moves it.
    pub clock: Clock,
    /// Use the portable statements on PostgreSQL too.
    pub portable: bool,
    name: String,
    admin: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl TestDatabase {
    /// An SQLite file in a folder of its own.
    pub fn sqlite() -> TestDatabase {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/straits.db", folder.path().display());
        TestDatabase::at(url, "SQLite", None, Some(folder))
    }

    /// A new database on the test server, if there is one: migrated, without a row.
    pub async fn postgres(portable: bool) -> Option<TestDatabase> {
        let admin = std::env::var("STRAITS_TEST_POSTGRES").ok()?;
        let laid = laid::on(&admin).await;
        Some(TestDatabase::created(admin, portable, &format!("TEMPLATE {laid}")).await)
    }

    /// A new database on the test server, if there is one, in which nothing was done yet.
    pub async fn bare_postgres() -> Option<TestDatabase> {
        let admin = std::env::var("STRAITS_TEST_POSTGRES").ok()?;
        Some(TestDatabase::created(admin, false, "").await)
    }

    async fn created(admin: String, portable: bool, how: &str) -> TestDatabase {
        sqlx::any::install_default_drivers();
        let database = format!("straits_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection =
            AnyConnection::connect(&admin).await.expect("STRAITS_TEST_POSTGRES does not answer");
        let sql = format!("CREATE DATABASE {database} {how}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        let mut url = url::Url::parse(&admin).unwrap();
        url.set_path(&database);
        let name = if portable { "PostgreSQL, portable statements" } else { "PostgreSQL" };
        let mut test = TestDatabase::at(url.to_string(), name, Some(admin), None);
        test.portable = portable;
        test
    }

    /// One that somebody else made and will drop.
    pub fn existing(url: String) -> TestDatabase {
        TestDatabase::at(url, "existing", None, None)
    }

    fn at(url: String, name: &str, admin: Option<String>, folder: Option<tempfile::TempDir>) -> TestDatabase {
        let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
        TestDatabase { url, clock, portable: false, name: name.to_owned(), admin, _folder: folder }
    }

    /// The usual options; a test may change them before it opens.
    pub fn options(&self) -> StoreOptions {
        let ids = IdSource::random(self.clock.clone());
        let mut options = StoreOptions::new(self.url.clone(), Environment::Test, self.clock.clone(), ids);
        options.portable_writer = self.portable;
        options.readers = Some(4);
        options
    }

    /// Opens it; a file that is not there yet is laid with its migrations done.
    pub async fn open(&self) -> Store {
        if let Some(path) = self.url.strip_prefix("sqlite://") {
            laid::at(Path::new(path)).await;
        }
        Store::open(&self.options()).await.unwrap()
    }

    /// A connection past the store, for what a test must do behind its back.
    pub async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }

    /// Moves its clock.
    pub fn tick(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        Engine::of(&self.url).unwrap()
    }

    /// Drops it.
    pub async fn drop_database(self) {
        let Some(admin) = self.admin else { return };
        let database = self.url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
        let mut connection = AnyConnection::connect(&admin).await.unwrap();
        let sql = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
}

/// Runs a test's body once on each engine at hand.
pub async fn on_each_engine(test: &str, body: impl AsyncFn(&TestDatabase)) {
    let sqlite = TestDatabase::sqlite();
    println!("{test} on {}", sqlite.name);
    body(&sqlite).await;
    for portable in [true, false] {
        let Some(postgres) = TestDatabase::postgres(portable).await else {
            println!("{test}: PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
            return;
        };
        println!("{test} on {}", postgres.name);
        body(&postgres).await;
        postgres.drop_database().await;
    }
}
