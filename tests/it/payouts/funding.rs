//! What a paying account lacks is bought where it costs least: the list stands in the plan, the proof covers it.

use serde_json::{Value, json};

use super::{done, say};
use crate::app::TestApp;
use crate::engines::on_each_engine;

/// A file for the bank's dollars, which has none, as a rail account.
pub async fn file(app: &TestApp) -> String {
    let banks = done(app.get("finance", "/v1/bank-accounts?limit=100").await).await;
    let usd = |row: &&Value| row["currency"] == "USD" && row["kind"] == "client";
    let bank = banks["data"].as_array().unwrap().iter().find(usd).unwrap()["id"].clone();
    let body =
        json!({"name": "usd-file", "rail": "csv", "currency": "USD", "funding": {"bank_account": bank}});
    let made = done(app.post("finance", "/v1/rail-accounts", &body).await).await;
    made["id"].as_str().unwrap().to_owned()
}

/// A supplier with a bank account in dollars.
pub async fn banked(app: &TestApp, name: &str) -> String {
    let body = json!({"name": name, "country": "US", "currency": "USD"});
    let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
    let id = supplier["id"].as_str().unwrap().to_owned();
    let body = json!({"kind": "bank", "country": "US", "currency": "USD", "holder": name,
                      "number": "12345678", "bank_code": "026009593"});
    done(app.post("finance", &format!("/v1/suppliers/{id}/accounts"), &body).await).await;
    id
}

/// A sale of so many dollars, 80 percent of them the supplier's. Answers the payment.
pub async fn sold(app: &TestApp, order: &str, supplier: &str, amount: &str) -> String {
    let body = json!({
        "order_ref": order, "amount": {"amount": amount, "currency": "USD"}, "gateway": "paypal",
        "fee_bearer": "platform",
        "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
    });
    let paid = done(app.post_once("storefront", "/v1/payments", order, &body).await).await;
    let id = paid["id"].as_str().unwrap().to_owned();
    done(app.post("storefront", &format!("/v1/sandbox/payments/{id}"), &json!({"shopper": "approve"})).await)
        .await;
    id
}

fn usd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// Dear and without end, and cheap up to 50.00.
fn ways(rail: &str) -> Value {
    json!([
        {"rail_account": rail, "from": "OCBC own", "sells": "USD", "limit": usd("1000.00"), "fixed": usd("1.00"), "spread_bps": 80},
        {"rail_account": rail, "from": "HSBC SG operating", "sells": "SGD", "limit": usd("50.00"), "spread_bps": 20},
    ])
}

