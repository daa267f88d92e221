//! Cases of creating, asking and completing.

use chrono::TimeDelta;
use straits::domain::orders::ReportKind;
use straits::gateways::{About, GatewayError, NextAction, ReturnParameters, Unchargeable};

use super::bench::{Bench, Call, Fault, PAYMENT_REF, Wrong, captured, cases, is_not_sent, is_unknown, told};
use super::line::Reply;

cases![
    create_gives_the_shopper_a_way,
    create_again_opens_no_second_payment,
    create_without_a_connection_is_not_sent,
    create_lost_on_the_way_is_unknown,
    create_answered_too_late_is_unknown_and_then_found,
    create_answered_by_garbage_is_unknown,
    create_answered_by_html_is_unknown,
    create_answered_by_truncated_json_is_unknown,
    create_answered_by_another_content_type_is_unknown,
    create_answered_by_a_doubled_member_is_unknown,
    create_answered_without_end_is_unknown,
    create_answered_by_a_redirect_is_unknown_and_not_followed,
    create_answered_500_after_success_is_unknown,
    create_answered_by_a_stranger_s_400_is_unknown,
    create_refused_for_good_is_refused,
    create_throttled_names_the_seconds,
    a_stale_token_is_renewed_once,
    precision_is_refused_naming_the_nearest,
    currency_is_refused,
    query_before_consent_requires_action,
    query_after_consent_is_authorised_for_the_amount,
    query_of_nothing_is_not_found,
    query_of_a_lapsed_payment_is_expired,
    query_throttled_is_throttled,
    query_with_a_garbled_amount_is_unknown,
    an_unknown_word_is_never_success,
    every_status_is_read_as_it_should,
    a_wrong_amount_is_told,
    a_wrong_currency_is_told,
    a_wrong_merchant_is_told,
    complete_takes_the_money_once,
    complete_twice_takes_it_once,
    complete_before_consent_takes_nothing,
    complete_without_a_connection_is_not_sent,
    complete_lost_on_the_way_can_be_done_again,
    complete_answered_too_late_is_unknown_and_then_found,
    complete_answered_500_after_success_is_unknown_and_then_found,
    complete_answered_by_garbage_is_unknown_and_then_found,
    complete_throttled_takes_nothing,
    a_lost_way_back_still_completes,
    what_is_prepared_is_enough_to_complete,
    a_stranger_s_return_is_refused,
    the_return_names_its_payment,
    secrets_are_never_seen,
];

async fn create_gives_the_shopper_a_way(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    assert!(matches!(&session.next_action, NextAction::Redirect { url } if url.starts_with("http")));
    assert!(session.expires_at > bench.clock.now());
    let report = bench.query(&request, &session.secrets).await.unwrap();
    assert_eq!(told(&report), "requires_action");
    assert_eq!(bench.far().payments(), 1);
}

async fn create_again_opens_no_second_payment(bench: Bench) {
    let (first, _) = bench.create().await.unwrap();
    match bench.create().await {
        Ok((second, _)) => assert_eq!(second.gateway_ref, first.gateway_ref),
        other => assert!(is_unknown(&other), "{other:?}"),
    }
    assert_eq!(bench.far().payments(), 1);
}

async fn create_without_a_connection_is_not_sent(bench: Bench) {
    let result = bench.unreachable.create_payment(&bench.request()).await;
    assert!(is_not_sent(&result), "{result:?}");
}

async fn create_lost_on_the_way_is_unknown(bench: Bench) {
    bench.fault(Call::Create, Fault::LostOnTheWay);
    let result = bench.create().await;
    assert!(is_unknown(&result), "{result:?}");
    let report = bench.query(&bench.request(), &Default::default()).await.unwrap();
    assert!(["not_found", "requires_action"].contains(&told(&report).as_str()), "{report:?}");
    assert!(bench.far().payments() <= 1);
}

