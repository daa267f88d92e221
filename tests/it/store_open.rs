//! What opens, and what is refused with its bytes untouched.

use std::path::{Path, PathBuf};

use sqlx::{Connection, Row};
use straits::store::backup::Checked;
use straits::store::{Change, Environment, Store, StoreError, StoreOptions};

use crate::books::{Book, posting, sgd};
use crate::engines::{TestDatabase, on_each_engine};

fn path_of(database: &TestDatabase) -> PathBuf {
    PathBuf::from(database.url.strip_prefix("sqlite://").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_reopening() {
    on_each_engine("reopening", async |database| {
        let book = Book::new(&database.clock, 1);
        let mut heads = Vec::new();
        for round in 0..3 {
            let store = database.open().await;
            store.commit(posting(book.earned(0, &format!("{round}"), sgd(100)))).await.unwrap();
            heads.push(store.chain_head().await.unwrap());
            store.close().await;
        }
        assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [1, 2, 3]);
        let store = database.open().await;
        assert_eq!(store.chain_head().await.unwrap(), heads[2]);
        let balances = store.ledger_balances_of(book.merchant, &book.suppliers[0].to_string()).await.unwrap();
        assert_eq!(balances[0].shown(), sgd(300));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_start_at_once() {
    let bare = TestDatabase::bare_postgres().await;
    for database in [Some(TestDatabase::sqlite()), bare].into_iter().flatten() {
        let options = database.options();
        let stores = futures_util::future::join_all((0..4).map(|_| Store::open(&options))).await;
        let stores: Vec<Store> = stores.into_iter().map(Result::unwrap).collect();
        for (place, store) in stores.iter().enumerate() {
            let mut change = Change::new();
            change.set_setting(&format!("from {place}"), "here", None);
            store.commit(change).await.unwrap();
        }
        for store in stores {
            store.close().await;
        }
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_other_environment_is_refused() {
    on_each_engine("environment", async |database| {
        database.open().await.close().await;
        let options = StoreOptions { environment: Environment::Live, ..database.options() };
        let error = Store::open(&options).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::WrongEnvironment { found, wanted: Environment::Live } if found == "test"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    on_each_engine("newer schema", async |database| {
        database.open().await.close().await;
        let mut connection = database.connect().await;
        sqlx::raw_sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        let error = Store::open(&database.options()).await.unwrap_err();
        assert!(error.to_string().contains("9999"), "{error}");
    })
    .await;
}

/// What fails in its second statement leaves nothing of the first, and the next start goes on where this one began.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_halfway_leaves_nothing_and_is_made_up_for() {
    on_each_engine("half a migration", async |database| {
        database.open().await.close().await;
        let mut connection = database.connect().await;
        // As it was before migration 88, with something in the way of its index.
        sqlx::raw_sql(
            "DROP INDEX withholding_remittance_booked;
             ALTER TABLE withholding_remittance DROP COLUMN bank_line_id;
             DELETE FROM _sqlx_migrations WHERE version = 88;
             CREATE INDEX withholding_remittance_booked ON withholding_remittance (id)",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        let column = "SELECT COUNT(bank_line_id) FROM withholding_remittance";
        for _ in 0..2 {
            let error = Store::open(&database.options()).await.unwrap_err();
            assert!(error.to_string().contains("88"), "{error}");
            assert!(sqlx::raw_sql(column).execute(&mut connection).await.is_err(), "the column stayed");
        }
        sqlx::raw_sql("DROP INDEX withholding_remittance_booked").execute(&mut connection).await.unwrap();
        database.open().await.close().await;
        sqlx::raw_sql(column).execute(&mut connection).await.unwrap();
    })
    .await;
}

/// The writer's five seconds are not a migration's: one over large books takes as long as it takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_start_or_a_restore_does_to_a_schema_is_not_cut_short() {
    for restores in [false, true] {
        let Some(database) = TestDatabase::bare_postgres().await else {
            return println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        };
        let mut connection = database.connect().await;
        // The server itself notes under which limits each change of the schema runs.
        sqlx::raw_sql(
            "CREATE SCHEMA noted;
             CREATE TABLE noted.limits (statements TEXT NOT NULL, locks TEXT NOT NULL);
             CREATE FUNCTION noted.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO noted.limits
                 VALUES (current_setting('statement_timeout'), current_setting('lock_timeout'));
             END $$;
             CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted.note()",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        if restores {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("backup");
            let from = TestDatabase::sqlite();
            let store = from.open().await;
            store.backup(&file, "0707", from.clock.wall()).await.unwrap();
            store.close().await;
            Checked::read(&file).unwrap().restore(&database.options(), false).await.unwrap();
        } else {
            database.open().await.close().await;
        }
        let limits = "SELECT DISTINCT statements || ' ' || locks FROM noted.limits";
        let limits = sqlx::query(limits).fetch_all(&mut connection).await.unwrap();
        let limits: Vec<String> = limits.iter().map(|row| row.get(0)).collect();
        assert_eq!(limits, ["0 5s"], "restores: {restores}");
        database.drop_database().await;
    }
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_left_alone() {
    let cases: [(&str, &[u8], &str); 4] = [
        ("empty", b"", "empty or cut off"),
        ("text", b"dear diary, today I moved money between two of my pockets, and both of them had holes in them, it rained", "not an SQLite file"),
        ("cut", b"SQLite format 3\0 and nothing more", "empty or cut off"),
        ("zeroes", &[0; 8_192], "not an SQLite file"),
    ];
    for (name, bytes, why) in cases {
        let database = TestDatabase::sqlite();
        std::fs::write(path_of(&database), bytes).unwrap();
        let error = Store::open(&database.options()).await.unwrap_err();
        assert!(matches!(&error, StoreError::NotADatabase { .. }), "{name}: {error}");
        assert!(error.to_string().contains(why), "{name}: {error}");
        assert_eq!(std::fs::read(path_of(&database)).unwrap(), bytes, "{name}");
    }
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let database = TestDatabase::sqlite();
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&format!("{}?mode=rwc", database.url)).await.unwrap();
    sqlx::raw_sql("CREATE TABLE cats (name TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(path_of(&database)).unwrap();
    let error = Store::open(&database.options()).await.unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read(path_of(&database)).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_and_left_alone() {
    type Harm = fn(&Path);
    let damage: [(&str, Harm); 3] = [
        ("a page overwritten", |path| overwrite(path, 4_096, &[0xa5; 4_096])),
        ("pages overwritten", |path| overwrite(path, 8_192, &[0xff; 20_000])),
        ("cut off", |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(std::fs::metadata(path).unwrap().len() / 2 / 4_096 * 4_096 + 100).unwrap();
        }),
    ];
    for (name, harm) in damage {
        let database = TestDatabase::sqlite();
        let store = database.open().await;
        let book = Book::new(&database.clock, 20);
        for supplier in 0..20 {
            store.commit(posting(book.earned(supplier, &format!("{supplier}"), sgd(1)))).await.unwrap();
        }
        store.close().await;
        harm(&path_of(&database));
        let before = std::fs::read(path_of(&database)).unwrap();
        let error = Store::open(&database.options()).await.unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { .. }), "{name}: {error}");
        assert_eq!(std::fs::read(path_of(&database)).unwrap(), before, "{name}");
    }
}

fn overwrite(path: &Path, place: u64, bytes: &[u8]) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(place)).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test]
async fn an_address_of_no_engine_is_refused() {
    let database = TestDatabase::sqlite();
    for url in ["mysql://localhost/straits", "straits.db", ""] {
        let options = StoreOptions { url: url.to_owned().into(), ..database.options() };
        assert!(matches!(Store::open(&options).await, Err(StoreError::UnknownEngine)), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_do_not_show_the_password() {
    let database = TestDatabase::sqlite();
    let url = "postgres://straits:hunter2@db.example/straits".to_owned();
    let options = StoreOptions { url: url.into(), ..database.options() };
    assert!(!format!("{options:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_any_driver_reads_what_the_schema_uses_and_not_what_it_avoids() {
    on_each_engine("driver", async |database| {
        database.open().await.close().await;
        let mut connection = database.connect().await;
        // Why flags are SMALLINT: a BOOLEAN column does not read on SQLite.
        sqlx::raw_sql("CREATE TABLE traps (flag BOOLEAN, small SMALLINT, big BIGINT)")
            .execute(&mut connection)
            .await
            .unwrap();
        let insert = "INSERT INTO traps (flag, small, big) VALUES (CAST($1 AS BOOLEAN), $2, $3)";
        let truth = sqlx::query(insert).bind(true).bind(1_i64).bind(i64::MAX);
        truth.execute(&mut connection).await.unwrap();
        let flag = sqlx::query("SELECT flag FROM traps").fetch_one(&mut connection).await;
        let small = sqlx::query("SELECT small, big FROM traps").fetch_one(&mut connection).await.unwrap();
        assert_eq!((small.get::<i64, _>(0), small.get::<i64, _>(1)), (1, i64::MAX));
        let sum = sqlx::query("SELECT SUM(small) FROM traps").fetch_one(&mut connection).await;
        let big_sum = sqlx::query("SELECT SUM(big) FROM traps").fetch_one(&mut connection).await;
        match database.engine() {
            straits::store::Engine::Sqlite => assert!(flag.is_err() && sum.is_ok() && big_sum.is_ok()),
            // Why every sum is cast: SUM of BIGINT is NUMERIC here, which the driver cannot carry.
            straits::store::Engine::Postgres => assert!(flag.is_ok() && big_sum.is_err()),
        }
        let cast = sqlx::query("SELECT CAST(SUM(big) AS BIGINT) FROM traps");
        assert_eq!(cast.fetch_one(&mut connection).await.unwrap().get::<i64, _>(0), i64::MAX);
    })
    .await;
}

/// Why {{ID}}: BIGINT PRIMARY KEY on SQLite is a second tree beside the rows, INTEGER PRIMARY KEY is the row id.
#[tokio::test(flavor = "multi_thread")]
async fn integer_keys_are_row_ids_on_sqlite() {
    let database = TestDatabase::sqlite();
    database.open().await.close().await;
    let mut connection = database.connect().await;
    for table in ["ledger_account", "ledger_transaction", "ledger_block", "ledger_head"] {
        let sql = "SELECT COUNT(*) FROM pragma_index_list($1) WHERE origin = 'pk'";
        let row = sqlx::query(sql).bind(table).fetch_one(&mut connection).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), 0, "{table}");
    }
    let clustered = "SELECT sql FROM sqlite_master WHERE name = 'ledger_entry'";
    let row = sqlx::query(clustered).fetch_one(&mut connection).await.unwrap();
    assert!(row.get::<String, _>(0).contains("WITHOUT ROWID"));
}
