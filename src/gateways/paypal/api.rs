//! One authorised call. A 401 means that nothing happened, so the call is made once more with a fresh token; nothing
//! else is ever sent twice.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::errors::Refusal;
use super::oauth::OAuth;
use super::wire::Problem;
use crate::gateways::GatewayError;
use crate::gateways::call::{self, Answer};
use crate::gateways::transport::Transport;

/// PayPal keeps `PayPal-Request-Id` up to this length.
const REQUEST_ID_LIMIT: usize = 108;

/// PayPal's REST API as one account sees it.
#[derive(Debug)]
pub(super) struct Api {
    http: Transport,
    base_url: String,
    oauth: OAuth,
}

/// A granted call's answer, or PayPal's refusal.
#[derive(Debug)]
pub(super) enum Said<T> {
    /// With the SHA-256 of its body.
    Yes(T, String),
    /// 404.
    Nothing,
    No(Refusal),
}

impl<T> Said<T> {
    /// The answer; every refusal is an error.
    pub fn granted(self) -> Result<T, GatewayError> {
        match self {
            Said::Yes(value, _) => Ok(value),
            Said::No(refusal) => Err(refusal.into_error()),
            Said::Nothing => Err(GatewayError::Refused {
                code: "RESOURCE_NOT_FOUND".into(),
                message: "PayPal knows no such resource".into(),
                retry_later: false,
            }),
        }
    }
}

/// The idempotency key of one act on one reference of ours: `pay_…-capture`.
///
/// # Errors
/// [`GatewayError::NotSent`] when it would be longer than PayPal keeps: cut short it would no longer be unique.
pub(super) fn request_id(reference: &str, act: &str) -> Result<String, GatewayError> {
    let id = format!("{reference}-{act}");
    if id.len() > REQUEST_ID_LIMIT {
        return Err(GatewayError::NotSent("the reference is longer than PayPal keeps".into()));
    }
    Ok(id)
}

impl Api {
    pub fn new(http: Transport, base_url: String, oauth: OAuth) -> Api {
        Api { http, base_url, oauth }
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Said<T>, GatewayError> {
        read(&self.authorised(&Method::GET, path, None, None).await?)
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        request_id: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Said<T>, GatewayError> {
        read(&self.authorised(&Method::POST, path, request_id, Some(body)).await?)
    }

    /// One JSON part of a form, named `input`: what the disputes API takes instead of a plain body. It keeps no request
    /// ids.
    pub async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        input: &[u8],
    ) -> Result<Said<T>, GatewayError> {
        const BOUNDARY: &str = "straits-7f1d2c9a4be84c0f";
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"input\"\r\nContent-Type: application/json\r\n\r\n"
        );
        let body = [head.as_bytes(), input, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        read(&self.authorised_as(&Method::POST, path, None, Some(body), &kind).await?)
    }

    async fn authorised(
        &self,
        method: &Method,
        path: &str,
        request_id: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, GatewayError> {
        self.authorised_as(method, path, request_id, body, "application/json").await
    }

    async fn authorised_as(
        &self,
        method: &Method,
        path: &str,
        request_id: Option<&str>,
        body: Option<Vec<u8>>,
        content_type: &str,
    ) -> Result<Answer, GatewayError> {
        let token = self.oauth.token().await?;
        let answer = self.once(method, path, request_id, body.clone(), content_type, &token).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let token = self.oauth.renewed(&token).await?;
        self.once(method, path, request_id, body, content_type, &token).await
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        request_id: Option<&str>,
        body: Option<Vec<u8>>,
        content_type: &str,
        token: &SecretString,
    ) -> Result<Answer, GatewayError> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base_url))
            .bearer_auth(token.expose_secret())
            .header("content-type", content_type)
            .header("prefer", "return=representation");
        if let Some(request_id) = request_id {
            request = request.header("paypal-request-id", request_id);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        call::send(&self.http, request).await
    }
}

/// 404 and PayPal's own refusals are answers; a 4xx without PayPal's envelope, and a 409 (the same request id is being
/// worked on), prove nothing.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Said<T>, GatewayError> {
    if answer.is_success() {
        return answer.read().map(|value| Said::Yes(value, answer.sha256()));
    }
    let refusal = Refusal::of(&answer.read::<Problem>()?);
    match answer.status {
        _ if refusal.is_unnamed() => Err(GatewayError::OutcomeUnknown(format!("HTTP {}", answer.status))),
        404 => Ok(Said::Nothing),
        408 | 409 => Err(GatewayError::OutcomeUnknown(format!("HTTP {}: {}", answer.status, refusal.code))),
        _ => Ok(Said::No(refusal)),
    }
}
