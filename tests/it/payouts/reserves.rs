//! What is kept back of a supplier's share is what complaints are met from, before it becomes a debt.

use serde_json::{Value, json};

use super::{done, joined, plan, say};
use crate::app::TestApp;
use crate::engines::on_each_engine;

/// A sale of USD 100.00, 80.00 of it a supplier's: 72.00 paid out, 8.00 kept back. Answers payment and supplier.
async fn paid_out_but_for_the_reserve(app: &TestApp) -> (String, String) {
    let supplier = joined(app, "Good Goods", "good@example.com").await;
    let terms = app.keyed("PATCH", "finance", &format!("/v1/suppliers/{supplier}/payout-terms"));
    done(app.send(terms.json(&json!({"reserve": {"percent": "10", "days": 6}}))).await).await;
    let body = json!({
        "order_ref": "o-1", "amount": {"amount": "100.00", "currency": "USD"}, "gateway": "paypal",
        "fee_bearer": "platform",
        "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
    });
    let payment = done(app.post_once("storefront", "/v1/payments", "o-1", &body).await).await;
    let payment = payment["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/sandbox/payments/{payment}");
    done(app.post("storefront", &path, &json!({"shopper": "approve"})).await).await;
    app.advance("2d").await;
    buckets(app, &supplier, &[("available", "72.00"), ("reserved", "8.00")]).await;
    let drafted = plan(app, "p-1").await;
    done(say(app, "maker", &drafted, "submit", json!({})).await).await;
    done(say(app, "checker", &drafted, "approve", json!({"hash": drafted["hash"]})).await).await;
    done(say(app, "maker", &drafted, "execute", json!({})).await).await;
    app.advance("10s").await;
    app.advance("10m").await;
    buckets(app, &supplier, &[("reserved", "8.00")]).await;
    (payment, supplier)
}

/// These buckets of the supplier in USD, and nothing in the others.
async fn buckets(app: &TestApp, supplier: &str, expected: &[(&str, &str)]) {
    let shown = done(app.get("finance", &format!("/v1/suppliers/{supplier}/balances")).await).await;
    let rows = shown["data"].as_array().unwrap().clone();
    let row = rows.into_iter().find(|row| row["currency"] == "USD").unwrap_or(Value::Null);
    for bucket in ["pending", "available", "reserved", "held", "in_transit", "owed"] {
        let wanted = expected.iter().find(|(name, _)| *name == bucket).map_or("0.00", |(_, amount)| amount);
        assert_eq!(row[bucket]["amount"].as_str().unwrap_or("0.00"), wanted, "{bucket}: {shown:#}");
    }
    // What is kept back has its day, and nothing else has.
    let reserves = row["reserves"].as_array().cloned().unwrap_or_default();
    let amounts: Vec<&str> = reserves.iter().map(|one| one["amount"]["amount"].as_str().unwrap()).collect();
    let reserved: Vec<&str> =
        expected.iter().filter(|(name, _)| *name == "reserved").map(|(_, amount)| *amount).collect();
    assert_eq!(amounts, reserved, "{shown:#}");
    assert!(reserves.iter().all(|one| one["release_on"].as_str().is_some_and(|day| day.len() == 10)));
}

async fn scenario(app: &TestApp, name: &str, payment: &str) {
    done(app.post("finance", &format!("/v1/sandbox/scenarios/{name}"), &json!({"payment": payment})).await)
        .await;
    app.advance("1s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_taken_from_the_reserve_and_goes_back_to_it() {
    on_each_engine("hold from reserve", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let (payment, supplier) = paid_out_but_for_the_reserve(&app).await;
        scenario(&app, "dispute_opened", &payment).await;
        // A hold makes no debt: what is not there is not held.
        buckets(&app, &supplier, &[("held", "8.00")]).await;
        scenario(&app, "dispute_won", &payment).await;
        buckets(&app, &supplier, &[("reserved", "8.00")]).await;
        app.advance("7d").await;
        buckets(&app, &supplier, &[("available", "8.00")]).await;
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_back_is_taken_from_the_reserve_before_it_becomes_a_debt() {
    on_each_engine("charge-back from reserve", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let (payment, supplier) = paid_out_but_for_the_reserve(&app).await;
        scenario(&app, "dispute_opened", &payment).await;
        scenario(&app, "dispute_lost", &payment).await;
        buckets(&app, &supplier, &[("owed", "72.00")]).await;
        // On its day nothing is left to be released.
        app.advance("7d").await;
        buckets(&app, &supplier, &[("owed", "72.00")]).await;
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}
