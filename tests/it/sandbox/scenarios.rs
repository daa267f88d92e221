//! Every scenario, at both gateways.

use chrono::TimeDelta;
use serde_json::json;
use straits::sandbox::{Scenario, Shopper, Target};

use super::grabpay_client::GrabClient;
use super::paypal_client::{issue, text};
use super::stage::Stage;

async fn armed(scenario: Scenario) -> Stage {
    let stage = Stage::open().await;
    stage.sandbox.arm(scenario, Target::Next(1)).await.unwrap();
    stage
}

async fn types(stage: &Stage) -> Vec<String> {
    stage.sandbox.deliver_due().await.unwrap();
    stage.doors.take_types()
}

#[test]
fn names_are_the_contracts() {
    let names: Vec<&str> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
    let contract = "lost_callback duplicate_callback late_callback out_of_order forged_callback wrong_amount \
                    timeout_after_success insufficient_balance refund_refused bill_differs dispute_opened chargeback_fee dispute_won dispute_lost \
                    dispute_paid_by_gateway deposit_short";
    assert_eq!(names.join(" "), contract);
    assert!(names.iter().all(|name| name.parse::<Scenario>().unwrap().name() == *name));
    assert!("lost".parse::<Scenario>().is_err());
}

#[tokio::test]
async fn lost_callback() {
    let stage = armed(Scenario::LostCallback).await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "1.00").await;
    let outcome = stage.shop(&page, Shopper::Approve).await;
    assert!(outcome.lost && outcome.answered.is_none());
    stage.advance(TimeDelta::days(4)).await;
    assert!(stage.doors.take().is_empty());
    // It struck one payment; the next is as usual.
    client.paid("pay_2", "USD", "1.00").await;
    assert_eq!(types(&stage).await.len(), 2);
    assert_eq!(client.get(&format!("/v2/checkout/orders/{order}")).await.0, 404, "lapsed by now");

    let stage = armed(Scenario::LostCallback).await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 100).await;
    assert!(stage.shop(&flow.page, Shopper::Approve).await.lost);
    assert!(types(&stage).await.is_empty());
    // Status, code, token, complete: the way to a payment whose browser never came back.
    let token = client.token(&flow).await;
    assert_eq!(client.complete(&flow, &token).await.1["txStatus"], "success");
}

#[tokio::test]
async fn duplicate_callback() {
    let stage = armed(Scenario::DuplicateCallback).await;
    stage.paypal().await.paid("pay_1", "USD", "1.00").await;
    stage.sandbox.deliver_due().await.unwrap();
    let bodies: Vec<String> = stage
        .doors
        .take()
        .into_iter()
        .filter(|seen| seen.path.contains("notifications"))
        .map(|seen| seen.body)
        .collect();
    assert_eq!(bodies.len(), 6);
    assert!(bodies[..3].iter().all(|body| *body == bodies[0]));

    let stage = armed(Scenario::DuplicateCallback).await;
    stage.grabpay().paid("pay_1", 100).await;
    assert_eq!(types(&stage).await.len(), 9);
}

#[tokio::test]
async fn late_callback() {
    let stage = armed(Scenario::LateCallback).await;
    let client = stage.paypal().await;
    client.paid("pay_1", "USD", "1.00").await;
    assert!(types(&stage).await.is_empty());
    stage.advance(TimeDelta::minutes(59)).await;
    assert!(stage.doors.take_types().is_empty());
    stage.advance(TimeDelta::minutes(1)).await;
    assert_eq!(stage.doors.take_types(), ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"]);
}

#[tokio::test]
async fn out_of_order() {
    let stage = armed(Scenario::OutOfOrder).await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "1.00").await;
    stage.shop(&page, Shopper::Approve).await;
    assert!(types(&stage).await.is_empty());
    client.capture(&order).await;
    assert_eq!(types(&stage).await, ["PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED"]);

    let stage = armed(Scenario::OutOfOrder).await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 100).await;
    stage.shop(&flow.page, Shopper::Approve).await;
    assert_eq!(types(&stage).await, ["Auth", "Init"]);
    // Nothing follows: what is held comes after ten minutes.
    let token = client.token(&flow).await;
    client.complete(&flow, &token).await;
    assert!(types(&stage).await.is_empty());
    stage.advance(TimeDelta::minutes(10)).await;
    assert_eq!(stage.doors.take_types(), ["Capture"]);
}

