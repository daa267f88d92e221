//! Xendit's far side: Payouts v2, the balance and its transactions, out of a float that is topped up.
//!
//! One request is one transaction of the sandbox's file. A payout is taken on, sent to the bank a second later, and two
//! seconds after that at its end; its amount and its fee are reserved meanwhile. How it ends is rehearsed by the name of
//! the account's holder:
//!
//! | the name begins with | the payout |
//! |---|---|
//! | `Fail` | fails: `INVALID_DESTINATION` |
//! | `Reject` | fails: `REJECTED_BY_CHANNEL` |
//! | `Reverse` | succeeds, and comes back after a minute |
//! | `Offline` | waits an hour for its bank, and can be cancelled until then; then it succeeds |
//! | `Review` | is looked at for a day, then refused by compliance; no notice tells of it |
//! | anything else | succeeds |
//!
//! `POST /sandbox/xendit/topups` with `{"currency","amount"}` stands for a transfer from the merchant's bank. Not
//! published and chosen: the fee of a payout that comes back stays with Xendit; a key is remembered for ever.

mod account;
mod calls;
mod notices;
mod work;

use std::collections::BTreeMap;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, SecondsFormat, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::address::Address;
use super::book::{Record, Session};
use super::paypal::after_mount;
use super::scenario::{Faults, Scenario};
use super::{Sandbox, SandboxError, serial};
use crate::money::{Currency, Money};

pub(super) use notices::{notice_headers, patience};
pub(super) use work::work_off;

/// A business at Xendit.
#[derive(Clone, Debug)]
pub struct XenditBusiness {
    /// Its id: 24 hexadecimal digits.
    pub business_id: String,
    /// The user of its calls.
    pub secret_key: SecretString,
    /// What its webhooks carry.
    pub callback_token: SecretString,
    /// Where notices go; none are sent without it.
    pub webhook_url: Option<Url>,
    /// What a payout costs, by currency, tax included; others cost nothing.
    pub fees: Vec<Money>,
}

/// The business as the far side knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Business {
    business_id: String,
    /// Of the secret key: what a caller is found by.
    key: String,
    callback_token: String,
    webhook_url: Option<Address>,
    fees: Vec<Money>,
}

impl Record for Business {
    const KIND: &'static str = "xendit.business";
    fn id(&self) -> &str {
        &self.business_id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.key)
    }
}

/// How a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Accepted,
    Assessed,
    Requested,
    Succeeded,
    Failed,
    Cancelled,
    ComplianceRejected,
    Reversed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Accepted => "ACCEPTED",
            State::Assessed => "PENDING_COMPLIANCE_ASSESSMENT",
            State::Requested => "REQUESTED",
            State::Succeeded => "SUCCEEDED",
            State::Failed => "FAILED",
            State::Cancelled => "CANCELLED",
            State::ComplianceRejected => "COMPLIANCE_REJECTED",
            State::Reversed => "REVERSED",
        }
    }
}

/// A payout.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payout {
    id: String,
    business_id: String,
    /// Business and reference: what it is listed by.
    place: String,
    reference_id: String,
    channel_code: String,
    holder: String,
    number: String,
    description: String,
    amount: Money,
    fee: Money,
    state: State,
    failure: Option<String>,
    faults: Faults,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    due: Option<DateTime<Utc>>,
}

impl Record for Payout {
    const KIND: &'static str = "xendit.payout";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.place)
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }
}

impl Sandbox {
    /// Makes the business known, or changes it; its float and payouts stay.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn provision_xendit(&self, business: &XenditBusiness) -> Result<(), SandboxError> {
        let known = Business {
            business_id: business.business_id.clone(),
            key: serial::fingerprint(business.secret_key.expose_secret()),
            callback_token: business.callback_token.expose_secret().to_owned(),
            webhook_url: business.webhook_url.clone().map(Address),
            fees: business.fees.clone(),
        };
        let mut session = self.book.begin().await?;
        session.put(&known).await?;
        session.commit().await
    }

    /// Where Xendit's far side is reached.
    pub fn xendit_url(&self) -> String {
        self.address("/sandbox/xendit")
    }
}

