//! GrabPay's far side: One-Time Charge v2 with GrabID's consent page, token and proof of possession.
//!
//! One request is one transaction of the sandbox's file. Signed paths are those after the mount prefix. A charge's
//! `partnerTxID` is its idempotency: a second init is refused and the status says how the first stands. What the
//! shopper or the merchant leaves undone is cancelled by the clock.

mod charge;
mod charges;
mod consent;
mod notices;
mod refunds;
mod report;
mod sign;
mod token;
mod wallet;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::address::Address;
use super::book::{Record, Session};
use super::paypal::after_mount;
use super::{Sandbox, SandboxError};
use crate::money::{Currency, Percent};

pub(super) use charges::arm;
pub(super) use consent::page_of;
pub(super) use notices::{notice_headers, patience};
pub use wallet::BankCredit;
pub(super) use wallet::{singapore_day, sweep};

/// How far a signature's date may be from the real clock.
const FRESHNESS: TimeDelta = TimeDelta::minutes(5);

/// A partner of Grab and its one merchant.
#[derive(Clone, Debug)]
pub struct GrabPayPartner {
    /// Who signs.
    pub partner_id: String,
    /// With what.
    pub partner_secret: SecretString,
    /// GrabID client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Who is paid.
    pub merchant_id: String,
    /// `SG`, as in `acr_values`.
    pub country: String,
    /// What the merchant takes.
    pub currencies: Vec<Currency>,
    /// Where notices go; none are sent without it.
    pub webhook_url: Option<Url>,
    /// A shopper is only sent back to an address that begins with one of these.
    pub redirect_prefixes: Vec<Url>,
    /// What Grab keeps when it sweeps the wallet, of each charge, rounded half up.
    pub merchant_discount: Percent,
}

impl Partner {
    /// Its account at the far side's bank for takings in a currency: the first twelve digits of its id, the currency, 1.
    pub(super) fn bank_account(&self, currency: Currency) -> String {
        let digits: String = self.partner_id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
        format!("{}{currency}1", digits.to_uppercase())
    }
}

/// The partner as the far side knows it. Grab has to know the secrets themselves: it signs and checks with them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Partner {
    pub(super) partner_id: String,
    partner_secret: String,
    client_id: String,
    client_secret: String,
    merchant_id: String,
    country: String,
    pub(super) currencies: Vec<Currency>,
    webhook_url: Option<Address>,
    redirect_prefixes: Vec<Address>,
    merchant_discount: Percent,
}

impl Record for Partner {
    const KIND: &'static str = "grabpay.partner";
    fn id(&self) -> &str {
        &self.partner_id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.client_id)
    }
}

impl Sandbox {
    /// Makes the partner and its merchant known, or changes them; charges and wallets stay.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn provision_grabpay(&self, partner: &GrabPayPartner) -> Result<(), SandboxError> {
        let known = Partner {
            partner_id: partner.partner_id.clone(),
            partner_secret: partner.partner_secret.expose_secret().to_owned(),
            client_id: partner.client_id.clone(),
            client_secret: partner.client_secret.expose_secret().to_owned(),
            merchant_id: partner.merchant_id.clone(),
            country: partner.country.clone(),
            currencies: partner.currencies.clone(),
            webhook_url: partner.webhook_url.clone().map(Address),
            redirect_prefixes: partner.redirect_prefixes.iter().cloned().map(Address).collect(),
            merchant_discount: partner.merchant_discount,
        };
        let mut session = self.book.begin().await?;
        session.put(&known).await?;
        session.commit().await
    }
}

/// A refusal: `{"reason": …}` in Grab's words, with ours beside it.
#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: &'static str,
    detail: String,
}

impl Refusal {
    fn new(status: u16, reason: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal { status, reason, detail: detail.into() }
    }

    fn client_error(detail: impl Into<String>) -> Refusal {
        Refusal::new(400, "client_error", detail)
    }

    fn unauthorized(detail: impl Into<String>) -> Refusal {
        Refusal::new(401, "unauthorized", detail)
    }

    fn answer(self) -> Answer {
        Answer {
            status: self.status,
            body: json!({"reason": self.reason, "detail": self.detail}),
            broken: false,
        }
    }
}

impl From<SandboxError> for Refusal {
    fn from(error: SandboxError) -> Refusal {
        tracing::error!(%error, "GrabPay's far side");
        Refusal::new(500, "server_error", "")
    }
}

/// An answer that stands.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    /// The work is done and the connection breaks: nothing of the answer arrives.
    broken: bool,
}

impl Answer {
    fn ok(body: Value) -> Answer {
        Answer { status: 200, body, broken: false }
    }

    fn send(self) -> HttpResponse {
        let mut answer = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or_default());
        if self.broken {
            let cut = std::io::Error::other("the connection breaks");
            return answer.streaming(futures_util::stream::once(async { Err::<web::Bytes, _>(cut) }));
        }
        answer.insert_header((header::CONTENT_TYPE, "application/json")).body(self.body.to_string())
    }
}

