//! Withheld tax through the whole program: a sale in Manila, the payout that withholds, its certificate, its statement, the
//! payment to BIR; on SQLite and PostgreSQL.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;

async fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

fn php(amount: &str) -> Value {
    json!({"amount": amount, "currency": "PHP"})
}

/// A sale of PHP 10,000.00, 92 % of it the supplier's.
pub async fn sold(app: &TestApp, order: &str, supplier: &str) -> String {
    let body = json!({
        "order_ref": order, "amount": php("10000.00"), "gateway": "paypal", "fee_bearer": "platform",
        "items": [{"ref": "shoes", "amount": php("10000.00"), "supplier": supplier}],
        "platform_fee": {"percent": "8"},
    });
    let paid = done(app.post_once("storefront", "/v1/payments", order, &body).await).await;
    let id = paid["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/sandbox/payments/{id}");
    done(app.post("storefront", &path, &json!({"shopper": "approve"})).await).await;
    id
}

pub async fn joined(app: &TestApp, name: &str, class: Option<&str>) -> String {
    let body = json!({"name": name, "country": "PH", "currency": "PHP", "tax_number": "123-456-789-000"});
    let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
    let id = supplier["id"].as_str().unwrap().to_owned();
    let body = json!({
        "kind": "paypal", "country": "PH", "currency": "PHP", "holder": name, "number": format!("{name}@example.com"),
    });
    done(app.post("finance", &format!("/v1/suppliers/{id}/accounts"), &body).await).await;
    if let Some(class) = class {
        let terms = app.keyed("PATCH", "finance", &format!("/v1/suppliers/{id}/payout-terms"));
        let terms = done(app.send(terms.json(&json!({"tax_class": class}))).await).await;
        assert_eq!(terms["tax_class"], class);
    }
    id
}

/// Payouts in pesos from PayPal's balance.
pub async fn rail(app: &TestApp) {
    let funding = json!({"gateway_account": "paypal"});
    let body = json!({"name": "paypal-php", "rail": "paypal_payouts", "currency": "PHP", "funding": funding});
    done(app.post("finance", "/v1/rail-accounts", &body).await).await;
}

