//! The database is full, locked, read-only or gone while the service runs: writes answer 503 with `Retry-After`, reads
//! work where they can, `/readyz` says so, nothing is half there, and once it is over the same process goes on.

mod full;
mod read_only;
mod server;
mod starts;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use straits::app::{App, AppError, Sources};

use crate::app::{Answer, TestApp};
use crate::engines::TestDatabase;

/// What a shop sends; the same bytes each time.
fn order(name: &str) -> Value {
    json!({"order_ref": name, "gateway": "paypal", "amount": {"amount": "10.00", "currency": "SGD"}})
}

async fn buy(app: &TestApp, name: &str) -> Answer {
    app.post_once("storefront", "/v1/payments", name, &order(name)).await
}

/// It says that it cannot just now, and when to ask again.
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{}", answer.text);
    assert_eq!(answer.code(), "unavailable");
}

/// It is over: the same process is ready again, what was refused is done once under its old key, and the books hold.
async fn assert_recovered(app: &TestApp, refused: &[&str]) {
    let begun = Instant::now();
    while app.get("", "/readyz").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", app.get("", "/readyz").await.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for name in refused {
        let answer = buy(app, name).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let all = app.get("storefront", "/v1/payments?limit=100").await.json();
    for name in refused {
        let of = all["data"].as_array().unwrap().iter().filter(|payment| payment["order_ref"] == *name);
        assert_eq!(of.count(), 1, "{name}");
    }
    assert_eq!(app.get("finance", "/v1/ledger/verify").await.json()["ok"], true);
}

/// A service on a PostgreSQL database of its own, and its administrator.
async fn on_postgres() -> Option<(TestApp, TestDatabase, AnyConnection, tempfile::TempDir)> {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[("database.url", &database.url)]).await;
    let admin = AnyConnection::connect(&std::env::var("STRAITS_TEST_POSTGRES").unwrap()).await.unwrap();
    Some((app, database, admin, folder))
}

/// Says something about a database, and ends every connection to it.
async fn decree(admin: &mut AnyConnection, database: &TestDatabase, words: &str) {
    let name = database.url.rsplit('/').next().unwrap();
    let decree = format!(
        "ALTER DATABASE {name} {words};
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    sqlx::raw_sql(AssertSqlSafe(decree)).execute(admin).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_and_comes_back() {
    let Some((app, database, mut admin, _folder)) = on_postgres().await else { return };
    assert_eq!(buy(&app, "before").await.status, 201);
    decree(&mut admin, &database, "ALLOW_CONNECTIONS false").await;
    assert_refused(&buy(&app, "meanwhile").await);
    assert_eq!(app.get("", "/readyz").await.status, 503);
    assert_refused(&app.get("storefront", "/v1/payments").await);
    assert_eq!(app.get("", "/livez").await.status, 200, "the process itself is well");
    decree(&mut admin, &database, "ALLOW_CONNECTIONS true").await;
    assert_recovered(&app, &["before", "meanwhile"]).await;
    app.stop().await;
    database.drop_database().await;
}

/// As after a failover to a replica: it reads, and takes no writes, until the connections are made anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_for_a_while() {
    let Some((app, database, mut admin, _folder)) = on_postgres().await else { return };
    assert_eq!(buy(&app, "before").await.status, 201);
    decree(&mut admin, &database, "SET default_transaction_read_only = on").await;
    assert_refused(&buy(&app, "meanwhile").await);
    assert_eq!(app.get("", "/readyz").await.status, 503);
    assert_eq!(app.get("storefront", "/v1/payments").await.status, 200, "reads work");
    let name = database.url.rsplit('/').next().unwrap();
    let back = AssertSqlSafe(format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    sqlx::raw_sql(back).execute(&mut admin).await.unwrap();
    assert_recovered(&app, &["before", "meanwhile"]).await;
    app.stop().await;
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_program_keeps_locked() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    assert_eq!(buy(&app, "before").await.status, 201);
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", folder.path().join("straits.db").display());
    let mut other = AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let begun = Instant::now();
    let refused = buy(&app, "meanwhile").await;
    assert_refused(&refused);
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(app.get("", "/readyz").await.status, 503);
    assert_eq!(app.get("storefront", "/v1/payments").await.status, 200, "reads work");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert_recovered(&app, &["before", "meanwhile"]).await;
    app.stop().await;
}

/// Nothing can be written any more, and only a new process changes that.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_writer_is_gone_ends_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let settings = crate::app::settings(folder.path(), &[]).unwrap();
    let app = App::build(settings, Sources::system()).await.unwrap();
    let store = app.service().store.clone();
    let serving = tokio::spawn(app.serve(std::future::pending()));
    store.close().await;
    let ended = tokio::time::timeout(Duration::from_secs(60), serving).await.unwrap().unwrap();
    assert!(matches!(ended, Err(AppError::WriterGone)), "{ended:?}");
}
