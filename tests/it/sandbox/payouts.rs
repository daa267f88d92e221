//! PayPal's payouts: our adapter against our far side, and the far side by a client of its own.

use std::io::Cursor;

use chrono::TimeDelta;
use serde_json::{Value, json};
use straits::domain::merchants::PayoutAccountKind;
use straits::domain::payouts::{FeeBearer, PayoutReport, PayoutStatus};
use straits::domain::reconciliation::BillLine;
use straits::gateways::{
    About, Creditor, GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Payouts,
};
use straits::ids::{IdSource, PayoutBatchId, PayoutId};
use straits::money::{Money, Rate};
use straits::sandbox::{PayPalApp, PayPalPayoutFee, Scenario, SeededMovement, Target};

use super::adapters::{Rehearsal, paypal};
use super::stage::{Stage, currency};
use crate::conformance::openapi;

const SPEC: &str = "payments_payouts_batch_v1";

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, currency("USD"))
}

/// An account with so much on it.
async fn funded(amount: Money) -> Rehearsal {
    let rehearsal = paypal("self").await;
    fund(&rehearsal.stage, amount).await;
    rehearsal
}

async fn fund(stage: &Stage, amount: Money) {
    let at = stage.clock.now() - TimeDelta::days(2);
    let deposit = SeededMovement {
        transaction_id: "DEPOSIT0000000001".into(),
        reference_id: None,
        code: "T0300",
        gross: amount,
        fee: None,
        custom_id: None,
        at,
    };
    stage.sandbox.seed_paypal(&stage.app().merchant_id, at.date_naive(), &[deposit]).await.unwrap();
}

fn batch(rehearsal: &Rehearsal, receivers: &[&str]) -> PayoutBatchRequest {
    let ids = IdSource::random(rehearsal.stage.clock.clone());
    let id: PayoutBatchId = ids.mint();
    let orders = receivers.iter().map(|receiver| PayoutOrder {
        payout: ids.mint::<PayoutId>(),
        rail_ref: None,
        amount: usd(10_000),
        creditor: Creditor {
            name: "A".into(),
            country: "VN".into(),
            town: None,
            kind: PayoutAccountKind::Paypal,
            number: format!("{receiver}@example.com").into(),
            bank_code: None,
        },
        note: "November".into(),
        purpose: None,
        bearer: Some(FeeBearer::Platform),
    });
    PayoutBatchRequest {
        batch: id,
        request_ref: id.to_string(),
        rail_ref: None,
        orders: orders.collect(),
        debtor: None,
        execute_on: Default::default(),
        made_at: Default::default(),
        carried: None,
    }
}

fn rail(rehearsal: &Rehearsal) -> &dyn Payouts {
    rehearsal.gateway.payouts().unwrap()
}

async fn sent(rehearsal: &Rehearsal, receivers: &[&str]) -> PayoutBatchRequest {
    let batch = batch(rehearsal, receivers);
    let report = rail(rehearsal).send(&batch).await.unwrap();
    PayoutBatchRequest { rail_ref: report.rail_ref, ..batch }
}

async fn told(rehearsal: &Rehearsal, batch: &PayoutBatchRequest) -> Vec<PayoutReport> {
    let report: PayoutBatchReport = rail(rehearsal).query(batch).await.unwrap().unwrap();
    let of = |order: &PayoutOrder| report.payouts.iter().find(|told| told.payout == order.payout).unwrap();
    batch.orders.iter().map(|order| of(order).clone()).collect()
}

fn words(told: &[PayoutReport]) -> Vec<String> {
    let word = |told: &PayoutReport| match &told.status {
        PayoutStatus::Pending => "pending".to_owned(),
        PayoutStatus::Paid { debited } => format!("paid {debited}"),
        PayoutStatus::Unclaimed { debited } => format!("unclaimed {debited}"),
        PayoutStatus::Failed { code, .. } => code.clone(),
        PayoutStatus::Returned { arrived, .. } => format!("returned {arrived}"),
        PayoutStatus::Unknown { raw } => format!("unknown {raw}"),
    };
    told.iter().map(word).collect()
}

async fn balance(stage: &Stage, code: &str) -> (String, String) {
    let (_, answer) = stage.paypal().await.get("/v1/reporting/balances?currency_code=ALL").await;
    let found = answer["balances"].as_array().unwrap().iter().find(|balance| balance["currency"] == code);
    let of = |name: &str| found.unwrap()[name]["value"].as_str().unwrap().to_owned();
    (of("total_balance"), of("available_balance"))
}

