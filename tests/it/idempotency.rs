//! Repeated requests: one effect, one answer, byte for byte; across restarts too.

use serde_json::{Value, json};

use crate::app::TestApp;

fn payment(app: &TestApp, order_ref: &str) -> Value {
    json!({
        "order_ref": order_ref,
        "amount": {"amount": "100.00", "currency": "SGD"},
        "gateway": "paypal",
        "splits": [{"supplier": app.supplier("TH"), "share": {"percent": "80"}}],
    })
}

#[actix_web::test]
async fn the_same_key_answers_the_same_and_another_body_is_refused() {
    let app = TestApp::start().await;
    let body = payment(&app, "order-1");
    let none = app.post("storefront", "/v1/payments", &body).await;
    assert_eq!((none.status, none.code()), (400, "idempotency_key_required".to_owned()));
    let first = app.post_once("storefront", "/v1/payments", "k1", &body).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, ""), "{}", first.text);
    let again = app.post_once("storefront", "/v1/payments", "k1", &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(again.text, first.text);
    let other = app.post_once("storefront", "/v1/payments", "k1", &payment(&app, "order-2")).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused".to_owned()));
    let taken = app.post_once("storefront", "/v1/payments", "k2", &body).await;
    assert_eq!((taken.status, taken.code()), (409, "order_ref_taken".to_owned()));
    assert_eq!(taken.json()["payment"], first.json()["id"]);
    let small = json!({
        "order_ref": "order-1", "amount": {"amount": "5.00", "currency": "SGD"}, "gateway": "paypal"
    });
    let theirs = app.post_once("other.storefront", "/v1/payments", "k1", &small).await;
    assert_eq!(theirs.status, 201, "a key belongs to its merchant: {}", theirs.text);
    app.stop().await;
}

#[actix_web::test]
async fn many_at_once_make_one_payment() {
    let app = TestApp::start().await;
    let body = payment(&app, "order-1");
    let asked = (0..30).map(|_| app.post_once("storefront", "/v1/payments", "k1", &body));
    let answers = futures_util::future::join_all(asked).await;
    let mut ids: Vec<_> = vec![];
    for answer in &answers {
        match answer.status {
            201 => ids.push(answer.json()["id"].clone()),
            409 => assert_eq!(answer.code(), "idempotency_key_in_flight"),
            other => panic!("{other}: {}", answer.text),
        }
    }
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]));
    let list = app.get("storefront", "/v1/payments").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    app.stop().await;
}

#[actix_web::test]
async fn a_restart_forgets_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    let body = payment(&app, "order-1");
    let first = app.post_once("storefront", "/v1/payments", "k1", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    app.stop().await;
    let app = TestApp::on(folder.path(), &[]).await;
    let again = app.post_once("storefront", "/v1/payments", "k1", &body).await;
    assert_eq!((again.status, again.text.as_str()), (201, first.text.as_str()));
    app.stop().await;
}
