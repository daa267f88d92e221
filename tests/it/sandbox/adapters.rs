//! Our adapters against our far sides: two readings of one protocol that share no code.

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::json;
use straits::domain::orders::{PaymentReport, RefundStatus, ReportKind};
use straits::gateways::{
    About, AccountSettings, Context, Gateway, GatewayError, GatewaySecrets, NextAction, Notification,
    NotificationError, PaymentRequest, PaymentSession, RawNotification, RefundRequest, ReturnParameters,
    Trust, call, registry,
};
use straits::ids::IdSource;
use straits::money::Money;
use straits::sandbox::{Scenario, Shopper, ShopperAct, Target};
use url::Url;

use super::stage::{GRAB_SECRET, PARTNER_SECRET, Received, Stage, XENDIT_KEY, XENDIT_TOKEN, currency};
use std::sync::Arc;

pub(super) struct Rehearsal {
    pub stage: Stage,
    pub gateway: Arc<dyn Gateway>,
    pub amount: Money,
}

pub(super) async fn paypal(verification: &str) -> Rehearsal {
    let stage = Stage::open().await;
    let app = stage.app();
    let public = json!({
        "base_url": stage.sandbox.paypal_url(), "client_id": app.client_id, "webhook_id": app.webhook_id,
        "merchant_id": app.merchant_id, "verification": verification,
    });
    let secrets = [("client_secret".to_owned(), vec![app.client_secret.expose_secret().to_owned().into()])];
    Rehearsal::new(stage, "paypal", public, secrets.into(), Money::from_minor(10_000, currency("USD")))
}

pub(super) async fn grabpay() -> Rehearsal {
    let stage = Stage::open().await;
    let partner = stage.partner();
    let public = json!({
        "base_url": stage.sandbox.grabpay_url(), "partner_id": partner.partner_id, "client_id": partner.client_id,
        "merchant_id": partner.merchant_id, "country": partner.country, "currencies": ["SGD"],
    });
    let secrets = [
        ("partner_secret".to_owned(), vec![PARTNER_SECRET.into()]),
        ("client_secret".to_owned(), vec![GRAB_SECRET.into()]),
    ];
    Rehearsal::new(stage, "grabpay", public, secrets.into(), Money::from_minor(1234, currency("SGD")))
}

pub(super) async fn xendit() -> Rehearsal {
    let stage = Stage::open().await;
    let public = json!({"base_url": stage.sandbox.xendit_url(), "business_id": stage.business().business_id});
    let secrets = [
        ("secret_key".to_owned(), vec![XENDIT_KEY.into()]),
        ("callback_token".to_owned(), vec![XENDIT_TOKEN.into()]),
    ];
    Rehearsal::new(stage, "xendit", public, secrets.into(), Money::from_minor(1_000_000, currency("IDR")))
}

impl Rehearsal {
    fn new(
        stage: Stage,
        name: &str,
        public: serde_json::Value,
        secrets: std::collections::BTreeMap<String, Vec<secrecy::SecretString>>,
        amount: Money,
    ) -> Rehearsal {
        let context = Context {
            http: call::client().unwrap().into(),
            clock: stage.clock.clone(),
            ids: IdSource::random(stage.clock.clone()),
            trust: Trust::StraitsSandbox { root_der: stage.sandbox.root_certificate_der().unwrap() },
        };
        let account =
            AccountSettings { name: name.into(), public: public.as_object().unwrap().clone(), secrets };
        let gateway = registry::build(name, &account, &context).unwrap();
        Rehearsal { stage, gateway, amount }
    }

    fn request(&self) -> PaymentRequest {
        let payment: straits::ids::PaymentId = IdSource::random(self.stage.clock.clone()).mint();
        PaymentRequest {
            payment,
            request_ref: payment.to_string(),
            gateway_ref: None,
            amount: self.amount,
            method: None,
            description: "Two lanterns".into(),
            return_url: self.stage.door_url("returns", self.gateway.descriptor().name).into(),
            created_at: self.stage.clock.now(),
        }
    }

    /// Created; the shopper agreed and came back.
    async fn agreed(&self) -> (PaymentRequest, GatewaySecrets) {
        let mut request = self.request();
        let session = self.gateway.create_payment(&request).await.unwrap();
        request.gateway_ref = session.gateway_ref;
        let NextAction::Redirect { url } = &session.next_action else { panic!("{:?}", session.next_action) };
        self.stage.doors.take();
        let page = url.parse().unwrap();
        let (at, from) = (ShopperAct::Page(&page), Some("MY"));
        let outcome = self.stage.sandbox.shopper_from(at, Shopper::Approve, from).await.unwrap();
        let back = outcome.return_url.unwrap();
        let parameters = ReturnParameters(back.query_pairs().into_owned().collect());
        let about = self.gateway.return_ref(&parameters).unwrap();
        let names = About::Payment {
            request_ref: request.gateway_ref.is_none().then(|| request.request_ref.clone()),
            gateway_ref: request.gateway_ref.clone(),
        };
        assert_eq!(about, names);
        let kept = self.gateway.accept_return(&request, &session.secrets, &parameters).unwrap();
        (request, kept.unwrap_or(session.secrets))
    }

