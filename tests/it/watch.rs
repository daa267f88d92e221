//! What operators see: named gauges that move with what they name, readiness with its reasons, the head on the trail.

use serde_json::{Value, json};

use crate::app::TestApp;

/// The value of a series whose name and labels begin like this.
async fn gauge(app: &TestApp, name: &str) -> Option<f64> {
    let text = app.get("", "/metrics").await.text;
    let line =
        text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
    line.and_then(|line| line.rsplit(' ').next()).and_then(|number| number.parse().ok())
}

async fn trail(app: &TestApp) -> Vec<Value> {
    app.get("admin", "/v1/audit?limit=100").await.json()["data"].as_array().cloned().unwrap_or_default()
}

#[actix_web::test]
async fn every_named_gauge_moves_with_what_it_names() {
    straits::http::api::operations::recorder();
    let app = TestApp::start().await;
    assert_eq!(gauge(&app, "straits_payment_open_age_seconds").await, Some(0.0));
    let payment = app.pay("paypal", "gauge-1").await["id"].as_str().unwrap().to_owned();
    app.post("admin", "/v1/sandbox/clock", &json!({"advance": "90s"})).await;
    let age = gauge(&app, "straits_payment_open_age_seconds").await.unwrap();
    assert!((90.0..150.0).contains(&age), "{age}");
    let page = format!("/v1/sandbox/payments/{payment}");
    let approve = app.post("storefront", &page, &json!({"shopper": "approve"})).await;
    assert_eq!(approve.status, 200);
    for _ in 0..100 {
        if gauge(&app, "straits_certificate_expiry_seconds").await.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let expiry = gauge(&app, "straits_certificate_expiry_seconds").await.unwrap();
    assert!(expiry > 3_600.0, "{expiry}");
    assert_eq!(gauge(&app, "straits_payment_open_age_seconds").await, Some(0.0));
    assert_eq!(gauge(&app, "straits_intent_unknown").await, Some(0.0));
    assert_eq!(gauge(&app, "straits_jobs_dead").await, Some(0.0));
    assert!(gauge(&app, "straits_inbox_unapplied").await.is_some());
    assert!(gauge(&app, "straits_writer_queue").await.is_some());
    assert!(gauge(&app, "straits_writer_batch_size_count").await.unwrap() > 0.0);
    let before = gauge(&app, "straits_rate_age_seconds{provider=\"ecb\"}").await.unwrap();
    assert_eq!(app.get("finance", "/v1/ledger/verify").await.json()["ok"], true);
    assert_eq!(gauge(&app, "straits_verify_ok").await, Some(1.0));
    app.post("admin", "/v1/sandbox/clock", &json!({"advance": "1h"})).await;
    let after = gauge(&app, "straits_rate_age_seconds{provider=\"ecb\"}").await.unwrap();
    assert!((before + 3_600.0..before + 3_700.0).contains(&after), "{before} {after}");
    app.stop().await;
}

/// Long before the nightly run, and also where the books' last verification is of an earlier start.
#[tokio::test]
async fn whether_the_books_hold_is_told_from_every_start_on() {
    let folder = tempfile::tempdir().unwrap();
    for start in 0..2 {
        let program = crate::program::Program::serve(folder.path(), &[], &["--data-dir", "data"]);
        let begun = std::time::Instant::now();
        loop {
            let metrics =
                reqwest::get(format!("{}/metrics", program.url)).await.unwrap().text().await.unwrap();
            if metrics.lines().any(|line| line == "straits_verify_ok 1") {
                break;
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(30), "start {start}: {metrics}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        program.stop();
    }
}

#[actix_web::test]
async fn readiness_tells_its_reasons() {
    let app = TestApp::start().await;
    let ready = app.get("", "/readyz").await;
    assert_eq!(ready.status, 200);
    let ready = ready.json();
    let names: Vec<_> =
        ready["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
    assert_eq!(names, ["started", "database", "migrations"]);
    assert!(ready["rates"][0]["age_s"].is_i64() && ready["writer"]["queue"].is_u64(), "{ready}");
    app.stop().await;
}

#[actix_web::test]
async fn the_ledgers_head_is_noted_every_hour_it_moves() {
    let app = TestApp::start().await;
    let payment = app.pay("paypal", "head-1").await["id"].as_str().unwrap().to_owned();
    app.post("storefront", &format!("/v1/sandbox/payments/{payment}"), &json!({"shopper": "approve"})).await;
    for _ in 0..2 {
        assert_eq!(app.post("admin", "/v1/sandbox/clock", &json!({"advance": "1h"})).await.status, 200);
    }
    let heads = trail(&app).await.into_iter().filter(|line| line["action"] == "ledger.head");
    let heads: Vec<_> =
        heads.map(|line| format!("{}:{}", text(&line["subject"]), text(&line["detail"]))).collect();
    let verified = app.get("finance", "/v1/ledger/verify").await.json();
    assert_eq!(heads.last().map(String::as_str), verified["head"].as_str(), "{heads:?}");
    assert!(heads.windows(2).all(|pair| pair[0] != pair[1]), "{heads:?}");
    app.stop().await;
}

#[actix_web::test]
async fn what_was_done_is_on_the_trail_and_what_failed_is_not() {
    let app = TestApp::start().await;
    let paid = app.pay("paypal", "trail-1").await["id"].as_str().unwrap().to_owned();
    let open = app.pay("paypal", "trail-2").await["id"].as_str().unwrap().to_owned();
    let refund = |amount: &str| json!({"amount": {"amount": amount, "currency": "SGD"}});
    let refunds = format!("/v1/payments/{paid}/refunds");
    // Nothing is captured yet: refused, and told nowhere.
    assert_eq!(app.post_once("storefront", &refunds, "early", &refund("10.00")).await.status, 409);
    app.post("storefront", &format!("/v1/sandbox/payments/{paid}"), &json!({"shopper": "approve"})).await;
    assert_eq!(app.post("storefront", &format!("/v1/payments/{paid}/cancel"), &json!({})).await.status, 409);
    assert_eq!(app.post_once("storefront", &refunds, "over", &refund("100.01")).await.status, 409);
    let made = app.post_once("storefront", &refunds, "good", &refund("10.00")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(app.post_once("storefront", &refunds, "good", &refund("10.00")).await.text, made.text);
    let cancel = format!("/v1/payments/{open}/cancel");
    assert_eq!(app.post("finance", &cancel, &json!({})).await.status, 200);
    assert_eq!(app.post("finance", &cancel, &json!({})).await.status, 200);
    let deliver = format!("/v1/payments/{paid}/deliver");
    assert_eq!(app.post_once("storefront", &deliver, "all", &json!({})).await.status, 200);
    assert_eq!(app.post_once("storefront", &deliver, "all", &json!({})).await.status, 200);
    let back = json!({"set": "2020-01-01T00:00:00Z"});
    assert_eq!(app.post("admin", "/v1/sandbox/clock", &back).await.status, 409);
    for never in [json!({"advance": "1000000000h"}), json!({"set": "9999-12-31T23:59:59Z"})] {
        assert_eq!(app.post("admin", "/v1/sandbox/clock", &never).await.code(), "invalid_body", "{never}");
    }
    assert_eq!(app.post("admin", "/v1/sandbox/clock", &json!({"advance": "1s"})).await.status, 200);

    let lines: Vec<Value> =
        trail(&app).await.into_iter().filter(|line| line["action"] != "ledger.head").collect();
    let told: Vec<(String, String)> =
        lines.iter().map(|line| (text(&line["action"]), text(&line["subject"]))).collect();
    let expected = [
        ("payment.refunded", paid.as_str()),
        ("payment.cancelled", open.as_str()),
        ("payment.delivered", paid.as_str()),
        ("clock.moved", "clock"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(told, expected);
    assert_eq!(text(&lines[0]["request_id"]), made.header("x-request-id"));
    assert_ne!(lines[0]["user"], lines[1]["user"]);
    assert_eq!(app.get("admin", "/v1/audit?limit=100").await.json()["intact"], true);
    app.stop().await;
}

#[actix_web::test]
async fn a_hundred_at_once_make_one_unbroken_trail() {
    let app = TestApp::start().await;
    let add = |number: usize| {
        let body = json!({"name": format!("Supplier {number}"), "country": "TH", "currency": "THB"});
        let request = app.keyed("POST", "finance", "/v1/suppliers").json(&body);
        async { app.send(request).await.status }
    };
    let made = futures_util::future::join_all((0..100).map(add)).await;
    assert!(made.iter().all(|status| *status == 201), "{made:?}");
    let trail = app.get("admin", "/v1/audit?limit=100").await.json();
    assert_eq!((trail["data"].as_array().unwrap().len(), &trail["intact"]), (100, &json!(true)));
    assert_eq!(trail["data"][99]["seq"], 100);
    app.stop().await;
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
