//! A bank's channel for ISO 20022 files over HTTP: a pain.001 is posted once under its message id, its pain.002 is asked
//! for by the same id.

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::bank_id::to_bank;
use super::pain001::{former_message, message};
use super::{held_against, read_pain002, said};
use crate::clock::Clock;
use crate::gateways::call;
use crate::gateways::transport::Transport;
use crate::gateways::{GatewayError, PayoutBatchReport, PayoutBatchRequest, Payouts};
use crate::money::Currency;

/// The channel.
#[derive(Debug, Clone)]
pub struct BankChannel {
    base: Url,
    token: Option<SecretString>,
    http: Transport,
    clock: Clock,
}

impl BankChannel {
    /// Over the bank's address, which ends with a slash; `token` is sent as a bearer's.
    pub fn new(base: Url, token: Option<SecretString>, http: Transport, clock: Clock) -> BankChannel {
        BankChannel { base, token, http, clock }
    }

    fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, GatewayError> {
        let url = self.base.join(path).map_err(|error| GatewayError::NotSent(error.to_string()))?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        })
    }

    fn read(&self, batch: &PayoutBatchRequest, body: &[u8]) -> Result<PayoutBatchReport, GatewayError> {
        let unknown = |error: &dyn std::fmt::Display| GatewayError::OutcomeUnknown(error.to_string());
        let text = std::str::from_utf8(body).map_err(|error| unknown(&error))?;
        let told = read_pain002(text).map_err(|error| unknown(&error))?;
        held_against(batch, &told).map_err(|error| unknown(&error))?;
        said(batch, &told, self.clock.now()).map_err(|error| unknown(&error))
    }
}

#[async_trait]
impl Payouts for BankChannel {
    fn batch_limit(&self) -> usize {
        1_000
    }

    fn payout_currencies(&self) -> Vec<Currency> {
        Currency::all().collect()
    }

    fn file(&self, batch: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        message(batch).map(Some)
    }

    fn former_file(&self, batch: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        former_message(batch).map(Some)
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        let file = message(batch)?;
        let request =
            self.request(Method::POST, "payments")?.header(CONTENT_TYPE, "application/xml").body(file);
        let answer = call::send(&self.http, request).await?;
        if !answer.is_success() {
            return Err(GatewayError::OutcomeUnknown(format!("HTTP {}", answer.status)));
        }
        // No earlier call was taken on: these are the payments of the file.
        let sent = PayoutBatchRequest { carried: None, ..batch.clone() };
        self.read(&sent, answer.bytes())
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        // A file of an earlier program has the id as it is; the bank knows none of a batch that it knows by neither.
        for id in [to_bank(&batch.request_ref), batch.request_ref.clone()] {
            let request = self.request(Method::GET, &format!("payments/{id}"))?;
            let answer = call::send(&self.http, request).await?;
            match answer.status {
                404 => {}
                _ if answer.is_success() => return self.read(batch, answer.bytes()).map(Some),
                status => return Err(GatewayError::OutcomeUnknown(format!("HTTP {status}"))),
            }
        }
        Ok(None)
    }
}
