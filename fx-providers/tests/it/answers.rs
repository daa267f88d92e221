//! What each source makes of a good answer: the numbers to the last digit, the times apart.

use fx_providers::http::Patience;
use fx_providers::{
    Answer, Code, Kind, Quoted, RateSet, RateSource, Schedule, Window, bnm, bot, currency_beacon,
    currencylayer, exchangerate_api, fawazahmed0, frankfurter, open_exchange_rates, wise,
};

use crate::samples::{READ_AT, all, at};
use crate::server::{PATIENCE, Server, http};

/// One set in words: base, direction, kind, market time, publication, next, some rates.
fn told(set: &RateSet, codes: &str) -> String {
    let next = match set.schedule {
        Schedule::NextAt(at) => format!("next {}", at.format("%m-%dT%H:%M")),
        Schedule::Every(interval) => format!("every {}s", interval.num_seconds()),
    };
    let rates: Vec<String> = codes
        .split(' ')
        .map(|code| {
            let rate = set.rates.get(&Code::parse(code).unwrap());
            format!("{code} {}", rate.map_or_else(|| "-".to_owned(), ToString::to_string))
        })
        .collect();
    let direction = match set.quoted {
        Quoted::UnitsPerBase => "1",
        Quoted::BasePerUnit => "per 1:",
    };
    let (as_of, published) =
        (set.as_of.format("%Y-%m-%dT%H:%M:%S"), set.published_at.format("%m-%dT%H:%M:%S"));
    format!(
        "{direction} {} {:?} {as_of} told {published} {next}, {} rates: {}",
        set.base,
        set.kind,
        set.rates.len(),
        rates.join(", ")
    )
}

