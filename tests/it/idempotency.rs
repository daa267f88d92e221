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

/// A request of every kind that needs a key, on things of its own.
struct Kind {
    key: &'static str,
    path: String,
    body: Value,
    other: Value,
    status: u16,
}

/// Looks for the finding of a payment.
async fn finding(app: &TestApp) -> String {
    for _ in 0..100 {
        let page = app.get("finance", "/v1/findings").await.json();
        if let Some(id) = page["data"][0]["id"].as_str() {
            return id.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no finding came");
}

async fn captured(app: &TestApp, order_ref: &str) -> String {
    let id = app.pay("paypal", order_ref).await["id"].as_str().unwrap().to_owned();
    let page = format!("/v1/sandbox/payments/{id}");
    assert_eq!(app.post("storefront", &page, &json!({"shopper": "approve"})).await.status, 200);
    id
}

async fn kinds(app: &TestApp) -> Vec<Kind> {
    let one = captured(app, "kind-1").await;
    let odd = app.pay("paypal", "kind-2").await["id"].as_str().unwrap().to_owned();
    let armed = app.post("storefront", "/v1/sandbox/scenarios/wrong_amount", &json!({"payment": odd})).await;
    assert_eq!(armed.status, 200, "{}", armed.text);
    app.post("storefront", &format!("/v1/sandbox/payments/{odd}"), &json!({"shopper": "approve"})).await;
    let finding = finding(app).await;
    let money = |amount: &str| json!({"amount": amount, "currency": "SGD"});
    let kind = |key, path: String, body, other, status| Kind { key, path, body, other, status };
    vec![
        kind("storefront", "/v1/payments".into(), payment(app, "kind-3"), payment(app, "kind-4"), 201),
        kind(
            "publishable",
            "/v1/quotes".into(),
            json!({"from": money("5.00"), "to": "SGD"}),
            json!({"from": money("6.00"), "to": "SGD"}),
            201,
        ),
        kind("storefront", format!("/v1/payments/{one}/deliver"), json!({}), json!({"items": []}), 200),
        kind(
            "finance",
            format!("/v1/findings/{finding}/resolve"),
            json!({"action": "send_back", "reason": "not ours"}),
            json!({"action": "send_back", "reason": "really not ours"}),
            200,
        ),
        kind(
            "storefront",
            format!("/v1/payments/{one}/refunds"),
            json!({"amount": money("10.00"), "reason": "damaged"}),
            json!({"amount": money("11.00"), "reason": "damaged"}),
            201,
        ),
    ]
}

/// Transactions, payments and quotes: what a second effect would add to.
async fn effects(app: &TestApp) -> usize {
    let count = async |path: &str| app.get("finance", path).await.json()["data"].as_array().unwrap().len();
    count("/v1/ledger/transactions?limit=100").await
        + count("/v1/payments?limit=100").await
        + app.get("admin", "/v1/audit?limit=100").await.json()["data"].as_array().unwrap().len()
}

/// Changes what is known of a key behind the program's back, as a crash would leave it.
async fn forget_answer(folder: &std::path::Path, key: &str, leased_until: i64) {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}/straits.db", folder.display());
    let mut book = sqlx::AnyConnection::connect(&url).await.unwrap();
    let sql =
        "UPDATE idempotency SET status = NULL, body = NULL, leased_until = $1 WHERE idempotency_key = $2";
    let done = sqlx::query(sql).bind(leased_until).bind(key).execute(&mut book).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{key}");
    book.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_moves_or_promises_money_answers_once() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    for Kind { key, path, body, other, status } in kinds(&app).await {
        let none = app.post(key, &path, &body).await;
        assert_eq!((none.status, none.code()), (400, "idempotency_key_required".to_owned()), "{path}");
        let first = app.post_once(key, &path, "k1", &body).await;
        assert_eq!(
            (first.status, first.header("idempotent-replayed")),
            (status, ""),
            "{path} {}",
            first.text
        );
        let stood = effects(&app).await;
        let again = app.post_once(key, &path, "k1", &body).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (status, "true"), "{path}");
        assert_eq!(again.text, first.text, "{path}");
        let reused = app.post_once(key, &path, "k1", &other).await;
        assert_eq!((reused.status, reused.code()), (422, "idempotency_key_reused".to_owned()), "{path}");

        // The answer was lost: at work as long as its lease runs, then told from what is there.
        let far = i64::MAX / 4;
        forget_answer(folder.path(), "k1", far).await;
        let early = app.post_once(key, &path, "k1", &body).await;
        assert_eq!((early.status, early.code()), (409, "idempotency_key_in_flight".to_owned()), "{path}");
        assert!(!early.header("retry-after").is_empty());
        forget_answer(folder.path(), "k1", 0).await;
        let late = app.post_once(key, &path, "k1", &body).await;
        assert_eq!(
            (late.status, late.header("idempotent-replayed")),
            (status, "true"),
            "{path} {}",
            late.text
        );
        assert_eq!(late.json()["id"], first.json()["id"], "{path}");
        if path.ends_with("/deliver") {
            assert_eq!(late.json(), first.json());
        }
        assert_eq!(effects(&app).await, stood, "{path} was done twice");
        forget_answer_row(folder.path(), "k1").await;
    }
    assert_eq!(app.get("finance", "/v1/ledger/verify").await.json()["ok"], true);
    app.stop().await;
}

