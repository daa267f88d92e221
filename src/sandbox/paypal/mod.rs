//! PayPal's far side: OAuth, Orders v2, Payments v2, Payouts v1, Disputes v1, Webhooks v1, Reporting v1 and the page where shoppers approve.
//!
//! One request is one transaction of the sandbox's file: authenticated, replayed if its `PayPal-Request-Id` is known,
//! else answered and remembered. Refusals undo what they touched. Approvals lapse three hours after they could have
//! been given or used; then the order is gone, as at PayPal.

mod account;
mod amount;
mod authorizations;
mod captures;
mod checkout;
mod delay;
mod disputes;
mod envelope;
mod events;
mod issues;
mod oauth;
mod order;
mod orders;
mod payouts;
mod refunds;
mod replay;
mod search;
mod seeded;
mod settlement_report;
mod webhooks;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use self::envelope::{Answer, Refusal};
use super::book::{Record, Session};
use super::scenario::Scenario;
use super::{Sandbox, SandboxError, serial};
use crate::money::{Currency, Percent, Rate};

pub(super) use checkout::page_of;
pub use delay::PayPalDelay;
pub(super) use events::{notice_headers, patience, transmit};
pub use payouts::PayPalPayoutFee;
pub(super) use payouts::work_off as work_payouts_off;
pub use seeded::SeededMovement;

/// A REST app and the account behind it.
#[derive(Clone, Debug)]
pub struct PayPalApp {
    /// OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The id of its webhook.
    pub webhook_id: String,
    /// Where notices go; none are sent without it.
    pub webhook_url: Option<Url>,
    /// The account that is paid: 13 of `2-9 A-Z` without `I` and `O`, as PayPal's are.
    pub merchant_id: String,
    /// What PayPal keeps of each capture.
    pub fee: PayPalFee,
    /// What PayPal takes for each payout.
    pub payout_fee: PayPalPayoutFee,
    /// Currencies the account holds; empty means all. Others are converted to the first at capture by `rates`, or
    /// wait for a decision where no rate is given.
    pub holds: Vec<Currency>,
    /// PayPal's rates, its own spread inside.
    pub rates: Vec<Rate>,
}

/// A percentage and a fixed part in the payment's currency, added, rounded half up to PayPal's digits; at most the
/// amount.
#[derive(Clone, Copy, Debug)]
pub struct PayPalFee {
    /// Of the captured amount.
    pub percent: Percent,
    /// In units of the payment's currency.
    pub fixed: Decimal,
}

impl Default for PayPalFee {
    /// 4.4 % + 0.50: the published price of a cross-border sale.
    fn default() -> PayPalFee {
        let percent = Percent::try_new(Decimal::new(44, 1)).unwrap_or_default();
        PayPalFee { percent, fixed: Decimal::new(50, 2) }
    }
}

/// The app as the far side knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct App {
    client_id: String,
    secret: String,
    merchant_id: String,
    percent: Percent,
    fixed: Decimal,
    holds: Vec<Currency>,
    rates: Vec<(Currency, Currency, Decimal)>,
    #[serde(default)]
    payout_fee: PayPalPayoutFee,
}

impl Record for App {
    const KIND: &'static str = "paypal.app";
    fn id(&self) -> &str {
        &self.client_id
    }
}

impl Sandbox {
    /// Makes the app, its account and its webhook known, or changes them; balances and payments stay.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn provision_paypal(&self, app: &PayPalApp) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        let known = App {
            client_id: app.client_id.clone(),
            secret: serial::fingerprint(app.client_secret.expose_secret()),
            merchant_id: app.merchant_id.clone(),
            percent: app.fee.percent,
            fixed: app.fee.fixed,
            holds: app.holds.clone(),
            rates: app.rates.iter().map(|rate| (rate.base(), rate.quote(), rate.value())).collect(),
            payout_fee: app.payout_fee.clone(),
        };
        session.put(&known).await?;
        if let Some(url) = &app.webhook_url {
            session.put(&webhooks::Webhook::all_events(&app.webhook_id, &app.client_id, url.clone())).await?;
        }
        session.commit().await
    }
}

