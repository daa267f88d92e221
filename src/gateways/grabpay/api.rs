//! The two ways of calling Grab: signed with the partner's secret, or in the shopper's name with a bearer token and
//! proof that we hold the client secret it belongs to. Signed is the path *after* the base address's own.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWrite;

use super::errors::{Class, Refusal};
use super::sign::{self, Signed};
use super::wire::Problem;
use crate::clock::Clock;
use crate::gateways::bills::{BILL_LIMIT, BillError};
use crate::gateways::call::{self, Answer};
use crate::gateways::transport::Transport;
use crate::gateways::{Context, GatewayError};

const JSON: &str = "application/json";

/// Grab's partner API as one account sees it.
#[derive(Debug)]
pub(super) struct Api {
    http: Transport,
    pub clock: Clock,
    base_url: String,
    partner_id: String,
    /// The newest; Grab accepts the one before while it is being rotated.
    partner_secret: SecretString,
    pub client_secret: SecretString,
}

/// A granted call's answer, or Grab's refusal.
#[derive(Debug)]
pub(super) enum Said<T> {
    /// With the SHA-256 of its body.
    Yes(T, String),
    /// 404.
    Nothing(Refusal),
    No(Refusal),
}

impl<T> Said<T> {
    pub fn granted(self) -> Result<T, GatewayError> {
        match self {
            Said::Yes(value, _) => Ok(value),
            Said::Nothing(refusal) | Said::No(refusal) => Err(refusal.into_error()),
        }
    }
}

impl Api {
    /// `None` when a list of secrets is empty.
    pub fn new(
        context: &Context,
        base_url: String,
        (partner_id, partner_secrets): (String, Vec<SecretString>),
        client_secrets: Vec<SecretString>,
    ) -> Option<Api> {
        Some(Api {
            http: context.http.clone(),
            clock: context.clock.clone(),
            base_url,
            partner_id,
            partner_secret: partner_secrets.into_iter().next()?,
            client_secret: client_secrets.into_iter().next()?,
        })
    }

    /// The whole address of a path.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Signed with the partner's secret.
    pub async fn signed<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Said<T>, GatewayError> {
        let body = body.map(write).transpose()?.unwrap_or_default();
        let date = sign::write_date(self.clock.wall());
        let signed = Signed { method: method.as_str(), content_type: JSON, date: &date, path, body: &body };
        let signature = signed.signature(self.partner_secret.expose_secret());
        let request = self
            .request(method, path, body)
            .header("date", date)
            .header("authorization", format!("{}:{signature}", self.partner_id));
        self.read(&call::send(&self.http, request).await?)
    }

    /// In the shopper's name.
    pub async fn bearer<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        token: &str,
    ) -> Result<Said<T>, GatewayError> {
        let now = self.clock.wall();
        let request = self
            .request(method, path, body.map(write).transpose()?.unwrap_or_default())
            .header("date", sign::write_date(now))
            .header("x-gid-aux-pop", sign::possession(self.client_secret.expose_secret(), token, now))
            .bearer_auth(token);
        self.read(&call::send(&self.http, request).await?)
    }

    /// Neither: GrabID reads the client secret from the body.
    pub async fn plain<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Said<T>, GatewayError> {
        self.read(&call::send(&self.http, self.request(Method::POST, path, write(body)?)).await?)
    }

    /// A file of the partner's, signed as a GET of its own path; answers its length. Our secrets sign only what lies
    /// below the base address: another host is asked without them.
    pub async fn file(
        &self,
        address: &str,
        into: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<u64, BillError> {
        let date = sign::write_date(self.clock.wall());
        let mut request =
            self.http.request(Method::GET, address).header("date", &date).header("content-type", JSON);
        if let Some(path) = address.strip_prefix(&self.base_url) {
            let signed = Signed { method: "GET", content_type: JSON, date: &date, path, body: &[] };
            let signature = signed.signature(self.partner_secret.expose_secret());
            request = request.header("authorization", format!("{}:{signature}", self.partner_id));
        }
        call::stream(&self.http, request, into, BILL_LIMIT).await
    }

    fn request(&self, method: Method, path: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.address(path)).header("content-type", JSON);
        if body.is_empty() { request } else { request.body(body) }
    }

    /// A 4xx without Grab's own words proves nothing. A refused signature is told with the clocks' distance.
    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<Said<T>, GatewayError> {
        if answer.is_success() {
            return answer.read().map(|value| Said::Yes(value, answer.sha256()));
        }
        let unknown = || GatewayError::OutcomeUnknown(format!("HTTP {}", answer.status));
        let mut refusal = Refusal::of(answer.read::<Problem>()?).ok_or_else(unknown)?;
        match answer.status {
            404 => Ok(Said::Nothing(refusal)),
            408 => Err(unknown()),
            401 => {
                if let Some(skew) = answer.clock_skew(self.clock.wall(), sign::SKEW_S) {
                    tracing::warn!(skew, "GrabPay refused a signature");
                    refusal.message = skew;
                }
                refusal.class = Class::Later;
                Ok(Said::No(refusal))
            }
            _ => Ok(Said::No(refusal)),
        }
    }
}

fn write(body: &impl Serialize) -> Result<Vec<u8>, GatewayError> {
    serde_json::to_vec(body).map_err(|error| GatewayError::NotSent(error.to_string()))
}
