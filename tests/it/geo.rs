//! Where a request comes from, through HTTP: proxies and what a client writes into their headers, what decides the
//! currency, a country file replaced under a running service, and a log without addresses.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::program::Program;

const PRICE: &str = "/v1/prices?amount=19.90&currency=USD";
const EMBEDDED: &[u8] = include_bytes!("../../config/geo/country.mmdb");

/// Addresses of access providers and their countries.
const THAI: &str = "203.144.207.29";
const SINGAPOREAN: &str = "165.21.83.88";

async fn ask(app: &TestApp, key: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app.keyed("GET", key, path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = app.send(request).await;
    assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text);
    answer
}

/// Country, currency and what decided.
async fn resolved(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> (String, String, String) {
    let answer = ask(app, "storefront", path, headers).await.json();
    let text = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
    (text("country"), text("currency"), text("resolved_by"))
}

fn told(country: &str, currency: &str, by: &str) -> (String, String, String) {
    (country.to_owned(), currency.to_owned(), by.to_owned())
}

#[actix_web::test]
async fn two_proxies_stand_in_front_and_the_client_writes_what_it_likes() {
    // The near proxy is this machine, the far one 10.0.0.2.
    let app = TestApp::with(&[("server.trusted_proxies", "10.0.0.0/8")]).await;
    let thai = told("TH", "THB", "geoip");
    let xff = "x-forwarded-for";
    let two = format!("{THAI}, 10.0.0.2");
    let spoofed = format!("{SINGAPOREAN}, {THAI}, 10.0.0.2");
    let trusted_spoof = format!("10.6.6.6, {SINGAPOREAN}, 10.6.6.6, {THAI}, 10.0.0.2");
    let mapped = format!("::ffff:{THAI}, [::ffff:10.0.0.2]:4711");
    for value in [&two, &spoofed, &trusted_spoof, &mapped] {
        assert_eq!(resolved(&app, PRICE, &[(xff, value)]).await, thai, "{value}");
    }
    // The header in several lines.
    for lines in [
        &[SINGAPOREAN, two.as_str()][..],
        &[SINGAPOREAN, THAI, "10.0.0.2"],
        &["garbage", SINGAPOREAN, "\"", &two],
    ] {
        let lines: Vec<(&str, &str)> = lines.iter().map(|line| (xff, *line)).collect();
        assert_eq!(resolved(&app, PRICE, &lines).await, thai, "{lines:?}");
    }
    // Other headers count for nothing, wherever they stand.
    let others = [
        ("forwarded", "for=165.21.83.88"),
        ("x-real-ip", SINGAPOREAN),
        ("cf-connecting-ip", SINGAPOREAN),
        ("true-client-ip", SINGAPOREAN),
        ("x-country-code", "SG"),
        ("x-vercel-ip-country", "SG"),
        (xff, two.as_str()),
    ];
    assert_eq!(resolved(&app, PRICE, &others).await, thai);
    // Behind an entry that is no address nothing is believed.
    let broken = format!("{SINGAPOREAN}, unknown, 10.0.0.2");
    assert_eq!(resolved(&app, PRICE, &[(xff, &broken)]).await, told("-", "USD", "default"));
    // A line that is no text does not uncover the line before it.
    let request = app.keyed("GET", "storefront", PRICE).header(xff, SINGAPOREAN);
    let raw = [b"\xff\xfe, ".as_slice(), two.as_bytes()].concat();
    let request = request.header(xff, reqwest::header::HeaderValue::from_bytes(&raw).unwrap());
    assert_eq!(app.send(request).await.json()["country"], json!("TH"));
    // Hundreds of hops: answered, and not from their far end.
    let many = format!("{SINGAPOREAN}{}", ", 10.0.0.2".repeat(1_500));
    assert_eq!(resolved(&app, PRICE, &[(xff, &many)]).await, told("-", "USD", "default"));
    app.stop().await;
}

#[actix_web::test]
async fn a_head_too_large_is_refused_and_the_next_request_answered() {
    let app = TestApp::start().await;
    let huge = "203.0.113.7, ".repeat(40_000);
    let request =
        app.keyed("GET", "storefront", PRICE).header("x-forwarded-for", huge.trim_end_matches(", "));
    if let Ok(answer) = request.send().await {
        assert!((400..500).contains(&answer.status().as_u16()), "{}", answer.status());
    }
    assert_eq!(resolved(&app, PRICE, &[("x-forwarded-for", THAI)]).await, told("TH", "THB", "geoip"));
    app.stop().await;
}

#[actix_web::test]
async fn the_configured_header_is_the_one_that_counts() {
    for (header, value) in [
        ("forwarded", "for=165.21.83.88, for=\"203.144.207.29:4711\";proto=https"),
        ("cf-connecting-ip", THAI),
        ("x-real-ip", THAI),
    ] {
        let app = TestApp::with(&[("server.client_header", header)]).await;
        let headers = [("x-forwarded-for", SINGAPOREAN), (header, value)];
        assert_eq!(resolved(&app, PRICE, &headers).await, told("TH", "THB", "geoip"), "{header}");
        assert_eq!(
            resolved(&app, PRICE, &[("x-forwarded-for", SINGAPOREAN)]).await,
            told("-", "USD", "default"),
            "{header}"
        );
        app.stop().await;
    }
}

#[actix_web::test]
async fn the_strongest_hint_decides_and_is_named() {
    let app = TestApp::start().await;
    let thai = ("x-forwarded-for", THAI);
    let all = [thai, ("cf-ipcountry", "MY"), ("accept-language", "en-SG")];
    let named = format!("{PRICE}&country=VN");
    for (path, headers, expected) in [
        (&format!("{named}&to=JPY"), &all[..], told("VN", "JPY", "currency")),
        (&named, &all, told("VN", "VND", "country")),
        (&PRICE.to_owned(), &all, told("MY", "MYR", "header")),
        (&PRICE.to_owned(), &[thai, ("accept-language", "en-SG")], told("TH", "THB", "geoip")),
        (&PRICE.to_owned(), &[("accept-language", "en-SG")], told("SG", "SGD", "language")),
        (&PRICE.to_owned(), &[("accept-language", "en")], told("-", "USD", "default")),
        (&PRICE.to_owned(), &[], told("-", "USD", "default")),
        // The edge knows nothing, or no place: the address decides.
        (&PRICE.to_owned(), &[thai, ("cf-ipcountry", "XX")], told("TH", "THB", "geoip")),
        (&PRICE.to_owned(), &[thai, ("cf-ipcountry", "EU")], told("TH", "THB", "geoip")),
        (&PRICE.to_owned(), &[thai, ("cf-ipcountry", "th")], told("TH", "THB", "geoip")),
        (
            &PRICE.to_owned(),
            &[thai, ("cf-ipcountry", "MY"), ("cf-ipcountry", "SG")],
            told("TH", "THB", "geoip"),
        ),
        // Tor: the address is that of the way out.
        (&PRICE.to_owned(), &[thai, ("cf-ipcountry", "T1")], told("-", "USD", "default")),
        (
            &PRICE.to_owned(),
            &[thai, ("cf-ipcountry", "T1"), ("accept-language", "en-SG")],
            told("SG", "SGD", "language"),
        ),
        // Private, reserved, for documentation.
        (&PRICE.to_owned(), &[("x-forwarded-for", "192.168.1.1")], told("-", "USD", "default")),
        (&PRICE.to_owned(), &[("x-forwarded-for", "203.0.113.5")], told("-", "USD", "default")),
        (&PRICE.to_owned(), &[("x-forwarded-for", "100.64.0.9")], told("-", "USD", "default")),
        (&PRICE.to_owned(), &[("x-forwarded-for", "fd00::1")], told("-", "USD", "default")),
        (&PRICE.to_owned(), &[("x-forwarded-for", "::ffff:165.21.83.88")], told("SG", "SGD", "geoip")),
        (&PRICE.to_owned(), &[("x-forwarded-for", "2001:fb0::1")], told("TH", "THB", "geoip")),
        // The euro without the European Union, and with it since 2026.
        (&format!("{PRICE}&country=MC"), &[], told("MC", "EUR", "country")),
        (&format!("{PRICE}&country=BG"), &[], told("BG", "EUR", "country")),
        (&format!("{PRICE}&country=SV"), &[], told("SV", "USD", "country")),
    ] {
        assert_eq!(resolved(&app, path, headers).await, expected, "{path} {headers:?}");
    }
    app.stop().await;
    let believing =
        TestApp::with(&[("geo.anonymous", "believe"), ("fx.currency_by_country.KH", "USD")]).await;
    let tor = [thai, ("cf-ipcountry", "T1")];
    assert_eq!(resolved(&believing, PRICE, &tor).await, told("TH", "THB", "geoip"));
    assert_eq!(resolved(&believing, &format!("{PRICE}&country=KH"), &[]).await, told("KH", "USD", "country"));
    believing.stop().await;
    let other = TestApp::with(&[("geo.country_header", "X-Country-Code")]).await;
    let both = [("cf-ipcountry", "MY"), ("x-country-code", "VN")];
    assert_eq!(resolved(&other, PRICE, &both).await, told("VN", "VND", "header"));
    other.stop().await;
    let none = TestApp::with(&[("geo.country_header", "")]).await;
    assert_eq!(resolved(&none, PRICE, &both).await, told("-", "USD", "default"));
    none.stop().await;
}

#[actix_web::test]
async fn an_address_is_taken_from_secret_keys_only() {
    let app = TestApp::start().await;
    let path = format!("{PRICE}&ip={SINGAPOREAN}");
    let headers = [("x-forwarded-for", THAI), ("cf-ipcountry", "MY")];
    let secret = ask(&app, "storefront", &path, &headers).await.json();
    assert_eq!((&secret["country"], &secret["resolved_by"]), (&json!("SG"), &json!("geoip")));
    let publishable = ask(&app, "publishable", &path, &headers).await.json();
    assert_eq!((&publishable["country"], &publishable["resolved_by"]), (&json!("MY"), &json!("header")));
    let publishable = ask(&app, "publishable", &path, &headers[..1]).await.json();
    assert_eq!((&publishable["country"], &publishable["resolved_by"]), (&json!("TH"), &json!("geoip")));
    let wrong = app.get("storefront", &format!("{PRICE}&ip=1.2.3")).await;
    assert_eq!((wrong.status, wrong.json()["param"].clone()), (400, json!("ip")));
    assert!(!wrong.text.contains("1.2.3"), "an address is not echoed: {}", wrong.text);
    app.stop().await;
}

/// The buckets of strangers are of the same address as the prices.
#[actix_web::test]
async fn a_stranger_is_counted_by_the_address_behind_the_proxies() {
    let app =
        TestApp::with(&[("limits.per_address_per_second", "1"), ("limits.per_address_burst", "3")]).await;
    let knock = async |hops: &str| {
        let request = app.request("GET", "/v1/rates?base=USD").header("x-forwarded-for", hops.to_owned());
        app.send(request).await.status
    };
    for spoofed in 0..3 {
        assert_eq!(knock(&format!("198.51.100.{spoofed}, {THAI}")).await, 401);
    }
    assert_eq!(knock(&format!("198.51.100.77, {THAI}")).await, 429);
    assert_eq!(knock(SINGAPOREAN).await, 401, "another address has its own bucket");
    for host in 1..=3 {
        assert_eq!(knock(&format!("2406:3003:1:2::{host}")).await, 401);
    }
    assert_eq!(knock("2406:3003:1:2:ffff::9").await, 429, "a customer's whole /64 is one caller");
    app.stop().await;
}

fn put(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(beside, path).unwrap();
}

async fn geo(app: &TestApp) -> Value {
    app.get("", "/readyz").await.json()["geo"].clone()
}

async fn until(app: &TestApp, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..150 {
        let seen = geo(app).await;
        if holds(&seen) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("it never came: {}", geo(app).await)
}

#[actix_web::test]
async fn a_country_file_is_replaced_under_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("own.mmdb");
    put(&path, b"not yet");
    let own = path.display().to_string();
    let app = TestApp::with(&[("geo.database", &own), ("geo.look_seconds", "1")]).await;
    let seen = geo(&app).await;
    assert_eq!(seen["source"], json!("embedded"), "{seen}");
    assert!(seen["fault"].as_str().unwrap().contains("metadata"), "{seen}");
    let thai = [("x-forwarded-for", THAI)];
    assert_eq!(resolved(&app, PRICE, &thai).await, told("TH", "THB", "geoip"));
    put(&path, EMBEDDED);
    let seen = until(&app, |seen| seen["fault"].is_null()).await;
    assert_eq!(seen["source"], json!(own), "{seen}");
    put(&path, &EMBEDDED[..EMBEDDED.len() / 2]);
    let seen = until(&app, |seen| !seen["fault"].is_null()).await;
    assert_eq!(seen["source"], json!(own), "{seen}");
    assert_eq!(resolved(&app, PRICE, &thai).await, told("TH", "THB", "geoip"));
    let metrics = app.get("", "/metrics").await.text;
    assert!(metrics.contains("straits_geo_refused 1"), "{metrics}");
    assert!(metrics.contains("straits_geo_build_age_seconds"), "{metrics}");
    assert_eq!(app.get("", "/readyz").await.status, 200, "a bad country file refuses nobody");
    app.stop().await;
}

#[test]
fn doctor_finds_a_country_file_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let run = |file: &str| {
        let variables = [("STRAITS__GEO__DATABASE", file)];
        let output = crate::program::run(folder.path(), &variables, &["doctor"]);
        String::from_utf8(output.stdout).unwrap()
    };
    let line =
        |text: &str| text.lines().find(|line| line.contains("countries_of")).unwrap_or_default().to_owned();
    let absent = line(&run("absent.mmdb"));
    assert!(absent.starts_with("FAULT") && absent.contains("absent.mmdb: No such file"), "{absent}");
    let embedded = line(&run(""));
    assert!(embedded.starts_with("ok") && embedded.contains("Straits-Country-RIR"), "{embedded}");
}