/// One request.
struct Call<'a> {
    sandbox: &'a Sandbox,
    session: Session,
    request: &'a HttpRequest,
    /// Path and query as the caller signed them.
    path: &'a str,
    body: &'a [u8],
    now: DateTime<Utc>,
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.request.query_string().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    fn object(&self) -> Result<Value, Refusal> {
        let body: Option<Value> = serde_json::from_slice(self.body).ok();
        body.filter(Value::is_object).ok_or_else(|| Refusal::client_error("the body is no JSON object"))
    }

    /// The partner whose HMAC the request carries.
    async fn partner(&mut self) -> Result<Partner, Refusal> {
        let header = |name| self.header(name).map(str::to_owned);
        let (authorization, date) = (header("authorization"), header("date"));
        let content_type = header("content-type").unwrap_or_default();
        let signed = authorization.as_deref().and_then(|value| value.split_once(':'));
        let (partner_id, signature) =
            signed.ok_or_else(|| Refusal::unauthorized("Authorization: {partner_id}:{signature}"))?;
        let date = date.ok_or_else(|| Refusal::unauthorized("no Date"))?;
        let sent = DateTime::parse_from_rfc2822(&date)
            .map_err(|_| Refusal::unauthorized("Date: Mon, 12 Nov 2018 08:20:55 GMT"))?;
        if (self.sandbox.clock.wall() - sent.with_timezone(&Utc)).abs() > FRESHNESS {
            return Err(Refusal::unauthorized("Date is more than five minutes off"));
        }
        let partner: Option<Partner> = self.session.find(partner_id).await?;
        let partner = partner.ok_or_else(|| Refusal::unauthorized("unknown partner"))?;
        let method = self.request.method().as_str();
        let expected =
            sign::request(&partner.partner_secret, method, &content_type, &date, self.path, self.body);
        if sign::request_is(signature, &expected) {
            Ok(partner)
        } else {
            Err(Refusal::unauthorized("the signature does not match"))
        }
    }
}

/// Everything below `/sandbox/grabpay`.
pub(super) async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    sandbox: web::Data<Sandbox>,
) -> HttpResponse {
    let whole = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = after_mount(whole, "/grabpay");
    let bare = path.split('?').next().unwrap_or_default().to_owned();
    let segments: Vec<&str> = bare.split('/').filter(|segment| !segment.is_empty()).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["grabid", "v1", "oauth2", "authorize"]) => consent::show(&sandbox, &request).await,
        (&Method::POST, ["grabid", "v1", "oauth2", "authorize", id]) => {
            consent::decide(&sandbox, id, &body).await
        }
        (&Method::GET, ["grabid", "v1", "oauth2", ".well-known", "openid-configuration"]) => {
            Answer::ok(token::discovery(&sandbox)).send()
        }
        (&Method::GET, ["reports", "settlement", day]) => report::serve(&sandbox, &request, path, day).await,
        _ => {
            let answer = api(&sandbox, &request, path, &body, &segments).await;
            sandbox.wake.notify_one();
            answer.unwrap_or_else(Refusal::answer).send()
        }
    }
}

async fn api(
    sandbox: &Sandbox,
    request: &HttpRequest,
    path: &str,
    body: &[u8],
    segments: &[&str],
) -> Result<Answer, Refusal> {
    // Held to the end of a refund: a second one of the same charge is refused meanwhile.
    let _refunding = refunds::begin(sandbox, segments, body)?;
    let session = sandbox.book.begin().await?;
    let mut call = Call { sandbox, session, request, path, body, now: sandbox.clock.now() };
    let answer = route(&mut call, segments).await?;
    call.session.commit().await?;
    Ok(answer)
}

async fn route(call: &mut Call<'_>, segments: &[&str]) -> Result<Answer, Refusal> {
    match (call.request.method().as_str(), segments) {
        ("POST", ["grabid", "v1", "oauth2", "token"]) => token::exchange(call).await,
        ("POST", ["grabpay", "partner", "v2", "charge", "init"]) => charges::init(call).await,
        ("POST", ["grabpay", "partner", "v2", "charge", "complete"]) => charges::complete(call).await,
        ("GET", ["grabpay", "partner", "v2", "one-time-charge", id, "status"]) => {
            charges::status_for_partner(call, id).await
        }
        ("GET", ["grabpay", "partner", "v2", "charge", id, "status"]) => {
            charges::status_for_bearer(call, id).await
        }
        ("POST", ["grabpay", "partner", "v2", "refund"]) => refunds::refund(call).await,
        ("GET", ["grabpay", "partner", "v2", "refund", id, "status"]) => refunds::status(call, id).await,
        _ => Err(Refusal::new(404, "no_record_found", "no such address")),
    }
}
