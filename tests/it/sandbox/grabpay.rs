//! GrabPay's far side: charge, consent, token, completion, refunds, sweep.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use straits::sandbox::{Shopper, ShopperAct};
use url::Url;

use super::grabpay_client::{GrabClient, http_date, mac};
use super::paypal_client::text;
use super::stage::{PARTNER, PARTNER_SECRET, Received, Stage};

/// Checks a notice as a merchant does: HMAC over our own path.
fn genuine(notice: &Received) -> bool {
    let digest =
        STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, notice.body.as_bytes()));
    let (kind, date) = (notice.header("content-type"), notice.header("date"));
    let message = format!("POST\n{kind}\n{date}\n{}\n{digest}\n", notice.path);
    notice.header("authorization") == format!("{PARTNER}:{}", STANDARD.encode(mac(PARTNER_SECRET, &message)))
}

#[tokio::test]
async fn a_sale_from_init_to_refund() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 1_020).await;
    assert_eq!(client.status(&flow).await["reason"], "pending_user_consent");
    let outcome = stage.shop(&flow.page, Shopper::Approve).await;
    let back = outcome.return_url.unwrap();
    let pairs: Vec<(String, String)> = back.query_pairs().into_owned().collect();
    assert_eq!((pairs[0].0.as_str(), &pairs[1]), ("code", &("state".into(), "state-1".into())));
    assert_eq!(outcome.answered, Some(200));
    assert_eq!(client.status(&flow).await["reason"], "pending_capture");

    let (status, token) = client.exchange(&flow, &pairs[0].1).await;
    assert_eq!((status, &token["token_type"]), (200, &json!("Bearer")));
    let token = text(&token["access_token"]);
    let (_, completed) = client.complete(&flow, &token).await;
    assert_eq!(
        (&completed["txStatus"], &completed["paymentMethod"]),
        (&json!("success"), &json!("GPWALLET"))
    );
    assert_eq!(completed["txID"], flow.tx_id.as_str());
    assert_eq!(client.complete(&flow, &token).await, (200, completed), "asked again, it says the same");
    let path = format!("/grabpay/partner/v2/charge/{}/status?currency=SGD", flow.reference);
    assert_eq!(client.bearer("GET", &path, &token, None).await.1["txStatus"], "success");

    let (status, refund) = client.refund(&flow, &token, "ref_1", 20).await;
    assert_eq!((status, &refund["txStatus"]), (200, &json!("success")));
    let path = "/grabpay/partner/v2/refund/ref_1/status?currency=SGD";
    assert_eq!(client.bearer("GET", path, &token, None).await, (200, refund));
    let (status, again) = client.refund(&flow, &token, "ref_1", 20).await;
    assert_eq!((status, &again["reason"]), (409, &json!("transaction_already_exists")));
    assert_eq!(client.refund(&flow, &token, "ref_2", 1_001).await.0, 409, "more than is left");

    stage.sandbox.deliver_due().await.unwrap();
    let seen = stage.doors.take();
    let notices: Vec<&Received> = seen.iter().filter(|seen| seen.path.contains("notifications")).collect();
    let types: Vec<String> = notices.iter().map(|notice| text(&notice.json()["txType"])).collect();
    assert_eq!(types, ["Init", "Auth", "Capture", "Refund"]);
    assert!(notices.iter().all(|notice| genuine(notice)));
    assert_eq!(notices[2].json()["amount"], 1_020);
    assert_eq!(notices[3].json()["origTxID"], flow.tx_id.as_str());
    let altered = Received { body: notices[2].body.replace("1020", "9020"), ..notices[2].clone() };
    assert!(!genuine(&altered));
}