/// Arms a scenario for a payout that is already known; false when none is.
pub(super) async fn arm(
    sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
    scenario: Scenario,
) -> Result<bool, SandboxError> {
    let known = session.all::<Payout>().await?;
    let named = known.into_iter().rfind(|payout| payout.id == reference || payout.reference_id == reference);
    let Some(mut payout) = named else { return Ok(false) };
    payout.faults.arm(scenario);
    session.put(&payout).await?;
    if scenario == Scenario::ForgedCallback {
        notices::forge(sandbox, session, &payout).await?;
    }
    Ok(true)
}

/// A refusal: `{"error_code","message"}`.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "API_VALIDATION_ERROR", message)
    }

    fn not_found() -> Refusal {
        Refusal::new(404, "DATA_NOT_FOUND", "there is none")
    }
}

impl From<SandboxError> for Refusal {
    fn from(error: SandboxError) -> Refusal {
        tracing::error!(%error, "Xendit's far side");
        Refusal::new(500, "SERVER_ERROR", "")
    }
}

/// An answer that stands: JSON as text, because its numbers are exact.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: String,
    /// The work is done and the connection breaks: nothing of the answer arrives.
    broken: bool,
}

impl Answer {
    fn ok(body: String) -> Answer {
        Answer { status: 200, body, broken: false }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        let body = json!({"error_code": refusal.code, "message": refusal.message}).to_string();
        Answer { status: refusal.status, body, broken: false }
    }
}

/// One request of a business.
struct Call<'a> {
    sandbox: &'a Sandbox,
    session: Session,
    business: Business,
    request: &'a HttpRequest,
    body: &'a [u8],
    now: DateTime<Utc>,
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    fn query(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.request.query_string().as_bytes()).into_owned().collect()
    }
}

/// Everything below `/sandbox/xendit`.
pub(super) async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    sandbox: web::Data<Sandbox>,
) -> HttpResponse {
    let path = after_mount(request.path(), "/xendit").to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let answer = api(&sandbox, &request, &body, &segments).await;
    sandbox.wake.notify_one();
    let answer = answer.unwrap_or_else(Answer::from);
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or_default());
    if answer.broken {
        let cut = std::io::Error::other("the connection breaks");
        return response.streaming(futures_util::stream::once(async { Err::<web::Bytes, _>(cut) }));
    }
    response.insert_header((header::CONTENT_TYPE, "application/json")).body(answer.body)
}

async fn api(
    sandbox: &Sandbox,
    request: &HttpRequest,
    body: &[u8],
    segments: &[&str],
) -> Result<Answer, Refusal> {
    let mut session = sandbox.book.begin().await?;
    let business = authenticate(&mut session, request).await?;
    let now = sandbox.clock.now();
    work_off(sandbox, &mut session, now).await?;
    let mut call = Call { sandbox, session, business, request, body, now };
    let answer = match (request.method().as_str(), segments) {
        ("POST", ["v2", "payouts"]) => calls::create(&mut call).await,
        ("GET", ["v2", "payouts"]) => calls::list(&mut call).await,
        ("GET", ["v2", "payouts", id]) => calls::show(&mut call, id).await,
        ("POST", ["v2", "payouts", id, "cancel"]) => calls::cancel(&mut call, id).await,
        ("GET", ["balance"]) => account::balance(&mut call).await,
        ("GET", ["transactions"]) => account::transactions(&mut call).await,
        ("POST", ["topups"]) => account::top_up(&mut call).await,
        _ => Err(Refusal::not_found()),
    }?;
    call.session.commit().await?;
    Ok(answer)
}

/// The business whose secret key is the user of basic authentication.
async fn authenticate(session: &mut Session, request: &HttpRequest) -> Result<Business, Refusal> {
    let stranger = || Refusal::new(401, "INVALID_API_KEY", "the API key is none");
    let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let coded = sent.and_then(|value| value.strip_prefix("Basic ")).ok_or_else(stranger)?;
    let text = BASE64.decode(coded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(stranger)?;
    let key = text.strip_suffix(':').ok_or_else(stranger)?;
    let found: Vec<Business> = session.under(&serial::fingerprint(key)).await?;
    found.into_iter().next().ok_or_else(stranger)
}

/// The number of an amount: as many decimals as it needs.
fn number(money: Money) -> String {
    money.amount().normalize().to_string()
}

/// Reads a JSON number's digits.
fn read_number(text: &str, currency: Currency) -> Option<Money> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: rust_decimal::Decimal = text.parse().ok().filter(|_| digits)?;
    Money::try_new(value.normalize(), currency).ok()
}

/// As Xendit writes time.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
