//! One call: the secret key as the user of basic authentication, and what an answer means.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::errors::Refusal;
use super::wire::{Page, Problem};
use crate::gateways::GatewayError;
use crate::gateways::call::{self, Answer};
use crate::gateways::transport::Transport;

/// The API, for one account.
#[derive(Debug)]
pub(super) struct Api {
    http: Transport,
    base_url: String,
    secret_key: SecretString,
}

/// An answer that was understood.
#[derive(Debug)]
pub(super) enum Said<T> {
    Yes(T),
    /// 404.
    Nothing,
    No(Refusal),
}

impl<T> Said<T> {
    /// The answer; every refusal is an error.
    pub fn granted(self) -> Result<T, GatewayError> {
        match self {
            Said::Yes(value) => Ok(value),
            Said::No(refusal) => Err(refusal.into_error()),
            Said::Nothing => Err(GatewayError::Refused {
                code: "DATA_NOT_FOUND".into(),
                message: "Xendit knows no such payout".into(),
                retry_later: false,
            }),
        }
    }
}

impl Api {
    pub fn new(http: Transport, base_url: String, secret_key: SecretString) -> Api {
        Api { http, base_url, secret_key }
    }

    /// `query` is sent escaped.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, GatewayError> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let answer = call::send(&self.http, self.request(Method::GET, &format!("{path}?{query}"))).await?;
        let first = answer.bytes().iter().find(|byte| !byte.is_ascii_whitespace());
        if answer.is_success() && first == Some(&b'[') {
            return answer.read();
        }
        let page: Page<T> = match read(&answer)? {
            Said::Nothing => return Ok(vec![]),
            said => said.granted()?,
        };
        // What is asked for has one or two rows: more than a page of them is nothing we can judge.
        if page.has_more == Some(true) {
            return Err(GatewayError::OutcomeUnknown("Xendit lists more than was asked for".into()));
        }
        Ok(page.data)
    }

    /// `key` is the idempotency key.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Said<T>, GatewayError> {
        let mut request =
            self.request(Method::POST, path).header("content-type", "application/json").body(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        read(&call::send(&self.http, request).await?)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        request.basic_auth(self.secret_key.expose_secret(), Some(""))
    }
}

/// 404 and Xendit's own refusals are answers; a 4xx without a code of Xendit's proves nothing.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Said<T>, GatewayError> {
    if answer.is_success() {
        return answer.read().map(Said::Yes);
    }
    let problem: Problem = answer.read()?;
    if answer.status == 404 && problem.error_code.is_some() {
        return Ok(Said::Nothing);
    }
    let unknown = || GatewayError::OutcomeUnknown(format!("HTTP {}", answer.status));
    Refusal::of(answer.status, problem).map(Said::No).ok_or_else(unknown)
}
