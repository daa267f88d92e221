//! The ECB adapter against a server of this process: what it sends, and what it makes of every kind of answer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use fx_providers::http::Patience;
use fx_providers::{Answer, Code, RateSource, SourceError, Validator, Window, ecb};
use tokio::net::TcpListener;

use crate::server::{PATIENCE, Server, http};

const DAILY: &str = include_str!("../../fixtures/ecb-eurofxref-daily.xml");
const HISTORY: &str = include_str!("../../fixtures/ecb-eurofxref-hist-3days.xml");

fn now() -> DateTime<Utc> {
    "2026-10-30T16:05:00Z".parse().unwrap()
}

fn source(server: &Server) -> ecb::Ecb {
    ecb::Ecb::at(&server.origin, PATIENCE)
}

async fn latest(answers: Vec<String>) -> (Result<Answer, SourceError>, Vec<String>) {
    let server = Server::start(answers).await;
    let answer = source(&server).fetch(Window::Latest, None, now()).await;
    (answer, server.heads())
}

#[tokio::test]
async fn asks_for_the_daily_file_and_says_who_it_is() {
    let (answer, heads) = latest(vec![http("200 OK", "etag: \"abc\"\r\n", DAILY)]).await;
    let Answer::Sets { sets, body, validator, .. } = answer.unwrap() else { panic!("no sets") };
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("GET /stats/eurofxref/eurofxref-daily.xml HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("accept: */*\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("user-agent: fx-providers/"), "{}", heads[0]);
    assert!(!heads[0].contains("if-none-match"), "{}", heads[0]);
    assert_eq!(
        validator,
        Some(Validator { window: Window::Latest, etag: Some("\"abc\"".into()), modified: None })
    );
    assert_eq!(body, DAILY.as_bytes());
    let set = &sets[0];
    assert_eq!((set.rates.len(), set.base), (29, Code::EUR));
    assert_eq!(set.as_of.to_rfc3339(), "2026-10-30T13:15:00+00:00");
    assert_eq!(set.published_at.to_rfc3339(), "2026-10-30T15:00:00+00:00");
    assert_eq!(set.fetched_at, now());
}

#[tokio::test]
async fn hands_the_tag_back_for_its_own_window_only() {
    let server = Server::start(vec![http("304 Not Modified", "", ""), http("200 OK", "", HISTORY)]).await;
    let seen = Validator { window: Window::Latest, etag: Some("\"abc\"".into()), modified: None };
    assert_eq!(source(&server).fetch(Window::Latest, Some(&seen), now()).await, Ok(Answer::NotModified));
    let Answer::Sets { sets, .. } = source(&server).fetch(Window::Recent, Some(&seen), now()).await.unwrap()
    else {
        panic!("no sets")
    };
    let heads = server.heads();
    assert!(heads[0].contains("if-none-match: \"abc\"\r\n"), "{}", heads[0]);
    assert!(heads[1].starts_with("GET /stats/eurofxref/eurofxref-hist-90d.xml "), "{}", heads[1]);
    assert!(!heads[1].contains("if-none-match"), "{}", heads[1]);
    let dates: Vec<String> = sets.iter().map(|set| set.as_of.date_naive().to_string()).collect();
    assert_eq!(dates, ["2026-10-28", "2026-10-29", "2026-10-30"]);
}

#[tokio::test]
async fn repeats_a_429_and_nothing_else() {
    let busy = http("429 Too Many Requests", "", "");
    let (answer, heads) = latest(vec![busy.clone(), busy.clone(), http("200 OK", "", DAILY)]).await;
    assert!(answer.is_ok());
    assert_eq!(heads.len(), 3);

    let (answer, heads) = latest(vec![busy]).await;
    assert_eq!(
        (answer, heads.len()),
        (Err(SourceError::Throttled { source_name: "ecb", retry_after: None }), 4)
    );

    for status in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "404 Not Found",
        "403 Forbidden",
        "304 Not Modified",
    ] {
        let (answer, heads) = latest(vec![http(status, "", "")]).await;
        let expected = status[..3].parse().unwrap();
        assert_eq!(answer, Err(SourceError::Status { source_name: "ecb", status: expected }));
        assert_eq!(heads.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn refuses_every_200_that_is_no_rate_file() {
    let cut = DAILY.rfind("</Cube>").unwrap();
    let zero = DAILY.replacen("'1.1172'", "'0'", 1);
    let double = DAILY.replacen("currency='JPY'", "currency='USD'", 1);
    let ahead = DAILY.replacen("2026-10-30", "2026-11-02", 1);
    for (body, expected) in [
        ("<!DOCTYPE html><html><body>Request Rejected</body></html>", "it is an HTML page"),
        ("  <HTML><head></head></HTML>", "it is an HTML page"),
        (&DAILY[..cut], "it is cut off"),
        ("", "it is cut off"),
        ("{}", "it is cut off"),
        (&zero, "USD has the rate `0`"),
        (&double, "USD is the base or occurs twice"),
        (&ahead, "2026-11-02 lies ahead"),
        ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "it declares a document type"),
    ] {
        let (answer, heads) = latest(vec![http("200 OK", "", body)]).await;
        let why = expected.to_owned();
        assert_eq!(answer, Err(SourceError::Malformed { source_name: "ecb", why }), "{body}");
        assert_eq!(heads.len(), 1, "a bad answer is not asked for again");
    }
}

#[tokio::test]
async fn a_code_nobody_knows_yet_is_no_error() {
    let (answer, _) = latest(vec![http("200 OK", "", &DAILY.replacen("'JPY'", "'QQQ'", 1))]).await;
    let Answer::Sets { sets, .. } = answer.unwrap() else { panic!("no sets") };
    assert!(sets[0].rates.contains_key(&Code::parse("QQQ").unwrap()));
}

#[tokio::test]
async fn a_dead_or_silent_source_is_unreachable() {
    let silent = "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n<".to_owned();
    let (answer, heads) = latest(vec![silent]).await;
    assert!(matches!(answer, Err(SourceError::Unreachable { .. })), "{answer:?}");
    assert_eq!(heads.len(), 1);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let patience = Patience { retry_from: Duration::from_millis(1), ..Patience::default() };
    let answer = ecb::Ecb::at(&origin, patience).fetch(Window::Latest, None, now()).await;
    assert!(matches!(answer, Err(SourceError::Unreachable { .. })), "{answer:?}");
}