#[tokio::test]
async fn payees_are_paid_by_the_clock_and_the_account_pays_once() {
    let rehearsal = funded(usd(100_000)).await;
    let batch = sent(&rehearsal, &["a", "b"]).await;
    assert_eq!(words(&told(&rehearsal, &batch).await), ["pending", "pending"]);
    assert_eq!(
        balance(&rehearsal.stage, "USD").await,
        ("1000.00".into(), "796.00".into()),
        "held with its fees"
    );
    rehearsal.stage.advance(TimeDelta::seconds(5)).await;
    let paid = told(&rehearsal, &batch).await;
    assert_eq!(words(&paid), ["paid USD 100.00", "paid USD 100.00"]);
    assert!(paid.iter().all(|paid| paid.fee == Some(usd(200)) && paid.rail_ref.is_some()));
    assert_eq!(balance(&rehearsal.stage, "USD").await, ("796.00".into(), "796.00".into()));
    // The same call again is the same batch: by its request id, and by its reference alone.
    let unknown = PayoutBatchRequest { rail_ref: None, ..batch.clone() };
    assert_eq!(rail(&rehearsal).send(&unknown).await.unwrap().rail_ref, batch.rail_ref);
    rehearsal.stage.advance(TimeDelta::days(29)).await;
    assert_eq!(balance(&rehearsal.stage, "USD").await.0, "796.00");
}

#[tokio::test]
async fn every_receiver_has_its_end() {
    let rehearsal = funded(usd(200_000)).await;
    let receivers = ["a", "unclaimed.x", "returned", "refunded", "reversed", "onhold", "blocked", "failed"];
    let batch = sent(&rehearsal, &receivers).await;
    rehearsal.stage.advance(TimeDelta::seconds(3)).await;
    let (paid, open) = ("paid USD 100.00".to_owned(), "unclaimed USD 100.00".to_owned());
    let (back, wait) = ("returned USD 100.00".to_owned(), "pending".to_owned());
    let (blocked, failed) = ("RECEIVER_COUNTRY_NOT_ALLOWED".to_owned(), "RECEIVER_ACCOUNT_LOCKED".to_owned());
    let now = words(&told(&rehearsal, &batch).await);
    assert_eq!(now, [&paid, &open, &open, &paid, &paid, &wait, &blocked, &failed].map(Clone::clone));
    // Five are debited with their fees; the one on hold is held with its fee.
    assert_eq!(balance(&rehearsal.stage, "USD").await, ("1490.00".into(), "1388.00".into()));
    rehearsal.stage.advance(TimeDelta::minutes(1)).await;
    let now = words(&told(&rehearsal, &batch).await);
    assert_eq!(now, [&paid, &open, &back, &back, &back, &wait, &blocked, &failed].map(Clone::clone));
    rehearsal.stage.advance(TimeDelta::days(1)).await;
    let now = words(&told(&rehearsal, &batch).await);
    assert_eq!(now, [&paid, &open, &back, &back, &back, &paid, &blocked, &failed].map(Clone::clone));
    rehearsal.stage.advance(TimeDelta::days(30)).await;
    let now = words(&told(&rehearsal, &batch).await);
    assert_eq!(now, [&paid, &back, &back, &back, &back, &paid, &blocked, &failed].map(Clone::clone));
    // Two payouts stay paid; the fees of all six stay with PayPal.
    assert_eq!(balance(&rehearsal.stage, "USD").await, ("1788.00".into(), "1788.00".into()));

    let denied = sent(&rehearsal, &["denied", "a"]).await;
    rehearsal.stage.advance(TimeDelta::seconds(3)).await;
    assert!(
        told(&rehearsal, &denied).await.iter().all(|told| matches!(told.status, PayoutStatus::Failed { .. }))
    );
    assert_eq!(balance(&rehearsal.stage, "USD").await, ("1788.00".into(), "1788.00".into()));
}

