//! A bank's channel for ISO 20022 files over HTTP: a pain.001 is posted once under its message id, its pain.002 is asked
//! for by the same id.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::pain001::message;
use super::{StatusReport, TransactionStatus, read_pain002};
use crate::clock::Clock;
use crate::domain::payouts::{PayoutReport, PayoutStatus};
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

    /// What the bank says of each payout of a batch: its own word, else the batch's, else the whole file's. A payment that
    /// it names and that is none of the batch is told as well, so that somebody looks.
    ///
    /// # Errors
    /// [`GatewayError::OutcomeUnknown`] for a report on another file.
    fn report(
        &self,
        batch: &PayoutBatchRequest,
        told: &StatusReport,
    ) -> Result<PayoutBatchReport, GatewayError> {
        if told.message != batch.request_ref {
            let why = "the bank's status report is about another file".to_owned();
            return Err(GatewayError::OutcomeUnknown(why));
        }
        let ours = |status: &&TransactionStatus| status.batch == batch.request_ref;
        let whole = |status: &&TransactionStatus| status.end_to_end.is_empty();
        let of_batch = told.statuses.iter().filter(whole).find(ours);
        let whole = of_batch.or(told.statuses.iter().filter(whole).find(|status| status.batch.is_empty()));
        let mut each: BTreeMap<&str, PayoutStatus> = BTreeMap::new();
        for status in told.statuses.iter().filter(|status| !status.end_to_end.is_empty()) {
            let (meaning, name) = (status.meaning(), status.end_to_end.as_str());
            match each.get_mut(name) {
                // Said twice and not the same: nothing is concluded.
                Some(before) if *before != meaning => {
                    *before = PayoutStatus::Unknown { raw: "it is said twice, and differently".to_owned() };
                }
                Some(_) => {}
                None => {
                    each.insert(name, meaning);
                }
            }
        }
        let at = self.clock.now();
        let says = |payout, status| PayoutReport { payout, rail_ref: None, status, fee: None, at };
        let mut payouts: Vec<PayoutReport> = vec![];
        for order in &batch.orders {
            let own = each.remove(order.payout.to_string().as_str());
            let status = own.or(whole.map(TransactionStatus::meaning)).unwrap_or(PayoutStatus::Pending);
            payouts.push(says(order.payout, status));
        }
        for (stranger, status) in each {
            match stranger.parse() {
                Ok(payout) => payouts.push(says(payout, status)),
                Err(_) => {
                    let name = stranger.escape_debug();
                    tracing::warn!(batch = %batch.batch, %name, "the bank speaks of a payment that is none of ours");
                }
            }
        }
        Ok(PayoutBatchReport { rail_ref: Some(batch.request_ref.clone()), payouts })
    }

    fn read(&self, batch: &PayoutBatchRequest, body: &[u8]) -> Result<PayoutBatchReport, GatewayError> {
        let text =
            std::str::from_utf8(body).map_err(|error| GatewayError::OutcomeUnknown(error.to_string()))?;
        let told = read_pain002(text).map_err(|error| GatewayError::OutcomeUnknown(error.to_string()))?;
        self.report(batch, &told)
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

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        let file = message(batch)?;
        let request =
            self.request(Method::POST, "payments")?.header(CONTENT_TYPE, "application/xml").body(file);
        let answer = call::send(&self.http, request).await?;
        if !answer.is_success() {
            return Err(GatewayError::OutcomeUnknown(format!("HTTP {}", answer.status)));
        }
        self.read(batch, answer.bytes())
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        let request = self.request(Method::GET, &format!("payments/{}", batch.request_ref))?;
        let answer = call::send(&self.http, request).await?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_success() => self.read(batch, answer.bytes()).map(Some),
            status => Err(GatewayError::OutcomeUnknown(format!("HTTP {status}"))),
        }
    }
}
