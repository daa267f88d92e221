//! Manners of the edge: problems, strict bodies, limits, headers, documents that agree with the routes.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use serde_json::{Value, json};
use straits::http::ROUTES;
use straits::http::problem::Code;

use crate::app::TestApp;

#[actix_web::test]
async fn the_document_has_exactly_the_routes_and_examples_for_all_bodies() {
    let app = TestApp::start().await;
    let document = app.get("", "/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.insert((path.clone(), method.clone()));
            for (status, answer) in operation["responses"].as_object().unwrap() {
                for (kind, content) in answer["content"].as_object().into_iter().flatten() {
                    let shown = has_example(&document, content);
                    assert!(shown, "{method} {path} {status} {kind} has no example");
                }
            }
            let request = &operation["requestBody"]["content"];
            for (kind, content) in request.as_object().into_iter().flatten() {
                assert!(has_example(&document, content), "{method} {path} request {kind} has no example");
            }
        }
    }
    let routes: BTreeSet<_> = ROUTES.iter().map(|row| (row.path.to_owned(), row.method.to_owned())).collect();
    assert_eq!(routes, documented);
    app.stop().await;
}

/// An example beside the schema, or in the schema it names or its properties.
fn has_example(document: &Value, content: &Value) -> bool {
    if content.get("example").is_some() || content.get("examples").is_some() {
        return true;
    }
    let name =
        content["schema"]["$ref"].as_str().and_then(|text| text.rsplit('/').next()).unwrap_or_default();
    let schema = &document["components"]["schemas"][name];
    schema.get("example").is_some() || schema.get("examples").is_some() || schema.get("properties").is_some()
}

#[actix_web::test]
async fn every_problem_has_its_document_and_its_page() {
    let app = TestApp::start().await;
    let cases = [
        (app.get("", "/nowhere").await, 404, "not_found"),
        (app.get("", "/v1/suppliers").await, 401, "unauthorized"),
        (app.send(app.request("PUT", "/v1/suppliers")).await, 405, "method_not_allowed"),
        (app.send(app.request("TRACE", "/v1/suppliers")).await, 405, "method_not_allowed"),
        (app.get("finance", "/v1/suppliers?limit=1000000000").await, 400, "invalid_parameter"),
        (app.get("finance", "/v1/suppliers?limits=1").await, 400, "unknown_field"),
    ];
    for (answer, status, code) in cases {
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let document = answer.json();
        assert_eq!(document["request_id"].as_str(), Some(answer.header("x-request-id")));
        let page = document["type"].as_str().unwrap().strip_prefix(&app.url).unwrap().to_owned();
        assert_eq!(app.get("", &page).await.status, 200, "{page}");
        if status == 405 {
            assert_eq!(answer.header("allow"), "GET, POST, HEAD");
        }
    }
    for code in Code::ALL {
        assert_eq!(app.get("", &format!("/problems/{}", code.as_str())).await.status, 200);
    }
    app.stop().await;
}

