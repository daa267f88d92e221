//! PayPal's far side, as small as the cases need: one order, its capture, its refunds, its signing key.

use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::gateways::paypal::status;
use straits::gateways::{AccountSettings, Trust};
use straits::money::Money;

use super::bench::{self, Bench, Call, FarSide, Notice, Owned, PAYMENT_REF, Wrong, money};
use super::line::{Reply, Request};
use super::openapi;
use super::paypal_bill::PayPalBill;
use super::signer::{PKI, sign};

const ORDER: &str = "5O190127TN364715T";
const CAPTURE: &str = "42311647XV020574X";
const WEBHOOK: &str = "4JH86294D6297924G";
pub const SECRET: &str = "paypal-client-secret-canary";
const MERCHANT: &str = "STRAYTS2222SG";
const MOUNT: &str = "/mount/paypal";

pub fn by_signature() -> Bench {
    open("self", &[SECRET])
}

pub fn by_postback() -> Bench {
    open("postback", &[SECRET])
}

pub fn open(verification: &str, secrets: &[&str]) -> Bench {
    let trust = Trust::StraitsSandbox { root_der: PKI.root_der.clone() };
    bench::open("paypal", money("USD", 10_000), trust, |base, clock| {
        let mut account = account(&base, verification);
        let secrets = secrets.iter().map(|secret| (*secret).into()).collect();
        account.secrets.insert("client_secret".into(), secrets);
        (PayPalFar { base, clock: Some(clock), ..PayPalFar::default() }, account)
    })
}

pub fn account(base: &str, verification: &str) -> AccountSettings {
    let public = json!({
        "base_url": base, "client_id": "client-1", "webhook_id": WEBHOOK, "merchant_id": MERCHANT,
        "verification": verification,
    });
    AccountSettings {
        name: "paypal".into(),
        public: public.as_object().unwrap().clone(),
        secrets: [("client_secret".to_owned(), vec![SECRET.into()])].into(),
    }
}

#[derive(Default)]
struct PayPalFar {
    base: String,
    clock: Option<Clock>,
    orders: usize,
    /// The request id and body the order was created with.
    created: Option<(String, Vec<u8>)>,
    status: String,
    /// Status and reason.
    capture: Option<(String, Option<String>)>,
    captures: usize,
    refunds: Vec<Value>,
    refund_keys: Vec<String>,
    wrong: Option<Wrong>,
    empty: bool,
    gone: bool,
    garbled: Option<String>,
    bare: bool,
    converted: bool,
    tokens: usize,
    bill: PayPalBill,
    complaints: Vec<String>,
}

impl PayPalFar {
    fn wall(&self) -> DateTime<Utc> {
        self.clock.as_ref().unwrap().wall()
    }

    fn demand(&mut self, holds: bool, what: &str, request: &Request) {
        if !holds {
            self.complaints.push(format!("{what}: {request:?}"));
        }
    }

