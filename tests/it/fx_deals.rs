//! Deals told by the contract's own fields alone: the program finds where what was sold is.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;

fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

/// A sale of USD 100.00 over PayPal, so much of it the supplier's of a country, in its own currency.
async fn sold(app: &TestApp, order: &str, country: &str, share: &str) {
    let body = json!({
        "order_ref": order, "amount": {"amount": "100.00", "currency": "USD"}, "gateway": "paypal",
        "fee_bearer": "platform",
        "splits": [{"supplier": app.supplier(country), "share": {"fixed": share}}],
    });
    let paid = done(app.post_once("storefront", "/v1/payments", order, &body).await);
    let path = format!("/v1/sandbox/payments/{}", paid["id"].as_str().unwrap());
    done(app.post("storefront", &path, &json!({"shopper": "approve"})).await);
}

/// `{"sold","bought","value_date","bank_ref"}` and nothing else.
async fn deal(app: &TestApp, bank_ref: &str, sold: &str, bought: (&str, &str)) -> Answer {
    let clock = done(app.get("storefront", "/v1/sandbox/clock").await);
    let body = json!({
        "sold": {"amount": sold, "currency": "USD"}, "bought": {"amount": bought.0, "currency": bought.1},
        "value_date": clock["now"].as_str().unwrap()[..10], "bank_ref": bank_ref,
    });
    app.post_once("finance", "/v1/fx/deals", bank_ref, &body).await
}

/// PayPal sent so much on, to a bank that has not told of it.
async fn sent_on(app: &TestApp, reference: &str, amount: &str) {
    let clock = done(app.get("storefront", "/v1/sandbox/clock").await);
    let body = json!({
        "gateway": "paypal", "reference": reference, "currency": "USD", "closed_at": clock["now"],
        "paid_at": clock["now"], "gross": amount, "net": amount,
    });
    done(app.post_once("finance", "/v1/gateway-settlements", reference, &body).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_of_the_contracts_fields_finds_its_money() {
    on_each_engine("fx deals", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        sold(&app, "o-1", "CN", "85.10").await;
        sold(&app, "o-2", "TH", "20.00").await;
        sold(&app, "o-3", "VN", "30.00").await;
        // The client account has no dollars; PayPal's balance has.
        for (bank_ref, sold, bought) in
            [("FX-1", "85.10", ("605.49", "CNY")), ("FX-2", "20.00", ("680.00", "THB"))]
        {
            let made = done(deal(&app, bank_ref, sold, bought).await);
            assert_eq!(made["paid_from"][0]["account"], "1110[paypal]", "{made:#}");
            let into = format!("1010[bank-{}]", bought.1.to_lowercase());
            assert_eq!((&made["paid_into"][0]["account"], &made["kind"]), (&json!(into), &json!("market")));
        }
        // The one payout on its way that comes to it goes before the balance; one of two is nobody's guess.
        sent_on(&app, "W-1", "10.00").await;
        let made = done(deal(&app, "FX-3", "10.00", ("263000", "VND")).await);
        assert_eq!(made["paid_from"][0]["account"], "1140[paypal]", "{made:#}");
        for reference in ["W-2", "W-3"] {
            sent_on(&app, reference, "10.00").await;
        }
        let refused = deal(&app, "FX-4", "10.00", ("263000", "VND")).await;
        assert_eq!(
            (refused.status, &refused.json()["param"]),
            (422, &json!("paid_from")),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("1010[bank-usd] has less than USD 10.00"), "{}", refused.text);
        // 20.00 are still open: the same by pair and by currency.
        let open = done(app.get("finance", "/v1/fx/exposure").await);
        let pair = &open["positions"][0];
        assert_eq!((&pair["pair"], &pair["open"]["amount"]), (&json!("USDVND"), &json!("20.00")), "{open:#}");
        let [usd, vnd] = &open["currencies"].as_array().unwrap()[..] else { panic!("{open:#}") };
        assert_eq!((&usd["currency"], &usd["open"]), (&json!("USD"), &pair["open"]));
        assert_eq!((&vnd["currency"], &vnd["open"]), (&json!("VND"), &pair["booked"]));
        assert_eq!(usd["ages"][0], json!({"age": "under_one_day", "open": pair["open"]}));
        // What no account has is refused, whatever else there is.
        let refused = deal(&app, "FX-5", "5000.00", ("131500000", "VND")).await;
        assert_eq!(
            (refused.status, &refused.json()["param"]),
            (422, &json!("paid_from")),
            "{}",
            refused.text
        );
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await)["ok"], true);
        app.stop().await;
    })
    .await;
}
