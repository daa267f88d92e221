//! The CSV of a plan: one file for one bank, its sum of one money.

use serde_json::{Value, json};

use super::funding::{banked, sold};
use super::{done, plan, say};
use crate::app::TestApp;
use crate::engines::on_each_engine;

/// A client account in dollars with this number, and files of its bank as a rail account.
async fn files_of(app: &TestApp, name: &str, number: &str) -> Value {
    let body = json!({"name": name, "kind": "client", "currency": "USD", "country": "SG", "number": number,
                      "bic": "DBSSSGSG"});
    let bank = done(app.post("finance", "/v1/bank-accounts", &body).await).await;
    let body = json!({"name": format!("{name}-file"), "rail": "csv", "currency": "USD",
                      "funding": {"bank_account": bank["id"]}});
    done(app.post("finance", "/v1/rail-accounts", &body).await).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_accounts_pay_is_two_files() {
    on_each_engine("sheets of two accounts", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let accounts = [("citi", "0039012345"), ("hsbc", "0039054321")];
        let mut suppliers = vec![];
        for (name, number) in accounts {
            let rail = files_of(&app, name, number).await;
            let supplier = banked(&app, name).await;
            let path = format!("/v1/suppliers/{supplier}/payout-terms");
            let terms = json!({"town": "New York", "rail_account": rail});
            done(app.send(app.keyed("PATCH", "finance", &path).json(&terms)).await).await;
            sold(&app, name, &supplier, "100.00").await;
            suppliers.push(supplier);
        }
        app.advance("2d").await;
        let drafted = plan(&app, "p-1").await;
        assert_eq!(drafted["lines"].as_array().unwrap().len(), 2, "{drafted:#}");
        done(say(&app, "maker", &drafted, "submit", json!({})).await).await;
        done(say(&app, "checker", &drafted, "approve", json!({"hash": drafted["hash"]})).await).await;
        done(say(&app, "maker", &drafted, "execute", json!({})).await).await;
        app.advance("5m").await;

        let path = format!("/v1/payout-plans/{}/csv", drafted["id"].as_str().unwrap());
        let refused = app.get("finance", &path).await;
        assert_eq!((refused.status, &refused.json()["param"]), (400, &json!("batch")), "{}", refused.text);
        let listed = done(app.get("finance", "/v1/payouts").await).await;
        for (supplier, (_, number)) in suppliers.iter().zip(accounts) {
            let own = |payout: &&Value| payout["supplier"] == supplier.as_str();
            let payout = listed["data"].as_array().unwrap().iter().find(own).unwrap()["id"].as_str().unwrap();
            let shown = done(app.get("finance", &format!("/v1/payouts/{payout}")).await).await;
            let batch = shown["attempts"]["reference"].as_str().unwrap();
            assert!(refused.text.contains(batch), "{}", refused.text);
            let template = "number,amount,payout%3DReference,from_account%3DFrom";
            let file = app.get("finance", &format!("{path}?batch={batch}&template={template}")).await;
            let rows: Vec<&str> = file.text.split("\r\n").collect();
            assert_eq!((file.status, rows[0]), (200, "number,amount,Reference,From"), "{}", file.text);
            assert!(rows[1].ends_with(&format!(",{payout},{number}")), "{}", file.text);
            assert!(rows[2].starts_with("#END,1,"), "{}", file.text);
            let plain = app.get("finance", &format!("{path}?batch={batch}")).await;
            assert!(!plain.text.contains(number), "{}", plain.text);
        }
        let strange = app.get("finance", &format!("{path}?batch=pob_01kb0000000000000000000000")).await;
        assert_eq!(strange.status, 404, "{}", strange.text);
        app.stop().await;
    })
    .await;
}
