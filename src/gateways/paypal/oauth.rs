//! The bearer token: client credentials, kept until a minute before it ends, fetched by one caller at a time.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::errors::Refusal;
use super::wire::{Problem, TokenAnswer};
use crate::clock::Clock;
use crate::crash;
use crate::gateways::transport::Transport;
use crate::gateways::{Context, GatewayError, call};

/// A token is not used in its last minute.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// Where tokens come from.
#[derive(Debug)]
pub(super) struct OAuth {
    http: Transport,
    clock: Clock,
    url: String,
    client_id: String,
    /// Newest first: during a rotation an older one may still be the valid one.
    client_secrets: Vec<SecretString>,
    cached: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    bearer: SecretString,
    until: DateTime<Utc>,
}

impl OAuth {
    pub fn new(context: &Context, base_url: &str, client_id: String, secrets: Vec<SecretString>) -> OAuth {
        OAuth {
            http: context.http.clone(),
            clock: context.clock.clone(),
            url: format!("{base_url}/v1/oauth2/token"),
            client_id,
            client_secrets: secrets,
            cached: Mutex::new(None),
        }
    }

    /// The present token; fetches one if none is left.
    pub async fn token(&self) -> Result<SecretString, GatewayError> {
        let mut cached = crash::lock(&self.cached).await;
        if let Some(token) = cached.as_ref().filter(|token| self.clock.now() < token.until) {
            return Ok(token.bearer.clone());
        }
        let token = self.fetch().await?;
        Ok(cached.insert(token).bearer.clone())
    }

    /// A token other than `refused`; callers that were refused together share one new token.
    pub async fn renewed(&self, refused: &SecretString) -> Result<SecretString, GatewayError> {
        let mut cached = crash::lock(&self.cached).await;
        if let Some(token) = cached.as_ref()
            && token.bearer.expose_secret() != refused.expose_secret()
        {
            return Ok(token.bearer.clone());
        }
        let token = self.fetch().await?;
        Ok(cached.insert(token).bearer.clone())
    }

    /// Tries the secrets in turn. Whatever goes wrong here, the call that wanted the token was not sent.
    async fn fetch(&self) -> Result<Token, GatewayError> {
        let mut refused = None;
        for secret in &self.client_secrets {
            match self.fetch_with(secret).await {
                // The operator's matter: no payment or refund is given up for it.
                Err(GatewayError::Refused { code, message, .. }) => {
                    refused = Some(GatewayError::Refused { code, message, retry_later: true });
                }
                Err(GatewayError::OutcomeUnknown(why)) => {
                    return Err(GatewayError::NotSent(format!("no token: {why}")));
                }
                decided => return decided,
            }
        }
        Err(refused.unwrap_or_else(|| GatewayError::NotSent("no client secret".into())))
    }

    async fn fetch_with(&self, secret: &SecretString) -> Result<Token, GatewayError> {
        let asked_at = self.clock.now();
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .basic_auth(&self.client_id, Some(secret.expose_secret()))
            .header("accept", "application/json")
            .form(&[("grant_type", "client_credentials")]);
        let answer = call::send(&self.http, request).await?;
        if !answer.is_success() {
            let problem: Problem = answer.read()?;
            return Err(Refusal::of(&problem).into_error());
        }
        let token: TokenAnswer = answer.read()?;
        let life = TimeDelta::try_seconds(token.expires_in).unwrap_or_default();
        Ok(Token { bearer: token.access_token.into(), until: asked_at + life - MARGIN })
    }
}
