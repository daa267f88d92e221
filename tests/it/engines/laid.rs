//! A database as the migrations leave it, made once: tests begin with copies of it. What opens an empty one, and many at
//! once, is tested where opening is (`store_open`, and every test that starts the program in an empty folder).

use std::path::Path;

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use straits::store::Store;
use tokio::sync::OnceCell;

use super::TestDatabase;

static FILE: OnceCell<Vec<u8>> = OnceCell::const_new();
static SERVER: OnceCell<String> = OnceCell::const_new();

/// Lays a migrated file where none is yet.
pub async fn at(path: &Path) {
    if path.exists() {
        return;
    }
    let bytes = FILE.get_or_init(file).await;
    let draft = path.with_extension("laid");
    std::fs::write(&draft, bytes).unwrap();
    std::fs::rename(&draft, path).unwrap();
}

async fn file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("straits.db");
    migrate(TestDatabase::existing(format!("sqlite://{}", path.display()))).await;
    std::fs::read(path).unwrap()
}

/// The name of a migrated database on the test server, to be copied.
pub async fn on(admin: &str) -> &'static str {
    SERVER.get_or_init(|| server(admin)).await
}

async fn server(admin: &str) -> String {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(admin).await.expect("STRAITS_TEST_POSTGRES does not answer");
    drop_left_over(&mut connection).await;
    let name = format!("straits_{}_laid", std::process::id());
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let mut url = url::Url::parse(admin).unwrap();
    url.set_path(&name);
    migrate(TestDatabase::existing(url.to_string())).await;
    name
}

/// What earlier runs left: no test runs last and could clear away.
async fn drop_left_over(connection: &mut AnyConnection) {
    let sql = r"SELECT CAST(datname AS TEXT) FROM pg_database WHERE datname LIKE 'straits\_%\_laid'";
    for row in sqlx::query(sql).fetch_all(&mut *connection).await.unwrap() {
        let name: String = row.get(0);
        let process = name.split('_').nth(1).unwrap_or_default();
        if Path::new("/proc/self").exists() && !Path::new("/proc").join(process).exists() {
            let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"));
            let _ = sqlx::raw_sql(drop).execute(&mut *connection).await;
        }
    }
}

/// The schema and nothing else: whoever opens a copy says which money it holds.
async fn migrate(empty: TestDatabase) {
    Store::open(&empty.options()).await.unwrap().close().await;
    let mut connection = empty.connect().await;
    sqlx::raw_sql("DELETE FROM setting").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
