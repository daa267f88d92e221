//! Xendit's payouts: our adapter against our far side, and the far side by plain calls.

use chrono::TimeDelta;
use serde_json::{Value, json};
use straits::domain::merchants::PayoutAccountKind;
use straits::domain::payouts::{FeeBearer, PayoutReport, PayoutStatus};
use straits::gateways::{About, Creditor, GatewayError, PayoutBatchRequest, PayoutOrder, Payouts};
use straits::ids::{IdSource, PayoutBatchId, PayoutId};
use straits::money::Money;
use straits::sandbox::{Scenario, Target};

use super::adapters::{Rehearsal, xendit};
use super::stage::{XENDIT_KEY, currency};

fn idr(whole: i64) -> Money {
    Money::from_minor(whole * 100, currency("IDR"))
}

async fn call(rehearsal: &Rehearsal, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
    let url = format!("{}{path}", rehearsal.stage.sandbox.xendit_url());
    let request = rehearsal.stage.http.request(method.parse().unwrap(), url).basic_auth(XENDIT_KEY, Some(""));
    let answer = request.header("idempotency-key", key).body(body.to_owned()).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// With so many rupiah on the float.
async fn funded(whole: i64) -> Rehearsal {
    let rehearsal = xendit().await;
    let body = json!({"currency": "IDR", "amount": whole}).to_string();
    assert_eq!(call(&rehearsal, "POST", "/topups", "", &body).await.1["balance"], json!(whole));
    rehearsal
}

async fn balance(rehearsal: &Rehearsal) -> i64 {
    call(rehearsal, "GET", "/balance?currency=IDR", "", "").await.1["balance"].as_i64().unwrap()
}

fn payout(rehearsal: &Rehearsal, holder: &str) -> PayoutBatchRequest {
    let ids = IdSource::random(rehearsal.stage.clock.clone());
    let id: PayoutBatchId = ids.mint();
    let order = PayoutOrder {
        payout: ids.mint::<PayoutId>(),
        rail_ref: None,
        amount: idr(100_000),
        creditor: Creditor {
            name: holder.into(),
            country: "ID".into(),
            town: None,
            kind: PayoutAccountKind::Bank,
            number: "0012345678".into(),
            bank_code: Some("014".into()),
        },
        note: "November, \"two\" lanterns".into(),
        purpose: None,
        bearer: Some(FeeBearer::Platform),
    };
    PayoutBatchRequest {
        batch: id,
        request_ref: id.to_string(),
        rail_ref: None,
        orders: vec![order],
        debtor: None,
        execute_on: Default::default(),
        made_at: Default::default(),
        carried: None,
    }
}

fn rail(rehearsal: &Rehearsal) -> &dyn Payouts {
    rehearsal.gateway.payouts().unwrap()
}

async fn told(rehearsal: &Rehearsal, batch: &PayoutBatchRequest) -> PayoutReport {
    rail(rehearsal).query(batch).await.unwrap().unwrap().payouts.remove(0)
}

fn word(told: &PayoutReport) -> String {
    match &told.status {
        PayoutStatus::Pending => "pending".to_owned(),
        PayoutStatus::Paid { debited } => format!("paid {debited}"),
        PayoutStatus::Unclaimed { debited } => format!("unclaimed {debited}"),
        PayoutStatus::Failed { code, .. } => code.clone(),
        PayoutStatus::Returned { arrived, .. } => format!("returned {arrived}"),
        PayoutStatus::Unknown { raw } => format!("unknown {raw}"),
    }
}

#[tokio::test]
async fn every_holder_has_its_end_and_the_float_pays_once() {
    let rehearsal = funded(2_000_000).await;
    let (paid, back) = ("paid IDR 100000.00", "returned IDR 100000.00");
    let ends = [
        ("Budi", paid, paid, paid),
        ("Fail Fast", "INVALID_DESTINATION", "INVALID_DESTINATION", "INVALID_DESTINATION"),
        ("Reject It", "REJECTED_BY_CHANNEL", "REJECTED_BY_CHANNEL", "REJECTED_BY_CHANNEL"),
        ("Reverse Rugs", paid, back, back),
        ("Offline Oils", "pending", "pending", paid),
        ("Review Rice", "pending", "pending", "COMPLIANCE_REJECTED"),
    ];
    let mut sent = vec![];
    for (holder, ..) in ends {
        let batch = payout(&rehearsal, holder);
        let report = rail(&rehearsal).send(&batch).await.unwrap();
        assert_eq!(word(&report.payouts[0]), "pending");
        // The same call again is the same payout.
        assert_eq!(rail(&rehearsal).send(&batch).await.unwrap().rail_ref, report.rail_ref);
        sent.push(batch);
    }
    // Six at 100,000 with 5,500 each are set aside.
    assert_eq!(balance(&rehearsal).await, 2_000_000 - 6 * 105_500);
    for (wait, of) in [
        (
            TimeDelta::seconds(3),
            (|end| end.1) as fn((&str, &'static str, &'static str, &'static str)) -> &'static str,
        ),
        (TimeDelta::minutes(2), |end| end.2),
        (TimeDelta::days(2), |end| end.3),
    ] {
        rehearsal.stage.advance(wait).await;
        for (batch, end) in sent.iter().zip(ends) {
            let told = told(&rehearsal, batch).await;
            assert_eq!(word(&told), of(end), "{} after {wait}", end.0);
            let moved = of(end).starts_with("paid") || of(end).starts_with("returned");
            assert_eq!(told.fee, moved.then_some(idr(5_500)), "{}", end.0);
        }
    }
    // One came back after it was paid, and no bill will say so.
    assert_eq!(rail(&rehearsal).news_for(), Some(TimeDelta::days(30)));
    // Two stay paid, one came back without its fee.
    assert_eq!(balance(&rehearsal).await, 2_000_000 - 2 * 105_500 - 5_500);
}

#[tokio::test]
async fn an_answer_lost_after_it_was_taken_on_is_found_by_its_reference_and_pays_once() {
    let rehearsal = funded(1_000_000).await;
    rehearsal.stage.sandbox.arm(Scenario::TimeoutAfterSuccess, Target::Next(1)).await.unwrap();
    let batch = payout(&rehearsal, "Budi");
    let lost = rail(&rehearsal).send(&batch).await;
    assert!(matches!(lost, Err(GatewayError::OutcomeUnknown(_))), "{lost:?}");
    assert_eq!(word(&told(&rehearsal, &batch).await), "pending");
    rehearsal.stage.advance(TimeDelta::seconds(5)).await;
    assert_eq!(word(&told(&rehearsal, &batch).await), "paid IDR 100000.00");
    assert_eq!(balance(&rehearsal).await, 1_000_000 - 105_500);
    assert_eq!(rail(&rehearsal).query(&payout(&rehearsal, "Budi")).await, Ok(None));
}

#[tokio::test]
async fn an_empty_float_refuses_and_may_be_tried_again() {
    let rehearsal = funded(105_499).await;
    let batch = payout(&rehearsal, "Budi");
    let short = rail(&rehearsal).send(&batch).await;
    assert!(matches!(short, Err(GatewayError::Refused { retry_later: true, .. })), "{short:?}");
    call(&rehearsal, "POST", "/topups", "", r#"{"currency":"IDR","amount":1}"#).await;
    rail(&rehearsal).send(&batch).await.unwrap();
    // What is reserved for one does not pay a second.
    let short = rail(&rehearsal).send(&payout(&rehearsal, "Budi")).await;
    assert!(matches!(short, Err(GatewayError::Refused { retry_later: true, .. })), "{short:?}");

    let rehearsal = funded(500_000).await;
    for scenario in [Scenario::InsufficientBalance, Scenario::WrongAmount] {
        rehearsal.stage.sandbox.arm(scenario, Target::Next(1)).await.unwrap();
    }
    let batch = payout(&rehearsal, "Budi");
    let short = rail(&rehearsal).send(&batch).await;
    assert!(matches!(short, Err(GatewayError::Refused { retry_later: true, .. })), "{short:?}");
    // The other scenario waited for the second try: another amount than was asked for is told as such.
    let report = rail(&rehearsal).send(&batch).await.unwrap();
    let told = &report.payouts[0];
    assert_eq!((word(told).as_str(), told.stated.unwrap().to_string().as_str()), ("pending", "IDR 10000.00"));
}

#[tokio::test]
async fn what_its_bank_has_not_is_cancelled_once_and_what_was_sent_on_never() {
    let rehearsal = funded(1_000_000).await;
    let (waits, gone) = (payout(&rehearsal, "Offline Oils"), payout(&rehearsal, "Budi"));
    for batch in [&waits, &gone] {
        rail(&rehearsal).send(batch).await.unwrap();
    }
    rehearsal.stage.advance(TimeDelta::seconds(2)).await;
    rail(&rehearsal).take_back(&waits, &waits.orders[0]).await.unwrap();
    let late = rail(&rehearsal).take_back(&gone, &gone.orders[0]).await;
    assert!(matches!(late, Err(GatewayError::Refused { retry_later: false, .. })), "{late:?}");
    rehearsal.stage.advance(TimeDelta::days(1)).await;
    assert_eq!(word(&told(&rehearsal, &waits).await), "CANCELLED");
    assert_eq!(word(&told(&rehearsal, &gone).await), "paid IDR 100000.00");
    assert_eq!(balance(&rehearsal).await, 1_000_000 - 105_500);
}

#[tokio::test]
async fn notices_name_the_payout_and_forged_ones_are_refused() {
    let rehearsal = funded(1_000_000).await;
    rehearsal.stage.sandbox.arm(Scenario::ForgedCallback, Target::Next(1)).await.unwrap();
    let batch = payout(&rehearsal, "Reverse Rugs");
    let report = rail(&rehearsal).send(&batch).await.unwrap();
    let forged = rehearsal.heard().await;
    assert!(forged.len() == 1 && forged[0].is_err(), "{forged:?}");
    rehearsal.stage.clock.advance(TimeDelta::minutes(5));
    told(&rehearsal, &batch).await;
    let heard: Vec<_> = rehearsal.heard().await.into_iter().map(Result::unwrap).collect();
    let types: Vec<&str> = heard.iter().map(|heard| heard.event_type.as_str()).collect();
    assert_eq!(types, ["payout.succeeded", "payout.reversed"]);
    let item = Some(batch.orders[0].payout);
    for heard in heard {
        assert_eq!(heard.about, About::Payouts { batch: None, batch_ref: report.rail_ref.clone(), item });
    }
}

#[tokio::test]
async fn the_far_side_refuses_what_xendit_would() {
    let rehearsal = funded(1_000_000).await;
    let sent = |edit: &dyn Fn(&mut Value)| {
        let mut body = json!({
            "reference_id": "r-1", "channel_code": "ID_BCA", "amount": 10000, "currency": "IDR",
            "channel_properties": {"account_holder_name": "Budi", "account_number": "1"},
        });
        edit(&mut body);
        body.to_string()
    };
    let post = async |key: &str, body: String| call(&rehearsal, "POST", "/v2/payouts", key, &body).await;
    for (edit, code) in [
        (
            &(|body: &mut Value| body["amount"] = json!(10000.5)) as &dyn Fn(&mut Value),
            "API_VALIDATION_ERROR",
        ),
        (&|body: &mut Value| body["amount"] = json!(9999), "MINIMUM_TRANSFER_LIMIT_ERROR"),
        (&|body: &mut Value| body["amount"] = json!("10000"), "API_VALIDATION_ERROR"),
        (&|body: &mut Value| body["currency"] = json!("SGD"), "API_VALIDATION_ERROR"),
        (&|body: &mut Value| body["channel_code"] = json!("PH_BDO"), "API_VALIDATION_ERROR"),
        (&|body: &mut Value| body["channel_properties"] = json!({}), "API_VALIDATION_ERROR"),
    ] {
        let (status, answer) = post("k", sent(edit)).await;
        assert_eq!((status, &answer["error_code"]), (400, &json!(code)), "{answer}");
    }
    let fine = sent(&|_| {});
    assert_eq!(post("", fine.clone()).await.0, 400, "no key");
    assert_eq!(post("k-1", fine.clone()).await.0, 200);
    let (status, answer) = post("k-1", sent(&|body| body["amount"] = json!(20000))).await;
    assert_eq!((status, &answer["error_code"]), (409, &json!("DUPLICATE_ERROR")));
    // A reference is not unique there, a key is.
    assert_eq!(post("k-2", fine).await.0, 200);
    let (_, listed) = call(&rehearsal, "GET", "/v2/payouts?reference_id=r-1", "", "").await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(call(&rehearsal, "GET", "/v2/payouts/disb-x", "", "").await.0, 404);
    let url = format!("{}/balance?currency=IDR", rehearsal.stage.sandbox.xendit_url());
    let stranger = rehearsal.stage.http.get(url).basic_auth("xnd_other", Some("")).send().await.unwrap();
    assert_eq!(stranger.status().as_u16(), 401);
}
