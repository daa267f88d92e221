//! Files that are no country files, or no longer. None is accepted, none panics, none takes long.

use std::time::Instant;

use chrono::{DateTime, Utc};

use super::tests::LEAST;
use super::writer::{Value, Writer, flat, text};
use super::*;

fn wall() -> DateTime<Utc> {
    "2026-11-28T00:00:00Z".parse().unwrap()
}

fn refused(bytes: Vec<u8>) -> Result<(), String> {
    Database::examine(bytes, wall(), LEAST).map(|_| ()).map_or_else(Err, Ok)
}

/// The compiled-in file with one place changed; the place is found by what stands there.
fn patched(find: &[u8], put: &[u8]) -> Vec<u8> {
    let mut bytes = EMBEDDED.to_vec();
    let at = bytes.windows(find.len()).rposition(|window| window == find).unwrap();
    bytes.splice(at..at + find.len(), put.iter().copied());
    bytes
}

/// The compiled-in file with one node's left pointer changed.
fn pointing(node: usize, to: u32) -> Vec<u8> {
    let mut bytes = EMBEDDED.to_vec();
    bytes[node * 6..node * 6 + 3].copy_from_slice(&to.to_be_bytes()[1..]);
    bytes
}

#[test]
fn no_broken_file_is_accepted() {
    let marker = EMBEDDED.len() - 305;
    assert!(EMBEDDED[marker..].starts_with(tree::MARKER));
    let cut = |percent: usize| EMBEDDED[..EMBEDDED.len() * percent / 100].to_vec();
    let nodes = 565_914_u32;
    let tree = nodes as usize * 6;
    let count = |nodes: u32| {
        let put = [b"node_count\xc3".as_slice(), &nodes.to_be_bytes()[1..]].concat();
        patched(b"node_count\xc3\x08\xa2\x9a", &put)
    };
    let data = |find: &[u8], put: &[u8]| {
        let mut bytes = EMBEDDED.to_vec();
        let at =
            tree + 16 + bytes[tree + 16..].windows(find.len()).position(|window| window == find).unwrap();
        bytes[at..at + put.len()].copy_from_slice(put);
        bytes
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("one byte", vec![0]),
        ("only the marker", tree::MARKER.to_vec()),
        ("only the metadata", EMBEDDED[marker..].to_vec()),
        ("no marker", EMBEDDED[..marker].to_vec()),
        ("a second marker at the end", [EMBEDDED, tree::MARKER].concat()),
        ("the metadata twice", [EMBEDDED, &EMBEDDED[marker..]].concat()),
        ("a byte too many at the end", [EMBEDDED, &[0]].concat()),
        ("a page of an error behind it", [EMBEDDED, b"<html>try again later</html>".as_slice()].concat()),
        ("the whole file twice", [EMBEDDED, EMBEDDED].concat()),
        ("cut at 25 %", cut(25)),
        ("cut at 50 %", cut(50)),
        ("cut at 75 %", cut(75)),
        ("cut at 99 %", cut(99)),
        ("the last byte missing", EMBEDDED[..EMBEDDED.len() - 1].to_vec()),
        ("half of the metadata", EMBEDDED[..marker + 150].to_vec()),
        ("the first byte missing", EMBEDDED[1..].to_vec()),
        ("a byte too many at the front", [&[0], EMBEDDED].concat()),
        ("a hole in the middle", [&EMBEDDED[..1_000_000], &EMBEDDED[1_000_600..]].concat()),
        ("record_size 23", patched(b"record_size\xa1\x18", b"record_size\xa1\x17")),
        ("record_size 0", patched(b"record_size\xa1\x18", b"record_size\xa1\x00")),
        ("record_size 255", patched(b"record_size\xa1\x18", b"record_size\xa1\xff")),
        ("record_size 28", patched(b"record_size\xa1\x18", b"record_size\xa1\x1c")),
        ("node_count 0", count(0)),
        ("node_count 1", count(1)),
        ("node_count one less", count(nodes - 1)),
        ("node_count one more", count(nodes + 1)),
        ("node_count huge", count(0xff_ffff)),
        (
            "node_count that overflows",
            patched(b"node_count\xc3\x08\xa2\x9a", b"node_count\xc4\xff\xff\xff\xff"),
        ),
        ("node_count a text", patched(b"node_count\xc3", b"node_count\x43")),
        ("ip_version 5", patched(b"ip_version\xa1\x06", b"ip_version\xa1\x05")),
        ("ip_version 4 of a tree for 6", patched(b"ip_version\xa1\x06", b"ip_version\xa1\x04")),
        ("format 3", patched(b"major_version\xa1\x02", b"major_version\xa1\x03")),
        ("built never", patched(b"\x04\x02k\x03\x85\x86", b"\x04\x02\0\0\0\0")),
        ("built in the future", patched(b"\x04\x02k\x03\x85\x86", b"\x04\x02\xff\xff\xff\xff")),
        (
            "built after the end of time",
            patched(b"\x04\x02k\x03\x85\x86", b"\x08\x02\x7f\xff\xff\xff\xff\xff\xff\xff"),
        ),
        ("languages of a huge length", patched(b"languages\x01\x04", b"languages\x1f\x04\xff\xff\xff")),
        ("description of a huge length", patched(b"description\xe1", b"description\xff\xff\xff\xff")),
        ("no type", patched(b"SStraits-Country-RIR", b"@")),
        ("type in no UTF-8", patched(b"Straits-Country-RIR", b"\xff\xferaits-Country-RIR")),
        ("a pointer out of the data", pointing(0, 0xff_ffff)),
        ("a pointer into the gap", pointing(0, nodes + 7)),
        ("a node that is its own child", pointing(0, 0)),
        ("a node that leads back", pointing(90, 3)),
        ("a gap that is not empty", {
            let mut bytes = EMBEDDED.to_vec();
            bytes[tree + 5] = 1;
            bytes
        }),
        ("a code in no UTF-8", data(b"BSG", b"B\xff\xfe")),
        ("a code that is a number", data(b"BSG", b"\xa2SG")),
        ("a record that is an array of a huge length", data(b"\xe2", b"\x1f\x04\xff\xff\xff")),
        ("a record that points to itself", {
            // The first record begins where the data do; a pointer of the shortest form says offset 0.
            let mut bytes = EMBEDDED.to_vec();
            bytes[tree + 16..tree + 18].copy_from_slice(&[0x20, 0]);
            bytes
        }),
        ("all zero", vec![0; 100_000]),
        ("gzip", [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &EMBEDDED[..9_000]].concat()),
        ("zip", [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &EMBEDDED[..9_000]].concat()),
        ("tar of the file, cut", [&[b'c'; 512], EMBEDDED, &[0; 1024]].concat()),
        ("a page", b"<!doctype html><title>404 Not Found</title>".to_vec()),
        ("a table", b"network,country\n1.0.0.0/24,AU\n".repeat(1000)),
        ("SQLite", [b"SQLite format 3\0".as_slice(), &[0; 4080]].concat()),
    ];
    assert!(cases.len() >= 50);
    let mut accepted = Vec::new();
    for (name, bytes) in cases {
        let begun = Instant::now();
        match refused(bytes) {
            Ok(()) => accepted.push(name),
            Err(why) => assert!(!why.is_empty() && !why.contains("panic"), "{name}: {why}"),
        }
        assert!(begun.elapsed().as_secs() < 20, "{name} took {:?}", begun.elapsed());
    }
    assert!(accepted.is_empty(), "accepted: {accepted:?}");
}