/// The effect stands, the answer does not: the outcome is unknown, a query finds the one payment.
async fn unknown_then_found(bench: &Bench, fault: Fault) {
    bench.fault(Call::Create, fault);
    let result = bench.create().await;
    assert!(is_unknown(&result), "{result:?}");
    assert_eq!(bench.count(Call::Create), 1, "nothing is sent again by the adapter");
    let report = bench.query(&bench.request(), &Default::default()).await.unwrap();
    assert_eq!(told(&report), "requires_action");
    assert_eq!(bench.far().payments(), 1);
}

async fn create_answered_too_late_is_unknown_and_then_found(bench: Bench) {
    unknown_then_found(&bench, Fault::TooSlow).await;
}

async fn create_answered_by_garbage_is_unknown(bench: Bench) {
    let garbage = Reply::of(200, "application/json", b"\x00\xff\xfe{]".to_vec());
    unknown_then_found(&bench, Fault::Instead(garbage)).await;
}

async fn create_answered_by_html_is_unknown(bench: Bench) {
    let html = Reply::of(200, "text/html", "<html>We will be back soon</html>");
    unknown_then_found(&bench, Fault::Instead(html)).await;
}

async fn create_answered_by_truncated_json_is_unknown(bench: Bench) {
    unknown_then_found(&bench, Fault::CutShort).await;
}

async fn create_answered_by_another_content_type_is_unknown(bench: Bench) {
    let text = Reply::of(200, "text/plain", r#"{"id":"5O190127TN364715T","request":"x","links":[]}"#);
    unknown_then_found(&bench, Fault::Instead(text)).await;
}

async fn create_answered_by_a_doubled_member_is_unknown(bench: Bench) {
    let body =
        r#"{"id":"A","id":"B","request":"x","request":"y","links":[{"rel":"approve","href":"https://e.x"}]}"#;
    unknown_then_found(&bench, Fault::Instead(Reply::of(200, "application/json", body))).await;
}

async fn create_answered_without_end_is_unknown(bench: Bench) {
    let flood = format!("{{\"pad\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    unknown_then_found(&bench, Fault::Instead(Reply::of(200, "application/json", flood))).await;
}

async fn create_answered_by_a_redirect_is_unknown_and_not_followed(bench: Bench) {
    let away = Reply::of(307, "text/plain", "").with("location", "http://127.0.0.1:1/elsewhere");
    unknown_then_found(&bench, Fault::Instead(away)).await;
}

async fn create_answered_500_after_success_is_unknown(bench: Bench) {
    let broken =
        Reply::of(500, "application/json", r#"{"name":"INTERNAL_SERVER_ERROR","reason":"server_error"}"#);
    unknown_then_found(&bench, Fault::Instead(broken)).await;
}

async fn create_answered_by_a_stranger_s_400_is_unknown(bench: Bench) {
    let proxy = Reply::of(400, "text/html", "<html>Bad request</html>");
    unknown_then_found(&bench, Fault::Instead(proxy)).await;
}

async fn create_refused_for_good_is_refused(bench: Bench) {
    let no = r#"{"name":"INVALID_REQUEST","reason":"invalid_merchant","details":[{"issue":"PAYEE_ACCOUNT_RESTRICTED"}]}"#;
    bench.fault(Call::Create, Fault::Refused(Reply::of(422, "application/json", no)));
    let result = bench.create().await;
    assert!(matches!(&result, Err(GatewayError::Refused { retry_later: false, .. })), "{result:?}");
    assert_eq!(bench.far().payments(), 0);
}

async fn create_throttled_names_the_seconds(bench: Bench) {
    bench.fault(Call::Create, Fault::Refused(Reply::of(429, "text/plain", "").with("retry-after", "17")));
    let result = bench.create().await.map(|_| ());
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: Some(17) }));
    assert_eq!(bench.far().payments(), 0);
}