#[tokio::test]
async fn requests_that_grab_refuses() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let init = "/grabpay/partner/v2/charge/init";
    let body = GrabClient::init_body("pay_1", "SGD", 100);
    let other = GrabClient::init_body("pay_1", "SGD", 1);
    let now = http_date(stage.clock.wall());
    let old = http_date(stage.clock.wall() - TimeDelta::seconds(301));
    let early = http_date(stage.clock.wall() + TimeDelta::seconds(301));
    let mounted = format!("/sandbox/grabpay{init}");
    for (date, path, signed) in [
        (&now, init, &other),
        (&now, "/grabpay/partner/v2/charge/other", &body),
        (&now, mounted.as_str(), &body),
        (&old, init, &body),
        (&early, init, &body),
    ] {
        let (status, answer) = client.signed_as("POST", init, &body, date, path, signed).await;
        assert_eq!((status, &answer["reason"]), (401, &json!("unauthorized")), "{date} {path}");
    }
    let stranger = GrabClient { partner_secret: "wrong", ..stage.grabpay() };
    assert_eq!(stranger.signed("POST", init, &body).await.0, 401);

    for (change, status, reason) in [
        (json!({"amount": "100"}), 400, "client_error"),
        (json!({"amount": 1.5}), 400, "client_error"),
        (json!({"amount": 0}), 400, "client_error"),
        (json!({"partnerTxID": "a b"}), 400, "client_error"),
        (json!({"partnerTxID": "x".repeat(33)}), 400, "client_error"),
        (json!({"currency": "USD"}), 409, "currency_mismatch"),
        (json!({"merchantID": "another"}), 409, "invalid_merchant"),
        (json!({"description": "x".repeat(256)}), 400, "client_error"),
    ] {
        let mut wrong: serde_json::Value = serde_json::from_str(&body).unwrap();
        for (name, value) in change.as_object().unwrap() {
            wrong[name] = value.clone();
        }
        let (found, answer) = client.signed("POST", init, &wrong.to_string()).await;
        assert_eq!((found, &answer["reason"]), (status, &json!(reason)), "{change}");
    }
    assert_eq!(client.signed("POST", init, &body).await.0, 200);
    let (status, answer) = client.signed("POST", init, &body).await;
    assert_eq!((status, &answer["reason"]), (409, &json!("transaction_already_exists")));
    let path = "/grabpay/partner/v2/one-time-charge/pay_9/status?currency=SGD";
    let (status, answer) = client.signed("GET", path, "").await;
    assert_eq!((status, &answer["reason"]), (404, &json!("no_record_found")));
    let path = "/grabpay/partner/v2/one-time-charge/pay_1/status?currency=THB";
    assert_eq!(client.signed("GET", path, "").await.0, 409);
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_works_once() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let mut flow = client.init("pay_1", "SGD", 100).await;
    stage.shop(&flow.page, Shopper::Approve).await;
    let code = text(&client.status(&flow).await["oAuthCode"]);
    let right = std::mem::replace(&mut flow.verifier, "x".repeat(43));
    let (status, answer) = client.exchange(&flow, &code).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    flow.verifier = right;
    let stranger = GrabClient { client_secret: "wrong", ..stage.grabpay() };
    assert_eq!(stranger.exchange(&flow, &code).await.0, 401);
    let (_, answer) = client.exchange(&flow, &code).await;
    let token = text(&answer["access_token"]);
    assert_eq!(client.exchange(&flow, &code).await.0, 400, "used");

    // A proof of possession made with another secret, and a token for another charge.
    assert_eq!(stranger.complete(&flow, &token).await.0, 401);
    let other = client.init("pay_2", "SGD", 100).await;
    stage.shop(&other.page, Shopper::Approve).await;
    assert_eq!(client.complete(&other, &token).await.0, 403);
    assert_eq!(client.complete(&flow, &token).await.0, 200);
    // A merchant that lost the token to a crash asks for a new code.
    let again = text(&client.status(&flow).await["oAuthCode"]);
    assert_ne!(again, code);
    assert_eq!(client.exchange(&flow, &again).await.0, 200);
}

#[tokio::test]
async fn what_is_left_undone_is_cancelled_by_the_clock() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let left = client.init("pay_1", "SGD", 100).await;
    let agreed = client.init("pay_2", "SGD", 100).await;
    stage.advance(TimeDelta::minutes(19)).await;
    stage.shop(&agreed.page, Shopper::Approve).await;
    let token = client.token(&agreed).await;
    stage.advance(TimeDelta::minutes(1)).await;
    let expired = client.status(&left).await;
    assert_eq!((&expired["txStatus"], &expired["reason"]), (&json!("cancelled"), &json!("auth_expired")));
    let (status, _) = stage.get(&left.page).await;
    assert_eq!(status, 303, "the page sends the shopper back with session_expired");
    stage.advance(TimeDelta::minutes(9)).await;
    let (_, answer) = client.complete(&agreed, &token).await;
    assert_eq!((&answer["txStatus"], &answer["reason"]), (&json!("cancelled"), &json!("auth_expired")));
}

#[tokio::test]
async fn a_code_lives_fifteen_minutes() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let (flow, _) = client.paid("pay_1", 100).await;
    let code = text(&client.status(&flow).await["oAuthCode"]);
    stage.advance(TimeDelta::minutes(15)).await;
    assert_eq!(client.exchange(&flow, &code).await.0, 400);
    let fresh = text(&client.status(&flow).await["oAuthCode"]);
    assert_eq!(client.exchange(&flow, &fresh).await.0, 200);
}

#[tokio::test]
async fn a_shopper_may_decline_or_go_away() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 100).await;
    let abandoned = stage.shop(&flow.page, Shopper::Abandon).await;
    assert_eq!(abandoned.return_url, None);
    // Once opened, the page is found by the payment's reference.
    let declined = stage.sandbox.shopper(ShopperAct::Payment("pay_1"), Shopper::Decline).await.unwrap();
    assert_eq!(declined.return_url.unwrap().query(), Some("error=user_canceled&state=state-1"));
    let answer = client.status(&flow).await;
    assert_eq!((&answer["txStatus"], &answer["reason"]), (&json!("cancelled"), &json!("user_canceled")));
    assert!(stage.sandbox.shopper(ShopperAct::Payment("pay_9"), Shopper::Approve).await.is_err());
}