#[test]
fn files_of_another_trade_say_why_they_are_refused() {
    let asn = |_| Value::Map(vec![("autonomous_system_number", Value::Number(7473))]);
    let city = |_| Value::Map(vec![("city", Value::Map(vec![("names", Value::Map(vec![]))]))]);
    let number = |_| Value::Map(vec![("country_code", Value::Number(65))]);
    let moved = |code: &'static str| flat(if code == "SG" { "MY" } else { "SG" });
    let few = Writer { networks: Writer::of(flat).networks.split_off(140), ..Writer::of(flat) };
    let future = Writer { built: 1_990_000_000, ..Writer::of(flat) };
    for (writer, words) in [
        (Writer { kind: "GeoLite2-ASN", ..Writer::of(asn) }, "0 countries"),
        (Writer::of(city), "0 countries"),
        (Writer::of(|_| text("SG")), "cannot be read"),
        (Writer::of(|_| flat("SG")), "1 countries"),
        (Writer::of(|_| flat("EU")), "0 countries"),
        (Writer::of(number), "cannot be read"),
        (Writer::of(moved), "2 countries"),
        (few, "countries and at least 150 are expected, the setting geo.least_countries"),
        (future, "in the future"),
        (Writer { kind: "", ..Writer::of(flat) }, "what it is"),
        (Writer { built: 0, ..Writer::of(flat) }, "when it was built"),
    ] {
        let why = refused(writer.bytes()).unwrap_err();
        assert!(why.contains(words), "{words}: {why}");
    }
    // Every country is there, each in its neighbour's place.
    let codes: Vec<&'static str> = Country::all().map(Country::code).collect();
    let next = |code| flat(codes[(codes.binary_search(&code).unwrap() + 1) % codes.len()]);
    let why = refused(Writer::of(next).bytes()).unwrap_err();
    assert!(why.contains("right about 0 of the 16"), "{why}");
}

