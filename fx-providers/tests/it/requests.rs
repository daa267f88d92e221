//! The request line and the headers of every source, for each window it offers.

use fx_providers::bnm::{Bnm, Session};
use fx_providers::catalog::{ALL, Setup, open};
use fx_providers::currencylayer::CurrencyLayer;
use fx_providers::exchangerate_api::ExchangeRateApi;
use fx_providers::fawazahmed0::Fawazahmed0;
use fx_providers::fixer::Fixer;
use fx_providers::frankfurter::Frankfurter;
use fx_providers::open_exchange_rates::OpenExchangeRates;
use fx_providers::wise::Wise;
use fx_providers::{Answer, Code, Key, RateSource, SourceError, Validator, Window};

use crate::samples::{KEY, READ_AT, all, at};
use crate::server::{PATIENCE, Server, http};

const DAY: &str = "2026-03-04";

/// Source, window, request target, one more header line.
const ASKED: [(&str, &str, &str, &str); 25] = [
    ("ecb", "latest", "/stats/eurofxref/eurofxref-daily.xml", ""),
    ("ecb", "recent", "/stats/eurofxref/eurofxref-hist-90d.xml", ""),
    ("ecb", "whole", "/stats/eurofxref/eurofxref-hist.xml", ""),
    ("frankfurter", "latest", "/v2/rates?base=EUR", ""),
    ("frankfurter", "recent", "/v2/rates?base=EUR&from=2026-08-01", ""),
    ("frankfurter", "on", "/v2/rates?base=EUR&date=2026-03-04", ""),
    ("open-er-api", "latest", "/v6/latest/USD", ""),
    ("exchangerate-api", "latest", "/v6/latest/USD", "authorization: Bearer s3cr3t&key"),
    ("fawazahmed0", "latest", "/v1/currencies/eur.min.json", ""),
    ("fawazahmed0", "on", "/v1/currencies/eur.min.json", ""),
    ("openexchangerates", "latest", "/api/latest.json?app_id=s3cr3t%26key", ""),
    ("openexchangerates", "on", "/api/historical/2026-03-04.json?app_id=s3cr3t%26key", ""),
    ("fixer", "latest", "/api/latest?access_key=s3cr3t%26key", ""),
    ("fixer", "on", "/api/2026-03-04?access_key=s3cr3t%26key", ""),
    ("currencylayer", "latest", "/live?access_key=s3cr3t%26key", ""),
    ("currencylayer", "on", "/historical?access_key=s3cr3t%26key&date=2026-03-04", ""),
    ("wise", "latest", "/v1/rates?source=USD", "authorization: Bearer s3cr3t&key"),
    ("wise", "on", "/v1/rates?source=USD&time=2026-03-04T23%3A59%3A59", "authorization: Bearer s3cr3t&key"),
    ("currencybeacon", "latest", "/v1/latest?base=USD", "authorization: Bearer s3cr3t&key"),
    ("currencybeacon", "on", "/v1/historical?date=2026-03-04&base=USD", "authorization: Bearer s3cr3t&key"),
    ("bnm", "latest", "/public/exchange-rate?session=0900", "accept: application/vnd.BNM.API.v1+json"),
    (
        "bot",
        "latest",
        // 20:00 UTC is tomorrow in Bangkok.
        "/Stat-ExchangeRate/v2/DAILY_AVG_EXG_RATE/?start_period=2026-10-21&end_period=2026-10-31",
        "authorization: s3cr3t&key",
    ),
    (
        "bot",
        "recent",
        "/Stat-ExchangeRate/v2/DAILY_AVG_EXG_RATE/?start_period=2026-10-01&end_period=2026-10-31",
        "authorization: s3cr3t&key",
    ),
    (
        "bot",
        "on",
        "/Stat-ExchangeRate/v2/DAILY_AVG_EXG_RATE/?start_period=2026-02-22&end_period=2026-03-04",
        "authorization: s3cr3t&key",
    ),
    ("file", "latest", "", ""),
];

fn window(name: &str) -> Window {
    match name {
        "latest" => Window::Latest,
        "recent" => Window::Recent,
        "whole" => Window::Whole,
        _ => Window::On(DAY.parse().unwrap()),
    }
}

fn setup(origin: &str, keyed: bool) -> Setup {
    Setup {
        origin: Some(origin.to_owned()),
        key: keyed.then(|| Key::new(KEY)),
        patience: PATIENCE,
        ..Setup::default()
    }
}

