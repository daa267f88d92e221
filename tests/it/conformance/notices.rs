//! Cases of notices: genuine ones name a payment, all others are refused.

use chrono::TimeDelta;
use straits::gateways::{About, NotificationError};

use super::bench::{Bench, Notice, PAYMENT_REF, cases};

cases![
    a_genuine_notice_names_its_payment,
    a_genuine_notice_heard_twice_says_the_same,
    a_refund_s_notice_names_the_payment,
    forged_bad_signature,
    forged_no_signature,
    forged_empty_signature,
    forged_with_another_key,
    forged_body_altered,
    forged_two_signatures,
    a_replayed_old_notice_is_refused,
    a_notice_from_the_future_is_refused,
    another_merchant_s_notice_is_refused,
    a_notice_by_another_method_is_refused,
    a_doubled_member_is_malformed,
    what_is_no_json_is_malformed,
    a_bottomless_body_is_malformed,
    the_sender_hears_what_it_wants,
];

async fn a_genuine_notice_names_its_payment(bench: Bench) {
    let (payment, ..) = bench.taken().await;
    let notice = bench.notice(Notice::Genuine);
    let heard = bench.gateway.verify(&notice.raw(bench.clock.wall())).await.unwrap();
    assert!(heard.event_ref.is_some_and(|reference| !reference.is_empty()));
    let About::Payment { request_ref, gateway_ref } = heard.about else { panic!("{:?}", heard.about) };
    assert!(request_ref.as_deref() == Some(PAYMENT_REF) || gateway_ref == payment.gateway_ref);
}

async fn a_genuine_notice_heard_twice_says_the_same(bench: Bench) {
    bench.taken().await;
    let notice = bench.notice(Notice::Genuine);
    let first = bench.gateway.verify(&notice.raw(bench.clock.wall())).await.unwrap();
    let later = bench.clock.wall() + TimeDelta::seconds(90);
    let second = bench.gateway.verify(&notice.raw(later)).await.unwrap();
    assert_eq!(first, second);
}

async fn a_refund_s_notice_names_the_payment(bench: Bench) {
    bench.taken().await;
    let notice = bench.notice(Notice::Refunded);
    let heard = bench.gateway.verify(&notice.raw(bench.clock.wall())).await.unwrap();
    let About::Payment { request_ref, .. } = heard.about else { panic!("{:?}", heard.about) };
    assert_eq!(request_ref.as_deref(), Some(PAYMENT_REF));
}

async fn refused(bench: &Bench, notice: Notice) {
    bench.taken().await;
    let notice = bench.notice(notice);
    let result = bench.gateway.verify(&notice.raw(bench.clock.wall())).await;
    assert!(matches!(result, Err(NotificationError::Forged(_))), "{result:?}");
}

async fn forged_bad_signature(bench: Bench) {
    refused(&bench, Notice::BadSignature).await;
}
async fn forged_no_signature(bench: Bench) {
    refused(&bench, Notice::NoSignature).await;
}
async fn forged_empty_signature(bench: Bench) {
    refused(&bench, Notice::EmptySignature).await;
}
async fn forged_with_another_key(bench: Bench) {
    refused(&bench, Notice::OtherKey).await;
}
async fn forged_body_altered(bench: Bench) {
    refused(&bench, Notice::AlteredBody).await;
}
async fn forged_two_signatures(bench: Bench) {
    refused(&bench, Notice::TwoSignatures).await;
}
async fn a_replayed_old_notice_is_refused(bench: Bench) {
    refused(&bench, Notice::Old).await;
}
async fn a_notice_from_the_future_is_refused(bench: Bench) {
    refused(&bench, Notice::Future).await;
}
async fn another_merchant_s_notice_is_refused(bench: Bench) {
    refused(&bench, Notice::OtherMerchant).await;
}

async fn a_notice_by_another_method_is_refused(bench: Bench) {
    bench.taken().await;
    let mut notice = bench.notice(Notice::Genuine);
    notice.method = "PUT".into();
    let result = bench.gateway.verify(&notice.raw(bench.clock.wall())).await;
    assert!(matches!(result, Err(NotificationError::Forged(_))), "{result:?}");
}

async fn malformed(bench: &Bench, notice: Notice) {
    bench.taken().await;
    let notice = bench.notice(notice);
    let result = bench.gateway.verify(&notice.raw(bench.clock.wall())).await;
    assert!(matches!(result, Err(NotificationError::Malformed(_))), "{result:?}");
}

async fn a_doubled_member_is_malformed(bench: Bench) {
    malformed(&bench, Notice::DoubledMember).await;
}
async fn what_is_no_json_is_malformed(bench: Bench) {
    malformed(&bench, Notice::NoJson).await;
}
async fn a_bottomless_body_is_malformed(bench: Bench) {
    malformed(&bench, Notice::Bottomless).await;
}

async fn the_sender_hears_what_it_wants(bench: Bench) {
    assert_eq!(bench.gateway.reply(true).status, 200);
    assert!(bench.gateway.reply(false).status >= 400);
}
