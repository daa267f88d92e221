//! A bill of a million lines against a million facts, with a thousand planted differences: all of them found, none
//! invented; how long it takes beside merely reading the same file in the same run; peak memory.
//!
//! `cargo bench --bench bills [-- LINES]`. Linux tells the peak; elsewhere it is left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Write};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use straits::clock::Clock;
use straits::domain::reconciliation::{
    Class, Expected, Fact, FeeSums, FeeTerms, Key, Matching, Standing, Terms, UNKNOWN_METHOD,
};
use straits::gateways::{AccountSettings, Context, Gateway, Trust, call, registry};
use straits::ids::IdSource;
use straits::money::{Currency, Money};

const MERCHANT: &str = "STRAYTS2222SG";
const HEAD: &str = concat!(
    r#""CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","#,
    r#""Transaction Event Code","Transaction Initiation Date","Transaction Completion Date","#,
    r#""Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency","#,
    r#""Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field""#
);
/// One planted difference in so many lines.
const EVERY: i64 = 1_000;

fn begins() -> DateTime<Utc> {
    "2026-11-18T08:00:00Z".parse().unwrap()
}

fn gross(number: i64) -> i64 {
    1_000 + (number * 7_919) % 500_000
}

fn fee(number: i64) -> i64 {
    (gross(number) * 44 + 500) / 1_000 + 50
}

/// What is planted at a line, in turn.
fn planted(number: i64) -> Option<&'static str> {
    let kinds = ["amount", "fee", "paid_unknown_here", "missing_there", "duplicate"];
    (number % EVERY == EVERY / 2).then(|| kinds[usize::try_from(number / EVERY).unwrap() % kinds.len()])
}

fn write_bill(path: &std::path::Path, lines: i64) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    write!(out, "\"RH\",2026/11/19 02:44:19 -0800,\"A\",\"{MERCHANT}\",009,\n\"FH\",01\n").unwrap();
    writeln!(out, "\"SH\",2026/11/18 00:00:00 -0800,2026/11/18 23:59:59 -0800,\"{MERCHANT}\",\"\"\n{HEAD}")
        .unwrap();
    let (mut rows, mut credits, mut fees) = (0_i64, 0_i64, 0_i64);
    let mut row = |number: i64, gross: i64, fee: i64| {
        rows += 1;
        credits += gross;
        fees += fee;
        let at = begins() + TimeDelta::milliseconds(number * 80);
        let at = at.with_timezone(&chrono_tz::America::Los_Angeles).format("%Y/%m/%d %H:%M:%S %z");
        writeln!(
            out,
            "\"SB\",\"{number:017}\",\"\",\"\",\"\",\"T0006\",{at},{at},\"CR\",{gross},\"USD\",\"DR\",{fee},\"USD\",\"pay_{number}\""
        )
        .unwrap();
    };
    for number in 0..lines {
        match planted(number) {
            Some("amount") => row(number, gross(number) + 1, fee(number)),
            Some("fee") => row(number, gross(number), fee(number) + 1),
            Some("missing_there") => {}
            Some("duplicate") => {
                row(number, gross(number), fee(number));
                row(number, gross(number), fee(number));
            }
            _ => row(number, gross(number), fee(number)),
        }
    }
    for (kind, count) in [("SF", "SC"), ("RF", "RC")] {
        write!(out, "\"{kind}\",\"USD\",{credits},0,0,{fees}\n\"{count}\",{rows}\n").unwrap();
    }
    writeln!(out, "\"FF\",{rows}").unwrap();
    out.flush().unwrap();
}

fn facts(lines: i64) -> Vec<Fact> {
    let usd = Currency::find("USD").unwrap();
    let booked = (0..lines).filter(|number| planted(*number) != Some("paid_unknown_here"));
    let terms = Terms::default().id(FeeTerms { method: UNKNOWN_METHOD.into(), contract: None });
    let mut facts = Vec::with_capacity(usize::try_from(lines).unwrap());
    facts.extend(booked.map(|number| Fact {
        key: Key::of(&format!("{number:017}")),
        ours: Key::of(&format!("pay_{number}")),
        class: Class::Payment,
        gross: Money::from_minor(gross(number), usd),
        fee: Some(fee(number)),
        at: begins() + TimeDelta::milliseconds(number * 80),
        number,
        standing: Standing::Fresh,
        expected: Some(Expected { terms, fee: fee(number), below: 0, above: 0 }),
    }));
    facts
}

fn gateway() -> std::sync::Arc<dyn Gateway> {
    let clock = Clock::fixed(begins());
    let context = Context {
        http: call::client().unwrap().into(),
        clock: clock.clone(),
        ids: IdSource::seeded(clock, 1),
        trust: Trust::Live,
    };
    let public = json!({
        "base_url": "https://api-m.paypal.com", "client_id": "c", "webhook_id": "w", "merchant_id": MERCHANT,
    });
    let account = AccountSettings {
        name: "paypal".into(),
        public: public.as_object().unwrap().clone(),
        secrets: [("client_secret".to_owned(), vec!["s".into()])].into(),
    };
    registry::build("paypal", &account, &context).unwrap()
}

/// Peak resident memory in KiB, as Linux tells it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let lines: i64 = asked.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("STL-20261118.CSV");
    write_bill(&path, lines);
    let size = std::fs::metadata(&path).unwrap().len();
    let gateway = gateway();
    let bills = gateway.bills().unwrap();
    let open = || Box::new(BufReader::with_capacity(1 << 16, std::fs::File::open(&path).unwrap()));

    let began = Instant::now();
    let read = bills.read(open()).inspect(|line| assert!(line.is_ok())).count();
    let reading = began.elapsed();

    let facts = facts(lines);
    let began = Instant::now();
    let mut matching = Matching::new(facts, chrono_tz::UTC);
    for line in bills.read(open()) {
        matching.line(line.unwrap()).unwrap();
    }
    // The day is long past: what is not named is missed.
    let until = begins() + TimeDelta::days(5);
    let outcome = matching.finish((begins(), until), until).unwrap();
    let matched = began.elapsed();

    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    (0..lines).filter_map(planted).for_each(|kind| *expected.entry(kind).or_default() += 1);
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    outcome.differences.iter().for_each(|difference| *found.entry(difference.as_str()).or_default() += 1);
    assert_eq!(found, expected, "all found, none invented");
    let ratio = matched.as_millis() * 100 / reading.as_millis().max(1);
    println!(
        "{read} lines, {} MiB, {} planted differences: all found, none invented",
        size >> 20,
        outcome.differences.len()
    );
    println!(
        "reading {} ms; reading and matching {} ms: {}.{:02} times",
        reading.as_millis(),
        matched.as_millis(),
        ratio / 100,
        ratio % 100
    );
    let mut sums = FeeSums::default();
    outcome.fees.by_day().for_each(|(_, day)| sums.merge(day));
    let learned = sums.learned().unwrap();
    println!(
        "fees learned: {} millionths + {} tenths of a cent; {} lines drift",
        learned.percent_millionths, learned.fixed_tenths, sums.drifting
    );
    if let Some(peak) = peak() {
        println!("peak memory {} MiB", peak >> 10);
        assert!(lines > 1_000_000 || peak >> 10 <= 256, "more than 256 MiB");
    }
}
