//! GrabID's token: a code and its verifier for a bearer token, and what a bearer has to prove with every call.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::Record;
use super::super::{Sandbox, serial};
use super::consent::Code;
use super::{Answer, Call, FRESHNESS, Partner, Refusal, sign};

/// One-time-charge tokens live a year, for refunds.
const LIFE_S: i64 = 31_536_000;

#[derive(Serialize, Deserialize)]
pub(super) struct Token {
    fingerprint: String,
    partner_id: String,
    /// The charge it was given for.
    pub tx_id: String,
    until: DateTime<Utc>,
}

impl Record for Token {
    const KIND: &'static str = "grabpay.token";
    fn id(&self) -> &str {
        &self.fingerprint
    }
}

/// `POST /grabid/v1/oauth2/token`, JSON or form.
pub(super) async fn exchange(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let given = fields(call)?;
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("grant_type") != "authorization_code" {
        return Ok(refuse(400, "unsupported_grant_type", "use authorization_code"));
    }
    let partner = call.session.under::<Partner>(text("client_id")).await?.pop();
    let partner = partner.filter(|partner| sign::request_is(text("client_secret"), &partner.client_secret));
    let Some(partner) = partner else {
        return Ok(refuse(401, "invalid_client", "client_id or client_secret is wrong"));
    };
    let code: Option<Code> = call.session.find(text("code")).await?;
    let code = code.filter(|code| {
        code.partner_id == partner.partner_id
            && !code.used
            && code.until > call.now
            && code.redirect_uri.as_str() == text("redirect_uri")
            && sign::challenge_of(text("code_verifier")).as_deref() == Some(code.challenge.as_str())
    });
    let Some(code) = code else {
        let why = "the code is unknown, used, expired, or its redirect_uri or code_verifier differs";
        return Ok(refuse(400, "invalid_grant", why));
    };
    let token = serial::secret(&call.sandbox.ids);
    let until = call.now + TimeDelta::seconds(LIFE_S);
    call.session
        .put(&Token {
            fingerprint: serial::fingerprint(&token),
            partner_id: partner.partner_id,
            tx_id: code.tx_id.clone(),
            until,
        })
        .await?;
    let id_token = sign::unsigned_jwt(&json!({
        "iss": format!("{}/grabid/v1", call.sandbox.grabpay_url()),
        "aud": text("client_id"),
        "sub": "sandbox-shopper",
        "nonce": code.nonce,
        "iat": call.now.timestamp(),
        "exp": until.timestamp(),
    }));
    call.session.put(&Code { used: true, ..code }).await?;
    Ok(Answer::ok(json!({"access_token": token, "token_type": "Bearer", "expires_in": LIFE_S,
                         "id_token": id_token, "scope": "openid payment.one_time_charge"})))
}

/// `GET /grabid/v1/oauth2/.well-known/openid-configuration`.
pub(super) fn discovery(sandbox: &Sandbox) -> Value {
    let base = format!("{}/grabid/v1", sandbox.grabpay_url());
    json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/oauth2/authorize"),
        "token_endpoint": format!("{base}/oauth2/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "payment.one_time_charge"],
        "id_token_signing_alg_values_supported": ["none"],
    })
}

/// The partner whose bearer token the request carries, with a fresh proof of possession.
pub(super) async fn bearer(call: &mut Call<'_>) -> Result<(Partner, Token), Refusal> {
    let refused = |why: &str| Refusal::new(401, "invalid_token", why);
    let token = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| refused("Authorization: Bearer {token}"))?.to_owned();
    let proof = call.header("x-gid-aux-pop").ok_or_else(|| refused("X-GID-AUX-POP is missing"))?.to_owned();
    let known: Option<Token> = call.session.find(&serial::fingerprint(&token)).await?;
    let known = known.filter(|known| known.until > call.now).ok_or_else(|| refused("unknown or expired"))?;
    let partner: Option<Partner> = call.session.find(&known.partner_id).await?;
    let partner = partner.ok_or_else(|| refused("unknown partner"))?;
    let made = sign::possession(&partner.client_secret, &token, &proof);
    let made = made.ok_or_else(|| refused("X-GID-AUX-POP does not prove possession of this token"))?;
    let off = call.sandbox.clock.wall().timestamp() - made;
    if off.abs() > FRESHNESS.num_seconds() {
        return Err(refused("X-GID-AUX-POP is more than five minutes off"));
    }
    Ok((partner, known))
}

fn fields(call: &Call<'_>) -> Result<Value, Refusal> {
    if call.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        let pairs = url::form_urlencoded::parse(call.body);
        return Ok(pairs.into_owned().map(|(key, value)| (key, Value::String(value))).collect());
    }
    call.object()
}

/// OAuth's own words beside Grab's.
fn refuse(status: u16, error: &str, why: &str) -> Answer {
    let body = json!({"error": error, "error_description": why, "reason": error});
    Answer { status, body, broken: false }
}