async fn a_stale_token_is_renewed_once(bench: Bench) {
    let stale = || Fault::Refused(Reply::of(401, "application/json", r#"{"error":"invalid_token"}"#));
    let (request, secrets) = bench.agreed().await;
    let tokens = bench.count(Call::Token);
    bench.fault(Call::Query, stale());
    assert_eq!(told(&bench.query(&request, &secrets).await.unwrap()), "authorized");
    assert_eq!(bench.count(Call::Token), tokens + 1);
    // A second refusal in a row is an answer.
    bench.fault(Call::Query, stale());
    bench.fault(Call::Query, stale());
    let result = bench.query(&request, &secrets).await;
    assert!(matches!(&result, Err(GatewayError::Refused { retry_later: true, .. })), "{result:?}");
    assert_eq!(bench.count(Call::Token), tokens + 2);
}

async fn precision_is_refused_naming_the_nearest(bench: Bench) {
    let (amount, expected) = bench.far().too_precise().unwrap();
    let result = bench.gateway.check_amount(amount);
    assert!(
        matches!(result, Err(Unchargeable::Precision { nearest, .. }) if nearest == expected),
        "{result:?}"
    );
    assert_eq!(bench.gateway.check_amount(expected), Ok(()));
    let mut request = bench.request();
    request.amount = amount;
    let result = bench.gateway.create_payment(&request).await;
    assert!(is_not_sent(&result), "{result:?}");
}

async fn currency_is_refused(bench: Bench) {
    let foreign = bench.far().foreign();
    assert!(matches!(bench.gateway.check_amount(foreign), Err(Unchargeable::Currency { .. })));
    assert!(!bench.gateway.currencies().contains(&foreign.currency()));
    assert_eq!(bench.gateway.check_amount(bench.amount), Ok(()));
    let mut request = bench.request();
    request.amount = foreign;
    let result = bench.gateway.create_payment(&request).await;
    assert!(is_not_sent(&result), "{result:?}");
}

async fn query_before_consent_requires_action(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    assert_eq!(told(&bench.query(&request, &session.secrets).await.unwrap()), "requires_action");
}

async fn query_after_consent_is_authorised_for_the_amount(bench: Bench) {
    let (request, secrets) = bench.agreed().await;
    let report = bench.query(&request, &secrets).await.unwrap();
    assert_eq!(report.kind, ReportKind::Authorised { amount: Some(bench.amount) });
    assert_eq!(bench.far().captures(), 0, "asking takes no money");
}

async fn query_of_nothing_is_not_found(bench: Bench) {
    let mut request = bench.request();
    request.gateway_ref = Some("5O190127TN364999X".into());
    let report = bench.query(&request, &Default::default()).await.unwrap();
    assert_eq!(report.kind, ReportKind::NotFound);
}

async fn query_of_a_lapsed_payment_is_expired(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    bench.clock.advance(session.expires_at - bench.clock.now());
    bench.far().lapse();
    assert_eq!(bench.query(&request, &session.secrets).await.unwrap().kind, ReportKind::Expired);
}

async fn query_throttled_is_throttled(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    bench.fault(Call::Query, Fault::Refused(Reply::of(429, "text/plain", "")));
    let result = bench.query(&request, &session.secrets).await;
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: None }));
}

async fn query_with_a_garbled_amount_is_unknown(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    for words in ["garbled/1e2", "garbled/float", "garbled/huge", "garbled/missing_id"] {
        bench.far().put(words);
        let result = bench.query(&request, &secrets).await;
        assert!(is_unknown(&result), "{words}: {result:?}");
    }
}

async fn an_unknown_word_is_never_success(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    bench.far().put("unheard_of");
    let report = bench.query(&request, &secrets).await.unwrap();
    assert!(matches!(&report.kind, ReportKind::Unknown { raw } if raw == "UNHEARD_OF"), "{report:?}");
}

async fn every_status_is_read_as_it_should(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    let words = bench.far().words();
    for (word, expected) in words.iter().filter(|(word, _)| !word.starts_with("refund/")) {
        bench.far().put(word);
        let report = bench.query(&request, &secrets).await.unwrap();
        assert_eq!(told(&report), *expected, "{word}: {report:?}");
    }
    for row in bench.far().table() {
        assert!(words.iter().any(|(word, _)| *word == row), "`{row}` of the status table is in no case");
    }
}

