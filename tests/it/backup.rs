//! A backup is everything, on either engine; a broken one restores nothing; and after a restore nothing is sent before
//! every open call was asked about.

mod after_a_restore;
mod every_gate;
mod nobody_is_told;
mod program;

use std::path::{Path, PathBuf};

use straits::store::backup::{BackupError, Checked, Manifest};
use straits::store::{Engine, Environment, StoreOptions, VerifyOptions};

use crate::crash::house::House;
use crate::engines::TestDatabase;

/// The id of the key that seals the test's secrets, for what it matters here.
const KEY: &str = "0707";

/// A place for a database on each engine at hand, with nothing in it yet.
async fn places() -> Vec<TestDatabase> {
    let postgres = TestDatabase::bare_postgres().await;
    if postgres.is_none() {
        println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
    }
    [Some(TestDatabase::sqlite()), postgres].into_iter().flatten().collect()
}

/// A shop with something in every state, backed up.
async fn backed_up(database: &TestDatabase, file: &Path) -> (House, Manifest) {
    let house = House::found(database).await;
    let refunded = house.captured().await;
    house.refund(refunded, house.ids.mint()).await;
    house.approved().await;
    house.captured().await;
    let manifest = house.store.backup(file, KEY, house.clock.wall()).await.unwrap();
    (house, manifest)
}

async fn restored(file: &Path, options: &StoreOptions) -> Result<Manifest, BackupError> {
    Ok(Checked::read(file)?.restore(options, true).await?.manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_on_either_engine() {
    for from in places().await {
        for to in places().await {
            println!("from {:?} to {:?}", from.engine(), to.engine());
            let folder = tempfile::tempdir().unwrap();
            let (first, second) = (folder.path().join("first"), folder.path().join("second"));
            let (house, taken) = backed_up(&from, &first).await;
            house.store.close().await;
            if to.engine() == Engine::Sqlite {
                // A restore that was killed on its way leaves its draft.
                std::fs::write(place(&to).with_extension("db.restoring"), b"half of it").unwrap();
            }
            assert_eq!(restored(&first, &to.options()).await.unwrap(), taken);
            let store = to.open().await;
            let seen = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
            assert!(seen.ok(), "{:#?}", seen.checks);
            assert_eq!(seen.head.to_string(), taken.heading.head);
            // Backed up once more it is the same, but for what it remembers of its restore and its verification.
            let again = store.backup(&second, KEY, to.clock.wall()).await.unwrap();
            let besides = |manifest: &Manifest| {
                let mut rows = manifest.ending.rows.clone();
                rows.remove("setting");
                rows
            };
            assert_eq!(besides(&again), besides(&taken));
            assert!(besides(&taken)["ledger_entry"] > 20 && besides(&taken)["payment"] % 3 == 0, "{taken:?}");
            store.close().await;
            to.drop_database().await;
        }
        from.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_backup_restores_nothing() {
    let from = TestDatabase::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let (house, _) = backed_up(&from, &file).await;
    house.store.close().await;
    let whole = std::fs::read(&file).unwrap();
    let lines = unpacked(&whole);
    let changed = |old: &str, new: &str| {
        assert!(lines.contains(old), "{old} is not in it");
        packed(&lines.replacen(old, new, 1))
    };
    let last = lines.trim_end().rsplit_once('\n').unwrap().0;
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 0x40;
    let cases = [
        ("empty", vec![], "no whole backup"),
        ("not gzip", b"dear diary".to_vec(), "line 1"),
        ("cut off", whole[..whole.len() / 2].to_vec(), "no whole backup"),
        ("a flipped bit", flipped, "no whole backup"),
        ("an amount altered", changed(",10000,", ",90000,"), "SHA-256 differs"),
        ("a name altered", changed("Straits Traders", "Straits Robbers"), "SHA-256 differs"),
        ("without its end", packed(&format!("{last}\n")), "it ends here"),
        ("something after its end", [&whole[..], &whole[..]].concat(), "goes on after its end"),
        ("another format", changed("{\"straits_backup\":1,", "{\"straits_backup\":2,"), "the format 2"),
        ("a newer schema", changed("\"migrations\":[1,", "\"migrations\":[9999,1,"), "newer Straits"),
    ];
    for (name, bytes, why) in cases {
        let to = TestDatabase::sqlite();
        std::fs::write(&file, bytes).unwrap();
        let error = restored(&file, &to.options()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{name}: {error}");
        assert!(!place(&to).exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_never_writes_over_anything() {
    for database in places().await {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let (house, taken) = backed_up(&database, &file).await;
        house.store.close().await;
        let error = restored(&file, &database.options()).await.unwrap_err();
        assert!(error.to_string().contains("there is a database already"), "{error}");
        let store = database.open().await;
        assert_eq!(store.chain_head().await.unwrap().to_string(), taken.heading.head);
        // Nor does a backup.
        let again = store.backup(&file, KEY, database.clock.wall()).await.unwrap_err();
        assert!(again.to_string().contains("there is a file already"), "{again}");
        store.close().await;
        // Nor is test money restored as live money.
        let empty = TestDatabase::sqlite();
        let options = StoreOptions { environment: Environment::Live, ..empty.options() };
        let error = restored(&file, &options).await.unwrap_err();
        assert!(error.to_string().contains("holds test money"), "{error}");
        assert!(!place(&empty).exists());
        database.drop_database().await;
    }
}

/// SQLite writes such a log into whichever file stands beside it: the restored books would be half the old ones, and the
/// mark that everything open is asked about first would be gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_beside_the_log_of_a_database_that_is_gone_is_refused() {
    let (from, to) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let (house, taken) = backed_up(&from, &file).await;
    house.store.close().await;
    for name in ["straits.db-wal", "straits.db-shm", "straits.db-journal"] {
        let left = place(&to).with_file_name(name);
        std::fs::write(&left, b"of other books").unwrap();
        let error = restored(&file, &to.options()).await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("move it away"), "{error}");
        assert!(!place(&to).exists(), "{name}");
        assert_eq!(
            std::fs::read(&left).unwrap(),
            b"of other books",
            "it may be put back beside its database"
        );
        std::fs::remove_file(&left).unwrap();
    }
    assert_eq!(restored(&file, &to.options()).await.unwrap(), taken, "the place is empty now");
}

/// A backup is one moment, however much is written meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_a_busy_service_is_one_moment() {
    for database in places().await {
        let folder = tempfile::tempdir().unwrap();
        let house = House::found(&database).await;
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let writing = async {
            let mut count = 0;
            while stopped.try_recv().is_err() {
                house.captured().await;
                count += 1;
            }
            count
        };
        let backing_up = async {
            let mut files = Vec::new();
            for nth in 0..4 {
                let file = folder.path().join(format!("{nth}"));
                house.store.backup(&file, KEY, house.clock.wall()).await.unwrap();
                files.push(file);
            }
            stop.send(()).unwrap();
            files
        };
        let (count, files) = tokio::join!(writing, backing_up);
        assert!(count > 0);
        for file in files {
            // The whole books hold, or it would not be restored.
            restored(&file, &TestDatabase::sqlite().options()).await.unwrap();
        }
        house.store.close().await;
        database.drop_database().await;
    }
}

fn place(database: &TestDatabase) -> PathBuf {
    PathBuf::from(database.url.strip_prefix("sqlite://").unwrap())
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut out, text.as_bytes()).unwrap();
    out.finish().unwrap()
}
