//! OAuth client credentials: `POST /v1/oauth2/token`, and the bearer every other call needs.

use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::book::{Record, Session};
use super::super::{Sandbox, SandboxError, serial};
use super::envelope::{Answer, Refusal};
use super::{App, stamp};

/// Seconds an access token lives, by the wall.
const TOKEN_LIFE_S: i64 = 32_400;

#[derive(Serialize, Deserialize)]
struct AccessToken {
    id: String,
    client_id: String,
    until: DateTime<Utc>,
}

impl Record for AccessToken {
    const KIND: &'static str = "paypal.token";
    fn id(&self) -> &str {
        &self.id
    }
}

/// `POST /v1/oauth2/token`; its errors are OAuth's own, not the envelope.
pub(super) async fn token(sandbox: &Sandbox, request: &HttpRequest, body: &[u8]) -> HttpResponse {
    let refuse = |status: u16, error: &str, description: &str| {
        let body = json!({"error": error, "error_description": description});
        Answer { status, body: Some(body), broken: false }
    };
    let granted = async {
        let client = basic_credentials(request);
        let grant = url::form_urlencoded::parse(body).find(|(key, _)| key == "grant_type");
        if grant.map(|(_, value)| value.into_owned()).as_deref() != Some("client_credentials") {
            let why = "Grant Type is NULL or unsupported; use client_credentials";
            return Ok(refuse(400, "unsupported_grant_type", why));
        }
        let mut session = sandbox.book.begin().await?;
        let app = match &client {
            Some((id, _)) => session.find::<App>(id).await?,
            None => None,
        };
        let known = app.zip(client).filter(|(app, (_, secret))| {
            let given = serial::fingerprint(secret);
            bool::from(subtle::ConstantTimeEq::ct_eq(app.secret.as_bytes(), given.as_bytes()))
        });
        let Some((app, _)) = known else {
            return Ok(refuse(401, "invalid_client", "Client Authentication failed"));
        };
        let token = format!("A21AA{}", serial::secret(&sandbox.ids));
        let until = sandbox.clock.wall() + TimeDelta::seconds(TOKEN_LIFE_S);
        let kept = AccessToken { id: serial::fingerprint(&token), client_id: app.client_id, until };
        session.put(&kept).await?;
        session.commit().await?;
        Ok(Answer::ok(json!({
            "scope": "https://uri.paypal.com/services/payments/payment/authcapture \
                      https://uri.paypal.com/services/payments/refund \
                      https://uri.paypal.com/services/reporting/search/read \
                      https://uri.paypal.com/services/applications/webhooks",
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": TOKEN_LIFE_S,
            "nonce": format!("{}{}", stamp(sandbox.clock.wall()), serial::secret(&sandbox.ids)),
        })))
    };
    let answer: Result<Answer, SandboxError> = granted.await;
    answer.unwrap_or_else(|error| Refusal::from(error).answer(sandbox)).send(sandbox)
}

fn basic_credentials(request: &HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

/// The app whose token the request carries.
pub(super) async fn authenticate(
    sandbox: &Sandbox,
    session: &mut Session,
    request: &HttpRequest,
) -> Result<App, Refusal> {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let bearer =
        header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(Refusal::unauthenticated)?;
    let token: AccessToken = session
        .find(&serial::fingerprint(bearer.trim()))
        .await?
        .filter(|token: &AccessToken| token.until > sandbox.clock.wall())
        .ok_or_else(Refusal::unauthenticated)?;
    session.find(&token.client_id).await?.ok_or_else(Refusal::unauthenticated)
}
