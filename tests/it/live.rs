//! Live mode from an empty folder: what is missing is said in words, and then it serves.

use serde_json::{Value, json};

use crate::program::{Program, run};

const MASTER: (&str, &str) =
    ("STRAITS_MASTER_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

const PAYPAL: &[(&str, &str)] = &[
    MASTER,
    ("STRAITS__GATEWAYS__PAYPAL__CLIENT_ID", "AXlive"),
    ("STRAITS__GATEWAYS__PAYPAL__CLIENT_SECRET_FILE", "paypal.secret"),
    ("STRAITS__GATEWAYS__PAYPAL__MERCHANT_ID", "PAYEE00000001"),
];
const WEBHOOK: (&str, &str) = ("STRAITS__GATEWAYS__PAYPAL__WEBHOOK_ID", "WEBHOOK0000000001");

async fn ask(method: &str, url: String, key: &str, body: Option<Value>) -> (u16, Value) {
    let request = reqwest::Client::new().request(method.parse().unwrap(), url).bearer_auth(key);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

#[actix_web::test]
async fn a_live_service_starts_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("paypal.secret"), "EElive\n").unwrap();
    let words = |variables: &[(&str, &str)], arguments: &[&str]| {
        let done = run(folder.path(), variables, &[&["--listen", "127.0.0.1:0"], arguments].concat());
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, said) = words(&[], &["--live"]);
    assert!(code == Some(2) && said.contains("STRAITS_MASTER_KEY"), "{said}");
    let (code, said) = words(&[MASTER], &["--live"]);
    assert!(code == Some(1) && said.contains("straits merchant add --live --name"), "{said}");

    let add = ["merchant", "add", "--live", "--name", "Real Shop", "--zone", "Asia/Singapore", "--json"];
    let made = run(folder.path(), &[MASTER], &add);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let admin = made["key"].as_str().unwrap();
    assert!(admin.starts_with("sk_live_"));
    let (code, said) = words(&[MASTER], &["merchant", "add", "--live", "--name", "x", "--zone", "Mars/One"]);
    assert!(code == Some(2) && said.contains("Mars/One"), "{said}");
    let (code, said) = words(PAYPAL, &["--live"]);
    assert!(code == Some(1) && said.contains("`paypal`: `webhook_id` is missing"), "{said}");
    let (code, said) = words(&[], &[]);
    assert!(code == Some(1) && said.contains("live money"), "{said}");

    let all = [PAYPAL, &[WEBHOOK]].concat();
    for round in 0..2 {
        let program = Program::serve(folder.path(), &all, &["--live"]);
        let at = |path: &str| format!("{}{path}", program.url);
        assert_eq!(ask("GET", at("/readyz"), "", None).await.0, 200);
        let mut users = vec![];
        for name in ["maker", "checker"] {
            let body = json!({"name": name, "scopes": ["finance"], "new_user": name});
            let (status, key) = ask("POST", at("/v1/keys"), admin, Some(body)).await;
            assert_eq!(status, 201, "{key}");
            let text = key["key"].as_str().unwrap();
            assert_eq!(ask("GET", at("/v1/suppliers"), text, None).await.0, 200);
            assert_eq!(ask("GET", at("/v1/sandbox/clock"), text, None).await.0, 404);
            users.push(key["user"].clone());
        }
        assert_ne!(users[0], users[1]);
        let (_, key) =
            ask("POST", at("/v1/keys"), admin, Some(json!({"name": "shop", "scopes": ["storefront"]}))).await;
        let shop = key["key"].as_str().unwrap();
        let preview = json!({"amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal"});
        let (status, answer) = ask("POST", at("/v1/settlements/preview"), shop, Some(preview)).await;
        assert_eq!((status, &answer["gross"]["amount"]), (200, &json!("100.00")), "round {round}: {answer}");
        let log = program.stop();
        assert!(!log.contains("EElive") && !log.contains(admin), "a secret was logged");
    }
}
