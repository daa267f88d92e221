//! What a far side said is there after its process ended, and nobody else reads its file.

use chrono::TimeDelta;
use serde_json::json;
use straits::sandbox::{Scenario, Shopper, Target};

use super::paypal_client::text;
use super::stage::Stage;

#[tokio::test]
async fn both_gateways_go_on_where_they_were() {
    let stage = Stage::open().await;
    let root = stage.sandbox.root_certificate_der().unwrap();
    let client = stage.paypal().await;
    let (order, page) = client.order("pay_1", "USD", "100.00").await;
    stage.shop(&page, Shopper::Approve).await;
    let token = client.token.clone();
    let grab = stage.grabpay();
    let flow = grab.init("pay_2", "SGD", 1_000).await;
    stage.shop(&flow.page, Shopper::Approve).await;
    let bearer = grab.token(&flow).await;
    stage.sandbox.arm(Scenario::WrongAmount, Target::Payment("pay_3".into())).await.unwrap();
    stage.doors.take();

    let stage = stage.restart().await;
    assert_eq!(stage.sandbox.root_certificate_der().unwrap(), root, "the root is made once");
    // Notices that were written down and never sent.
    stage.sandbox.deliver_due().await.unwrap();
    let mut types = stage.doors.take_types();
    types.sort();
    assert_eq!(types, ["Auth", "CHECKOUT.ORDER.APPROVED", "Init"]);
    let mut client = stage.paypal().await;
    client.token = token;
    let (status, captured) = client.capture(&order).await;
    assert_eq!((status, &captured["status"]), (201, &json!("COMPLETED")));
    let grab = stage.grabpay();
    assert_eq!(grab.complete(&flow, &bearer).await.1["txStatus"], "success");

    let stage = stage.restart().await;
    let client = stage.paypal().await;
    let (status, replayed) = client.capture(&order).await;
    assert_eq!((status, &replayed), (200, &captured));
    let (_, capture) = client.paid("pay_3", "USD", "100.00").await;
    let (_, shown) = client.get(&format!("/v2/payments/captures/{capture}")).await;
    assert_eq!(text(&shown["amount"]["value"]), "10.00", "the scenario waited through two restarts");
    let grab = stage.grabpay();
    assert_eq!(grab.refund(&flow, &bearer, "ref_1", 1_000).await.0, 200);
    stage.advance(TimeDelta::days(1)).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::open().await;
    let mode = std::fs::metadata(stage.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[tokio::test]
async fn many_shoppers_at_once_are_each_paid_once() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let references: Vec<String> = (0..24).map(|n| format!("pay_{n}")).collect();
    let sales = references.iter().map(|reference| client.paid(reference, "SGD", "10.00"));
    futures_util::future::join_all(sales).await;
    let (_, answer) = client.get("/v1/reporting/balances?currency_code=SGD").await;
    // 4.4 % of 10.00 + 0.50 = 0.94; 24 × 9.06.
    assert_eq!(answer["balances"][0]["total_balance"]["value"], "217.44");
}
