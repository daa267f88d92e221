//! What only PayPal has: tokens, certificates, trust, conversions.

use chrono::TimeDelta;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use straits::domain::orders::ReportKind;
use straits::gateways::{BuildError, Context, GatewayError, NotificationError, Trust, call, registry};
use straits::ids::IdSource;

use super::bench::{Call, Fault, Notice, captured, money};
use super::line::Reply;
use super::paypal::{SECRET, account, by_signature, open};

#[tokio::test]
async fn a_fee_left_out_of_the_order_is_asked_of_the_capture_and_never_invented() {
    let bench = by_signature();
    bench.far().put("bare");
    let (request, secrets, _) = bench.taken().await;
    assert_eq!(captured(&bench.query(&request, &secrets).await.unwrap()).fee, Some(money("USD", 398)));
    let asked = bench.count(Call::Other);
    bench.fault(Call::Other, Fault::Refused(Reply::of(500, "text/plain", "")));
    let unsaid = bench.query(&request, &secrets).await;
    assert!(matches!(unsaid, Err(GatewayError::OutcomeUnknown(_))), "{unsaid:?}");
    assert_eq!(bench.count(Call::Other), asked + 1);
    assert_eq!(captured(&bench.query(&request, &secrets).await.unwrap()).fee, Some(money("USD", 398)));
}

#[tokio::test]
async fn what_paypal_converted_is_told_with_its_rate() {
    let bench = by_signature();
    bench.far().put("converted");
    let (request, secrets, _) = bench.taken().await;
    let report = bench.query(&request, &secrets).await.unwrap();
    let (credited, rate) = captured(&report).receivable.unwrap();
    assert_eq!((credited, rate.value().to_string()), (money("EUR", 8641), "0.9000000000".to_owned()));
    assert_eq!((rate.base().code(), rate.quote().code()), ("USD", "EUR"));
}

#[tokio::test]
async fn one_token_serves_many_and_is_renewed_before_it_ends() {
    let bench = by_signature();
    let (request, session) = bench.create().await.unwrap();
    assert_eq!(bench.count(Call::Token), 1);
    let query = || bench.query(&request, &session.secrets);
    let (a, b, c) = tokio::join!(query(), query(), query());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(bench.count(Call::Token), 1);
    bench.clock.advance(TimeDelta::seconds(32_400 - 60));
    let (a, b) = tokio::join!(query(), query());
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(bench.count(Call::Token), 2);
}

#[tokio::test]
async fn the_secret_before_serves_until_the_new_one_does() {
    let bench = open("self", &["not-yet-valid", SECRET]);
    bench.create().await.unwrap();
    let wrong = open("self", &["not-yet-valid"]);
    let result = wrong.create().await.map(|_| ());
    let Err(GatewayError::Refused { code, retry_later, .. }) = result else { panic!("{result:?}") };
    assert_eq!((code.as_str(), retry_later), ("invalid_client", true));
}

#[tokio::test]
async fn a_token_that_cannot_be_had_means_that_nothing_was_sent() {
    let bench = by_signature();
    bench.fault(Call::Token, Fault::Refused(Reply::of(200, "text/html", "<html>")));
    let result = bench.create().await.map(|_| ());
    assert!(matches!(result, Err(GatewayError::NotSent(_))), "{result:?}");
    bench.fault(Call::Token, Fault::Refused(Reply::of(429, "text/html", "").with("retry-after", "5")));
    let result = bench.create().await.map(|_| ());
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: Some(5) }));
    assert_eq!(bench.count(Call::Create), 0);
}

#[tokio::test]
async fn an_order_nobody_was_shown_expires() {
    let bench = by_signature();
    bench.fault(Call::Create, Fault::TooSlow);
    bench.create().await.unwrap_err();
    bench.clock.advance(TimeDelta::hours(7));
    let report = bench.query(&bench.request(), &Default::default()).await.unwrap();
    assert_eq!((report.kind, bench.count(Call::Create)), (ReportKind::Expired, 1));
}

#[tokio::test]
async fn one_certificate_is_fetched_once_and_unknown_ones_once_a_minute() {
    let bench = by_signature();
    let now = bench.clock.wall();
    let notice = bench.notice(Notice::Genuine);
    let (raw_a, raw_b) = (notice.raw(now), notice.raw(now));
    let (a, b) = tokio::join!(bench.gateway.verify(&raw_a), bench.gateway.verify(&raw_b));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    assert_eq!(bench.count(Call::Other), 1);
    let mut other = notice.clone();
    other.headers.iter_mut().find(|(name, _)| name == "paypal-cert-url").unwrap().1.push('0');
    let result = bench.gateway.verify(&other.raw(now)).await;
    assert!(matches!(result, Err(NotificationError::Unavailable(_))), "{result:?}");
    assert_eq!(bench.count(Call::Other), 1);
    assert!(bench.gateway.verify(&notice.raw(now)).await.is_ok(), "known ones are not slowed down");
}