    fn now(&self) -> String {
        self.wall().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    fn problem(status: u16, issue: &str) -> Reply {
        let name = if status == 404 { "RESOURCE_NOT_FOUND" } else { "UNPROCESSABLE_ENTITY" };
        Reply::json(
            status,
            &json!({
                "name": name, "message": "The requested action could not be performed.", "debug_id": "90957fca61718",
                "details": [{"issue": issue, "description": "see the specification"}],
            }),
        )
    }

    fn billing(&self) -> PayPalBill {
        let account = if self.wrong == Some(Wrong::Merchant) { "SOMEBODYELSE" } else { MERCHANT };
        PayPalBill { account: account.into(), ..self.bill.clone() }
    }

    fn amount(&self, minor: i64) -> Value {
        let (code, minor) = match self.wrong {
            Some(Wrong::Currency) => ("EUR", minor),
            Some(Wrong::Amount) => ("USD", 1),
            _ => ("USD", minor),
        };
        json!({"currency_code": code, "value": money("USD", minor).amount().to_string()})
    }

    fn capture_json(&self, whole: bool) -> Option<Value> {
        let (status, reason) = self.capture.clone()?;
        let mut capture = json!({
            "id": CAPTURE, "status": status, "amount": self.amount(10_000), "custom_id": PAYMENT_REF,
            "invoice_id": PAYMENT_REF, "final_capture": true, "create_time": self.now(), "update_time": self.now(),
        });
        if let Some(reason) = reason {
            capture["status_details"] = json!({"reason": reason});
        }
        if whole || !self.bare {
            let fee = self.amount(398);
            capture["seller_receivable_breakdown"] = json!({"gross_amount": self.amount(10_000), "paypal_fee": fee, "net_amount": self.amount(9602)});
            if self.converted {
                let breakdown = &mut capture["seller_receivable_breakdown"];
                breakdown["receivable_amount"] = json!({"currency_code": "EUR", "value": "86.41"});
                breakdown["exchange_rate"] =
                    json!({"source_currency": "USD", "target_currency": "EUR", "value": "0.9000000000"});
            }
        }
        match self.garbled.as_deref() {
            Some("1e2") => capture["amount"]["value"] = "1e2".into(),
            Some("float") => capture["amount"]["value"] = json!(100.0),
            Some("huge") => capture["amount"]["value"] = "9".repeat(40).into(),
            _ => {}
        }
        Some(capture)
    }

    fn order_json(&self) -> Value {
        let payee = if self.wrong == Some(Wrong::Merchant) { "SOMEBODYELSE" } else { MERCHANT };
        let mut order = json!({
            "id": ORDER, "status": self.status, "intent": "CAPTURE", "create_time": self.now(),
            "purchase_units": [{
                "reference_id": "default", "custom_id": PAYMENT_REF, "invoice_id": PAYMENT_REF,
                "amount": self.amount(10_000), "payee": {"merchant_id": payee},
            }],
            "links": [
                {"rel": "self", "href": format!("{}/v2/checkout/orders/{ORDER}", self.base), "method": "GET"},
                {"rel": "payer-action", "href": format!("{}/checkoutnow?token={ORDER}", self.base), "method": "GET"},
            ],
        });
        if let Some(capture) = self.capture_json(false) {
            order["purchase_units"][0]["payments"] = json!({"captures": [capture], "refunds": self.refunds});
        }
        if self.garbled.as_deref() == Some("missing_id") {
            order.as_object_mut().unwrap().remove("id");
        }
        order
    }

    fn token(&mut self, request: &Request) -> Reply {
        self.demand(request.body == b"grant_type=client_credentials", "grant", request);
        let form = request.header("content-type") == Some("application/x-www-form-urlencoded");
        self.demand(form, "form", request);
        let basic = format!("Basic {}", STANDARD.encode(format!("client-1:{SECRET}")));
        if request.header("authorization") != Some(&basic) {
            return Reply::json(
                401,
                &json!({"error": "invalid_client", "error_description": "Client Authentication failed"}),
            );
        }
        self.tokens += 1;
        let token = format!("A21AA-token-canary-{}", self.tokens);
        Reply::json(
            200,
            &json!({"access_token": token, "token_type": "Bearer", "app_id": "APP-1", "expires_in": 32400}),
        )
    }

    fn create(&mut self, request: &Request) -> Reply {
        let body = request.json();
        self.complaints.extend(openapi::complaints("checkout_orders_v2", "order_request", &body));
        let unit = &body["purchase_units"][0];
        let context = &body["payment_source"]["paypal"]["experience_context"];
        let right = unit["custom_id"] == PAYMENT_REF
            && unit["invoice_id"] == PAYMENT_REF
            && unit["amount"] == json!({"currency_code": "USD", "value": "100.00"})
            && unit["payee"]["merchant_id"] == MERCHANT
            && context["user_action"] == "PAY_NOW"
            && context["shipping_preference"] == "NO_SHIPPING"
            && context["return_url"] == "http://127.0.0.1:9/v1/returns/gateway";
        self.demand(right, "order", request);
        let id = request.header("paypal-request-id").unwrap_or_default().to_owned();
        self.demand((1..=108).contains(&id.len()), "request id", request);
        if let Some((first, first_body)) = self.created.clone() {
            self.demand(first == id && first_body == request.body, "another order for the payment", request);
            return Reply::json(200, &self.order_json());
        }
        self.created = Some((id, request.body.clone()));
        self.orders += 1;
        self.status = "PAYER_ACTION_REQUIRED".into();
        Reply::json(201, &self.order_json())
    }

    fn take(&mut self, request: &Request) -> Reply {
        self.demand(request.body == b"{}", "capture body", request);
        let id = request.header("paypal-request-id").unwrap_or_default();
        let own = self.created.as_ref().is_some_and(|(created, _)| created != id) && !id.is_empty();
        self.demand(own, "capture request id", request);
        match self.status.as_str() {
            "APPROVED" => {}
            "COMPLETED" => return PayPalFar::problem(422, "ORDER_ALREADY_CAPTURED"),
            _ => return PayPalFar::problem(422, "ORDER_NOT_APPROVED"),
        }
        self.status = "COMPLETED".into();
        self.capture = Some(("COMPLETED".into(), None));
        self.captures += 1;
        Reply::json(201, &self.order_json())
    }

    fn refund(&mut self, request: &Request) -> Reply {
        let body = request.json();
        self.complaints.extend(openapi::complaints("payments_payment_v2", "refund_request", &body));
        let own = body["custom_id"].as_str().is_some_and(|id| id.starts_with("ref_"))
            && body["invoice_id"] == PAYMENT_REF;
        self.demand(own, "refund references", request);
        let key = request.header("paypal-request-id").unwrap_or_default().to_owned();
        if let Some(place) = self.refund_keys.iter().position(|known| *known == key) {
            return Reply::json(200, &self.refunds[place]);
        }
        if self.empty {
            return PayPalFar::problem(422, "REFUND_FAILED_INSUFFICIENT_FUNDS");
        }
        let minor = |value: &Value| value.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
        let before: i64 = self.refunds.iter().map(|refund| minor(&refund["amount"]["value"])).sum();
        if before + minor(&body["amount"]["value"]) > 10_000 {
            return PayPalFar::problem(422, "REFUND_AMOUNT_EXCEEDED");
        }
        let id = format!("1Y107995YT78343{}V", self.refunds.len());
        let refund = json!({
            "id": id, "status": "COMPLETED", "amount": body["amount"], "custom_id": body["custom_id"],
            "invoice_id": body["invoice_id"], "create_time": self.now(),
            "seller_payable_breakdown": {"gross_amount": body["amount"], "paypal_fee": {"currency_code": "USD", "value": "0.00"}},
        });
        self.refunds.push(refund.clone());
        self.refund_keys.push(key);
        Reply::json(201, &refund)
    }

    /// Judges the event's own bytes.
    fn judge(&mut self, request: &Request) -> Reply {
        #[derive(Deserialize)]
        struct Question<'a> {
            transmission_id: String,
            transmission_time: String,
            transmission_sig: String,
            webhook_id: String,
            #[serde(borrow)]
            webhook_event: &'a RawValue,
        }
        let schema = "verify_webhook_signature";
        let found = openapi::complaints("notifications_webhooks_v1", schema, &request.json());
        // The event is PayPal's own writing.
        self.complaints.extend(found.into_iter().filter(|complaint| !complaint.contains(".webhook_event.")));
        let question: Question<'_> = serde_json::from_slice(&request.body).unwrap();
        let crc = crc32fast::hash(question.webhook_event.get().as_bytes());
        let message = format!("{}|{}|{WEBHOOK}|{crc}", question.transmission_id, question.transmission_time);
        let key =
            UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, PKI.key.public_key().as_ref());
        let signed = STANDARD
            .decode(&question.transmission_sig)
            .is_ok_and(|signature| key.verify(message.as_bytes(), &signature).is_ok());
        let verdict = if signed && question.webhook_id == WEBHOOK { "SUCCESS" } else { "FAILURE" };
        Reply::json(200, &json!({"verification_status": verdict}))
    }

    fn event(&self, notice: Notice) -> String {
        let refund = r#"{"id":"WH-2","event_type":"PAYMENT.CAPTURE.REFUNDED","resource":{"id":"1Y107995YT783430V","custom_id":"ref_01kaw000000000000000000001","invoice_id":"REF"}}"#;
        let capture = r#"{ "id": "WH-1", "event_version": "1.0", "event_type": "PAYMENT.CAPTURE.COMPLETED",
            "resource": {"id":"CAP", "status":"COMPLETED", "custom_id":"REF", "amount":{"value":"100.00"},
            "supplementary_data": {"related_ids": {"order_id":"ORDER"}}}}"#;
        match notice {
            Notice::Refunded => refund.replace("REF\"", &format!("{PAYMENT_REF}\"")),
            Notice::NoJson => "event=WH-1".into(),
            Notice::Bottomless => {
                format!("{{\"id\":\"WH-1\",\"deep\":{}{}}}", "[".repeat(5000), "]".repeat(5000))
            }
            Notice::DoubledMember => capture.replace("\"id\":\"CAP\"", "\"id\":\"CAP\",\"id\":\"CAP2\""),
            _ => capture.replace("REF", PAYMENT_REF).replace("ORDER\"", &format!("{ORDER}\"")),
        }
    }
}

