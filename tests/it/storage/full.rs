//! A disk that is really full: a small file system of its own, in a process of its own.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::{assert_recovered, assert_refused, buy};
use crate::app::TestApp;

/// Where the victim finds its small disk; without it it has nothing to do.
const DISK: &str = "STRAITS_TEST_DISK";

/// The mount is seen by nobody but the victim and goes away with it.
#[test]
fn a_full_disk_is_survived() {
    let disk = tempfile::tempdir().unwrap();
    let mounted = Command::new("unshare")
        .args(["-m", "sh", "-c"])
        .arg("mount -t tmpfs -o size=12m tmpfs \"$1\" || exit 77; exec \"$2\" storage::full::the_victim --exact --nocapture")
        .arg("sh")
        .arg(disk.path())
        .arg(std::env::current_exe().unwrap())
        .env(DISK, disk.path())
        .output();
    let Ok(output) = mounted else {
        println!("skipped: there is no unshare here");
        return;
    };
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !said.contains("the victim") {
        println!("skipped: a file system cannot be mounted here: {said}");
        return;
    }
    assert!(output.status.success() && said.contains("the victim recovered"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victim() {
    let Ok(disk) = std::env::var(DISK) else { return };
    println!("the victim begins");
    let (disk, folder) = (Path::new(&disk), tempfile::tempdir().unwrap());
    let url = format!("sqlite://{}", disk.join("straits.db").display());
    let app = TestApp::on(folder.path(), &[("database.url", &url)]).await;
    assert_eq!(buy(&app, "before").await.status, 201);
    let ballast = disk.join("ballast");
    fill(&ballast);
    // What the log has room for already is still taken.
    let mut names = (0..2_000).map(|nth| format!("meanwhile-{nth}"));
    let refused = loop {
        let name = names.next().expect("the disk is full and everything is taken");
        let answer = buy(&app, &name).await;
        if answer.status != 201 {
            assert_refused(&answer);
            break name;
        }
    };
    assert_eq!(app.get("", "/readyz").await.status, 503);
    assert_eq!(app.get("storefront", "/v1/payments").await.status, 200, "reads work");
    assert_refused(&buy(&app, &refused).await);
    std::fs::remove_file(&ballast).unwrap();
    assert_recovered(&app, &["before", &refused]).await;
    app.stop().await;
    println!("the victim recovered");
}

fn fill(ballast: &Path) {
    let mut file = File::create(ballast).unwrap();
    let mut size = 1 << 16;
    while size > 0 {
        if file.write_all(&vec![0; size]).is_err() {
            size /= 2;
        }
    }
}
