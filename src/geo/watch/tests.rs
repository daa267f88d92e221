use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use super::super::database::writer::{Value, Writer, flat, text};
use super::*;

const BUILT: u64 = 1_790_000_000;

/// A folder with a place for a file, and a service's look at it. The clock stands long after every file was written, so
/// that times of files count as settled.
struct Scene {
    folder: tempfile::TempDir,
    clock: Clock,
    settings: GeoSettings,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let settings = GeoSettings {
            database: Some(folder.path().join("own.mmdb")),
            look: Duration::from_secs(60),
            bytes_max: 1 << 20,
            least_countries: 150,
            accept_older: false,
            believe_anonymous: false,
            vpn_ranges: None,
            country_header: None,
        };
        let clock = Clock::fixed("2100-01-01T00:00:00Z".parse().unwrap());
        Scene { folder, clock, settings }
    }

    fn start(&self) -> Geo {
        Geo::start(self.settings.clone(), self.clock.clone()).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("own.mmdb")
    }

    /// Puts a file into place as an update does: written beside, then renamed.
    fn put(&self, bytes: &[u8]) {
        let beside = self.folder.path().join("new");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, self.path()).unwrap();
    }
}

/// 5.5.5.5 is in this country; built this many days after the first.
fn file(country: &'static str, days: u64) -> Vec<u8> {
    let writer = Writer { built: BUILT + days * 86_400, ..Writer::of(flat) };
    writer.with([5, 5, 5, 0], 24, flat(country)).bytes()
}

fn seen(geo: &Geo) -> Option<&'static str> {
    geo.country_of([5, 5, 5, 5].into()).map(Country::code)
}

fn fault(geo: &Geo) -> String {
    geo.report().fault.unwrap_or_default()
}

#[test]
fn a_new_file_takes_the_place_of_the_old_one_and_a_bad_one_does_not() {
    let scene = Scene::new();
    scene.put(&file("TH", 0));
    let geo = scene.start();
    assert_eq!((seen(&geo), geo.look()), (Some("TH"), Look::Same));
    assert_eq!(geo.report().source, scene.path().display().to_string());
    scene.put(&file("VN", 1));
    assert_eq!((geo.look(), seen(&geo)), (Look::Taken, Some("VN")));

    let good = file("MY", 2);
    for (bytes, why) in [
        (&good[..good.len() / 2], "metadata"),
        (b"".as_slice(), "metadata"),
        (b"<html>try again later</html>", "metadata"),
    ] {
        scene.put(bytes);
        assert_eq!((geo.look(), seen(&geo)), (Look::Refused, Some("VN")));
        assert!(fault(&geo).contains(why), "{}", fault(&geo));
        assert_eq!((geo.look(), seen(&geo)), (Look::Refused, Some("VN")), "and the next look says so too");
    }
    scene.put(&good);
    assert_eq!((geo.look(), seen(&geo), geo.report().fault), (Look::Taken, Some("MY"), None));
}

#[test]
fn a_file_that_grows_into_place_is_taken_when_it_is_whole() {
    let scene = Scene::new();
    scene.put(&file("TH", 0));
    let geo = scene.start();
    let next = file("VN", 1);
    for part in [1, next.len() / 3, next.len() - 1] {
        fs::write(scene.path(), &next[..part]).unwrap();
        assert_eq!((geo.look(), seen(&geo)), (Look::Refused, Some("TH")), "{part}");
    }
    fs::write(scene.path(), &next).unwrap();
    assert_eq!((geo.look(), seen(&geo), geo.report().fault), (Look::Taken, Some("VN"), None));
}

