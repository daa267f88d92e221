//! Rates as the service keeps and tells them: history over restarts, past days, the sources' health through HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use fx_providers::{
    Answer, Code, Kind, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::domain::fx::{FxSettings, SourceName, VolatilitySettings};
use straits::ids::IdSource;
use straits::money::Currency;
use straits::rates::{RateBook, Volatilities};
use straits::store::Store;

use crate::app::TestApp;
use crate::engines::on_each_engine;

/// A bank that publishes once a day what it is told.
#[derive(Debug, Default)]
struct Bank(Mutex<Option<(DateTime<Utc>, &'static str)>>);

impl Bank {
    /// Kenya's shillings, of the day before.
    fn shillings(as_of: DateTime<Utc>, now: DateTime<Utc>) -> RateSet {
        let as_of = as_of - TimeDelta::days(1);
        RateSet {
            provider: "bank",
            base: Code::EUR,
            quoted: Quoted::UnitsPerBase,
            as_of,
            published_at: as_of,
            fetched_at: now,
            kind: Kind::Reference,
            schedule: Schedule::NextAt(as_of + TimeDelta::days(1)),
            rates: BTreeMap::from([(Code::parse("KES").unwrap(), "146.75".parse().unwrap())]),
        }
    }
}

#[async_trait]
impl RateSource for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    async fn fetch(
        &self,
        _: Window,
        _: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let Some((as_of, dollar)) = *self.0.lock().unwrap() else {
            return Err(SourceError::Status { source_name: "bank", status: 503 });
        };
        let set = RateSet {
            provider: "bank",
            base: Code::EUR,
            quoted: Quoted::UnitsPerBase,
            as_of,
            published_at: as_of,
            fetched_at: now,
            kind: Kind::Reference,
            schedule: Schedule::NextAt(as_of + TimeDelta::days(1)),
            rates: BTreeMap::from([(Code::parse("USD").unwrap(), dollar.parse().unwrap())]),
        };
        let body = format!("{as_of} {dollar}").into_bytes();
        Ok(Answer::Sets { sets: vec![set], body, validator: None, notices: vec![] })
    }
}

async fn open(bank: &Arc<Bank>, clock: &Clock, store: &Store) -> RateBook {
    let settings = FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() };
    let ids = IdSource::random(clock.clone());
    let book = RateBook::with_live(&settings, vec![bank.clone()], clock.clone(), ids).unwrap();
    book.kept_in(store.clone()).await.unwrap()
}

fn dollar(book: &RateBook) -> (String, bool) {
    let pair = [Currency::known("EUR"), Currency::known("USD")];
    let market = book.mid(pair[0], pair[1]).unwrap();
    (market.rate.value().to_string(), market.stale)
}

fn dollar_on(book: &RateBook, date: &str) -> String {
    let day = book.on(date.parse().unwrap()).unwrap();
    day.mid(Currency::known("EUR"), Currency::known("USD")).unwrap().rate.value().to_string()
}