impl Sandbox {
    /// PayPal's terms for an app change: what it keeps of each capture, and which currencies the account holds.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn terms_paypal(
        &self,
        client_id: &str,
        percent: Percent,
        holds: &[Currency],
    ) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        if let Some(app) = session.find::<App>(client_id).await? {
            session.put(&App { percent, holds: holds.to_vec(), ..app }).await?;
        }
        session.commit().await
    }
}

/// What the clock has due: captures, disputes and payouts that wait for a day.
///
/// # Errors
/// [`SandboxError`].
pub(super) async fn lapse(
    sandbox: &Sandbox,
    session: &mut Session,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    captures::lapse(sandbox, session, now).await?;
    payouts::work_off(sandbox, session, now).await
}

/// Arms a scenario for an order or a batch of payouts that is already known; false when none is.
pub(super) async fn arm(
    sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
    scenario: Scenario,
) -> Result<bool, SandboxError> {
    Ok(orders::arm(sandbox, session, reference, scenario).await?
        || payouts::arm(sandbox, session, reference, scenario).await?)
}

/// One authenticated request.
struct Call<'a> {
    sandbox: &'a Sandbox,
    session: Session,
    app: App,
    request: &'a HttpRequest,
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

    /// `Prefer: return=representation`.
    fn wants_representation(&self) -> bool {
        self.header("prefer").is_some_and(|prefer| prefer.contains("return=representation"))
    }

    /// The body as a JSON object; an absent one is `{}` where PayPal allows that.
    fn object(&self, required: bool) -> Result<Value, Refusal> {
        if self.body.is_empty() && !required {
            return Ok(json!({}));
        }
        let json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if !json {
            return Err(Refusal::unsupported_media_type());
        }
        let malformed = || Refusal::invalid_at("/", "MALFORMED_REQUEST_JSON");
        let body: Value = serde_json::from_slice(self.body).map_err(|_| malformed())?;
        if body.is_object() { Ok(body) } else { Err(malformed()) }
    }

    fn href(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.paypal_url())
    }

    fn link(&self, rel: &str, method: &str, path: &str) -> Value {
        json!({"href": self.href(path), "rel": rel, "method": method})
    }
}

/// Everything below `/sandbox/paypal`.
pub(super) async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    sandbox: web::Data<Sandbox>,
) -> HttpResponse {
    let path = after_mount(request.path(), "/paypal").to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["checkoutnow"]) => checkout::show(&sandbox, &request).await,
        (&Method::POST, ["checkoutnow"]) => checkout::decide(&sandbox, &request, &body).await,
        (&Method::GET, ["v1", "notifications", "certs", name]) => events::certificate(&sandbox, name),
        (&Method::GET, ["ppreports", "outgoing", name]) => {
            settlement_report::serve(&sandbox, &request, name).await
        }
        (&Method::POST, ["v1", "oauth2", "token"]) => oauth::token(&sandbox, &request, &body).await,
        _ => {
            let answer = api(&sandbox, &request, &body, &segments).await;
            sandbox.wake.notify_one();
            answer.unwrap_or_else(|refusal| refusal.answer(&sandbox)).send(&sandbox)
        }
    }
}

/// The part of a path that the far side knows: what follows its mount.
pub(super) fn after_mount<'a>(path: &'a str, mount: &str) -> &'a str {
    path.find(mount).map_or(path, |at| &path[at + mount.len()..])
}

async fn api(
    sandbox: &Sandbox,
    request: &HttpRequest,
    body: &[u8],
    segments: &[&str],
) -> Result<Answer, Refusal> {
    let mut session = sandbox.book.begin().await?;
    let app = oauth::authenticate(sandbox, &mut session, request).await?;
    let now = sandbox.clock.now();
    let mut call = Call { sandbox, session, app, request, body, now };
    if let Some(code) = mock_code(&call) {
        return Err(Refusal::mocked(&code));
    }
    if let Some(replayed) = replay::find(&mut call).await? {
        return Ok(replayed);
    }
    let answer = route(&mut call, segments).await?;
    replay::keep(&mut call, &answer).await?;
    call.session.commit().await?;
    Ok(answer)
}

