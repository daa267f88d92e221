//! A data folder that cannot be written: under a running service, and at its start.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{assert_recovered, assert_refused, buy};
use crate::app::TestApp;
use crate::program::straits;

/// Files that nobody may write while this stands, not even whoever has them open: as when a disk turns read-only.
struct Frozen(Vec<PathBuf>);

impl Frozen {
    fn all_of(folder: &Path) -> Option<Frozen> {
        // Not `-shm`: it is memory shared between processes, and an immutable page of memory is no error but a signal.
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name == "straits.db" || name == "straits.db-wal")
        };
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(named);
        let mut frozen = Frozen(files.collect());
        // The folder last: thawing goes the same way.
        frozen.0.push(folder.to_owned());
        frozen.set("+i").then_some(frozen)
    }

    fn set(&self, attribute: &str) -> bool {
        let done = Command::new("chattr").arg(attribute).args(&self.0).output();
        done.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.set("-i");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_turns_read_only_for_a_while() {
    // On a disk: memory lets whoever has a file open write on.
    let disk = env!("CARGO_TARGET_TMPDIR");
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir_in(disk).unwrap());
    let url = format!("sqlite://{}", data.path().join("straits.db").display());
    let app = TestApp::on(folder.path(), &[("database.url", &url)]).await;
    assert_eq!(buy(&app, "before").await.status, 201);
    let mut known = vec!["before"];
    for time in ["meanwhile", "and-again"] {
        let Some(frozen) = Frozen::all_of(data.path()) else {
            app.stop().await;
            return println!("skipped: a file cannot be made immutable here");
        };
        // The log may have room that needs no longer file; no byte of it can be written either.
        assert_refused(&buy(&app, time).await);
        assert_eq!(app.get("", "/readyz").await.status, 503);
        assert_eq!(app.get("storefront", "/v1/payments").await.status, 200, "reads work");
        assert_refused(&buy(&app, time).await);
        drop(frozen);
        known.push(time);
        assert_recovered(&app, &known).await;
    }
    app.stop().await;
}

/// What cannot be written is refused at the start, in words, and left as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_leave_to_write_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    assert_eq!(buy(&app, "before").await.status, 201);
    app.stop().await;
    let file = folder.path().join("straits.db");
    let before = std::fs::read(&file).unwrap();
    let allow = |path: &Path, mode: u32| {
        let allowed = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
        // The far sides' database may still be putting its log away.
        let gone = allowed.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        assert!(gone || allowed.is_ok(), "{allowed:?}");
    };
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        allow(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    allow(folder.path(), 0o555);
    let data = folder.path().display().to_string();
    // To root nothing is forbidden: it is tried as somebody else.
    let start = |user: Option<u32>| {
        let mut command = straits(Path::new("/"), &[], &["--data-dir", &data, "migrate"]);
        if let Some(user) = user {
            command.uid(user);
        }
        command.output().unwrap()
    };
    let is_root =
        std::fs::metadata("/proc/self").map(|of| std::os::unix::fs::MetadataExt::uid(&of)).ok() == Some(0);
    let output = start(is_root.then_some(65_534));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{words}");
    assert!(words.contains("denied") || words.contains("readonly") || words.contains("read-only"), "{words}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    allow(folder.path(), 0o755);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        allow(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    assert!(start(None).status.success());
}
