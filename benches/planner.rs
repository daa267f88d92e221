//! Plans of 500 suppliers × 8 routes, and of 1,000 to 100,000 suppliers in 12 currencies: how long, how near to the
//! bound that the certificate proves, how much memory, how it grows. The peak is the planner's, certificate included; what
//! the checker takes comes after it.
//!
//! `cargo bench --bench planner [-- SUPPLIERS [CURRENCIES]]`. Linux tells the peak; elsewhere it is left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use straits::domain::treasury::{
    Calendars, Effort, Funds, Holder, Mids, Payable, Payee, PlanRequest, RouteTable, TopUp, plan,
};
use straits::money::{Currency, Money};

const CURRENCIES: [(&str, &str, i64); 12] = [
    ("USD", "1", 100),
    ("EUR", "1.0875", 100),
    ("SGD", "0.741", 130),
    ("CNY", "0.1385", 720),
    ("THB", "0.0285", 3_500),
    ("MYR", "0.224", 450),
    ("PHP", "0.0172", 5_800),
    ("IDR", "0.0000612", 1_630_000),
    ("VND", "0.0000394", 25_400),
    ("HKD", "0.128", 780),
    ("GBP", "1.27", 80),
    ("AUD", "0.655", 150),
];

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    println!("suppliers currencies seconds us/supplier           cost      gap certificate   check  peak");
    if let Some(suppliers) = asked.first() {
        run(*suppliers, asked.get(1).copied().unwrap_or(12).clamp(1, 12));
        return;
    }
    run(500, 1);
    run(500, 12);
    let times: Vec<(usize, u128)> =
        [1_000, 10_000, 100_000].into_iter().map(|suppliers| (suppliers, run(suppliers, 12))).collect();
    for pair in times.windows(2) {
        let (tenths, of) = (pair[1].1 * 10 / pair[0].1.max(1), pair[1].0 / pair[0].0);
        println!("{of} times the suppliers took {}.{} times as long", tenths / 10, tenths % 10);
    }
}

/// Plans, checks, prints; how many milliseconds planning took.
fn run(suppliers: usize, currencies: usize) -> u128 {
    let request = request(suppliers, &CURRENCIES[..currencies]);
    // The peak from here on; where this is not Linux nothing is written and none is printed.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let start = Instant::now();
    let planned = plan(&request).unwrap();
    let seconds = start.elapsed();
    let peak = peak();
    let totals = &planned.plan.totals;
    let parts_per_million = totals.gap.0 * 1_000_000 / totals.cost.0.max(1);
    let start = Instant::now();
    let verdict = plan_checker::check(planned.certificate.json()).expect("its own certificate holds");
    let checked = start.elapsed();
    assert_eq!(verdict.suppliers + planned.plan.excluded.len() - verdict.unpaid, suppliers);
    if (suppliers, currencies) == (100_000, 12) {
        assert!(seconds.as_secs() < 60 && parts_per_million <= 1_000, "{seconds:?}, {parts_per_million} ppm");
    }
    println!(
        "{suppliers:>9} {currencies:>10} {:>3}.{:03} {:>11} {:>14} {:>4} ppm {:>7} KiB {:>3}.{:03} {peak} (unpaid {}, gap {}, saved {})",
        seconds.as_secs(),
        seconds.subsec_millis(),
        seconds.as_micros() / suppliers as u128,
        totals.cost_home.to_string(),
        parts_per_million,
        planned.certificate.json().len() / 1024,
        checked.as_secs(),
        checked.subsec_millis(),
        totals.unpaid,
        totals.gap.money(totals.home),
        totals.saved_home.map_or("-".to_owned(), |saved| saved.to_string()),
    );
    seconds.as_millis()
}

