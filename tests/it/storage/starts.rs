//! What a service starts on, and what it refuses in words and leaves as it is.

use std::path::Path;

use sqlx::Connection;

use crate::app::TestApp;
use crate::program::run;

/// A data folder of a service that ran and ended in order.
async fn used() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    app.pay("paypal", "order-1").await;
    app.stop().await;
    folder
}

/// What `straits migrate`, which does what every start does first, says of a folder it does not start on.
fn refusal(folder: &Path) -> String {
    let data = folder.display().to_string();
    let output = run(folder, &[], &["--data-dir", &data, "migrate"]);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_file_is_no_reason_to_make_a_new_one() {
    let folder = used().await;
    let (file, log) = (folder.path().join("straits.db"), folder.path().join("straits.db-wal"));
    std::fs::rename(&file, folder.path().join("elsewhere")).unwrap();
    std::fs::write(&log, b"what was committed last").unwrap();
    let words = refusal(folder.path());
    assert!(words.contains("is missing") && words.contains("write-ahead log"), "{words}");
    assert!(!file.exists());
    assert_eq!(std::fs::read(&log).unwrap(), b"what was committed last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_cut_file_is_refused_and_left_alone() {
    for (name, harm) in [("cut", None), ("overwritten", Some([0xa5_u8; 4_096]))] {
        let folder = used().await;
        let file = folder.path().join("straits.db");
        let mut bytes = std::fs::read(&file).unwrap();
        match harm {
            None => bytes.truncate(bytes.len() / 2 / 4_096 * 4_096),
            Some(page) => bytes[8_192..12_288].copy_from_slice(&page),
        }
        std::fs::write(&file, &bytes).unwrap();
        let words = refusal(folder.path());
        assert!(words.contains("is damaged") && words.contains("restore a backup"), "{name}: {words}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "{name}");
    }
}

/// Of a log that was deleted the file itself knows nothing: a head noted elsewhere does.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_log_shows_against_a_head_noted_elsewhere() {
    let folder = used().await;
    let data = folder.path().display().to_string();
    let app = TestApp::on(folder.path(), &[]).await;
    let early = std::fs::read(folder.path().join("straits.db")).unwrap();
    let payment = app.pay("paypal", "order-2").await;
    let path = format!("/v1/sandbox/payments/{}", payment["id"].as_str().unwrap());
    app.post("storefront", &path, &serde_json::json!({"shopper": "approve"})).await;
    let head = app.get("finance", "/v1/ledger/verify").await.json()["head"].clone();
    app.stop().await;
    // As if the machine had died and somebody had tidied up: the file as it was, and no log.
    std::fs::write(folder.path().join("straits.db"), &early).unwrap();
    let noted = head.as_str().unwrap();
    let output = run(folder.path(), &[], &["--data-dir", &data, "verify", "--noted", noted]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && said.contains("FAULT"), "{noted}: {said}");
}

/// What a restore left half done holds somebody's books, and is not served as if it were whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_not_finished_is_not_served() {
    let folder = used().await;
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", folder.path().join("straits.db").display());
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        r#"INSERT INTO setting (key, value, version) VALUES ('restored', '{"phase":"loading",
             "taken_at":"2026-11-28T00:00:00Z","restored_at":"2026-11-28T00:00:00Z","head":"0:00"}', 1)"#,
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    let data = folder.path().display().to_string();
    let output = run(folder.path(), &[], &["--data-dir", &data, "--listen", "127.0.0.1:0"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && words.contains("was not finished"), "{words}");
}
