//! What a capture could not divide is refused before anybody pays, in the words of a preview; what is refused nowhere
//! but at the capture stands aside, and whoever asks for its settlement is told which finding to look at.

use serde_json::{Value, json};

use crate::app::TestApp;

struct Case {
    currency: &'static str,
    shares: Value,
    fee: Value,
    bearer: &'static str,
    /// Where it is refused and what the detail says; `None`: it is taken.
    refused: Option<(&'static str, &'static str)>,
}

fn case(
    currency: &'static str,
    shares: Value,
    fee: Value,
    bearer: &'static str,
    refused: Option<(&'static str, &'static str)>,
) -> Case {
    Case { currency, shares, fee, bearer, refused }
}

#[actix_web::test]
async fn a_payment_that_could_not_be_divided_is_refused_as_its_preview_is() {
    let app = TestApp::start().await;
    let ten = json!({"percent": "10"});
    let two = json!([{"fixed": "5.00"}, {"fixed": "4.50"}]);
    let all = json!([{"fixed": "10.00"}]);
    let cases = [
        case(
            "USD",
            json!([{"remainder": true}]),
            json!({"percent": "101"}),
            "platform",
            Some(("platform_fee", "commission and tax USD 10.10")),
        ),
        case("USD", two.clone(), ten.clone(), "platform", Some(("splits", "USD 9.50, but USD 9.00"))),
        case("USD", two, ten, "suppliers", Some(("splits", "USD 9.50, but USD 8.06"))),
        case("USD", all.clone(), Value::Null, "suppliers", Some(("splits", "USD 10.00, but USD 9.06"))),
        case("USD", all.clone(), Value::Null, "payer", Some(("splits", "USD 10.00, but USD 9.06"))),
        case("USD", json!([{"fixed": "9.07"}]), Value::Null, "suppliers", Some(("splits", "USD 9.06"))),
        case("USD", json!([{"fixed": "9.06"}]), Value::Null, "suppliers", None),
        case("USD", all, Value::Null, "platform", None),
        // A share of what is received is the smaller, the greater the fee is.
        case(
            "USD",
            json!([{"fixed": "1.50"}, {"percent": "90", "of": "received"}]),
            Value::Null,
            "platform",
            None,
        ),
        // 4.4 % by contract; what the far side takes is 0.50 more.
        case("EUR", json!([{"fixed": "9.50"}]), Value::Null, "suppliers", None),
    ];
    let suppliers = [app.supplier("TH"), app.supplier("SG")];
    for (number, case) in cases.into_iter().enumerate() {
        let shares = case.shares.as_array().unwrap().iter().zip(&suppliers);
        let splits: Vec<Value> =
            shares.map(|(share, supplier)| json!({"supplier": supplier, "share": share})).collect();
        let mut body = json!({
            "amount": {"amount": "10.00", "currency": case.currency}, "gateway": "paypal", "splits": splits,
            "fee_bearer": case.bearer,
        });
        if !case.fee.is_null() {
            body["platform_fee"] = case.fee;
        }
        let preview = app.post("finance", "/v1/settlements/preview", &body).await;
        body["order_ref"] = json!(format!("trial-{number}"));
        let once = format!("trial-{number}");
        let made = app.post_once("storefront", "/v1/payments", &once, &body).await;
        let Some((param, words)) = case.refused else {
            assert_eq!(made.status, 201, "{number}: {}", made.text);
            continue;
        };
        let told = |answer: &Value| [&answer["code"], &answer["param"], &answer["detail"]].map(Value::clone);
        assert_eq!(told(&made.json()), told(&preview.json()), "{number}");
        assert_eq!((made.status, made.code().as_str()), (422, "invalid_split"), "{number}: {}", made.text);
        assert_eq!(made.json()["param"], json!(param), "{number}");
        assert!(made.json()["detail"].as_str().unwrap().contains(words), "{number}: {}", made.text);
    }
    let stored = app.get("storefront", "/v1/payments?limit=100").await.json();
    assert_eq!(stored["data"].as_array().unwrap().len(), 4, "nothing of a refused one is stored: {stored}");
    app.stop().await;
}

#[actix_web::test]
async fn who_asks_for_the_settlement_of_undivided_money_is_sent_to_its_finding() {
    let app = TestApp::start().await;
    let body = json!({
        "order_ref": "tight", "amount": {"amount": "10.00", "currency": "EUR"}, "gateway": "paypal",
        "fee_bearer": "suppliers",
        "splits": [{"supplier": app.supplier("TH"), "share": {"fixed": "9.50"}}],
    });
    let payment = app.post_once("storefront", "/v1/payments", "tight", &body).await.json();
    let id = payment["id"].as_str().unwrap();
    let settlement = format!("/v1/payments/{id}/settlement");
    let nothing = app.get("finance", &settlement).await;
    assert_eq!((nothing.status, &nothing.json()["detail"]), (404, &json!("there is no such settlement")));
    let page = format!("/v1/sandbox/payments/{id}");
    assert_eq!(app.post("storefront", &page, &json!({"shopper": "approve"})).await.status, 200);
    let mut findings = json!([]);
    for _ in 0..100 {
        findings = app.get("finance", "/v1/findings?state=open").await.json()["data"].clone();
        if findings[0].is_object() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!((&findings[0]["kind"], &findings[0]["payment"]), (&json!("indivisible"), &json!(id)));
    let finding = findings[0]["id"].as_str().unwrap();
    let answer = app.get("finance", &settlement).await;
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    assert!(detail.contains(finding) && detail.contains("(indivisible)"), "{detail}");
    assert_eq!(
        app.get("other.finance", &settlement).await.json()["detail"],
        json!("there is no such settlement")
    );
    app.stop().await;
}
