//! One process to a data folder and to an SQLite file: a second one is told whose it is and changes nothing; the lock
//! ends with the process.

use crate::program::{Program, run};

#[test]
fn a_second_server_on_the_folder_is_refused_and_leaves_the_first_alone() {
    let folder = tempfile::tempdir().unwrap();
    let here = ["--data-dir", "data"];
    let first = Program::serve(folder.path(), &[], &here);
    let file = folder.path().join("data/sandbox.json");
    let before = std::fs::read(&file).unwrap();
    let words = format!(
        "straits: the data folder data is in use by another straits process (pid {}); stop it or choose another \
         --data-dir",
        first.id()
    );
    for command in [&["serve"][..], &["demo", "--exit"], &["sandbox", "seed", "--payments", "1"]] {
        let output = run(folder.path(), &[], &[command, &["--listen", "127.0.0.1:0"], &here].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
        assert!(told.contains(&words), "{command:?}: {told}");
        assert!(output.stdout.is_empty(), "{command:?}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
    // What reads goes on beside it.
    for command in [&["verify"][..], &["jobs", "list"], &["export", "journal"], &["backup", "copy"]] {
        let output = run(folder.path(), &[], &[command, &here].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{command:?}: {told}");
    }
    let doctor =
        run(folder.path(), &[], &[&["doctor", "--json", "--listen", "127.0.0.1:0"][..], &here].concat());
    assert_eq!(doctor.status.code(), Some(0), "{}", String::from_utf8_lossy(&doctor.stdout));
    // Another folder is another matter.
    drop(Program::serve(folder.path(), &[], &["--data-dir", "other"]));

    // Killed with -9, and started again at once.
    let killed = first.id();
    drop(first);
    let again = Program::serve(folder.path(), &[], &here);
    assert_ne!(again.id(), killed);
    let told = again.stop();
    assert!(!told.contains("in use"), "{told}");
    // And after an end in order.
    drop(Program::serve(folder.path(), &[], &here));
}

/// It would go on sealing under the key that is dropped, and what it sealed would never open again.
#[test]
fn the_key_of_the_folder_is_not_changed_beside_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    let here = ["--data-dir", "data"];
    let service = Program::serve(folder.path(), &[], &here);
    let key = || std::fs::read_to_string(folder.path().join("data/master.key")).unwrap();
    let before = key();
    let rotate = || run(folder.path(), &[], &[&["keys", "rotate"][..], &here].concat());
    let refused = rotate();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("in use by another straits process (pid {})", service.id())), "{told}");
    assert_eq!(key(), before);
    service.stop();
    let rotated = rotate();
    assert_eq!(rotated.status.code(), Some(0), "{}", String::from_utf8_lossy(&rotated.stderr));
    assert!(!key().contains(before.trim()));
    drop(Program::serve(folder.path(), &[], &here));

    // With keys of one's own it runs beside services, and says what they must have been started with.
    let (old, new) = ("0a".repeat(32), "0b".repeat(32));
    let both = format!("{new},{old}");
    let own = ["--data-dir", "own"];
    let keys = [("STRAITS_MASTER_KEY", both.as_str())];
    let service = Program::serve(folder.path(), &keys, &own);
    let output = run(folder.path(), &keys, &[&["keys", "rotate"][..], &own].concat());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("started with both keys, new,old") && told.contains("run this again"), "{told}");
    drop(service);
}

/// Each of two believes that it is alone on an SQLite file, and takes the other's leases for a dead one's.
#[test]
fn a_second_server_on_the_sqlite_file_is_refused_from_whichever_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = Program::serve(folder.path(), &[], &["--data-dir", "data"]);
    std::os::unix::fs::symlink("data/straits.db", folder.path().join("linked.db")).unwrap();
    let words = format!("straits.db is in use by another straits process (pid {})", first.id());
    for url in ["sqlite://data/straits.db", "sqlite://linked.db"] {
        let elsewhere = ["--data-dir", "other", "--database-url", url, "--listen", "127.0.0.1:0", "serve"];
        let output = run(folder.path(), &[], &elsewhere);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{url}: {told}");
        assert!(told.contains(&words) && told.contains("PostgreSQL"), "{url}: {told}");
        assert!(output.stdout.is_empty(), "{url}");
    }
    // What reads goes on beside it.
    let reads = ["--data-dir", "other", "--database-url", "sqlite://data/straits.db", "verify"];
    let output = run(folder.path(), &[], &reads);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    // And once it has ended the file is anybody's who has its key.
    first.stop();
    for file in ["master.key", "sandbox.db"] {
        std::fs::copy(folder.path().join("data").join(file), folder.path().join("other").join(file)).unwrap();
    }
    let elsewhere = ["--data-dir", "other", "--database-url", "sqlite://data/straits.db"];
    drop(Program::serve(folder.path(), &[], &elsewhere));
}
