//! Reading commands in a folder without books: they say so and leave it as it is.

use crate::program::run;

#[test]
fn what_reads_books_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let period = ["--from", "2026-01-01", "--to", "2026-01-31"];
    let statement = [&["export", "statement", "sup_01kb0000000000000000000000"][..], &period].concat();
    for arguments in [&["verify"][..], &["verify", "--full", "--json"], &["export", "journal"], &statement] {
        let output = run(folder.path(), &[], &[arguments, &["--data-dir", "."]].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("there are no books yet") && told.contains("--data-dir"), "{told}");
        assert!(output.stdout.is_empty());
    }
    let doctor = run(folder.path(), &[], &["doctor", "--data-dir", "."]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("none yet; the first start makes it"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{told}");

    let doctor = run(folder.path(), &[], &["doctor", "--data-dir", "not/there"]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("not/there: none yet") && !told.contains("FAULT  data_folder"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{told}");
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let doctor = run(folder.path(), &[], &["doctor", "--data-dir", "file/below"]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("FAULT  data_folder"), "{told}");
}

#[test]
fn a_noted_head_reads_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in ["17", "17:abc", "mer_1:17:abc"] {
        let output = run(folder.path(), &[], &["verify", "--noted", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}
