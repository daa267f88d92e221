//! `straits … | head -1`: a reader that has seen enough ends a command quietly; what is shown once must be seen.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::app::TestApp;
use crate::program::straits;

/// Standard output that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn run(folder: &Path, out: Stdio, arguments: &[&str]) -> Output {
    let data = folder.display().to_string();
    let arguments = [&["--data-dir", &data], arguments].concat();
    straits(folder, &[], &arguments).stdout(out).stderr(Stdio::piped()).output().unwrap()
}

/// A folder with books in it, and one of its suppliers.
async fn books() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    let payment = app.pay("paypal", "order").await;
    let page = format!("/v1/sandbox/payments/{}", payment["id"].as_str().unwrap());
    app.post("storefront", &page, &serde_json::json!({"shopper": "approve"})).await;
    let supplier = app.sandbox["merchants"]["default"]["supplier_id"].as_str();
    let supplier = supplier.or_else(|| app.sandbox["supplier_id"].as_str()).unwrap().to_owned();
    app.stop().await;
    (folder, supplier)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_read_enough_ends_a_command_quietly() {
    let (folder, supplier) = books().await;
    let catalogue = folder.path().join("catalogue.csv");
    let rows = (0..200_000).map(|number| format!("sku-{number},9.99\n")).collect::<String>();
    std::fs::write(&catalogue, format!("sku,amount\n{rows}")).unwrap();
    let backup = folder.path().join("backup").display().to_string();
    let statement = ["export", "statement", &supplier, "--from", "2026-01-01", "--to", "2026-12-31"];
    let reprice =
        ["fx", "reprice", "--from", "USD", "--to", "JPY", "--rate", "150", catalogue.to_str().unwrap()];
    let commands: [&[&str]; 14] = [
        &["--help"],
        &["config", "check"],
        &["openapi"],
        &["migrate"],
        &["doctor", "--listen", "127.0.0.1:0"],
        &["verify"],
        &["verify", "--json"],
        &["export", "journal"],
        &statement,
        &["jobs", "list", "--json"],
        &["jobs", "retry", "--dead"],
        &reprice,
        &["trigger"],
        &["simulate", "--lives", "2", "--seeds", "1..3"],
    ];
    for command in commands.into_iter().chain([&["backup", &backup][..], &["keys", "rotate"]]) {
        let output = run(folder.path(), unread(), command);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {words}");
        assert!(!words.contains("panicked") && !words.contains("straits: "), "{command:?}: {words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_or_was_never_there_stays_an_error() {
    let (folder, _) = books().await;
    // A key that is shown once, and nobody reads.
    let output = run(folder.path(), unread(), &["merchant", "add", "--name", "Second"]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), words.contains("the key could not be shown")),
        (Some(1), true),
        "{words}"
    );
    // A full disk is no reader that has seen enough.
    for command in [
        &["export", "journal"][..],
        &["config", "check"],
        &["verify"],
        &["merchant", "add", "--name", "Third"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = run(folder.path(), full.into(), command);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), words.contains("No space left")),
            (Some(1), true),
            "{command:?}: {words}"
        );
    }
    // Nor is what goes wrong beside the output.
    let nowhere = tempfile::tempdir().unwrap();
    let output = run(nowhere.path(), unread(), &["export", "journal"]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), words.contains("there are no books yet")), (Some(1), true), "{words}");
}

#[test]
fn the_service_serves_whether_or_not_somebody_reads_what_it_says_first() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let mut child = straits(folder.path(), &[], &["--listen", &listen])
        .stdout(unread())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let ready = || is_ready(&format!("http://{listen}/readyz"));
    while !ready() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not serve");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

/// Whether an address answers 200.
fn is_ready(url: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = runtime.block_on(async { reqwest::get(url).await });
    asked.is_ok_and(|answer| answer.status() == 200)
}
