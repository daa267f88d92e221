//! Where whoever pays has its seat: each bank account says its own, and the settings speak of the default merchant only.

use serde_json::{Value, json};

use super::done;
use crate::app::TestApp;
use crate::engines::on_each_engine;

/// A client account in dollars of a merchant (`other.` or none before its keys) and a file of its bank.
async fn file_of(app: &TestApp, whose: &str, name: &str, address: Value) -> String {
    let key = |name: &str| format!("{whose}{name}");
    let body = json!({"name": name, "kind": "client", "currency": "USD", "country": "SG", "number": "0039012345",
                      "bic": "DBSSSGSG", "address": address});
    let bank = done(app.post(&key("finance"), "/v1/bank-accounts", &body).await).await;
    assert_eq!(bank["address"], body["address"]);
    let body = json!({"name": format!("{name}-file"), "rail": "pain001", "currency": "USD",
                      "funding": {"bank_account": bank["id"]}});
    let rail = done(app.post(&key("finance"), "/v1/rail-accounts", &body).await).await;
    let body = json!({"name": name, "country": "US", "currency": "USD"});
    let supplier = done(app.post(&key("finance"), "/v1/suppliers", &body).await).await;
    let path = format!("/v1/suppliers/{}", supplier["id"].as_str().unwrap());
    let body = json!({"kind": "bank", "country": "US", "currency": "USD", "holder": "Good Goods",
                      "number": "12345678", "bank_code": "026009593"});
    done(app.post(&key("finance"), &format!("{path}/accounts"), &body).await).await;
    let terms = json!({"town": "New York", "rail_account": rail["id"]});
    let terms = app.keyed("PATCH", &key("finance"), &format!("{path}/payout-terms")).json(&terms);
    done(app.send(terms).await).await;
    let body = json!({
        "order_ref": name, "amount": {"amount": "100.00", "currency": "USD"}, "gateway": "paypal",
        "fee_bearer": "platform", "splits": [{"supplier": supplier["id"], "share": {"percent": "80"}}],
    });
    let paid = done(app.post_once(&key("storefront"), "/v1/payments", name, &body).await).await;
    let page = format!("/v1/sandbox/payments/{}", paid["id"].as_str().unwrap());
    done(app.post(&key("storefront"), &page, &json!({"shopper": "approve"})).await).await;
    app.advance("2d").await;
    let body = json!({"suppliers": [supplier["id"]]});
    let plan = done(app.post_once(&key("maker"), "/v1/payout-plans", name, &body).await).await;
    let path = format!("/v1/payout-plans/{}", plan["id"].as_str().unwrap());
    for (who, word, body) in [
        ("maker", "submit", json!({})),
        ("checker", "approve", json!({"hash": plan["hash"]})),
        ("maker", "execute", json!({})),
    ] {
        done(app.post_once(&key(who), &format!("{path}/{word}"), &format!("{name}-{word}"), &body).await)
            .await;
    }
    app.advance("5m").await;
    let file = app.get(&key("finance"), &format!("{path}/pain001")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    let debtor = file.text.split_once("<Dbtr>").unwrap().1.split_once("</Dbtr>").unwrap().0;
    debtor.split_once("<PstlAdr>").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bank_account_says_where_its_holder_has_its_seat() {
    on_each_engine("debtor addresses", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[
            ("database.url", database.url.as_str()),
            ("payouts.debtor_town", "Jurong"),
        ])
        .await;
        let own = json!({"street": "1 Raffles Place", "post_code": "048616", "town": "Singapore"});
        let told = file_of(&app, "", "citi", own.clone()).await;
        assert!(told.starts_with("<StrtNm>1 Raffles Place</StrtNm><PstCd>048616</PstCd><TwnNm>Singapore</TwnNm>"), "{told}");
        let told = file_of(&app, "", "hsbc", Value::Null).await;
        assert!(told.starts_with("<TwnNm>Jurong</TwnNm>"), "{told}");
        let told = file_of(&app, "other.", "scb", Value::Null).await;
        assert!(told.starts_with("<Ctry>"), "what the settings say is not of another merchant: {told}");
        let only = json!({"street": null, "post_code": null, "town": "Tampines"});
        let told = file_of(&app, "other.", "ocbc", only).await;
        assert!(told.starts_with("<TwnNm>Tampines</TwnNm>"), "{told}");
        for (part, value) in [("street", "x".repeat(71)), ("town", "Zürich".to_owned()), ("post_code", " ".to_owned())] {
            let body = json!({"name": "odd", "kind": "client", "currency": "USD", "country": "SG", "number": "0039012345",
                              "bic": "DBSSSGSG", "address": {part: value}});
            let refused = app.post("finance", "/v1/bank-accounts", &body).await;
            let at = json!(format!("address.{part}"));
            assert_eq!((refused.status, &refused.json()["param"]), (400, &at), "{}", refused.text);
        }
        app.stop().await;
    })
    .await;
}