impl FarSide for PayPalFar {
    fn call(&self, request: &Request) -> Call {
        let path = request.target.strip_prefix(MOUNT).unwrap_or_default();
        match (request.method.as_str(), path) {
            ("POST", "/v1/oauth2/token") => Call::Token,
            ("POST", "/v2/checkout/orders") => Call::Create,
            ("GET", path) if path.starts_with("/v2/checkout/orders/") => Call::Query,
            ("POST", path) if path.ends_with("/capture") => Call::Complete,
            ("POST", path) if path.ends_with("/refund") => Call::Refund,
            ("GET", path) if path.starts_with("/v2/payments/refunds/") => Call::QueryRefund,
            ("GET", path) if path.starts_with("/v1/reporting/transactions?") => Call::Bill,
            _ => Call::Other,
        }
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let path = request.target.strip_prefix(MOUNT).unwrap_or_default().to_owned();
        if path.starts_with("/v1/notifications/certs/") {
            return Reply::of(200, "application/x-pem-file", PKI.chain_pem.clone());
        }
        let call = self.call(request);
        if call == Call::Token {
            return self.token(request);
        }
        let bearer = request
            .header("authorization")
            .is_some_and(|value| value.starts_with("Bearer A21AA-token-canary-"));
        self.demand(bearer, "bearer", request);
        self.demand(request.header("content-type") == Some("application/json"), "content type", request);
        self.demand(request.header("prefer") == Some("return=representation"), "prefer", request);
        let (orders, captures) =
            (format!("/v2/checkout/orders/{ORDER}"), format!("/v2/payments/captures/{CAPTURE}"));
        let known = self.created.is_some() && !self.gone;
        match call {
            Call::Create => self.create(request),
            Call::Bill => self.billing().answer(request),
            Call::Query if path == orders && known => Reply::json(200, &self.order_json()),
            Call::Complete if path == format!("{orders}/capture") && known => self.take(request),
            Call::Refund if path == format!("{captures}/refund") => self.refund(request),
            Call::QueryRefund => {
                let found = self.refunds.iter().find(|refund| path.ends_with(refund["id"].as_str().unwrap()));
                found.map_or_else(
                    || PayPalFar::problem(404, "INVALID_RESOURCE_ID"),
                    |refund| Reply::json(200, refund),
                )
            }
            Call::Other if path == captures => {
                let mut capture = self.capture_json(true).unwrap();
                capture["supplementary_data"] = json!({"related_ids": {"order_id": ORDER}});
                Reply::json(200, &capture)
            }
            Call::Other if path == "/v1/notifications/verify-webhook-signature" => self.judge(request),
            _ => PayPalFar::problem(404, "INVALID_RESOURCE_ID"),
        }
    }