#[test]
fn every_sample_reads_as_published() {
    let expected: [(&str, &str, &[&str]); 13] = [
        (
            "ecb",
            "USD HUF",
            &[
                "1 EUR Reference 2026-10-28T13:15:00 told 10-28T15:00:00 next 10-29T15:00, 29 rates: USD 1.1133, HUF 366.88",
                "1 EUR Reference 2026-10-29T13:15:00 told 10-29T15:00:00 next 10-30T15:00, 29 rates: USD 1.113, HUF 365.95",
                "1 EUR Reference 2026-10-30T13:15:00 told 10-30T15:00:00 next 11-02T15:00, 29 rates: USD 1.1172, HUF 366.33",
            ],
        ),
        (
            "frankfurter",
            "SGD THB USD EUR",
            &[
                "1 EUR Reference 2026-10-30T00:00:00 told 10-30T15:00:00 next 11-02T15:00, 3 rates: SGD 1.4282, THB 37.683, USD 1.1172, EUR -",
            ],
        ),
        (
            "open-er-api",
            "AED VND USD",
            &[
                "1 USD Reference 2026-09-29T00:00:01 told 09-29T00:00:01 next 09-30T00:00, 17 rates: AED 3.6725, VND 25947.76805, USD -",
            ],
        ),
        (
            "exchangerate-api",
            "AED VND USD",
            &[
                "1 USD Reference 2026-09-29T00:00:01 told 09-29T00:00:01 next 09-30T00:00, 17 rates: AED 3.6725, VND 25947.76805, USD -",
            ],
        ),
        (
            "fawazahmed0",
            "VND SGD LAK BTC XAU VEB USD",
            &[
                "1 USD Reference 2026-09-29T00:00:00 told 09-29T10:00:00 next 09-30T10:00, 155 rates: VND 25947.7680497, SGD 1.2786578, LAK 22467.2880949, BTC -, XAU -, VEB -, USD -",
            ],
        ),
        (
            "openexchangerates",
            "SGD VND",
            &[
                "1 USD Mid 2026-09-29T05:00:00 told 09-29T05:00:00 every 3600s, 17 rates: SGD 1.278658, VND 25947.76805",
            ],
        ),
        (
            "fixer",
            "ISK IDR",
            &[
                "1 EUR Mid 2026-10-30T15:00:00 told 10-30T15:00:00 every 28800s, 29 rates: ISK 136.0, IDR 20275.17",
            ],
        ),
        (
            "currencylayer",
            "SGD VND",
            &[
                "1 USD Mid 2026-09-29T05:00:00 told 09-29T05:00:00 every 28800s, 17 rates: SGD 1.278658, VND 25947.76805",
            ],
        ),
        (
            "wise",
            "EUR VND",
            &[
                "1 USD Mid 2026-09-29T05:00:00 told 09-29T05:00:00 every 60s, 4 rates: EUR 0.880226, VND 25947.76805",
            ],
        ),
        (
            "currencybeacon",
            "SGD VND",
            &[
                "1 USD Mid 2026-09-29T05:00:00 told 09-29T05:00:00 every 3600s, 17 rates: SGD 1.278658, VND 25947.76805",
            ],
        ),
        (
            "bnm",
            "USD SGD JPY VND XDR KHR",
            &[
                "per 1: MYR Reference 2026-10-29T01:00:00 told 10-29T01:00:00 next 10-30T01:00, 1 rates: USD -, SGD -, JPY -, VND -, XDR -, KHR 0.0010125",
                "per 1: MYR Reference 2026-10-30T01:00:00 told 10-30T01:31:05 next 11-02T01:00, 5 rates: USD 4.0572, SGD 3.1735, JPY 0.0258, VND 0.000154, XDR 5.3538, KHR -",
            ],
        ),
        (
            "bot",
            "USD JPY IDR MYR",
            &[
                "per 1: THB Reference 2026-10-29T11:00:00 told 10-29T11:00:00 next 10-30T11:00, 1 rates: USD 33.6990000, JPY -, IDR -, MYR -",
                "per 1: THB Reference 2026-10-30T11:00:00 told 10-30T11:00:00 next 11-02T11:00, 4 rates: USD 33.7300000, JPY 0.214732000, IDR 0.0018696000, MYR 8.35385000",
            ],
        ),
        (
            "file",
            "SGD VND",
            &[
                "1 USD Reference 2026-10-29T00:00:00 told 10-29T00:00:00 next 10-31T00:00, 2 rates: SGD 1.2790, VND 25950",
                "1 USD Reference 2026-10-30T00:00:00 told 10-30T00:00:00 next 11-03T00:00, 2 rates: SGD 1.2784, VND 25947.1234568",
            ],
        ),
    ];
    for ((entry, sample), (name, codes, lines)) in all().zip(expected) {
        assert_eq!(entry.name, name);
        let sets = (entry.read)(sample.as_bytes(), at(READ_AT)).unwrap();
        let read: Vec<String> = sets.iter().map(|set| told(set, codes)).collect();
        assert_eq!(read, lines, "{name}");
        for set in &sets {
            assert_eq!((set.provider, set.fetched_at), (name, at(READ_AT)));
            assert!(!set.rates.contains_key(&set.base));
            assert!(set.as_of <= set.published_at && set.published_at <= set.fetched_at);
        }
        // A byte order mark changes nothing; an unknown member neither.
        let marked = format!("\u{feff}{sample}");
        assert_eq!((entry.read)(marked.as_bytes(), at(READ_AT)).as_ref(), Ok(&sets), "{name}");
        if let Some(rest) = sample.trim_start().strip_prefix('{') {
            let more = format!("{{\"status_page\": {{\"a\": [1e999, null]}}, {rest}");
            let more = (entry.read)(more.as_bytes(), at(READ_AT));
            assert_eq!(more.is_ok(), name != "fawazahmed0", "{name}: {more:?}");
        }
    }
}