    async fn query(&self, request: &PaymentRequest, secrets: &GatewaySecrets) -> PaymentReport {
        self.gateway.query_payment(request, secrets).await.unwrap()
    }

    pub async fn taken(&self) -> (PaymentRequest, GatewaySecrets, String) {
        let (mut request, mut secrets) = self.agreed().await;
        let report = self.query(&request, &secrets).await;
        assert_eq!(report.kind, ReportKind::Authorised { amount: Some(self.amount) });
        if let Some(prepared) = self.gateway.prepare_completion(&request, &secrets).await.unwrap() {
            secrets = prepared;
        }
        let report = self.gateway.complete_payment(&request, &secrets).await.unwrap().report;
        assert!(report.request_ref.as_ref().is_none_or(|reference| *reference == request.request_ref));
        request.gateway_ref = report.gateway_ref.clone().or(request.gateway_ref);
        let ReportKind::Captured(capture) = report.kind else { panic!("{report:?}") };
        assert_eq!(capture.amount, self.amount);
        assert_eq!(capture.fee.is_some(), self.gateway.descriptor().fee_known_at_capture);
        // PayPal names the payer's country, Grab none.
        let country = (self.gateway.descriptor().name == "paypal").then_some("MY");
        assert_eq!(capture.payer_country.map(|country| country.code()), country);
        (request, secrets, capture.capture_ref)
    }

    /// Every notice under way, as our door hears it.
    pub async fn heard(&self) -> Vec<Result<Notification, NotificationError>> {
        self.stage.doors.take();
        self.stage.sandbox.deliver_due().await.unwrap();
        let mut heard = Vec::new();
        for notice in self.stage.doors.take() {
            if notice.path.starts_with("/v1/notifications/") {
                heard.push(self.verify(&notice).await);
            }
        }
        heard
    }

    async fn verify(&self, notice: &Received) -> Result<Notification, NotificationError> {
        let raw = RawNotification {
            method: "POST",
            path_and_query: &notice.path,
            headers: &notice.headers,
            body: notice.body.as_bytes(),
            received_at: self.stage.clock.wall(),
        };
        self.gateway.verify(&raw).await
    }

    pub fn refund(&self, capture_ref: &str, minor: i64) -> RefundRequest {
        let refund: straits::ids::RefundId = IdSource::random(self.stage.clock.clone()).mint();
        RefundRequest {
            refund,
            request_ref: refund.to_string(),
            refund_ref: None,
            capture_ref: capture_ref.into(),
            amount: Money::from_minor(minor, self.amount.currency()),
            reason: "one was broken".into(),
        }
    }
}

async fn the_whole_way(rehearsal: Rehearsal) {
    let (payment, secrets, capture) = rehearsal.taken().await;
    let names_it = |notification: &Notification| match &notification.about {
        About::Payment { request_ref, gateway_ref } => {
            request_ref.as_ref() == Some(&payment.request_ref) || *gateway_ref == payment.gateway_ref
        }
        About::Dispute { .. } | About::Payouts { .. } | About::Other => false,
    };
    let heard = rehearsal.heard().await;
    assert!(!heard.is_empty());
    for notice in heard {
        assert!(names_it(notice.as_ref().unwrap()), "{notice:?}");
    }

    let refunds = rehearsal.gateway.refunds().unwrap();
    let first = rehearsal.refund(&capture, 400);
    assert_eq!(refunds.query_refund(&payment, &secrets, &first).await, Ok(None));
    let made = refunds.refund(&payment, &secrets, &first).await.unwrap();
    assert_eq!((&made.status, made.amount), (&RefundStatus::Succeeded, first.amount));
    let found = refunds.query_refund(&payment, &secrets, &first).await.unwrap().unwrap();
    assert_eq!((&found.refund_ref, &found.request_ref), (&made.refund_ref, &Some(first.request_ref.clone())));
    let again = refunds.refund(&payment, &secrets, &first).await.unwrap();
    assert_eq!(again.refund_ref, made.refund_ref);
    let beyond = rehearsal.refund(&capture, rehearsal.amount.minor());
    let result = refunds.refund(&payment, &secrets, &beyond).await;
    assert!(matches!(result, Err(GatewayError::Refused { retry_later: false, .. })), "{result:?}");
    for notice in rehearsal.heard().await {
        assert!(names_it(notice.as_ref().unwrap()), "{notice:?}");
    }
    let report = rehearsal.query(&payment, &secrets).await;
    assert!(matches!(report.kind, ReportKind::Captured(_)), "{report:?}");
    for refund in report.refunds {
        assert_eq!((refund.request_ref, refund.amount), (Some(first.request_ref.clone()), first.amount));
    }
}

#[tokio::test]
async fn paypal_heard_by_signature() {
    the_whole_way(paypal("self").await).await;
}

#[tokio::test]
async fn paypal_heard_by_postback() {
    the_whole_way(paypal("postback").await).await;
}

#[tokio::test]
async fn grabpay_heard() {
    the_whole_way(grabpay().await).await;
}

