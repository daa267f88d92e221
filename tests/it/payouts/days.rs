//! A plan's own day, and what a changed account gets at first.

use chrono::Datelike;
use serde_json::{Value, json};
use straits::domain::treasury::Calendars;
use straits::money::Currency;

use super::done;
use super::funding::{banked, file, sold};
use crate::app::TestApp;
use crate::engines::on_each_engine;

async fn drafted(app: &TestApp, key: &str, body: Value) -> Value {
    done(app.post_once("maker", "/v1/payout-plans", key, &body).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_made_for_a_day_of_the_next_month() {
    on_each_engine("plan of a day", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        file(&app).await;
        let supplier = banked(&app, "Good Goods").await;
        sold(&app, "o-1", &supplier, "100.00").await;
        app.advance("2d").await;
        let now = done(app.get("finance", "/v1/sandbox/clock").await).await;
        let today: chrono::NaiveDate = now["now"].as_str().unwrap()[..10].parse().unwrap();
        let day = |ahead: i64| today + chrono::TimeDelta::days(ahead);
        let soon = drafted(&app, "p-0", json!({"as_of": day(0)})).await;
        let later = drafted(&app, "p-1", json!({"as_of": day(20)})).await;
        assert_eq!(later["as_of"], format!("{}T00:00:00Z", day(20)), "{later:#}");
        let arrives = |plan: &Value| -> chrono::NaiveDate {
            plan["lines"][0]["expected"].as_str().unwrap().parse().unwrap()
        };
        assert!(arrives(&soon) < day(20) && arrives(&later) >= day(20), "{:#}", later["lines"]);
        // The same money to the same supplier, proven as of that day.
        assert_eq!(later["lines"][0]["gross"], soon["lines"][0]["gross"]);
        let path = format!("/v1/payout-plans/{}/certificate", later["id"].as_str().unwrap());
        let text = app.get("finance", &path).await.text;
        plan_checker::check_plan(&text, &later.to_string()).unwrap();
        for (nth, ahead) in [-1, 32].into_iter().enumerate() {
            let body = json!({"as_of": day(ahead)});
            let refused = app.post_once("maker", "/v1/payout-plans", &format!("no-{nth}"), &body).await;
            assert_eq!(
                (refused.status, &refused.json()["param"]),
                (400, &json!("as_of")),
                "{}",
                refused.text
            );
        }
        app.stop().await;
    })
    .await;
}

/// Nothing of it is sent before its day, and it is not approved so long before that the approval would have lapsed by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_later_day_is_carried_out_on_it() {
    on_each_engine("plan of a later day", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        file(&app).await;
        let supplier = banked(&app, "Good Goods").await;
        sold(&app, "o-1", &supplier, "100.00").await;
        app.advance("2d").await;
        let now = done(app.get("finance", "/v1/sandbox/clock").await).await;
        let today: chrono::NaiveDate = now["now"].as_str().unwrap()[..10].parse().unwrap();
        let day = |ahead: i64| today + chrono::TimeDelta::days(ahead);
        let say = async |plan: &Value, who: &str, word: &str, key: &str| {
            let path = format!("/v1/payout-plans/{}/{word}", plan["id"].as_str().unwrap());
            let body = match word {
                "approve" => json!({"hash": plan["hash"]}),
                _ => json!({}),
            };
            app.post_once(who, &path, key, &body).await
        };
        let far = drafted(&app, "p-1", json!({"as_of": day(20)})).await;
        done(say(&far, "maker", "submit", "far-1").await).await;
        let refused = say(&far, "checker", "approve", "far-2").await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "plan_not_yet"), "{}", refused.text);

        let near = drafted(&app, "p-2", json!({"as_of": day(3)})).await;
        done(say(&near, "maker", "submit", "near-1").await).await;
        done(say(&near, "checker", "approve", "near-2").await).await;
        let refused = say(&near, "maker", "execute", "near-3").await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "plan_not_yet"), "{}", refused.text);
        assert!(refused.text.contains(&day(3).to_string()), "{}", refused.text);
        app.advance("3d").await;
        assert_eq!(done(say(&near, "maker", "execute", "near-4").await).await["state"], "executing");
        app.stop().await;
    })
    .await;
}