async fn a_wrong_amount_is_told(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    bench.far().name_wrongly(Wrong::Amount);
    let report = bench.query(&request, &secrets).await.unwrap();
    assert_eq!(captured(&report).amount.minor(), 1);
}

async fn a_wrong_currency_is_told(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    bench.far().name_wrongly(Wrong::Currency);
    let report = bench.query(&request, &secrets).await.unwrap();
    assert_ne!(captured(&report).amount.currency(), bench.amount.currency());
}

async fn a_wrong_merchant_is_told(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    bench.far().name_wrongly(Wrong::Merchant);
    let report = bench.query(&request, &secrets).await.unwrap();
    assert_eq!(report.account.as_deref(), Some("SOMEBODYELSE"));
}

async fn complete_takes_the_money_once(bench: Bench) {
    let (request, secrets, capture_ref) = bench.taken().await;
    assert_eq!(bench.far().captures(), 1);
    let report = bench.query(&request, &secrets).await.unwrap();
    let capture = captured(&report);
    assert_eq!((&capture.capture_ref, capture.amount), (&capture_ref, bench.amount));
    assert_eq!(capture.fee, bench.far().fee(), "the fee is the gateway's own figure or none");
    assert_eq!(capture.fee.is_some(), bench.gateway.descriptor().fee_known_at_capture);
}

async fn complete_twice_takes_it_once(bench: Bench) {
    let (request, secrets, first) = bench.taken().await;
    let again = bench.gateway.complete_payment(&request, &secrets).await.unwrap();
    assert_eq!(captured(&again.report).capture_ref, first);
    assert_eq!(bench.far().captures(), 1);
}

async fn complete_before_consent_takes_nothing(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    let result = bench.gateway.complete_payment(&request, &session.secrets).await;
    assert!(matches!(&result, Err(GatewayError::Refused { retry_later: true, .. })), "{result:?}");
    assert_eq!(bench.far().captures(), 0);
}

async fn complete_without_a_connection_is_not_sent(bench: Bench) {
    let (request, secrets) = bench.agreed().await;
    let result = bench.unreachable.complete_payment(&request, &secrets).await;
    assert!(is_not_sent(&result), "{result:?}");
}

async fn complete_lost_on_the_way_can_be_done_again(bench: Bench) {
    let (request, secrets) = bench.agreed().await;
    bench.fault(Call::Complete, Fault::LostOnTheWay);
    let result = bench.gateway.complete_payment(&request, &secrets).await;
    assert!(is_unknown(&result), "{result:?}");
    assert_eq!(told(&bench.query(&request, &secrets).await.unwrap()), "authorized");
    bench.gateway.complete_payment(&request, &secrets).await.unwrap();
    assert_eq!(bench.far().captures(), 1);
}

async fn complete_unknown_then_found(bench: &Bench, fault: Fault) {
    let (request, secrets) = bench.agreed().await;
    bench.fault(Call::Complete, fault);
    let result = bench.gateway.complete_payment(&request, &secrets).await;
    assert!(is_unknown(&result), "{result:?}");
    assert_eq!(bench.count(Call::Complete), 1, "nothing is sent again by the adapter");
    assert_eq!(told(&bench.query(&request, &secrets).await.unwrap()), "captured");
    assert_eq!(bench.far().captures(), 1);
}

async fn complete_answered_too_late_is_unknown_and_then_found(bench: Bench) {
    complete_unknown_then_found(&bench, Fault::TooSlow).await;
}

async fn complete_answered_500_after_success_is_unknown_and_then_found(bench: Bench) {
    complete_unknown_then_found(&bench, Fault::Instead(Reply::of(503, "text/html", "down"))).await;
}

async fn complete_answered_by_garbage_is_unknown_and_then_found(bench: Bench) {
    complete_unknown_then_found(&bench, Fault::Instead(Reply::of(200, "application/json", "{\"id\""))).await;
}

