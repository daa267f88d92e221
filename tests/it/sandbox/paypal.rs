//! PayPal's far side: orders, captures, refunds, the account, the page.

use chrono::TimeDelta;
use serde_json::{Value, json};
use straits::sandbox::Shopper;

use super::paypal_client::{PayPalClient, issue, link, order_body, text};
use super::stage::{CLIENT, Stage};

async fn balance(client: &PayPalClient<'_>, code: &str) -> String {
    let (_, answer) = client.get(&format!("/v1/reporting/balances?currency_code={code}")).await;
    text(&answer["balances"][0]["total_balance"]["value"])
}

#[tokio::test]
async fn a_sale_from_order_to_full_refund() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "100.00").await;
    let (status, early) = client.capture(&order).await;
    assert_eq!((status, issue(&early)), (422, "ORDER_NOT_APPROVED"));

    let outcome = stage.shop(&page, Shopper::Approve).await;
    let back = outcome.return_url.unwrap();
    assert_eq!(outcome.answered, Some(200));
    assert!(back.query().unwrap().starts_with(&format!("token={order}&PayerID=")), "{back}");
    assert_eq!(client.get(&format!("/v2/checkout/orders/{order}")).await.1["status"], "APPROVED");

    let (status, captured) = client.capture(&order).await;
    assert_eq!((status, &captured["status"]), (201, &json!("COMPLETED")));
    let capture = &captured["purchase_units"][0]["payments"]["captures"][0];
    let breakdown = &capture["seller_receivable_breakdown"];
    assert_eq!(capture["status"], "COMPLETED");
    assert_eq!(capture["custom_id"], "pay_1");
    assert_eq!(breakdown["gross_amount"], json!({"currency_code": "USD", "value": "100.00"}));
    assert_eq!(breakdown["paypal_fee"]["value"], "4.90");
    assert_eq!(breakdown["net_amount"]["value"], "95.10");
    assert_eq!(breakdown.get("receivable_amount"), None);
    assert_eq!(balance(&client, "USD").await, "95.10");

    let id = text(&capture["id"]);
    let (status, refund) = client.refund(&id, "ref_1", Some(("USD", "40.00"))).await;
    assert_eq!((status, &refund["status"]), (201, &json!("COMPLETED")));
    assert_eq!(refund["seller_payable_breakdown"]["paypal_fee"]["value"], "0.00");
    assert_eq!(refund["seller_payable_breakdown"]["total_refunded_amount"]["value"], "40.00");
    let path = format!("/v2/payments/captures/{id}");
    assert_eq!(client.get(&path).await.1["status"], "PARTIALLY_REFUNDED");
    let (status, refused) = client.refund(&id, "ref_2", Some(("USD", "60.01"))).await;
    assert_eq!((status, issue(&refused)), (422, "REFUND_AMOUNT_EXCEEDED"));
    let (_, rest) = client.refund(&id, "ref_3", None).await;
    assert_eq!(rest["amount"]["value"], "60.00");
    assert_eq!(client.get(&path).await.1["status"], "REFUNDED");
    assert_eq!(issue(&client.refund(&id, "ref_4", None).await.1), "CAPTURE_FULLY_REFUNDED");
    let (_, shown) = client.get(&format!("/v2/payments/refunds/{}", text(&refund["id"]))).await;
    assert_eq!(shown, refund);
    // The fee is not returned, so the account ends below zero by it.
    assert_eq!(balance(&client, "USD").await, "-4.90");

    let period = "start_date=2026-11-22T00:00:00Z&end_date=2026-11-24T00:00:00Z";
    let (_, report) = client.get(&format!("/v1/reporting/transactions?{period}&fields=all")).await;
    let rows = report["transaction_details"].as_array().unwrap();
    let row = |index: usize, name: &str| rows[index]["transaction_info"][name].clone();
    assert_eq!(row(0, "transaction_event_code"), "T0006");
    assert_eq!(row(0, "fee_amount")["value"], "-4.90");
    assert_eq!(row(1, "transaction_event_code"), "T1107");
    assert_eq!(row(1, "transaction_amount")["value"], "-40.00");
    assert_eq!(row(2, "ending_balance")["value"], "-4.90");
    assert_eq!(report["total_items"], 3);
}