#[tokio::test]
async fn every_source_asks_as_its_documentation_says() {
    for (entry, sample) in all().filter(|(entry, _)| !entry.takes.path) {
        for name in ["latest", "recent", "whole", "on"] {
            let server = Server::start(vec![http("200 OK", "", sample)]).await;
            let source = open(entry.name, &setup(&server.origin, entry.takes.key)).unwrap();
            let answer = source.fetch(window(name), None, at(READ_AT)).await;
            let asked = ASKED.iter().find(|(source, window, ..)| (*source, *window) == (entry.name, name));
            assert_eq!(source.offers(window(name)), asked.is_some(), "{} {name}", entry.name);
            let Some((_, _, target, header)) = asked else {
                let window = window(name);
                assert_eq!(answer, Err(SourceError::NotOffered { source_name: entry.name, window }));
                assert!(server.heads().is_empty(), "nobody is called");
                continue;
            };
            assert!(matches!(answer, Ok(Answer::Sets { .. })), "{} {name}: {answer:?}", entry.name);
            let heads = server.heads();
            assert_eq!(heads.len(), 1);
            assert_eq!(heads[0].lines().next().unwrap(), format!("GET {target} HTTP/1.1"));
            let lines: Vec<&str> = heads[0].lines().collect();
            assert!(header.is_empty() || lines.contains(header), "{}", heads[0]);
            assert!(heads[0].contains("user-agent: fx-providers/"), "{}", heads[0]);
            assert!(heads[0].contains("accept: "), "{}", heads[0]);
            for absent in ["if-none-match", "if-modified-since", "referer", "accept-encoding"] {
                assert!(!heads[0].contains(absent), "{}", heads[0]);
            }
            assert_eq!(heads[0].contains("s3cr3t"), entry.takes.key, "{}", heads[0]);
        }
    }
}

#[tokio::test]
async fn tags_go_back_for_their_own_window_and_304_is_nothing_new() {
    for (entry, sample) in all().filter(|(entry, _)| !entry.takes.path) {
        let tags = "etag: W/\"1a\"\r\nlast-modified: Fri, 30 Oct 2026 15:00:00 GMT\r\n";
        let answers = vec![http("200 OK", tags, sample), http("304 Not Modified", "", "")];
        let server = Server::start(answers).await;
        let source = open(entry.name, &setup(&server.origin, entry.takes.key)).unwrap();
        let Ok(Answer::Sets { validator, body, .. }) = source.fetch(Window::Latest, None, at(READ_AT)).await
        else {
            panic!("{}", entry.name)
        };
        let modified = Some("Fri, 30 Oct 2026 15:00:00 GMT".to_owned());
        let expected = Validator { window: Window::Latest, etag: Some("W/\"1a\"".to_owned()), modified };
        assert_eq!(validator.as_ref(), Some(&expected));
        assert_eq!(body, sample.as_bytes());
        let again = source.fetch(Window::Latest, validator.as_ref(), at(READ_AT)).await;
        assert_eq!(again, Ok(Answer::NotModified), "{}", entry.name);
        let heads = server.heads();
        assert!(heads[1].contains("if-none-match: W/\"1a\"\r\n"), "{}", heads[1]);
        assert!(heads[1].contains("if-modified-since: Fri, 30 Oct 2026 15:00:00 GMT\r\n"), "{}", heads[1]);
        // A tag of another window is none.
        let other = Validator { window: Window::Recent, ..expected };
        let unasked = source.fetch(Window::Latest, Some(&other), at(READ_AT)).await;
        assert_eq!(unasked, Err(SourceError::Status { source_name: entry.name, status: 304 }));
        assert!(!server.heads()[2].contains("if-"), "{}", server.heads()[2]);
    }
}

#[tokio::test]
async fn a_tag_without_a_time_of_change_goes_back_with_the_date() {
    let (entry, sample) = all().find(|(entry, _)| entry.name == "openexchangerates").unwrap();
    let tags = "etag: \"4e6a\"\r\ndate: Fri, 30 Oct 2026 16:02:00 GMT\r\n";
    let server = Server::start(vec![http("200 OK", tags, sample), http("304 Not Modified", "", "")]).await;
    let source = open(entry.name, &setup(&server.origin, true)).unwrap();
    let Ok(Answer::Sets { validator, .. }) = source.fetch(Window::Latest, None, at(READ_AT)).await else {
        panic!("no sets")
    };
    let again = source.fetch(Window::Latest, validator.as_ref(), at(READ_AT)).await;
    assert_eq!(again, Ok(Answer::NotModified));
    let head = &server.heads()[1];
    assert!(head.contains("if-none-match: \"4e6a\"\r\n"), "{head}");
    assert!(head.contains("if-modified-since: Fri, 30 Oct 2026 16:02:00 GMT\r\n"), "{head}");
}

#[tokio::test]
async fn a_day_at_the_end_of_the_calendar_is_only_a_question() {
    for (entry, _) in all().filter(|(entry, _)| !entry.takes.path) {
        let server = Server::start(vec![http("404 Not Found", "", "")]).await;
        let source = open(entry.name, &setup(&server.origin, entry.takes.key)).unwrap();
        for day in [chrono::NaiveDate::MIN, chrono::NaiveDate::MAX] {
            let answer = source.fetch(Window::On(day), None, at(READ_AT)).await;
            assert!(answer.is_err(), "{} {day}", entry.name);
        }
    }
}

