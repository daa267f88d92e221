//! Every list in pages: forwards and backwards the same rows in the same order, and cursors that are none refused.

use serde_json::{Value, json};

use crate::app::TestApp;

async fn page(app: &TestApp, key: &str, path: &str, query: &str) -> (Vec<String>, bool) {
    let glue = if path.contains('?') { '&' } else { '?' };
    let answer = app.get(key, &format!("{path}{glue}{query}")).await;
    assert_eq!(answer.status, 200, "{path} {query}: {}", answer.text);
    let body = answer.json();
    let name = if path == "/v1/audit" { "seq" } else { "id" };
    let row = |row: &Value| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
    (body["data"].as_array().unwrap().iter().map(row).collect(), body["has_more"].as_bool().unwrap())
}

/// Walks a list both ways in pages of two, and holds the walks against the whole.
async fn walk(app: &TestApp, key: &str, path: &str) {
    let (whole, more) = page(app, key, path, "limit=100").await;
    assert!(whole.len() >= 3 && !more, "{path} {whole:?}");
    let mut forwards: Vec<String> = vec![];
    loop {
        let cursor = forwards.last().map(|last| format!("&starting_after={last}")).unwrap_or_default();
        let (rows, more) = page(app, key, path, &format!("limit=2{cursor}")).await;
        forwards.extend(rows);
        if !more {
            break;
        }
    }
    assert_eq!(forwards, whole, "{path} forwards");
    let mut backwards: Vec<String> = vec![whole.last().unwrap().clone()];
    loop {
        let (rows, more) = page(app, key, path, &format!("limit=2&ending_before={}", backwards[0])).await;
        backwards.splice(0..0, rows);
        if !more {
            break;
        }
    }
    assert_eq!(backwards, whole, "{path} backwards");
    for cursor in ["starting_after", "ending_before"] {
        let glue = if path.contains('?') { '&' } else { '?' };
        for wrong in ["req_01kaw000000000000000000000", "x"] {
            let answer = app.get(key, &format!("{path}{glue}{cursor}={wrong}")).await;
            assert_eq!(
                (answer.status, &answer.json()["param"]),
                (400, &json!(cursor)),
                "{path}: {}",
                answer.text
            );
        }
    }
    let both = format!("limit=2&starting_after={}&ending_before={}", whole[0], whole[2]);
    let glue = if path.contains('?') { '&' } else { '?' };
    assert_eq!(app.get(key, &format!("{path}{glue}{both}")).await.code(), "invalid_parameter", "{path}");
}

#[actix_web::test]
async fn every_list_is_walked_both_ways() {
    let app = TestApp::start().await;
    let supplier = app.supplier("TH");
    let accounts = format!("/v1/suppliers/{supplier}/accounts");
    for number in 0..5 {
        let body = json!({"kind": "bank", "country": "TH", "currency": "THB", "holder": "C M C", "number": format!("10000{number}"), "bank_code": "004"});
        assert_eq!(app.post("finance", &accounts, &body).await.status, 201);
        let payment = app.pay("paypal", &format!("list-{number}")).await["id"].as_str().unwrap().to_owned();
        let page = format!("/v1/sandbox/payments/{payment}");
        assert_eq!(app.post("storefront", &page, &json!({"shopper": "approve"})).await.status, 200);
    }
    for (key, path) in [
        ("admin", "/v1/keys"),
        ("admin", "/v1/audit"),
        ("finance", "/v1/suppliers"),
        ("finance", "/v1/bank-accounts"),
        ("finance", accounts.as_str()),
        ("finance", "/v1/payments?gateway=paypal"),
        ("finance", "/v1/ledger/accounts"),
        ("finance", "/v1/ledger/transactions"),
    ] {
        walk(&app, key, path).await;
    }
    assert_eq!(
        app.get("finance", "/v1/findings?ending_before=fnd_01kaw000000000000000000000").await.status,
        200
    );
    assert_eq!(
        app.get("finance", "/v1/findings?starting_after=pay_01kaw000000000000000000000").await.code(),
        "wrong_id_type"
    );
    assert_eq!(app.get("finance", "/v1/findings?state=ajar").await.code(), "invalid_parameter");
    let theirs = app.sandbox["other"]["suppliers"][0]["id"].as_str().unwrap().to_owned();
    let (rows, _) = page(&app, "finance", "/v1/suppliers", &format!("starting_after={theirs}")).await;
    assert!(!rows.contains(&theirs));
    app.stop().await;
}