#[tokio::test]
async fn orders_that_paypal_refuses() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let unit = |amount: Value| json!({"intent": "CAPTURE", "purchase_units": [{"amount": amount}]});
    let usd = |value: &str| json!({"currency_code": "USD", "value": value});
    let with = |breakdown: Value, items: Value| {
        json!({"intent": "CAPTURE", "purchase_units": [{"items": items,
               "amount": {"currency_code": "USD", "value": "10.00", "breakdown": breakdown}}]})
    };
    let item =
        |value: &str, quantity: &str| json!({"name": "x", "quantity": quantity, "unit_amount": usd(value)});
    let two = json!({"intent": "CAPTURE", "purchase_units": [
        {"reference_id": "a", "amount": usd("1.00")}, {"reference_id": "a", "amount": usd("1.00")}]});
    let cases: Vec<(Value, u16, &str)> = vec![
        (json!({"purchase_units": []}), 400, "MISSING_REQUIRED_PARAMETER"),
        (json!({"intent": "SALE", "purchase_units": [{"amount": usd("1")}]}), 400, "INVALID_PARAMETER_VALUE"),
        (json!({"intent": "CAPTURE", "purchase_units": []}), 400, "MISSING_REQUIRED_PARAMETER"),
        (unit(json!({"currency_code": "USD"})), 400, "MISSING_REQUIRED_PARAMETER"),
        (unit(usd("1,00")), 400, "INVALID_PARAMETER_SYNTAX"),
        (unit(usd("1.001")), 422, "DECIMAL_PRECISION"),
        (unit(json!({"currency_code": "JPY", "value": "1.00"})), 422, "DECIMALS_NOT_SUPPORTED"),
        (unit(json!({"currency_code": "VND", "value": "1000"})), 422, "INVALID_CURRENCY_CODE"),
        (unit(usd("0")), 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (with(json!({"item_total": usd("9.00")}), Value::Null), 422, "AMOUNT_MISMATCH"),
        (with(json!({"item_total": usd("10.00")}), json!([item("3.00", "3")])), 422, "ITEM_TOTAL_MISMATCH"),
        (with(json!({"shipping": usd("10.00")}), json!([item("5.00", "2")])), 422, "ITEM_TOTAL_REQUIRED"),
        (two, 422, "DUPLICATE_REFERENCE_ID"),
    ];
    for (body, status, expected) in cases {
        let (found, answer) = client.call("POST", "/v2/checkout/orders", Some(body.clone()), &[]).await;
        assert_eq!((found, issue(&answer)), (status, expected), "{body} {answer}");
        let name = if status == 400 { "INVALID_REQUEST" } else { "UNPROCESSABLE_ENTITY" };
        assert_eq!(answer["name"], name);
    }
    let body = with(
        json!({"item_total": usd("9.00"), "shipping": usd("2.00"), "discount": usd("1.00")}),
        json!([item("3.00", "3")]),
    );
    assert_eq!(client.call("POST", "/v2/checkout/orders", Some(body), &[]).await.0, 201);
    let body = order_body(&stage.url, "pay_1", "USD", "1.00");
    let (_, answer) = client.call("POST", "/v2/checkout/orders", Some(body), &[]).await;
    assert_eq!(issue(&answer), "PAYPAL_REQUEST_ID_REQUIRED");
}

#[tokio::test]
async fn nobody_gets_in_without_credentials() {
    let stage = Stage::open().await;
    let address = format!("{}/sandbox/paypal/v1/oauth2/token", stage.url);
    for (secret, grant, status, error) in [
        ("wrong", "client_credentials", 401, "invalid_client"),
        ("paypal-secret", "password", 400, "unsupported_grant_type"),
    ] {
        let asked = stage.http.post(&address).basic_auth(CLIENT, Some(secret)).form(&[("grant_type", grant)]);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], error);
    }
    let mut client = stage.paypal().await;
    client.token.push('x');
    let (status, answer) = client.get("/v2/checkout/orders/X").await;
    assert_eq!((status, &answer["name"]), (401, &json!("AUTHENTICATION_FAILURE")));
    let client = stage.paypal().await;
    let (status, answer) = client.get("/v2/checkout/orders/X").await;
    assert_eq!((status, &answer["name"]), (404, &json!("RESOURCE_NOT_FOUND")));
}

