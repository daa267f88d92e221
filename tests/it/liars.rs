//! Five live sources over HTTP, running ones or references, three of them wrong in their own ways at once: what is believed,
//! and what is said of whom.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use straits::app::{App, Sources};
use straits::clock::Clock;
use straits::flows::price::SourcesAnswer;
use straits::ids::IdSource;
use straits::money::Currency;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::app::settings;

/// A source's server: says what it is told to, in the source's own form.
struct Server {
    name: &'static str,
    origin: String,
    body: Arc<Mutex<String>>,
}

impl Server {
    async fn start(name: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let body = Arc::new(Mutex::new(String::new()));
        let told = body.clone();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while let Ok(byte) = socket.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        break;
                    }
                }
                let body = told.lock().unwrap().clone();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Server { name, origin, body }
    }

    /// So many dollars for a euro, at this moment.
    fn say(&self, dollars: Decimal, at: DateTime<Utc>) {
        let (direct, inverse) = (dollars.round_dp(6), (Decimal::ONE / dollars).round_dp(9));
        let (unix, day, rfc) = (at.timestamp(), at.date_naive(), at.to_rfc3339());
        let body = match self.name {
            "openexchangerates" => {
                format!(r#"{{"timestamp":{unix},"base":"USD","rates":{{"EUR":{inverse}}}}}"#)
            }
            "fixer" => format!(
                r#"{{"success":true,"timestamp":{unix},"base":"EUR","date":"{day}","rates":{{"USD":{direct}}}}}"#
            ),
            "currencylayer" => format!(
                r#"{{"success":true,"timestamp":{unix},"source":"USD","quotes":{{"USDEUR":{inverse}}}}}"#
            ),
            "wise" => format!(
                r#"[{{"rate":{inverse},"source":"USD","target":"EUR","time":"{}"}}]"#,
                at.format("%Y-%m-%dT%H:%M:%S+0000")
            ),
            "currencybeacon" => format!(
                r#"{{"meta":{{"code":200}},"response":{{"date":"{rfc}","base":"USD","rates":{{"EUR":{inverse}}}}}}}"#
            ),
            "ecb" => format!(
                "<gesmes:Envelope xmlns:gesmes='a'><Cube><Cube time='{day}'><Cube currency='USD' rate='{direct}'/>\
                 </Cube></Cube></gesmes:Envelope>"
            ),
            "frankfurter" => {
                format!(r#"[{{"date":"{day}","base":"EUR","quote":"USD","rate":{direct}}}]"#)
            }
            "open-er-api" | "exchangerate-api" => {
                let midnight = unix.div_euclid(86_400) * 86_400 + 1;
                let map = if self.name == "open-er-api" { "rates" } else { "conversion_rates" };
                format!(
                    r#"{{"result":"success","time_last_update_unix":{midnight},"time_next_update_unix":{},
                    "time_eol_unix":0,"base_code":"USD","{map}":{{"USD":1,"EUR":{inverse}}}}}"#,
                    midnight + 86_400
                )
            }
            "bnm" => {
                let (euro, dollar) =
                    (Decimal::new(45_000, 4), (Decimal::new(45_000, 4) / dollars).round_dp(9));
                let row = |code: &str, rate: Decimal| {
                    format!(
                        r#"{{"currency_code":"{code}","unit":1,"rate":{{"date":"{day}","buying_rate":null,
                        "selling_rate":null,"middle_rate":{rate}}}}}"#
                    )
                };
                format!(
                    r#"{{"data":[{},{}],"meta":{{"quote":"rm","session":"0900","last_updated":"{day} 09:05:00",
                    "total_result":2}}}}"#,
                    row("EUR", euro),
                    row("USD", dollar)
                )
            }
            other => panic!("{other}"),
        };
        *self.body.lock().unwrap() = body;
    }
}

const NAMES: [&str; 5] = ["openexchangerates", "fixer", "currencylayer", "wise", "currencybeacon"];
/// What each adds to the market's rate, in millionths: honest sources are not quite of one mind.
const LEANING: [i64; 5] = [0, 210, -130, 320, 90];