#[tokio::test]
async fn forged_callback() {
    let stage = armed(Scenario::ForgedCallback).await;
    let client = stage.paypal().await;
    let (_, page) = client.order("pay_1", "USD", "1.00").await;
    stage.doors.answer(401);
    stage.sandbox.deliver_due().await.unwrap();
    let forged = stage.doors.take().pop().unwrap();
    assert_eq!(forged.json()["event_type"], "PAYMENT.CAPTURE.COMPLETED");
    let body = json!({
        "auth_algo": forged.header("paypal-auth-algo"), "cert_url": forged.header("paypal-cert-url"),
        "transmission_id": forged.header("paypal-transmission-id"),
        "transmission_sig": forged.header("paypal-transmission-sig"),
        "transmission_time": forged.header("paypal-transmission-time"),
        "webhook_id": super::stage::WEBHOOK, "webhook_event": forged.json()});
    let path = "/v1/notifications/verify-webhook-signature";
    let (_, answer) = client.call("POST", path, Some(body), &[]).await;
    assert_eq!(answer["verification_status"], "FAILURE");
    stage.advance(TimeDelta::hours(1)).await;
    assert!(stage.doors.take().is_empty(), "its forger does not try again");
    stage.doors.answer(200);
    stage.shop(&page, Shopper::Approve).await;
    assert_eq!(types(&stage).await, ["CHECKOUT.ORDER.APPROVED"]);

    // Armed for a payment that is already known, it is sent at once.
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 100).await;
    assert_eq!(types(&stage).await, ["Init"]);
    stage.sandbox.arm(Scenario::ForgedCallback, Target::Payment(flow.reference)).await.unwrap();
    assert_eq!(types(&stage).await, ["Capture"]);
}

/// J26 of the postings: asked 100.00, captured 10.00, fee 0.94.
#[tokio::test]
async fn wrong_amount() {
    let stage = armed(Scenario::WrongAmount).await;
    let client = stage.paypal().await;
    let (order, capture) = client.paid("pay_1", "USD", "100.00").await;
    let (_, shown) = client.get(&format!("/v2/payments/captures/{capture}")).await;
    assert_eq!(shown["amount"]["value"], "10.00");
    assert_eq!(shown["seller_receivable_breakdown"]["paypal_fee"]["value"], "0.94");
    let (_, shown) = client.get(&format!("/v2/checkout/orders/{order}")).await;
    assert_eq!(shown["purchase_units"][0]["amount"]["value"], "100.00");

    let stage = armed(Scenario::WrongAmount).await;
    stage.grabpay().paid("pay_1", 1_000).await;
    stage.sandbox.deliver_due().await.unwrap();
    let stated: Vec<i64> = stage
        .doors
        .take()
        .iter()
        .filter(|seen| seen.path.contains("notifications"))
        .map(|seen| seen.json()["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(stated, [100, 100, 100]);
    stage.advance(TimeDelta::days(1)).await;
    let credits = stage.sandbox.grabpay_bank_credits(super::stage::PARTNER).await.unwrap();
    assert_eq!(credits[0].gross.minor(), 1_000);
}

#[tokio::test]
async fn timeout_after_success() {
    let stage = armed(Scenario::TimeoutAfterSuccess).await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "1.00").await;
    stage.shop(&page, Shopper::Approve).await;
    let path = format!("/v2/checkout/orders/{order}/capture");
    let headers = [("PayPal-Request-Id", "one"), ("Prefer", "return=representation")];
    let broken = client.try_call("POST", &path, Some(json!({})), &headers).await;
    assert!(broken.is_err(), "{broken:?}");
    let (_, shown) = client.get(&format!("/v2/checkout/orders/{order}")).await;
    assert_eq!(shown["status"], "COMPLETED");
    let (status, replayed) = client.call("POST", &path, Some(json!({})), &headers).await;
    assert_eq!(status, 200);
    let capture = text(&replayed["purchase_units"][0]["payments"]["captures"][0]["id"]);
    let path = format!("/v2/payments/captures/{capture}/refund");
    let headers = [("PayPal-Request-Id", "two")];
    assert!(client.try_call("POST", &path, Some(json!({})), &headers).await.is_err());
    assert_eq!(client.get(&format!("/v2/payments/captures/{capture}")).await.1["status"], "REFUNDED");

    let stage = armed(Scenario::TimeoutAfterSuccess).await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 1_000).await;
    stage.shop(&flow.page, Shopper::Approve).await;
    let token = client.token(&flow).await;
    let body = json!({"partnerTxID": flow.reference});
    let path = "/grabpay/partner/v2/charge/complete";
    assert!(client.try_bearer("POST", path, &token, Some(body)).await.is_err());
    assert_eq!(client.status(&flow).await["txStatus"], "success");
    let body = GrabClient::refund_body(&flow, "ref_1", 100);
    assert!(client.try_bearer("POST", "/grabpay/partner/v2/refund", &token, Some(body)).await.is_err());
    let path = "/grabpay/partner/v2/refund/ref_1/status?currency=SGD";
    assert_eq!(client.bearer("GET", path, &token, None).await.1["txStatus"], "success");
    assert_eq!(client.refund(&flow, &token, "ref_2", 100).await.0, 200);
}