/// Each currency: local bank (batch fee), wallet (percentage, cap), two banks by wire, from its own and from dollars;
/// accounts hold about two thirds of what is owed, top-ups at 30 and 45 points cover the rest.
fn request(suppliers: usize, currencies: &[(&str, &str, i64)]) -> PlanRequest {
    let mut routes = String::from("version = \"bench\"\n");
    let mut funds = Vec::new();
    let each = suppliers / currencies.len() + 1;
    for (code, _, unit) in currencies {
        let currency = Currency::find(code).unwrap();
        let figure =
            |hundredths: i64| Money::from_minor(unit * hundredths / 100, currency).digits().to_string();
        let mut route = |name: &str, rail: &str, body: String| {
            routes.push_str(&format!(
                "[[route]]\nname = \"{name}-{code}\"\nrail = \"{rail}\"\nsource_currency = \"{code}\"\ntarget_currency = \"{code}\"\ncut_off = \"16:00:00\"\nzone = \"UTC\"\ndays = 1\nbearer = \"DEBT\"\nfrom = \"2026-01-01\"\nsource = \"bench\"\ntrust = \"sample\"\n{body}\n"
            ));
        };
        route(
            "local",
            "bank",
            format!(
                "fixed = \"{}\"\nbatch_fee = \"{}\"\nbatch_size = 5000\nmaximum_item = \"{}\"",
                figure(80),
                figure(1_500),
                figure(2_000_000)
            ),
        );
        route(
            "wallet",
            "wallet",
            format!(
                "percent = \"2\"\ncap = \"{}\"\nbatch_size = 15000\nmaximum_item = \"{}\"",
                figure(2_000),
                figure(2_000_000)
            ),
        );
        route("instant", "bank", format!("fixed = \"{}\"\npercent = \"0.1\"", figure(20)));
        route("wire", "wire", format!("fixed = \"{}\"", figure(2_500)));
        for rail in ["bank", "wallet", "wire"] {
            let held = each as i64 * unit * 700 / if rail == "bank" { 2 } else { 5 };
            let top_up = |limit: i64, spread_bps: u32| TopUp {
                from: "treasury".to_owned(),
                sells: Currency::find("USD").unwrap(),
                limit: Money::from_minor(limit, currency),
                fixed: Some(Money::from_minor(unit * 15, currency)),
                spread_bps,
            };
            funds.push(Funds {
                account: format!("{rail}-{code}"),
                rails: vec![rail.to_owned(), format!("usd-{rail}")],
                available: Money::from_minor(held, currency),
                holder: Holder::Client,
                top_ups: if rail == "bank" {
                    vec![top_up(held / 4, 30), top_up(held * 4, 45)]
                } else {
                    Vec::new()
                },
            });
        }
        if *code == "USD" {
            for (name, rail, fixed) in [
                ("second", "bank", 110),
                ("third", "wallet", 140),
                ("fourth", "wire", 900),
                ("fifth", "wire", 1_800),
            ] {
                route(name, rail, format!("fixed = \"{}\"", figure(fixed)));
            }
        } else {
            for (name, rail, spread) in [
                ("usd-bank", "bank", 60),
                ("usd-wallet", "wallet", 250),
                ("usd-wire", "wire", 40),
                ("usd-slow", "wire", 70),
            ] {
                routes.push_str(&format!(
                    "[[route]]\nname = \"{name}-{code}\"\nrail = \"{rail}\"\nsource_currency = \"USD\"\ntarget_currency = \"{code}\"\nfixed = \"{}\"\nspread_bps = {spread}\ncut_off = \"16:00:00\"\nzone = \"UTC\"\ndays = 2\nbearer = \"SHAR\"\nfrom = \"2026-01-01\"\nsource = \"bench\"\ntrust = \"sample\"\n",
                    if name == "usd-wire" { "9.00" } else { "1.20" }
                ));
            }
        }
    }
    let mut state = 1_u64;
    let mut roll = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let payables = (0..suppliers).map(|index| {
        let (code, _, unit) = currencies[index % currencies.len()];
        let minor = unit * i64::try_from(20 + roll(1_000) * (1 + roll(3))).unwrap()
            + i64::try_from(roll(100)).unwrap();
        Payable {
            supplier: format!("sup_{index:06}"),
            gross: Money::from_minor(minor, Currency::find(code).unwrap()),
            withholding: None,
            debt: None,
            conversion: None,
            payees: vec![Payee {
                account: String::new(),
                country: "SG".to_owned(),
                market: None,
                kind: None,
                town: true,
                bank_letters: true,
            }],
            bearer: None,
            only: None,
            purpose: None,
            due: None,
            blocked: None,
            default_route: None,
            expected: Vec::new(),
        }
    });
    PlanRequest {
        now: "2026-12-02T08:00:00Z".parse().unwrap(),
        mids: Mids {
            home: Currency::find("USD").unwrap(),
            as_of: "2026-12-02T00:00:00Z".parse().unwrap(),
            rates: currencies
                .iter()
                .map(|(code, rate, _)| (Currency::find(code).unwrap(), rate.parse().unwrap()))
                .collect(),
        },
        routes: RouteTable::read("bench.toml", &routes).unwrap(),
        calendars: Calendars::default(),
        payables: payables.collect(),
        funds,
        positions: Vec::new(),
        max_wait_days: 0,
        conversions: true,
        effort: Effort::default(),
    }
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("-".to_owned(), |kib| kib.trim().to_owned())
}