#[tokio::test]
async fn an_answer_lost_after_the_batch_was_taken_on_pays_once() {
    let rehearsal = funded(usd(100_000)).await;
    rehearsal.stage.sandbox.arm(Scenario::TimeoutAfterSuccess, Target::Next(1)).await.unwrap();
    let batch = batch(&rehearsal, &["a"]);
    let lost = rail(&rehearsal).send(&batch).await;
    assert!(matches!(lost, Err(GatewayError::OutcomeUnknown(_))), "{lost:?}");
    let asked = rail(&rehearsal).query(&batch).await;
    assert!(matches!(asked, Err(GatewayError::OutcomeUnknown(_))), "{asked:?}");
    // The notices name it, so that it can be asked about after all.
    rehearsal.stage.advance(TimeDelta::seconds(5)).await;
    assert_eq!(balance(&rehearsal.stage, "USD").await.0, "898.00");
    // Longer than request ids are kept alike: the reference alone tells the duplicate.
    let client = rehearsal.stage.paypal().await;
    let body = json!({"sender_batch_header": {"sender_batch_id": batch.request_ref},
                      "items": [{"recipient_type": "EMAIL", "receiver": "x@example.com",
                                 "amount": {"currency": "USD", "value": "1.00"}}]});
    let (status, answer) = client.call("POST", "/v1/payments/payouts", Some(body), &[]).await;
    assert_eq!((status, &answer["name"]), (400, &json!("USER_BUSINESS_ERROR")), "{answer}");
    let href = answer["details"][0]["link"][0]["href"].as_str().unwrap();
    let named = PayoutBatchRequest { rail_ref: href.rsplit('/').next().map(str::to_owned), ..batch };
    assert_eq!(words(&told(&rehearsal, &named).await), ["paid USD 100.00"]);
}

#[tokio::test]
async fn an_empty_account_refuses_and_may_be_tried_again() {
    let rehearsal = funded(usd(10_199)).await;
    let batch = batch(&rehearsal, &["a"]);
    let short = rail(&rehearsal).send(&batch).await;
    assert!(matches!(short, Err(GatewayError::Refused { retry_later: true, .. })), "{short:?}");
    fund(&rehearsal.stage, usd(1)).await;
    rail(&rehearsal).send(&batch).await.unwrap();
    // What is held for one batch does not pay a second.
    fund(&rehearsal.stage, usd(5_000)).await;
    let second = self::batch(&rehearsal, &["b"]);
    let short = rail(&rehearsal).send(&second).await;
    assert!(matches!(short, Err(GatewayError::Refused { retry_later: true, .. })), "{short:?}");

    let rehearsal = funded(usd(50_000)).await;
    rehearsal.stage.sandbox.arm(Scenario::InsufficientBalance, Target::Next(1)).await.unwrap();
    let batch = self::batch(&rehearsal, &["a"]);
    let short = rail(&rehearsal).send(&batch).await;
    assert!(matches!(short, Err(GatewayError::Refused { retry_later: true, .. })), "{short:?}");
    rail(&rehearsal).send(&batch).await.unwrap();
}

#[tokio::test]
async fn unclaimed_money_is_cancelled_once_and_paid_money_never() {
    let rehearsal = funded(usd(100_000)).await;
    let batch = sent(&rehearsal, &["unclaimed", "a"]).await;
    rehearsal.stage.advance(TimeDelta::seconds(3)).await;
    let known = told(&rehearsal, &batch).await;
    let order =
        |place: usize| PayoutOrder { rail_ref: known[place].rail_ref.clone(), ..batch.orders[place].clone() };
    rail(&rehearsal).take_back(&batch, &order(0)).await.unwrap();
    let paid = rail(&rehearsal).take_back(&batch, &order(1)).await;
    assert!(matches!(paid, Err(GatewayError::Refused { retry_later: false, .. })), "{paid:?}");
    assert_eq!(words(&told(&rehearsal, &batch).await), ["returned USD 100.00", "paid USD 100.00"]);
    rehearsal.stage.advance(TimeDelta::days(31)).await;
    assert_eq!(balance(&rehearsal.stage, "USD").await.0, "896.00");
}

#[tokio::test]
async fn another_amount_than_asked_is_told_as_such() {
    let rehearsal = funded(usd(100_000)).await;
    rehearsal.stage.sandbox.arm(Scenario::WrongAmount, Target::Next(1)).await.unwrap();
    let batch = sent(&rehearsal, &["a"]).await;
    rehearsal.stage.advance(TimeDelta::seconds(3)).await;
    let told = told(&rehearsal, &batch).await;
    assert_eq!(words(&told), ["paid USD 10.00"]);
    assert_eq!((batch.orders[0].amount, told[0].stated), (usd(10_000), Some(usd(1_000))));
}