/// By default, with nothing set: the first account gets everything, one that it is changed to 1,000.00 at first.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_account_gets_a_thousand_dollars_at_first() {
    on_each_engine("first payouts", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let supplier = super::joined(&app, "Good Goods", "old@example.com").await;
        // 1,200.00 of it are the supplier's.
        sold(&app, "o-1", &supplier, "1500.00").await;
        app.advance("2d").await;
        let first = drafted(&app, "p-1", json!({})).await;
        let paid = |plan: &Value| {
            let line = &plan["lines"][0];
            (line["amount"]["amount"].clone(), line["capped"].clone(), line["account"].clone())
        };
        assert_eq!((paid(&first).0, paid(&first).1), (json!("1200.00"), json!(false)), "{first:#}");

        let body = json!({"kind": "paypal", "country": "US", "currency": "USD", "holder": "Good Goods",
                          "number": "new@example.com"});
        let changed = app.post("finance", &format!("/v1/suppliers/{supplier}/accounts"), &body).await;
        let changed = done(changed).await;
        // While it cools, the old one is paid whole.
        assert_eq!(paid(&drafted(&app, "p-2", json!({})).await), paid(&first));
        app.advance("3d").await;
        let capped = drafted(&app, "p-3", json!({})).await;
        assert_eq!(paid(&capped), (json!("1000.00"), json!(true), changed["id"].clone()), "{capped:#}");
        // What is left over stays the supplier's.
        assert_eq!(capped["lines"][0]["gross"]["amount"], "1000.00");
        app.stop().await;
    })
    .await;
}

/// The first day at whose beginning in Singapore it is available: the next good day behind the one that it counts as.
fn available_on(taken: chrono::NaiveDate, behind_the_cut_off: bool) -> chrono::NaiveDate {
    let (calendars, sgd) = (Calendars::shipped(), Currency::find("SGD").unwrap());
    let next = |from: chrono::NaiveDate| from.iter_days().find(|day| calendars.is_good(sgd, *day)).unwrap();
    let counts = next(if behind_the_cut_off { taken.succ_opt().unwrap() } else { taken });
    next(counts.succ_opt().unwrap())
}

/// Taken on a Friday before midnight and behind the cut-off, it counts as Monday's and is there on Tuesday.
#[tokio::test(flavor = "multi_thread")]
async fn takings_become_available_by_cut_off_and_calendar() {
    on_each_engine("available by calendar", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[
            ("database.url", database.url.as_str()),
            ("gateways.paypal.available_cut_off", "18:00 Asia/Singapore"),
            ("gateways.paypal.available_days", "SGD"),
        ])
        .await;
        let supplier = banked(&app, "Good Goods").await;
        let now = done(app.get("finance", "/v1/sandbox/clock").await).await;
        let now: chrono::DateTime<chrono::Utc> = now["now"].as_str().unwrap().parse().unwrap();
        let friday = |day: &chrono::NaiveDate| day.weekday() == chrono::Weekday::Fri;
        let taken = now.date_naive().iter_days().skip(1).find(friday).unwrap();
        let set = async |at: String| {
            let answer = app.post("finance", "/v1/sandbox/clock", &json!({"set": at})).await;
            assert!(answer.status < 300, "{}", answer.text);
            app.advance("1h").await;
        };
        // 23:50 in Singapore.
        set(format!("{taken}T14:50:00Z")).await;
        sold(&app, "o-1", &supplier, "100.00").await;
        let available = async || {
            let path = format!("/v1/suppliers/{supplier}/balances");
            let shown = done(app.get("finance", &path).await).await;
            shown["data"][0]["available"]["amount"].as_str().unwrap_or("0.00").to_owned()
        };
        // The merchant's days are those of UTC.
        let on = available_on(taken, true);
        set(format!("{}T01:00:00Z", on.pred_opt().unwrap())).await;
        assert_eq!(available().await, "0.00");
        set(format!("{on}T01:00:00Z")).await;
        assert_eq!(available().await, "80.00");
        app.stop().await;
    })
    .await;
}