    fn browse(&mut self, url: &str) {
        if url != format!("{}/checkoutnow?token={ORDER}", self.base) {
            self.complaints.push(format!("the shopper was sent to {url}"));
        }
    }

    fn approve(&mut self) -> Vec<(String, String)> {
        self.status = "APPROVED".into();
        vec![("token".into(), ORDER.into()), ("PayerID".into(), "QYR5Z8XDVJNXQ".into())]
    }

    fn lapse(&mut self) {
        self.gone = true;
    }

    fn put(&mut self, words: &str) {
        let mut parts = words.split('/');
        let (what, status, reason) = (parts.next().unwrap(), parts.next(), parts.next());
        match what {
            "order" => (self.status, self.capture) = (status.unwrap().into(), None),
            "capture" => {
                self.status = "COMPLETED".into();
                self.capture = Some((status.unwrap().into(), reason.map(str::to_owned)));
            }
            "refund" => self.refunds[0]["status"] = status.unwrap().into(),
            "garbled" => self.garbled = status.map(str::to_owned),
            "bill" => self.bill.rows = status.unwrap().parse().unwrap(),
            "bill_word" => self.bill.word = status.map(str::to_owned),
            "bill_most" => self.bill.most = Some(status.unwrap().parse().unwrap()),
            "bare" => self.bare = true,
            "converted" => self.converted = true,
            _ => self.capture = Some(("UNHEARD_OF".into(), None)),
        }
    }

    fn name_wrongly(&mut self, what: Wrong) {
        self.wrong = Some(what);
    }

    fn empty_balance(&mut self) {
        self.empty = true;
    }

    fn payments(&self) -> usize {
        self.orders
    }

    fn captures(&self) -> usize {
        self.captures
    }

    fn refunds(&self) -> usize {
        self.refunds.len()
    }

