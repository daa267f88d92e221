//! What `null` does in a change: it empties what can be empty and is refused elsewhere; what is left out stays.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

async fn changed(app: &TestApp, path: &str, body: &Value) -> Answer {
    app.send(app.keyed("PATCH", "finance", path).json(body)).await
}

/// Each field is set, stays when another one is changed, and is what the table says after `null`.
async fn emptied(app: &TestApp, path: &str, table: &[(&str, Value, Value)]) {
    for (field, set, after) in table {
        let read = async |body: Value| {
            let answer = changed(app, path, &body).await;
            assert_eq!(answer.status, 200, "{field}: {}", answer.text);
            answer.json()[field].clone()
        };
        let mut body = json!({});
        body[field] = set.clone();
        let before = read(body.clone()).await;
        assert_ne!(&before, after, "{field}");
        assert_eq!(read(json!({})).await, before, "{field} stays");
        body[field] = Value::Null;
        assert_eq!(&read(body).await, after, "{field} is emptied");
    }
}

/// Each of these is refused, at its field.
async fn refused(app: &TestApp, path: &str, table: &[(&str, Value)]) {
    for (field, value) in table {
        let mut body = json!({});
        body[field] = value.clone();
        let answer = changed(app, path, &body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_body"),
            "{field}: {}",
            answer.text
        );
        assert_eq!(answer.json()["param"], *field, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_empties_what_can_be_empty_and_is_refused_elsewhere() {
    let app = TestApp::start().await;
    let body = json!({"name": "shoes", "country": "PH", "currency": "PHP"});
    let supplier = app.post("finance", "/v1/suppliers", &body).await.json();
    let path = format!("/v1/suppliers/{}", supplier["id"].as_str().unwrap());
    emptied(&app, &path, &[("tax_number", json!("123-456"), Value::Null)]).await;
    let nulls = ["name", "country", "currency", "payout_contact"].map(|field| (field, Value::Null));
    refused(&app, &path, &nulls).await;

    let terms = format!("{path}/payout-terms");
    let minimum = json!([{"amount": "5.00", "currency": "PHP"}]);
    let table = [
        ("holds", json!([{"code": "legal"}]), json!([])),
        ("known", json!(true), Value::Null),
        ("minimum", minimum.clone(), json!([])),
        ("purpose", json!("SUPP"), Value::Null),
        ("tax_class", json!("company"), Value::Null),
        ("town", json!("Manila"), Value::Null),
    ];
    emptied(&app, &terms, &table).await;
    let until = json!({"known": true, "known_until": "2030-01-01T00:00:00Z"});
    let known = changed(&app, &terms, &until).await.json()["known"].clone();
    assert!(known["until"].is_string(), "{known:#}");
    let known = changed(&app, &terms, &json!({"known_until": null})).await.json()["known"].clone();
    assert!(known["by"].is_string() && known["until"].is_null(), "{known:#}");
    // Papers that have lapsed are known again only by whoever says so.
    let clock = app.post("finance", "/v1/sandbox/clock", &json!({"advance": "0s"})).await.json();
    let now: chrono::DateTime<chrono::Utc> = clock["now"].as_str().unwrap().parse().unwrap();
    let soon = (now + chrono::TimeDelta::hours(12)).to_rfc3339();
    changed(&app, &terms, &json!({"known": true, "known_until": soon})).await;
    app.advance("1d").await;
    refused(&app, &terms, &[("known_until", Value::Null)]).await;
    let known = changed(&app, &terms, &json!({"known": true, "known_until": null})).await.json();
    assert!(known["known"]["by"].is_string() && known["known"]["until"].is_null(), "{known:#}");
    let below = json!([{"amount": "5.00", "currency": "PHP"}, {"amount": "6.00", "currency": "PHP"}]);
    let odd = [
        ("town", json!("")),
        ("town", json!("  ")),
        ("town", json!("x".repeat(36))),
        ("purpose", json!("")),
        ("minimum", below),
        ("known_until", json!("2030-01-01T00:00:00Z")),
    ];
    refused(&app, &terms, &odd).await;

    let body = json!({"name": "Fridays", "cron": "0 15 * * 5", "zone": "Asia/Manila"});
    let saved = app.post_once("maker", "/v1/payout-schedules", "s-1", &body).await.json();
    let path = format!("/v1/payout-schedules/{}", saved["id"].as_str().unwrap());
    let all = json!([supplier["id"]]);
    let table = [
        ("minimum", minimum, json!([])),
        ("currencies", json!(["PHP"]), Value::Null),
        ("suppliers", all, Value::Null),
    ];
    emptied(&app, &path, &table).await;
    let nulls = ["name", "cron", "zone", "holidays", "misfire", "paused"].map(|field| (field, Value::Null));
    refused(&app, &path, &nulls).await;
    app.stop().await;
}
