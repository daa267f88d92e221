//! A server with the far sides and our own two doors (returns and notifications), and small clients of both gateways
//! written from the gateways' documentation.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::ids::IdSource;
use straits::money::{Currency, Percent, Rate};
use straits::sandbox::{
    GrabPayPartner, PayPalApp, PayPalFee, Sandbox, SandboxOptions, Shopper, ShopperAct, ShopperOutcome,
};
use url::Url;

/// Something that came to one of our doors.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// What our doors saw, and what they answer.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    seen: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
}

impl Doors {
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What came since the last look.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// The event or transaction types of the notices since the last look, in order.
    pub fn take_types(&self) -> Vec<String> {
        let notices = self.take().into_iter().filter(|seen| seen.path.starts_with("/v1/notifications/"));
        notices
            .map(|notice| {
                let body = notice.json();
                let name = body.get("event_type").or_else(|| body.get("txType"));
                name.and_then(Value::as_str).unwrap_or_default().to_owned()
            })
            .collect()
    }
}

async fn door(request: HttpRequest, body: web::Bytes, doors: web::Data<Doors>) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()));
    doors.seen.lock().unwrap().push(Received {
        path: request.uri().to_string(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let status = doors.status.load(Ordering::SeqCst);
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}

/// The whole stage.
pub struct Stage {
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub doors: Doors,
    pub url: String,
    pub http: reqwest::Client,
    folder: tempfile::TempDir,
    server: actix_web::dev::ServerHandle,
}

pub const CLIENT: &str = "paypal-client";
pub const PARTNER: &str = "partner-1";
pub const PARTNER_SECRET: &str = "partner-secret";
pub const GRAB_CLIENT: &str = "grab-client";
pub const GRAB_SECRET: &str = "grab-client-secret";
pub const WEBHOOK: &str = "WH0000000000000001";

impl Stage {
    /// Both far sides with their default accounts; the clock stands still until moved.
    pub async fn open() -> Stage {
        let clock = Clock::fixed("2026-11-23T02:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stage = Stage::start(clock, folder, listener).await;
        stage.sandbox.provision_paypal(&stage.app()).await.unwrap();
        stage.sandbox.provision_grabpay(&stage.partner()).await.unwrap();
        stage
    }

    async fn start(clock: Clock, folder: tempfile::TempDir, listener: TcpListener) -> Stage {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = open_file(&clock, folder.path(), &url).await;
        let doors = Doors::default();
        doors.answer(200);
        let (mounted, seen) = (sandbox.clone(), doors.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(seen.clone()))
                .service(web::scope("/sandbox").configure(mounted.routes()))
                .route("/v1/{door}/{gateway}", web::to(door))
        })
        .workers(2)
        .listen(listener)
        .unwrap()
        .disable_signals()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(redirects).build().unwrap();
        Stage { sandbox, clock, doors, url, http, folder, server: handle }
    }

    /// Stops the server as a crash would (no farewell to the file) and starts another on the same file and port.
    pub async fn restart(self) -> Stage {
        let Stage { sandbox, clock, url, folder, server, http, .. } = self;
        server.stop(false).await;
        drop((sandbox, http));
        let address = url.trim_start_matches("http://").to_owned();
        let listener = (0..50)
            .find_map(|_| {
                let bound = TcpListener::bind(&address).ok();
                if bound.is_none() {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                bound
            })
            .expect("the port is free again");
        Stage::start(clock, folder, listener).await
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("sandbox.db")
    }

    pub fn app(&self) -> PayPalApp {
        PayPalApp {
            client_id: CLIENT.into(),
            client_secret: SecretString::from("paypal-secret"),
            webhook_id: WEBHOOK.into(),
            webhook_url: Some(self.door_url("notifications", "paypal")),
            merchant_id: "MERCHANT12345".into(),
            fee: PayPalFee::default(),
            holds: Vec::new(),
            rates: Vec::new(),
        }
    }

    /// The same app with an account that holds euros only, at 2.99 % + 0.50.
    pub fn euro_app(&self, rate: Option<&str>) -> PayPalApp {
        let (usd, eur) = (currency("USD"), currency("EUR"));
        PayPalApp {
            fee: PayPalFee { percent: "2.99".parse().unwrap(), ..PayPalFee::default() },
            holds: vec![eur],
            rates: rate.map(|rate| Rate::parse(usd, eur, rate).unwrap()).into_iter().collect(),
            ..self.app()
        }
    }

    pub fn partner(&self) -> GrabPayPartner {
        GrabPayPartner {
            partner_id: PARTNER.into(),
            partner_secret: SecretString::from(PARTNER_SECRET),
            client_id: GRAB_CLIENT.into(),
            client_secret: SecretString::from(GRAB_SECRET),
            merchant_id: "merchant-sg".into(),
            country: "SG".into(),
            currencies: ["SGD", "MYR", "PHP", "THB", "IDR"].map(currency).into(),
            webhook_url: Some(self.door_url("notifications", "grabpay")),
            redirect_prefixes: vec![self.door_url("returns", "grabpay")],
            merchant_discount: "1.8".parse::<Percent>().unwrap(),
        }
    }

    pub fn door_url(&self, door: &str, gateway: &str) -> Url {
        Url::parse(&format!("{}/v1/{door}/{gateway}", self.url)).unwrap()
    }

    /// Moves business time and lets the far sides do what is due.
    pub async fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.sandbox.advance_to(self.clock.now()).await.unwrap();
    }

    pub async fn shop(&self, page: &str, decision: Shopper) -> ShopperOutcome {
        let page = Url::parse(page).unwrap();
        self.sandbox.shopper(ShopperAct::Page(&page), decision).await.unwrap()
    }

    pub async fn get(&self, address: &str) -> (u16, String) {
        let answer = self.http.get(address).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn paypal(&self) -> PayPalClient<'_> {
        let address = format!("{}/sandbox/paypal/v1/oauth2/token", self.url);
        let asked = self.http.post(address).basic_auth(CLIENT, Some("paypal-secret"));
        let answer = asked.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        PayPalClient { stage: self, token: answer["access_token"].as_str().unwrap().to_owned() }
    }

    pub fn grabpay(&self) -> GrabClient<'_> {
        GrabClient { stage: self, partner_secret: PARTNER_SECRET, client_secret: GRAB_SECRET }
    }
}