#[tokio::test]
async fn a_forged_notice_is_refused_and_the_genuine_ones_are_not() {
    for rehearsal in [paypal("self").await, paypal("postback").await, grabpay().await] {
        rehearsal.stage.sandbox.arm(Scenario::ForgedCallback, Target::Next(1)).await.unwrap();
        rehearsal.taken().await;
        let heard = rehearsal.heard().await;
        let forged =
            heard.iter().filter(|notice| matches!(notice, Err(NotificationError::Forged(_)))).count();
        assert!(forged >= 1 && heard.iter().filter(|notice| notice.is_err()).count() == forged, "{heard:?}");
        assert!(heard.len() > forged);
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_capture_is_found_by_asking() {
    for rehearsal in [paypal("self").await, grabpay().await] {
        rehearsal.stage.sandbox.arm(Scenario::TimeoutAfterSuccess, Target::Next(1)).await.unwrap();
        let (mut payment, secrets) = rehearsal.agreed().await;
        let result = rehearsal.gateway.complete_payment(&payment, &secrets).await;
        assert!(matches!(result, Err(GatewayError::OutcomeUnknown(_))), "{result:?}");
        let report = rehearsal.query(&payment, &secrets).await;
        let ReportKind::Captured(capture) = report.kind else { panic!("{report:?}") };
        payment.gateway_ref = report.gateway_ref.or(payment.gateway_ref);

        // The same again with a refund, whose token was lost together with the answer.
        let refunds = rehearsal.gateway.refunds().unwrap();
        let refund = rehearsal.refund(&capture.capture_ref, 100);
        let result = refunds.refund(&payment, &secrets, &refund).await;
        assert!(matches!(result, Err(GatewayError::OutcomeUnknown(_))), "{result:?}");
        let found = refunds.query_refund(&payment, &secrets, &refund).await.unwrap().unwrap();
        assert_eq!((found.status, found.amount), (RefundStatus::Succeeded, refund.amount));
    }
}

#[tokio::test]
async fn what_a_lost_opening_held_is_told_again_where_the_protocol_allows() {
    let url_of = |session: &PaymentSession| match &session.next_action {
        NextAction::Redirect { url } => url.clone(),
        other => panic!("{other:?}"),
    };
    let rehearsal = paypal("self").await;
    let mut request = rehearsal.request();
    let first = rehearsal.gateway.create_payment(&request).await.unwrap();
    // The whole answer was lost, or all but the order's id.
    for known in [None, first.gateway_ref.clone()] {
        request.gateway_ref = known;
        let again = rehearsal.gateway.session_again(&request).await.unwrap().unwrap();
        assert_eq!((url_of(&again), &again.gateway_ref), (url_of(&first), &first.gateway_ref));
    }
    rehearsal.stage.advance(TimeDelta::hours(3)).await;
    assert!(rehearsal.gateway.session_again(&request).await.unwrap().is_none(), "it has lapsed");

    // Grab tells it once; but what never arrived is opened, under the same reference.
    let rehearsal = grabpay().await;
    let request = rehearsal.request();
    let opened = rehearsal.gateway.session_again(&request).await.unwrap().expect("it never arrived");
    assert!(url_of(&opened).contains("code_challenge"));
    assert!(
        rehearsal.gateway.session_again(&request).await.unwrap().is_none(),
        "the answer is lost for good"
    );
    assert_eq!(rehearsal.query(&request, &opened.secrets).await.kind, ReportKind::RequiresAction);
}

#[tokio::test]
async fn nobody_pays_and_it_expires() {
    for rehearsal in [paypal("self").await, grabpay().await] {
        let mut request = rehearsal.request();
        let session = rehearsal.gateway.create_payment(&request).await.unwrap();
        request.gateway_ref = session.gateway_ref;
        assert_eq!(rehearsal.query(&request, &session.secrets).await.kind, ReportKind::RequiresAction);
        let left = session.expires_at - rehearsal.stage.clock.now();
        rehearsal.stage.advance(left + TimeDelta::seconds(1)).await;
        assert_eq!(rehearsal.query(&request, &session.secrets).await.kind, ReportKind::Expired);
    }
}

#[tokio::test]
async fn the_shopper_without_money_fails_or_may_try_again() {
    for rehearsal in [paypal("self").await, grabpay().await] {
        rehearsal.stage.sandbox.arm(Scenario::InsufficientBalance, Target::Next(1)).await.unwrap();
        let mut request = rehearsal.request();
        let session = rehearsal.gateway.create_payment(&request).await.unwrap();
        request.gateway_ref = session.gateway_ref;
        let NextAction::Redirect { url } = &session.next_action else { panic!() };
        let page = Url::parse(url).unwrap();
        rehearsal.stage.shop(page.as_str(), Shopper::Approve).await;
        match rehearsal.gateway.complete_payment(&request, &session.secrets).await {
            Err(GatewayError::Refused { retry_later: true, .. }) => {}
            other => panic!("{other:?}"),
        }
        let kind = rehearsal.query(&request, &session.secrets).await.kind;
        assert!(!matches!(kind, ReportKind::Captured(_)), "{kind:?}");
    }
}