#[tokio::test]
async fn one_lies_one_stands_still_one_is_inverted_and_the_honest_are_believed() {
    let (above, below) = ("1.03", "0.97");
    for ([liar, frozen, inverted], off) in
        [([1, 3, 4], above), ([0, 2, 1], below), ([4, 0, 3], above), ([2, 4, 0], below)]
    {
        let mut servers = Vec::new();
        for name in NAMES {
            servers.push(Server::start(name).await);
        }
        let clock = Clock::fixed("2026-11-18T09:00:00Z".parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut own = vec![("fx.sources".to_owned(), NAMES.join(","))];
        for Server { name, origin, .. } in &servers {
            own.push((format!("fx.base_urls.{name}"), origin.clone()));
            own.push((format!("fx.keys.{name}"), "k-1".to_owned()));
            own.push((format!("fx.pace_minutes.{name}"), "5".to_owned()));
        }
        let own: Vec<(&str, &str)> = own.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        // The market drifts by a tenth of a percent in the hour; from the second question on three are wrong.
        let say = |round: i64| {
            let market = Decimal::new(1_117_000 + 80 * round, 6);
            for (place, server) in servers.iter().enumerate() {
                let value = market + Decimal::new(LEANING[place], 6);
                let value = match place {
                    _ if round == 0 => value,
                    place if place == liar => value * off.parse::<Decimal>().unwrap(),
                    place if place == inverted => Decimal::ONE / value,
                    place if place == frozen => continue,
                    _ => value,
                };
                server.say(value, clock.wall());
            }
        };
        say(0);
        let sources = Sources { ids: IdSource::random(clock.clone()), clock: clock.clone() };
        let app = App::build(settings(folder.path(), &own).unwrap(), sources).await.unwrap();
        let (service, url) = (app.service().clone(), app.url().to_owned());
        let sandbox = std::fs::read_to_string(app.sandbox_file().unwrap()).unwrap();
        let sandbox: Value = serde_json::from_str(&sandbox).unwrap();
        let key = sandbox["keys"]["publishable"].as_str().unwrap().to_owned();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(app.serve(async move { drop(stopped.await) }));
        let ask = async |path: &str| -> Value {
            let request = reqwest::Client::new().get(format!("{url}{path}")).bearer_auth(&key);
            request.send().await.unwrap().json().await.unwrap()
        };

        for round in 0..15 {
            say(round);
            assert!(service.pricing.rates.refresh().await);
            let answer = ask("/v1/rates?base=EUR&quotes=USD").await;
            let believed: Decimal = answer["rates"][0]["mid"].as_str().unwrap().parse().unwrap();
            let market = Decimal::new(1_117_000 + 80 * round, 6);
            // What stands still is among the honest for as long as nothing shows that it does.
            let near = (believed - market).abs() <= Decimal::new(330 + 80 * round.min(12), 6);
            assert!(near, "round {round}: {believed} where the market is {market}");
            clock.pass(TimeDelta::minutes(5));
        }

        let told = ask("/v1/rates/sources").await;
        let row = |place: usize| {
            let rows = told["data"].as_array().unwrap();
            rows.iter().find(|row| row["name"] == json!(NAMES[place])).cloned().unwrap()
        };
        let why = |place: usize| {
            let rows = row(place)["not_believed"].as_array().cloned().unwrap();
            let said = rows.iter().find(|row| row["currency"] == json!("USD")).cloned().unwrap_or_default();
            (said["what"].clone(), said["looks_like"].clone())
        };
        assert_eq!(why(liar), (json!("outvoted"), Value::Null), "{told}");
        assert_eq!(why(inverted), (json!("outvoted"), json!("inverted")), "{told}");
        assert_eq!(why(frozen), (json!("frozen"), Value::Null), "{told}");
        for honest in (0..5).filter(|place| ![liar, frozen, inverted].contains(place)) {
            assert_eq!(row(honest)["not_believed"], json!([]), "{told}");
        }
        let _ = stop.send(());
        server.await.unwrap().unwrap();
    }
}

/// Reference sources, all of which publish once a day.
const BANKS: [&str; 5] = ["ecb", "frankfurter", "open-er-api", "exchangerate-api", "bnm"];

#[tokio::test]
async fn of_five_references_one_lies_one_stands_still_one_is_inverted_and_the_ranked_honest_one_answers() {
    for [liar, frozen, inverted] in [[0, 4, 1], [1, 2, 0], [3, 0, 2], [2, 1, 4]] {
        let mut servers = Vec::new();
        for name in BANKS {
            servers.push(Server::start(name).await);
        }
        let clock = Clock::fixed("2026-11-11T15:30:00Z".parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut own = vec![("fx.sources".to_owned(), BANKS.join(","))];
        for Server { name, origin, .. } in &servers {
            own.push((format!("fx.base_urls.{}", name.replace('-', "_")), origin.clone()));
        }
        own.push(("fx.keys.exchangerate_api".to_owned(), "k-1".to_owned()));
        let own: Vec<(&str, &str)> = own.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        let honest = |place: usize| Decimal::new(1_117_000, 6) + Decimal::new(LEANING[place], 6);
        for (place, server) in servers.iter().enumerate() {
            server.say(honest(place), clock.wall());
        }
        let sources = Sources { ids: IdSource::random(clock.clone()), clock: clock.clone() };
        let app = App::build(settings(folder.path(), &own).unwrap(), sources).await.unwrap();
        let rates = app.service().pricing.rates.clone();
        assert!(rates.refresh().await);
        // A week later: what lies by nine percent is within what a currency may have moved since.
        clock.pass(TimeDelta::days(7));
        for (place, server) in servers.iter().enumerate() {
            match place {
                place if place == liar => server.say(Decimal::new(1_217_000, 6), clock.now()),
                place if place == inverted => server.say(Decimal::ONE / honest(place), clock.now()),
                place if place == frozen => {}
                _ => server.say(honest(place), clock.now()),
            }
        }
        assert!(rates.refresh().await);
        let (euro, dollar) = (Currency::known("EUR"), Currency::known("USD"));
        let market = rates.mid(euro, dollar).unwrap();
        let first = (0..5).find(|place| ![liar, frozen, inverted].contains(place)).unwrap();
        assert_eq!((market.providers[0].as_str(), market.stale), (BANKS[first], false), "{market:?}");
        let told = serde_json::to_value(SourcesAnswer::of(&rates, clock.now())).unwrap();
        for (place, name) in BANKS.iter().enumerate() {
            let row = told["data"].as_array().unwrap().iter().find(|row| row["name"] == json!(name)).unwrap();
            let said = &row["not_believed"];
            assert_eq!(row["stale"], json!(place == frozen), "{row}");
            match place {
                place if place == liar => assert_eq!(said[0]["what"], json!("outvoted"), "{row}"),
                place if place == inverted => assert_eq!(said[0]["looks_like"], json!("inverted"), "{row}"),
                _ => assert_eq!(*said, json!([]), "{row}"),
            }
        }
        drop(app);
    }
}
