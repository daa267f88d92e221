//! A server with the far sides and our own two doors (returns and notifications).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::Value;
use straits::clock::Clock;
use straits::ids::IdSource;
use straits::money::{Currency, Money, Percent, Rate};
use straits::sandbox::{
    GrabPayPartner, PayPalApp, PayPalFee, PayPalPayoutFee, Sandbox, SandboxOptions, Shopper, ShopperAct,
    ShopperOutcome, XenditBusiness,
};
use url::Url;

use super::grabpay_client::GrabClient;
use super::paypal_client::PayPalClient;

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
pub const XENDIT_KEY: &str = "xnd_development_key";
pub const XENDIT_TOKEN: &str = "callback-token";
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
        stage.sandbox.provision_xendit(&stage.business()).await.unwrap();
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
            merchant_id: "STRA7TSSANDBX".into(),
            fee: PayPalFee::default(),
            payout_fee: PayPalPayoutFee::default(),
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

    pub fn business(&self) -> XenditBusiness {
        XenditBusiness {
            business_id: "5f27a14a9bf05c73dd040bc8".into(),
            secret_key: SecretString::from(XENDIT_KEY),
            callback_token: SecretString::from(XENDIT_TOKEN),
            webhook_url: Some(self.door_url("notifications", "xendit")),
            fees: vec![Money::from_minor(550_000, currency("IDR"))],
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
