//! What only GrabPay has: a shared secret, dates that are signed, a token that lives a year.

use chrono::TimeDelta;
use straits::gateways::{GatewayError, GatewaySecrets};

use super::bench::{Call, Fault, Notice, captured};
use super::grabpay::{PARTNER, open, signature};
use super::line::Reply;

#[tokio::test]
async fn a_notice_signed_with_the_secret_before_is_heard_while_it_is_rotated() {
    let bench = open();
    let mut notice = bench.notice(Notice::Genuine);
    let get = |name: &str| notice.headers.iter().find(|(key, _)| key == name).unwrap().1.clone();
    let (kind, date) = (get("content-type"), get("date"));
    let signed = signature("the-one-before", ["POST", &kind, &date, &notice.path], &notice.body);
    notice.headers.retain(|(name, _)| name != "authorization");
    notice.headers.push(("authorization".into(), format!("{PARTNER}:{signed}")));
    bench.gateway.verify(&notice.raw(bench.clock.wall())).await.unwrap();
}

#[tokio::test]
async fn the_path_and_the_content_type_are_signed_as_received() {
    let bench = open();
    let genuine = bench.notice(Notice::Genuine);
    let mut elsewhere = genuine.clone();
    elsewhere.path.push_str("?x=1");
    bench.gateway.verify(&elsewhere.raw(bench.clock.wall())).await.unwrap_err();
    let mut bare = genuine;
    bare.headers[0].1 = "application/json".into();
    bench.gateway.verify(&bare.raw(bench.clock.wall())).await.unwrap_err();
}

#[tokio::test]
async fn a_refund_long_after_needs_no_new_consent() {
    let bench = open();
    let (payment, secrets, capture) = bench.taken().await;
    bench.clock.advance(TimeDelta::days(300));
    let request = bench.refund(1, &capture, bench.amount);
    bench.gateway.refunds().unwrap().refund(&payment, &secrets, &request).await.unwrap();
    assert_eq!(bench.count(Call::Token), 1);
}

#[tokio::test]
async fn a_refused_signature_tells_the_clocks_distance() {
    let bench = open();
    let (request, session) = bench.create().await.unwrap();
    let late = bench.clock.wall() + TimeDelta::minutes(10);
    let late = late.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let refused = Reply::of(401, "application/json", r#"{"reason":"unauthorized"}"#).with("date", late);
    bench.fault(Call::Query, Fault::Refused(refused));
    let words = format!("{:?}", bench.query(&request, &session.secrets).await);
    assert!(words.contains("600 s ahead"), "{words}");
}

#[tokio::test]
async fn a_fee_is_never_guessed() {
    let bench = open();
    let (request, secrets, _) = bench.taken().await;
    let report = bench.query(&request, &secrets).await.unwrap();
    assert_eq!((captured(&report).fee, captured(&report).receivable), (None, None));
}

/// A backup of before the charge was completed has no token, or nothing of the session at all: nobody waits for a refund
/// that cannot be made any more.
#[tokio::test]
async fn a_refund_without_its_session_is_refused_for_good() {
    let bench = open();
    let (payment, before) = bench.agreed().await;
    let completed = bench.gateway.complete_payment(&payment, &before).await.unwrap();
    let capture = captured(&completed.report).capture_ref.clone();
    let request = bench.refund(1, &capture, bench.amount);
    for kept in [&before, &GatewaySecrets::default()] {
        let refused = bench.gateway.refunds().unwrap().refund(&payment, kept, &request).await;
        let Err(GatewayError::Refused { code, retry_later, .. }) = &refused else { panic!("{refused:?}") };
        assert_eq!((code.as_str(), *retry_later), ("session_lost", false));
    }
    assert_eq!(bench.far().refunds(), 0);
    let kept = completed.secrets.unwrap();
    bench.gateway.refunds().unwrap().refund(&payment, &kept, &request).await.unwrap();
}
