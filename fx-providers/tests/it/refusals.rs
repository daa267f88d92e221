//! Every error body that is known: what the source said reaches whoever has to act, without the key.

use std::time::Duration;

use fx_providers::catalog::{ALL, Setup, find, open};
use fx_providers::{Key, SourceError, Window};

use crate::samples::{KEY, READ_AT, at};
use crate::server::{PATIENCE, Server, http};

/// The errors of as many questions as there are answers, and how often was asked. An answer is given so often in a row.
async fn refusals(name: &str, answers: Vec<(String, usize)>) -> (Vec<SourceError>, usize) {
    let server =
        Server::start(answers.iter().flat_map(|(answer, times)| vec![answer.clone(); *times]).collect())
            .await;
    let setup = Setup {
        origin: Some(server.origin.clone()),
        key: find(name).unwrap().takes.key.then(|| Key::new(KEY)),
        patience: PATIENCE,
        ..Setup::default()
    };
    let source = open(name, &setup).unwrap();
    let mut errors = Vec::new();
    for _ in answers {
        errors.push(source.fetch(Window::Latest, None, at(READ_AT)).await.unwrap_err());
    }
    (errors, server.heads().len())
}

async fn refusal(name: &str, status: &str, body: &str) -> (SourceError, usize) {
    let (errors, asked) = refusals(name, vec![(http(status, "", body), 1)]).await;
    (errors[0].clone(), asked)
}

const FRANKFURTER_404: &str = include_str!("../../fixtures/frankfurter-404.json");
const FRANKFURTER_422: &str = include_str!("../../fixtures/frankfurter-v2-error-422.json");
const OXR_401: &str = include_str!("../../fixtures/openexchangerates-error-401.json");
const FIXER: &str = include_str!("../../fixtures/fixer-error.json");
const LAYER: &str = include_str!("../../fixtures/currencylayer-error.json");
const ER_API: &str = include_str!("../../fixtures/exchangerate-api-error.json");