/// Renames a key's row, so that the next kind can use the same key without looking like it.
async fn forget_answer_row(folder: &std::path::Path, key: &str) {
    use sqlx::Connection;
    let url = format!("sqlite://{}/straits.db", folder.display());
    let mut book = sqlx::AnyConnection::connect(&url).await.unwrap();
    let sql = "UPDATE idempotency SET idempotency_key = id WHERE idempotency_key = $1";
    sqlx::query(sql).bind(key).execute(&mut book).await.unwrap();
    book.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_have_one_effect() {
    let app = TestApp::start().await;
    for Kind { key, path, body, status, .. } in kinds(&app).await {
        let asked = (0..8).map(|_| app.post_once(key, &path, "k1", &body));
        let answers = futures_util::future::join_all(asked).await;
        let good: Vec<&crate::app::Answer> =
            answers.iter().filter(|answer| answer.status == status).collect();
        assert!(!good.is_empty(), "{path}: {}", answers[0].text);
        assert!(good.iter().all(|answer| answer.text == good[0].text), "{path}");
        for answer in answers.iter().filter(|answer| answer.status != status) {
            assert_eq!(answer.code(), "idempotency_key_in_flight", "{path}: {}", answer.text);
        }
        if path.ends_with("/refunds") {
            let paid = app.get("storefront", path.trim_end_matches("/refunds")).await.json();
            assert_eq!(paid["refunded"]["amount"], "10.00");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_one_persons_word() {
    let app = TestApp::start().await;
    let Kind { path, body, .. } = kinds(&app).await.remove(3);
    let proposed = app.post_once("finance", &path, "k1", &body).await.json();
    assert_eq!(proposed["needs_second_user"], true, "{proposed}");
    let same = app.post_once("checker", &path, "k1", &body).await;
    assert_eq!((same.status, same.code()), (422, "idempotency_key_reused".to_owned()));
    let own = app.post_once("finance", &path, "k2", &body).await;
    assert_eq!((own.status, own.code()), (403, "four_eyes".to_owned()));
    // A refusal keeps nothing: the key is free for another try.
    let confirmed = app.post_once("checker", &path, "k2", &body).await;
    assert_eq!(
        (confirmed.status, &confirmed.json()["state"]),
        (200, &json!("resolved")),
        "{}",
        confirmed.text
    );
    assert_eq!(app.post_once("checker", &path, "k2", &body).await.text, confirmed.text);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_no_effect_leaves_the_key_free() {
    let few = [
        ("limits.sandbox_per_key_per_second", "1"),
        ("limits.sandbox_per_key_burst", "4"),
        ("fx.allow_stale_reference", "never"),
    ];
    let app = TestApp::with(&few).await;
    let quotes = "/v1/quotes";
    let good = json!({"from": {"amount": "5.00", "currency": "SGD"}, "to": "SGD"});
    let asked = |key: &str| app.keyed("POST", key, quotes).header("Idempotency-Key", "k1");
    let strange = app.send(asked("").json(&good)).await;
    assert_eq!(strange.status, 401);
    let large = json!({"to": "X".repeat(2 << 20)});
    assert_eq!(app.send(asked("storefront").json(&large)).await.status, 413);
    let typed = asked("storefront").header("Content-Type", "text/plain").body(good.to_string());
    assert_eq!(app.send(typed).await.status, 415);
    let stale = json!({"from": {"amount": "5.00", "currency": "USD"}, "to": "THB"});
    let stale = app.send(asked("storefront").json(&stale)).await;
    assert_eq!((stale.status, stale.code()), (503, "rates_stale".to_owned()), "{}", stale.text);
    let mut last = 0;
    for _ in 0..10 {
        last = app.get("storefront", "/v1/quotes/quo_01kb0000000000000000000000").await.status;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    assert_eq!(app.send(asked("storefront").json(&good)).await.status, 429);
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    let made = app.send(asked("storefront").json(&good)).await;
    assert_eq!((made.status, made.header("idempotent-replayed")), (201, ""), "{}", made.text);
    app.stop().await;
}