pub async fn paid_out(app: &TestApp, once: &str) -> Value {
    let plan = done(app.post_once("maker", "/v1/payout-plans", once, &json!({})).await).await;
    let path = format!("/v1/payout-plans/{}", plan["id"].as_str().unwrap());
    for (who, word, body) in [
        ("maker", "submit", json!({})),
        ("checker", "approve", json!({"hash": plan["hash"]})),
        ("maker", "execute", json!({})),
    ] {
        done(app.post_once(who, &format!("{path}/{word}"), &format!("{once}-{word}"), &body).await).await;
    }
    app.advance("10s").await;
    app.advance("10m").await;
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_taxed_certified_and_remitted() {
    on_each_engine("withholding", async |database| {
        if database.portable {
            return;
        }
        let settings =
            [("database.url", database.url.as_str()), ("payouts.withholding.appointed_by", "BIR")];
        let app = TestApp::with(&settings).await;
        rail(&app).await;
        let supplier = joined(&app, "shoes", None).await;
        let exempt = joined(&app, "lamps", Some("exempt")).await;
        sold(&app, "o-1", &supplier).await;
        sold(&app, "o-2", &exempt).await;
        app.advance("2d").await;
        let plan = paid_out(&app, "p-1").await;
        let line = |supplier: &str| {
            let lines = plan["lines"].as_array().unwrap();
            lines.iter().find(|line| line["supplier"] == supplier).unwrap_or_else(|| panic!("{plan:#}")).clone()
        };
        let taxed = line(&supplier);
        assert_eq!((&taxed["gross"], &taxed["withholding"]), (&php("9200.00"), &php("50.00")), "{taxed:#}");
        assert_eq!(taxed["amount"], php("9150.00"));
        assert_eq!(taxed["taxes"][0]["explain"], "1 % of 0.5 × 10000.00 = 50.00");
        assert_eq!(line(&exempt)["withholding"], php("0.00"));

        // The certificate, and who may see it.
        let path = format!("/v1/withholding-certificates?supplier={supplier}");
        let listed = done(app.get("finance", &path).await).await;
        let certificate = listed["data"][0].clone();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
        for (key, value) in [
            ("authority", json!("BIR")),
            ("sold", php("10000.00")),
            ("refunded", php("0.00")),
            ("base", php("10000.00")),
            ("withheld", php("50.00")),
            ("remitted", php("0.00")),
            ("is_remitted", json!(false)),
            ("holder", json!({"name": "shoes", "tax_number": "123-456-789-000", "country": "PH"})),
        ] {
            assert_eq!(certificate[key], value, "{key}: {certificate:#}");
        }
        let one = format!("/v1/withholding-certificates/{}", certificate["id"].as_str().unwrap());
        assert_eq!(done(app.get("finance", &one).await).await, certificate);
        assert_eq!(app.get("supplier", &one).await.status, 404, "another supplier's");
        assert_eq!(app.get("supplier", &path).await.status, 404);
        assert_eq!(app.get("other.finance", &one).await.status, 404);
        assert_eq!(app.get("storefront", &one).await.code(), "key_scope");
        let own = done(app.get("supplier", "/v1/withholding-certificates").await).await;
        assert_eq!(own["data"], json!([]));
        let every = done(app.get("finance", "/v1/withholding-certificates").await).await;
        assert_eq!(every["data"], listed["data"], "who is exempt has none");
        let bad = app.get("finance", "/v1/withholding-certificates?period=2026-13").await;
        assert_eq!((bad.status, bad.json()["param"].clone()), (400, json!("period")));

        // The statement has a line of its own for it, in every form that has words.
        let day = certificate["entries"][0]["booked_at"].as_str().unwrap()[..10].to_owned();
        let statement = format!("/v1/suppliers/{supplier}/statements?from=2026-01-01&to={day}");
        let read = done(app.get("finance", &statement).await).await;
        let entries = read["entries"].as_array().unwrap().clone();
        let tax: Vec<&Value> = entries.iter().filter(|entry| entry["narrative"] == "Tax withheld").collect();
        assert_eq!(tax.len(), 1, "{read:#}");
        assert_eq!((&tax[0]["amount"], &tax[0]["direction"]), (&php("50.00"), &json!("debit")));
        for format in ["csv", "camt053", "ofx", "xero", "quickbooks"] {
            let text = app.get("finance", &format!("{statement}&format={format}")).await;
            assert!(text.status == 200 && text.text.contains("Tax withheld"), "{format}: {}", text.text);
        }

        // Two persons pay BIR, from money that lies at the bank by then.
        let body = json!({"name": "bpi", "kind": "client", "currency": "PHP", "country": "PH", "number": "0012345678",
            "bic": "BOPIPHMM"});
        let bank = done(app.post("finance", "/v1/bank-accounts", &body).await).await;
        let input = json!({"authority": "BIR", "period": certificate["period"], "bank_account": bank["id"]});
        let odd = json!({"authority": "DJP", "period": certificate["period"], "bank_account": bank["id"]});
        let refused = app.post_once("maker", "/v1/withholding-remittances", "r-0", &odd).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "unprocessable"), "{}", refused.text);
        for authority in ["", "BIR,A", &"B".repeat(31)] {
            let odd = json!({"authority": authority, "period": certificate["period"], "bank_account": bank["id"]});
            let refused = app.post_once("maker", "/v1/withholding-remittances", "r-00", &odd).await;
            assert_eq!((refused.status, refused.json()["param"].clone()), (400, json!("authority")), "{authority}");
        }
        let proposed = app.post_once("maker", "/v1/withholding-remittances", "r-1", &input).await;
        let proposed = done(proposed).await;
        assert_eq!((&proposed["state"], &proposed["total"]), (&json!("proposed"), &php("50.00")), "{proposed:#}");
        let path = format!("/v1/withholding-remittances/{}", proposed["id"].as_str().unwrap());
        let approve = async |who: &str, once: &str| {
            app.post_once(who, &format!("{path}/approve"), once, &json!({})).await
        };
        assert_eq!(approve("maker", "a-1").await.code(), "four_eyes");
        let poor = approve("checker", "a-2").await;
        assert_eq!((poor.status, poor.code().as_str()), (422, "unprocessable"), "the account is empty");
        let moved = json!({"reason": "from PayPal to BPI", "template": {"template": "lines", "lines": [
            {"account": 1010, "owner": "bpi", "direction": "debit", "amount": php("50.00")},
            {"account": 1110, "owner": "paypal", "direction": "credit", "amount": php("50.00")},
        ]}});
        let journal = done(app.post_once("maker", "/v1/journals", "j-1", &moved).await).await;
        let journal = format!("/v1/journals/{}/approve", journal["id"].as_str().unwrap());
        done(app.post_once("checker", &journal, "j-2", &json!({})).await).await;
        let booked = done(approve("checker", "a-3").await).await;
        assert_eq!(booked["state"], "booked");
        assert_eq!(done(approve("checker", "a-3").await).await, booked, "the same key, the same answer");
        assert_eq!(approve("checker", "a-4").await.code(), "wrong_state");
        let listed = done(app.get("finance", "/v1/withholding-remittances").await).await;
        let mut summary = booked.clone();
        summary.as_object_mut().unwrap().remove("lines");
        assert_eq!((&booked["line_count"], &listed["data"]), (&json!(1), &json!([summary])), "no lines in lists");
        assert_eq!(done(app.get("finance", &path).await).await, booked);
        let certificate = done(app.get("finance", &one).await).await;
        assert_eq!((&certificate["remitted"], &certificate["is_remitted"]), (&php("50.00"), &json!(true)));
        let accounts = done(app.get("finance", "/v1/ledger/accounts?limit=100").await).await;
        let owed = accounts["data"].as_array().unwrap().iter().filter(|row| row["code"] == 2210);
        let owed: Vec<&Value> = owed.map(|row| &row["balance"]).collect();
        assert_eq!(owed, [&php("0.00")], "{accounts:#}");
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_what_was_sold_exempt_lowers_no_tax() {
    on_each_engine("withholding refund", async |database| {
        if database.portable {
            return;
        }
        let settings = [("database.url", database.url.as_str()), ("payouts.withholding.appointed_by", "BIR")];
        let app = TestApp::with(&settings).await;
        rail(&app).await;
        let supplier = joined(&app, "shoes", Some("exempt")).await;
        let untaxed = sold(&app, "o-1", &supplier).await;
        app.advance("2d").await;
        paid_out(&app, "p-1").await;
        let terms = app.keyed("PATCH", "finance", &format!("/v1/suppliers/{supplier}/payout-terms"));
        done(app.send(terms.json(&json!({"tax_class": "individual"}))).await).await;
        let taxed = sold(&app, "o-2", &supplier).await;
        app.advance("2d").await;
        for (payment, amount, once) in [(&untaxed, "1000.00", "r-1"), (&taxed, "2000.00", "r-2")] {
            let path = format!("/v1/payments/{payment}/refunds");
            done(app.post_once("storefront", &path, once, &json!({"amount": php(amount)})).await).await;
        }
        let plan = paid_out(&app, "p-2").await;
        let line = &plan["lines"][0];
        assert_eq!(line["withholding"], php("40.00"), "{line:#}");
        let explain = "1 % of 0.5 × 8000.00 = 40.00, nothing of 1000.00 refunded that was not taxed";
        assert_eq!(line["taxes"][0]["explain"], explain);
        let listed = done(app.get("finance", "/v1/withholding-certificates").await).await;
        let certificate = &listed["data"][0];
        assert_eq!(certificate["entries"].as_array().unwrap().len(), 2, "{certificate:#}");
        assert_eq!((&certificate["base"], &certificate["withheld"]), (&php("8000.00"), &php("40.00")));
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn off_by_default() {
    let app = TestApp::start().await;
    rail(&app).await;
    let supplier = joined(&app, "shoes", None).await;
    sold(&app, "o-1", &supplier).await;
    app.advance("2d").await;
    let plan = done(app.post_once("maker", "/v1/payout-plans", "p-1", &json!({})).await).await;
    let line = &plan["lines"][0];
    assert_eq!((&line["withholding"], line.get("taxes")), (&php("0.00"), None), "{plan:#}");
    let none = done(app.get("finance", "/v1/withholding-certificates").await).await;
    assert_eq!(none["data"], json!([]));
    app.stop().await;
}