async fn open_file(clock: &Clock, folder: &Path, url: &str) -> Sandbox {
    Sandbox::open(SandboxOptions {
        file: folder.join("sandbox.db"),
        clock: clock.clone(),
        ids: IdSource::random(clock.clone()),
        public_url: Url::parse(url).unwrap(),
    })
    .await
    .unwrap()
}

pub fn currency(code: &str) -> Currency {
    Currency::find(code).unwrap()
}

/// A client of PayPal's REST API.
pub struct PayPalClient<'a> {
    stage: &'a Stage,
    pub token: String,
}

impl PayPalClient<'_> {
    /// One call; the answer's status and JSON (null when empty). `Err` when the connection broke.
    pub async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<(u16, Value), reqwest::Error> {
        let address = format!("{}/sandbox/paypal{path}", self.stage.url);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut call = self.stage.http.request(method, address).bearer_auth(&self.token);
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await?;
        let status = answer.status().as_u16();
        assert!(answer.headers().contains_key("paypal-debug-id"));
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        self.try_call(method, path, body, headers).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, None, &[]).await
    }

    /// An order of one unit with our reference; its id and page.
    pub async fn order(&self, reference: &str, code: &str, value: &str) -> (String, String) {
        let body = order_body(&self.stage.url, reference, code, value);
        let headers = [("PayPal-Request-Id", reference)];
        let (status, order) = self.call("POST", "/v2/checkout/orders", Some(body), &headers).await;
        assert_eq!((status, &order["status"]), (201, &json!("PAYER_ACTION_REQUIRED")), "{order}");
        (text(&order["id"]), link(&order, "payer-action"))
    }

    pub async fn capture(&self, order: &str) -> (u16, Value) {
        let headers = [("Prefer", "return=representation"), ("PayPal-Request-Id", order)];
        self.call("POST", &format!("/v2/checkout/orders/{order}/capture"), Some(json!({})), &headers).await
    }

    /// Ordered, approved, captured: the order's and the capture's id.
    pub async fn paid(&self, reference: &str, code: &str, value: &str) -> (String, String) {
        let (order, page) = self.order(reference, code, value).await;
        self.stage.shop(&page, Shopper::Approve).await;
        let (status, captured) = self.capture(&order).await;
        assert_eq!(status, 201, "{captured}");
        (order, text(&captured["purchase_units"][0]["payments"]["captures"][0]["id"]))
    }

    pub async fn refund(&self, capture: &str, key: &str, amount: Option<(&str, &str)>) -> (u16, Value) {
        let body = match amount {
            Some((code, value)) => json!({"amount": {"currency_code": code, "value": value}}),
            None => json!({}),
        };
        let headers = [("Prefer", "return=representation"), ("PayPal-Request-Id", key)];
        self.call("POST", &format!("/v2/payments/captures/{capture}/refund"), Some(body), &headers).await
    }
}