#[tokio::test]
async fn options_change_the_question() {
    let samples: Vec<(&str, &str)> = all().map(|(entry, sample)| (entry.name, sample)).collect();
    let of = |name: &str| http("200 OK", "", samples.iter().find(|(own, _)| *own == name).unwrap().1);
    let (key, eur) = (Key::new(KEY), Code::EUR);
    let server = Server::start(vec![
        of("frankfurter"),
        of("open-er-api"),
        of("openexchangerates"),
        of("fixer"),
        of("fixer"),
        of("currencylayer"),
        of("currencylayer"),
        of("wise"),
        of("bnm"),
        of("fawazahmed0"),
    ])
    .await;
    let origin = server.origin.as_str();
    let sources: Vec<(Box<dyn RateSource>, &str)> = vec![
        (
            Box::new(Frankfurter::at(origin, PATIENCE).base(Code::USD).banks("ECB,MAS")),
            "/v2/rates?base=USD&providers=ECB%2CMAS",
        ),
        (Box::new(ExchangeRateApi::open_at(origin, PATIENCE).base(eur)), "/v6/latest/EUR"),
        (
            Box::new(OpenExchangeRates::at(origin, PATIENCE, key.clone()).base(eur).with_bid_ask()),
            "/api/latest.json?app_id=s3cr3t%26key&base=EUR&show_bid_ask=1",
        ),
        (
            Box::new(Fixer::at(origin, PATIENCE, key.clone()).base(Code::USD)),
            "/api/latest?access_key=s3cr3t%26key&base=USD",
        ),
        (Box::new(Fixer::gateway(origin, PATIENCE, key.clone()).base(eur)), "/fixer/latest?base=EUR"),
        (
            Box::new(CurrencyLayer::at(origin, PATIENCE, key.clone()).base(eur)),
            "/live?access_key=s3cr3t%26key&source=EUR",
        ),
        (Box::new(CurrencyLayer::gateway(origin, PATIENCE, key.clone())), "/currency_data/live"),
        (Box::new(Wise::at(origin, PATIENCE, key).base(eur)), "/v1/rates?source=EUR"),
        (Box::new(Bnm::at(origin, PATIENCE).session(Session::Close)), "/public/exchange-rate?session=1700"),
        (
            Box::new(Fawazahmed0::at(&format!("{origin}/x@{{date}}"), PATIENCE).base(Code::USD)),
            "/x@latest/v1/currencies/usd.min.json",
        ),
    ];
    for (turn, (source, target)) in sources.iter().enumerate() {
        let answer = source.fetch(Window::Latest, None, at(READ_AT)).await;
        assert!(answer.is_ok(), "{answer:?}");
        let head = server.heads()[turn].clone();
        assert_eq!(head.lines().next().unwrap(), format!("GET {target} HTTP/1.1"));
        let gateway = [4, 6].contains(&turn);
        assert_eq!(head.contains("apikey: s3cr3t&key\r\n"), gateway, "{head}");
    }
}

#[tokio::test]
async fn the_fallback_is_asked_when_the_first_place_fails() {
    let sample = all().find(|(entry, _)| entry.name == "fawazahmed0").unwrap().1;
    let first = Server::start(vec![http("404 Not Found", "", "Couldn't find the requested release.")]).await;
    let second = Server::start(vec![http("200 OK", "", sample)]).await;
    let source = Fawazahmed0::at(&format!("{}/npm@{{date}}", first.origin), PATIENCE);
    let source = source.or_at(&format!("{}/{{date}}", second.origin));
    let day = Window::On(DAY.parse().unwrap());
    assert!(source.fetch(day, None, at(READ_AT)).await.is_ok());
    assert!(first.heads()[0].starts_with("GET /npm@2026-03-04/v1/currencies/eur.min.json "));
    assert!(second.heads()[0].starts_with("GET /2026-03-04/v1/currencies/eur.min.json "));

    let source = Fawazahmed0::at(&first.origin, PATIENCE);
    let refused = source.fetch(day, None, at(READ_AT)).await;
    assert_eq!(refused, Err(SourceError::Status { source_name: "fawazahmed0", status: 404 }));
}

#[tokio::test]
async fn a_key_follows_no_redirect_and_shows_nowhere() {
    let other = Server::start(vec![http("200 OK", "", "{}")]).await;
    for entry in ALL.iter().filter(|entry| entry.takes.key) {
        let moved = http("302 Found", &format!("location: {}/x\r\n", other.origin), "");
        let server = Server::start(vec![moved]).await;
        let setup = setup(&server.origin, true);
        assert!(!format!("{setup:?}").contains("s3cr3t"));
        let source = open(entry.name, &setup).unwrap();
        assert!(!format!("{source:?}").contains("s3cr3t"), "{source:?}");
        let answer = source.fetch(Window::Latest, None, at(READ_AT)).await;
        assert_eq!(answer, Err(SourceError::Status { source_name: entry.name, status: 302 }));

        // A dead host, and a place that is none.
        for origin in ["http://127.0.0.1:1", "not a place", "http://[::1"] {
            let source = open(entry.name, &self::setup(origin, true)).unwrap();
            let error = source.fetch(Window::Latest, None, at(READ_AT)).await.unwrap_err();
            assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
            let told = format!("{error} {error:?}");
            assert!(!told.contains("s3cr3t") && !told.contains("/latest"), "{told}");
        }
    }
    assert!(other.heads().is_empty());
}