#[tokio::test]
async fn a_refusal_keeps_the_source_s_own_words() {
    for (name, status, body, code, message) in [
        ("frankfurter", "404 Not Found", FRANKFURTER_404, "404", "not found"),
        ("frankfurter", "422 Unprocessable Content", FRANKFURTER_422, "422", "invalid currency: XXX"),
        (
            "frankfurter",
            "400 Bad Request",
            r#"{"message":"unknown parameter: x"}"#,
            "400",
            "unknown parameter: x",
        ),
        ("frankfurter", "200 OK", FRANKFURTER_404, "404", "not found"),
        ("open-er-api", "200 OK", ER_API, "unsupported-code", "no further words"),
        ("open-er-api", "404 Not Found", ER_API, "unsupported-code", "no further words"),
        (
            "exchangerate-api",
            "403 Forbidden",
            r#"{"result":"error","error-type":"invalid-key"}"#,
            "invalid-key",
            "no further words",
        ),
        (
            "exchangerate-api",
            "429 Too Many Requests",
            r#"{"result":"error","error-type":"quota-reached","extra-info":"Upgrade\nat once"}"#,
            "quota-reached",
            "Upgrade at once",
        ),
        (
            "openexchangerates",
            "401 Unauthorized",
            OXR_401,
            "invalid_app_id",
            "Invalid App ID provided - please sign up at https://openexchangerates.org/signup, or contact support@openexchangerates.org.",
        ),
        // The status says "too many", the body that the plan lacks the feature.
        (
            "openexchangerates",
            "429 Too Many Requests",
            r#"{"error":true,"status":429,"message":"not_allowed","description":"Changing the base needs a plan; your id s3cr3t&key"}"#,
            "not_allowed",
            "Changing the base needs a plan; your id …",
        ),
        (
            "openexchangerates",
            "200 OK",
            r#"{"error":true,"status":403,"message":"access_restricted"}"#,
            "access_restricted",
            "no further words",
        ),
        (
            "fixer",
            "200 OK",
            FIXER,
            "105",
            "base_currency_access_restricted: Access Restricted - Your current Subscription Plan does not support this API Function.",
        ),
        (
            "fixer",
            "200 OK",
            r#"{"success":false,"error":{"code":101,"type":"invalid_access_key","info":"You have not supplied a valid API Access Key: s3cr3t&key"}}"#,
            "101",
            "invalid_access_key: You have not supplied a valid API Access Key: …",
        ),
        (
            "fixer",
            "401 Unauthorized",
            r#"{"message":"Invalid authentication credentials"}"#,
            "401",
            "Invalid authentication credentials",
        ),
        (
            "fixer",
            "429 Too Many Requests",
            r#"{"message":"You have exceeded your monthly API rate limit"}"#,
            "429",
            "You have exceeded your monthly API rate limit",
        ),
        ("fixer", "200 OK", r#"{"success":false}"#, "false", "`success` is false, without a reason"),
        (
            "currencylayer",
            "200 OK",
            LAYER,
            "104",
            "Your monthly usage limit has been reached. Please upgrade your subscription plan.",
        ),
        (
            "currencylayer",
            "401 Unauthorized",
            r#"{"error":{"code":"invalid_access_key","message":"You have not supplied a valid API Access Key."}}"#,
            "invalid_access_key",
            "You have not supplied a valid API Access Key.",
        ),
        (
            "wise",
            "401 Unauthorized",
            r#"{"error":"invalid_token","error_description":"945fdc16"}"#,
            "invalid_token",
            "945fdc16",
        ),
        (
            "wise",
            "400 Bad Request",
            r#"{"errors":[{"code":"error.route.not.supported","message":"This route is not supported","arguments":["CNY-EUR"]}]}"#,
            "error.route.not.supported",
            "This route is not supported",
        ),
        (
            "currencybeacon",
            "401 Unauthorized",
            r#"{"meta":{"code":401,"error_type":"auth failed","error_detail":"Could not be authenticated"}}"#,
            "401",
            "auth failed: Could not be authenticated",
        ),
        (
            "currencybeacon",
            "200 OK",
            r#"{"meta":{"code":429,"error_type":"quota"},"response":[]}"#,
            "429",
            "quota",
        ),
        ("bnm", "404 Not Found", r#"{"message":"No records found.","code":404}"#, "404", "No records found."),
        (
            "bot",
            "401 Unauthorized",
            r#"{"httpCode":"401","httpMessage":"Unauthorized","moreInformation":"Invalid client id or secret."}"#,
            "401",
            "Unauthorized: Invalid client id or secret.",
        ),
        ("bot", "403 Forbidden", r#"{"message":"Forbidden"}"#, "403", "Forbidden"),
    ] {
        let (error, asked) = refusal(name, status, body).await;
        let source_name = find(name).unwrap().name;
        let expected = SourceError::Refused { source_name, code: code.into(), message: message.into() };
        assert_eq!(error, expected, "{name} {status}");
        assert_eq!(asked, 1, "a refusal is not asked for again");
        assert!(!format!("{error}").contains("s3cr3t"));
    }
}

#[tokio::test]
async fn a_status_without_words_is_a_status() {
    let page = "<html><body>Service Unavailable</body></html>";
    for entry in ALL.iter().filter(|entry| !entry.takes.path) {
        let source_name = entry.name;
        let bare = [
            ("503 Service Unavailable", r#"{"status":503,"message":"deadline"}"#),
            (
                "500 Internal Server Error",
                r#"{"error":"x","message":"NullPointerException","httpMessage":"x"}"#,
            ),
            ("502 Bad Gateway", page),
            ("403 Forbidden", page),
            ("404 Not Found", ""),
            ("403 Forbidden", "{\"message\":"),
            ("204 No Content", ""),
        ];
        let answers = bare.map(|(status, body)| (http(status, "", body), 1)).to_vec();
        let (errors, asked) = refusals(source_name, answers).await;
        let code = |status: &str| status[..3].parse().unwrap();
        let expected = bare.map(|(status, _)| SourceError::Status { source_name, status: code(status) });
        assert_eq!(errors, expected);
        assert_eq!(asked, bare.len(), "none is asked for again");
    }
}

#[tokio::test]
async fn patience_is_asked_for_with_or_without_a_time() {
    for entry in ALL.iter().filter(|entry| !entry.takes.path) {
        let source_name = entry.name;
        let asks = [
            ("", None, 4),
            ("retry-after: 1200\r\n", Some(Duration::from_secs(1200)), 1),
            ("retry-after: Fri, 30 Oct 2026 20:01:00 GMT\r\n", Some(Duration::from_secs(60)), 1),
            ("retry-after: Fri, 30 Oct 2026 19:00:00 GMT\r\n", Some(Duration::ZERO), 1),
            ("retry-after: soon\r\n", None, 4),
        ];
        let busy = |headers| http("429 Too Many Requests", headers, "Too many");
        let answers = asks.map(|(headers, _, times)| (busy(headers), times)).to_vec();
        let (errors, asked) = refusals(source_name, answers).await;
        assert_eq!(
            errors,
            asks.map(|(_, retry_after, _)| SourceError::Throttled { source_name, retry_after })
        );
        assert_eq!(asked, 11);
    }
    // Frankfurter's throttle speaks, and is still a throttle.
    let told = r#"{"status":429,"message":"rate limited"}"#;
    let (error, asked) = refusal("frankfurter", "429 Too Many Requests", told).await;
    assert_eq!(error, SourceError::Throttled { source_name: "frankfurter", retry_after: None });
    assert_eq!(asked, 4);
}

#[test]
fn what_each_reader_misses_is_named() {
    for (name, body, expected) in [
        ("frankfurter", r#"{"rates":{}}"#, "it is not a list of rates"),
        ("frankfurter", "[]", "it holds no rate"),
        ("frankfurter", r#"[{"date":"2026-10-30","base":"EUR","quote":"EUR","rate":1}]"#, "it holds no rate"),
        (
            "frankfurter",
            r#"[{"date":"2026-10-30","base":"EUR","quote":"EUR","rate":2}]"#,
            "1 EUR is said to be 2 EUR",
        ),
        (
            "frankfurter",
            r#"[{"date":"2026-10-30","base":"EUR","quote":"USD","rate":1.1},{"date":"2026-10-30","base":"EUR","quote":"USD","rate":1.2}]"#,
            "USD occurs twice",
        ),
        (
            "frankfurter",
            r#"[{"date":"2026-11-02","base":"EUR","quote":"USD","rate":1.1}]"#,
            "2026-11-02 lies ahead",
        ),
        (
            "frankfurter",
            r#"[{"date":"30.10.2026","base":"EUR","quote":"USD","rate":1.1}]"#,
            "`30.10.2026` is not a date",
        ),
        (
            "frankfurter",
            r#"[{"date":"2026-10-30","base":"EUR","quote":"usd","rate":1.1}]"#,
            "`usd` is not a currency code of three capital letters",
        ),
        ("frankfurter", r#"[{"date":"2026-10-30","base":"EUR","quote":"USD"}]"#, "`rate` is missing"),
        (
            "frankfurter",
            r#"[{"date":"2026-10-30","base":"EUR","quote":"USD","rate":"1.1"}]"#,
            "USD has the rate of a text",
        ),
        ("open-er-api", r#"{"result":"maybe"}"#, "`result` is neither `success` nor `error`"),
        ("open-er-api", "{}", "`result` is missing"),
        (
            "open-er-api",
            r#"{"result":"success","time_last_update_unix":1790640001,"time_next_update_unix":1790640001}"#,
            "`time_next_update_unix` is not the time after this",
        ),
        ("exchangerate-api", r#"{"result":"success","time_last_update_unix":1790640001000}"#, "lies ahead"),
        ("fixer", r#"{"success":true,"timestamp":0}"#, "1970-01-01 lies before any rate"),
        ("fixer", r#"{"success":"true"}"#, "`success` is not true"),
        ("fixer", r#"{"success":true,"timestamp":1.5}"#, "`timestamp` is not a whole number"),
        (
            "fixer",
            r#"{"success":true,"timestamp":1793372400,"date":"2026-10-30","base":"EUR","rates":[]}"#,
            "`rates` is not an object",
        ),
        (
            "fixer",
            r#"{"success":true,"timestamp":1793372400,"date":"2026-10-30","base":"EUR","rates":{}}"#,
            "it holds no rate",
        ),
        (
            "currencylayer",
            r#"{"success":true,"timestamp":1793372400,"source":"USD","quotes":{"EURSGD":1.4}}"#,
            "a quote does not begin with USD",
        ),
        (
            "currencylayer",
            r#"{"success":true,"timestamp":1793372400,"source":"USD","quotes":{"USDsgd":1.4}}"#,
            "`sgd` is not a currency code of three capital letters",
        ),
        (
            "wise",
            r#"[{"rate":1.2,"source":"USD","target":"SGD","time":"yesterday"}]"#,
            "`time` is no point in time",
        ),
        ("fawazahmed0", r#"{"date":"2026-10-30","eur":{"btc":1}}"#, "it holds no rate"),
        (
            "fawazahmed0",
            r#"{"date":"2026-10-30","eur":{"usd":1.1},"usd":{}}"#,
            "it is not a date and one object of rates",
        ),
        ("fawazahmed0", r#"{"date":"2026-10-30","EUR":{"usd":1.1}}"#, "a code is not in lower case"),
        (
            "bnm",
            r#"{"data":null,"meta":{"quote":"rm","session":"0900","last_updated":"2026-10-30 09:00:00"}}"#,
            "`data` is missing",
        ),
        (
            "bnm",
            r#"{"data":[],"meta":{"quote":"rm","session":"0900","last_updated":"2026-10-30 09:00:00"}}"#,
            "it holds no rate",
        ),
        (
            "bnm",
            r#"{"data":[],"meta":{"quote":"fx","session":"0900","last_updated":"2026-10-30 09:00:00"}}"#,
            "`quote` is not `rm`",
        ),
        (
            "bnm",
            r#"{"data":[],"meta":{"quote":"rm","session":"0800","last_updated":"2026-10-30 09:00:00"}}"#,
            "`session` is none of the four",
        ),
        (
            "bnm",
            r#"{"data":{"currency_code":"VND","unit":50,"rate":[]},"meta":{"quote":"rm","session":"0900","last_updated":"2026-10-30 09:00:00"}}"#,
            "`unit` is 50, no power of ten",
        ),
        ("bot", r#"{"result":{"data":{"data_detail":[]}}}"#, "it holds no rate"),
        ("bot", r#"{"result":{"data":null}}"#, "`data` is missing"),
        (
            "bot",
            r#"{"result":{"data":{"data_detail":[{"period":"2026-10-30","currency_id":"USD","currency_name_eng":"USA : DOLLAR (USD)","mid_rate":33.7}]}}}"#,
            "`mid_rate` is not a text",
        ),
        (
            "bot",
            r#"{"result":{"data":{"data_detail":[{"period":"2026-10-30","currency_id":"USD","currency_name_eng":"USA : DOLLAR (USD)","mid_rate":"N/A"}]}}}"#,
            "USD has the rate `N/A`, which is not a number",
        ),
        (
            "bot",
            r#"{"result":{"data":{"data_detail":[{"period":"2026-10-30","currency_id":"USD","currency_name_eng":"USA : DOLLAR (USD)","mid_rate":""}]}}}"#,
            "USD has no rate",
        ),
        ("file", "date,currency,rate_per_usd\n2026-10-30,SGD,0\n", "line 2: no rate in `2026-10-30,SGD,0`"),
        (
            "file",
            "date,currency,rate_per_usd\n2026-10-30,SGD,1.2",
            "line 2: it has no line end: the file may be cut off",
        ),
        ("file", "date,currency,rate_per_usd\n2026-11-02,SGD,1.2\n", "2026-11-02 lies ahead"),
    ] {
        let error = (find(name).unwrap().read)(body.as_bytes(), at(READ_AT)).unwrap_err();
        assert!(
            matches!(error, SourceError::Malformed { source_name, .. } if source_name == name),
            "{error:?}"
        );
        assert!(error.to_string().ends_with(expected), "{name} {body}: {error}");
    }
}
