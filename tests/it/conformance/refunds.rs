//! Cases of paying back.

use chrono::TimeDelta;
use straits::domain::orders::RefundStatus;
use straits::gateways::GatewayError;

use super::bench::{Bench, Call, Fault, cases, is_not_sent, is_unknown, money, refund_told};
use super::line::Reply;

cases![
    refund_of_everything,
    refund_in_parts,
    refund_beyond_the_captured_is_refused,
    refund_again_pays_back_once,
    refund_without_funds_may_be_asked_again,
    refund_without_a_connection_is_not_sent,
    refund_answered_too_late_is_unknown_and_then_found,
    refund_answer_broken_off_is_unknown_and_then_found,
    refund_answered_500_after_success_is_unknown_and_then_found,
    refund_lost_on_the_way_is_unknown_and_then_not_found,
    refund_throttled_pays_nothing,
    refund_after_its_window_is_refused_without_a_call,
    refund_of_another_currency_is_refused,
    refund_never_made_is_not_found,
    every_refund_status_is_read_as_it_should,
];

async fn refund_of_everything(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    let mut request = bench.refund(1, &capture, bench.amount);
    let report = refunds.refund(&payment, &secrets, &request).await.unwrap();
    assert_eq!((refund_told(&report), report.amount), ("succeeded", bench.amount));
    assert_eq!(report.request_ref.as_deref(), Some(request.request_ref.as_str()));
    request.refund_ref = Some(report.refund_ref.clone());
    let asked = refunds.query_refund(&payment, &secrets, &request).await.unwrap().unwrap();
    assert_eq!((asked.refund_ref, asked.amount), (report.refund_ref, bench.amount));
    assert_eq!(bench.far().refunds(), 1);
}

async fn refund_in_parts(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    let part = money(bench.amount.currency().code(), 400);
    for number in 1..=2 {
        let request = bench.refund(number, &capture, part);
        let report = refunds.refund(&payment, &secrets, &request).await.unwrap();
        assert_eq!((refund_told(&report), report.amount), ("succeeded", part));
    }
    assert_eq!(bench.far().refunds(), 2);
    let report = bench.query(&payment, &secrets).await.unwrap();
    assert_eq!(super::bench::told(&report), "captured");
    for refund in report.refunds {
        assert_eq!(refund.amount, part);
    }
}

async fn refund_beyond_the_captured_is_refused(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let beyond = money(bench.amount.currency().code(), bench.amount.minor() + 100);
    let request = bench.refund(1, &capture, beyond);
    let result = bench.gateway.refunds().unwrap().refund(&payment, &secrets, &request).await;
    assert!(matches!(&result, Err(GatewayError::Refused { retry_later: false, .. })), "{result:?}");
    assert_eq!(bench.far().refunds(), 0);
}

async fn refund_again_pays_back_once(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    let request = bench.refund(1, &capture, bench.amount);
    let first = refunds.refund(&payment, &secrets, &request).await.unwrap();
    let second = refunds.refund(&payment, &secrets, &request).await.unwrap();
    assert_eq!(first.refund_ref, second.refund_ref);
    assert_eq!(bench.far().refunds(), 1);
}

async fn refund_without_funds_may_be_asked_again(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    bench.far().empty_balance();
    let request = bench.refund(1, &capture, bench.amount);
    let result = bench.gateway.refunds().unwrap().refund(&payment, &secrets, &request).await;
    let awaits = matches!(&result, Ok(report) if report.status == RefundStatus::AwaitingFunds);
    let may_be_asked_again = matches!(&result, Err(GatewayError::Refused { retry_later: true, .. }));
    assert!(awaits || may_be_asked_again, "{result:?}");
    assert_eq!(bench.far().refunds(), 0);
}

async fn refund_without_a_connection_is_not_sent(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let request = bench.refund(1, &capture, bench.amount);
    let result = bench.unreachable.refunds().unwrap().refund(&payment, &secrets, &request).await;
    assert!(is_not_sent(&result), "{result:?}");
}