#[tokio::test]
async fn insufficient_balance_of_the_shopper() {
    let stage = armed(Scenario::InsufficientBalance).await;
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "1.00").await;
    stage.shop(&page, Shopper::Approve).await;
    assert_eq!(issue(&client.capture(&order).await.1), "INSTRUMENT_DECLINED");
    let (_, shown) = client.get(&format!("/v2/checkout/orders/{order}")).await;
    assert_eq!(shown["status"], "PAYER_ACTION_REQUIRED");
    // With another instrument it goes through.
    stage.shop(&page, Shopper::Approve).await;
    assert_eq!(client.capture(&order).await.0, 201);

    let stage = armed(Scenario::InsufficientBalance).await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 100).await;
    let outcome = stage.shop(&flow.page, Shopper::Approve).await;
    assert_eq!(outcome.return_url.unwrap().query(), Some("error=insufficient_balance&state=state-1"));
    let answer = client.status(&flow).await;
    assert_eq!((&answer["txStatus"], &answer["reason"]), (&json!("failed"), &json!("insufficient_balance")));
}

#[tokio::test]
async fn insufficient_balance_of_the_merchant() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (_, capture) = client.paid("pay_1", "USD", "1.00").await;
    let target = Target::Payment("pay_1".into());
    stage.sandbox.arm(Scenario::InsufficientBalance, target).await.unwrap();
    let (status, answer) = client.refund(&capture, "ref_1", None).await;
    assert_eq!((status, issue(&answer)), (422, "REFUND_FAILED_INSUFFICIENT_FUNDS"));
    assert_eq!(client.refund(&capture, "ref_1", None).await.0, 201);

    let client = stage.grabpay();
    let (flow, token) = client.paid("pay_2", 100).await;
    let target = Target::Payment(flow.tx_id.clone());
    stage.sandbox.arm(Scenario::InsufficientBalance, target).await.unwrap();
    let (status, answer) = client.refund(&flow, &token, "ref_1", 100).await;
    assert_eq!((status, &answer["reason"]), (409, &json!("merchant_insufficient_balance")));
    assert_eq!(client.refund(&flow, &token, "ref_1", 100).await.0, 200);
}

#[tokio::test]
async fn refund_refused() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (_, capture) = client.paid("pay_1", "USD", "1.00").await;
    let target = Target::Payment("pay_1".into());
    stage.sandbox.arm(Scenario::RefundRefused, target).await.unwrap();
    let (status, answer) = client.refund(&capture, "ref_1", None).await;
    assert_eq!((status, issue(&answer)), (422, "REFUND_NOT_ALLOWED"));
    assert_eq!(client.refund(&capture, "ref_2", None).await.0, 201);

    let client = stage.grabpay();
    let (flow, token) = client.paid("pay_2", 100).await;
    let target = Target::Payment(flow.tx_id.clone());
    stage.sandbox.arm(Scenario::RefundRefused, target).await.unwrap();
    let (status, answer) = client.refund(&flow, &token, "ref_1", 100).await;
    assert_eq!((status, &answer["reason"]), (409, &json!("client_error")));
    assert_eq!(client.refund(&flow, &token, "ref_2", 100).await.0, 200);
}

#[tokio::test]
async fn bill_differs() {
    let stage = armed(Scenario::BillDiffers).await;
    let client = stage.paypal().await;
    let (_, capture) = client.paid("pay_1", "USD", "100.00").await;
    let period = "start_date=2026-11-22T00:00:00Z&end_date=2026-11-24T00:00:00Z";
    let (_, report) = client.get(&format!("/v1/reporting/transactions?{period}")).await;
    let row = &report["transaction_details"][0]["transaction_info"];
    assert_eq!(row["transaction_amount"]["value"], "99.99");
    assert_eq!(row["ending_balance"]["value"], "95.10");
    let (_, shown) = client.get(&format!("/v2/payments/captures/{capture}")).await;
    assert_eq!(shown["amount"]["value"], "100.00");

    let stage = armed(Scenario::BillDiffers).await;
    stage.grabpay().paid("pay_1", 1_000).await;
    stage.advance(TimeDelta::days(1)).await;
    let credits = stage.sandbox.grabpay_bank_credits(super::stage::PARTNER).await.unwrap();
    assert_eq!((credits[0].gross.minor(), credits[0].reported_gross.minor()), (1_000, 999));
}

#[tokio::test]
async fn a_scenario_waits_for_its_payment() {
    let stage = Stage::open().await;
    let target = Target::Payment("pay_2".into());
    stage.sandbox.arm(Scenario::WrongAmount, target).await.unwrap();
    let client = stage.paypal().await;
    let mut captured = Vec::new();
    for reference in ["pay_1", "pay_2", "pay_3"] {
        let (_, capture) = client.paid(reference, "USD", "100.00").await;
        let (_, shown) = client.get(&format!("/v2/payments/captures/{capture}")).await;
        captured.push(text(&shown["amount"]["value"]));
    }
    assert_eq!(captured, ["100.00", "10.00", "100.00"]);
}