#[test]
fn rows_of_several_days_become_sets_oldest_first() {
    let body = include_bytes!("../../fixtures/frankfurter-v2-expanded.json");
    let sets = frankfurter::read(body, at(READ_AT)).unwrap();
    let read: Vec<String> = sets.iter().map(|set| told(set, "VND SGD NZD")).collect();
    // The row dated ahead counts as today's.
    assert_eq!(
        read,
        [
            "1 USD Reference 2026-10-29T00:00:00 told 10-29T15:00:00 next 10-30T15:00, 1 rates: VND 25951.0, SGD -, NZD -",
            "1 USD Reference 2026-10-30T00:00:00 told 10-30T15:00:00 next 11-02T15:00, 2 rates: VND -, SGD 1.27838, NZD 1.77434",
        ]
    );

    let body = include_bytes!("../../fixtures/bnm-month.json");
    let sets = bnm::read(body, at(READ_AT)).unwrap();
    let read: Vec<String> = sets.iter().map(|set| told(set, "VND")).collect();
    assert_eq!(
        read,
        [
            "per 1: MYR Reference 2026-10-28T09:00:00 told 10-28T09:00:00 next 10-29T09:00, 1 rates: VND 0.000151",
            "per 1: MYR Reference 2026-10-29T09:00:00 told 10-29T10:02:11 next 10-30T09:00, 1 rates: VND 0.000151",
        ]
    );

    let rows = r#"[
        {"rate":1.2,"source":"USD","target":"SGD","time":"2026-10-30T05:00:10+0000"},
        {"rate":1e-2,"source":"USD","target":"JPY","time":"2026-10-30T13:00:00.250+0800"},
        {"rate":7,"source":"USD","target":"HKD","time":"2026-10-29T23:59:59Z"}]"#;
    let sets = wise::read(rows.as_bytes(), at(READ_AT)).unwrap();
    let read: Vec<String> = sets.iter().map(|set| told(set, "SGD JPY HKD")).collect();
    assert_eq!(
        read,
        [
            "1 USD Mid 2026-10-29T23:59:59 told 10-29T23:59:59 every 60s, 1 rates: SGD -, JPY -, HKD 7",
            "1 USD Mid 2026-10-30T05:00:10 told 10-30T05:00:10 every 60s, 2 rates: SGD 1.2, JPY 0.01, HKD -",
        ]
    );
}