#[tokio::test]
async fn the_authorise_address_is_checked() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let flow = client.init("pay_1", "SGD", 100).await;
    let with = |name: &str, value: &str| {
        let mut page = Url::parse(&flow.page).unwrap();
        let pairs: Vec<(String, String)> = page.query_pairs().into_owned().collect();
        let changed = pairs.iter().map(|(key, old)| (key, if key == name { value } else { old }));
        page.query_pairs_mut().clear().extend_pairs(changed.collect::<Vec<_>>());
        page.to_string()
    };
    assert_eq!(stage.get(&with("client_id", "another")).await.0, 400);
    assert_eq!(stage.get(&with("redirect_uri", "https://evil.example/")).await.0, 400);
    for (name, value, error) in [
        ("scope", "openid", "invalid_scope"),
        ("acr_values", "consent_ctx:countryCode=SG,currency=THB", "invalid_acr_values"),
        ("code_challenge_method", "plain", "invalid_argument"),
        ("request", "e30.e30.", "transaction_not_found"),
    ] {
        let answer = stage.http.get(with(name, value)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303);
        let back = answer.headers()["location"].to_str().unwrap();
        assert!(back.ends_with(&format!("?error={error}&state=state-1")), "{back}");
    }
    let (status, html) = stage.get(&flow.page).await;
    assert_eq!(status, 200);
    assert!(html.contains("SGD 1.00") && !html.contains("<script"), "{html}");
    let address = format!("{}/sandbox/grabpay/grabid/v1/oauth2/.well-known/openid-configuration", stage.url);
    let (_, discovery) = stage.get(&address).await;
    assert!(discovery.contains("/sandbox/grabpay/grabid/v1/oauth2/token"), "{discovery}");
}

/// J13 of the postings: a refund after the sweep is refused, the next day's takings fund it.
#[tokio::test]
async fn the_wallet_is_swept_each_day_and_refunds_wait_for_takings() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let (flow, token) = client.paid("pay_1", 5_000).await;
    client.refund(&flow, &token, "ref_0", 1_000).await;
    stage.advance(TimeDelta::days(1)).await;
    let credits = stage.sandbox.grabpay_bank_credits(PARTNER).await.unwrap();
    assert_eq!(credits.len(), 1);
    let credit = &credits[0];
    // 02:00 UTC is 10:00 in Singapore; 1.8 % of 50.00 is 0.90.
    assert_eq!(credit.day, NaiveDate::from_ymd_opt(2026, 11, 23).unwrap());
    assert_eq!(credit.credited_on, NaiveDate::from_ymd_opt(2026, 11, 24).unwrap());
    let minor = [credit.gross, credit.discount, credit.net, credit.reported_gross].map(|money| money.minor());
    assert_eq!(minor, [4_000, 90, 3_910, 4_000]);

    let (status, answer) = client.refund(&flow, &token, "ref_1", 2_000).await;
    assert_eq!((status, &answer["reason"]), (409, &json!("merchant_insufficient_balance")));
    client.paid("pay_2", 3_000).await;
    assert_eq!(client.refund(&flow, &token, "ref_1", 2_000).await.0, 200);
    stage.advance(TimeDelta::days(1)).await;
    let credits = stage.sandbox.grabpay_bank_credits(PARTNER).await.unwrap();
    assert_eq!(credits[1].gross.minor(), 1_000);
    stage.advance(TimeDelta::days(365)).await;
    client.paid("pay_3", 3_000).await;
    let (status, answer) = client.refund(&flow, &token, "ref_2", 100).await;
    assert_eq!(status, 401, "the token lives a year: {answer}");
}

#[tokio::test]
async fn refunds_of_one_charge_do_not_run_together() {
    let stage = Stage::open().await;
    let client = stage.grabpay();
    let (flow, token) = client.paid("pay_1", 10_000).await;
    let references: Vec<String> = (0..20).map(|n| format!("ref_{n}")).collect();
    let calls = references.iter().map(|reference| client.refund(&flow, &token, reference, 1_000));
    let answers = futures_util::future::join_all(calls).await;
    let done = answers.iter().filter(|(status, _)| *status == 200).count();
    let refused = answers.iter().filter(|(_, answer)| answer["reason"] == "concurrent_refunds_not_supported");
    assert!((1..=10).contains(&done), "{done}");
    assert!(refused.count() >= 1);
    // Whatever ran, never more than the charge came back.
    let left = 10_000 - 1_000 * i64::try_from(done).unwrap();
    assert_eq!(client.refund(&flow, &token, "rest_1", left + 1).await.0, 409);
    if left > 0 {
        assert_eq!(client.refund(&flow, &token, "rest_2", left).await.0, 200);
    }
}