#[tokio::test]
async fn a_request_id_is_answered_once_and_then_replayed() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let body = order_body(&stage.url, "pay_1", "USD", "100.00");
    let headers = [("PayPal-Request-Id", "one")];
    let create = |body: Value| client.call("POST", "/v2/checkout/orders", Some(body), &headers);
    let (first_status, first) = create(body.clone()).await;
    let (second_status, second) = create(body.clone()).await;
    assert_eq!((first_status, second_status), (201, 200));
    assert_eq!(first, second);
    let (status, _) = create(order_body(&stage.url, "pay_1", "USD", "1.00")).await;
    assert_eq!(status, 422);

    stage.shop(&link(&first, "payer-action"), Shopper::Approve).await;
    let order = text(&first["id"]);
    let (captured, again) = (client.capture(&order).await, client.capture(&order).await);
    assert_eq!((captured.0, again.0), (201, 200));
    assert_eq!(captured.1, again.1);
    assert_eq!(balance(&client, "USD").await, "95.10");
    let path = format!("/v2/checkout/orders/{order}/capture");
    let (status, answer) = client.call("POST", &path, Some(json!({})), &[("PayPal-Request-Id", "x")]).await;
    assert_eq!((status, issue(&answer)), (422, "ORDER_ALREADY_CAPTURED"));

    // Orders are remembered for six hours, payments for 45 days.
    stage.advance(TimeDelta::hours(7)).await;
    assert_ne!(create(body).await.1["id"], first["id"]);
    let capture = text(&captured.1["purchase_units"][0]["payments"]["captures"][0]["id"]);
    let refund = client.refund(&capture, "ref_1", Some(("USD", "1.00"))).await.1;
    stage.advance(TimeDelta::days(44)).await;
    assert_eq!(client.refund(&capture, "ref_1", Some(("USD", "1.00"))).await, (200, refund.clone()));
    stage.advance(TimeDelta::days(2)).await;
    assert_ne!(client.refund(&capture, "ref_1", Some(("USD", "1.00"))).await.1["id"], refund["id"]);
}

#[tokio::test]
async fn an_account_that_holds_other_money_converts_at_capture() {
    let stage = Stage::open().await;
    stage.sandbox.provision_paypal(&stage.euro_app(Some("0.90"))).await.unwrap();
    let client = stage.paypal().await;
    let (_, capture) = client.paid("pay_1", "USD", "100.00").await;
    let (_, shown) = client.get(&format!("/v2/payments/captures/{capture}")).await;
    let breakdown = &shown["seller_receivable_breakdown"];
    assert_eq!(breakdown["paypal_fee"]["value"], "3.49");
    assert_eq!(breakdown["net_amount"]["value"], "96.51");
    assert_eq!(breakdown["receivable_amount"], json!({"currency_code": "EUR", "value": "86.86"}));
    let rate = json!({"source_currency": "USD", "target_currency": "EUR", "value": "0.9"});
    assert_eq!(breakdown["exchange_rate"], rate);
    assert_eq!(balance(&client, "EUR").await, "86.86");
    assert_eq!(balance(&client, "USD").await, "0.00");
    let (_, refund) = client.refund(&capture, "ref_1", Some(("USD", "10.00"))).await;
    let paid = &refund["seller_payable_breakdown"]["net_amount_breakdown"][0];
    assert_eq!(paid["converted_amount"]["value"], "9.00");
    assert_eq!(balance(&client, "EUR").await, "77.86");
}

