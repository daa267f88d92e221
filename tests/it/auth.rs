//! Who may do what: scopes over every route, strangers' ids, environments, revocation, origins.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection;
use straits::http::ROUTES;
use straits::http::caller::Access;

use crate::app::TestApp;
use crate::engines::TestDatabase;

#[actix_web::test]
async fn every_route_refuses_strangers_and_wrong_scopes() {
    let app = TestApp::start().await;
    for row in ROUTES {
        let path =
            row.path.replace("{id}", "x").replace("{gateway}", "paypal").replace("{account}", "paypal");
        let path = path.replace("{name}", "lost_callback").replace("{code}", "not_found");
        let method = row.method.to_uppercase();
        let needs = match row.access {
            Access::Public | Access::Gateway => continue,
            Access::AnyKey => None,
            Access::Scopes(needs) | Access::Sandbox(needs) => Some(needs),
        };
        let none = app.send(app.request(&method, &path)).await;
        assert_eq!((none.status, none.code()), (401, "unauthorized".to_owned()), "{method} {path}");
        let Some(needs) = needs else { continue };
        for key in ["publishable", "storefront", "finance", "supplier", "admin"] {
            let allowed = needs.iter().any(|need| need.as_str() == key);
            let answer = app.send(app.keyed(&method, key, &path)).await;
            assert_eq!(answer.code() == "key_scope", !allowed, "{method} {path} with {key}: {}", answer.text);
        }
    }
    app.stop().await;
}