#[tokio::test]
async fn notices_name_the_batch_and_the_payout() {
    for verification in ["self", "postback"] {
        let rehearsal = paypal(verification).await;
        fund(&rehearsal.stage, usd(100_000)).await;
        rehearsal.stage.sandbox.arm(Scenario::ForgedCallback, Target::Next(1)).await.unwrap();
        let batch = sent(&rehearsal, &["a", "unclaimed"]).await;
        let forged = rehearsal.heard().await;
        assert!(forged.len() == 1 && forged[0].is_err(), "{forged:?}");
        rehearsal.stage.clock.advance(TimeDelta::seconds(3));
        told(&rehearsal, &batch).await;
        let heard: Vec<_> = rehearsal.heard().await.into_iter().map(Result::unwrap).collect();
        let types: Vec<&str> = heard.iter().map(|heard| heard.event_type.as_str()).collect();
        assert_eq!(
            types,
            [
                "PAYMENT.PAYOUTSBATCH.PROCESSING",
                "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
                "PAYMENT.PAYOUTS-ITEM.UNCLAIMED",
                "PAYMENT.PAYOUTSBATCH.SUCCESS",
            ]
        );
        let items = [None, Some(batch.orders[0].payout), Some(batch.orders[1].payout), None];
        for (heard, item) in heard.iter().zip(items) {
            let expected =
                About::Payouts { batch: Some(batch.batch), batch_ref: batch.rail_ref.clone(), item };
            assert_eq!(heard.about, expected);
        }
    }
}

#[tokio::test]
async fn search_and_settlement_report_say_what_was_paid_and_what_came_back() {
    let rehearsal = funded(usd(100_000)).await;
    rehearsal.stage.sandbox.arm(Scenario::BillDiffers, Target::Next(1)).await.unwrap();
    let bills = rehearsal.gateway.bills().unwrap();
    let day = rehearsal.stage.clock.now().with_timezone(&bills.zone()).date_naive();
    let batch = sent(&rehearsal, &["a", "refunded"]).await;
    rehearsal.stage.advance(TimeDelta::minutes(2)).await;
    rehearsal.stage.advance(TimeDelta::days(1)).await;
    let page = bills.page(day, None).await.unwrap();
    let says = |lines: &[BillLine]| -> Vec<String> {
        lines.iter().map(|line| format!("{} {}", line.kind.as_str(), line.net())).collect()
    };
    let expected =
        ["payout USD -100.01", "payout USD -100.01", "fee USD -4.00", "payout_returned USD 100.00"];
    assert_eq!(says(&page.lines), expected, "a minor unit less than the balance says");
    assert_eq!(page.lines[0].our_ref, Some(batch.orders[0].payout.to_string()));
    assert_eq!(page.lines[3].related_ref, Some(page.lines[1].gateway_ref.clone()));
    assert_eq!(balance(&rehearsal.stage, "USD").await.0, "896.00");
    let client = rehearsal.stage.paypal().await;
    let name = format!("/ppreports/outgoing/STL-{}.01.009.CSV", day.format("%Y%m%d"));
    let (_, file) = client.get_text(&name).await;
    let read: Vec<BillLine> =
        bills.read(Box::new(Cursor::new(file.into_bytes()))).collect::<Result<_, _>>().unwrap();
    assert_eq!(says(&read), expected);
}

#[tokio::test]
async fn what_the_account_does_not_hold_is_bought_and_told() {
    let rehearsal = paypal("self").await;
    let stage = &rehearsal.stage;
    let rate = Rate::parse(currency("USD"), currency("EUR"), "0.9").unwrap();
    let flat = PayPalPayoutFee { flat: vec![usd(25)], ..PayPalPayoutFee::default() };
    let app = PayPalApp { holds: vec![currency("EUR")], rates: vec![rate], payout_fee: flat, ..stage.app() };
    stage.sandbox.provision_paypal(&app).await.unwrap();
    fund(stage, Money::from_minor(20_000, currency("EUR"))).await;
    let batch = sent(&rehearsal, &["a"]).await;
    rehearsal.stage.advance(TimeDelta::seconds(3)).await;
    let paid = told(&rehearsal, &batch).await;
    assert_eq!(words(&paid), ["paid EUR 90.00"]);
    assert_eq!(paid[0].fee, Some(usd(25)));
    // 0.25 USD are 0.225 EUR, rounded half up.
    assert_eq!(balance(&rehearsal.stage, "EUR").await.0, "109.77");
}

#[tokio::test]
async fn a_long_batch_is_read_to_the_last() {
    let rehearsal = funded(usd(100_000_000)).await;
    rehearsal.stage.sandbox.arm(Scenario::LostCallback, Target::Next(1)).await.unwrap();
    let receivers: Vec<String> = (0..2_500).map(|n| format!("payee{n}")).collect();
    let receivers: Vec<&str> = receivers.iter().map(String::as_str).collect();
    let batch = sent(&rehearsal, &receivers).await;
    rehearsal.stage.advance(TimeDelta::seconds(3)).await;
    let told = told(&rehearsal, &batch).await;
    assert_eq!(words(&told).iter().filter(|word| *word == "paid USD 100.00").count(), 2_500);
    assert_eq!(balance(&rehearsal.stage, "USD").await.0, "745000.00");
}