#[actix_web::test]
async fn no_address_reaches_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let talkative = [("STRAITS__LOG__LEVEL", "trace"), ("STRAITS__GEO__DATABASE", "absent.mmdb")];
    let program = Program::serve(folder.path(), &talkative, &["--data-dir", "data"]);
    let sandbox = std::fs::read_to_string(folder.path().join("data/sandbox.json")).unwrap();
    let sandbox: Value = serde_json::from_str(&sandbox).unwrap();
    let key = sandbox["keys"]["storefront"].as_str().unwrap();
    let http = reqwest::Client::new();
    let canaries =
        ["198.51.100.201", "2001:db8:cafe::201", THAI, SINGAPOREAN, "203.0.113.202", "not-an-address-canary"];
    for canary in canaries {
        let url = format!("{}{PRICE}", program.url);
        for header in ["x-forwarded-for", "forwarded", "cf-connecting-ip", "x-real-ip"] {
            let asked = http.get(&url).bearer_auth(key).header(header, canary);
            assert!(asked.send().await.unwrap().status().is_success());
            // Without a key: counted by address, and refused.
            let stranger = http.get(&url).header(header, canary);
            assert_eq!(stranger.send().await.unwrap().status(), 401);
        }
        let named = http.get(format!("{url}&ip={canary}")).bearer_auth(key).send().await.unwrap();
        assert!(named.status().is_success() || named.status() == 400);
        let items = json!({"items": [{"amount": "1.00", "currency": "USD"}], "ip": canary});
        let posted = http.post(format!("{}/v1/prices", program.url)).bearer_auth(key).json(&items);
        let posted = posted.send().await.unwrap();
        assert!(posted.status().is_success() || posted.status() == 400);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = program.stop();
    assert!(log.contains("/v1/prices") && log.contains("absent.mmdb"), "{log}");
    for canary in canaries {
        let told: Vec<&str> = log.lines().filter(|line| line.contains(canary)).take(3).collect();
        assert!(told.is_empty(), "`{canary}` was logged: {told:#?}");
    }
}