#[actix_web::test]
async fn what_belongs_to_others_is_not_found() {
    let app = TestApp::start().await;
    let theirs = app.sandbox["other"]["suppliers"][0]["id"].as_str().unwrap().to_owned();
    let unknown = "sup_01kaw000000000000000000000";
    for id in [theirs.as_str(), unknown, "sup_x"] {
        for path in ["", "/accounts", "/balances", "/statements?from=2026-11-01&to=2026-11-30"] {
            let answer = app.get("finance", &format!("/v1/suppliers/{id}{path}")).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found".to_owned()), "{id}{path}");
        }
    }
    let (own, sibling) = (app.supplier("TH"), app.supplier("CN"));
    for path in ["", "/accounts", "/balances", "/statements?from=2026-11-01&to=2026-11-30"] {
        assert_eq!(app.get("supplier", &format!("/v1/suppliers/{own}{path}")).await.status, 200, "{path}");
        assert_eq!(
            app.get("supplier", &format!("/v1/suppliers/{sibling}{path}")).await.status,
            404,
            "{path}"
        );
    }
    let payment = app.pay("paypal", "order-1").await["id"].as_str().unwrap().to_owned();
    for path in ["", "/settlement"] {
        let answer = app.get("other.storefront", &format!("/v1/payments/{payment}{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(
        app.post("other.storefront", &format!("/v1/payments/{payment}/cancel"), &json!({})).await.status,
        404
    );
    let wrong = app.get("finance", &format!("/v1/suppliers/{payment}")).await;
    assert_eq!((wrong.status, wrong.code()), (400, "wrong_id_type".to_owned()));
    app.stop().await;
}

#[actix_web::test]
async fn a_key_is_shown_once_works_and_stops_when_revoked() {
    let app = TestApp::start().await;
    let made = app.post("admin", "/v1/keys", &json!({"name": "till", "scopes": ["finance"]})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, text) = (made.json()["id"].clone(), made.json()["key"].as_str().unwrap().to_owned());
    assert!(text.starts_with("sk_test_"));
    let list = app.get("admin", "/v1/keys?limit=100").await;
    assert!(!list.text.contains(&text) && list.text.contains(id.as_str().unwrap()));
    let with = |text: &str| app.request("GET", "/v1/suppliers").bearer_auth(text.to_owned());
    assert_eq!(app.send(with(&text)).await.status, 200);
    let path = format!("/v1/keys/{}", id.as_str().unwrap());
    assert_eq!(app.send(app.keyed("DELETE", "admin", &path)).await.status, 200);
    assert_eq!(app.send(with(&text)).await.status, 401);
    let audit = app.get("admin", "/v1/audit").await.json();
    let actions: Vec<_> = audit["data"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, [json!("key.created"), json!("key.revoked")]);
    assert_eq!(audit["intact"], true);
    for bad in [
        json!({"name": "x"}),
        json!({"name": "x", "kind": "pk", "scopes": ["admin"]}),
        json!({"name": "x", "scopes": ["root"]}),
        json!({"name": "x\u{202e}", "scopes": ["admin"]}),
        json!({"name": "x", "scopes": ["admin"], "role": "root"}),
    ] {
        assert_eq!(app.post("admin", "/v1/keys", &bad).await.status, 400, "{bad}");
    }
    app.stop().await;
}

#[actix_web::test]
async fn keys_of_the_other_environment_and_mistyped_ones_are_refused() {
    let app = TestApp::start().await;
    let key = app.key("finance");
    let flip = if key.ends_with('0') { "1" } else { "0" };
    for text in [
        key.replace("_test_", "_live_"),
        format!("{}{flip}", &key[..key.len() - 1]),
        "x".to_owned(),
        String::new(),
    ] {
        let answer = app.send(app.request("GET", "/v1/suppliers").bearer_auth(&text)).await;
        assert_eq!(answer.status, 401, "{text}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let query = app.send(app.request("GET", &format!("/v1/suppliers?key={key}"))).await;
    assert_eq!(query.status, 401);
    app.stop().await;
}

/// Two programs on one database: a browser whose key one of them has made may be served by the other.
#[actix_web::test]
async fn origins_of_keys_made_and_revoked_by_another_program_are_known_within_seconds() {
    let app = TestApp::start().await;
    let preflight = || {
        let request = app.request("OPTIONS", "/v1/rates").header("Origin", "https://late.example");
        request
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "authorization")
    };
    let file = format!("sqlite://{}", app.folder().join("straits.db").display());
    let mut other = TestDatabase::existing(file).connect().await;
    assert_eq!(app.send(preflight()).await.status, 403);
    for (origins, status) in [(r#"["https://late.example"]"#, 200), ("[]", 403)] {
        sqlx::query("UPDATE api_key SET origins = $1 WHERE kind = 'pk'")
            .bind(origins)
            .execute(&mut other)
            .await
            .unwrap();
        let begun = Instant::now();
        while app.send(preflight()).await.status != status {
            assert!(begun.elapsed() < Duration::from_secs(20), "{origins} is not heard of");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    other.close().await.unwrap();
    app.stop().await;
}

#[actix_web::test]
async fn a_publishable_key_works_from_its_origins_only() {
    let app = TestApp::start().await;
    let body = json!({"name": "window", "kind": "pk", "origins": ["https://shop.example"]});
    let key = app.post("admin", "/v1/keys", &body).await.json()["key"].as_str().unwrap().to_owned();
    let ask = |origin: &str| {
        let request = app.request("GET", "/v1/rates?base=USD&quotes=SGD").bearer_auth(key.clone());
        request.header("Origin", origin.to_owned())
    };
    let good = app.send(ask("https://shop.example")).await;
    assert_eq!((good.status, good.header("access-control-allow-origin")), (200, "https://shop.example"));
    let evil = app.send(ask("https://evil.example")).await;
    assert_eq!((evil.status, evil.header("access-control-allow-origin")), (403, ""));
    let preflight = |origin: &str, path: &str| {
        let request = app.request("OPTIONS", path).header("Origin", origin.to_owned());
        request
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "authorization")
    };
    assert_eq!(app.send(preflight("https://shop.example", "/v1/rates")).await.status, 200);
    for (origin, path) in [("https://evil.example", "/v1/rates"), ("https://shop.example", "/v1/suppliers")] {
        let answer = app.send(preflight(origin, path)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin} {path}");
    }
    let refused = app.send(preflight("https://evil.example", "/v1/rates")).await;
    assert_eq!(
        (refused.status, refused.code().as_str(), refused.header("content-type")),
        (403, "origin_not_allowed", "application/problem+json"),
        "{}",
        refused.text
    );
    assert!(
        refused.json()["detail"].as_str().unwrap().starts_with("https://evil.example is not"),
        "{}",
        refused.text
    );
    app.stop().await;
}

#[actix_web::test]
async fn another_master_key_refuses_to_start_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = TestApp::on(folder.path(), &[]).await;
    let keys = first.sandbox["keys"].clone();
    first.stop().await;
    let second = TestApp::on(folder.path(), &[]).await;
    assert_eq!(second.sandbox["keys"], keys);
    second.stop().await;
    let other = "cd".repeat(32);
    let settings = crate::app::settings(folder.path(), &[("server.master_key", &other)]).unwrap();
    let error = straits::app::App::build(settings, straits::app::Sources::system()).await.unwrap_err();
    assert!(error.to_string().contains("master_key_mismatch"), "{error}");
}