#[tokio::test]
async fn an_address_that_held_no_certificate_is_not_looked_at_again() {
    let bench = by_signature();
    let now = bench.clock.wall();
    let notice = bench.notice(Notice::Genuine);
    bench.fault(Call::Other, Fault::Refused(Reply::of(404, "application/json", "{}".to_owned())));
    for _ in 0..3 {
        // Forged, not "later": its sender need not come again, and takes no other address's turn.
        let result = bench.gateway.verify(&notice.raw(now)).await;
        assert!(matches!(result, Err(NotificationError::Forged(_))), "{result:?}");
        assert_eq!(bench.count(Call::Other), 1);
    }
}

#[tokio::test]
async fn live_and_paypals_sandbox_refuse_our_sandbox() {
    let bench = by_signature();
    let notice = bench.notice(Notice::Genuine);
    for trust in [Trust::Live, Trust::GatewaySandbox] {
        let context = Context {
            http: call::client().unwrap().into(),
            clock: bench.clock.clone(),
            ids: IdSource::seeded(bench.clock.clone(), 1),
            trust,
        };
        let refused =
            registry::build("paypal", &account("http://127.0.0.1:8080/sandbox/paypal", "self"), &context);
        assert!(matches!(&refused, Err(BuildError::Setting { key, .. }) if key == "base_url"), "{refused:?}");
        let gateway = registry::build("paypal", &account("https://127.0.0.1:1", "self"), &context).unwrap();
        let result = gateway.verify(&notice.raw(bench.clock.wall())).await;
        assert!(matches!(result, Err(NotificationError::Forged(_))), "{result:?}");
    }
    assert_eq!(bench.count(Call::Other), 0, "nothing was fetched");
}

#[tokio::test]
async fn a_certificate_of_another_root_or_name_proves_nothing() {
    let bench = by_signature();
    let notice = bench.notice(Notice::Genuine);
    let mut params = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in ["messageverificationcerts.sandbox.paypal.com", "evil.example"] {
        params.distinguished_name.push(DnType::CommonName, name);
        let own = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        let fresh = by_signature();
        fresh.fault(Call::Other, Fault::Refused(Reply::of(200, "application/x-pem-file", own)));
        let notice = fresh.notice(Notice::Genuine);
        let result = fresh.gateway.verify(&notice.raw(fresh.clock.wall())).await;
        assert!(matches!(result, Err(NotificationError::Forged(_))), "{name}: {result:?}");
    }
    assert!(bench.gateway.verify(&notice.raw(bench.clock.wall())).await.is_ok());
}

#[tokio::test]
async fn a_day_with_more_than_paypal_shows_is_asked_for_in_halves() {
    let bench = by_signature();
    bench.far().put("bill/600");
    bench.far().put("bill_most/50");
    let lines = super::bills::pull(&bench.gateway).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.kind.as_str(), line.gross, line.net())).collect();
    assert_eq!(told, bench.far().billed(600), "none twice, none left out, oldest first");
    assert!(bench.count(Call::Bill) > 12, "{}", bench.count(Call::Bill));
}

/// Money that nobody here asked for is known by its capture: the order that lists its refunds is asked of that.
#[tokio::test]
async fn a_refund_of_a_capture_whose_order_is_unknown_is_found() {
    for gateway_ref in [None, Some("capture")] {
        let bench = by_signature();
        let (mut payment, secrets, capture) = bench.taken().await;
        payment.gateway_ref = gateway_ref.map(|_: &str| capture.clone());
        let refunds = bench.gateway.refunds().unwrap();
        let request = bench.refund(1, &capture, bench.amount);
        assert_eq!(refunds.query_refund(&payment, &secrets, &request).await, Ok(None));
        bench.fault(Call::Refund, Fault::AnswerLost);
        let lost = refunds.refund(&payment, &secrets, &request).await;
        assert!(matches!(lost, Err(GatewayError::OutcomeUnknown(_))), "{lost:?}");
        let found = refunds.query_refund(&payment, &secrets, &request).await.unwrap().unwrap();
        assert_eq!(found.amount, bench.amount);
        assert_eq!(bench.far().refunds(), 1);
    }
}
