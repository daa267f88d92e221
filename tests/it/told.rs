//! Events as `/v1/events` shows them: holds and releases, statements that were issued, money that comes after the end.

use serde_json::{Value, json};

use crate::app::TestApp;

async fn events(app: &TestApp, key: &str, kind: &str) -> Vec<Value> {
    let page = app.get(key, "/v1/events?limit=100").await.json();
    let all = page["data"].as_array().unwrap();
    all.iter().filter(|event| event["type"] == kind).cloned().collect()
}

async fn done(app: &TestApp, key: &str, path: &str, body: Value) {
    let answer = app.post(key, path, &body).await;
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
}

async fn paid(app: &TestApp, order: &str) -> String {
    let id = app.pay("paypal", order).await["id"].as_str().unwrap().to_owned();
    done(app, "storefront", &format!("/v1/sandbox/payments/{id}"), json!({"shopper": "approve"})).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_holds_and_lets_go_is_told_to_the_shop() {
    let app = TestApp::start().await;
    let ends = [("won", "dispute_won", 1), ("lost", "chargeback_fee", 0)];
    for (order, end, released) in ends {
        let id = paid(&app, order).await;
        done(&app, "finance", "/v1/sandbox/scenarios/dispute_opened", json!({"payment": id})).await;
        done(&app, "finance", "/v1/sandbox/clock", json!({"advance": "1s"})).await;
        let about = async |kind: &str| {
            let all = events(&app, "storefront", kind).await;
            all.into_iter().filter(|event| event["data"]["id"] == json!(id)).collect::<Vec<_>>()
        };
        let held = about("payment.held").await;
        assert_eq!(held.len(), 1, "{order}: {held:#?}");
        let hold = &held[0]["data"]["hold"];
        assert_eq!(
            (&hold["amount"], &hold["reason"]),
            (&json!({"amount": "100.00", "currency": "SGD"}), &json!("dispute"))
        );
        assert_eq!(about("payment.released").await.len(), 0);
        done(&app, "finance", &format!("/v1/sandbox/scenarios/{end}"), json!({"payment": id})).await;
        done(&app, "finance", "/v1/sandbox/clock", json!({"advance": "1s"})).await;
        let free = about("payment.released").await;
        assert_eq!(free.len(), released, "{order}: what is taken was never free: {free:#?}");
        assert!(free.iter().all(|event| event["data"]["hold"]["amount"] == hold["amount"]));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_statement_is_told_to_the_office() {
    let app = TestApp::start().await;
    paid(&app, "order-1").await;
    done(&app, "finance", "/v1/sandbox/clock", json!({"advance": "2d"})).await;
    let clock = app.get("finance", "/v1/sandbox/clock").await.json();
    let now: chrono::DateTime<chrono::Utc> = clock["now"].as_str().unwrap().parse().unwrap();
    let until = (now.date_naive() - chrono::TimeDelta::days(1)).to_string();
    for key in ["finance", "checker"] {
        let answer = app.post_once(key, "/v1/periods/close", key, &json!({"until": until})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let issued = app.get("finance", "/v1/statements").await.json();
    let mut issued: Vec<&str> =
        issued["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    let told = events(&app, "finance", "statement.ready").await;
    let mut said: Vec<&str> = told.iter().map(|event| event["data"]["id"].as_str().unwrap()).collect();
    issued.sort_unstable();
    said.sort_unstable();
    assert!(!issued.is_empty());
    assert_eq!(issued, said);
    assert!(events(&app, "storefront", "statement.ready").await.is_empty());
    app.stop().await;
}

/// The shop gives the payment up; then the gateway takes the money after all, asked by somebody other than us.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_after_the_end_is_flagged_told_and_refundable() {
    let app = TestApp::start().await;
    let payment = app.pay("paypal", "order-1").await;
    let id = payment["id"].as_str().unwrap();
    let path = format!("/v1/payments/{id}");
    let cancelled = app.post_once("storefront", &format!("{path}/cancel"), "c-1", &json!({})).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let ended = app.get("storefront", &path).await.json();
    assert_eq!((&ended["state"], &ended["late"]), (&json!("cancelled"), &json!(false)), "{ended:#}");

    done(&app, "storefront", &format!("/v1/sandbox/payments/{id}"), json!({"shopper": "approve"})).await;
    done(&app, "finance", "/v1/sandbox/clock", json!({"advance": "1s"})).await;
    assert_eq!(
        app.get("storefront", &path).await.json()["state"],
        "cancelled",
        "we take nothing after the end"
    );
    let far = &app.sandbox["gateways"]["paypal"];
    let base = far["base_url"].as_str().unwrap();
    let client = reqwest::Client::new();
    let token = client
        .post(format!("{base}/v1/oauth2/token"))
        .basic_auth(far["client_id"].as_str().unwrap(), far["client_secret"].as_str())
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap();
    let token: Value = token.json().await.unwrap();
    let order = ended["gateway_ref"].as_str().unwrap();
    let captured = client
        .post(format!("{base}/v2/checkout/orders/{order}/capture"))
        .bearer_auth(token["access_token"].as_str().unwrap())
        .header("content-type", "application/json")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(captured.status(), 201);
    done(&app, "finance", "/v1/sandbox/clock", json!({"advance": "1s"})).await;

    let late = app.get("storefront", &path).await.json();
    assert_eq!((&late["state"], &late["late"]), (&json!("captured"), &json!(true)), "{late:#}");
    let told = events(&app, "storefront", "payment.late").await;
    assert_eq!((told.len(), &told[0]["data"]["id"], &told[0]["data"]["late"]), (1, &json!(id), &json!(true)));
    let refund = app.post_once("storefront", &format!("{path}/refunds"), "r-1", &json!({})).await;
    assert_eq!(refund.status, 201, "{}", refund.text);
    assert_eq!(refund.json()["amount"], json!({"amount": "100.00", "currency": "SGD"}));
    let after = app.get("storefront", &path).await.json();
    assert_eq!(after["refunded"], json!({"amount": "100.00", "currency": "SGD"}), "{after:#}");
    assert_eq!(app.get("finance", "/v1/ledger/verify").await.json()["ok"], true);
    app.stop().await;
}

/// Somebody else than us captures an order at the far side; the status they hear.
async fn captured_elsewhere(app: &TestApp, order: &str) -> u16 {
    let far = &app.sandbox["gateways"]["paypal"];
    let base = far["base_url"].as_str().unwrap();
    let client = reqwest::Client::new();
    let token = client
        .post(format!("{base}/v1/oauth2/token"))
        .basic_auth(far["client_id"].as_str().unwrap(), far["client_secret"].as_str())
        .form(&[("grant_type", "client_credentials")]);
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let captured = client
        .post(format!("{base}/v2/checkout/orders/{order}/capture"))
        .bearer_auth(token["access_token"].as_str().unwrap())
        .header("content-type", "application/json")
        .body("{}");
    captured.send().await.unwrap().status().as_u16()
}

/// Every notice is lost and nobody comes back. It lapses, then the money comes, and is found by asking.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_after_expiry_and_is_never_told_is_found_flagged_and_refundable() {
    crate::engines::on_each_engine("money_that_comes_after_expiry", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        for scenario in ["lost_callback", "insufficient_balance"] {
            let arm = format!("/v1/sandbox/scenarios/{scenario}");
            done(&app, "finance", &arm, json!({"next": 1})).await;
        }
        let payment = app.pay("paypal", "late").await;
        let path = format!("/v1/payments/{}", payment["id"].as_str().unwrap());
        let page = format!("/v1/sandbox{}", path.trim_start_matches("/v1"));
        let order = app.get("storefront", &path).await.json()["gateway_ref"].as_str().unwrap().to_owned();
        let read = async || app.get("storefront", &path).await.json();
        let until = async |what: &str, holds: &dyn Fn(&Value) -> bool| {
            for _ in 0..200 {
                let seen = read().await;
                if holds(&seen) {
                    return seen;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            panic!("{what}: {:#}", read().await)
        };
        let advance = async |step: &str| {
            let answer = app.post("finance", "/v1/sandbox/clock", &json!({"advance": step})).await;
            assert!(matches!(answer.status, 200 | 202), "{}", answer.text);
        };
        // A first try is declined between two questions of ours: the far side keeps the order open for longer than we.
        advance("2h").await;
        done(&app, "storefront", &page, json!({"shopper": "approve"})).await;
        assert_eq!(captured_elsewhere(&app, &order).await, 422);
        advance("65m").await;
        let lapsed = until("it lapses", &|seen| seen["state"] == "expired").await;
        assert_eq!(lapsed["late"], json!(false));
        done(&app, "storefront", &page, json!({"shopper": "approve"})).await;
        assert_eq!(captured_elsewhere(&app, &order).await, 201);
        assert_eq!(read().await["state"], "expired", "nobody tells us");
        advance("1d").await;
        let late = until("it is found", &|seen| seen["state"] == "captured").await;
        assert_eq!(late["late"], json!(true), "{late:#}");
        let told = events(&app, "storefront", "payment.late").await;
        assert_eq!((told.len(), &told[0]["data"]["id"]), (1, &payment["id"]), "{told:#?}");
        // Booked and divided, once; and it goes back.
        let settlement = app.get("finance", &format!("{path}/settlement")).await.json();
        assert_eq!(settlement["gross"], json!({"amount": "100.00", "currency": "SGD"}), "{settlement:#}");
        let refund = app.post_once("storefront", &format!("{path}/refunds"), "back", &json!({})).await;
        assert_eq!(refund.status, 201, "{}", refund.text);
        let after = until("it goes back", &|seen| seen["state"] == "refunded").await;
        assert_eq!(after["refunded"], json!({"amount": "100.00", "currency": "SGD"}));
        assert_eq!(app.get("finance", "/v1/ledger/verify").await.json()["ok"], true);
        app.stop().await;
    })
    .await;
}