/// A small generator: the same flips in every run.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap()
}

/// No flip panics. What is accepted all the same (a flip in a text that nobody reads, one network elsewhere) answers
/// every address without a panic.
#[test]
fn flipped_bits_never_panic() {
    let whole = Writer::of(writer::nested).bytes();
    let (mut seed, mut taken, mut kept_out) = (7_u64, 0, 0);
    for _ in 0..6_000 {
        let mut bytes = whole.clone();
        for _ in 0..=next(&mut seed) % 3 {
            let at = next(&mut seed) % bytes.len();
            bytes[at] ^= 1 << (next(&mut seed) % 8);
        }
        match Database::examine(bytes, wall(), LEAST) {
            Err(why) => {
                assert!(!why.contains("panic"), "{why}");
                kept_out += 1;
            }
            Ok((database, _)) => {
                taken += 1;
                for _ in 0..200 {
                    let [a, b] = [next(&mut seed), next(&mut seed)];
                    let (v4, v6) = (u32::try_from(a).unwrap(), (a as u128) << 97 | b as u128);
                    let v4 = IpAddr::from(v4.to_be_bytes());
                    let v6 = IpAddr::from(v6.to_be_bytes());
                    let fails = |address| database.0.lookup(address).is_err();
                    assert!(!fails(v4) && (database.0.metadata().ip_version == 4 || !fails(v6)));
                    let _ = (database.place(v4), database.place(v6));
                }
            }
        }
    }
    assert!(taken > 100 && kept_out > 1_000, "taken {taken}, refused {kept_out}");
}

#[test]
fn cut_anywhere_it_is_refused() {
    let whole = Writer::of(flat).bytes();
    for length in (0..whole.len()).step_by(13).chain(whole.len() - 400..whole.len()) {
        let why = refused(whole[..length].to_vec()).expect_err("a part of a file");
        assert!(!why.contains("panic"), "{length}: {why}");
    }
    refused(whole).unwrap();
}

#[test]
fn a_panic_of_the_reader_ends_where_it_begins() {
    assert_eq!(contained(|| 7), Some(7));
    assert_eq!(contained(|| -> u8 { panic!("a reader that gives up") }), None);
}