#[tokio::test]
async fn a_restart_knows_what_was_published_and_what_was_not_believed() {
    on_each_engine("a_restart_knows", async |database| {
        let (clock, bank) = (&database.clock, Arc::new(Bank::default()));
        let store = database.open().await;
        let book = open(&bank, clock, &store).await;
        let days: Vec<String> =
            (0..3).map(|day| (clock.now() + TimeDelta::days(day)).date_naive().to_string()).collect();
        for (day, number) in ["1.1180", "1.11900", "1.1200"].into_iter().enumerate() {
            *bank.0.lock().unwrap() = Some((clock.now() - TimeDelta::minutes(1), number));
            assert!(book.refresh().await);
            // Asked again without news: one row.
            assert!(book.refresh().await);
            assert_eq!(
                (dollar(&book), dollar_on(&book, &days[day])),
                ((number.into(), false), number.into())
            );
            database.tick(TimeDelta::days(1));
        }
        // A jump of 7 % is kept in the record and not believed.
        *bank.0.lock().unwrap() = Some((clock.now() - TimeDelta::minutes(1), "1.2000"));
        assert!(book.refresh().await);
        assert_eq!(dollar(&book), ("1.1200".into(), true));
        drop(book);

        *bank.0.lock().unwrap() = None;
        let again = open(&bank, clock, &store).await;
        assert_eq!(dollar(&again), ("1.1200".into(), true), "still held back");
        assert!(!again.refresh().await);
        for (day, number) in days.iter().zip(["1.1180", "1.11900", "1.1200"]) {
            assert_eq!(dollar_on(&again, day), number, "digits as published");
        }
        assert_eq!(dollar_on(&again, "2026-10-30"), "1.1172", "what is compiled in lies beneath");
        let report = again.report().remove(0);
        assert_eq!((report.outvoted.len(), report.error.as_deref()), (1, Some("bank answered 503")));
        let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM rate_publication")
            .fetch_one(&mut database.connect().await)
            .await
            .unwrap();
        assert_eq!(kept, 4);

        // Long after, the older days come back in the background.
        database.tick(TimeDelta::days(60));
        *bank.0.lock().unwrap() = Some((clock.now() - TimeDelta::minutes(1), "1.1234"));
        assert!(again.refresh().await);
        let later = Arc::new(open(&bank, clock, &store).await);
        // What was measured before they are back is measured again.
        let (history_moves, minimum_moves) = (2, 2);
        let measured = Volatilities::new(VolatilitySettings {
            history_moves,
            minimum_moves,
            ..VolatilitySettings::default()
        });
        let market = later.mid(Currency::known("EUR"), Currency::known("USD")).unwrap();
        let without = measured.of(&later, &market).map(|found| found.sigma);
        let task = tokio::spawn(later.clone().keep_fresh());
        let started = Instant::now();
        while dollar_on(&later, &days[1]) != "1.11900" {
            assert!(started.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let with = || measured.of(&later, &market).map(|found| found.sigma);
        while with() == without {
            assert!(started.elapsed() < Duration::from_secs(20), "{without:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        task.abort();
        let _ = task.await;
        store.close().await;
    })
    .await;
}

/// A dealer that always says the same.
#[derive(Debug)]
struct Dealer(&'static str, &'static str);

#[async_trait]
impl RateSource for Dealer {
    fn name(&self) -> &'static str {
        self.0
    }

    async fn fetch(
        &self,
        _: Window,
        _: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let set = RateSet {
            provider: self.0,
            base: Code::EUR,
            quoted: Quoted::UnitsPerBase,
            as_of: now,
            published_at: now,
            fetched_at: now,
            kind: Kind::Mid,
            schedule: Schedule::Every(TimeDelta::minutes(5)),
            rates: BTreeMap::from([(Code::parse("USD").unwrap(), self.1.parse().unwrap())]),
        };
        Ok(Answer::Sets { sets: vec![set], body: b"as told".to_vec(), validator: None, notices: vec![] })
    }
}

#[tokio::test]
async fn five_sources_one_lying_the_answer_says_who_was_outvoted_and_why() {
    let database = crate::engines::TestDatabase::sqlite();
    let (clock, store) = (database.clock.clone(), database.open().await);
    let said = [("a", "1.1170"), ("b", "1.1172"), ("c", "111.71"), ("d", "1.1174"), ("e", "1.1171")];
    let live = said.map(|(name, dollar)| Arc::new(Dealer(name, dollar)) as Arc<dyn RateSource>);
    let settings = FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() };
    let ids = IdSource::random(clock.clone());
    let rates = RateBook::with_live(&settings, live.to_vec(), clock.clone(), ids.clone()).unwrap();
    let rates = Arc::new(rates.kept_in(store.clone()).await.unwrap());
    assert!(rates.refresh().await);
    assert_eq!(dollar(&rates), ("1.1172".into(), false));
    let told = serde_json::to_value(straits::flows::price::SourcesAnswer::of(&rates, clock.now())).unwrap();
    let row = |name: &str| {
        let rows = told["data"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == json!(name)).cloned().unwrap()
    };
    let expected = json!([{
        "currency": "USD", "what": "outvoted", "value": "111.71", "deviation_bps": 989_910, "limit_bps": 100,
        "looks_like": "unit_error", "since": null,
    }]);
    assert_eq!(row("c")["not_believed"], expected);
    assert_eq!((&row("b")["used"], &row("c")["used"]), (&json!(1), &json!(0)));
    for honest in ["a", "b", "d", "e"] {
        assert_eq!(row(honest)["not_believed"], json!([]), "{honest}");
    }
    store.close().await;
}

#[tokio::test]
async fn past_days_and_ended_currencies_are_answered() {
    let app = TestApp::start().await;
    for (query, currency, mid, path, as_of) in [
        ("base=EUR&quotes=SGD&date=2004-12-26", "SGD", "2.2203", json!(["EUR", "SGD"]), "2004-12-24"),
        ("base=EUR&quotes=HRK&date=2022-12-31", "HRK", "7.5365", json!(["EUR", "HRK"]), "2022-12-30"),
        (
            "base=USD&quotes=JPY&date=1999-01-04",
            "JPY",
            "113.436254135210790",
            json!(["USD", "EUR", "JPY"]),
            "1999-01-04",
        ),
    ] {
        for key in ["publishable", "storefront"] {
            let answer = app.get(key, &format!("/v1/rates?{query}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let rate = &answer.json()["rates"][0];
            assert_eq!((rate["currency"].as_str(), &rate["path"]), (Some(currency), &path));
            let digits = rate["mid"].as_str().unwrap();
            assert!(
                mid.starts_with(digits) || digits.starts_with(mid.trim_end_matches('0')),
                "{query}: {digits}"
            );
            assert!(rate["as_of"].as_str().unwrap().starts_with(as_of) && rate["stale"] == json!(false));
        }
    }
    let ended = app.get("publishable", "/v1/rates?base=EUR&quotes=HRK").await;
    assert_eq!((ended.status, ended.code().as_str()), (400, "unknown_currency"));
    let ended = app.get("publishable", "/v1/rates?base=HRK&quotes=EUR").await;
    assert_eq!((ended.status, ended.code().as_str()), (400, "unknown_currency"));
    // On a day that knew it, it is a base like any other: the ECB's 1 EUR = 7.5365 HRK, divided once.
    let then = app.get("publishable", "/v1/rates?base=HRK&quotes=EUR,LTL&date=2022-12-30").await.json();
    assert_eq!(
        (&then["base"], &then["rates"][0]["mid"], &then["missing"]),
        (&json!("HRK"), &json!("0.132687587076229019"), &json!(["LTL"]))
    );
    // What its source gave up is told as its last word, and that it is old; a list of all leaves it out.
    for (query, mid, as_of) in [
        ("quotes=RUB&date=2022-03-02", "117.201", "2022-03-01"),
        ("quotes=ISK&date=2012-01-01", "290", "2008-12-09"),
    ] {
        let told = app.get("publishable", &format!("/v1/rates?base=EUR&{query}")).await.json();
        let rate = &told["rates"][0];
        assert_eq!((&rate["mid"], &rate["stale"]), (&json!(mid), &json!(true)), "{told}");
        assert!(rate["as_of"].as_str().unwrap().starts_with(as_of), "{told}");
    }
    let all = app.get("publishable", "/v1/rates?base=EUR&date=2023-01-02").await.json();
    assert!(all["as_of"].as_str().unwrap().starts_with("2023-01-02"), "{all}");
    let after = app.get("publishable", "/v1/rates?base=EUR&quotes=HRK&date=2023-01-02").await.json();
    assert_eq!((after["rates"].as_array().map(Vec::len), &after["missing"]), (Some(0), &json!(["HRK"])));
    // Before there was a euro there are none, and that is said.
    for base in ["EUR", "USD"] {
        let before = app.get("publishable", &format!("/v1/rates?base={base}&date=1998-01-01")).await;
        let told = before.json();
        assert_eq!((before.status, before.code().as_str()), (400, "invalid_parameter"), "{}", before.text);
        assert_eq!(
            (&told["param"], &told["detail"]),
            (&json!("date"), &json!("there are no rates of 1998-01-01; the first are of 1999-01-04"))
        );
    }
    let twice = app.get("publishable", "/v1/rates?base=USD&quotes=THB,SGD,THB,LYD,LYD").await.json();
    let told: Vec<_> = twice["rates"].as_array().unwrap().iter().map(|rate| &rate["currency"]).collect();
    assert_eq!((told, &twice["missing"]), (vec![&json!("THB"), &json!("SGD")], &json!(["LYD"])));
    app.stop().await;
}

#[tokio::test]
async fn a_dead_source_does_not_hold_up_the_start_and_is_shown_with_its_error() {
    let started = Instant::now();
    let app =
        TestApp::with(&[("fx.sources", "ecb,bundled"), ("fx.base_urls.ecb", "http://127.0.0.1:1")]).await;
    let price = app.get("publishable", "/v1/prices?amount=19.90&currency=USD&to=THB").await;
    assert_eq!(price.status, 200, "{}", price.text);
    println!("start and first price with a dead source: {:?}", started.elapsed());
    let sources = loop {
        let answer = app.get("publishable", "/v1/rates/sources").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let sources = answer.json();
        if sources["data"][0]["last_error"].is_object() {
            break sources;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{sources}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let ecb = &sources["data"][0];
    assert_eq!((&ecb["name"], &ecb["rank"], &ecb["live"]), (&json!("ecb"), &json!(1), &json!(true)));
    assert_eq!((&ecb["kind"], &ecb["breaker"]["state"]), (&json!("reference"), &json!("closed")));
    assert!(ecb["last_error"]["message"].as_str().unwrap().starts_with("ecb cannot be reached"), "{ecb}");
    assert!(ecb["next_ask"].is_string() && ecb["last_success"].is_null() && ecb["age_s"].is_i64(), "{ecb}");
    // Rates compiled in are still there, and said to be old.
    assert_eq!((&ecb["stale"], &ecb["currencies"]), (&json!(true), &json!(29)));
    let cc0 = &sources["data"][1];
    assert_eq!(
        (&cc0["name"], &cc0["live"], &cc0["breaker"]),
        (&json!("fawazahmed0"), &json!(false), &Value::Null)
    );
    assert_eq!(app.get("", "/v1/rates/sources").await.status, 401);
    let metrics = app.get("", "/metrics").await;
    assert!(metrics.text.contains("straits_rate_age_seconds{provider=\"ecb\"}"), "{}", metrics.text);
    app.stop().await;
}

/// Two programs on one database: a source hears one of them, and both know what it said.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_programs_one_asks_a_source_and_both_know_its_answer() {
    on_each_engine("two ask", async |database| {
        let (clock, bank) = (&database.clock, Arc::new(Counted::default()));
        let store = database.open().await;
        *bank.0.0.lock().unwrap() = Some((clock.now() - TimeDelta::minutes(1), "1.1234"));
        let settings = FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() };
        let mut books = Vec::new();
        for _ in 0..2 {
            let ids = IdSource::random(clock.clone());
            let book = RateBook::with_live(&settings, vec![bank.clone()], clock.clone(), ids).unwrap();
            books.push(Arc::new(book.kept_in(store.clone()).await.unwrap()));
        }
        let tasks: Vec<_> = books.iter().map(|book| tokio::spawn(book.clone().keep_fresh())).collect();
        let begun = Instant::now();
        let shillings = |book: &Arc<RateBook>| book.mid(Currency::known("EUR"), Currency::known("KES"));
        // Each currency's last word, of whatever day it is.
        let heard = |book: &Arc<RateBook>| dollar(book).0 == "1.1234" && shillings(book).is_ok();
        while !books.iter().all(heard) {
            assert!(begun.elapsed() < Duration::from_secs(30), "one of them never heard it all");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for book in &books {
            let told = shillings(book).unwrap();
            assert_eq!(told.rate.value().to_string(), "146.75");
            assert_eq!(told.as_of, clock.now() - TimeDelta::minutes(1) - TimeDelta::days(1));
        }
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(bank.1.load(std::sync::atomic::Ordering::SeqCst), 1, "the source was asked once");
        store.close().await;
    })
    .await;
}

/// A bank that counts its callers and tells them of two days.
#[derive(Debug, Default)]
struct Counted(Bank, std::sync::atomic::AtomicUsize);

#[async_trait]
impl RateSource for Counted {
    fn name(&self) -> &'static str {
        "bank"
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut answer = self.0.fetch(window, seen, now).await?;
        if let Answer::Sets { sets, .. } = &mut answer {
            sets.insert(0, Bank::shillings(sets[0].as_of, now));
        }
        Ok(answer)
    }
}