    fn notice(&self, notice: Notice, at: DateTime<Utc>) -> Owned {
        let at = match notice {
            Notice::Old => at - TimeDelta::days(5),
            Notice::Future => at + TimeDelta::hours(1),
            _ => at,
        };
        let (id, time) =
            ("071f7d20-1584-11e7-abf0-6b62a8a99ac4", at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let mut body = self.event(notice);
        let webhook = if notice == Notice::OtherMerchant { "9XX00000XX9999999" } else { WEBHOOK };
        let message = format!("{id}|{time}|{webhook}|{}", crc32fast::hash(body.as_bytes()));
        let key = if notice == Notice::OtherKey { &PKI.stranger } else { &PKI.key };
        let mut signature = sign(key, &message);
        match notice {
            Notice::BadSignature => {
                signature.replace_range(10..11, if &signature[10..11] == "A" { "B" } else { "A" })
            }
            Notice::EmptySignature => signature.clear(),
            Notice::AlteredBody => body = body.replace("100.00", "900.00"),
            _ => {}
        }
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("paypal-auth-algo".into(), "SHA256withRSA".into()),
            ("paypal-auth-version".into(), "v2".into()),
            (
                "paypal-cert-url".into(),
                format!("{}/v1/notifications/certs/CERT-360caa42-fca2a594", self.base),
            ),
            ("paypal-transmission-id".into(), id.into()),
            ("paypal-transmission-time".into(), time),
        ];
        let copies = match notice {
            Notice::NoSignature => 0,
            Notice::TwoSignatures => 2,
            _ => 1,
        };
        headers.extend((0..copies).map(|_| ("paypal-transmission-sig".to_owned(), signature.clone())));
        Owned { method: "POST".into(), path: "/v1/notifications/paypal".into(), headers, body: body.into() }
    }

    fn words(&self) -> Vec<(String, &'static str)> {
        let rows = [
            ("order/CREATED", "requires_action"),
            ("order/SAVED", "requires_action"),
            ("order/PAYER_ACTION_REQUIRED", "requires_action"),
            ("order/APPROVED", "authorized"),
            ("order/VOIDED", "cancelled"),
            // Processed, and nothing to show for it.
            ("order/COMPLETED", "unknown"),
            ("order/UNHEARD_OF", "unknown"),
            ("capture/COMPLETED", "captured"),
            ("capture/PARTIALLY_REFUNDED", "captured"),
            ("capture/REFUNDED", "captured"),
            ("capture/DECLINED", "failed"),
            ("capture/FAILED", "failed"),
            ("capture/PENDING", "pending"),
            ("capture/PENDING/ECHECK", "pending"),
            ("capture/PENDING/INTERNATIONAL_WITHDRAWAL", "pending"),
            ("capture/PENDING/OTHER", "pending"),
            ("capture/PENDING/PENDING_REVIEW", "pending"),
            ("capture/PENDING/RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION", "pending"),
            ("capture/PENDING/TRANSACTION_APPROVED_AWAITING_FUNDING", "pending"),
            ("capture/PENDING/UNILATERAL", "pending"),
            ("capture/PENDING/VERIFICATION_REQUIRED", "pending"),
            ("capture/PENDING/A_REASON_OF_TOMORROW", "pending"),
            ("capture/PENDING/BUYER_COMPLAINT", "captured+held"),
            ("capture/PENDING/CHARGEBACK", "captured+reversed"),
            ("capture/PENDING/REFUNDED", "captured"),
            ("refund/PENDING", "pending"),
            ("refund/COMPLETED", "succeeded"),
            ("refund/FAILED", "failed"),
            ("refund/CANCELLED", "failed"),
            ("refund/UNHEARD_OF", "unknown"),
        ];
        rows.into_iter().map(|(word, ours)| (word.to_owned(), ours)).collect()
    }

    fn table(&self) -> Vec<String> {
        let orders = status::ORDERS.iter().map(|(word, _)| format!("order/{word}"));
        let captures = status::CAPTURES.iter().map(|(word, _)| format!("capture/{word}"));
        let pending = status::PENDING.iter().map(|(word, _)| format!("capture/PENDING/{word}"));
        let refunds = status::REFUNDS.iter().map(|word| format!("refund/{word}"));
        orders.chain(captures).chain(pending).chain(refunds).collect()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn left_out(&self, _case: &str) -> Option<&'static str> {
        None
    }

    fn fee(&self) -> Option<Money> {
        Some(money("USD", 398))
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.into(), "A21AA-token-canary".into()]
    }

    fn too_precise(&self) -> Option<(Money, Money)> {
        Some((money("HUF", 100_050), money("HUF", 100_100)))
    }

    fn foreign(&self) -> Money {
        money("VND", 50_000)
    }

    fn refund_window(&self) -> TimeDelta {
        TimeDelta::days(180)
    }

    fn billed(&self, n: usize) -> Vec<(&'static str, Money, Money)> {
        PayPalBill { rows: n, ..PayPalBill::default() }.told()
    }

    fn bill_file(&self) -> Vec<u8> {
        self.billing().file()
    }
}