pub fn order_body(url: &str, reference: &str, code: &str, value: &str) -> Value {
    json!({
        "intent": "CAPTURE",
        "purchase_units": [{"custom_id": reference, "invoice_id": reference, "description": "Two <lamps>",
                            "amount": {"currency_code": code, "value": value}}],
        "payment_source": {"paypal": {"experience_context": {
            "return_url": format!("{url}/v1/returns/paypal"),
            "cancel_url": format!("{url}/v1/returns/paypal?cancelled=1")}}},
    })
}

pub fn link(resource: &Value, rel: &str) -> String {
    let links = resource["links"].as_array().expect("links");
    text(&links.iter().find(|link| link["rel"] == rel).expect(rel)["href"])
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub fn issue(answer: &Value) -> &str {
    answer["details"][0]["issue"].as_str().unwrap_or_default()
}

/// A client of GrabPay's One-Time Charge API.
pub struct GrabClient<'a> {
    pub stage: &'a Stage,
    pub partner_secret: &'a str,
    pub client_secret: &'a str,
}

/// What a merchant keeps of one charge.
pub struct Flow {
    pub reference: String,
    pub page: String,
    pub verifier: String,
    pub tx_id: String,
}

const INIT: &str = "/grabpay/partner/v2/charge/init";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl GrabClient<'_> {
    /// A call signed by HMAC, as documented.
    pub async fn signed(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let date = http_date(self.stage.clock.wall());
        self.signed_as(method, path, body, &date, path, body).await
    }

    /// The same with a date, path and body signed other than those sent.
    pub async fn signed_as(
        &self,
        method: &str,
        path: &str,
        body: &str,
        date: &str,
        signed_path: &str,
        signed_body: &str,
    ) -> (u16, Value) {
        let digest = match signed_body {
            "" => String::new(),
            body => STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes())),
        };
        let message = format!("{method}\napplication/json\n{date}\n{signed_path}\n{digest}\n");
        let signature = STANDARD.encode(mac(self.partner_secret, &message));
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let call = self.stage.http.request(method, format!("{}/sandbox/grabpay{path}", self.stage.url));
        let call = call
            .header("Content-Type", "application/json")
            .header("Date", date)
            .header("Authorization", format!("{PARTNER}:{signature}"))
            .body(body.to_owned());
        read(call.send().await.unwrap()).await
    }

    /// A call by bearer with a fresh proof of possession. `Err` when the connection broke.
    pub async fn try_bearer(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), reqwest::Error> {
        let made = self.stage.clock.wall().timestamp();
        let sig = URL_SAFE_NO_PAD.encode(mac(self.client_secret, &format!("{made}{token}")));
        let proof = URL_SAFE_NO_PAD.encode(json!({"sig": sig, "time_since_epoch": made}).to_string());
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let call = self.stage.http.request(method, format!("{}/sandbox/grabpay{path}", self.stage.url));
        let mut call = call.bearer_auth(token).header("X-GID-AUX-POP", proof);
        if let Some(body) = body {
            call = call.json(&body);
        }
        Ok(read(call.send().await?).await)
    }

    pub async fn bearer(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        self.try_bearer(method, path, token, body).await.unwrap()
    }

    pub fn init_body(reference: &str, code: &str, minor: i64) -> String {
        json!({"partnerTxID": reference, "partnerGroupTxID": reference, "amount": minor, "currency": code,
               "merchantID": "merchant-sg", "description": "Two lamps"})
        .to_string()
    }

    /// A charge and the address of its page.
    pub async fn init(&self, reference: &str, code: &str, minor: i64) -> Flow {
        let (status, answer) =
            self.signed("POST", INIT, &GrabClient::init_body(reference, code, minor)).await;
        assert_eq!(status, 200, "{answer}");
        let request = text(&answer["request"]);
        let claims = URL_SAFE_NO_PAD.decode(request.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        let page = Url::parse_with_params(
            &format!("{}/sandbox/grabpay/grabid/v1/oauth2/authorize", self.stage.url),
            [
                ("acr_values", format!("consent_ctx:countryCode=SG,currency={code}").as_str()),
                ("client_id", GRAB_CLIENT),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
                ("nonce", "nonce-1"),
                ("redirect_uri", self.stage.door_url("returns", "grabpay").as_str()),
                ("request", &request),
                ("response_type", "code"),
                ("scope", "openid payment.one_time_charge"),
                ("state", "state-1"),
            ],
        );
        Flow {
            reference: reference.into(),
            page: page.unwrap().into(),
            verifier: VERIFIER.into(),
            tx_id: text(&claims["txID"]),
        }
    }

    pub async fn status(&self, flow: &Flow) -> Value {
        let path = format!("/grabpay/partner/v2/one-time-charge/{}/status?currency=SGD", flow.reference);
        let (status, answer) = self.signed("GET", &path, "").await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub async fn exchange(&self, flow: &Flow, code: &str) -> (u16, Value) {
        let body = json!({"grant_type": "authorization_code", "client_id": GRAB_CLIENT,
                          "client_secret": self.client_secret, "code_verifier": flow.verifier,
                          "redirect_uri": self.stage.door_url("returns", "grabpay").as_str(), "code": code});
        let address = format!("{}/sandbox/grabpay/grabid/v1/oauth2/token", self.stage.url);
        read(self.stage.http.post(address).json(&body).send().await.unwrap()).await
    }

    /// The token of a charge its shopper agreed to.
    pub async fn token(&self, flow: &Flow) -> String {
        let code = text(&self.status(flow).await["oAuthCode"]);
        let (status, answer) = self.exchange(flow, &code).await;
        assert_eq!(status, 200, "{answer}");
        text(&answer["access_token"])
    }

    pub async fn complete(&self, flow: &Flow, token: &str) -> (u16, Value) {
        let body = json!({"partnerTxID": flow.reference});
        self.bearer("POST", "/grabpay/partner/v2/charge/complete", token, Some(body)).await
    }

    /// Initiated, agreed to, completed: the flow and its token.
    pub async fn paid(&self, reference: &str, minor: i64) -> (Flow, String) {
        let flow = self.init(reference, "SGD", minor).await;
        self.stage.shop(&flow.page, Shopper::Approve).await;
        let token = self.token(&flow).await;
        let (status, answer) = self.complete(&flow, &token).await;
        assert_eq!((status, &answer["txStatus"]), (200, &json!("success")), "{answer}");
        (flow, token)
    }

    pub fn refund_body(flow: &Flow, reference: &str, minor: i64) -> Value {
        json!({"partnerTxID": reference, "partnerGroupTxID": flow.reference, "amount": minor,
               "currency": "SGD", "merchantID": "merchant-sg", "originTxID": flow.tx_id,
               "description": "returned"})
    }

    pub async fn refund(&self, flow: &Flow, token: &str, reference: &str, minor: i64) -> (u16, Value) {
        let body = GrabClient::refund_body(flow, reference, minor);
        self.bearer("POST", "/grabpay/partner/v2/refund", token, Some(body)).await
    }
}

async fn read(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

pub fn mac(secret: &str, message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

pub fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