async fn complete_throttled_takes_nothing(bench: Bench) {
    let (request, secrets) = bench.agreed().await;
    bench.fault(Call::Complete, Fault::Refused(Reply::of(429, "text/plain", "").with("retry-after", "3")));
    let result = bench.gateway.complete_payment(&request, &secrets).await.map(|_| ());
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: Some(3) }));
    assert_eq!(bench.far().captures(), 0);
}

async fn a_lost_way_back_still_completes(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    bench.far().approve();
    assert_eq!(told(&bench.query(&request, &session.secrets).await.unwrap()), "authorized");
    let completed = bench.gateway.complete_payment(&request, &session.secrets).await.unwrap();
    assert_eq!(told(&completed.report), "captured");
    assert_eq!(bench.far().captures(), 1);
}

async fn what_is_prepared_is_enough_to_complete(bench: Bench) {
    let (request, secrets) = bench.agreed().await;
    let prepared = bench.gateway.prepare_completion(&request, &secrets).await.unwrap();
    assert_eq!(bench.far().captures(), 0, "preparing takes no money");
    let secrets = prepared.unwrap_or(secrets);
    assert!(bench.gateway.prepare_completion(&request, &secrets).await.unwrap().is_none(), "once is enough");
    let tokens = bench.count(Call::Token);
    let completed = bench.gateway.complete_payment(&request, &secrets).await.unwrap();
    assert_eq!(told(&completed.report), "captured");
    assert!(completed.secrets.is_none(), "what was stored before is still right");
    assert!(bench.count(Call::Token) <= tokens.max(1));
}

async fn a_stranger_s_return_is_refused(bench: Bench) {
    let (request, session) = bench.create().await.unwrap();
    let genuine = bench.far().approve();
    let accept = |parameters: Vec<(String, String)>| {
        bench.gateway.accept_return(&request, &session.secrets, &ReturnParameters(parameters))
    };
    accept(genuine.clone()).unwrap();
    accept(vec![]).unwrap_err();
    accept([genuine.clone(), genuine.clone()].concat()).unwrap_err();
    for name in ["token", "state"] {
        let mut altered = genuine.clone();
        let Some(parameter) = altered.iter_mut().find(|(key, _)| key == name) else { continue };
        parameter.1.push('A');
        accept(altered).unwrap_err();
    }
}

async fn the_return_names_its_payment(bench: Bench) {
    let (request, _) = bench.create().await.unwrap();
    let about = bench.gateway.return_ref(&ReturnParameters(bench.far().approve()));
    let Some(About::Payment { request_ref, gateway_ref }) = about else { panic!("{about:?}") };
    assert!(request_ref.as_deref() == Some(PAYMENT_REF) || gateway_ref == request.gateway_ref);
    assert!(bench.gateway.return_ref(&ReturnParameters(vec![])).is_none());
    let strange = vec![("token".into(), "../../etc".into()), ("state".into(), "../x.y".into())];
    assert!(bench.gateway.return_ref(&ReturnParameters(strange)).is_none());
}

async fn secrets_are_never_seen(bench: Bench) {
    let (request, secrets, _) = bench.taken().await;
    let mut seen = format!("{:?} {secrets:?} {request:?}", bench.gateway);
    bench.fault(
        Call::Query,
        Fault::Refused(Reply::of(401, "application/json", r#"{"error":"invalid_token"}"#)),
    );
    bench.fault(
        Call::Query,
        Fault::Refused(Reply::of(401, "application/json", r#"{"reason":"unauthorized"}"#)),
    );
    seen.push_str(&format!("{:?}", bench.query(&request, &secrets).await));
    bench.clock.advance(TimeDelta::days(400));
    seen.push_str(&format!("{:?}", bench.unreachable.query_payment(&request, &secrets).await));
    for secret in bench.far().secrets() {
        assert!(!seen.contains(&secret), "{secret} in {seen}");
    }
}