async fn route(call: &mut Call<'_>, segments: &[&str]) -> Result<Answer, Refusal> {
    match (call.request.method().as_str(), segments) {
        ("POST", ["v2", "checkout", "orders"]) => orders::create(call).await,
        ("GET", ["v2", "checkout", "orders", id]) => orders::show(call, id).await,
        ("PATCH", ["v2", "checkout", "orders", id]) => orders::patch(call, id).await,
        ("POST", ["v2", "checkout", "orders", id, "capture"]) => orders::capture(call, id).await,
        ("POST", ["v2", "checkout", "orders", id, "authorize"]) => orders::authorize(call, id).await,
        ("GET", ["v2", "payments", "authorizations", id]) => authorizations::show(call, id).await,
        ("POST", ["v2", "payments", "authorizations", id, "capture"]) => {
            authorizations::capture(call, id).await
        }
        ("POST", ["v2", "payments", "authorizations", id, "void"]) => authorizations::void(call, id).await,
        ("GET", ["v2", "payments", "captures", id]) => captures::show(call, id).await,
        ("POST", ["v2", "payments", "captures", id, "refund"]) => refunds::create(call, id).await,
        ("GET", ["v2", "payments", "refunds", id]) => refunds::show(call, id).await,
        ("POST", ["v1", "payments", "payouts"]) => payouts::create(call).await,
        ("GET", ["v1", "payments", "payouts", id]) => payouts::show(call, id).await,
        ("GET", ["v1", "payments", "payouts-item", id]) => payouts::show_item(call, id).await,
        ("POST", ["v1", "payments", "payouts-item", id, "cancel"]) => payouts::cancel(call, id).await,
        ("GET", ["v1", "customer", "disputes"]) => disputes::list(call).await,
        ("GET", ["v1", "customer", "disputes", id]) => disputes::show(call, id).await,
        ("POST", ["v1", "customer", "disputes", id, "provide-evidence"]) => {
            disputes::provide_evidence(call, id).await
        }
        ("POST", ["v1", "customer", "disputes", id, "accept-claim"]) => {
            disputes::accept_claim(call, id).await
        }
        ("POST", ["v1", "customer", "disputes", id, "adjudicate"]) => disputes::adjudicate(call, id).await,
        ("POST", ["v1", "customer", "disputes", id, "require-evidence"]) => {
            disputes::require_evidence(call, id).await
        }
        ("GET", ["v1", "reporting", "balances"]) => account::balances(call).await,
        ("GET", ["v1", "reporting", "transactions"]) => search::transactions(call).await,
        ("POST", ["v1", "notifications", "verify-webhook-signature"]) => events::verify(call).await,
        ("POST", ["v1", "notifications", "webhooks"]) => webhooks::create(call).await,
        ("GET", ["v1", "notifications", "webhooks"]) => webhooks::list(call).await,
        ("GET", ["v1", "notifications", "webhooks", id]) => webhooks::show(call, id).await,
        ("DELETE", ["v1", "notifications", "webhooks", id]) => webhooks::delete(call, id).await,
        ("GET", ["v1", "notifications", "webhooks-events"]) => events::list(call).await,
        ("GET", ["v1", "notifications", "webhooks-events", id]) => events::show(call, id).await,
        ("POST", ["v1", "notifications", "webhooks-events", id, "resend"]) => events::resend(call, id).await,
        _ => Err(Refusal::not_found()),
    }
}

/// `PayPal-Mock-Response: {"mock_application_codes":"INSTRUMENT_DECLINED"}`.
fn mock_code(call: &Call<'_>) -> Option<String> {
    let mock: Value = serde_json::from_str(call.header("paypal-mock-response")?).ok()?;
    Some(mock.get("mock_application_codes")?.as_str()?.to_owned())
}

/// As PayPal writes time: seconds, `Z`.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