async fn certificate(app: &TestApp, plan: &Value) -> String {
    let path = format!("/v1/payout-plans/{}/certificate", plan["id"].as_str().unwrap());
    app.get("finance", &path).await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cheapest_money_is_taken_first_and_the_list_is_approved() {
    on_each_engine("plan top-ups", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let rail = file(&app).await;
        let supplier = banked(&app, "Good Goods").await;
        sold(&app, "o-1", &supplier, "100.00").await;
        app.advance("2d").await;
        let plans = "/v1/payout-plans";
        let free = done(app.post_once("maker", plans, "p-1", &json!({})).await).await;
        let need = &free["funding"][0];
        assert_eq!((&need["missing"], &need["top_ups"]), (&usd("85.00"), &json!([])), "{free:#}");

        let asked = json!({"top_ups": ways(&rail)});
        let drafted = done(app.post_once("maker", plans, "p-2", &asked).await).await;
        assert_ne!(free["hash"], drafted["hash"]);
        let need = &drafted["funding"][0];
        assert_eq!((&need["needed"], &need["missing"]), (&usd("85.00"), &usd("85.00")), "{drafted:#}");
        let [dear, cheap] = &need["top_ups"].as_array().unwrap()[..] else { panic!("{need:#}") };
        assert_eq!(
            (&dear["from"], &dear["amount"], &dear["cost"]),
            (&json!("OCBC own"), &usd("35.00"), &usd("1.28"))
        );
        assert_eq!(dear["sells"], usd("35.28"));
        assert_eq!(
            (&cheap["from"], &cheap["amount"], &cheap["cost"]),
            (&json!("HSBC SG operating"), &usd("50.00"), &usd("0.10"))
        );
        assert_eq!(cheap["sells"]["currency"], "SGD");
        assert_eq!((&dear["by"], &cheap["by"]), (&need["by"], &need["by"]));
        // 5.00 for the file, 1.28 and 0.10.
        assert_eq!(drafted["proof"]["cost"], usd("6.38"));
        assert!(drafted["proof"]["rates"]["SGD"].is_string(), "{:#}", drafted["proof"]);

        // The proof holds, of these figures and no others.
        let text = certificate(&app, &drafted).await;
        plan_checker::check_plan(&text, &drafted.to_string()).unwrap();
        for (place, value) in [
            ("/funding/0/top_ups/0/amount/amount", "35.01"),
            ("/funding/0/top_ups/1/amount/amount", "50.01"),
            ("/funding/0/missing/amount", "85.01"),
            ("/funding/0/by", "2026-01-01T00:00:00Z"),
            ("/funding/0/top_ups/0/from", "HSBC"),
            ("/funding/0/top_ups/0/sells/amount", "35.29"),
            ("/funding/0/top_ups/0/cost/amount", "1.27"),
            ("/funding/0/top_ups/0/by", "2026-01-01T00:00:00Z"),
            ("/funding/0/top_ups/1/sells/currency", "CNY"),
            ("/funding/0/top_ups/1/cost/amount", "0.11"),
        ] {
            let mut forged = drafted.clone();
            *forged.pointer_mut(place).unwrap() = value.into();
            let refusal = plan_checker::check_plan(&text, &forged.to_string()).unwrap_err().to_string();
            assert!(refusal.contains("1010[bank-usd] USD"), "{place}: {refusal}");
        }

        // Read again it is the same; approved and begun, nothing of the list was booked.
        let path = format!("{plans}/{}", drafted["id"].as_str().unwrap());
        assert_eq!(done(app.get("finance", &path).await).await["funding"], drafted["funding"]);
        done(say(&app, "maker", &drafted, "submit", json!({})).await).await;
        done(say(&app, "checker", &drafted, "approve", json!({"hash": drafted["hash"]})).await).await;
        let deals = done(app.get("finance", "/v1/fx/deals").await).await;
        assert_eq!(deals["data"], json!([]));
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_money_does_not_suffice_for_is_named() {
    on_each_engine("plan short of money", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let rail = file(&app).await;
        let (small, large) = (banked(&app, "Small").await, banked(&app, "Large").await);
        sold(&app, "o-1", &small, "50.00").await;
        sold(&app, "o-2", &large, "100.00").await;
        app.advance("2d").await;
        let asked = json!({"top_ups": [ways(&rail)[1]]});
        let drafted = done(app.post_once("maker", "/v1/payout-plans", "p-1", &asked).await).await;
        let lines = drafted["lines"].as_array().unwrap();
        assert_eq!((lines.len(), &lines[0]["supplier"]), (1, &json!(small)), "{drafted:#}");
        let left_out = &drafted["excluded"][0];
        assert_eq!((&left_out["supplier"], &left_out["reason"]), (&json!(large), &json!("no_funds")));
        assert!(left_out["detail"].as_str().unwrap().contains("1010[bank-usd] USD"), "{left_out}");
        plan_checker::check_plan(&certificate(&app, &drafted).await, &drafted.to_string()).unwrap();
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_in_its_place() {
    let app = TestApp::start().await;
    let rail = file(&app).await;
    let with = |index: usize, key: &str, value: Value| {
        let mut ways = ways(&rail);
        ways[index][key] = value;
        json!({"top_ups": ways})
    };
    let five: Vec<Value> = (0..5).map(|_| ways(&rail)[1].clone()).collect();
    let sgd = json!({"amount": "50.00", "currency": "SGD"});
    let table = [
        (with(1, "rail_account", json!("rac_01kb0000000000000000000000")), "top_ups[1].rail_account"),
        (with(0, "rail_account", json!("usd-file")), "top_ups[0].rail_account"),
        (with(0, "limit", sgd.clone()), "top_ups[0].limit"),
        (with(0, "limit", usd("-1.00")), "top_ups[0].limit.amount"),
        (with(1, "fixed", sgd), "top_ups[1].fixed"),
        (with(1, "fixed", usd("-0.01")), "top_ups[1].fixed.amount"),
        (with(1, "sells", json!("XXQ")), "top_ups[1].sells"),
        (with(1, "spread_bps", json!(10_000)), "top_ups[1].spread_bps"),
        (with(1, "spread_bps", json!(-1)), "top_ups[1].spread_bps"),
        (with(0, "from", json!("")), "top_ups[0].from"),
        (with(0, "from", json!("a\u{202e}b")), "top_ups[0].from"),
        (json!({"top_ups": five}), "top_ups[4].rail_account"),
        (json!({"max_wait_days": 32}), "max_wait_days"),
        (json!({"max_wait_days": -1}), "max_wait_days"),
    ];
    for (nth, (body, place)) in table.iter().enumerate() {
        let refused = app.post_once("maker", "/v1/payout-plans", &format!("p-{nth}"), body).await;
        assert_eq!(
            (refused.status, &refused.json()["param"]),
            (400, &json!(place)),
            "{body}: {}",
            refused.text
        );
        // Of a schedule likewise, before it is saved.
        let mut schedule = json!({"name": "daily", "cron": "0 9 * * *", "zone": "Asia/Singapore"});
        schedule.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let refused = app.post("maker", "/v1/payout-schedules/preview", &schedule).await;
        assert_eq!((refused.status, &refused.json()["param"]), (400, &json!(place)), "{}", refused.text);
    }
    // Next-day dollars have no rate: what is sold of them nobody can say.
    let unrated = with(1, "sells", json!("USN"));
    let refused = app.post_once("maker", "/v1/payout-plans", "p-usn", &unrated).await;
    assert_eq!(
        (refused.status, &refused.json()["param"]),
        (400, &json!("top_ups[1].sells")),
        "{}",
        refused.text
    );
    assert!(refused.json()["detail"].as_str().unwrap().contains("no rate of USN"), "{}", refused.text);
    app.stop().await;
}

/// What a schedule is saved with is what its drafts are asked with.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_asks_with_its_ways_to_add_money() {
    let app = TestApp::start().await;
    let rail = file(&app).await;
    let supplier = banked(&app, "Good Goods").await;
    sold(&app, "o-1", &supplier, "100.00").await;
    app.advance("2d").await;
    let body = json!({"name": "daily", "cron": "0 9 * * *", "zone": "Asia/Singapore",
                      "top_ups": ways(&rail), "max_wait_days": 3});
    let saved = done(app.post_once("maker", "/v1/payout-schedules", "s-1", &body).await).await;
    assert_eq!(
        (&saved["max_wait_days"], &saved["top_ups"][1]["limit"]),
        (&json!(3), &usd("50.00")),
        "{saved:#}"
    );
    let path = format!("/v1/payout-schedules/{}", saved["id"].as_str().unwrap());
    let run = async || {
        app.advance("1d").await;
        let shown = done(app.get("finance", &path).await).await;
        let plan = shown["runs"][0]["plan"].as_str().unwrap_or_else(|| panic!("{shown:#}")).to_owned();
        done(app.get("finance", &format!("/v1/payout-plans/{plan}")).await).await
    };
    assert_eq!(run().await["funding"][0]["top_ups"].as_array().unwrap().len(), 2);
    let patch = app.keyed("PATCH", "maker", &path).json(&json!({"top_ups": null}));
    let patched = done(app.send(patch).await).await;
    assert_eq!((&patched["top_ups"], &patched["max_wait_days"]), (&json!([]), &json!(3)));
    assert_eq!(run().await["funding"][0]["top_ups"], json!([]));
    app.stop().await;
}
