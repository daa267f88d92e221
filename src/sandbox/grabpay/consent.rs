//! GrabID's authorise page: the shopper agrees to one charge, and the client gets a code for it.
//!
//! The address is checked as OAuth demands: an unknown client or way back is answered on the page, anything else is
//! sent back as `error`. A code is good once, for 15 minutes, with the verifier of the same challenge.

use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::super::address::Address;
use super::super::book::{Record, Session};
use super::super::page::{self, Page};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::charge::{Charge, ChargeState};
use super::{Call, Partner, Refusal, charges, notices};

/// How long a code may be exchanged.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(15);

/// A page that was opened: who wants to know, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Consent {
    id: String,
    tx_id: String,
    partner_id: String,
    redirect_uri: Address,
    state: String,
    pub nonce: String,
    challenge: String,
    /// The whole address, so that the page can be opened again.
    address: Address,
    /// In the form that was shown; good for one decision.
    page_token: Option<String>,
    approved: bool,
}

impl Record for Consent {
    const KIND: &'static str = "grabpay.consent";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.tx_id)
    }
}

/// What the client exchanges for a token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Code {
    pub code: String,
    pub tx_id: String,
    pub partner_id: String,
    pub challenge: String,
    pub redirect_uri: Address,
    pub nonce: String,
    pub until: DateTime<Utc>,
    pub used: bool,
}

impl Record for Code {
    const KIND: &'static str = "grabpay.code";
    fn id(&self) -> &str {
        &self.code
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.tx_id)
    }
}

/// `GET /grabid/v1/oauth2/authorize`.
pub(super) async fn show(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    settle(open(sandbox, request).await)
}

async fn open(sandbox: &Sandbox, request: &HttpRequest) -> Result<HttpResponse, SandboxError> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let given = |name: &str| -> String {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut session = sandbox.book.begin().await?;
    let partner = session.under::<Partner>(&given("client_id")).await?.pop();
    let redirect_uri = Url::parse(&given("redirect_uri")).ok();
    let Some((partner, redirect_uri)) =
        partner.zip(redirect_uri).filter(|(partner, uri)| partner.may_return(uri))
    else {
        return Ok(page::notice(400, "GrabPay", "client_id or redirect_uri is not registered."));
    };
    let state = given("state");
    let back =
        |error: &str| Ok(page::send_on(way_back(&redirect_uri, "error", error, &state).as_str(), false));
    if given("response_type") != "code"
        || given("code_challenge_method") != "S256"
        || given("code_challenge").len() != 43
        || state.is_empty()
        || given("nonce").is_empty()
    {
        return back("invalid_argument");
    }
    if !given("scope").split(' ').any(|scope| scope == "payment.one_time_charge") {
        return back("invalid_scope");
    }
    let charge = match tx_id_in(&given("request")) {
        Some(tx_id) => session.find::<Charge>(&tx_id).await?,
        None => None,
    };
    let Some(charge) = charge.filter(|charge| charge.partner_id == partner.partner_id) else {
        return back("transaction_not_found");
    };
    let context =
        format!("consent_ctx:countryCode={},currency={}", partner.country, charge.amount.currency());
    if given("acr_values") != context {
        return back("invalid_acr_values");
    }
    if !charge.awaits_consent(sandbox.clock.now()) {
        return back("session_expired");
    }
    let token = serial::secret(&sandbox.ids);
    let address = format!("{}/grabid/v1/oauth2/authorize?{}", sandbox.grabpay_url(), request.query_string());
    let address = Url::parse(&address).map_err(|error| SandboxError::Setting(error.to_string()))?;
    let consent = Consent {
        id: serial::hex(&sandbox.ids),
        tx_id: charge.tx_id.clone(),
        partner_id: partner.partner_id.clone(),
        redirect_uri: Address(redirect_uri.clone()),
        state: state.clone(),
        nonce: given("nonce"),
        challenge: given("code_challenge"),
        address: Address(address),
        page_token: Some(token.clone()),
        approved: false,
    };
    session.put(&consent).await?;
    session.commit().await?;
    Ok(Page {
        gateway: "GrabPay",
        payee: &partner.merchant_id,
        amount: &charge.amount.to_string(),
        description: &charge.description,
        action: &format!("authorize/{}", consent.id),
        token: &token,
    }
    .show())
}

/// `POST /grabid/v1/oauth2/authorize/{id}`: the decision, once per page.
pub(super) async fn decide(sandbox: &Sandbox, id: &str, body: &[u8]) -> HttpResponse {
    settle(settle_decision(sandbox, id, body).await)
}