#[tokio::test]
async fn a_currency_nobody_holds_waits_for_the_payee_and_is_denied_after_a_month() {
    let stage = Stage::open().await;
    stage.sandbox.provision_paypal(&stage.euro_app(None)).await.unwrap();
    let client = stage.paypal().await;
    let (_, capture) = client.paid("pay_1", "USD", "100.00").await;
    let path = format!("/v2/payments/captures/{capture}");
    let (_, shown) = client.get(&path).await;
    assert_eq!(shown["status"], "PENDING");
    assert_eq!(shown["status_details"]["reason"], "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION");
    assert_eq!(shown.get("seller_receivable_breakdown"), None);
    assert_eq!(issue(&client.refund(&capture, "ref_1", None).await.1), "PENDING_CAPTURE");
    stage.advance(TimeDelta::days(30)).await;
    assert_eq!(client.get(&path).await.1["status"], "DECLINED");
    let types = stage.doors.take_types();
    assert_eq!(types, ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.DENIED"]);
}

#[tokio::test]
async fn what_is_not_approved_or_captured_in_three_hours_is_gone() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (open, page) = client.order("pay_1", "USD", "1.00").await;
    let (approved, other) = client.order("pay_2", "USD", "1.00").await;
    let (order, _) = client.paid("pay_3", "USD", "1.00").await;
    stage.advance(TimeDelta::hours(2)).await;
    stage.shop(&other, Shopper::Approve).await;
    stage.advance(TimeDelta::hours(1)).await;
    assert_eq!(client.get(&format!("/v2/checkout/orders/{open}")).await.0, 404);
    assert_eq!(stage.get(&page).await.0, 410);
    assert_eq!(client.get(&format!("/v2/checkout/orders/{approved}")).await.0, 200);
    stage.advance(TimeDelta::hours(2)).await;
    assert_eq!(client.capture(&approved).await.0, 404);
    assert_eq!(client.get(&format!("/v2/checkout/orders/{order}")).await.1["status"], "COMPLETED");
}

#[tokio::test]
async fn the_page_is_a_plain_form_good_for_one_decision() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "12.30").await;
    let (_, html) = stage.get(&page).await;
    assert!(html.contains("USD 12.30") && html.contains("Two &lt;lamps&gt;"), "{html}");
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("<link"), "{html}");
    let token = html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let press = |decision: &'static str| {
        let form = [("token", token.clone()), ("decision", decision.to_owned())];
        stage.http.post(&page).form(&form).send()
    };
    let declined = press("decline").await.unwrap();
    assert_eq!(declined.status().as_u16(), 303);
    let back = declined.headers()["location"].to_str().unwrap();
    assert!(back.ends_with(&format!("/v1/returns/paypal?cancelled=1&token={order}")), "{back}");
    assert_eq!(press("approve").await.unwrap().status().as_u16(), 409);
    assert_eq!(
        client.get(&format!("/v2/checkout/orders/{order}")).await.1["status"],
        "PAYER_ACTION_REQUIRED"
    );
    let outcome = stage.shop(&page, Shopper::Abandon).await;
    assert_eq!((outcome.return_url, outcome.answered), (None, None));
    // A shopper who declined may come back.
    assert_eq!(stage.shop(&page, Shopper::Approve).await.answered, Some(200));
}

#[tokio::test]
async fn an_invoice_is_paid_once() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    client.paid("pay_1", "USD", "1.00").await;
    let body = order_body(&stage.url, "pay_1", "USD", "1.00");
    let headers = [("PayPal-Request-Id", "another")];
    let (_, order) = client.call("POST", "/v2/checkout/orders", Some(body), &headers).await;
    stage.shop(&link(&order, "payer-action"), Shopper::Approve).await;
    let (status, answer) = client.capture(&text(&order["id"])).await;
    assert_eq!((status, issue(&answer)), (422, "DUPLICATE_INVOICE_ID"));
}