#[actix_web::test]
async fn bodies_are_understood_whole_or_refused() {
    let app = TestApp::start().await;
    let good = r#"{"name":"A","country":"TH","currency":"THB"}"#;
    let rows: &[(&str, u16, &str, &str)] = &[
        (r#"{"name":"A","country":"TH","currncy":"THB"}"#, 400, "unknown_field", "currncy"),
        (r#"{"name":"A","name":"B","country":"TH","currency":"THB"}"#, 400, "duplicate_field", "name"),
        (r#"{"name":"A","country":"TH"}"#, 400, "missing_field", "currency"),
        (r#"{"name":"A","country":"TH","currency":"XAU"}"#, 400, "unknown_currency", "currency"),
        (r#"{"name":1,"country":"TH","currency":"THB"}"#, 400, "invalid_body", "name"),
        (r#"{"name":"A","country":"Thailand","currency":"THB"}"#, 400, "invalid_body", "country"),
        ("{", 400, "invalid_json", ""),
        ("", 400, "invalid_json", ""),
    ];
    for (body, status, code, param) in rows {
        let request =
            app.keyed("POST", "finance", "/v1/suppliers").header("content-type", "application/json");
        let answer = app.send(request.body(*body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (*status, *code), "{body}: {}", answer.text);
        assert_eq!(answer.json()["param"].as_str().unwrap_or(""), *param, "{body}");
    }
    let plain = app.keyed("POST", "finance", "/v1/suppliers").header("content-type", "text/plain").body(good);
    assert_eq!(app.send(plain).await.code(), "unsupported_media_type");
    let zipped = app.keyed("POST", "finance", "/v1/suppliers").header("content-type", "application/json");
    assert_eq!(
        app.send(zipped.header("content-encoding", "gzip").body(good)).await.code(),
        "unsupported_encoding"
    );
    let huge = app.keyed("POST", "finance", "/v1/suppliers").header("content-type", "application/json");
    assert_eq!(app.send(huge.body(vec![b' '; 1_048_577])).await.code(), "payload_too_large");
    app.stop().await;
}

#[actix_web::test]
async fn money_is_read_strictly_wherever_it_stands() {
    let app = TestApp::start().await;
    let supplier = app.supplier("TH");
    let rows = [
        (json!({"amount": 100, "currency": "SGD"}), "amount_must_be_string"),
        (json!({"amount": "100.005", "currency": "SGD"}), "too_precise"),
        (json!({"amount": "1e2", "currency": "SGD"}), "invalid_amount"),
        (json!({"amount": "1,000.00", "currency": "SGD"}), "invalid_amount"),
        (json!({"amount": "-5.00", "currency": "SGD"}), "invalid_amount"),
        (json!({"amount": "1.5", "currency": "JPY"}), "too_precise"),
        (json!({"amount": "99999999999999999.00", "currency": "SGD"}), "amount_too_large"),
    ];
    for (amount, code) in rows {
        for path in ["/v1/payments", "/v1/settlements/preview"] {
            let mut body = json!({"amount": amount, "gateway": "paypal", "splits": [{"supplier": supplier, "share": {"percent": "80"}}]});
            if path == "/v1/payments" {
                body["order_ref"] = json!("x");
            }
            let answer = app.post_once("storefront", path, "k", &body).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (400, code),
                "{path} {amount}: {}",
                answer.text
            );
            assert_eq!(answer.json()["param"], "amount.amount", "{path} {amount}");
        }
    }
    for day in ["2026-02-30", "26-02-03", "+2026-01-01", "2026-1-1", "tomorrow"] {
        let body = json!({"amount": {"amount": "1.00", "currency": "SGD"}, "gateway": "paypal", "date": day});
        let answer = app.post("storefront", "/v1/settlements/preview", &body).await;
        let told = answer.json();
        assert_eq!((answer.status, &told["param"]), (400, &json!("date")), "{day}: {told}");
        assert!(told["detail"].as_str().unwrap().contains("2026-10-30"), "{told}");
    }
    app.stop().await;
}

#[actix_web::test]
async fn one_key_has_so_many_requests_and_hears_when_to_come_back() {
    let few = [("limits.sandbox_per_key_per_second", "1"), ("limits.sandbox_per_key_burst", "3")];
    let app = TestApp::with(&few).await;
    let mut statuses = vec![];
    for _ in 0..5 {
        let answer = app.get("finance", "/v1/suppliers").await;
        assert_eq!(answer.header("ratelimit-limit"), "3");
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            assert_eq!(answer.code(), "too_many_requests");
        }
        statuses.push(answer.status);
    }
    assert_eq!(&statuses[..3], [200, 200, 200]);
    assert!(statuses.contains(&429));
    assert_eq!(app.get("storefront", "/v1/payments").await.status, 200, "another key has its own bucket");
    app.stop().await;
}

#[actix_web::test]
async fn an_address_pays_before_a_key_that_was_never_seen_is_looked_up() {
    let few = [("limits.per_address_per_second", "1"), ("limits.per_address_burst", "4")];
    let app = TestApp::with(&few).await;
    assert_eq!(app.get("finance", "/v1/suppliers").await.status, 200);
    let mut statuses = vec![];
    for nth in 0..8 {
        // Well written and unknown: nothing but a question to the database tells it from a key.
        let text = straits::domain::access::new_key_text(
            straits::domain::access::KeyKind::Secret,
            straits::domain::access::Environment::Test,
            &straits::ids::IdSource::seeded(straits::clock::Clock::system(), nth),
        );
        let request = app.request("GET", "/v1/suppliers");
        statuses
            .push(app.send(request.bearer_auth(secrecy::ExposeSecret::expose_secret(&text))).await.status);
    }
    assert!(statuses.starts_with(&[401]) && statuses.ends_with(&[429]), "{statuses:?}");
    // Even a good key is not looked up for this address now; one that is known here goes on working.
    assert_eq!(app.get("admin", "/v1/keys").await.status, 429);
    assert_eq!(app.get("finance", "/v1/suppliers").await.status, 200);
    app.stop().await;
}

#[actix_web::test]
async fn a_slow_body_is_not_waited_for() {
    let app = TestApp::with(&[("limits.body_seconds", "1")]).await;
    let (address, key) = (app.url.trim_start_matches("http://").to_owned(), app.key("finance"));
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/suppliers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = [0; 64];
        let read = stream.read(&mut text).unwrap();
        String::from_utf8_lossy(&text[..read]).into_owned()
    });
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 408"));
    app.stop().await;
}

#[actix_web::test]
async fn answers_have_their_headers_and_the_documentation_stays_at_home() {
    let app = TestApp::start().await;
    let answer = app.get("finance", "/v1/suppliers").await;
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
    {
        assert_eq!(answer.header(name), value);
    }
    let price = app.get("publishable", "/v1/prices?amount=1.00&currency=USD&to=SGD").await;
    assert!(price.header("cache-control").starts_with("private") && !price.header("vary").is_empty());
    let docs = app.get("", "/docs/").await;
    assert_eq!(docs.status, 200);
    assert!(
        !docs.text.contains("//cdn") && docs.header("content-security-policy").contains("default-src 'self'")
    );
    assert_eq!(app.send(app.request("HEAD", "/livez")).await.status, 200);
    assert_eq!(app.get("", "/readyz").await.json()["ready"], true);
    app.stop().await;
}