#[test]
fn whatever_stands_in_its_place_the_old_one_answers() {
    let scene = Scene::new();
    let whole = file("TH", 0);
    scene.put(&whole);
    let geo = scene.start();
    let path = scene.path();
    let stays = |why: &str| {
        assert_eq!((geo.look(), seen(&geo)), (Look::Refused, Some("TH")), "{why}");
        assert!(fault(&geo).contains(why), "{why}: {}", fault(&geo));
    };
    fs::remove_file(&path).unwrap();
    stays("No such file");
    fs::create_dir(&path).unwrap();
    stays("folder");
    fs::remove_dir(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    stays("no regular file");
    for (target, why) in
        [("/dev/zero", "no regular file"), ("nowhere", "No such file"), ("own.mmdb", "symbolic links")]
    {
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        stays(why);
    }
    // A file that opens and cannot be read, whoever asks.
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
    stays("error");
    // 300 MB of nothing, of which the disk has not one.
    fs::remove_file(&path).unwrap();
    File::create(&path).unwrap().set_len(300 << 20).unwrap();
    stays("larger than 1 MiB");
    scene.put(&whole);
    assert_eq!((geo.look(), geo.report().fault), (Look::Same, None), "the same again is no news");
}

#[test]
fn a_start_on_a_bad_file_is_a_start_on_the_one_compiled_in() {
    let scene = Scene::new();
    let geo = scene.start();
    assert_eq!(geo.report().source, "embedded");
    assert!(fault(&geo).contains("No such file"), "{}", fault(&geo));
    assert_eq!(geo.country_of([165, 21, 83, 88].into()).map(Country::code), Some("SG"));
    // What comes later is taken, although the one compiled in is younger.
    scene.put(&file("TH", 0));
    assert_eq!((geo.look(), seen(&geo), geo.report().fault), (Look::Taken, Some("TH"), None));

    let none =
        Geo::start(GeoSettings { database: None, ..scene.settings.clone() }, scene.clock.clone()).unwrap();
    assert_eq!((none.look(), none.rhythm(), none.report().fault), (Look::Same, None, None));
}

#[test]
fn an_older_file_needs_leave() {
    let mut scene = Scene::new();
    scene.put(&file("TH", 9));
    let geo = scene.start();
    scene.put(&file("VN", 8));
    assert_eq!((geo.look(), seen(&geo)), (Look::Refused, Some("TH")));
    assert!(fault(&geo).contains("geo.older_file"), "{}", fault(&geo));
    scene.put(&file("MY", 9));
    assert_eq!((geo.look(), seen(&geo)), (Look::Taken, Some("MY")), "of the same day, other content");
    scene.settings.accept_older = true;
    let geo = scene.start();
    scene.put(&file("VN", 8));
    assert_eq!((geo.look(), seen(&geo)), (Look::Taken, Some("VN")));
}

#[test]
fn a_change_within_the_same_tick_of_the_clock_is_seen() {
    let mut scene = Scene::new();
    scene.put(&file("TH", 0));
    // A clock at the file's own time: it may change again and keep its times.
    let written = fs::metadata(scene.path()).unwrap().ctime();
    scene.clock = Clock::fixed(DateTime::from_timestamp(written, 0).unwrap());
    let geo = scene.start();
    assert_eq!(seen(&geo), Some("TH"));
    let mark = geo.looked.lock().unwrap().mark;
    assert_eq!(mark, None, "so it is read again at the next look, and found the same");
    assert_eq!(geo.look(), Look::Same);
}

#[test]
fn old_data_is_called_old() {
    let mut scene = Scene::new();
    for (at, old) in [("2026-12-01T00:00:00Z", false), ("2026-12-21T00:00:00Z", true)] {
        scene.clock = Clock::fixed(at.parse().unwrap());
        scene.put(&file("TH", 0));
        let report = scene.start().report();
        assert_eq!((report.fault, report.old), (None, old), "{at}");
    }
}

#[test]
fn an_anonymous_address_is_believed_only_if_told_so() {
    let mut scene = Scene::new();
    let traits = Value::Map(vec![("is_anonymous_proxy", Value::Flag(true))]);
    let vpn = Value::Map(vec![("country_code", text("CH")), ("traits", traits)]);
    scene.put(&Writer::of(flat).with([5, 5, 5, 0], 24, vpn).bytes());
    assert_eq!(seen(&scene.start()), None);
    scene.settings.believe_anonymous = true;
    assert_eq!(seen(&scene.start()), Some("CH"));
}

/// Requests on other threads see the one or the other, never neither.
#[test]
fn lookups_go_on_while_the_file_is_replaced() {
    let scene = Scene::new();
    scene.put(&file("TH", 0));
    let geo = scene.start();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0_u64;
                    while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                        assert!(matches!(seen(&geo), Some("TH" | "VN")));
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        for round in 1..=30 {
            let next = file(if round % 2 == 0 { "TH" } else { "VN" }, round);
            scene.put(if round % 5 == 0 { &next[..next.len() - 9] } else { &next });
            geo.look();
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn a_list_of_vpn_exits_is_replaced_and_a_bad_one_changes_nothing() {
    let mut scene = Scene::new();
    scene.put(&file("CH", 0));
    let list = scene.folder.path().join("vpn.txt");
    scene.settings.vpn_ranges = Some(list.clone());
    let folder = scene.folder.path().to_owned();
    let write = |bytes: &[u8]| {
        let beside = folder.join("new-list");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, &list).unwrap();
    };
    let geo = scene.start();
    let vpn = |geo: &Geo| geo.report().vpn.unwrap();
    assert!(vpn(&geo).fault.unwrap().contains("No such file"));
    assert_eq!((seen(&geo), geo.hides([5, 5, 5, 5].into())), (Some("CH"), false));
    write(b"5.5.5.0/25\n");
    geo.look();
    assert_eq!(vpn(&geo), VpnReport { blocks: 1, fault: None });
    assert_eq!((seen(&geo), geo.hides([5, 5, 5, 5].into())), (None, true));
    assert_eq!(geo.country_of([5, 5, 5, 200].into()).map(Country::code), Some("CH"), "the next block");
    assert!(matches!(geo.place([10, 0, 0, 1].into()), Place::Private));
    for bad in [&b"5.5.5.0/25\n5.5."[..], b"", b"0.0.0.0/0"] {
        write(bad);
        for _ in 0..2 {
            geo.look();
            assert!(vpn(&geo).fault.is_some());
            assert_eq!((seen(&geo), vpn(&geo).blocks), (None, 1), "the old one answers");
        }
    }
    fs::remove_file(&list).unwrap();
    geo.look();
    assert_eq!(seen(&geo), None);
    write(b"9.9.9.9");
    geo.look();
    assert_eq!((seen(&geo), vpn(&geo).fault), (Some("CH"), None));
    scene.settings.believe_anonymous = true;
    write(b"5.5.5.5");
    let geo = scene.start();
    assert_eq!((seen(&geo), geo.hides([5, 5, 5, 5].into())), (Some("CH"), false));
}