#[actix_web::test]
async fn whoever_comes_out_of_a_vpn_is_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("vpn.txt");
    put(&list, b"# exits\n203.144.207.0/24\n");
    let file = list.display().to_string();
    let app = TestApp::with(&[("geo.vpn_ranges", &file), ("geo.look_seconds", "1")]).await;
    let thai = ("x-forwarded-for", THAI);
    for (headers, expected) in [
        (&[thai][..], told("-", "USD", "default")),
        (&[thai, ("accept-language", "en-SG")], told("SG", "SGD", "language")),
        // The edge looked the same address up.
        (&[thai, ("cf-ipcountry", "TH"), ("accept-language", "en-SG")], told("SG", "SGD", "language")),
        (&[("x-forwarded-for", SINGAPOREAN), ("cf-ipcountry", "SG")], told("SG", "SGD", "header")),
        (&[("x-forwarded-for", SINGAPOREAN)], told("SG", "SGD", "geoip")),
    ] {
        assert_eq!(resolved(&app, PRICE, headers).await, expected, "{headers:?}");
    }
    let asked = format!("{PRICE}&country=TH");
    assert_eq!(
        resolved(&app, &asked, &[thai]).await,
        told("TH", "THB", "country"),
        "who says so is believed"
    );
    assert_eq!(geo(&app).await["vpn"], json!({"blocks": 1, "fault": null}));
    put(&list, b"165.21.83.0/24\nnonsense\n");
    let seen = until(&app, |seen| !seen["vpn"]["fault"].is_null()).await;
    assert!(seen["vpn"]["fault"].as_str().unwrap().starts_with("line 2"), "{seen}");
    assert_eq!(resolved(&app, PRICE, &[thai]).await, told("-", "USD", "default"), "the old list holds");
    put(&list, b"165.21.83.0/24\n");
    until(&app, |seen| seen["vpn"]["fault"].is_null()).await;
    assert_eq!(resolved(&app, PRICE, &[thai]).await, told("TH", "THB", "geoip"));
    app.stop().await;
}