async fn unknown_then_found(bench: &Bench, fault: Fault) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    let request = bench.refund(1, &capture, bench.amount);
    bench.fault(Call::Refund, fault);
    let result = refunds.refund(&payment, &secrets, &request).await;
    assert!(is_unknown(&result), "{result:?}");
    let found = refunds.query_refund(&payment, &secrets, &request).await.unwrap().unwrap();
    assert_eq!((refund_told(&found), found.amount), ("succeeded", bench.amount));
    assert_eq!((bench.far().refunds(), bench.count(Call::Refund)), (1, 1));
}

async fn refund_answered_too_late_is_unknown_and_then_found(bench: Bench) {
    unknown_then_found(&bench, Fault::TooSlow).await;
}

async fn refund_answer_broken_off_is_unknown_and_then_found(bench: Bench) {
    unknown_then_found(&bench, Fault::AnswerLost).await;
}

async fn refund_answered_500_after_success_is_unknown_and_then_found(bench: Bench) {
    unknown_then_found(&bench, Fault::Instead(Reply::of(500, "text/plain", "oops"))).await;
}

async fn refund_lost_on_the_way_is_unknown_and_then_not_found(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    let request = bench.refund(1, &capture, bench.amount);
    bench.fault(Call::Refund, Fault::LostOnTheWay);
    let result = refunds.refund(&payment, &secrets, &request).await;
    assert!(is_unknown(&result), "{result:?}");
    assert_eq!(refunds.query_refund(&payment, &secrets, &request).await, Ok(None));
    assert_eq!(bench.far().refunds(), 0, "asking pays nothing");
}

async fn refund_throttled_pays_nothing(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let request = bench.refund(1, &capture, bench.amount);
    bench.fault(Call::Refund, Fault::Refused(Reply::of(429, "text/plain", "").with("retry-after", "9")));
    let result = bench.gateway.refunds().unwrap().refund(&payment, &secrets, &request).await;
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: Some(9) }));
    assert_eq!(bench.far().refunds(), 0);
}

async fn refund_after_its_window_is_refused_without_a_call(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    bench.clock.advance(bench.far().refund_window() + TimeDelta::days(1));
    let request = bench.refund(1, &capture, bench.amount);
    let result = refunds.refund(&payment, &secrets, &request).await;
    assert!(matches!(&result, Err(GatewayError::Refused { retry_later: false, .. })), "{result:?}");
    assert_eq!(bench.count(Call::Refund), 0);
}

async fn refund_of_another_currency_is_refused(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let foreign = bench.far().foreign();
    let request = bench.refund(1, &capture, foreign);
    let result = bench.gateway.refunds().unwrap().refund(&payment, &secrets, &request).await;
    assert!(is_not_sent(&result), "{result:?}");
    assert_eq!(bench.far().refunds(), 0);
}

async fn refund_never_made_is_not_found(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let request = bench.refund(1, &capture, bench.amount);
    let refunds = bench.gateway.refunds().unwrap();
    assert_eq!(refunds.query_refund(&payment, &secrets, &request).await, Ok(None));
}

async fn every_refund_status_is_read_as_it_should(bench: Bench) {
    let (payment, secrets, capture) = bench.taken().await;
    let refunds = bench.gateway.refunds().unwrap();
    let mut request = bench.refund(1, &capture, bench.amount);
    let made = refunds.refund(&payment, &secrets, &request).await.unwrap();
    request.refund_ref = Some(made.refund_ref);
    let words = bench.far().words();
    let mut seen = 0;
    for (word, expected) in words.iter().filter(|(word, _)| word.starts_with("refund/")) {
        bench.far().put(word);
        let report = refunds.query_refund(&payment, &secrets, &request).await.unwrap().unwrap();
        assert_eq!(refund_told(&report), *expected, "{word}");
        seen += 1;
    }
    assert!(seen >= 4);
}