/// One slow currency ages no other, and is not taken for new.
#[test]
fn a_row_that_lags_behind_its_set_is_left_out() {
    let row = |code: &str, time: &str| {
        format!(r#"{{"rate":2,"source":"USD","target":"{code}","time":"2026-10-30T{time}+0000"}}"#)
    };
    let rows =
        [row("SGD", "05:00:00"), row("LAK", "04:44:59"), row("JPY", "04:45:00"), row("THB", "00:10:00")];
    let sets = wise::read(format!("[{}]", rows.join(",")).as_bytes(), at(READ_AT)).unwrap();
    let read: Vec<String> = sets.iter().map(|set| told(set, "SGD LAK JPY THB")).collect();
    assert_eq!(
        read,
        ["1 USD Mid 2026-10-30T05:00:00 told 10-30T05:00:00 every 60s, 2 rates: SGD 2, LAK -, JPY 2, THB -"]
    );
}

#[test]
fn bid_and_ask_give_the_source_s_middle_or_the_exact_one() {
    let body = include_str!("../../fixtures/openexchangerates-bid-ask.json");
    let sets = open_exchange_rates::read(body.as_bytes(), at(READ_AT)).unwrap();
    assert!(
        told(&sets[0], "SGD VND").ends_with("SGD 1.27835, VND 25945.75"),
        "{}",
        told(&sets[0], "SGD VND")
    );
    let crossed = body.replacen("1.2781", "1.2785", 1);
    let error = open_exchange_rates::read(crossed.as_bytes(), at(READ_AT)).unwrap_err();
    assert!(error.to_string().ends_with("SGD has a middle outside bid and ask"), "{error}");
}

#[test]
fn a_weekend_s_numbers_are_friday_s() {
    let sunday = at("2026-11-01T12:00:00Z");
    let stamp = at("2026-11-01T11:00:00Z").timestamp().to_string();
    for (entry, sample) in all() {
        let body = match entry.name {
            "openexchangerates" | "currencylayer" => sample.replace("1790658000", &stamp),
            "fixer" => sample.replace("1793372400", &stamp),
            "wise" => sample.replace("2026-09-29T05", "2026-11-01T11"),
            "currencybeacon" => sample.replace("2026-09-29T05", "2026-11-01T11"),
            "open-er-api" | "exchangerate-api" => {
                sample.replace("1790640001", "1793491201").replace("1790726401", "1793577601")
            }
            "fawazahmed0" => sample.replace("2026-09-29", "2026-11-01"),
            _ => continue,
        };
        let sets = (entry.read)(body.as_bytes(), sunday).unwrap();
        assert_eq!(sets[0].as_of, at("2026-10-30T21:00:00Z"), "{}", entry.name);
        assert!(sets[0].published_at.date_naive().to_string().starts_with("2026-11-01"), "{}", entry.name);
    }
}

#[test]
fn a_plan_that_updates_often_is_a_running_source() {
    let body =
        include_str!("../../fixtures/exchangerate-api-v6-latest.json").replace("1790726401", "1790640301");
    let sets = exchangerate_api::read_keyed(body.as_bytes(), at(READ_AT)).unwrap();
    assert_eq!((sets[0].kind, sets[0].schedule), (Kind::Mid, Schedule::Every(chrono::TimeDelta::minutes(5))));
}

#[test]
fn currency_beacon_is_read_in_either_shape() {
    let rates = r#""date":"2026-10-30T05:00:00Z","base":"USD","rates":{"SGD":1.278658}"#;
    for (body, as_of) in [
        (format!(r#"{{"meta":{{"code":200}},"response":{{{rates}}}}}"#), "2026-10-30T05:00:00Z"),
        (format!(r#"{{"meta":{{"code":200}},{rates}}}"#), "2026-10-30T05:00:00Z"),
        (format!(r#"{{"meta":{{"code":200}},"response":[],{rates}}}"#), "2026-10-30T05:00:00Z"),
        (format!(r#"{{"response":{{{}}}}}"#, rates.replace("T05:00:00Z", "")), "2026-10-30T00:00:00Z"),
        (
            format!(r#"{{"response":{{{}}}}}"#, rates.replace("T05:00:00Z", " 06:30:00")),
            "2026-10-30T06:30:00Z",
        ),
    ] {
        let sets = currency_beacon::read(body.as_bytes(), at(READ_AT)).unwrap();
        assert_eq!((sets[0].as_of, sets[0].rates.len()), (at(as_of), 1), "{body}");
    }
}

#[test]
fn the_noise_of_seventeen_digits_is_dropped() {
    let body = r#"{"date":"2026-10-30","eur":{"vnd":29478.533308940001,"myr":4.5325000000000002,"veb":97338092087.75537,"1inch":11.3}}"#;
    let sets = fawazahmed0::read(body.as_bytes(), at(READ_AT)).unwrap();
    assert!(told(&sets[0], "VND MYR").ends_with("2 rates: VND 29478.5333089, MYR 4.5325"));
}

#[test]
fn money_that_inflation_ate_takes_nobody_along() {
    let huge = "225143710305.04727";
    for name in ["openexchangerates", "fixer", "currencylayer", "currencybeacon", "exchangerate-api"] {
        let (entry, sample) = all().find(|(entry, _)| entry.name == name).unwrap();
        let sets = (entry.read)(sample.as_bytes(), at(READ_AT)).unwrap();
        let before = if name == "currencylayer" { "USD" } else { "" };
        // Before the first rate; in every one of these samples that of a currency in use.
        let (_, list) =
            sample.split_once(&format!("\"{before}AED\"")).or_else(|| sample.split_once("\"AUD\"")).unwrap();
        let start = sample.len() - list.len() - before.len() - "\"AED\"".len();
        let with = |code: &str| format!("{}\"{before}{code}\":{huge},{}", &sample[..start], &sample[start..]);
        for gone in ["VEF", "ZWD"] {
            let read = (entry.read)(with(gone).as_bytes(), at(READ_AT));
            assert_eq!(read.as_ref(), Ok(&sets), "{name} {gone}");
        }
        // Nothing else is worth so little: a number like that is a fault of the whole answer.
        assert!((entry.read)(with("PKR").as_bytes(), at(READ_AT)).is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_shutdown_is_announced_as_a_notice() {
    let sample = all().find(|(entry, _)| entry.name == "open-er-api").unwrap().1;
    let ending = sample.replace("\"time_eol_unix\": 0", "\"time_eol_unix\": 1798761600");
    assert_ne!(ending, sample);
    let server = Server::start(vec![http("200 OK", "", sample), http("200 OK", "", &ending)]).await;
    let source = exchangerate_api::ExchangeRateApi::open_at(&server.origin, PATIENCE);
    for expected in [vec![], vec!["the source shuts this address down on 2027-01-01".to_owned()]] {
        let Ok(Answer::Sets { notices, sets, .. }) = source.fetch(Window::Latest, None, at(READ_AT)).await
        else {
            panic!("no sets")
        };
        assert_eq!((notices, sets.len()), (expected, 1));
    }
}

#[tokio::test]
async fn the_newest_day_of_a_range_is_the_latest() {
    let sample = all().find(|(entry, _)| entry.name == "bot").unwrap().1;
    let server = Server::start(vec![http("200 OK", "", sample)]).await;
    let source = bot::Bot::at(&server.origin, PATIENCE, "k".into());
    for (window, days) in [(Window::Latest, 1), (Window::Recent, 2)] {
        let Ok(Answer::Sets { sets, .. }) = source.fetch(window, None, at(READ_AT)).await else { panic!() };
        assert_eq!(sets.len(), days);
        assert_eq!(sets.last().unwrap().as_of, at("2026-10-30T11:00:00Z"));
    }
}

#[tokio::test]
async fn a_plan_s_pace_is_its_schedule() {
    use fx_providers::catalog::{ALL, Setup, open};
    let every = std::time::Duration::from_secs(300);
    for (entry, sample) in all().filter(|(entry, _)| entry.takes.every) {
        let server = Server::start(vec![http("200 OK", "", sample)]).await;
        let setup = Setup {
            origin: Some(server.origin.clone()),
            key: Some("k".into()),
            every: Some(every),
            patience: Patience { ..PATIENCE },
            ..Setup::default()
        };
        let source = open(entry.name, &setup).unwrap();
        assert_eq!(source.pace().shortest, every);
        let Ok(Answer::Sets { sets, .. }) = source.fetch(Window::Latest, None, at(READ_AT)).await else {
            panic!()
        };
        if entry.name != "exchangerate-api" {
            assert_eq!(sets[0].schedule, Schedule::Every(chrono::TimeDelta::minutes(5)), "{}", entry.name);
        }
    }
    for entry in ALL {
        let setup = Setup {
            key: entry.takes.key.then(|| "k".into()),
            path: entry.takes.path.then(|| "x".into()),
            ..Setup::default()
        };
        let source = open(entry.name, &setup).unwrap();
        assert_eq!(source.name(), entry.name);
        assert!(source.pace().shortest.as_secs() >= 10 && !source.pace().quota.is_empty());
    }
}

#[test]
fn other_spellings_of_the_same_answer_read_the_same() {
    let rates = |set: &RateSet| {
        let told: Vec<String> = set.rates.iter().map(|(code, rate)| format!("{code} {rate}")).collect();
        (set.published_at, told.join(", "))
    };
    // A mark at the start, lines with carriage returns, members in another order, exponents, coins and strangers.
    let dollars = "\u{feff}{\r\n\t\"rates\" : {\"XAU\":2.5E-4,\"AVAX\":0.03,\"USDT\":1e0,\"VEF_BLKMKT\":0,\"SGD\":1.2784e+0},\r\n \"new\": [{}],\r\n\"base\":\"USD\",\"timestamp\":1.7933724E9 }\r\n";
    let sets = open_exchange_rates::read(dollars.as_bytes(), at(READ_AT)).unwrap();
    let expected = (at("2026-10-30T15:00:00Z"), "SGD 1.2784, XAU 0.00025".to_owned());
    assert_eq!(rates(&sets[0]), expected);
    for time in [
        "2026-10-30T15:00:00Z",
        "2026-10-30T15:00:00.000Z",
        "2026-10-30T15:00:00",
        "2026-10-30 15:00:00",
        "2026-10-30T23:00:00+08:00",
    ] {
        let body = format!(
            r#"{{"rates":{{"SGD":1.2784,"MATIC":2.1,"XAU":0.00025}},"base":"USD","date":"{time}","meta":{{"code":200}}}}"#
        );
        let sets = currency_beacon::read(body.as_bytes(), at(READ_AT)).unwrap();
        assert_eq!(rates(&sets[0]), expected, "{time}");
    }
    // A pair's other side may be a coin too.
    let layer = r#"{"success":true,"timestamp":1793372400,"source":"USD","quotes":{"USDUSDT":1,"USDAVAX":0,"USDSGD":1.2784,"USDXAU":0.00025}}"#;
    let sets = currencylayer::read(layer.as_bytes(), at(READ_AT)).unwrap();
    assert_eq!(rates(&sets[0]), expected);
    // A set of coins alone is none.
    let coins = r#"{"rates":{"USDT":1},"base":"USD","timestamp":1793372400.0}"#;
    assert!(open_exchange_rates::read(coins.as_bytes(), at(READ_AT)).is_err());
    // A name in small letters is no ticker but a slip.
    let slip = r#"{"rates":{"sgd":1.2},"base":"USD","timestamp":1793372400}"#;
    assert!(open_exchange_rates::read(slip.as_bytes(), at(READ_AT)).is_err());
}