#[tokio::test]
async fn orders_are_patched_until_they_are_captured() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "10.00").await;
    let path = format!("/v2/checkout/orders/{order}");
    let at = |field: &str| format!("/purchase_units/@reference_id=='default'/{field}");
    let patch = json!([
        {"op": "replace", "path": at("amount"), "value": {"currency_code": "USD", "value": "12.00"}},
        {"op": "replace", "path": at("custom_id"), "value": "pay_2"}]);
    assert_eq!(client.call("PATCH", &path, Some(patch.clone()), &[]).await.0, 204);
    let refused = json!([{"op": "replace", "path": at("payee"), "value": {}}]);
    let (_, answer) = client.call("PATCH", &path, Some(refused), &[]).await;
    assert_eq!(issue(&answer), "FIELD_NOT_PATCHABLE");
    stage.shop(&page, Shopper::Approve).await;
    let (_, captured) = client.capture(&order).await;
    let capture = &captured["purchase_units"][0]["payments"]["captures"][0];
    assert_eq!((&capture["amount"]["value"], &capture["custom_id"]), (&json!("12.00"), &json!("pay_2")));
    assert_eq!(client.call("PATCH", &path, Some(patch), &[]).await.0, 422);
}

#[tokio::test]
async fn authorizations_are_captured_in_parts_and_voided() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let authorized = async |reference: &str| {
        let mut body = order_body(&stage.url, reference, "USD", "100.00");
        body["intent"] = json!("AUTHORIZE");
        let headers = [("PayPal-Request-Id", reference), ("Prefer", "return=representation")];
        let (_, order) = client.call("POST", "/v2/checkout/orders", Some(body), &headers).await;
        stage.shop(&link(&order, "payer-action"), Shopper::Approve).await;
        let path = format!("/v2/checkout/orders/{}/authorize", text(&order["id"]));
        let (status, order) = client.call("POST", &path, None, &headers).await;
        assert_eq!(status, 201, "{order}");
        text(&order["purchase_units"][0]["payments"]["authorizations"][0]["id"])
    };
    let id = authorized("pay_1").await;
    let path = format!("/v2/payments/authorizations/{id}");
    let part = json!({"amount": {"currency_code": "USD", "value": "30.00"}});
    let (status, capture) = client.call("POST", &format!("{path}/capture"), Some(part), &[]).await;
    assert_eq!((status, &capture["amount"]["value"]), (201, &json!("30.00")));
    assert_eq!(client.get(&path).await.1["status"], "PARTIALLY_CAPTURED");
    let more = json!({"amount": {"currency_code": "USD", "value": "70.01"}});
    assert_eq!(client.call("POST", &format!("{path}/capture"), Some(more), &[]).await.0, 422);
    let (_, answer) = client.call("POST", &format!("{path}/void"), None, &[]).await;
    assert_eq!(issue(&answer), "PREVIOUSLY_CAPTURED");
    let id = authorized("pay_2").await;
    let path = format!("/v2/payments/authorizations/{id}");
    assert_eq!(client.call("POST", &format!("{path}/void"), None, &[]).await.0, 204);
    let (_, answer) = client.call("POST", &format!("{path}/capture"), None, &[]).await;
    assert_eq!(issue(&answer), "AUTHORIZATION_VOIDED");
}

#[tokio::test]
async fn refusals_can_be_asked_for() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "1.00").await;
    stage.shop(&page, Shopper::Approve).await;
    let path = format!("/v2/checkout/orders/{order}/capture");
    let mock = [("PayPal-Mock-Response", r#"{"mock_application_codes":"PAYER_CANNOT_PAY"}"#)];
    let (status, answer) = client.call("POST", &path, Some(json!({})), &mock).await;
    assert_eq!((status, issue(&answer)), (422, "PAYER_CANNOT_PAY"));
    assert_eq!(client.capture(&order).await.0, 201);
}

#[tokio::test]
async fn currencies_without_decimals_stay_without() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (_, capture) = client.paid("pay_1", "TWD", "305").await;
    let (_, shown) = client.get(&format!("/v2/payments/captures/{capture}")).await;
    let breakdown = &shown["seller_receivable_breakdown"];
    // 4.4 % of 305 + 0.50 = 13.92, half up to whole dollars.
    assert_eq!(breakdown["paypal_fee"]["value"], "14");
    assert_eq!(breakdown["net_amount"]["value"], "291");
    let (_, answer) = client.refund(&capture, "ref_1", Some(("TWD", "1.00"))).await;
    assert_eq!(issue(&answer), "DECIMALS_NOT_SUPPORTED");
}
