//! From the shopper's consent to a bearer token.
//!
//! The one-time code comes back with the shopper's browser, or, where that way was lost, with Grab's status. The token
//! lives about a year and is needed for refunds: the flow stores it before money is taken.

use reqwest::Method;
use secrecy::ExposeSecret;

use super::api::Said;
use super::secrets::{Kept, Token};
use super::{GrabPay, wire};
use crate::gateways::{GatewayError, GatewaySecrets, PaymentRequest};
use chrono::TimeDelta;

/// There is no code to buy a token with.
pub(super) const NO_CONSENT: &str = "no_consent";
/// A token is not used in its last minute.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

impl GrabPay {
    /// The secrets with a token in them; `None` when one is there already.
    ///
    /// # Errors
    /// Nothing was charged: what goes wrong here is [`GatewayError::NotSent`], a refusal or a throttle.
    pub(super) async fn earn_token(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Option<GatewaySecrets>, GatewayError> {
        let kept = Kept::open(secrets)?;
        if self.present_token(&kept).is_some() {
            return Ok(None);
        }
        self.buy_token(request, kept).await.map(|kept| Some(kept.seal())).map_err(uncharged)
    }

    /// A token for a call in the shopper's name, kept or bought.
    pub(super) async fn token(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<String, GatewayError> {
        let mut kept = Kept::open(secrets)?;
        if self.present_token(&kept).is_none() {
            kept = self.buy_token(request, kept).await.map_err(uncharged)?;
        }
        let token = self.present_token(&kept);
        token.map(str::to_owned).ok_or_else(|| GatewayError::NotSent("no token was given".into()))
    }

    fn present_token<'a>(&self, kept: &'a Kept) -> Option<&'a str> {
        let token = kept.token.as_ref().filter(|token| self.api.clock.now() < token.until - MARGIN)?;
        Some(&token.access_token)
    }

    /// With the code that came back; where it is missing or used up, with the one that Grab's status gives.
    async fn buy_token(&self, request: &PaymentRequest, kept: Kept) -> Result<Kept, GatewayError> {
        if let Some(code) = kept.code.clone() {
            match self.exchange(request, &kept, &code).await {
                Ok(token) => return Ok(kept.with_token(token)),
                Err(GatewayError::Refused { code, .. }) => {
                    tracing::info!(code, "GrabPay refused the returned code; asking for another");
                }
                Err(other) => return Err(other),
            }
        }
        let charge: wire::Charge =
            self.api.signed(Method::GET, &self.status_path(request), None::<&()>).await?.granted()?;
        let code =
            charge.oauth_code.filter(|code| !code.is_empty()).ok_or_else(|| GatewayError::Refused {
                code: NO_CONSENT.into(),
                message: "the shopper has not agreed, or the consent has lapsed".into(),
                retry_later: true,
            })?;
        let token = self.exchange(request, &kept, &code).await?;
        Ok(kept.with_token(token))
    }

    async fn exchange(
        &self,
        request: &PaymentRequest,
        kept: &Kept,
        code: &str,
    ) -> Result<Token, GatewayError> {
        let asked_at = self.api.clock.now();
        let body = wire::TokenRequest {
            grant_type: "authorization_code",
            client_id: &self.client_id,
            client_secret: self.api.client_secret.expose_secret(),
            code_verifier: &kept.code_verifier,
            redirect_uri: &request.return_url,
            code,
        };
        let said: Said<wire::TokenAnswer> = self.api.plain("/grabid/v1/oauth2/token", &body).await?;
        let answer = said.granted()?;
        let life = TimeDelta::try_seconds(answer.expires_in).unwrap_or_default();
        Ok(Token { access_token: answer.access_token, until: asked_at + life })
    }
}

/// Whatever stays unknown before the charge itself, the charge was not sent.
fn uncharged(error: GatewayError) -> GatewayError {
    match error {
        GatewayError::OutcomeUnknown(why) => GatewayError::NotSent(format!("no token: {why}")),
        other => other,
    }
}
