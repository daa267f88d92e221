//! What no source may believe: one loop over all of them, and mutations of every good answer.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fx_providers::catalog::{Setup, open};
use fx_providers::{Answer, Code, Key, RateSet, SourceError, Window};
use rust_decimal::Decimal;

use crate::samples::{READ_AT, all, at};
use crate::server::{PATIENCE, Server, http};

type Believed = BTreeMap<(Code, NaiveDate, Code), Decimal>;

/// Which rates an answer made somebody believe.
fn believed(sets: &[RateSet]) -> Believed {
    sets.iter()
        .flat_map(|set| {
            let day = set.as_of.date_naive();
            set.rates.iter().map(move |(code, rate)| ((set.base, day, *code), *rate))
        })
        .collect()
}

/// The first number that is a rate, and where it stands.
fn first_rate(name: &str, sample: &str) -> (usize, usize) {
    let mark = match name {
        "ecb" => "rate='",
        "frankfurter" => "\"quote\": \"SGD\",\n  \"rate\": ",
        "wise" => "\"rate\": ",
        "open-er-api" | "exchangerate-api" => "\"AED\": ",
        "fawazahmed0" => "\"aed\":",
        "currencylayer" => "\"USDAED\": ",
        "fixer" => "\"AUD\": ",
        "openexchangerates" | "currencybeacon" => "\"AED\": ",
        "bnm" => "\"middle_rate\":",
        "bot" => "\"mid_rate\":\"",
        _ => "SGD,",
    };
    let start = sample.find(mark).unwrap_or_else(|| panic!("{name}: {mark}")) + mark.len();
    let length = sample[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap();
    (start, start + length)
}

#[test]
fn a_cut_answer_is_no_answer() {
    for (entry, sample) in all() {
        let whole = believed(&(entry.read)(sample.as_bytes(), at(READ_AT)).unwrap());
        let end = sample.trim_end().len();
        for length in (0..end).step_by(7).chain(end.saturating_sub(9)..end) {
            match (entry.read)(&sample.as_bytes()[..length], at(READ_AT)) {
                Err(SourceError::Malformed { .. }) => {}
                // A file of lines can end after any line: what it then holds is still true.
                Ok(sets) if entry.name == "file" => {
                    assert!(believed(&sets).iter().all(|(key, rate)| whole.get(key) == Some(rate)));
                }
                other => panic!("{} cut at {length}: {other:?}", entry.name),
            }
        }
    }
}

#[test]
fn a_rate_that_is_none_refuses_the_whole_answer() {
    for (entry, sample) in all() {
        let (start, end) = first_rate(entry.name, sample);
        for bad in [
            "0",
            "0.0",
            "0e9",
            "-1.5",
            "-0",
            "1e400",
            "1e9",
            "99999999999",
            "1e-40",
            "NaN",
            "Infinity",
            "-Infinity",
            "null",
            "true",
            "\"1.5\"",
            "",
            "1,5",
            "1.",
            ".5",
            "+1",
            "01.5.2",
            "0x10",
            "1_000",
            "[1]",
            "{}",
            "١",
        ] {
            // A source that gives bid and ask too can do without its middle.
            if entry.name == "bnm" && bad == "null" || entry.name == "bot" && bad.is_empty() {
                continue;
            }
            let body = format!("{}{bad}{}", &sample[..start], &sample[end..]);
            let error = (entry.read)(body.as_bytes(), at(READ_AT)).unwrap_err();
            assert!(matches!(error, SourceError::Malformed { .. }), "{} {bad}: {error:?}", entry.name);
            let told = error.to_string();
            assert!(told.len() < 400 && !told.contains('\n'), "{told}");
        }
    }
}

#[test]
fn a_rate_twice_refuses_the_whole_answer() {
    for (entry, sample) in all() {
        let body = match entry.name {
            "ecb" => sample.replacen("currency='JPY'", "currency='USD'", 1),
            "frankfurter" => sample.replacen("\"THB\"", "\"SGD\"", 1),
            "wise" => sample.replacen("\"EUR\"", "\"SGD\"", 1),
            "fawazahmed0" => sample.replacen("\"afn\":", "\"aed\":", 1),
            "currencylayer" => sample.replacen("\"USDAUD\"", "\"USDAED\"", 1),
            "fixer" => sample.replacen("\"BRL\"", "\"AUD\"", 1),
            "bnm" => sample.replacen("\"SGD\"", "\"USD\"", 1),
            "bot" => sample.replacen("\"JPY\"", "\"USD\"", 1),
            "file" => sample.replacen("VND", "SGD", 1),
            // In both places of CurrencyBeacon; the same number twice is refused too.
            _ => sample.replace("\"AUD\"", "\"AED\""),
        };
        assert_ne!(body, sample);
        let error = (entry.read)(body.as_bytes(), at(READ_AT)).unwrap_err().to_string();
        assert!(
            error.ends_with("occurs twice") || error.contains("a second rate"),
            "{}: {error}",
            entry.name
        );
    }
}

#[test]
fn a_day_too_far_ahead_refuses_the_whole_answer() {
    // The same answers, read when they lie three days ahead.
    for (entry, sample) in all() {
        let sets = (entry.read)(sample.as_bytes(), at(READ_AT)).unwrap();
        let newest = sets.last().unwrap().published_at;
        let early = newest - chrono::TimeDelta::days(3);
        let error = (entry.read)(sample.as_bytes(), early).unwrap_err().to_string();
        assert!(error.ends_with("lies ahead"), "{}: {error}", entry.name);
    }
}

#[test]
fn bodies_that_are_something_else_are_refused_by_all() {
    let deep = format!("{}{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let deep_list = "[".repeat(200_000);
    let large = " ".repeat(17 << 20);
    let many = format!("[{}1]", "1,".repeat(1 << 20));
    let bodies: Vec<(&str, &[u8])> = vec![
        ("empty", b""),
        ("blank", b" \r\n\t "),
        ("HTML", b"<!DOCTYPE html><html><body>Request Rejected</body></html>"),
        ("HTML after a blank", b"\n  <html></html>"),
        ("text", b"Too many requests, slow down"),
        ("a number", b"1.5"),
        ("a text", b"\"1.5\""),
        ("null", b"null"),
        ("true", b"true"),
        ("an empty object", b"{}"),
        ("an empty list", b"[]"),
        ("a list of nulls", b"[null,null]"),
        ("an object of nulls", b"{\"data\":null,\"rates\":null,\"result\":null,\"success\":null}"),
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00"),
        ("UTF-16", b"\xff\xfe{\x00}\x00"),
        ("not UTF-8", b"{\"\xc3\x28\":1}"),
        ("a lone surrogate", b"{\"base\":\"\\ud83d\"}"),
        ("zero bytes", &[0; 64]),
        ("an entity bomb", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        ("deep", deep.as_bytes()),
        ("deep and cut", deep_list.as_bytes()),
        ("many", many.as_bytes()),
        ("17 MiB", large.as_bytes()),
    ];
    for (entry, _) in all() {
        for (what, body) in &bodies {
            let error = (entry.read)(body, at(READ_AT));
            assert!(matches!(error, Err(SourceError::Malformed { .. })), "{} {what}: {error:?}", entry.name);
            let told = error.unwrap_err().to_string();
            if what.starts_with("HTML") && entry.name != "file" {
                assert!(told.ends_with("it is an HTML page"), "{}: {told}", entry.name);
            }
        }
    }
}

#[tokio::test]
async fn more_than_the_limit_is_not_read_to_the_end() {
    let endless = http("200 OK", "", &"7".repeat(17 << 20));
    for (entry, _) in all().filter(|(entry, _)| !entry.takes.path) {
        let server = Server::start(vec![endless.clone()]).await;
        let setup = Setup {
            origin: Some(server.origin.clone()),
            key: entry.takes.key.then(|| Key::new("k")),
            patience: fx_providers::http::Patience { total: std::time::Duration::from_secs(20), ..PATIENCE },
            ..Setup::default()
        };
        let answer = open(entry.name, &setup).unwrap().fetch(Window::Latest, None, at(READ_AT)).await;
        let why = "more than 16777216 bytes".to_owned();
        assert_eq!(answer, Err(SourceError::Malformed { source_name: entry.name, why }));
    }
}

#[tokio::test]
async fn an_html_page_with_status_200_is_named() {
    for (entry, _) in all().filter(|(entry, _)| !entry.takes.path) {
        let page =
            http("200 OK", "content-type: text/html\r\n", "<html><body>Request Rejected</body></html>");
        let server = Server::start(vec![page]).await;
        let setup = Setup {
            origin: Some(server.origin.clone()),
            key: entry.takes.key.then(|| Key::new("k")),
            patience: PATIENCE,
            ..Setup::default()
        };
        let answer: Result<Answer, SourceError> =
            open(entry.name, &setup).unwrap().fetch(Window::Latest, None, at(READ_AT)).await;
        let why = "it is an HTML page".to_owned();
        assert_eq!(answer, Err(SourceError::Malformed { source_name: entry.name, why }));
    }
}

/// A small generator (splitmix64): the same mutations in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (sides as u64)).unwrap()
    }
}

fn mutate(dice: &mut Dice, body: &mut Vec<u8>) {
    const TOKENS: [&[u8]; 14] =
        [b"\"", b"{", b"}", b"[", b"]", b",", b":", b"null", b"-", b"0", b"e9", b"\\u0000", b"\xff", b"<"];
    let (from, to) = (dice.roll(body.len()), dice.roll(body.len()));
    match dice.roll(6) {
        0 => body[from] = u8::try_from(dice.roll(256)).unwrap(),
        1 => drop(body.remove(from)),
        2 => drop(body.splice(from..from, TOKENS[dice.roll(TOKENS.len())].iter().copied())),
        3 => body.swap(from, to),
        4 => drop(body.drain(from.min(to)..(from.min(to) + 12).min(from.max(to)))),
        _ => {
            let piece: Vec<u8> = body[from..(from + 24).min(body.len())].to_vec();
            drop(body.splice(to..to, piece));
        }
    }
    if body.is_empty() {
        body.push(b' ');
    }
}

#[test]
fn five_thousand_mutations_panic_nowhere_and_break_no_promise() {
    let mut dice = Dice(20_261_030);
    let limit = Decimal::from(1_000_000_000_u32);
    let (mut read, mut refused) = (0, 0);
    for (entry, sample) in all() {
        // The large one is slow to read whole and no richer in shapes.
        let sample = match entry.name {
            "fawazahmed0" => {
                r#"{"date":"2026-09-29","usd":{"1inch":9.96,"aed":3.6725,"vnd":25947.76,"btc":1e-5}}"#
            }
            _ => sample,
        };
        for _ in 0..400 {
            let mut body = sample.as_bytes().to_vec();
            for _ in 0..=dice.roll(3) {
                mutate(&mut dice, &mut body);
            }
            match (entry.read)(&body, at(READ_AT)) {
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().len() < 500);
                }
                Ok(sets) => {
                    read += 1;
                    assert!(!sets.is_empty());
                    for set in &sets {
                        assert!(!set.rates.is_empty() && !set.rates.contains_key(&set.base));
                        assert!(set.rates.values().all(|rate| *rate > Decimal::ZERO && *rate < limit));
                        assert!(set.as_of <= at(READ_AT) + chrono::TimeDelta::days(3));
                    }
                }
            }
        }
    }
    assert_eq!(read + refused, 13 * 400);
    assert!(read > 100 && refused > 1_000, "{read} read, {refused} refused: the mutations miss");
}
