//! One process to a data folder: a second one is told whose it is and changes nothing; the lock ends with the process.

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
