//! What a real run logs at its most talkative: none of the secrets that went through it.

use serde_json::{Value, json};

use crate::program::Program;

#[actix_web::test]
async fn no_secret_reaches_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let talkative = [("STRAITS__LOG__LEVEL", "trace")];
    let program = Program::serve(folder.path(), &talkative, &["--data-dir", "data"]);
    let sandbox = std::fs::read_to_string(folder.path().join("data/sandbox.json")).unwrap();
    let sandbox: Value = serde_json::from_str(&sandbox).unwrap();
    let http = reqwest::Client::new();
    let post = async |key: &str, path: &str, body: &Value| -> Value {
        let once = format!("canary-once-{}", body["gateway"].as_str().unwrap_or_default());
        let request = http.post(format!("{}{path}", program.url)).header("Idempotency-Key", once);
        let request = request.bearer_auth(sandbox["keys"][key].as_str().unwrap()).json(body);
        request.send().await.unwrap().json().await.unwrap_or(Value::Null)
    };
    let supplier = &sandbox["supplier_id"];
    let account = json!({"kind": "bank", "country": "TH", "currency": "THB", "holder": "Canary Holder", "number": "7712345678901234", "bank_code": "004"});
    let added =
        post("finance", &format!("/v1/suppliers/{}/accounts", supplier.as_str().unwrap()), &account).await;
    assert!(added["id"].is_string(), "{added}");
    for gateway in ["paypal", "grabpay"] {
        let payment = json!({
            "order_ref": format!("log-{gateway}"), "gateway": gateway,
            "amount": {"amount": "50.00", "currency": "SGD"},
            "customer": {"ip": "203.0.113.77", "phone": "+6591234567", "ref": "canary-customer"},
            "return_url": "http://127.0.0.1:9/thanks?token=canary-return-token",
            "metadata": {"note": "canary-metadata"},
        });
        let made = post("storefront", "/v1/payments", &payment).await;
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
        post("storefront", &format!("/v1/sandbox/payments/{id}"), &json!({"shopper": "approve"})).await;
        // Both gateways' calls and notices have gone through the log once the money is taken.
        let mut state = String::new();
        for _ in 0..300 {
            let request = http.get(format!("{}/v1/payments/{id}", program.url));
            let request = request.bearer_auth(sandbox["keys"]["storefront"].as_str().unwrap());
            let shown: Value = request.send().await.unwrap().json().await.unwrap();
            state = shown["state"].as_str().unwrap().to_owned();
            if state == "captured" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(state, "captured");
    }
    let made = post("admin", "/v1/keys", &json!({"name": "canary", "scopes": ["finance"]})).await;
    // Refusals are logged too, and mistyped keys are often nearly right.
    let wrong = format!("{}x", sandbox["keys"]["admin"].as_str().unwrap());
    http.get(format!("{}/v1/keys", program.url)).bearer_auth(&wrong).send().await.unwrap();

    let mut canaries: Vec<String> = [
        "7712345678901234",
        "203.0.113.77",
        "91234567",
        "canary-customer",
        "canary-return-token",
        "canary-metadata",
        "Canary Holder",
        "canary-once",
    ]
    .map(str::to_owned)
    .to_vec();
    canaries.push(made["key"].as_str().unwrap().to_owned());
    for identity in [&sandbox, &sandbox["other"]] {
        let keys = identity["keys"].as_object().unwrap().values();
        canaries.extend(keys.map(|key| key.as_str().unwrap().to_owned()));
        for gateway in identity["gateways"].as_object().unwrap().values() {
            for (name, secret) in gateway.as_object().unwrap() {
                if name.ends_with("secret") {
                    canaries.push(secret.as_str().unwrap().to_owned());
                }
            }
        }
    }
    let master = std::fs::read_to_string(folder.path().join("data/master.key")).unwrap();
    canaries.push(master.trim().to_owned());
    let log = program.stop();
    assert!(log.lines().count() > 20 && log.contains("/v1/payments"), "{log}");
    for canary in canaries {
        let told: Vec<&str> = log.lines().filter(|line| line.contains(&canary)).take(3).collect();
        assert!(told.is_empty(), "`{canary}` was logged: {told:#?}");
    }
}