async fn settle_decision(sandbox: &Sandbox, id: &str, body: &[u8]) -> Result<HttpResponse, SandboxError> {
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let now = sandbox.clock.now();
    let mut session = sandbox.book.begin().await?;
    let consent: Option<Consent> = session.find(id).await?;
    let Some(mut consent) =
        consent.filter(|consent| consent.page_token.is_some() && consent.page_token == field("token"))
    else {
        return Ok(page::notice(409, "GrabPay", "This page has been used; open it again."));
    };
    let charge: Option<Charge> = session.find(&consent.tx_id).await?;
    let partner: Option<Partner> = session.find(&consent.partner_id).await?;
    let Some((mut charge, partner)) = charge.zip(partner) else {
        return Ok(page::notice(410, "GrabPay", "This payment is unknown."));
    };
    consent.page_token = None;
    let lost = charge.faults.has(Scenario::LostCallback);
    let (name, value) = if !charge.awaits_consent(now) {
        ("error", "session_expired".to_owned())
    } else {
        match field("decision").as_deref() {
            Some("approve") if charge.faults.strikes(Scenario::InsufficientBalance, "funds") => {
                charge.state = ChargeState::Failed { reason: "insufficient_balance".into() };
                ("error", "insufficient_balance".to_owned())
            }
            Some("approve") => {
                charge.state = ChargeState::Authorised { at: now };
                consent.approved = true;
                ("code", mint(sandbox, &mut session, &consent).await?)
            }
            Some("decline") => {
                charge.state = ChargeState::Cancelled { reason: "user_canceled".into() };
                ("error", "user_canceled".to_owned())
            }
            Some("leave") => return Ok(page::notice(200, "GrabPay", "You may close this page.")),
            _ => return Ok(page::notice(400, "GrabPay", "Approve, decline or leave.")),
        }
    };
    session.put(&consent).await?;
    session.put(&charge).await?;
    notices::announce_charge(sandbox, &mut session, &partner, &charge, "Auth").await?;
    session.commit().await?;
    sandbox.wake.notify_one();
    let url = way_back(&consent.redirect_uri, name, &value, &consent.state);
    Ok(page::send_on(url.as_str(), lost))
}

/// A code for a charge the shopper agreed to: the one that is still good, else a new one under the same challenge.
pub(super) async fn fresh_code(call: &mut Call<'_>, charge: &Charge) -> Result<Option<String>, Refusal> {
    let codes: Vec<Code> = call.session.under(&charge.tx_id).await?;
    if let Some(code) = codes.into_iter().find(|code| !code.used && code.until > call.now) {
        return Ok(Some(code.code));
    }
    let consents: Vec<Consent> = call.session.under(&charge.tx_id).await?;
    match consents.into_iter().find(|consent| consent.approved) {
        Some(consent) => Ok(Some(mint(call.sandbox, &mut call.session, &consent).await?)),
        None => Ok(None),
    }
}

async fn mint(sandbox: &Sandbox, session: &mut Session, consent: &Consent) -> Result<String, SandboxError> {
    let code = Code {
        code: serial::secret(&sandbox.ids),
        tx_id: consent.tx_id.clone(),
        partner_id: consent.partner_id.clone(),
        challenge: consent.challenge.clone(),
        redirect_uri: consent.redirect_uri.clone(),
        nonce: consent.nonce.clone(),
        until: sandbox.clock.now() + CODE_LIFE,
        used: false,
    };
    session.put(&code).await?;
    Ok(code.code)
}

/// The page of the charge with this reference: `None` when there is no charge, `Some(None)` when nobody opened it.
pub(in super::super) async fn page_of(
    _sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
) -> Result<Option<Option<Url>>, SandboxError> {
    let Some(charge) = charges::by_reference(session, reference).await? else { return Ok(None) };
    let opened: Vec<Consent> = session.under(&charge.tx_id).await?;
    Ok(Some(opened.into_iter().next_back().map(|consent| consent.address.0)))
}

impl Partner {
    fn may_return(&self, uri: &Url) -> bool {
        self.redirect_prefixes
            .iter()
            .any(|prefix| uri.origin() == prefix.origin() && uri.path().starts_with(prefix.path()))
    }
}

fn way_back(redirect_uri: &Url, name: &str, value: &str, state: &str) -> Url {
    let mut url = redirect_uri.clone();
    url.query_pairs_mut().append_pair(name, value).append_pair("state", state);
    url
}

/// The charge inside the unsigned `request`.
fn tx_id_in(request: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(request.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Some(claims.get("txID")?.as_str()?.to_owned())
}

fn settle(answer: Result<HttpResponse, SandboxError>) -> HttpResponse {
    answer.unwrap_or_else(|error| {
        let _logged: Refusal = error.into();
        page::notice(500, "GrabPay", "Something went wrong; try again.")
    })
}