#[tokio::test]
async fn a_client_of_its_own_is_answered_as_published() {
    let stage = Stage::open().await;
    fund(&stage, usd(50_000)).await;
    let client = stage.paypal().await;
    let body = |items: Value| json!({"sender_batch_header": {"sender_batch_id": "B1", "email_subject": "Paid"}, "items": items});
    let item = |change: &dyn Fn(&mut Value)| {
        let mut item = json!({"recipient_type": "EMAIL", "receiver": "unclaimed@example.com", "sender_item_id": "I1",
                              "amount": {"currency": "USD", "value": "10.00"}});
        change(&mut item);
        body(json!([item]))
    };
    let clean = |name: &str, answer: &Value| {
        let mut found = openapi::answer_complaints(SPEC, name, answer);
        found.retain(|complaint| !complaint.contains("encType"));
        assert_eq!(found, Vec::<String>::new(), "{answer}");
    };
    for (field, change) in [
        ("items[0].receiver", (|item| item["receiver"] = "nobody".into()) as fn(&mut Value)),
        ("items[0].recipient_type", |item| item["recipient_type"] = "PHONE".into()),
        ("items[0].amount", |item| item["amount"]["currency"] = "VND".into()),
        ("items[0].amount", |item| item["amount"]["value"] = "1.001".into()),
        ("items[0].amount", |item| item["amount"]["value"] = "0.00".into()),
        ("items[0].sender_item_id", |item| item["sender_item_id"] = "x".repeat(64).into()),
    ] {
        let (status, answer) = client.call("POST", "/v1/payments/payouts", Some(item(&change)), &[]).await;
        assert_eq!((status, &answer["name"]), (400, &json!("VALIDATION_ERROR")), "{answer}");
        assert_eq!(answer["details"][0]["field"], field);
        clean("error", &answer);
    }
    let (status, answer) = client.call("POST", "/v1/payments/payouts", Some(body(json!([]))), &[]).await;
    assert_eq!((status, &answer["details"][0]["field"]), (400, &json!("items")));

    let (status, made) = client.call("POST", "/v1/payments/payouts", Some(item(&|_| ())), &[]).await;
    assert_eq!(status, 201, "{made}");
    clean("payout", &made);
    let (status, again) = client.call("POST", "/v1/payments/payouts", Some(item(&|_| ())), &[]).await;
    assert_eq!((status, &again["details"][0]["field"]), (400, &json!("SENDER_BATCH_ID")));
    let id = made["batch_header"]["payout_batch_id"].as_str().unwrap();
    stage.advance(TimeDelta::seconds(3)).await;
    let (_, shown) = client.get(&format!("/v1/payments/payouts/{id}?total_required=true&page_size=1")).await;
    clean("payout_batch", &shown);
    assert_eq!((&shown["total_items"], &shown["total_pages"]), (&json!(1), &json!(1)));
    assert_eq!(shown["batch_header"]["batch_status"], "SUCCESS");
    let item_id = shown["items"][0]["payout_item_id"].as_str().unwrap().to_owned();
    let (_, alone) = client.get(&format!("/v1/payments/payouts-item/{item_id}")).await;
    clean("payout_item-2", &alone);
    assert_eq!(
        (&alone["transaction_status"], &alone["sender_batch_id"]),
        (&json!("UNCLAIMED"), &json!("B1"))
    );
    let cancel = format!("/v1/payments/payouts-item/{item_id}/cancel");
    let (status, back) = client.call("POST", &cancel, None, &[]).await;
    assert_eq!((status, &back["transaction_status"]), (200, &json!("RETURNED")));
    clean("payout_item-2", &back);
    let (status, _) = client.call("POST", &cancel, None, &[]).await;
    assert_eq!(status, 400);
    for path in ["/v1/payments/payouts/NONE", "/v1/payments/payouts-item/NONE"] {
        assert_eq!(client.get(path).await.0, 404, "{path}");
    }
    // After thirty days the reference is free.
    stage.advance(TimeDelta::days(30)).await;
    let (status, _) = client.call("POST", "/v1/payments/payouts", Some(item(&|_| ())), &[]).await;
    assert_eq!(status, 201);
}
