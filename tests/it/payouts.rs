//! Payouts through the whole program: a sale, a plan of two persons, PayPal's far side paying, and who may see what.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

async fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

async fn clock(app: &TestApp, advance: &str) {
    done(app.post("finance", "/v1/sandbox/clock", &json!({"advance": advance})).await).await;
}

/// A sale of USD 100.00, all of it the Vietnamese supplier's but the fee, released.
async fn sold(app: &TestApp, order: &str, supplier: &str) {
    let body = json!({
        "order_ref": order, "amount": {"amount": "100.00", "currency": "USD"}, "gateway": "paypal",
        "fee_bearer": "platform",
        "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
    });
    let paid = done(app.post_once("storefront", "/v1/payments", order, &body).await).await;
    let path = format!("/v1/sandbox/payments/{}", paid["id"].as_str().unwrap());
    done(app.post("storefront", &path, &json!({"shopper": "approve"})).await).await;
}

/// A supplier settled in dollars, paid at this address.
async fn joined(app: &TestApp, name: &str, address: &str) -> String {
    let body = json!({"name": name, "country": "US", "currency": "USD"});
    let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
    let id = supplier["id"].as_str().unwrap().to_owned();
    let body = json!({
        "kind": "paypal", "country": "US", "currency": "USD", "holder": name, "number": address,
    });
    done(app.post("finance", &format!("/v1/suppliers/{id}/accounts"), &body).await).await;
    id
}

async fn plan(app: &TestApp, key: &str) -> Value {
    done(app.post_once("maker", "/v1/payout-plans", key, &json!({})).await).await
}

async fn say(app: &TestApp, who: &str, plan: &Value, word: &str, body: Value) -> Answer {
    let path = format!("/v1/payout-plans/{}/{word}", plan["id"].as_str().unwrap());
    app.post_once(who, &path, &format!("{who}-{word}-{}", body), &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn suppliers_are_paid_by_two_persons_and_paypal() {
    let app = TestApp::start().await;
    let good = joined(&app, "Good Goods", "good@example.com").await;
    let late = joined(&app, "Late Lamps", "unclaimed.lamps@example.com").await;
    for (order, supplier) in [("o-1", &good), ("o-2", &good), ("o-3", &late)] {
        sold(&app, order, supplier).await;
    }
    clock(&app, "2d").await;
    let drafted = plan(&app, "p-1").await;
    assert_eq!(drafted["lines"].as_array().unwrap().len(), 2, "{drafted:#}");
    assert_eq!(drafted["totals"][0]["gross"], json!({"amount": "240.00", "currency": "USD"}));
    assert_eq!(drafted["funding"][0]["needed"], json!({"amount": "244.80", "currency": "USD"}));
    // The same key and body, the same plan.
    assert_eq!(plan(&app, "p-1").await["id"], drafted["id"]);

    let hash = json!({"hash": drafted["hash"]});
    done(say(&app, "maker", &drafted, "submit", json!({})).await).await;
    let refused = say(&app, "maker", &drafted, "approve", hash.clone()).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "four_eyes"));
    let other = json!({"hash": "0".repeat(64)});
    let refused = say(&app, "checker", &drafted, "approve", other).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "plan_changed"));
    for stranger in ["storefront", "supplier", "admin"] {
        let refused = say(&app, stranger, &drafted, "approve", hash.clone()).await;
        assert_eq!(refused.code(), "key_scope", "{stranger}");
    }
    let path = format!("/v1/payout-plans/{}", drafted["id"].as_str().unwrap());
    assert_eq!(app.get("other.finance", &path).await.status, 404);
    done(say(&app, "checker", &drafted, "approve", hash).await).await;
    done(say(&app, "maker", &drafted, "execute", json!({})).await).await;
    clock(&app, "10s").await;
    clock(&app, "10m").await;

    let shown = done(app.get("finance", &path).await).await;
    assert_eq!(shown["state"], "executing", "{:#}", shown["progress"]);
    assert_eq!((&shown["progress"]["paid"], &shown["progress"]["unclaimed"]), (&json!(1), &json!(1)));
    let payouts = done(app.get("finance", "/v1/payouts").await).await;
    let payouts = payouts["data"].as_array().unwrap().clone();
    let of = |supplier: &str| payouts.iter().find(|payout| payout["supplier"] == supplier).unwrap().clone();
    assert_eq!(of(&good)["charged"], json!({"amount": "3.20", "currency": "USD"}));
    let detail = format!("/v1/payouts/{}", of(&late)["id"].as_str().unwrap());
    let shown = done(app.get("finance", &detail).await).await;
    assert_eq!((&shown["state"], &shown["attempts"]["sent"]), (&json!("unclaimed"), &json!(1)), "{shown:#}");
    // A supplier's key sees its own: none of these.
    assert_eq!(app.get("supplier", &detail).await.status, 404);
    assert_eq!(done(app.get("supplier", "/v1/payouts").await).await["data"], json!([]));
    let foreign = format!("/v1/payouts?supplier={good}");
    assert_eq!(app.get("supplier", &foreign).await.status, 404);

    // Nobody takes it: after thirty days it is back, and the supplier's again.
    clock(&app, "31d").await;
    let shown = done(app.get("finance", &path).await).await;
    assert_eq!(shown["state"], "partially_failed", "{:#}", shown["progress"]);
    let balances = done(app.get("finance", &format!("/v1/suppliers/{late}/balances")).await).await;
    assert!(balances.to_string().contains("80.00"), "{balances:#}");
    let told = done(app.get("finance", "/v1/events?limit=100").await).await;
    let kinds: Vec<&str> =
        told["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    for kind in ["payout_plan.scheduled", "payout_plan.partially_failed", "payout.paid", "payout.returned"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
    app.stop().await;
}
