//! Whoever has a payment term may wait for what is known to be released, where one payout then costs less than two.

use serde_json::{Value, json};

use super::done;
use super::funding::{banked, file, sold};
use crate::app::TestApp;
use crate::engines::on_each_engine;

/// A draft; whether it pays, and why not.
async fn asked(app: &TestApp, key: &str, max_wait_days: u32) -> (Value, String) {
    let body = json!({"max_wait_days": max_wait_days});
    let drafted = done(app.post_once("maker", "/v1/payout-plans", &key.replace(' ', "-"), &body).await).await;
    let path = format!("/v1/payout-plans/{}/certificate", drafted["id"].as_str().unwrap());
    let text = app.get("finance", &path).await.text;
    plan_checker::check_plan(&text, &drafted.to_string()).unwrap();
    let reason = drafted["excluded"][0]["reason"].as_str().unwrap_or("paid").to_owned();
    assert_eq!(drafted["lines"].as_array().unwrap().len(), usize::from(reason == "paid"), "{drafted:#}");
    (drafted, reason)
}

async fn reason(app: &TestApp, key: &str, max_wait_days: u32) -> String {
    asked(app, key, max_wait_days).await.1
}

async fn terms(app: &TestApp, supplier: &str, terms: Value) -> crate::app::Answer {
    let path = format!("/v1/suppliers/{supplier}/payout-terms");
    app.send(app.keyed("PATCH", "finance", &path).json(&terms)).await
}

fn amount(money: &Value) -> &str {
    money["amount"].as_str().unwrap()
}

/// The file costs 5.00, and nothing from 1,000.00 on.
#[tokio::test(flavor = "multi_thread")]
async fn one_payout_later_where_it_costs_less_than_two() {
    on_each_engine("plan waiting", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        file(&app).await;
        let supplier = banked(&app, "Good Goods").await;
        sold(&app, "o-1", &supplier, "750.00").await;
        app.advance("2d").await;
        // Another 600.00 of its own are released tomorrow.
        let second = sold(&app, "o-2", &supplier, "750.00").await;
        assert_eq!(reason(&app, "no term", 20).await, "paid");
        let shown = done(terms(&app, &supplier, json!({"payment_term_days": 30})).await).await;
        assert_eq!(shown["payment_term_days"], 30);
        let (drafted, why) = asked(&app, "not asked to wait", 0).await;
        assert_eq!((why.as_str(), amount(&drafted["lines"][0]["fee"])), ("paid", "5.00"));
        assert_eq!(drafted["lines"][0]["late"], Value::Null);
        let (drafted, why) = asked(&app, "waits", 20).await;
        let left_out = &drafted["excluded"][0];
        assert_eq!((why.as_str(), amount(&left_out["available"])), ("waits", "600.00"), "{drafted:#}");
        let now: chrono::DateTime<chrono::Utc> = drafted["as_of"].as_str().unwrap().parse().unwrap();
        let days = [1, 2].map(|days| (now.date_naive() + chrono::TimeDelta::days(days)).to_string());
        let detail = left_out["detail"].as_str().unwrap();
        assert!(days.iter().any(|day| detail.contains(day)), "{detail}: {days:?}");

        // The money has been there for a day or two: a term of one is missed, and the line says so.
        done(terms(&app, &supplier, json!({"payment_term_days": 1})).await).await;
        let (drafted, why) = asked(&app, "a short term", 20).await;
        assert_eq!((why.as_str(), &drafted["lines"][0]["late"]), ("paid", &json!(true)), "{drafted:#}");
        done(terms(&app, &supplier, json!({"payment_term_days": null})).await).await;
        assert_eq!(reason(&app, "no term again", 20).await, "paid");

        // Then it has both, for nothing.
        done(terms(&app, &supplier, json!({"payment_term_days": 30})).await).await;
        assert_eq!(reason(&app, "still waits", 20).await, "waits");
        app.advance("2d").await;
        let (drafted, why) = asked(&app, "at last", 20).await;
        let line = &drafted["lines"][0];
        assert_eq!(
            (why.as_str(), amount(&line["amount"]), amount(&line["fee"])),
            ("paid", "1200.00", "0.00")
        );

        // What is refunded does not come.
        let third = sold(&app, "o-3", &supplier, "750.00").await;
        let body = json!({"amount": {"amount": "750.00", "currency": "USD"}});
        for (payment, status) in [(&second, 201), (&third, 201)] {
            let path = format!("/v1/payments/{payment}/refunds");
            let refund = app.post_once("storefront", &path, payment, &body).await;
            assert!(refund.status == status || refund.status == 202, "{} {}", refund.status, refund.text);
        }
        let (drafted, why) = asked(&app, "nothing comes", 20).await;
        assert_eq!((why.as_str(), amount(&drafted["lines"][0]["gross"])), ("paid", "600.00"), "{drafted:#}");

        for (term, place) in [(json!(0), "payment_term_days"), (json!(366), "payment_term_days")] {
            let refused = terms(&app, &supplier, json!({"payment_term_days": term})).await;
            assert_eq!((refused.status, &refused.json()["param"]), (400, &json!(place)), "{}", refused.text);
        }
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_is_waited_for_until_its_day() {
    on_each_engine("plan waiting for a reserve", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        file(&app).await;
        let supplier = banked(&app, "Good Goods").await;
        let own = json!({"payment_term_days": 30, "reserve": {"percent": "10", "days": 6}});
        done(terms(&app, &supplier, own).await).await;
        // 1,040.00, of which 104.00 are kept back.
        sold(&app, "o-1", &supplier, "1300.00").await;
        app.advance("2d").await;
        assert_eq!(reason(&app, "too short a wait", 2).await, "paid");
        let (drafted, why) = asked(&app, "waits", 20).await;
        assert_eq!((why.as_str(), amount(&drafted["excluded"][0]["available"])), ("waits", "936.00"));
        // Beyond the term nobody waits.
        done(terms(&app, &supplier, json!({"payment_term_days": 5})).await).await;
        assert_eq!(reason(&app, "beyond the term", 20).await, "paid");
        app.stop().await;
    })
    .await;
}
